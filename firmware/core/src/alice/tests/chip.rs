//! A player like a chip's: a lead-in, a word in flight, and dark for good once it has run dry.

use super::*;
use helio_bench::TripCause;

fn desk(capacity: usize, lead_in: usize) -> Desk {
    let mut desk = Desk::new(capacity);
    desk.alice.parts_mut().player.lead_in = lead_in;
    desk
}

fn begin(slots: u64) -> [HostMessage<'static>; 3] {
    [
        HostMessage::Configure(configure()),
        HostMessage::Arm { nonce: 1 },
        HostMessage::Start { epoch: 1, slots },
    ]
}

/// A millisecond has 5000 slots of the tests' configuration.
#[test]
fn the_player_goes_with_a_full_queue_and_not_before() {
    let mut desk = desk(4096, 3);
    desk.start(configure(), 0);
    let player = desk.alice.parts_mut().player;
    assert_eq!(player.ahead, 4096 - 3);
    for slots in [10, 256, 300] {
        let mut desk = self::desk(4096, 1);
        desk.start(configure(), slots);
        assert_eq!(desk.alice.parts_mut().player.ahead as u64, slots, "the whole run");
    }
}

#[test]
fn a_finite_run_plays_all_of_its_slots_to_their_end() {
    for slots in [1, 2, 255, 256, 257, 4096, 10_000] {
        for lead_in in [1, 8] {
            let mut desk = desk(4096, lead_in);
            desk.advance(&begin(slots), 1);
            // A slot between two turns: the end is looked for in each of them.
            let mut turns = 0;
            while desk.stopped().is_none() {
                desk.advance(&[], 1);
                turns += 1;
                assert!(turns < slots + 50, "{slots} slots do not end");
            }
            assert_eq!(desk.stopped(), Some(SlotIndex(slots)));
            assert_eq!(desk.alice.interlock(), InterlockState::Armed);
            let reported: usize = desk.settings().iter().map(|(_, codes)| codes.len()).sum();
            assert_eq!(desk.alice.counters().starved_slots, 0);
            let player = desk.alice.parts_mut().player;
            assert_eq!((player.played.len() as u64, player.cut), (slots, 0));
            assert_eq!(reported as u64, slots);
        }
    }
}

#[test]
fn a_slot_that_a_halt_cuts_is_not_reported_as_played() {
    for steps in [0, 1, 2, 3, 100, 257] {
        let mut desk = desk(4096, 2);
        desk.advance(&begin(0), steps);
        desk.advance(&[HostMessage::Stop], 0);
        desk.advance(&[], 0);
        let played = desk.alice.parts_mut().player.played.len() as u64;
        assert_eq!(played as usize, steps.saturating_sub(3));
        assert_eq!(desk.stopped(), Some(SlotIndex(played)));
    }
}

/// One that runs dry with its last words on their way is a fault, and no run without an end.
#[test]
fn words_behind_a_player_that_has_run_dry_end_the_run() {
    let mut desk = desk(4096, 1);
    desk.start(configure(), 8000);
    let player = desk.alice.parts_mut().player;
    player.step(5000);
    assert!(player.starved == 1 && player.played.len() == 4095);
    // As if they had been queued in the very moment.
    player.queue.extend([SlotWord(1); 3]);
    desk.advance(&[], 0);
    desk.advance(&[], 0);
    assert_eq!(desk.alice.interlock(), InterlockState::Tripped(TripCause::PlayerFault));
    assert_eq!(desk.stopped(), Some(SlotIndex(4092)));
}
