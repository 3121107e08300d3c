//! `kill -9` of real processes at random times: no pad is used twice, no key differs, work goes on.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::desk::{Desk, Process};
use crate::tap::Tap;

/// Kills in one run of the test; more by hand.
const KILLS: u32 = 200;

/// Kills a station and starts it again; gives the log of the life that ended.
fn restart(desk: &Desk, name: &'static str, process: &mut Process) -> Vec<String> {
    let log = process.kill();
    *process = desk.start(name);
    log
}

#[test]
fn killed_at_any_moment_both_stations_go_on_by_themselves() {
    let kills = std::env::var("HELIO_TEST_KILLS").ok().and_then(|n| n.parse().ok());
    let kills: u32 = kills.unwrap_or(KILLS);
    let desk = Desk::with("4x", &["--reserve", "2000"]);
    let tap = Tap::between(&desk);
    let _sim = desk.start("sim");
    let (mut alice, mut bob) = (desk.start("alice"), desk.start("bob"));
    let mut dice = ChaCha20Rng::seed_from_u64(9);
    let (mut victims, mut announced, mut resolved) = ([0; 3], 0, 0);
    for kill in 1..=kills {
        // From the first words of a contact to the middle of a later block.
        std::thread::sleep(Duration::from_millis(u64::from(dice.next_u32() % 1500)));
        let victim = (dice.next_u32() % 5) as usize / 2;
        victims[victim] += 1;
        if victim != 0 {
            restart(&desk, "bob", &mut bob);
        }
        if victim != 1 {
            let log = restart(&desk, "alice", &mut alice);
            let lines = |words: &str| log.iter().filter(|line| line.contains(words)).count();
            announced += lines("bits of key");
            resolved += lines("turned out");
        }
        let twice = tap.seen(|seen| seen.twice.clone());
        assert!(twice.is_empty(), "after kill {kill}: pads used twice: {twice:?}");
    }
    // Work goes on by itself.
    alice.wait_for("bits of key", 2);
    bob.wait_for("bits of key", 2);
    announced += alice.count("bits of key");
    resolved += alice.count("turned out");
    alice.terminate();
    bob.terminate();
    let equal = desk.equal_keys();
    assert!(equal as u32 >= kills / 10, "only {equal} keys in {kills} lives");
    assert!(announced <= equal, "of {announced} keys that Alice told of only {equal} are there");
    let pending = helio_distill::release::BlockState::Pending;
    for name in ["alice", "bob"] {
        let open = desk.blocks(name).values().filter(|(state, _)| *state == pending).count();
        assert_eq!(open, 0, "{name} has unresolved blocks after a contact");
    }
    let (pads, messages) = tap.seen(|seen| (seen.pads_used(), seen.messages));
    println!(
        "{kills} kills (Alice {}, Bob {}, both {}): {equal} equal keys, {pads} pads used, none twice, \
         {messages} messages, {resolved} blocks resolved at a later contact",
        victims[0], victims[1], victims[2]
    );
}
