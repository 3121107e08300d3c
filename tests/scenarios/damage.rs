//! A bad cable between a device and its station: every loss is counted, and keys are equal or none.

use std::collections::VecDeque;

use helio_distill::release::BlockState;
use helio_link::fault::{Corrupt, Fault, Faulty, Late, Lossy, Sound};
use helio_station::bench::{RunOutcome, Scenario, run, run_with};
use helio_wire::{Role, Stream};

/// Chunks that bring a device up, which pass: a command that is lost is an error at once, by name.
const FIRST: u32 = 6;

/// A fault that begins when the run does.
struct AfterStart<F> {
    passed: u32,
    fault: F,
}

impl<F: Fault> Fault for AfterStart<F> {
    fn pass(&mut self, chunk: Vec<u8>, out: &mut VecDeque<Vec<u8>>) {
        self.passed += 1;
        if self.passed <= FIRST { out.push_back(chunk) } else { self.fault.pass(chunk, out) }
    }

    fn release(&mut self, out: &mut VecDeque<Vec<u8>>) {
        self.fault.release(out);
    }
}

fn after_start<F>(fault: F) -> AfterStart<F> {
    AfterStart { passed: 0, fault }
}

fn scenario() -> Scenario {
    Scenario { slots_per_block: 12_000_000, blocks: 2, ..Scenario::default() }
}

/// The run with the fault on what one device says.
fn damaged<F: Fault + Send + 'static>(role: Role, fault: F) -> RunOutcome {
    let fault = after_start(fault);
    let sound = after_start(Sound);
    let outcome = match role {
        Role::Alice => run_with(
            &scenario(),
            None,
            |a, b| (Faulty::new(a, fault, Sound), Faulty::new(b, sound, Sound)),
            |_| {},
        ),
        Role::Bob => run_with(
            &scenario(),
            None,
            |a, b| (Faulty::new(a, sound, Sound), Faulty::new(b, fault, Sound)),
            |_| {},
        ),
    };
    let outcome = outcome.expect("a bad cable is no reason to end a run");
    equal_or_none(&outcome);
    let (bad, good) = match role {
        Role::Alice => (&outcome.alice, &outcome.bob),
        Role::Bob => (&outcome.bob, &outcome.alice),
    };
    assert!(!bad.cable.losses.is_clean(), "nothing was damaged");
    assert!(good.cable.losses.is_clean(), "{:?}", good.cable.losses);
    assert!(bad.cable.losses.frames_of(Stream::Settings) > 0, "{:?}", bad.cable.losses);
    outcome
}

fn equal_or_none(outcome: &RunOutcome) {
    assert!(outcome.keys_equal());
    assert_eq!(outcome.alice.states, outcome.bob.states);
    assert_eq!(outcome.alice.states.len(), 2, "{:?}", outcome.alice.states);
    let settled = |state| matches!(state, BlockState::Usable | BlockState::Burnt);
    assert!(outcome.alice.states.iter().all(|(_, state)| settled(*state)));
    for side in [&outcome.alice, &outcome.bob] {
        assert_eq!((side.failures.len(), side.complaints.len()), (0, 0), "{:?}", side.failures);
    }
}

fn lost_slots(outcome: &RunOutcome, role: Role) -> u64 {
    let side = if role == Role::Alice { &outcome.alice } else { &outcome.bob };
    side.reports.iter().map(|report| report.lost_slots).sum()
}

#[test]
fn a_bad_cable_costs_slots_that_are_counted_and_some_of_the_key() {
    let sound = run(&scenario(), None, |_| {}).expect("the run comes to its end");
    equal_or_none(&sound);
    assert!(sound.alice.key_bits > 0);
    assert_eq!(lost_slots(&sound, Role::Alice), 0);

    for role in [Role::Alice, Role::Bob] {
        let lossy = damaged(role, Lossy::new(1, 20_000, 20_000));
        let corrupt = damaged(role, Corrupt::new(2, 20));
        let late = damaged(role, Late::new(4, 50_000, 2));
        for (name, outcome) in [("lossy", &lossy), ("corrupt", &corrupt), ("late", &late)] {
            let lost = lost_slots(outcome, role) - lost_slots(&sound, role);
            let cable = if role == Role::Alice { &outcome.alice } else { &outcome.bob };
            let told = cable.cable.losses.slots;
            println!("{role:?}'s cable, {name}: {lost} slots lost, {told} without settings");
            // Each slot whose settings are missing is a lost one; at Bob so are those whose tags
            // are, and the hold-off behind them.
            assert!(lost >= told && told > 0, "{name}: {lost} lost, {told} told");
            assert!(lost < scenario().slots() / 4, "{name}: {lost}");
            assert!(outcome.alice.key_bits < sound.alice.key_bits, "{name}");
            if role == Role::Alice {
                // Bob hears of it as detections without a setting.
                let missing = |r: &helio_distill::BlockReport| r.announced.without_setting;
                assert_eq!(lost, told);
                assert!(outcome.bob.reports.iter().map(missing).sum::<u64>() > 0);
            }
        }
        assert!(lossy.alice.key_bits > 0, "a fiftieth of the chunks is not the key");
    }
}
