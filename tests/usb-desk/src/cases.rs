//! What only a bus can do to a cable; all else is in the one suite, `helio_hil`.

use crate::desk::{UsbDesk, listed, nonce, port, serial, until};
use crate::usbip::Plug;
use helio_bench::TripCause;
use helio_hil::{Answer, Desk, Host, InProcess, Stations, main_job};
use helio_link::{TransportError, UsbTransport, usb_devices};
use helio_rig::{Hand, Plan};
use helio_wire::{HostMessage, Role};
use std::time::{Duration, Instant};

/// One look at a cable.
const GLANCE: Duration = Duration::from_millis(5);
/// Stalls in one run.
const STALLS: u32 = 5;
/// Slots of a run on a bus with the pace of full speed.
const PACED_SLOTS: u64 = 100_000;

pub fn enumeration(desk: &mut UsbDesk) -> String {
    let begun = Instant::now();
    desk.cable(Role::Alice);
    let took = begun.elapsed();
    let found = usb_devices().expect("sysfs is there");
    let [board] = &found[..] else { panic!("{found:?}") };
    assert_eq!((board.vendor_id, board.product_id), (0x1209, 0x0001));
    assert_eq!(board.product, "Heliograph virtual Alice");
    assert_eq!(board.serial.as_deref(), Some(serial(Role::Alice)));
    until("the serial port is there", || port(Role::Alice).is_some());
    let owner = desk.open(Role::Alice);
    // A second program cannot have the vendor interface at all.
    assert!(UsbTransport::open(serial(Role::Alice)).is_err());
    drop(owner);
    desk.unplug(Role::Alice);
    until("the serial port is gone", || port(Role::Alice).is_none());
    format!("listed after {} ms", took.as_millis())
}

pub fn two_boards(desk: &mut UsbDesk) -> String {
    let plan = Plan { seed: 14, ..Plan::default() };
    let mut all = Stations::new(desk, plan);
    let found = usb_devices().expect("sysfs is there");
    let serials: Vec<_> = found.iter().filter_map(|board| board.serial.as_deref()).collect();
    assert_eq!(serials, ["A-0001", "B-0001"]);
    for role in all.roles() {
        let host = all.host(role);
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

pub fn liars(desk: &mut UsbDesk) -> String {
    for (kind, at, byte, lie) in LIES {
        desk.plug_in(Role::Bob, |plug| plug.lie(kind, at, byte));
        // Whether the kernel lists it at all is the kernel's affair.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(1_500) && !listed(Role::Bob) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let said = match UsbTransport::open(serial(Role::Bob)) {
            Ok(_) => panic!("believed: {lie}"),
            Err(error) => error.to_string(),
        };
        assert!(!said.contains('\n'), "{lie}: {said}");
        desk.unplug(Role::Bob);
    }
    format!("{} lies, each an error", LIES.len())
}

/// The chip stalls while data flow: the transport clears it, and the run goes on.
pub fn stall_and_clear(desk: &mut UsbDesk) -> String {
    let plug = desk.cable(Role::Bob);
    let mut all = Stations::new(desk, Plan { seed: 15, ..Plan::default() });
    all.arm();
    all.start(0);
    let more = |all: &mut Stations<'_, UsbDesk>| {
        let wanted = all.host(Role::Bob).heard.tags + 50;
        all.until("tags", |all| all.host(Role::Bob).heard.tags > wanted);
    };
    for _ in 0..STALLS {
        more(&mut all);
        plug.stall(1);
        assert!(plug.is_stalled(1));
        all.until("the stall is cleared", |_| !plug.is_stalled(1));
    }
    more(&mut all);
    let heard = &all.host(Role::Bob).heard;
    format!("{STALLS} stalls in a run, cleared; {} tags, {} lost", heard.tags, heard.lost)
}

/// Listens until the cable fails.
fn until_broken(host: &mut Host<UsbTransport>) -> TransportError {
    let mut failed = None;
    until("the cable fails", || {
        failed = host.receive(GLANCE).err();
        failed.is_some()
    });
    failed.expect("it has just failed")
}

/// The cable is pulled while its host waits in a transfer, and data flow.
pub fn unplug_in_transfer(desk: &mut UsbDesk) -> String {
    let plug = desk.cable(Role::Bob);
    let plan = Plan { seed: 13, ..Plan::default() };
    let mut all = Stations::new(desk, plan);
    all.arm();
    all.start(0);
    all.until("tags", |all| all.host(Role::Bob).heard.tags > 50);
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            plug.unplug();
        });
        until_broken(all.host(Role::Bob))
    });
    assert_eq!(error, TransportError::Closed);
    all.unplug(Role::Bob);
    assert!(!listed(Role::Bob) && listed(Role::Alice));
    all.plug(Role::Bob);
    all.obey(Role::Bob, HostMessage::Clear { cause: TripCause::LinkReset });
    assert_eq!(all.host(Role::Bob).connection.nonce(), Some(nonce(13, Role::Bob)), "no reboot");
    "closed, dark by the link's reset, greeted again with the same nonce".into()
}

/// A chip that is reset falls off the bus, and comes back with another nonce.
pub fn reset_of_the_chip(desk: &mut UsbDesk) -> String {
    let plug = desk.cable(Role::Bob);
    let mut all = Stations::new(desk, Plan::default());
    all.arm();
    all.start(0);
    all.until("tags", |all| all.host(Role::Bob).heard.tags > 50);
    let before = all.host(Role::Bob).connection.nonce();
    plug.unplug();
    let error = until_broken(all.host(Role::Bob));
    assert_eq!(error, TransportError::Closed);
    all.unplug(Role::Bob);
    all.lay(Hand::Reboot(Role::Bob));
    all.plug(Role::Bob);
    assert_ne!(all.host(Role::Bob).connection.nonce(), before);
    let start = HostMessage::Start { epoch: 9, slots: 0 };
    assert!(matches!(all.ask(Role::Bob, start), Answer::Refused(..)), "it has forgotten all");
    "closed, and another nonce".into()
}

/// The same bits on a bus that takes its time.
pub fn paced(desk: &mut UsbDesk) -> String {
    let plugs: [Plug; 2] = [Role::Alice, Role::Bob].map(|role| desk.cable(role));
    plugs.iter().for_each(Plug::pace);
    let begun = Instant::now();
    let bits = main_job(desk, PACED_SLOTS);
    let seconds = begun.elapsed().as_secs_f64();
    assert!(bits == main_job(&mut InProcess::new(), PACED_SLOTS), "other bits than in process");
    format!("{PACED_SLOTS} slots, {} sifted bits, in {seconds:.1} s", bits.len())
}
