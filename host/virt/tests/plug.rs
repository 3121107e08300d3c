//! Hosts that go in mid-run and come back, and hosts that time waits for.

mod common;

use common::{Collected, Host, configure};
use crossbeam_channel::{Receiver, Sender, unbounded};
use helio_bench::{InterlockState, Polarization, TripCause};
use helio_link::{PipeEnd, Transport, TransportError, pipe};
use helio_virt::{Awaited, DeviceState, Step, VirtBench, VirtConfig};
use helio_wire::{HostMessage, Role};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

/// A bench on its thread, and what the test asks of it.
struct Pump {
    plugs: Sender<(Role, PipeEnd)>,
    unplugged: Receiver<Role>,
    slots: AtomicU64,
    ended: AtomicBool,
}

/// Ends the pump also when the test fails.
struct End<'a>(&'a Pump);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Relaxed);
    }
}

impl Pump {
    /// Runs `test` with the bench and both hosts.
    fn run(test: impl FnOnce(&Pump, Host<PipeEnd>, Host<PipeEnd>)) {
        let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
        let ((plugs, to_plug), (tell, unplugged)) = (unbounded(), unbounded());
        let (slots, ended) = (AtomicU64::new(0), AtomicBool::new(false));
        let pump = Pump { plugs, unplugged, slots, ended };
        thread::scope(|scope| {
            scope.spawn(|| {
                while !pump.ended.load(Relaxed) {
                    if let Ok((role, end)) = to_plug.try_recv() {
                        bench.plug(role, end);
                    }
                    match bench.step() {
                        Step::Stood => {}
                        Step::Passed(n) => _ = pump.slots.fetch_add(n as u64, Relaxed),
                        Step::Unplugged(role) => tell.send(role).unwrap(),
                    }
                }
            });
            let _end = End(&pump);
            test(&pump, Host::new(alice, 1), Host::new(bob, 2));
        });
    }

    fn plug(&self, role: Role) -> Host<PipeEnd> {
        let (near, far) = pipe(256);
        self.plugs.send((role, far)).unwrap();
        Host::new(near, 2)
    }

    fn wait_for_slots(&self, more: u64) {
        let from = self.slots.load(Relaxed);
        while self.slots.load(Relaxed) < from + more {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn start(host: &mut Host<PipeEnd>, epoch: u16) {
    host.collected = Collected::new(2);
    host.command(&HostMessage::Disarm);
    host.command(&HostMessage::Configure(configure()));
    host.command(&HostMessage::Arm { nonce: epoch.into() });
    host.command(&HostMessage::Start { epoch, slots: 0 });
}

/// Hears both until each has so many slots, and checks that they are the same ones.
fn hear(alice: &mut Host<PipeEnd>, bob: &mut Host<PipeEnd>) {
    const SLOTS: usize = 400_000;
    let done = AtomicU64::new(0);
    let hear = |host: &mut Host<PipeEnd>, enough: fn(&Collected) -> bool| {
        let mut counted = false;
        while done.load(Relaxed) < 2 {
            host.receive();
            if !counted && enough(&host.collected) {
                counted = true;
                done.fetch_add(1, Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| hear(alice, |heard| heard.settings.len() > SLOTS));
        hear(bob, |heard| heard.slots.reached > SLOTS as u64);
    });
    let (alice, bob) = (&alice.collected, &bob.collected);
    assert!(alice.settings[..SLOTS].iter().all(Option::is_some), "slots from 0 on");
    let (mut errors, mut all) = (0, 0);
    for detection in bob.slots.detections.iter().filter(|d| d.slot < SLOTS as u64) {
        let slot = detection.slot as usize;
        let sent = Polarization::from_code(alice.settings[slot].unwrap());
        let setting = bob.settings[slot].unwrap();
        if detection.mask.is_power_of_two() && sent.basis() as u8 == setting & 1 {
            let bit = (detection.mask == 1) == (setting & 2 != 0);
            errors += u32::from(bit != sent.bit());
            all += 1;
        }
    }
    assert!(all > 3_000 && errors * 100 < all * 5, "{errors} of {all}: Bob's slots are Alice's");
}

/// One host goes in mid-run and comes back while the other one's run goes on; then both begin a
/// new run.
fn replace(
    pump: &Pump,
    role: Role,
    gone: Host<PipeEnd>,
    stays: &mut Host<PipeEnd>,
    half_a_frame: bool,
) -> Host<PipeEnd> {
    let back = AtomicBool::new(false);
    thread::scope(|scope| {
        let staying = scope.spawn(|| {
            while !back.load(Relaxed) {
                stays.receive();
            }
            stays.command(&HostMessage::Stop);
        });
        let mut gone = gone;
        if half_a_frame {
            gone.connection.transport().send(&[7, 8, 9]).unwrap();
        }
        drop(gone);
        assert_eq!(pump.unplugged.recv_timeout(Duration::from_secs(10)), Ok(role));
        // Longer than any device bears a silent host.
        pump.wait_for_slots(3_000_000);
        let mut new = pump.plug(role);
        new.command(&HostMessage::Hello);
        new.command(&HostMessage::Clear { cause: TripCause::LinkReset });
        back.store(true, Relaxed);
        staying.join().unwrap();
        assert!(pump.unplugged.is_empty(), "told once");
        new
    })
}

#[test]
fn a_host_that_goes_and_comes_back_gets_slots_from_0_again() {
    Pump::run(|pump, mut alice, mut bob| {
        alice.command(&HostMessage::Hello);
        bob.command(&HostMessage::Hello);
        for epoch in 1..=5 {
            start(&mut bob, epoch);
            start(&mut alice, epoch);
            hear(&mut alice, &mut bob);
            assert!(alice.connection.losses().is_clean(), "{:?}", alice.connection.losses());
            assert!(bob.connection.losses().is_clean(), "{:?}", bob.connection.losses());
            assert_eq!(
                (alice.collected.health.bad_frames, bob.collected.health.bad_frames),
                (0, 0)
            );
            match epoch {
                1 | 4 => bob = replace(pump, Role::Bob, bob, &mut alice, epoch == 4),
                2 | 3 => alice = replace(pump, Role::Alice, alice, &mut bob, epoch == 3),
                _ => {}
            }
        }
    });
}

/// Steps until a device stands so, while Alice's host takes what comes and says nothing.
fn until(
    bench: &mut VirtBench,
    alice: &mut Host<PipeEnd>,
    role: Role,
    is: impl Fn(&DeviceState) -> bool,
) -> DeviceState {
    let mut chunk = Vec::new();
    for _ in 0..1_000 {
        let state = bench.device(role);
        if is(&state) {
            return state;
        }
        while alice.connection.transport().try_receive(&mut chunk).is_ok() {}
        bench.step();
    }
    panic!("{role:?} stands at {:?}", bench.device(role));
}

/// Both devices run; commands are answered in the test's own thread.
fn both_run(bench: &mut VirtBench, hosts: [&mut Host<PipeEnd>; 2]) {
    let commands = [
        HostMessage::Hello,
        HostMessage::Configure(configure()),
        HostMessage::Arm { nonce: 1 },
        HostMessage::Start { epoch: 1, slots: 0 },
    ];
    let [alice, bob] = hosts;
    for command in &commands {
        for host in [&mut *alice, &mut *bob] {
            let number = host.connection.send(command).unwrap();
            while host.collected.answered() < Some(number) {
                bench.step();
                let _ = host.hear_now();
            }
        }
    }
}

#[test]
fn a_host_that_time_waits_for_is_told_and_can_be_unplugged() {
    let config = VirtConfig { link_depth: 8, ..VirtConfig::default() };
    let (mut bench, alice, bob) = VirtBench::new(config).unwrap();
    let (mut alice, mut bob) = (Host::new(alice, 1), Host::new(bob, 2));
    assert_eq!(bench.device(Role::Alice).awaited, None);
    both_run(&mut bench, [&mut alice, &mut bob]);
    // Nobody takes what Bob's device says: the link fills up, and time stops.
    let awaited = |what| move |state: &DeviceState| state.awaited == Some(what);
    let full = until(&mut bench, &mut alice, Role::Bob, awaited(Awaited::Room));
    assert!(full.running && full.plugged);
    assert_eq!(bench.step(), Step::Stood);
    bench.unplug(Role::Bob);
    let interlock = InterlockState::Tripped(TripCause::LinkReset);
    let gone = DeviceState { interlock, running: false, plugged: false, awaited: None };
    assert_eq!(bench.device(Role::Bob), gone);
    while bob.hear_now().is_ok() {}
    assert_eq!(bob.hear_now(), Err(TransportError::Closed));
    // Alice's host takes all and says nothing.
    let silent = until(&mut bench, &mut alice, Role::Alice, awaited(Awaited::Word));
    assert_eq!(silent.interlock, InterlockState::Emitting);
    bench.unplug(Role::Alice);
    assert_eq!(bench.device(Role::Alice), gone);
    assert_eq!(bench.step(), Step::Stood);
}

#[test]
fn a_device_that_does_not_run_is_awaited_only_while_the_other_one_does() {
    let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let (mut alice, mut bob) = (Host::new(alice, 1), Host::new(bob, 2));
    thread::scope(|scope| {
        scope.spawn(|| bob.start(0));
        let state = until(&mut bench, &mut alice, Role::Bob, |state| state.running);
        assert_eq!(state.awaited, None);
        // Bob's host waits for the answer.
        bench.step();
        bench.step();
    });
    assert_eq!(bench.device(Role::Alice).awaited, Some(Awaited::Word));
    bench.unplug(Role::Alice);
    assert_eq!(bench.device(Role::Alice).awaited, None);
}
