//! Commands as they are written down: those that hold a secret without it.

use helio_wire::{Concealed, Decoder, HostMessage, MAX_FRAME, decode_host, encode_host};
use zeroize::Zeroizing;

/// What stands in the place of random bytes and of seeds.
const ZEROS: [u8; helio_wire::MAX_FEED] = [0; helio_wire::MAX_FEED];

/// Cuts what a host sends into its commands, each of which is written when it is whole.
#[derive(Default)]
pub(super) struct Commands {
    /// Of a command that is not whole yet.
    begun: Zeroizing<Vec<u8>>,
}

impl Commands {
    /// Takes bytes that are sent and hands over what may be written of them. Bytes that are no
    /// frame are as they were.
    pub fn push<E>(
        &mut self,
        mut bytes: &[u8],
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            let (frame, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.begun.is_empty() {
                put(frame, &mut write)?;
            } else {
                self.extend(frame);
                let whole = std::mem::take(&mut self.begun);
                put(&whole, &mut write)?;
            }
        }
        self.extend(bytes);
        // No command is so long.
        if self.begun.len() > MAX_FRAME {
            let noise = std::mem::take(&mut self.begun);
            write(&noise)?;
        }
        Ok(())
    }

    /// Grows without leaving what it held where it was.
    fn extend(&mut self, bytes: &[u8]) {
        if self.begun.capacity() - self.begun.len() < bytes.len() {
            let mut larger =
                Zeroizing::new(Vec::with_capacity((self.begun.len() + bytes.len()).max(MAX_FRAME)));
            larger.extend_from_slice(&self.begun);
            self.begun = larger;
        }
        self.begun.extend_from_slice(bytes);
    }
}

/// Writes a frame, zeros in place of its secret if it has one: kind, number and length stay.
fn put<E>(frame: &[u8], write: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut decoder = Decoder::new();
    let mut without = None;
    decoder.push(frame, |frame| {
        let Ok((header, message)) = frame.map_err(drop).and_then(|f| decode_host(f).map_err(drop))
        else {
            return;
        };
        let zeros = match message {
            HostMessage::Seed(_) => HostMessage::Seed(Concealed(&[0; 32])),
            HostMessage::Feed(random) => HostMessage::Feed(Concealed(&ZEROS[..random.0.len()])),
            _ => return,
        };
        let mut concealed = [0; MAX_FRAME];
        let length = encode_host(&header, &zeros, &mut concealed);
        without = Some((concealed, length.unwrap_or(0)));
    });
    decoder.wipe();
    match without {
        Some((concealed, length)) => write(&concealed[..length]),
        None => write(frame),
    }
}
