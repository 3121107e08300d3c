//! When time passes, and what a host that goes does to it.

mod common;

use common::{Host, configure};
use helio_bench::{InterlockState, TripCause};
use helio_firmware::Event;
use helio_sim::BenchConfig;
use helio_units::Ticks;
use helio_virt::{InvalidBench, Step, VirtBench, VirtConfig};
use helio_wire::{HostMessage, Role};

#[test]
fn time_stands_until_both_devices_run() {
    let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let (mut alice, mut bob) = (Host::new(alice, 1), Host::new(bob, 2));
    let begin = (bench.alice_now(), bench.bob_now());
    let commands = [
        HostMessage::Hello,
        HostMessage::Configure(configure()),
        HostMessage::Arm { nonce: 1 },
        HostMessage::Start { epoch: 1, slots: 0 },
    ];
    for (n, command) in commands.iter().enumerate() {
        for host in [&mut alice, &mut bob] {
            let number = host.connection.send(command).unwrap();
            assert_eq!(bench.step(), Step::Stood);
            // Alice's answers are there, and so the commands after Hello have her nonce.
            while host.collected.answered() < Some(number) {
                host.receive();
            }
        }
        let now = (bench.alice_now(), bench.bob_now());
        assert_eq!(now, begin, "after command {n}");
    }
    assert_eq!(bench.step(), Step::Passed(2_048));
    assert!(bench.alice_now() > begin.0 && bench.bob_now() > begin.1);
}

#[test]
fn time_does_not_run_away_from_a_silent_host() {
    let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let pump = std::thread::spawn(move || {
        while !matches!(bench.step(), Step::Unplugged(_)) {}
        (bench.alice_now(), bench)
    });
    let (mut alice, mut bob) = (Host::new(alice, 1), Host::new(bob, 2));
    alice.start(0);
    bob.start(0);
    // Bob's host beats; Alice's takes what comes and says nothing.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2_000 {
                if bob.hear().is_err() {
                    break;
                }
            }
        });
        alice.listen_only();
    });
    // A host that goes is told, though Alice's is still waited for.
    drop(bob);
    let (now, _) = pump.join().unwrap();
    drop(alice);
    // Not beyond 120 ms, and the firmware would have tripped at 249 ms.
    let limit = Ticks(150_000 * 121);
    assert!(now > Ticks(150_000 * 100) && now < limit, "{now:?}");
}

#[test]
fn a_dropped_link_is_told_once_also_while_the_bench_waits() {
    let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let pump = std::thread::spawn(move || {
        let first = loop {
            match bench.step() {
                Step::Stood => {}
                told => break told,
            }
        };
        (first, bench)
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    drop(bob);
    let (told, mut bench) = pump.join().unwrap();
    assert_eq!(told, Step::Unplugged(Role::Bob));
    assert_eq!(bench.step(), Step::Stood);
    drop(alice);
    assert_eq!(bench.step(), Step::Unplugged(Role::Alice));
    assert_eq!((bench.step(), bench.step()), (Step::Stood, Step::Stood));
}

#[test]
fn an_open_contact_trips_alice_and_the_run_ends() {
    let (mut bench, alice, bob) = VirtBench::new(VirtConfig::default()).unwrap();
    let (mut alice, mut bob) = (Host::new(alice, 1), Host::new(bob, 2));
    let pump = std::thread::spawn(move || {
        let mut passed = 0;
        loop {
            match bench.step() {
                Step::Passed(_) => passed += 1,
                Step::Stood => {}
                Step::Unplugged(_) => return *bench.truth(),
            }
            if passed == 10 {
                bench.signal(Role::Alice, Event::ContactOpen);
            }
        }
    });
    alice.start(0);
    bob.start(0);
    while alice.collected.end.is_none() {
        alice.receive();
    }
    let tripped = InterlockState::Tripped(TripCause::External);
    while alice.collected.health.interlock != tripped {
        alice.receive();
    }
    drop((alice, bob));
    let truth = pump.join().unwrap();
    let sent: u64 = truth.pulses.iter().sum();
    assert!(sent <= 11 * 2_048, "{sent} pulses in 10 steps and one");
}

#[test]
fn a_bench_out_of_range_is_refused() {
    let config = |change: fn(&mut BenchConfig)| {
        let mut config = VirtConfig::default();
        change(&mut config.bench);
        VirtBench::new(config).err()
    };
    assert_eq!(config(|b| b.slot_ticks = 100_000), Some(InvalidBench::SlotTooLong(100_000)));
    let nonsense = config(|b| b.channel.rotation_rad = f64::NAN);
    assert!(matches!(nonsense, Some(InvalidBench::Bench(_))));
}
