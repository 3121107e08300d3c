//! A status in one line, for a log.

use super::super::Status;
use super::words;
use crate::term::grouped;

/// One line without its end.
pub fn line(status: &Status) -> String {
    let mut parts = vec![format!("{} {}", words::role(status), words::phase(status))];
    parts.extend(words::readiness(status).map(str::to_owned));
    if let Some(newest) = status.last_blocks.first() {
        let key = match &newest.no_key {
            Some(_) => "no key".to_owned(),
            None => format!("{} bits", grouped(newest.key_bits)),
        };
        let test = words::percent(newest.test_qber.as_ref());
        parts.push(format!("block {}: QBER {test}, {key}", newest.block));
    }
    parts.push(format!("key {}", words::bit_rate(status.rates.key_bits_per_s)));
    parts.push(format!("pads {}", grouped(status.pads.block_left)));
    parts.push(format!("epsilon {}", words::small(status.epsilon.spent)));
    parts.push(format!("lost {}", words::lost(&status.lost)));
    parts.extend(words::waiting(status).map(|wait| format!("waiting: {wait}")));
    parts.join("; ")
}
