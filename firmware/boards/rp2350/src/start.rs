//! From reset to two running cores: what both roles share.

use crate::adc::Converter;
use crate::control::{self, ControlEnds, Desk};
use crate::pins::{self, BoardPins, Wiring};
use crate::pipe::{DataEnds, EventQueue, FrameQueue, OrderQueue, SeenQueue, SupplyQueue};
use crate::port::Pio;
use crate::spi::{self, Device};
use crate::timer::DeviceTime;
use crate::trng::{ASSUMED_MILLIBITS, Trng};
use crate::{chip, dma, kept, timer};
use cortex_m::singleton;
use helio_bench::{KEPT_LENGTH, RandomSource};
use helio_firmware::pipe::Frames;
use helio_firmware::random::ConditionedNoise;
use helio_firmware::{Identity, Kept, Profile, Text, text};
use helio_panel::{Chip, Panel, Parts, RECENTLY, Turns, boot_cause};
use helio_units::{Hertz, TickLength};
use helio_wire::Capabilities;
use rp235x_hal::clocks::{Clock, init_clocks_and_plls};
use rp235x_hal::fugit::MicrosDurationU32;
use rp235x_hal::multicore::{Multicore, Stack};
use rp235x_hal::rom_data::sys_info_api;
use rp235x_hal::{Sio, Watchdog, pac, sio::SioFifo};
use usb_device::bus::UsbBusAllocator;

/// The crystal of a Pico 2; the system clock becomes 150 MHz.
const CRYSTAL_HZ: u32 = 12_000_000;

/// What the reference oscillator makes in a microsecond, and the crystal exactly.
const TICKS_A_MICROSECOND: u16 = 12;

/// Everything up to the control plane's first turn takes some milliseconds.
const START_UP: MicrosDurationU32 = MicrosDurationU32::secs(2);

pub type Bus = rp235x_hal::usb::UsbBus;

/// The table over the chips of this board.
pub type BoardPanel = Panel<'static, Device, Converter>;

/// The chip's generator, tested and conditioned.
pub type Noise = ConditionedNoise<Trng>;

/// A board that is ready, and dark.
pub struct Board {
    pub identity: Identity,
    pub random: Noise,
    pub chip: Chip,
    pub kept: &'static mut [u8; KEPT_LENGTH],
    pub parts: Parts<Device, Converter>,
    /// With [`Wiring::Converter`].
    pub converter: Option<spi::Converter>,
    pub rest: Rest,
}

/// What the station's role does not ask for.
pub struct Rest {
    pins: BoardPins,
    usb: &'static UsbBusAllocator<Bus>,
    watchdog: Watchdog,
    fifo: SioFifo,
    psm: pac::PSM,
    ppb: pac::PPB,
    time: DeviceTime,
}

/// Everything but the second core.
///
/// # Panics
/// Where the crystal does not start: nothing can be done then, and the pins are dark.
pub fn board(wiring: Wiring) -> Board {
    let mut p = pac::Peripherals::take().expect("the first call");
    let (reset, watchdog) = chip::reset_reasons();
    let faults = kept::faults();
    kept::remember(faults.seen());
    let chip = Chip {
        stepping: chip::stepping(),
        cause: boot_cause(reset, watchdog, faults.fresh),
        faults: faults.count,
    };
    let kept = kept::record();
    // A panic from here on is a reset. It counts the reference oscillator until the crystal runs, and
    // is fed by the control plane's loop only.
    let mut watchdog = Watchdog::new(p.WATCHDOG);
    watchdog.enable_tick_generation(TICKS_A_MICROSECOND);
    watchdog.start(START_UP);
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
    let (pins, chips, converter) = pins::assign(pins, wiring);
    let clock = clocks.peripheral_clock.freq();
    let converter = converter.map(|pins| spi::Converter::new(p.SPI1, pins, &mut p.RESETS, clock));
    let [dac, delays, stopwatch] =
        spi::devices(p.SPI0, chips.bus, chips.selects, &mut p.RESETS, clock);
    let parts = Parts {
        dac,
        delays: Some(delays),
        stopwatch,
        analog: Converter::new(&mut p.RESETS),
        clock: TickLength::CYCLE_150_MHZ,
    };

    let noise = Trng::new(&mut p.RESETS);
    let mut random = ConditionedNoise::new(noise, 1, ASSUMED_MILLIBITS);
    let mut nonce = [0; 4];
    // Without a generator the number of the boot and the time are what there is: the nonce tells boots
    // apart and is no secret. Settings are refused by the generator itself.
    let boot_nonce = match random.fill(&mut nonce) {
        Ok(()) => u32::from_le_bytes(nonce),
        Err(_) => {
            let boots = Kept::recover(kept).map_or(0, |kept| kept.boots);
            boots.wrapping_add(1).wrapping_mul(0x9E37_79B9) ^ timer::now().0 as u32
        }
    };
    let usb =
        UsbBusAllocator::new(Bus::new(p.USB, p.USB_DPRAM, clocks.usb_clock, true, &mut p.RESETS));
    let time = match wiring {
        Wiring::Player => DeviceTime::CYCLES,
        Wiring::Converter => DeviceTime::THOUSANDTHS,
    };
    let identity = Identity {
        board: text("rp2350"),
        serial: serial(),
        boot_nonce: boot_nonce.max(1),
        tick_length: time.tick_length(),
        max_slot_rate: Hertz(1_000_000),
        capabilities: Capabilities::BOOT_LOADER,
    };
    let usb = singleton!(: UsbBusAllocator<Bus> = usb).expect("the first call");
    let rest = Rest { pins, usb, watchdog, fifo: sio.fifo, psm: p.PSM, ppb: p.PPB, time };
    Board { identity, random, chip, kept, parts, converter, rest }
}

/// Starts core 1 on the data plane and runs the control plane, for good.
///
/// # Panics
/// When called twice, or where the second core does not start: dark.
pub fn run<const STACK: usize>(
    rest: Rest,
    profile: Profile,
    panel: BoardPanel,
    product: &'static str,
    stack: &'static Stack<STACK>,
    data_plane: impl FnOnce(DataEnds) + Send + 'static,
) -> ! {
    let Rest { pins, usb, watchdog, mut fifo, mut psm, mut ppb, time } = rest;
    let orders = singleton!(: OrderQueue = OrderQueue::new()).expect("the first call").split();
    let events = singleton!(: EventQueue = EventQueue::new()).expect("the first call").split();
    let frames = singleton!(: FrameQueue = FrameQueue::new()).expect("the first call").split();
    let supplies = singleton!(: SupplyQueue = SupplyQueue::new()).expect("the first call").split();
    let seen = singleton!(: SeenQueue = SeenQueue::new()).expect("the first call").split();
    let ends = ControlEnds {
        orders: orders.0,
        events: events.1,
        frames: frames.1,
        supplies: supplies.0,
        seen: seen.1,
    };
    let data = DataEnds {
        orders: orders.1,
        events: events.0,
        frames: Frames::new(frames.0),
        supplies: supplies.1,
        seen: seen.0,
        turns: Turns::new(TickLength::CYCLE_150_MHZ.ticks_covering(RECENTLY)),
    };
    let serial = singleton!(: Text = profile.identity.serial.clone()).expect("the first call");
    let mut cores = Multicore::new(&mut psm, &mut ppb, &mut fifo);
    let stack = stack.take().expect("the first call");
    let spawned = cores.cores()[1].spawn(stack, move || {
        chip::unmask_dma();
        data_plane(data);
    });
    assert!(spawned.is_ok());
    control::run(profile, panel, ends, Desk { usb, serial, pins, watchdog, time }, product)
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
