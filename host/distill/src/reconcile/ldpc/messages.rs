//! The bytes of verdicts and of words.

use crate::reconcile::ReconcileError;

/// Words, least significant byte first.
pub fn write_words(words: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    words.for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// Reads them; bytes that make no whole word are left out.
pub fn read_words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| u64::from_le_bytes(*word))
}

/// Bit i is set if the i-th of the outstanding frames failed.
pub fn encode_verdicts(outstanding: &[usize], failed: &[usize]) -> Vec<u8> {
    let mut verdicts = vec![0; outstanding.len().div_ceil(8)];
    for (i, _) in outstanding.iter().enumerate().filter(|(_, frame)| failed.contains(frame)) {
        verdicts[i / 8] |= 1 << (i % 8);
    }
    verdicts
}

/// The frames that failed.
pub fn parse_verdicts(message: &[u8], outstanding: &[usize]) -> Result<Vec<usize>, ReconcileError> {
    if message.len() != outstanding.len().div_ceil(8) {
        return Err(ReconcileError::Malformed("verdicts have another length"));
    }
    let set = |i: usize| message[i / 8] >> (i % 8) & 1 == 1;
    if (outstanding.len()..8 * message.len()).any(set) {
        return Err(ReconcileError::Malformed("verdicts have bits in their padding"));
    }
    Ok(outstanding.iter().enumerate().filter(|(i, _)| set(*i)).map(|(_, frame)| *frame).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn verdicts_go_round(outstanding in proptest::collection::btree_set(0usize..500, 0..70), pick in any::<u64>()) {
            let outstanding: Vec<usize> = outstanding.into_iter().collect();
            let failed: Vec<usize> =
                outstanding.iter().filter(|f| pick >> (**f % 64) & 1 == 1).copied().collect();
            let bytes = encode_verdicts(&outstanding, &failed);
            prop_assert_eq!(parse_verdicts(&bytes, &outstanding), Ok(failed));
        }

        #[test]
        fn any_bytes_are_refused_or_have_one_reading(bytes in proptest::collection::vec(any::<u8>(), 0..12), frames in 0usize..90) {
            let outstanding: Vec<usize> = (0..frames).collect();
            if let Ok(failed) = parse_verdicts(&bytes, &outstanding) {
                prop_assert_eq!(encode_verdicts(&outstanding, &failed), bytes);
            }
        }
    }
}
