//! From reset to two running cores: what both roles share.

use crate::kept::Kept;
use crate::pins::{self, BoardPins};
use crate::pipe::{EventQueue, FrameQueue, OrderQueue, SupplyQueue};
use crate::port::Pio;
use crate::trng::{ASSUMED_MILLIBITS, Trng};
use crate::{dma, timer};
use cortex_m::singleton;
use heapless::spsc::{Consumer, Producer};
use helio_bench::RandomSource;
use helio_firmware::random::{ConditionedNoise, Supply};
use helio_firmware::{Event, Identity, Orders, Text, text};
use helio_units::{Hertz, TickLength};
use helio_wire::Capabilities;
use rp235x_hal::clocks::init_clocks_and_plls;
use rp235x_hal::rom_data::sys_info_api;
use rp235x_hal::{Sio, Watchdog, pac, sio::SioFifo};
use usb_device::bus::UsbBusAllocator;

/// The crystal of a Pico 2; the system clock becomes 150 MHz.
const CRYSTAL_HZ: u32 = 12_000_000;

pub type Bus = rp235x_hal::usb::UsbBus;

/// A board that is ready, and dark.
pub struct Board {
    pub identity: Identity,
    pub pins: BoardPins,
    pub usb: &'static UsbBusAllocator<Bus>,
    pub watchdog: Watchdog,
    pub random: ConditionedNoise<Trng>,
    pub kept: Kept,
    pub fifo: SioFifo,
    pub psm: pac::PSM,
    pub ppb: pac::PPB,
}

/// Everything but the second core.
///
/// # Panics
/// Where the crystal does not start: nothing can be done then, and the pins are dark.
pub fn board(capabilities: Capabilities) -> Board {
    let mut p = pac::Peripherals::take().expect("the first call");
    let mut watchdog = Watchdog::new(p.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        p.XOSC,
        p.CLOCKS,
        p.PLL_SYS,
        p.PLL_USB,
        &mut p.RESETS,
        &mut watchdog,
    )
    .ok()
    .expect("a crystal");
    timer::start(&mut p.RESETS);
    dma::set_up(&mut p.RESETS);
    p.RESETS.reset().modify(|_, w| w.pio0().clear_bit());
    while p.RESETS.reset_done().read().pio0().bit_is_clear() {}
    // Pins low before they are given to the PIO.
    helio_pio::port::set_up(&mut Pio);
    let sio = Sio::new(p.SIO);
    let pins = rp235x_hal::gpio::Pins::new(p.IO_BANK0, p.PADS_BANK0, sio.gpio_bank0, &mut p.RESETS);
    let pins = pins::assign(pins);

    let mut kept = Kept::load();
    kept.boots = kept.boots.saturating_add(1);
    kept.store();

    let noise = Trng::new(&mut p.RESETS);
    let mut random = ConditionedNoise::new(noise, 1, ASSUMED_MILLIBITS);
    let mut nonce = [0; 4];
    // Without a generator the number of the boot and the time are what there is: the nonce tells boots
    // apart and is no secret. Settings are refused by the generator itself.
    let boot_nonce = match random.fill(&mut nonce) {
        Ok(()) => u32::from_le_bytes(nonce),
        Err(_) => kept.boots.wrapping_mul(0x9E37_79B9) ^ timer::now().0 as u32,
    };
    let usb =
        UsbBusAllocator::new(Bus::new(p.USB, p.USB_DPRAM, clocks.usb_clock, true, &mut p.RESETS));
    let identity = Identity {
        board: text("rp2350"),
        serial: serial(),
        boot_nonce: boot_nonce.max(1),
        tick_length: TickLength::CYCLE_150_MHZ,
        max_slot_rate: Hertz(1_000_000),
        capabilities,
    };
    Board {
        identity,
        pins,
        usb: singleton!(: UsbBusAllocator<Bus> = usb).expect("the first call"),
        watchdog,
        random,
        kept,
        fifo: sio.fifo,
        psm: p.PSM,
        ppb: p.PPB,
    }
}

/// The chip's own number, as 16 hexadecimal digits.
fn serial() -> Text {
    let Ok(Some(info)) = sys_info_api::chip_info() else { return text("unknown") };
    let mut serial = Text::new();
    for word in [info.wafer_id, info.device_id] {
        for n in (0..8).rev() {
            let digit = char::from_digit(word >> (4 * n) & 15, 16).unwrap_or('0');
            let _ = serial.push(digit);
        }
    }
    serial
}

/// The queues between the cores: orders, events, frames, supplies.
pub type Queues = (
    (Producer<'static, Orders>, Consumer<'static, Orders>),
    (Producer<'static, Event>, Consumer<'static, Event>),
    (Producer<'static, u8>, Consumer<'static, u8>),
    (Producer<'static, Supply>, Consumer<'static, Supply>),
);

/// # Panics
/// At the second call.
pub fn queues() -> Queues {
    let orders = singleton!(: OrderQueue = OrderQueue::new()).expect("the first call");
    let events = singleton!(: EventQueue = EventQueue::new()).expect("the first call");
    let frames = singleton!(: FrameQueue = FrameQueue::new()).expect("the first call");
    let supplies = singleton!(: SupplyQueue = SupplyQueue::new()).expect("the first call");
    (orders.split(), events.split(), frames.split(), supplies.split())
}
