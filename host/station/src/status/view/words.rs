//! Phrases that all views share.

use helio_distill::ErrorRate;

use super::super::{Device, Line, Lost, Phase, StageLoad, Status};
use crate::term::{grouped, si, trimmed};

/// A figure that is not known.
pub const UNKNOWN: &str = "-";

/// A span of time with two units at most: `2 h 13 min`.
pub fn span(seconds: u64) -> String {
    let two = |whole: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole} {unit}"),
        _ => format!("{whole} {unit} {rest} {small}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// How long ago; a clock that was set back makes it now.
pub fn ago(unix_s: u64, now_unix_s: u64) -> String {
    format!("{} ago", span(now_unix_s.saturating_sub(unix_s)))
}

/// `Bob` for `bob`.
pub fn role(status: &Status) -> String {
    let mut letters = status.station.role.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "a station".to_owned(),
    }
}

/// `running for 2 h 13 min`.
pub fn phase(status: &Status) -> String {
    let (words, now) = (status.phase.words(), status.station.now_unix_s);
    match status.phase_since_unix_s {
        Some(since) => format!("{words} for {}", span(now.saturating_sub(since))),
        None => words.to_owned(),
    }
}

/// `ready`, or `not ready` of a station that seems to be.
pub fn readiness(status: &Status) -> Option<&'static str> {
    match (status.phase, status.ready) {
        (_, true) => Some("ready"),
        (Phase::Running, false) => Some("not ready"),
        _ => None,
    }
}

/// `Bob with "alice", SIMULATED`.
pub fn station(status: &Status) -> String {
    let station = &status.station;
    format!("{} with \"{}\", {}", role(status), station.peer, station.origin)
}

/// What it waits for, if it says so; that its figures are old, if they are.
pub fn waiting(status: &Status) -> Option<String> {
    const OLD_S: u64 = 10;
    let station = &status.station;
    let age = station.updated_unix_s.map_or(0, |at| station.now_unix_s.saturating_sub(at));
    let stale = (age > OLD_S)
        .then(|| format!("its figures are {} old: its threads hang, look at its log", span(age)));
    match (stale, &status.waiting_for) {
        (Some(stale), Some(wait)) => Some(format!("{stale}; {wait}")),
        (stale, wait) => stale.or_else(|| wait.clone()),
    }
}

/// `0.99 [0.91, 1.07] %`.
pub fn qber(rate: Option<&ErrorRate>) -> String {
    let known = rate.and_then(|r| Some((r.rate?, r)));
    known.map_or(UNKNOWN.to_owned(), |(rate, r)| {
        format!("{:.2} [{:.2}, {:.2}] %", 100.0 * rate, 100.0 * r.low, 100.0 * r.high)
    })
}

/// `0.99 %`.
pub fn percent(rate: Option<&ErrorRate>) -> String {
    rate.and_then(|r| r.rate).map_or(UNKNOWN.to_owned(), |rate| format!("{:.2} %", 100.0 * rate))
}

/// `18.2 kbit/s`.
pub fn bit_rate(bits_per_s: f64) -> String {
    si(bits_per_s, "bit/s", 3)
}

/// `sift 84.1 Mbit/s, waited 2.3 s, 1 waits`; `None` before there is anything to say.
pub fn stage(stage: &StageLoad) -> Option<String> {
    let rate = stage.mbit_per_s?;
    let mut text = format!("{} {}", stage.stage, bit_rate(rate * 1e6));
    if stage.wait_s >= 0.05 {
        text.push_str(&format!(", waited {:.1} s", stage.wait_s));
    }
    if stage.queue > 0 {
        text.push_str(&format!(", {} before it", grouped(stage.queue)));
    }
    Some(text)
}

/// `84.1 k/s`.
pub fn rate(per_s: f64) -> String {
    si(per_s, "/s", 3)
}

/// `+12 ps`.
pub fn offset(ps: Option<f64>) -> String {
    ps.map_or(UNKNOWN.to_owned(), |ps| {
        format!("{}{} ps", if ps > 0.0 { "+" } else { "" }, trimmed(ps, 3))
    })
}

/// `1.2e-8`.
pub fn small(value: f64) -> String {
    match value == 0.0 || !value.is_finite() {
        true => trimmed(value, 1),
        false => format!("{value:.2e}"),
    }
}

/// How long the pads for blocks last at the rate of the last blocks, in seconds; `None` without one.
pub fn pads_last_s(status: &Status) -> Option<u64> {
    Some((status.seconds_a_block()? * status.pads.block_left as f64) as u64)
}

/// A span of time with one unit, rounded down: `19 h`.
pub fn short_span(seconds: u64) -> String {
    span(seconds).split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// What was lost, or `nothing`.
pub fn lost(lost: &Lost) -> String {
    let Lost { tags, frames, slots_without_setting: slots } = *lost;
    let parts = [(tags, "tags"), (frames, "frames"), (slots, "slots without setting")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", grouped(*n)))
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// How a device is, what went wrong since it started, then which one it is.
pub fn device(device: &Device) -> String {
    let mut state = Vec::new();
    if !device.connected {
        state.push("does not answer".to_owned());
    }
    if !device.interlock.is_empty() {
        state.push(format!("interlock {}", device.interlock));
    }
    match device.locked {
        Some(true) => state.push("locked".to_owned()),
        Some(false) => state.push("not locked".to_owned()),
        None => {}
    }
    let counts = [
        (device.lock_losses, "lock losses"),
        (device.lost_edges, "edges lost"),
        (device.lost_settings, "settings lost"),
        (device.starved_slots, "slots starved"),
        (device.bad_frames, "bad frames"),
    ];
    let faults = counts.iter().filter(|(count, _)| *count > 0);
    state.extend(faults.map(|(count, what)| format!("{what} {}", grouped(*count))));
    let mut which = vec![device.address.as_str()];
    which.extend(device.board.as_deref());
    which.extend(device.serial.as_deref());
    let (rate, slots) = (si(device.slot_rate_hz, "Hz", 4), grouped(device.slots));
    format!("{}; {}; {slots} slots at {rate}", state.join(", "), which.join(" "))
}

/// How a line is, then where it leads and what went over it.
pub fn line(line: &Line, now_unix_s: u64) -> String {
    let mut text = if line.connected { "connected" } else { "down" }.to_owned();
    if let Some(since) = line.since_unix_s {
        text.push_str(&format!(" for {}", span(now_unix_s.saturating_sub(since))));
    }
    if line.failed_contacts > 0 {
        text.push_str(&format!(", failed contacts {}", grouped(line.failed_contacts)));
    }
    if let Some(fault) = line.last_fault.as_ref().filter(|_| !line.connected) {
        text.push_str(&format!(": {fault}"));
    }
    let bytes = |count: u64| si(count as f64, "B", 3);
    let (received, sent) = (bytes(line.bytes_in), bytes(line.bytes_out));
    let (endpoint, contacts) = (&line.endpoint, grouped(line.contacts));
    format!("{text}; {endpoint}; {received} in, {sent} out; contacts made {contacts}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (250, "4 min 10 s"),
            (3_600, "1 h"),
            (7_999, "2 h 13 min"),
            (86_400 * 3 + 4 * 3_600 + 59, "3 d 4 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert!(span(u64::MAX).contains(" d"));
        assert_eq!(ago(50, 40), "0 s ago");
    }

    #[test]
    fn losses_are_named_or_nothing() {
        assert_eq!(lost(&Lost::default()), "nothing");
        let some = Lost { tags: 1200, frames: 0, slots_without_setting: 3 };
        assert_eq!(lost(&some), "1 200 tags, 3 slots without setting");
    }

    #[test]
    fn a_station_whose_figures_are_old_says_so() {
        let mut status = Status::default();
        status.station.now_unix_s = 100;
        status.station.updated_unix_s = Some(95);
        assert_eq!(waiting(&status), None);
        status.station.updated_unix_s = Some(60);
        status.waiting_for = Some("more".into());
        let words = waiting(&status).unwrap();
        assert!(words.contains("40 s old") && words.ends_with("; more"), "{words}");
    }
}
