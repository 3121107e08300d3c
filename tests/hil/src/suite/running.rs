//! Runs: begun and ended, their tags, their time, and what interrupts them.

use super::Figures;
use crate::case::Skip;
use crate::desk::Desk;
use crate::host::Answer;
use crate::stations::Stations;
use helio_bench::{InterlockState, TripCause};
use helio_rig::{Hand, Plan};
use helio_wire::{ErrorCode, HostMessage, Role};

/// Starts and stops, many times: each is answered, each run has its own epoch, light ends.
pub(super) fn start_and_stop<D: Desk>(desk: &mut D) -> Figures {
    let times = desk.effort().starts;
    let mut all = Stations::new(desk, Plan::default());
    all.arm();
    for _ in 0..times {
        all.start(0);
        for role in all.roles() {
            all.obey(role, HostMessage::Stop);
        }
        all.finish();
        for role in all.roles() {
            let host = all.host(role);
            host.assert_nothing_lost();
            let again = all.ask(role, HostMessage::Stop);
            assert_eq!(again, Answer::Refused(ErrorCode::WrongState, 0), "{role:?} is stopped");
        }
    }
    Ok(format!("{times} starts and stops"))
}

fn need_bob<D: Desk>(desk: &D) -> Result<(), Skip> {
    if desk.roles().contains(&Role::Bob) {
        return Ok(());
    }
    Err(Skip::alone("no receiver stands on this desk"))
}

pub(super) fn need_both<D: Desk>(desk: &D) -> Result<(), Skip> {
    if desk.roles().len() == 2 {
        return Ok(());
    }
    Err(Skip::alone("both stations are needed"))
}

/// Tags a second that every device bears.
const STATED_RATE_HZ: f64 = 100e3;

/// 100 k tags/s at 1 M slots/s: half of them dark counts, so that it is the rate that is tested
/// and not the light.
fn stated_rate() -> Plan {
    Plan { slot_ticks: 150, loss_millibel: 7_000, dark_rate_hz: 45_000, ..Plan::default() }
}

/// At the stated rate nothing is lost, and times do not run backwards.
pub(super) fn tags_in_order<D: Desk>(desk: &mut D) -> Figures {
    need_bob(desk)?;
    let slots = desk.effort().tag_slots;
    let mut all = Stations::new(desk, stated_rate());
    all.arm();
    all.start(slots);
    all.finish();
    all.disarm(Role::Bob);
    let slot_s = all.slot_s();
    let host = all.host(Role::Bob);
    host.assert_nothing_lost();
    let heard = &host.heard;
    assert_eq!((heard.disordered, heard.lost, heard.of_run().lost_edges), (0, 0, 0));
    assert_eq!(heard.tags, heard.of_run().edges, "every edge has come");
    let seconds = slots as f64 * slot_s;
    let rate = heard.tags as f64 / seconds;
    if !all.is_attended() && rate < STATED_RATE_HZ {
        let reason = format!("{rate:.0} tags/s came from what stands there, not 100 k");
        return Err(Skip::off_the_table(&reason, "tags_in_order"));
    }
    assert!(rate > STATED_RATE_HZ, "{rate} tags/s are less than what is to be borne");
    let heard = &all.host(Role::Bob).heard;
    Ok(format!("{} tags in order at {:.0} k/s", heard.tags, rate / 1e3))
}

/// A host that takes nothing for a while: what does not fit is counted, to the tag.
pub(super) fn tags_above_the_rate<D: Desk>(desk: &mut D) -> Figures {
    need_bob(desk)?;
    let plan = Plan { dark_rate_hz: 400_000, ..stated_rate() };
    let mut all = Stations::new(desk, plan);
    if !all.is_attended() {
        return Err(Skip::off_the_table("time cannot be made to pass from here", "above_the_rate"));
    }
    all.arm();
    all.start(0);
    all.until("tags", |all| all.host(Role::Bob).heard.tags > 1_000);
    // 0.4 s: longer than a silence that the device bears.
    for _ in 0..8 {
        all.lay(Hand::Pass(100));
        for role in all.roles() {
            all.host(role).connection.beat().expect("sent");
        }
    }
    all.obey(Role::Bob, HostMessage::Stop);
    all.obey(Role::Alice, HostMessage::Stop);
    all.finish();
    all.disarm(Role::Bob);
    let heard = &all.host(Role::Bob).heard;
    assert_eq!(heard.of_run().edges, heard.tags + heard.lost, "every edge has come or is counted");
    assert_eq!(heard.of_run().lost_edges, heard.lost);
    assert!(heard.lost > 0 && heard.disordered == 0, "{} lost", heard.lost);
    let (tags, lost) = (heard.tags, heard.lost);
    // The device leaves out whole batches, before they have a number: no frame is missing.
    all.host(Role::Bob).assert_nothing_lost();
    Ok(format!("{tags} tags came and {lost} were lost, all counted"))
}

/// Bob's time passes through every power of two that a narrower counter would wrap at.
pub(super) fn rollovers<D: Desk>(desk: &mut D) -> Figures {
    need_both(desk)?;
    const POWERS: [u32; 7] = [24, 32, 40, 48, 53, 56, 61];
    /// 0.25 s: the slot clock has locked by then.
    const AHEAD: u64 = 37_500_000;
    const SLOTS: u64 = 20_000;
    for power in POWERS {
        let start = (1u64 << power).saturating_sub(AHEAD);
        let plan = Plan { start, ..Plan::default() };
        if !desk.rebuild(plan) {
            return Err(Skip::off_the_table(
                "the device's time cannot be set from here",
                "rollovers",
            ));
        }
        let mut all = Stations::new(desk, plan);
        all.arm();
        all.start(SLOTS);
        all.finish();
        let host = all.host(Role::Bob);
        host.assert_nothing_lost();
        let heard = &host.heard;
        assert!(heard.last_tag.0 > 1 << power, "2^{power} was not reached");
        assert_eq!((heard.disordered, heard.of_run().lock_losses), (0, 0), "2^{power}");
        let beyond = heard.slots.detections.iter().filter(|d| d.slot > SLOTS - 1_000).count();
        assert!(beyond > 20, "2^{power}: {beyond} detections in the last 1000 slots");
        let [unlocked] = heard.slots.dropped[..] else { panic!("{:?}", heard.slots.dropped) };
        assert!(unlocked.to < SLOTS * 5 / 8, "2^{power}: {unlocked:?}");
    }
    Ok(format!("2^{POWERS:?} ticks"))
}

/// A reset in mid-run: the host learns it from the nonce, the run is over, another one works.
pub(super) fn reboot<D: Desk>(desk: &mut D) -> Figures {
    let mut all = Stations::new(desk, Plan::default());
    if !all.is_attended() {
        return Err(Skip::off_the_table("reset cannot be pressed from here", "reboot"));
    }
    for role in all.roles() {
        all.arm();
        all.start(0);
        all.until("a running device", |all| {
            let heard = &all.host(role).heard;
            heard.tags > 50 || heard.settings.len() > 500
        });
        let before = all.host(role).connection.nonce();
        all.lay(Hand::Reboot(role));
        all.lay(Hand::Pass(4));
        all.until("the new nonce", |all| !all.host(role).heard.reboots.is_empty());
        let now = all.host(role).connection.nonce();
        assert_ne!(now, before);
        all.until("health", |all| all.host(role).heard.health.interlock == InterlockState::Safe);
        assert_eq!(all.ask(role, HostMessage::Start { epoch: 9, slots: 0 }), not_configured());
        for other in all.roles() {
            if other != role {
                all.obey(other, HostMessage::Stop);
                all.obey(other, HostMessage::Disarm);
            }
        }
    }
    Ok("the nonce tells of it, the device is dark".into())
}

fn not_configured() -> Answer {
    Answer::Refused(ErrorCode::NotConfigured, 0)
}

/// The cable pulled in mid-run and plugged in again: tripped, cleared, another run from slot 0. Where
/// nobody pulls it, the host goes and is missed.
pub(super) fn unplugged<D: Desk>(desk: &mut D) -> Figures {
    const TIMES: u32 = 10;
    let mut all = Stations::new(desk, Plan::default());
    let attended = all.is_attended();
    for _ in 0..TIMES {
        all.arm();
        all.start(0);
        all.until("light", |all| {
            let role = all.roles()[0];
            let heard = &all.host(role).heard;
            heard.settings.len() > 500 || heard.tags > 50
        });
        for role in all.roles() {
            all.unplug(role);
        }
        if !attended {
            std::thread::sleep(MISSED);
        }
        for role in all.roles() {
            all.plug(role);
            // Refused unless this is what the device has tripped of.
            match attended {
                true => _ = all.obey(role, HostMessage::Clear { cause: TripCause::LinkReset }),
                false => clear_of_gone_host(&mut all, role),
            }
        }
    }
    Ok(format!("{TIMES} times"))
}

/// By the wall clock: more than the silence that a device bears.
const MISSED: std::time::Duration = std::time::Duration::from_millis(400);

/// Clears what a device has tripped of whose host went: some see that a pipe was closed.
fn clear_of_gone_host<D: Desk>(all: &mut Stations<'_, D>, role: Role) {
    let causes = [TripCause::LinkReset, TripCause::HeartbeatLost];
    let cleared = causes
        .into_iter()
        .any(|cause| matches!(all.ask(role, HostMessage::Clear { cause }), Answer::Ack(_)));
    assert!(cleared, "{role:?} has tripped of none of {causes:?}");
}

/// Run after run for so long as `HELIO_HIL_SOAK` says in seconds: nothing is lost, nothing is out of
/// order, every run's slots are numbered rightly, and in the end the device has counted the same.
pub(super) fn soak<D: Desk>(desk: &mut D) -> Figures {
    let said = std::env::var("HELIO_HIL_SOAK").ok().and_then(|seconds| seconds.parse().ok());
    let limit = std::time::Duration::from_secs(said.unwrap_or(3_600));
    let begun = std::time::Instant::now();
    let slots = desk.effort().tag_slots;
    let (mut runs, mut tags, mut bits, mut errors) = (0, 0, 0, 0);
    let mut all = Stations::new(desk, stated_rate());
    all.arm();
    let bob = all.roles().contains(&Role::Bob);
    let before = if bob { all.host(Role::Bob).heard.health.edges } else { 0 };
    while begun.elapsed() < limit {
        all.start(slots);
        all.finish();
        runs += 1;
        let numbered = all.has_slots();
        for role in all.roles() {
            let host = all.host(role);
            host.assert_nothing_lost();
            let heard = &host.heard;
            assert_eq!((heard.disordered, heard.lost, heard.of_run().lost_edges), (0, 0, 0));
            assert_eq!(heard.of_run().starved_slots, 0);
            if numbered || role == Role::Alice {
                assert_eq!(heard.end, Some(helio_units::SlotIndex(slots)));
            }
            assert!(heard.reboots.is_empty(), "run {runs}: {role:?} has started anew");
            tags += heard.tags;
        }
        if numbered {
            let sifted = super::sifted(&mut all);
            let wrong = sifted.iter().filter(|bit| bit.bits[0] != bit.bits[1]).count();
            // Wrong numbers of slots would make half of the bits wrong.
            assert!(wrong * 4 < sifted.len(), "run {runs}: {wrong} of {}", sifted.len());
            (bits, errors) = (bits + sifted.len(), errors + wrong);
        }
    }
    if all.roles().contains(&Role::Bob) {
        all.disarm(Role::Bob);
        let edges = all.host(Role::Bob).heard.health.edges - before;
        assert_eq!(edges, tags, "every edge has come");
    }
    let seconds = begun.elapsed().as_secs();
    Ok(format!(
        "{runs} runs of {slots} slots in {seconds} s, {tags} tags, none lost; \
         {bits} sifted bits, {errors} errors"
    ))
}
