//! Frames onto the cable: who may use the last bytes of room, and the count of each stream.

use helio_wire::{CHECKSUM_LENGTH, DeviceMessage, HEADER_LENGTH, Header, Stream, encode_device};

/// The way to the host, as far as the board can take bytes now.
///
/// For authors of a board: this is the queue in front of the USB endpoint or the UART. Frames go
/// in whole and come out in order.
pub trait Transmit {
    /// Bytes that [`Transmit::send`] takes now.
    fn space(&self) -> usize;

    /// Queues a whole frame; never called with more than [`Transmit::space`] bytes.
    fn send(&mut self, frame: &[u8]);
}

/// Room that data frames leave free, in bytes: 16 answers, a health report and some log lines fit
/// in, so that a host that drowns in data still gets its answers. A cable's queue should hold at
/// least three times this.
pub const CONTROL_HEADROOM: usize = 2048;

/// A cable shared by both planes, as the data plane sees it: without the headroom.
pub struct DataLane<'a, T>(pub &'a mut T);

impl<T: Transmit> Transmit for DataLane<'_, T> {
    fn space(&self) -> usize {
        self.0.space().saturating_sub(CONTROL_HEADROOM)
    }

    fn send(&mut self, frame: &[u8]) {
        self.0.send(frame);
    }
}

/// Length of a buffer for frames whose payload is no longer than this: stuffing takes a byte in
/// 254, and one more, and the final zero another one.
pub(crate) const fn frame_room(payload: usize) -> usize {
    let raw = HEADER_LENGTH + payload + CHECKSUM_LENGTH;
    raw + raw / 254 + 3
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// There is no room for it now.
    NoRoom,
    /// The message has no form on the wire. It is of our own making, so this does not happen.
    NoForm,
}

/// One stream of frames with its own count. A frame that is not sent takes no number: a hole in
/// the numbers is a loss on the cable, never one in the device.
#[derive(Clone, Debug)]
pub(crate) struct Outlet {
    stream: Stream,
    boot_nonce: u32,
    sequence: u32,
}

impl Outlet {
    pub fn new(stream: Stream, boot_nonce: u32) -> Outlet {
        Outlet::counting_from(stream, boot_nonce, 0)
    }

    pub fn counting_from(stream: Stream, boot_nonce: u32, sequence: u32) -> Outlet {
        Outlet { stream, boot_nonce, sequence }
    }

    /// Encodes into `buffer` and sends, or does nothing.
    pub fn send(
        &mut self,
        epoch: u16,
        message: &DeviceMessage<'_>,
        buffer: &mut [u8],
        tx: &mut impl Transmit,
    ) -> Result<(), NotSent> {
        debug_assert_eq!(message.stream(), self.stream);
        let header = Header {
            stream: self.stream,
            boot_nonce: self.boot_nonce,
            epoch,
            sequence: self.sequence,
        };
        let length = match encode_device(&header, message, buffer) {
            Ok(length) => length,
            Err(error) => {
                debug_assert!(false, "a message of our own making: {error}");
                return Err(NotSent::NoForm);
            }
        };
        if length > tx.space() {
            return Err(NotSent::NoRoom);
        }
        tx.send(&buffer[..length]);
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }
}
