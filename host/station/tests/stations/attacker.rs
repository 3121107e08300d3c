//! A man in the middle who swaps, repeats, cuts short, delays or forges messages: no key comes of it, he is
//! named in the log, and when he leaves both go on by themselves.

use std::time::Duration;

use helio_distill::{Kind, Role};

use crate::desk::{Desk, Process};
use crate::tap::{Tap, pass, talk};

struct Attacked {
    desk: Desk,
    tap: Tap,
    alice: Process,
    bob: Process,
    _sim: Process,
}

impl Attacked {
    /// A desk that makes key, with a tap on its line.
    fn new() -> Attacked {
        let desk = Desk::new("4x");
        for name in ["alice", "bob"] {
            desk.edit(name, "silence = \"30 s\"", "silence = \"1 s\"");
        }
        let tap = Tap::between(&desk);
        let sim = desk.start("sim");
        let mut bob = desk.start("bob");
        let mut alice = desk.start("alice");
        alice.wait_for("bits of key", 2);
        bob.wait_for("bits of key", 2);
        Attacked { desk, tap, alice, bob, _sim: sim }
    }

    /// The attacker leaves: key flows again by itself, and all of it is equal.
    fn recover(mut self, words: &[(&str, &str)]) {
        self.tap.leave();
        let keys = self.alice.count("bits of key");
        self.alice.wait_for("bits of key", keys + 2);
        let (bob, alice) = (self.bob.terminate().1, self.alice.terminate().1);
        for (role, words) in words {
            let log = if *role == "alice" { &alice } else { &bob };
            assert!(
                log.iter().any(|l| l.contains(words)),
                "{role}: no {words:?}:\n{}",
                log.join("\n")
            );
        }
        assert!(self.desk.equal_keys() >= 3);
        let twice = self.tap.seen(|seen| seen.twice.clone());
        assert!(twice.is_empty(), "pads used twice: {twice:?}");
    }
}

/// The place in a message where `share` of it has passed.
fn at(message: &[u8], share: f64) -> usize {
    ((message.len() as f64 * share) as usize).min(message.len() - 1)
}

#[test]
fn forged_bits_of_any_message_make_no_key_and_are_named() {
    let mut attacked = Attacked::new();
    let keys = attacked.alice.count("bits of key");
    // One bit of each second message of a block, at another place each time.
    let mut count = 0u32;
    attacked.tap.meddle(move |_, mut frame| {
        if talk(&frame).is_some_and(|(open, _)| open.block.is_some() && open.kind != Kind::Abort) {
            count += 1;
            if count.is_multiple_of(2) {
                let at = 1 + at(&frame[1..], f64::from(count % 97) / 97.0);
                frame[at] ^= 1 << (count % 8);
            }
        }
        pass(frame)
    });
    attacked.bob.wait_for("failed and is burnt", 6);
    // A block whose last message was on its way when he came may still have ended well.
    assert!(attacked.alice.count("bits of key") <= keys + 1);
    attacked.recover(&[("bob", "failed and is burnt: the other station")]);
}

#[test]
fn forged_tags_are_told_as_such_and_the_reserve_stays() {
    let mut attacked = Attacked::new();
    attacked.tap.meddle(|from, mut frame| {
        if from == Role::Alice
            && talk(&frame).is_some_and(|(open, _)| open.kind == Kind::Tag)
            && let Some(last) = frame.last_mut()
        {
            *last ^= 1;
        }
        pass(frame)
    });
    attacked.bob.wait_for("tag does not fit the block's transcript", 4);
    attacked.alice.wait_for("turned out burnt", 4);
    let status = attacked.desk.status("alice");
    assert!(status["pads"]["recovery_left"].as_u64().unwrap() > 900, "{status}");
    attacked.recover(&[("bob", "somebody altered what was said"), ("alice", "is unresolved")]);
}

#[test]
fn messages_swapped_repeated_or_left_out_make_no_key_and_are_named() {
    let mut attacked = Attacked::new();
    let mut held: Option<Vec<u8>> = None;
    let mut count = 0;
    attacked.tap.meddle(move |from, frame| {
        let in_block = talk(&frame).is_some_and(|(open, _)| open.block.is_some());
        if from != Role::Alice || !in_block {
            return pass(frame);
        }
        count += 1;
        match count % 9 {
            // Held back and sent after the next one.
            0 => {
                held = Some(frame);
                Vec::new()
            }
            // Twice.
            4 => [pass(frame.clone()), pass(frame)].concat(),
            // Never.
            7 => Vec::new(),
            _ => [pass(frame), held.take().map(pass).unwrap_or_default()].concat(),
        }
    });
    attacked.bob.wait_for("failed and is burnt", 4);
    attacked.recover(&[]);
}

#[test]
fn messages_of_an_earlier_contact_are_of_no_use() {
    let mut attacked = Attacked::new();
    // All that Alice says in one contact; then a new contact hears it again in her place.
    let tape = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let write = tape.clone();
    attacked.tap.meddle(move |from, frame| {
        if let Some((open, _)) = talk(&frame).filter(|_| from == Role::Alice) {
            let mut tape = write.lock().expect("no panic");
            if open.kind == Kind::Hello {
                tape.clear();
            }
            tape.push(frame.clone());
        }
        pass(frame)
    });
    attacked.tap.cut();
    attacked.bob.wait_for("contact with", 2);
    attacked.bob.wait_for("bits of key", 4);
    let mut again = std::mem::take(&mut *tape.lock().expect("no panic")).into_iter();
    attacked.tap.meddle(move |from, frame| {
        if from == Role::Alice && talk(&frame).is_some() {
            return again.next().map(pass).unwrap_or_default();
        }
        pass(frame)
    });
    attacked.tap.cut();
    attacked.bob.wait_for("contact lost", 1);
    let keys = attacked.bob.count("bits of key");
    attacked.bob.wait_for("line lost", 2);
    assert_eq!(attacked.bob.count("bits of key"), keys);
    attacked.recover(&[("bob", "contact lost")]);
}

#[test]
fn messages_cut_short_or_delayed_beyond_patience_make_no_key_and_are_named() {
    let mut attacked = Attacked::new();
    let mut count = 0;
    attacked.tap.meddle(move |from, mut frame| {
        if from == Role::Bob && talk(&frame).is_some_and(|(open, _)| open.block.is_some()) {
            count += 1;
            match count % 7 {
                2 => frame.truncate(frame.len() * 2 / 3),
                5 => return vec![(Duration::from_millis(2500), frame)],
                _ => {}
            }
        }
        pass(frame)
    });
    attacked.alice.wait_for("failed and is burnt", 3);
    attacked.recover(&[("alice", "has been silent"), ("alice", "cannot be read")]);
}

#[test]
fn garbage_on_the_line_ends_it_and_not_the_station() {
    let mut attacked = Attacked::new();
    // Ten thousand messages of nothing after each one that is real.
    attacked.tap.meddle(|from, frame| {
        if from == Role::Bob || talk(&frame).is_none() {
            return pass(frame);
        }
        let garbage = (0..10_000u32).map(|i| {
            let noise = i.wrapping_mul(2_654_435_761).to_le_bytes();
            (Duration::ZERO, [&[4][..], &noise, &noise].concat())
        });
        [pass(frame), garbage.collect()].concat()
    });
    attacked.bob.wait_for("messages that no station sends", 1);
    let lines = attacked.bob.log().len();
    assert!(lines < 500, "a flood in the log: {lines} lines");
    attacked.recover(&[("bob", "somebody else is on it")]);
}

#[test]
fn words_that_nobody_has_proven_do_not_fill_the_log() {
    let mut attacked = Attacked::new();
    let lines = attacked.bob.log().len();
    // With each word of Alice a hundred reports of her device, then a thousand farewells.
    attacked.tap.meddle(move |from, frame| {
        if from == Role::Bob || talk(&frame).is_none() {
            return pass(frame);
        }
        let reports = (0..100).map(|i| {
            let word = if i % 2 == 0 { "absent" } else { "running" };
            (Duration::ZERO, format!("\u{2}{{\"device\":\"{word}\"}}").into_bytes())
        });
        let byes = (0..1_000).map(|i| {
            let bye = format!("\u{3}{{\"bye\":\"refused\",\"why\":\"no {i}\"}}");
            (Duration::ZERO, bye.into_bytes())
        });
        [pass(frame), reports.collect(), byes.collect()].concat()
    });
    attacked.bob.wait_for("the other station's device is not there", 2);
    attacked.bob.wait_for("the other station ends the line", 2);
    let more = attacked.bob.log().len() - lines;
    assert!(more < 50, "a flood in the log: {more} lines");
    attacked.recover(&[("bob", "and stops, saying: no 0")]);
}
