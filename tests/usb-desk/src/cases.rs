//! What a cable must bear.

use crate::desk::{Desk, PATIENCE, listed, nonce, serial, until};
use crate::host::{Answer, Heard, Host, Plan, both, run};
use crate::job;
use crate::usbip::Plug;
use helio_bench::TripCause;
use helio_link::{
    DeviceAddress, SerialTransport, Transport, TransportError, UsbTransport, serial_ports,
    usb_devices,
};
use helio_wire::{ErrorCode, HostMessage, Role};
use nusb::MaybeFuture;
use nusb::transfer::{Bulk, In};
use std::time::{Duration, Instant};

const BOTH: [Role; 2] = [Role::Alice, Role::Bob];
const HELLO: HostMessage = HostMessage::Hello;

fn host(desk: &Desk, role: Role) -> Host<UsbTransport> {
    Host::new(desk.open(role), job::slotter())
}

fn rebuilt(desk: &mut Desk, seed: u64) -> [Host<UsbTransport>; 2] {
    desk.rebuild(job::bench(seed));
    desk.plug_both();
    BOTH.map(|role| host(desk, role))
}

fn greeted(answer: Result<Answer, TransportError>) -> bool {
    matches!(answer, Ok(Answer::Hello(_)))
}

/// Name of a board's serial port; the guest has others too.
fn port() -> Option<String> {
    let ports = serial_ports().expect("sysfs is there");
    let names = ports.into_iter().filter_map(|port| match port.address {
        DeviceAddress::Serial(name) => Some(name),
        _ => None,
    });
    names.filter(|name| name.contains("ttyACM")).min()
}

/// Nothing is lost on the way.
fn whole(heard: &[Heard; 2], plan: &Plan) {
    for heard in heard {
        assert_eq!((heard.missing_ticks, heard.missing_slots, heard.lost), (0, 0, 0));
    }
    assert_eq!(heard[0].end.map(|end| end.0), Some(plan.slots));
    // Bob has no settings before his clock has locked.
    assert!(heard[0].codes(plan.slots).iter().all(Option::is_some), "settings are missing");
}

pub fn enumeration(desk: &mut Desk) -> String {
    let begun = Instant::now();
    desk.plug(Role::Alice);
    let took = begun.elapsed();
    let found = usb_devices().expect("sysfs is there");
    let [board] = &found[..] else { panic!("{found:?}") };
    assert_eq!((board.vendor_id, board.product_id), (0x1209, 0x0001));
    assert_eq!(board.product, "Heliograph virtual Alice");
    assert_eq!(board.serial.as_deref(), Some(serial(Role::Alice)));
    until("the serial port is there", || port().is_some());
    assert!(greeted(host(desk, Role::Alice).ask(&HELLO)));
    desk.unplug(Role::Alice);
    until("the serial port is gone", || port().is_none());
    format!("listed after {} ms", took.as_millis())
}

pub fn versions(desk: &mut Desk) -> String {
    desk.plug(Role::Bob);
    let mut bob = host(desk, Role::Bob);
    // Version 99 with a right checksum, before and after this host owns the device.
    let mut raw = vec![99, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let crc = !raw.iter().fold(!0u32, |crc, byte| {
        (0..8)
            .fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    });
    raw.extend(crc.to_le_bytes());
    let stranger = [&[0, raw.len() as u8 + 1], &raw[..], &[0]].concat();
    let unknown = Ok(Answer::Refused(ErrorCode::UnknownCommand, 99));
    bob.connection.transport().send(&stranger).expect("the cable holds");
    assert_eq!(bob.answer_to(0), unknown);
    assert!(greeted(bob.ask(&HELLO)), "the stranger did no harm");
    bob.connection.transport().send(&stranger).expect("the cable holds");
    assert_eq!(bob.answer_to(0), unknown);
    let clear = HostMessage::Clear { cause: TripCause::UnknownCommand };
    assert_eq!(bob.ask(&clear), Ok(Answer::Ack), "it has tripped");
    "answered with the device's own version; trips its owner's interlock only".into()
}

pub fn both_pipes(desk: &mut Desk) -> String {
    desk.plug(Role::Bob);
    until("the serial port is there", || port().is_some());
    let name = port().expect("it is there");
    let open = || Host::new(SerialTransport::open(&name).expect("it opens"), job::slotter());
    let (mut vendor, mut serial) = (host(desk, Role::Bob), open());
    assert!(greeted(vendor.ask(&HELLO)));
    let refused = serial.ask(&HELLO).expect("an answer");
    assert_eq!(refused, Answer::Refused(ErrorCode::Busy, 0));
    assert!(greeted(vendor.ask(&HELLO)), "the owner stays");
    // A second program cannot have the vendor interface at all.
    assert!(UsbTransport::open(self::serial(Role::Bob)).is_err());
    drop((vendor, serial));
    let mut serial = open();
    until("the owner has been silent for long", || greeted(serial.ask(&HELLO)));
    let mut vendor = host(desk, Role::Bob);
    serial.connection.beat().expect("the cable holds");
    assert_eq!(vendor.ask(&HELLO), Ok(Answer::Refused(ErrorCode::Busy, 0)));
    drop(serial);
    until("the port is closed", || greeted(vendor.ask(&HELLO)));
    "the second one is refused, whichever it is".into()
}

pub fn streaming(desk: &mut Desk) -> String {
    let mut said = Vec::new();
    for (paced, slots) in [(false, 300_000), (true, 100_000)] {
        let plan = Plan::short(11, slots);
        desk.rebuild(job::bench(plan.seed));
        let plugs = desk.plug_both();
        if paced {
            plugs.iter().for_each(Plug::pace);
        }
        let mut hosts = BOTH.map(|role| host(desk, role));
        let [alice, bob] = &mut hosts;
        let begun = Instant::now();
        let heard = run([alice, bob], &plan, 1).map(|heard| heard.expect("the cables hold"));
        whole(&heard, &plan);
        let truth = job::in_process(job::bench(plan.seed), &plan);
        for (heard, truth) in heard.iter().zip(&truth) {
            assert_eq!((heard.tags, &heard.settings), (truth.tags, &truth.settings));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let pace = if paced { "paced" } else { "unpaced" };
        said.push(format!("{slots} slots, {} tags, {pace}: {seconds:.1} s", heard[1].tags));
    }
    said.join("; ")
}

pub fn stall_and_clear(desk: &mut Desk) -> String {
    desk.rebuild(job::bench(12));
    let plug = desk.plug(Role::Bob);
    let mut bob = host(desk, Role::Bob);
    assert!(greeted(bob.ask(&HELLO)));
    plug.stall(1);
    let begun = Instant::now();
    let error = loop {
        match bob.receive(Duration::from_millis(5)) {
            Ok(()) => assert!(begun.elapsed() < PATIENCE, "the stall is not seen"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, TransportError::Failed(-2));
    drop(bob);
    let mut devices = nusb::list_devices().wait().expect("sysfs is there");
    let device = devices.find(|d| d.serial_number() == Some(serial(Role::Bob))).expect("listed");
    let device = device.open().wait().expect("it opens");
    let frames = device.claim_interface(0).wait().expect("nobody has it");
    frames.endpoint::<Bulk, In>(0x81).expect("its own").clear_halt().wait().expect("cleared");
    drop((frames, device));
    let mut bob = host(desk, Role::Bob);
    assert!(greeted(bob.ask(&HELLO)), "it speaks again");
    format!("{error}; cleared by the host, and greeted")
}

pub fn unplug_and_replug(desk: &mut Desk) -> String {
    let plan = Plan::short(13, 2_000_000);
    let mut hosts = rebuilt(desk, plan.seed);
    std::thread::scope(|scope| {
        let [alice, bob] = &mut hosts;
        let plan = &plan;
        let listen = scope.spawn(move || {
            bob.start(Role::Bob, plan, 1)?;
            bob.finish()
        });
        alice.start(Role::Alice, plan, 1).expect("it starts");
        until("data flow", || {
            alice.receive(Duration::from_millis(1)).expect("the cable holds");
            alice.heard().settings.len() > 5
        });
        desk.unplug(Role::Bob);
        let error = listen.join().expect("a host does not panic").expect_err("in mid-transfer");
        assert_eq!(error, TransportError::Closed);
    });
    assert!(!listed(Role::Bob) && listed(Role::Alice));
    desk.plug(Role::Bob);
    let mut bob = host(desk, Role::Bob);
    assert!(greeted(bob.ask(&HELLO)));
    let clear = HostMessage::Clear { cause: TripCause::LinkReset };
    assert_eq!(bob.ask(&clear), Ok(Answer::Ack), "it has tripped");
    assert_eq!(bob.connection.nonce(), Some(nonce(plan.seed, Role::Bob)), "no reboot");
    "closed, dark by the link's reset, greeted again with the same nonce".into()
}

pub fn two_boards(desk: &mut Desk) -> String {
    desk.rebuild(job::bench(14));
    desk.plug_both();
    let found = usb_devices().expect("sysfs is there");
    let serials: Vec<_> = found.iter().filter_map(|board| board.serial.as_deref()).collect();
    assert_eq!(serials, ["A-0001", "B-0001"]);
    for role in BOTH {
        let mut host = host(desk, role);
        assert!(greeted(host.ask(&HELLO)));
        assert_eq!(host.connection.nonce(), Some(nonce(14, role)), "{role:?} by its serial number");
    }
    assert!(UsbTransport::open("C-0001").is_err());
    "each by its serial number".into()
}

/// Descriptor, offset, byte, and what the lie is.
const LIES: [(u8, usize, u8, &str); 8] = [
    (2, 22, 0, "packets without bytes"),
    (2, 23, 7, "packets that no bus carries"),
    (2, 20, 0x80, "the control pipe for data"),
    (2, 20, 0x02, "both ways to the device"),
    (2, 21, 3, "interrupts for bulk"),
    (2, 14, 0x03, "a keyboard"),
    (2, 18, 200, "a descriptor beyond the end"),
    (2, 2, 20, "cut off behind its first endpoint's length"),
];

pub fn liars(desk: &mut Desk) -> String {
    let mut refused = 0;
    for (kind, at, byte, lie) in LIES {
        desk.rebuild(job::bench(15));
        desk.plug_in(Role::Bob, |plug| plug.lie(kind, at, byte));
        // Whether the kernel lists it at all is the kernel's affair.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1_500) && !listed(Role::Bob) {
            std::thread::sleep(Duration::from_millis(10));
        }
        match UsbTransport::open(serial(Role::Bob)) {
            Ok(_) => panic!("believed: {lie}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!said.contains('\n'), "{lie}: {said}");
                refused += 1;
            }
        }
        desk.unplug(Role::Bob);
    }
    format!("{refused} lies, each an error")
}

pub fn starts(desk: &mut Desk) -> String {
    let mut hosts = rebuilt(desk, 16);
    let [alice, bob] = &mut hosts;
    let mut tags = 0;
    for epoch in 1..=50 {
        // Long enough for Bob's clock to lock.
        let plan = Plan::short(16, 40_000);
        let heard = if epoch == 1 {
            run([&mut *alice, &mut *bob], &plan, epoch)
        } else {
            both([&mut *alice, &mut *bob], |host, role| {
                host.begin(role, &plan, epoch)?;
                host.finish()
            })
        };
        let heard = heard.map(|heard| heard.expect("the cables hold"));
        whole(&heard, &plan);
        tags += heard[1].tags;
    }
    format!("50 runs, {tags} tags, nothing lost")
}

pub fn reboot(desk: &mut Desk) -> String {
    let plan = Plan::short(17, 2_000_000);
    let mut hosts = rebuilt(desk, plan.seed);
    let [alice, bob] = &mut hosts;
    std::thread::scope(|scope| {
        let plan = &plan;
        let listen = scope.spawn(move || {
            bob.start(Role::Bob, plan, 1)?;
            bob.finish()
        });
        alice.start(Role::Alice, plan, 1).expect("it starts");
        until("data flow", || {
            alice.receive(Duration::from_millis(1)).expect("the cable holds");
            alice.heard().settings.len() > 5
        });
        desk.rebuild(job::bench(18));
        let error = listen.join().expect("a host does not panic").err();
        assert_eq!(error, Some(TransportError::Closed));
    });
    drop(hosts);
    desk.plug(Role::Bob);
    let mut bob = host(desk, Role::Bob);
    assert!(greeted(bob.ask(&HELLO)));
    let new = bob.connection.nonce();
    assert_eq!(new, Some(nonce(18, Role::Bob)));
    assert_ne!(new, Some(nonce(plan.seed, Role::Bob)));
    "another nonce".into()
}
