//! The main job: two stations make sifted bits, the same on every desk with the same bench.

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::in_process::InProcess;
use crate::stations::Stations;
use helio_bench::Polarization;
use helio_rig::Plan;
use helio_wire::{Capabilities, Role};

/// A slot in which both stations had the same basis and one detector clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiftedBit {
    /// Which.
    pub slot: u64,
    /// Alice's level.
    pub intensity: u8,
    /// 0: key basis, 1: test basis.
    pub basis: u8,
    /// What was sent and what was found.
    pub bits: [bool; 2],
}

/// Short and bright, at 1 M slots/s.
fn plan() -> Plan {
    Plan { seed: 0x5eed, slot_ticks: 150, ..Plan::default() }
}

/// What both hosts' data come to, once a run has ended.
pub fn sifted<D: Desk>(all: &mut Stations<'_, D>) -> Vec<SiftedBit> {
    let sent = std::mem::take(&mut all.host(Role::Alice).heard.settings);
    let bob = &all.host(Role::Bob).heard;
    let passive =
        bob.facts.as_ref().is_some_and(|f| f.capabilities.has(Capabilities::PASSIVE_RECEIVER));
    let of = |settings: &[Option<u8>], slot: u64| settings.get(slot as usize).copied().flatten();
    let sift = |detection: &helio_timetag::Detection| {
        let sent = of(&sent, detection.slot)?;
        let state = Polarization::from_code(sent);
        let basis = state.basis() as u8;
        let single = detection.mask.is_power_of_two();
        let (measured, found) = if passive {
            // Detectors H, V, D, A.
            let detector = detection.mask.trailing_zeros() as u8;
            (detector >> 1, detector & 1 != 0)
        } else {
            let setting = of(&bob.settings, detection.slot)?;
            (setting & 1, (detection.mask == 0b10) != (setting & 2 != 0))
        };
        (single && basis == measured).then_some(SiftedBit {
            slot: detection.slot,
            intensity: sent >> 2,
            basis,
            bits: [state.bit(), found],
        })
    };
    bob.slots.detections.iter().filter_map(sift).collect()
}

/// Runs the job on a desk.
///
/// # Panics
/// On any loss.
pub fn main_job<D: Desk>(desk: &mut D, slots: u64) -> Vec<SiftedBit> {
    let mut all = Stations::new(desk, plan());
    all.arm();
    all.start(slots);
    all.finish();
    for role in all.roles() {
        let host = all.host(role);
        host.assert_nothing_lost();
        assert_eq!(host.heard.end, Some(helio_units::SlotIndex(slots)));
        assert_eq!((host.heard.of_run().starved_slots, host.heard.of_run().lost_edges), (0, 0));
    }
    sifted(&mut all)
}

/// Whether Bob's device numbers slots.
pub(super) fn need_slots<D: Desk>(desk: &mut D) -> Result<(), Skip> {
    let mut all = Stations::new(desk, plan());
    all.arm();
    for role in all.roles() {
        all.disarm(role);
    }
    match all.has_slots() {
        true => Ok(()),
        false => Err(Skip::alone("Bob's device has no slot clock")),
    }
}

/// The same bits as on the in-process desk, one by one; on a real desk, bits whose error rate says
/// that the slots are numbered rightly.
pub(super) fn compare<D: Desk>(desk: &mut D) -> Figures {
    if desk.roles().len() < 2 {
        return Err(Skip::alone("both stations are needed"));
    }
    let slots = desk.effort().job_slots;
    need_slots(desk)?;
    let simulated = desk.rebuild(plan());
    let begun = std::time::Instant::now();
    let bits = main_job(desk, slots);
    let took = begun.elapsed().as_secs_f64();
    let errors = bits.iter().filter(|bit| bit.bits[0] != bit.bits[1]).count();
    assert!(
        bits.len() > 500 && errors * 10 < bits.len(),
        "{errors} of {} bits are wrong: is Alice's light on Bob's detectors, and is it aligned?",
        bits.len()
    );
    let said = format!("{slots} slots in {took:.1} s, {} sifted bits, {errors} errors", bits.len());
    if !simulated {
        return Ok(said);
    }
    let reference = main_job(&mut InProcess::new(), slots);
    assert!(bits == reference, "{} bits here, {} in process", bits.len(), reference.len());
    Ok(said + ", bit for bit those of the run in the process")
}
