//! Register map of the TDC7200 (SNAS647D section 8.6, "Register Maps").

/// Registers by address. Those up to 0x09 are 8 bits long, those from 0x10 on 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Address {
    /// CONFIG1, reset 0x00: [`Config1`].
    Config1 = 0x00,
    /// CONFIG2, reset 0x40: [`Config2`].
    Config2 = 0x01,
    /// INT_STATUS, reset 0x00: [`Interrupts`].
    InterruptStatus = 0x02,
    /// INT_MASK, reset 0x07: [`Interrupts`] that pull the INTB pin.
    InterruptMask = 0x03,
    /// COARSE_CNTR_OVF_H, reset 0xFF; its low byte follows at 0x05.
    CoarseOverflow = 0x04,
    /// CLOCK_CNTR_OVF_H, reset 0xFF; its low byte follows at 0x07.
    ClockOverflow = 0x06,
    /// CLOCK_CNTR_STOP_MASK_H, reset 0x00; its low byte follows at 0x09. STOPs are ignored until
    /// the clock counter has come this far.
    StopMask = 0x08,
    /// TIME1, the first of the thirteen result registers that end with CALIBRATION2 at 0x1C.
    Time1 = 0x10,
}

/// Bit 7 of a command: the address counts up with each register moved (section 8.5.1.6).
const AUTO_INCREMENT: u8 = 0x80;
/// Bit 6 of a command: write.
const WRITE: u8 = 0x40;

/// The first byte of a transfer: a write to `address`, counting up.
pub const fn write_command(address: Address) -> u8 {
    AUTO_INCREMENT | WRITE | address as u8
}

/// The first byte of a transfer: a read from `address`, counting up.
pub const fn read_command(address: Address) -> u8 {
    AUTO_INCREMENT | address as u8
}

/// Which way a signal moves when it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Polarity {
    /// Low to high.
    #[default]
    Rising,
    /// High to low.
    Falling,
}

/// MEAS_MODE, bits 2–1 of CONFIG1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The ring oscillator runs from START to STOP: 12 ns to 500 ns (SNAS647D, front page).
    ///
    /// The front page of the TDC7201, two of these cores in one package, says 12 ns to 2000 ns
    /// (SNAS686). The shorter range is taken here.
    Short,
    /// The external clock is counted, the ring oscillator fills in both ends: 250 ns to 8 ms.
    Long,
}

/// CONFIG1 (address 0x00).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config1 {
    /// FORCE_CAL, bit 7: calibrate after an interrupted measurement too.
    pub force_calibration: bool,
    /// PARITY_EN, bit 6: bit 23 of each result makes its parity even.
    pub parity: bool,
    /// TRIGG_EDGE, bit 5.
    pub trigger: Polarity,
    /// STOP_EDGE, bit 4.
    pub stop: Polarity,
    /// START_EDGE, bit 3.
    pub start: Polarity,
    /// MEAS_MODE, bits 2–1: 0 and 1; 2 and 3 are reserved.
    pub mode: Mode,
    /// START_MEAS, bit 0: clears the interrupt status and all results and waits for START.
    pub start_measurement: bool,
}

impl Config1 {
    /// The register's byte.
    pub const fn encode(self) -> u8 {
        (self.force_calibration as u8) << 7
            | (self.parity as u8) << 6
            | (self.trigger as u8) << 5
            | (self.stop as u8) << 4
            | (self.start as u8) << 3
            | (self.mode as u8) << 1
            | self.start_measurement as u8
    }

    /// From the register's byte; `None` where it holds a reserved mode.
    pub const fn decode(byte: u8) -> Option<Config1> {
        const fn polarity(byte: u8, bit: u8) -> Polarity {
            if byte >> bit & 1 == 1 { Polarity::Falling } else { Polarity::Rising }
        }
        let mode = match byte >> 1 & 3 {
            0 => Mode::Short,
            1 => Mode::Long,
            _ => return None,
        };
        Some(Config1 {
            force_calibration: byte & 0x80 != 0,
            parity: byte & 0x40 != 0,
            trigger: polarity(byte, 5),
            stop: polarity(byte, 4),
            start: polarity(byte, 3),
            mode,
            start_measurement: byte & 1 != 0,
        })
    }
}

/// CALIBRATION2_PERIODS, bits 7–6 of CONFIG2: clock periods of the second calibration. The first
/// takes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalibrationPeriods {
    /// 2 periods.
    Two,
    /// 10 periods, after a reset.
    #[default]
    Ten,
    /// 20 periods.
    Twenty,
    /// 40 periods.
    Forty,
}

impl CalibrationPeriods {
    /// All of them, in order of their code.
    pub const ALL: [CalibrationPeriods; 4] = [
        CalibrationPeriods::Two,
        CalibrationPeriods::Ten,
        CalibrationPeriods::Twenty,
        CalibrationPeriods::Forty,
    ];

    /// How many clock periods.
    pub const fn periods(self) -> u32 {
        match self {
            CalibrationPeriods::Two => 2,
            CalibrationPeriods::Ten => 10,
            CalibrationPeriods::Twenty => 20,
            CalibrationPeriods::Forty => 40,
        }
    }
}

/// CONFIG2 (address 0x01).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config2 {
    /// CALIBRATION2_PERIODS, bits 7–6.
    pub calibration: CalibrationPeriods,
    /// AVG_CYCLES, bits 5–3: results are means of 2 to this power, 0 to 7, of measurements.
    pub averaging: u8,
    /// NUM_STOP, bits 2–0, as a number of STOPs from 1 to 5 (the code is one less).
    pub stops: u8,
}

impl Config2 {
    /// The register's byte. Only the low three bits of `averaging` and of `stops − 1` count.
    pub const fn encode(self) -> u8 {
        (self.calibration as u8) << 6 | (self.averaging & 7) << 3 | (self.stops.wrapping_sub(1) & 7)
    }

    /// From the register's byte. Codes 5 to 7 of NUM_STOP mean a single STOP, as the chip reads
    /// them.
    pub const fn decode(byte: u8) -> Config2 {
        let code = byte & 7;
        Config2 {
            calibration: CalibrationPeriods::ALL[(byte >> 6) as usize],
            averaging: byte >> 3 & 7,
            stops: if code < 5 { code + 1 } else { 1 },
        }
    }
}

/// INT_STATUS (address 0x02) and INT_MASK (address 0x03, its low three bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interrupts(pub u8);

impl Interrupts {
    /// What INTB tells of: the end of a measurement and both overflows.
    pub const ALL_ENABLED: Interrupts = Interrupts(0x07);

    /// MEAS_COMPLETE_FLAG, bit 4.
    pub const fn complete(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// MEAS_STARTED_FLAG, bit 3: START has come.
    pub const fn started(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// CLOCK_CNTR_OVF_INT, bit 2: the clock counter reached CLOCK_CNTR_OVF before the last STOP.
    pub const fn clock_overflow(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// COARSE_CNTR_OVF_INT, bit 1: the ring oscillator's counter reached COARSE_CNTR_OVF.
    pub const fn coarse_overflow(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// NEW_MEAS_INT, bit 0: new results stand in the registers.
    pub const fn new_results(self) -> bool {
        self.0 & 0x01 != 0
    }
}
