//! The suite's real desk. Its devices are served here, behind the addresses of a desk file: they are never
//! put up anew, nobody stands by, and their generators state as little as that of a small chip, so that
//! they have to expand it.

use crossbeam_channel::unbounded;
use helio_bench::{SettingsSource, TripCause};
use helio_hil::{CASES, DeskFile, Outcome, RealDesk, Setup, Stations, configure, run_one};
use helio_link::DeviceAddress;
use helio_sim::ReceiverKind;
use helio_station::sim::{SimNote, SimSetup, Speed, serve};
use helio_wire::{HostMessage, Role};
use std::thread;

/// Cases that need somebody at the bench, or a second pipe.
const ATTENDED: [&str; 9] = [
    "both_pipes",
    "trip_contact_open",
    "trip_random_fault",
    "trip_player_fault",
    "trip_link_reset",
    "tags_above_the_rate_are_counted",
    "time_across_rollovers",
    "reboot_in_mid_run",
    "update_cut_at_every_block",
];

/// What came of each case, with this receiver.
fn suite(kind: ReceiverKind) -> Vec<(&'static str, Outcome)> {
    let mut bench = helio_rig::Plan::default().bench();
    bench.receiver.kind = kind;
    bench.random_bytes_per_second = Some(10_000);
    let setup = SimSetup {
        bench,
        ports: ["127.0.0.1:0", "127.0.0.1:0"].map(str::to_owned),
        speed: Speed::Fastest,
    };
    let ((stop, stopped), (tell, told)) = (unbounded(), unbounded());
    let served = thread::spawn(move || {
        serve(setup, &stopped, |note| {
            if let SimNote::PortOpen { role, address } = note {
                let _ = tell.send((role, address));
            }
        })
    });
    let mut text = String::from("kind = \"real\"\nslot_ns = 20000\n");
    for _ in 0..2 {
        let (role, address): (Role, DeviceAddress) = told.recv().expect("the ports are free");
        let name = format!("{role:?}").to_lowercase();
        text += &format!("{name} = \"{address}\"\n");
    }
    let file = DeskFile::parse(&text).expect("a desk file");
    let mut desk = RealDesk::new(&file).expect("devices are named");
    leave_fed(&mut desk);
    // Simulated time waits for a host that has fallen silent, as no board does.
    let cases = CASES.iter().filter(|name| **name != "trip_heartbeat_lost");
    let outcomes = cases.map(|name| {
        let report = run_one(&mut desk, name);
        println!("  {report}");
        (report.name, report.outcome)
    });
    let outcomes = outcomes.collect();
    drop((desk, stop));
    served.join().expect("no panic").expect("both ports were free");
    outcomes
}

/// As a station leaves its device: armed, and waiting to be fed.
fn leave_fed(desk: &mut RealDesk) {
    let cycles = 3_000;
    let mut all = Stations::on(desk, Setup { configure: [configure(cycles); 2], slotter: None });
    all.arm();
    // One whose host has gone, and comes to take another source.
    all.leave(Role::Alice);
    all.plug(Role::Alice);
    for cause in [TripCause::LinkReset, TripCause::HeartbeatLost] {
        all.ask(Role::Alice, HostMessage::Clear { cause });
    }
    all.obey(Role::Alice, HostMessage::Source(SettingsSource::HostFeed));
    all.rearm(Role::Alice);
}

/// None has failed; those that were skipped.
fn skipped(outcomes: &[(&'static str, Outcome)]) -> Vec<&'static str> {
    let failed: Vec<_> = outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Failed(_))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    outcomes
        .iter()
        .filter(|(_, o)| matches!(o, Outcome::Skipped(_)))
        .map(|(name, _)| *name)
        .collect()
}

#[test]
fn both_stations_on_a_table() {
    let outcomes = suite(ReceiverKind::Active);
    let skipped = skipped(&outcomes);
    let expected: Vec<&str> = CASES
        .iter()
        .copied()
        .filter(|name| {
            ATTENDED.contains(name) || ["tags_in_order_without_loss", "bad_cables"].contains(name)
        })
        .collect();
    assert_eq!(skipped, expected);
}

#[test]
fn a_passive_receiver_on_a_table() {
    let outcomes = suite(ReceiverKind::Passive);
    assert!(!skipped(&outcomes).contains(&"main_job"));
}
