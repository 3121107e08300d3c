//! A device with two pipes, both of them open: the one that says `Hello` owns it.

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::host::{Answer, Host};
use crate::stations::Stations;
use helio_link::Transport;
use helio_rig::Plan;
use helio_units::SlotIndex;
use helio_wire::{ErrorCode, HostMessage, Role};
use std::time::Duration;

/// Slots of a run beside which another program tries its luck.
const SLOTS: u64 = 20_000;
/// One look at the other pipe.
const GLANCE: Duration = Duration::from_millis(1);
/// What a program that does not own the device might say to it.
const TRIES: [HostMessage; 4] =
    [HostMessage::Hello, HostMessage::Stop, HostMessage::Disarm, HostMessage::Arm { nonce: 4_711 }];

const BUSY: Answer = Answer::Refused(ErrorCode::Busy, 0);

/// Whoever is not the owner is refused, whichever of the pipes it is and whatever it says, and the
/// owner's run does not notice; when the owner has gone, the other pipe may have the device.
pub(super) fn both<D: Desk>(desk: &mut D) -> Figures {
    let (mut stood, mut refused) = (Vec::new(), 0);
    let mut all = Stations::new(desk, Plan::default());
    for role in all.roles() {
        if let Some(pipe) = all.desk.second_pipe(role) {
            stood.push(role);
            let mut other = Host::new(pipe);
            all.arm();
            all.start(SLOTS);
            for message in TRIES {
                assert_eq!(ask(&mut all, &mut other, message), BUSY, "{role:?}: {message:?}");
                refused += 1;
            }
            all.finish();
            for owned in all.roles() {
                let host = all.host(owned);
                host.assert_nothing_lost();
                let end = host.heard.end;
                if owned == Role::Alice || all.has_slots() {
                    assert_eq!(end, Some(SlotIndex(SLOTS)), "{owned:?}");
                }
                all.disarm(owned);
            }
            assert_eq!(ask(&mut all, &mut other, HostMessage::Hello), BUSY, "{role:?}");

            // The owner closes its pipe: after its silence the other one may have the device.
            all.leave(role);
            let nonce = until_greeted(&mut all, &mut other);
            all.reopen(role);
            for message in TRIES {
                assert_eq!(all.ask(role, message), BUSY, "{role:?}: {message:?}");
                other.connection.beat().expect("the cable holds");
                refused += 1;
            }
            drop(other);
            all.until("the pipe is free again", |all| {
                all.ask(role, HostMessage::Hello) == Answer::Hello
            });
            let host = all.host(role);
            assert_eq!(host.connection.nonce(), nonce, "{role:?} has not started anew");
            // What the device said on the other pipe is no loss of this one's.
            host.assert_nothing_lost();
        }
    }
    if stood.is_empty() {
        let reason = "a device has one pipe here, no second one to open beside it";
        return Err(Skip::new(reason, "tests/hil/usb-desk both_pipes"));
    }
    Ok(format!("{stood:?}: {refused} commands refused, two runs untouched"))
}

/// Asks on the other pipe, while the owners' go on.
fn ask<D: Desk, T: Transport>(
    all: &mut Stations<'_, D>,
    other: &mut Host<T>,
    message: HostMessage,
) -> Answer {
    let command = other.send(&message).expect("the cable holds");
    let mut answer = None;
    all.until("the answer on the other pipe", |_| {
        other.listen(GLANCE).expect("the cable holds");
        answer = other.heard.answer(command);
        answer.is_some()
    });
    answer.expect("it has just come")
}

fn until_greeted<D: Desk, T: Transport>(
    all: &mut Stations<'_, D>,
    other: &mut Host<T>,
) -> Option<u32> {
    loop {
        match ask(all, other, HostMessage::Hello) {
            BUSY => std::thread::sleep(Duration::from_millis(20)),
            answer => {
                assert_eq!(answer, Answer::Hello);
                return other.connection.nonce();
            }
        }
    }
}
