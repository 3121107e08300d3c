//! The table of settings: what a device says of each of its quantities.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$each])* $variant = $code,)* }

        impl $name {
            /// All of them, in order of their code.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The code on the wire.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The one with this code, if there is one.
            pub const fn from_code(code: u8) -> Option<$name> {
                match code {
                    $($code => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// What the integer of a quantity counts.
    Unit {
        /// Nothing: a count or a code.
        None = 0,
        /// 10⁻¹² s.
        Picoseconds = 1,
        /// The device's ticks.
        Ticks = 2,
        /// Slots.
        Slots = 3,
        /// 10⁻³ V.
        Millivolts = 4,
        /// 10⁻⁹ photons a pulse.
        Nanophotons = 5,
        /// 10⁻³ K, from absolute zero.
        Millikelvin = 6,
        /// 10⁻⁶ of the quantity.
        PartsPerMillion = 7,
        /// Once a second.
        Hertz = 8,
        /// Bytes.
        Bytes = 9,
        /// 10⁻⁶ A.
        Microamperes = 10,
        /// Seconds.
        Seconds = 11,
        /// 10⁻³ dB.
        Millidecibels = 12,
    }
}

codes! {
    /// Who may change a quantity, and when.
    Access {
        /// Nobody: sensors and counters.
        ReadOnly = 0,
        /// The host, while the interlock is safe.
        WhenSafe = 1,
        /// The host, at any time.
        Always = 2,
    }
}

/// Longest name of an entry, in bytes.
pub const MAX_NAME: usize = 31;

/// What the table of settings says of one quantity.
///
/// Names have dots, the part first and its number last: `laser.level.0`, `laser.delay.h`,
/// `modulator.voltage.d`, `detector.threshold.2`, `sensor.temperature.board`, `sensor.bias.0`.
/// The same name means the same on every board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// At most [`MAX_NAME`] bytes of ASCII.
    pub name: &'a str,
    /// What one of it is.
    pub unit: Unit,
    /// Who may change it.
    pub access: Access,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
}
