//! What a message says in the open: for tests, taps and tools. Nothing is checked but its form.

use crate::message::{
    Amplify, Answer, Ask, Declaration, Detections, Envelope, EnvelopeError, FreeSlots, Hello, Kind,
    Malformed, NO_BLOCK, PublicBits, Reader, Role, Sift, Tag, TestResult, Verdict, VerifyKey,
    Writer,
};
use crate::pads::Purpose;
use crate::parameters::Parameters;

/// The open part of a message, as it claims to be; whoever sits on the line may have written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// What it is about.
    pub kind: Kind,
    /// Who sent it.
    pub from: Role,
    /// Which block it belongs to; `None` for contact and the settling of old blocks.
    pub block: Option<u64>,
    /// Position in the block's talk, counted over both directions.
    pub sequence: u32,
    /// Pool and index of the pad of its tag; `None` if it carries no tag or cannot be read.
    pub pad: Option<(Purpose, u64)>,
}

/// Reads the open part of a message; `None` if the bytes begin no message of this version.
pub fn inspect(message: &[u8]) -> Option<Inspected> {
    let (envelope, body) = Envelope::read(message).ok()?;
    let Envelope { kind, from, block, sequence, .. } = envelope;
    let block = (block != NO_BLOCK).then_some(block);
    Some(Inspected { kind, from, block, sequence, pad: pad(kind, body) })
}

fn pad(kind: Kind, body: Reader<'_>) -> Option<(Purpose, u64)> {
    let (purpose, index) = match kind {
        Kind::Tag => (Purpose::Block, Tag::read(body).ok()?.pad),
        Kind::ContactProof => (Purpose::Recovery, Tag::read(body).ok()?.pad),
        Kind::ResolveAsk => (Purpose::Recovery, Ask::read(body).ok()?.pad),
        Kind::ResolveAnswer => (Purpose::Recovery, Answer::read(body).ok()?.pad),
        _ => return None,
    };
    Some((purpose, index))
}

/// What a reader has to know of a block to read what is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The parameters of the run.
    pub parameters: &'a Parameters,
    /// For each announced detection whether Bob's basis was the test basis.
    pub test_basis: &'a [bool],
    /// How many matches there are in the test basis.
    pub tests: usize,
}

/// Reads a message of any kind to its end and writes what was read: the same bytes, as one content
/// has one encoding. For tests and fuzz targets; what the message says is not checked.
///
/// # Errors
/// Why a station would refuse its form.
pub fn rewrite(message: &[u8], context: &Context<'_>) -> Result<Vec<u8>, Malformed> {
    let (envelope, mut body) = Envelope::read(message).map_err(|why| match why {
        EnvelopeError::Malformed(why) => why,
        EnvelopeError::Version(_) | EnvelopeError::Kind(_) => Malformed::BadValue,
    })?;
    let mut out = Writer::default();
    envelope.write(&mut out);
    match envelope.kind {
        Kind::Hello => Hello::read(body)?.write(&mut out),
        Kind::ContactProof | Kind::Tag => Tag::read(body)?.write(&mut out),
        Kind::Detections => {
            let free = FreeSlots::of(context.parameters, envelope.block);
            Detections::read(body, &free, Vec::new())?.write(&mut out, &free);
        }
        Kind::Sift => {
            let test_basis = PublicBits::of(context.test_basis.iter().copied());
            Sift::read(body, &test_basis)?.write(&mut out, &test_basis);
        }
        Kind::TestResult => TestResult::read(body, context.tests)?.write(&mut out),
        Kind::Declaration => {
            Declaration::read(&mut body)?.write(&mut out);
            body.end()?;
        }
        Kind::VerifyKey => VerifyKey::read(body)?.write(&mut out),
        Kind::Amplify => Amplify::read(body)?.write(&mut out),
        Kind::ResolveAsk => Ask::read(body)?.write(&mut out),
        Kind::ResolveAnswer => Answer::read(body)?.write(&mut out),
        Kind::Verdict => {
            Verdict::read(body, context.parameters.takes_key_errors())?.write(&mut out);
        }
        // Read by the engine of reconciliation; a hint that is believed without its form.
        Kind::Reconcile | Kind::Abort => out.raw(body.rest()),
    }
    Ok(out.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::SessionId;
    use crate::release::BlockId;
    use proptest::prelude::*;

    fn message(kind: Kind, block: u64, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut out = Writer::default();
        let envelope = Envelope { kind, from: Role::Bob, block, sequence: 5, time_ns: 6, slot: 7 };
        envelope.write(&mut out);
        body(&mut out);
        out.finish()
    }

    #[test]
    fn the_pad_of_every_kind_of_tag_is_told() {
        let (pad, tag) = (77, [3; 16]);
        let id = BlockId { session: SessionId([1; 16]), block: 2 };
        let plain = |out: &mut Writer| Tag { pad, tag }.write(out);
        let ask = |out: &mut Writer| Ask { blocks: vec![id], pad, tag }.write(out);
        let answer = |out: &mut Writer| {
            Answer { ask_pad: 4, statements: vec![(id, true)], pad, tag }.write(out);
        };
        let tags = [
            (message(Kind::Tag, 9, plain), Some(9), Purpose::Block),
            (message(Kind::ContactProof, NO_BLOCK, plain), None, Purpose::Recovery),
            (message(Kind::ResolveAsk, NO_BLOCK, ask), None, Purpose::Recovery),
            (message(Kind::ResolveAnswer, NO_BLOCK, answer), None, Purpose::Recovery),
        ];
        for (bytes, block, purpose) in tags {
            let seen = inspect(&bytes).expect("a message");
            assert_eq!((seen.from, seen.block, seen.sequence), (Role::Bob, block, 5));
            assert_eq!(seen.pad, Some((purpose, pad)), "{:?}", seen.kind);
            let cut = inspect(&bytes[..bytes.len() - 1]).expect("still an envelope");
            assert_eq!((cut.kind, cut.pad), (seen.kind, None));
        }
        let verdict = message(Kind::Verdict, 3, |out| out.u8(1));
        let seen = inspect(&verdict).expect("a message");
        assert_eq!((seen.kind, seen.block, seen.pad), (Kind::Verdict, Some(3), None));
        assert_eq!(inspect(&verdict[..31]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_inspected_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = inspect(&bytes);
        }

        #[test]
        fn any_body_behind_an_envelope_is_inspected(
            kind in 0u8..16,
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut bytes = message(Kind::Hello, 1, |out| out.raw(&body));
            bytes[1] = kind;
            prop_assert_eq!(inspect(&bytes).is_some(), kind < 14);
            let parameters = Parameters { slots_per_block: 500, ..Parameters::example() };
            let test_basis = [[true, false, false]; 20].concat();
            let context = Context { parameters: &parameters, test_basis: &test_basis, tests: 9 };
            match rewrite(&bytes, &context) {
                Ok(again) => prop_assert_eq!(again, bytes),
                Err(why) => prop_assert!(!why.to_string().is_empty()),
            }
        }
    }
}
