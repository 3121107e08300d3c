//! Configuration registers 0 to 16 (AS6500 DS000640 v4-00, AS6501 DS000586 v1-00, section 7.2).

/// Which of the two chips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Four channels, CMOS inputs, read over SPI.
    As6500,
    /// Two channels (STOPA, STOPB), LVDS or CMOS inputs, read over LVDS lines or SPI.
    ///
    /// In registers and results the two take the places that channels 1 and 3 have in an AS6500.
    As6501,
}

impl Part {
    /// Number of stop inputs.
    pub const fn channels(self) -> u8 {
        match self {
            Part::As6500 => 4,
            Part::As6501 => 2,
        }
    }

    /// The place of a channel, counted from zero, in bit fields and results.
    pub const fn place(self, channel: u8) -> u8 {
        match self {
            Part::As6500 => channel & 3,
            Part::As6501 => (channel & 1) * 2,
        }
    }
}

/// Where the reference clock comes from. The index and every time count its periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// From the REFCLK pin (PIN_ENA_REFCLK, bit 4 of register 0).
    Pin,
    /// From the chip's own crystal oscillator (REFCLK_BY_XOSC, bit 7 of register 7).
    Crystal,
}

/// HIGH_RESOLUTION, bits 7–6 of register 1: each stop is measured this often, and the mean is
/// taken. Less noise, fewer hits a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// Once.
    #[default]
    Single,
    /// Twice.
    Double,
    /// Four times.
    Fourfold,
}

impl Resolution {
    /// Results that a channel's FIFO holds; a hit that finds it full is lost and not told.
    pub const fn fifo_depth(self) -> usize {
        match self {
            Resolution::Single => 16,
            Resolution::Double => 8,
            Resolution::Fourfold => 4,
        }
    }
}

/// LVDS output of the AS6501 (bit 5 of register 0, bits 5–0 of register 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LvdsOutput {
    /// LVDS_DOUBLE_DATA_RATE, bit 5 of register 2.
    pub double_data_rate: bool,
    /// STOP_DATA_BITWIDTH, bits 4–3: code 0 to 3, see [`LvdsOutput::stop_bits`].
    pub stop_code: u8,
    /// REF_INDEX_BITWIDTH, bits 2–0: code 0 to 7, see [`LvdsOutput::index_bits`].
    pub index_code: u8,
}

impl LvdsOutput {
    /// Bits of a stop result in a frame: 14, 16, 18 or 20.
    pub const fn stop_bits(self) -> u32 {
        14 + 2 * (self.stop_code & 3) as u32
    }

    /// Bits of a reference index in a frame: 0, 2, 4, 8, 16, 24, 6 or 12, in this order of codes.
    pub const fn index_bits(self) -> u32 {
        [0, 2, 4, 8, 16, 24, 6, 12][(self.index_code & 7) as usize]
    }
}

/// Bytes that have to be written and mean nothing to the user. The documents do not agree on them.
///
/// | source | register 7, fixed bits | 13 | 14 | 15 |
/// |---|---|---|---|---|
/// | AS6500, as two drivers took it from the register description | 0x23 | 0x05 | 0xF1 | 0x7D |
/// | AS6500 and AS6501, as the maker's demonstration code and three drivers have it | 0x53 | 0xCC | 0xF1 | 0x7D |
/// | the older sheet's code example (TDC-GPX2, whose core this is) | 0x53 | 0xCC | 0x31 | 0x8E |
///
/// All of them were seen to work by their authors. Registers 8 to 12 are 0xA1, 0x13, 0x00, 0x0A,
/// 0xCC in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FixedBytes {
    /// The first row.
    RegisterDescription,
    /// The second row.
    #[default]
    Demonstration,
    /// The third row.
    OlderExample,
}

impl FixedBytes {
    const ALL: [FixedBytes; 3] =
        [FixedBytes::RegisterDescription, FixedBytes::Demonstration, FixedBytes::OlderExample];

    /// Registers 7 (without its top bit) and 8 to 15.
    const fn bytes(self) -> [u8; 9] {
        let (seventh, thirteenth, last) = match self {
            FixedBytes::RegisterDescription => (0x23, 0x05, [0xF1, 0x7D]),
            FixedBytes::Demonstration => (0x53, 0xCC, [0xF1, 0x7D]),
            FixedBytes::OlderExample => (0x53, 0xCC, [0x31, 0x8E]),
        };
        [seventh, 0xA1, 0x13, 0x00, 0x0A, 0xCC, thirteenth, last[0], last[1]]
    }
}

/// Number of configuration registers.
pub const CONFIG_BYTES: usize = 17;

/// Largest REFCLK_DIVISIONS: 20 bits.
pub const MAX_DIVISIONS: u32 = 0xF_FFFF;

/// What the configuration registers hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The chip.
    pub part: Part,
    /// Stop inputs in use, bit n for channel n counted from zero: PIN_ENA_STOPn in register 0 and
    /// HIT_ENA_STOPn in register 1.
    pub channels: u8,
    /// PIN_ENA_RSTIDX, bit 7 of register 0: a pulse there sets the index to zero.
    pub index_reset_pin: bool,
    /// PIN_ENA_DISABLE, bit 6 of register 0: a level there blinds the stop inputs.
    pub disable_pin: bool,
    /// The reference clock.
    pub reference: Reference,
    /// REFCLK_DIVISIONS, registers 3 to 5, 1 to [`MAX_DIVISIONS`]: a stop result counts this
    /// fraction of a reference period. With 100 000 at 10 MHz it counts picoseconds.
    pub divisions: u32,
    /// Measurements a stop.
    pub resolution: Resolution,
    /// The LVDS output, of an AS6501.
    pub lvds_output: Option<LvdsOutput>,
    /// CMOS_INPUT, bit 2 of register 16; always with an AS6500.
    pub cmos_inputs: bool,
    /// The bytes without a meaning.
    pub fixed: FixedBytes,
}

/// A configuration the chip does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// No channel, or one the chip lacks.
    Channels(u8),
    /// REFCLK_DIVISIONS is zero or beyond 20 bits.
    Divisions(u32),
    /// LVDS asked of an AS6500.
    NoLvds,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ConfigError::Channels(mask) => write!(f, "the chip lacks channels of {mask:#06b}"),
            ConfigError::Divisions(n) => {
                write!(f, "{n} divisions of a reference period are outside 1 to {MAX_DIVISIONS}")
            }
            ConfigError::NoLvds => f.write_str("the AS6500 has CMOS inputs and no LVDS output"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl Config {
    /// All channels, reference clock from the pin, CMOS inputs, read over SPI.
    pub const fn new(part: Part, divisions: u32) -> Config {
        Config {
            part,
            channels: (1 << part.channels()) - 1,
            index_reset_pin: false,
            disable_pin: false,
            reference: Reference::Pin,
            divisions,
            resolution: Resolution::Single,
            lvds_output: None,
            cmos_inputs: true,
            fixed: FixedBytes::Demonstration,
        }
    }

    /// Whether the chip can do this.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub const fn check(&self) -> Result<(), ConfigError> {
        if self.channels == 0 || self.channels >> self.part.channels() != 0 {
            return Err(ConfigError::Channels(self.channels));
        }
        if self.divisions == 0 || self.divisions > MAX_DIVISIONS {
            return Err(ConfigError::Divisions(self.divisions));
        }
        let lvds = self.lvds_output.is_some() || !self.cmos_inputs;
        if matches!(self.part, Part::As6500) && lvds {
            return Err(ConfigError::NoLvds);
        }
        Ok(())
    }

    /// The registers' bytes in order of address.
    pub fn encode(&self) -> [u8; CONFIG_BYTES] {
        let mut bytes = [0; CONFIG_BYTES];
        let stops = (0..self.part.channels())
            .filter(|n| self.channels >> n & 1 == 1)
            .fold(0, |bits, n| bits | 1 << self.part.place(n));
        let crystal = self.reference == Reference::Crystal;
        bytes[0] = stops
            | u8::from(!crystal) << 4
            | u8::from(self.lvds_output.is_some()) << 5
            | u8::from(self.disable_pin) << 6
            | u8::from(self.index_reset_pin) << 7;
        bytes[1] = stops | (self.resolution as u8) << 6;
        bytes[2] = self.lvds_output.map_or(0, |l| {
            u8::from(l.double_data_rate) << 5 | (l.stop_code & 3) << 3 | l.index_code & 7
        });
        let [low, middle, high, _] = (self.divisions & MAX_DIVISIONS).to_le_bytes();
        bytes[3..6].copy_from_slice(&[low, middle, high]);
        bytes[6] = 0xC0;
        bytes[7..16].copy_from_slice(&self.fixed.bytes());
        bytes[7] |= u8::from(crystal) << 7;
        bytes[16] = u8::from(self.cmos_inputs) << 2;
        bytes
    }

    /// What the bytes mean; `None` where they hold a setting that [`Config`] has not: one that
    /// the chip lacks, combined channels, a FIFO read out in another order, a test pattern.
    pub fn decode(part: Part, bytes: &[u8; CONFIG_BYTES]) -> Option<Config> {
        let crystal = bytes[7] & 0x80 != 0;
        let lvds = LvdsOutput {
            double_data_rate: bytes[2] & 0x20 != 0,
            stop_code: bytes[2] >> 3 & 3,
            index_code: bytes[2] & 7,
        };
        let config = Config {
            part,
            channels: (0..part.channels())
                .filter(|n| bytes[0] >> part.place(*n) & 1 == 1)
                .fold(0, |bits, n| bits | 1 << n),
            index_reset_pin: bytes[0] & 0x80 != 0,
            disable_pin: bytes[0] & 0x40 != 0,
            reference: if crystal { Reference::Crystal } else { Reference::Pin },
            divisions: u32::from_le_bytes([bytes[3], bytes[4], bytes[5], 0]),
            resolution: match bytes[1] >> 6 {
                0 => Resolution::Single,
                1 => Resolution::Double,
                2 => Resolution::Fourfold,
                _ => return None,
            },
            lvds_output: (bytes[0] & 0x20 != 0).then_some(lvds),
            cmos_inputs: bytes[16] & 0x04 != 0,
            fixed: FixedBytes::ALL.into_iter().find(|f| {
                let fixed = f.bytes();
                bytes[7] & 0x7F == fixed[0] && bytes[8..16] == fixed[1..]
            })?,
        };
        // What the fields do not hold shows when they are written again.
        (config.check().is_ok() && config.encode() == *bytes).then_some(config)
    }
}
