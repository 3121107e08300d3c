//! Each parameter by its name and one canonical text: what is exchanged, compared and hashed.

use serde::{Deserialize, Serialize};

use super::{CodeChoice, DetectorMatch, PROTOCOL_VERSION, Parameters, Receiver};
use crate::bound::{BoundChoice, Epsilon, LiveBound, SecrecyCorrectness};
use crate::message::HelloField;

/// A parameter on which the two stations do not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the parameter.
    pub field: String,
    /// Value here; `absent` if this station does not know the parameter.
    pub mine: String,
    /// Value there; `absent` if the other station does not know the parameter.
    pub theirs: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: here {}, there {}", self.field, self.mine, self.theirs)
    }
}

impl Parameters {
    /// Every parameter with its canonical text, in a fixed order.
    pub(crate) fn fields(&self) -> Vec<HelloField> {
        let mut fields = Vec::new();
        let mut put = |name: &str, value: String| {
            fields.push(HelloField { name: name.to_owned(), value });
        };
        put("protocol", PROTOCOL_VERSION.to_string());
        put("session", self.session.to_string());
        put("bound", self.bound.bound().name().to_owned());
        if let BoundChoice::Wiesemann(accept) = self.bound {
            put("single photons at least", accept.single_photons.to_string());
            put("phase error at most (1e-9)", accept.phase_error_nano.to_string());
            put("leak (bits)", accept.lambda_max.to_string());
        }
        let used = self.intensities();
        put("mu (1e-9 photons a pulse)", format!("{:?}", &self.mu_nano[..used]));
        put("intensity weights / 4096", format!("{:?}", &self.intensity_weights[..used]));
        put("intensity uncertainty (ppm)", format!("{:?}", self.intensity_uncertainty_ppm));
        put("Alice's key-basis weight / 4096", self.alice_key_weight.to_string());
        put("Bob's key-basis weight / 4096", self.bob_key_weight.to_string());
        put("slots per block", self.slots_per_block.to_string());
        put("sync spacing", self.sync_spacing.to_string());
        put(
            "receiver",
            match self.receiver {
                Receiver::Active { random_swap: true } => "active, random swap".to_owned(),
                Receiver::Active { random_swap: false } => "active, no swap".to_owned(),
                Receiver::Passive => "passive".to_owned(),
            },
        );
        put("hold-off (ps)", self.hold_off_ps.to_string());
        put("window (ps)", self.window_ps.to_string());
        put("clock bound (slots)", self.clock_bound_slots.to_string());
        match &self.detectors {
            DetectorMatch::AssumedMatched => put("detectors", "assumed matched".to_owned()),
            DetectorMatch::Calibrated { delta1, delta2, id, date, device, valid_days } => {
                put("detectors", "calibrated".to_owned());
                put("delta1", format!("{delta1:e}"));
                put("delta2", format!("{delta2:e}"));
                put("calibration", id.clone());
                put("calibration date", date.clone());
                put("calibrated device", device.clone());
                put("calibration valid (days)", valid_days.to_string());
            }
        }
        put("epsilon total", format!("{:e}", self.epsilon_total));
        match self.bound() {
            LiveBound::Varlen2d(bound) => {
                let Epsilon { d, a, b, c, pa, ev } = bound.epsilon;
                let split = format!("{d:e} {a:e} {b:e} {c:e} {pa:e} {ev:e}");
                put("epsilon split (d a b c pa ev)", split);
            }
            LiveBound::Wiesemann(bound) => {
                let SecrecyCorrectness { sec, cor } = bound.epsilon;
                put("epsilon split (sec cor)", format!("{sec:e} {cor:e}"));
            }
        }
        put("code", self.code.name().to_owned());
        if let CodeChoice::Auto { round_trips } = self.code {
            put("round trips a block", round_trips.to_string());
        }
        put("QBER margin (ppm)", self.qber_margin_ppm.to_string());
        fields
    }
}

/// Compares two lists of named values; a name that stands on one side only is a difference.
pub(crate) fn differences(mine: &[HelloField], theirs: &[HelloField]) -> Vec<Difference> {
    const ABSENT: &str = "absent";
    let find = |list: &[HelloField], name: &str| {
        list.iter().find(|f| f.name == name).map_or(ABSENT.to_owned(), |f| f.value.clone())
    };
    let only_theirs = theirs.iter().filter(|t| !mine.iter().any(|m| m.name == t.name));
    // Nobody has proven yet who says this, and it is for people to read: one line each.
    let shown = |text: &str| text.replace(char::is_control, " ");
    mine.iter()
        .chain(only_theirs)
        .map(|field| (&field.name, find(mine, &field.name), find(theirs, &field.name)))
        .filter(|(_, mine, theirs)| mine != theirs)
        .map(|(field, mine, theirs)| Difference {
            field: shown(field),
            mine,
            theirs: shown(&theirs),
        })
        .collect()
}
