//! The table of settings, as the device itself describes it.

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::host::Answer;
use crate::stations::Stations;
use helio_bench::Access;
use helio_rig::Plan;
use helio_units::Ticks;
use helio_wire::{ErrorCode, HostMessage, Role};

/// An entry as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    index: u16,
    name: String,
    access: Access,
    limits: [i64; 2],
    value: i64,
}

fn get<D: Desk>(all: &mut Stations<'_, D>, role: Role, index: u16) -> Option<Told> {
    match all.ask(role, HostMessage::Get { index }) {
        Answer::Value => {
            let (index, name, access, limits, value) =
                all.host(role).heard.value.clone().expect("it has just come");
            Some(Told { index, name, access, limits, value })
        }
        Answer::Refused(ErrorCode::OutOfRange, _) => None,
        answer => panic!("{role:?} to entry {index}: {answer:?}"),
    }
}

fn table<D: Desk>(all: &mut Stations<'_, D>, role: Role) -> Vec<Told> {
    (0..).map_while(|index| get(all, role, index)).collect()
}

/// Everything that can be written is written with both its limits, read back and put back; beyond the
/// limits, and where nothing can be written, a change is refused and changes nothing.
pub(super) fn round_trip<D: Desk>(desk: &mut D) -> Figures {
    let mut all = Stations::new(desk, Plan::default());
    let (mut written, mut entries) = (0, 0);
    for role in all.roles() {
        let before = table(&mut all, role);
        assert!(!before.is_empty(), "{role:?} has no table");
        entries += before.len();
        for entry in &before {
            let index = entry.index;
            let set = |value| HostMessage::Set { index, value, from: Ticks(0) };
            let [min, max] = entry.limits;
            if entry.access == Access::ReadOnly {
                let wrong = Answer::Refused(ErrorCode::WrongState, 0);
                assert_eq!(all.ask(role, set(entry.value)), wrong, "{entry:?}");
                continue;
            }
            for value in [min, max, entry.value] {
                all.obey(role, set(value));
                assert_eq!(get(&mut all, role, index).map(|told| told.value), Some(value));
            }
            for value in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                let beyond = Answer::Refused(ErrorCode::OutOfRange, HostMessage::AT_SET_VALUE);
                assert_eq!(all.ask(role, set(value)), beyond, "{entry:?} to {value}");
            }
            assert_eq!(get(&mut all, role, index).as_ref(), Some(entry));
            written += 1;
        }
    }
    Ok(format!("{entries} entries, {written} of them written and put back"))
}

/// A change for a tick that has passed is refused, and changes nothing.
pub(super) fn too_late<D: Desk>(desk: &mut D) -> Figures {
    let mut all = Stations::new(desk, Plan::default());
    all.arm();
    all.start(20_000);
    all.finish();
    let mut tried = 0;
    for role in all.roles() {
        all.disarm(role);
        let writable = table(&mut all, role).into_iter().filter(|e| e.access != Access::ReadOnly);
        for entry in writable.collect::<Vec<_>>() {
            let value =
                if entry.value == entry.limits[0] { entry.limits[1] } else { entry.limits[0] };
            let index = entry.index;
            let answer = all.ask(role, HostMessage::Set { index, value, from: Ticks(1) });
            assert_eq!(answer, Answer::Refused(ErrorCode::TooLate, 0), "{entry:?}");
            assert_eq!(get(&mut all, role, index), Some(entry));
            tried += 1;
        }
    }
    if tried == 0 {
        return Err(Skip::off_the_table("nothing on this desk can be written", "too_late"));
    }
    Ok(format!("{tried} changes refused"))
}
