//! What both stations must have equal: the sections `[protocol]` and `[detectors]`.

use std::fmt;
use std::str::FromStr;

use helio_distill::bound::{Acceptance, BoundChoice, LiveBound, Refusal};
use helio_distill::parameters::{BadParameter, CodeChoice, Parameters, Receiver, SessionId};
use helio_distill::{BLOCKS_IN_FLIGHT, MOST_BLOCKS_IN_FLIGHT};

use super::calibration::{self, Calibration};
use super::section::{Keys, Result, Section};
use super::value::texts;
use crate::quantity::{InvalidQuantity, Parts, Photons, Share, SlotRate, Span};

pub(super) const PROTOCOL: Keys = &[
    "slot_rate",
    "slots_per_block",
    "sync_spacing",
    "sync_seed",
    "bound",
    "acceptance",
    "intensity",
    "intensity_uncertainty",
    "alice_key_basis",
    "bob_key_basis",
    "receiver",
    "window",
    "hold_off",
    "clock_bound",
    "epsilon",
    "code",
    "round_trip",
    "qber_margin",
    "blocks_in_flight",
];
const INTENSITY: Keys = &["mu", "probability"];
const ACCEPTANCE: Keys = &["single_photons", "phase_error", "leak_bits"];

/// Start of the public sync sequence where none is written: the one of the demo.
const SYNC_SEED: i64 = 0x4F1B_BCDD;

/// Round trip of the line where none is written: within a city.
const ROUND_TRIP: Span = Span(10_000_000_000);

/// What both stations have equal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Protocol {
    pub slot_rate: SlotRate,
    pub sync_seed: u32,
    /// Blocks that are talked about at a time.
    pub blocks_in_flight: usize,
    /// With the session of nobody.
    pub parameters: Parameters,
    /// `None` where the detectors are assumed to be matched.
    pub calibration: Option<Calibration>,
}

pub(super) fn read(protocol: &Section<'_>, detectors: &Section<'_>) -> Result<Protocol> {
    let slot_rate: SlotRate = protocol.need("slot_rate")?;
    let slots_per_block = protocol.whole("slots_per_block", 1..=4_000_000_000, None)?;
    let sync_spacing = protocol.whole("sync_spacing", 2..=65_535, Some(64))?;
    let sync_seed = protocol.whole("sync_seed", 1..=0x7FFF_FFFF, Some(SYNC_SEED))?;
    let bound = bound(protocol)?;
    let (mu_nano, intensity_weights) = intensities(protocol, bound.bound().intensities())?;
    let uncertainty = protocol.or("intensity_uncertainty", Uncertainty(None))?;
    let uncertainty = uncertainty.0.map(|share| ppm(protocol, "intensity_uncertainty", share));
    let receiver = protocol.choice(
        "receiver",
        &[
            ("active with swap", Receiver::Active { random_swap: true }),
            ("active without swap", Receiver::Active { random_swap: false }),
            ("passive", Receiver::Passive),
        ],
        None,
    )?;
    let [alice_key_weight, bob_key_weight] =
        [key_basis(protocol, "alice_key_basis")?, key_basis(protocol, "bob_key_basis")?];
    let window: Span = protocol.need("window")?;
    if slot_rate.slots_covering(window) > 1 {
        return Err(protocol.fault(
            "window",
            format_args!("is {window}, longer than a slot at {slot_rate}; choose a shorter one"),
        ));
    }
    let hold_off: Span = protocol.need("hold_off")?;
    let clock_bound = match protocol.need("clock_bound")? {
        ClockBound::Slots(slots) => u128::from(slots),
        ClockBound::Time(span) => slot_rate.slots_covering(span),
    };
    let epsilon_total = protocol.or("epsilon", 1e-10)?;
    let round_trip: Span = protocol.or("round_trip", ROUND_TRIP)?;
    let [round_trip_s, block_s] =
        [round_trip.0 as f64 / 1e12, f64::from(slots_per_block) / slot_rate.hz()];
    let code = protocol.choice(
        "code",
        &[
            ("auto", CodeChoice::on_a_line(round_trip_s, block_s)),
            ("ldpc", CodeChoice::Ldpc),
            ("cascade", CodeChoice::Cascade),
        ],
        Some("auto"),
    )?;
    let margin = protocol.or("qber_margin", Share(0))?;
    let in_flight = BLOCKS_IN_FLIGHT as i64;
    let blocks_in_flight =
        protocol.whole("blocks_in_flight", 1..=MOST_BLOCKS_IN_FLIGHT as i64, Some(in_flight))?;
    let (detector_match, calibration) = calibration::read(detectors, receiver)?;
    let longest: Span = detectors.need("longest_dead_time")?;
    if hold_off < longest {
        return Err(protocol.fault(
            "hold_off",
            format_args!(
                "is {hold_off}, shorter than `detectors.longest_dead_time` of {longest}, and a \
                 detector that is dead tells by its silence; write at least {longest}"
            ),
        ));
    }
    let parameters = Parameters {
        session: SessionId([0; 16]),
        bound,
        mu_nano,
        intensity_weights,
        intensity_uncertainty_ppm: uncertainty.transpose()?,
        alice_key_weight,
        bob_key_weight,
        slots_per_block,
        sync_spacing,
        receiver,
        hold_off_ps: hold_off.0.unsigned_abs(),
        window_ps: window.0.unsigned_abs(),
        clock_bound_slots: u32::try_from(clock_bound).map_err(|_| {
            let most = u32::MAX;
            protocol
                .fault("clock_bound", format_args!("is above {most} slots; choose a shorter one"))
        })?,
        detectors: detector_match,
        epsilon_total,
        code,
        qber_margin_ppm: ppm(protocol, "qber_margin", margin)?,
    };
    parameters.check().map_err(|bad| blame(protocol, detectors, &bad))?;
    if let LiveBound::Wiesemann(bound) = parameters.bound()
        && bound.key_bits() == 0
    {
        return Err(protocol.fault(
            "acceptance",
            "leaves no key: what so many single photons hold is less than the leak and the constants; \
             take the numbers of `helio optimise --bound wiesemann`",
        ));
    }
    Ok(Protocol { slot_rate, sync_seed, blocks_in_flight, parameters, calibration })
}

/// The bound, with what a block of fixed length must show.
fn bound(protocol: &Section<'_>) -> Result<BoundChoice> {
    let one_decoy =
        protocol.choice("bound", &[("varlen2d", false), ("wiesemann", true)], Some("varlen2d"))?;
    if !one_decoy {
        return match protocol.has("acceptance") {
            false => Ok(BoundChoice::Varlen2d),
            true => Err(protocol.fault(
                "acceptance",
                "is written although the length follows each block; remove it, or write \
                 bound = \"wiesemann\"",
            )),
        };
    }
    if !protocol.has("acceptance") {
        return Err(protocol.absent(
            "acceptance",
            "is missing, and a key of fixed length needs what a block must show; write \
             [protocol.acceptance] with what `helio optimise --bound wiesemann` prints",
        ));
    }
    let acceptance = protocol.section("acceptance", ACCEPTANCE)?;
    let most = 1 << 53;
    let single_photons = acceptance.whole("single_photons", 1..=most, None)?;
    let share: Share = acceptance.need("phase_error")?;
    let phase_error_nano = u32::try_from(share.0).ok().filter(|nano| *nano < 500_000_000);
    let phase_error_nano = phase_error_nano.ok_or_else(|| {
        acceptance.fault("phase_error", format_args!("is {share}; choose 0 % to below 50 %"))
    })?;
    let lambda_max = acceptance.whole("leak_bits", 0..=most, None)?;
    Ok(BoundChoice::Wiesemann(Acceptance { single_photons, phase_error_nano, lambda_max }))
}

/// Photon numbers in 10⁻⁹ and weights of the intensities; a third that the bound does not take is 0.
fn intensities(protocol: &Section<'_>, wanted: usize) -> Result<([u64; 3], [u16; 3])> {
    let listed = protocol.sections("intensity", INTENSITY)?;
    if listed.len() != wanted {
        let number = if wanted == 2 { "two" } else { "three" };
        let complaint = format_args!(
            "has not {number} entries; write {number} tables headed [[protocol.intensity]], the \
             brightest first, for bound = \"varlen2d\" takes three and \"wiesemann\" two"
        );
        return Err(protocol.absent("intensity", complaint));
    }
    let (mut mu_nano, mut weights) = ([0; 3], [0; 3]);
    for (i, one) in listed.iter().enumerate() {
        mu_nano[i] = one.need::<Photons>("mu")?.0.unsigned_abs();
        weights[i] = one.need::<Parts>("probability")?.0;
        if weights[i] == 0 {
            return Err(one.fault("probability", "is zero; write at least 1/4096"));
        }
    }
    let sum: u32 = weights.iter().map(|w| u32::from(*w)).sum();
    if sum != 4096 {
        return Err(listed[0].fault(
            "probability",
            format_args!(
                "and those of the other intensities add up to {sum}/4096; make it 4096/4096"
            ),
        ));
    }
    Ok((mu_nano, weights))
}

fn key_basis(protocol: &Section<'_>, key: &'static str) -> Result<u16> {
    let Parts(weight) = protocol.need(key)?;
    match weight {
        1..4096 => Ok(weight),
        _ => Err(protocol.fault(
            key,
            format_args!("is {weight}/4096, and both bases are needed; choose 1/4096 to 4095/4096"),
        )),
    }
}

fn ppm(section: &Section<'_>, key: &'static str, share: Share) -> Result<u32> {
    let nano = share.0.unsigned_abs();
    match u32::try_from(nano / 1000) {
        Ok(ppm) if nano.is_multiple_of(1000) => Ok(ppm),
        _ => {
            let nearest = Share((share.0 + 500) / 1000 * 1000);
            Err(section.fault(
                key,
                format_args!("is {share}, and it is exact to 0.0001 %; round it to {nearest}"),
            ))
        }
    }
}

/// The key behind a parameter that no run can be made with.
fn blame(
    protocol: &Section<'_>,
    detectors: &Section<'_>,
    bad: &BadParameter,
) -> super::fault::ConfigFault {
    let key = match bad {
        BadParameter::Bound(Refusal::Mismatch { name, .. }) => {
            return detectors.fault(name, format_args!("cannot be: {bad}; calibrate again"));
        }
        BadParameter::NoMismatch { name, value } => {
            let measured = !detectors.has(name);
            let key = if measured { "efficiency_tolerance" } else { name };
            let found = if measured { "and the others give" } else { "cannot be:" };
            let complaint = format_args!(
                "{found} {name} = {value}, and a calibration bounds a mismatch; write match = \
                 \"assumed\" where nobody measured one"
            );
            return detectors.fault(key, complaint);
        }
        BadParameter::Bound(Refusal::Epsilon { .. } | Refusal::EpsilonTotal { .. }) => "epsilon",
        BadParameter::SyncSpacing(_) => "sync_spacing",
        BadParameter::BlockLength(_) => "slots_per_block",
        BadParameter::BasisWeight("Alice", _) => "alice_key_basis",
        BadParameter::BasisWeight(..) => "bob_key_basis",
        BadParameter::MismatchNotCovered(name) => {
            let complaint = format_args!(
                "is \"calibrated\", and {name} has no term for detectors that differ; write match = \
                 \"assumed\", which is printed on each key, or bound = \"varlen2d\""
            );
            return detectors.fault("match", complaint);
        }
        BadParameter::Bound(Refusal::Acceptance { .. }) => "acceptance",
        BadParameter::Weights(_)
        | BadParameter::ThirdIntensity(_)
        | BadParameter::Bound(_)
        | BadParameter::Levels { .. } => "intensity",
    };
    protocol.fault(key, format_args!("cannot be: {bad}; choose another"))
}

/// How far the intensities may lie from what is written: a share, or nobody measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Uncertainty(Option<Share>);

impl FromStr for Uncertainty {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Uncertainty, String> {
        match text {
            "unmeasured" => Ok(Uncertainty(None)),
            _ => text
                .parse()
                .map(|share| Uncertainty(Some(share)))
                .map_err(|why: InvalidQuantity| format!("{why}, or \"unmeasured\"")),
        }
    }
}

impl fmt::Display for Uncertainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(share) => share.fmt(f),
            None => f.write_str("unmeasured"),
        }
    }
}

/// How far the slot counts may differ: a time or a number of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClockBound {
    Slots(u32),
    Time(Span),
}

impl FromStr for ClockBound {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<ClockBound, String> {
        let wanted = |why: &str| format!("{why}, or 5613 slots");
        if let Some(slots) = text.trim().strip_suffix("slots") {
            let slots: u32 =
                slots.trim().parse().map_err(|_| "write for example 5613 slots".to_owned())?;
            return Ok(ClockBound::Slots(slots));
        }
        text.parse().map(ClockBound::Time).map_err(|why: InvalidQuantity| wanted(&why.to_string()))
    }
}

impl fmt::Display for ClockBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClockBound::Slots(slots) => write!(f, "{slots} slots"),
            ClockBound::Time(span) => span.fmt(f),
        }
    }
}

texts!(Uncertainty, ClockBound);
