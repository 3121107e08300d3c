//! Orders for the slot clock, at a data plane that comes round when it likes.

use super::*;
use crate::{BobData, PassiveReceiver};
use helio_bench::SlotClockMode;
use helio_wire::{Configure, ErrorCode};

/// As far ahead as a host steers.
const AHEAD: u64 = 10 * MS;

fn timing(slot: u64, now: u64) -> SlotTiming {
    let start = FineTicks::from_ticks(Ticks(now + AHEAD));
    SlotTiming { slot: SlotIndex(slot), start, period: FineTicks::from_ticks(Ticks(30)) }
}

/// Each is answered once, and those that are acknowledged, and no others, are what the tags are
/// numbered by: the queue has room for one order, and each poll of control gives one.
#[test]
fn a_slot_clock_that_finds_the_queue_full_is_not_lost() {
    let mut noise = Noise::new(6);
    let (mut acknowledged, mut refused, mut waited) = (0, 0, 0);
    for _ in 0..50 {
        let receiver = PassiveReceiver;
        let mut control = Control::new(Profile::receiver(identity(), 4, &receiver));
        let mut bob = BobData::new(NONCE, FakeEdges::new(4), receiver);
        let (mut orders, mut events) = (Queue::<Orders, 2>::new(), Queue::<Told, 64>::new());
        let mut frames = Queue::<u8, 16_384>::new();
        let ((to_data, mut from_control), (mut told, heard)) = (orders.split(), events.split());
        let (bytes, moved) = frames.split();
        let (mut orders, mut frames) = (OrderSender::new(to_data), Frames::new(bytes));
        let (mut mover, mut receiver) = (FrameMover::new(moved), EventReceiver::new(heard));
        let (mut host, mut cable, mut now) = (Host::new(), Cable::new(), MS);
        let configure = Configure { slot_clock: SlotClockMode::Steered, ..configure() };
        let mut commands = std::vec![
            HostMessage::Configure(configure),
            HostMessage::Start { epoch: 1, slots: 0 },
        ];
        let (mut asked, mut answers, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut hangs, mut next) = (0, 20);
        for turn in 0..500u64 {
            // The other core, unless it hangs, for up to 8 ms.
            if hangs == 0 {
                while let Some(orders) = from_control.dequeue() {
                    bob.order(&orders);
                }
                bob.parts_mut().0.reached = Ticks(now);
                for event in bob.run(Ticks(now), &mut frames) {
                    let _ = told.enqueue(Told::new(event, &frames));
                }
                hangs = if turn > 10 && noise.below(2) == 0 { noise.below(40) } else { 0 };
            } else {
                hangs -= 1;
            }
            if turn == next && turn < 400 {
                // At most four wait for their slots.
                next += 13 + noise.below(10);
                // Slots of 30 ticks: each order continues the last one.
                let timing = timing(turn * (MS / 5 / 30), now);
                asked.push((host.sequence, timing));
                commands.push(HostMessage::SetSlotClock(timing));
                waited += u64::from(hangs > 0);
            }
            if turn % 100 == 50 {
                commands.push(HostMessage::Heartbeat);
            }
            let rx: Vec<u8> = commands.drain(..).flat_map(|c| host.command(c)).collect();
            let heard: Vec<_> = core::iter::from_fn(|| receiver.next(&mover)).collect();
            let given = control.poll(Ticks(now), &heard, &rx, &mut cable);
            orders.send(given);
            mover.go(&mut cable, 1024);
            for (_, said) in host.read(&mut cable) {
                match said {
                    Said::Ack(command, _) => answers.push((command, true)),
                    Said::Error(command, code, _) => {
                        assert!(matches!(code, ErrorCode::Full | ErrorCode::TooLate));
                        answers.push((command, false));
                    }
                    Said::Mark(timing) => marks.push(timing),
                    _ => {}
                }
            }
            now += MS / 5;
        }
        let mut expected = Vec::new();
        for (command, timing) in asked {
            let of_it: Vec<_> = answers.iter().filter(|(of, _)| *of == command).collect();
            let [(_, taken)] = of_it[..] else { panic!("command {command}: {of_it:?}") };
            expected.extend(taken.then_some(timing));
            (acknowledged, refused) =
                (acknowledged + u64::from(*taken), refused + u64::from(!taken));
        }
        assert_eq!(marks, expected);
    }
    assert!(
        acknowledged > 200 && refused > 100 && waited > 300,
        "{acknowledged} {refused} {waited}"
    );
}
