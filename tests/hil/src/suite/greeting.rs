//! Who is there, and a host that speaks of other things.

use super::{Figures, raw};
use crate::desk::Desk;
use crate::host::Answer;
use crate::stations::Stations;
use helio_bench::{InterlockState, TripCause};
use helio_rig::Plan;
use helio_wire::{ErrorCode, HostMessage, VERSION};

/// A device says who it is, the same each time, and is dark.
pub(super) fn hello<D: Desk>(desk: &mut D) -> Figures {
    let mut all = Stations::new(desk, Plan::default());
    let mut names = Vec::new();
    for role in all.roles() {
        let first = all.host(role).heard.facts.clone();
        assert_eq!(all.ask(role, HostMessage::Hello), Answer::Hello);
        let host = all.host(role);
        assert_eq!(host.heard.facts, first);
        assert!(host.connection.nonce().is_some_and(|nonce| nonce != 0));
        let facts = first.expect("it has greeted");
        assert_eq!(facts.channels > 0, role == helio_wire::Role::Bob, "{facts:?}");
        names.push(format!("{role:?} on {}, firmware {}", facts.names[0], facts.names[1]));
    }
    Ok(names.join("; "))
}

/// A whole frame of another version or with an unknown command is refused and trips; after that
/// has been cleared, all is as before.
pub(super) fn foreign<D: Desk>(desk: &mut D) -> Figures {
    let mut all = Stations::new(desk, Plan::default());
    for role in all.roles() {
        for (at, value) in [(0, VERSION.wrapping_add(1)), (0, 0), (1, 0x7f), (1, 0x42)] {
            let number = 1_000 + 256 * at as u32 + u32::from(value);
            all.host(role).send_raw(&raw::altered(number, at, value)).expect("sent");
            // Of another version not even the number can be read.
            let command = if at == 0 { 0 } else { number };
            let refused = |answer| matches!(answer, Some(Answer::Refused(..)));
            all.until("a refusal", |all| refused(all.host(role).heard.answer(command)));
            let answer = all.host(role).heard.answer(command);
            assert!(
                matches!(answer, Some(Answer::Refused(ErrorCode::UnknownCommand, _))),
                "{role:?} {at} {value}: {answer:?}"
            );
            let tripped = InterlockState::Tripped(TripCause::UnknownCommand);
            all.until("the trip", |all| all.host(role).heard.health.interlock == tripped);
            all.obey(role, HostMessage::Clear { cause: TripCause::UnknownCommand });
        }
    }
    Ok("2 foreign versions and 2 unknown commands refused".into())
}
