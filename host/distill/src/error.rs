//! What can go wrong between two stations: who is at fault, what it costs, what to do.

use crate::certificate::CalibrationState;
use crate::message::{Kind, Malformed};
use crate::pads::{INDEX_WINDOW, Purpose};
use crate::parameters::{BadParameter, Difference};
use crate::release::StoreError;

/// Where the cause of a [`Fault`] is to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// The other station, or somebody on the line between.
    OtherStation,
    /// This station: its memory, its random source, its pads.
    ThisStation,
    /// The configurations of the two stations do not fit.
    Configuration,
}

/// What a [`Fault`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The message was thrown away; nothing else changed.
    Ignored,
    /// The block in progress failed. Later blocks go on.
    Block,
    /// The contact ended: no block makes key until the cause is removed and contact is made anew.
    Contact,
}

/// A refusal or failure, with its remedy in the text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Parameters differ; all of them are listed.
    #[error("configuration: the two stations differ in {}; make them equal on both",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    ParametersDiffer(Vec<Difference>),
    /// Parameters that no run can be made with.
    #[error("configuration: {0}")]
    BadParameter(#[from] BadParameter),
    /// The other station speaks another version.
    #[error(
        "the other station speaks version {theirs} of the protocol, this one {mine}; run the same \
         release on both"
    )]
    WrongVersion {
        /// Version here.
        mine: u8,
        /// Version there.
        theirs: u8,
    },
    /// Bytes that are not a message.
    #[error("the other station sent a {kind:?} message that cannot be read: {why}; check the line")]
    Malformed {
        /// What the message claims to be, if that could be read.
        kind: Option<Kind>,
        /// What is wrong with it.
        why: Malformed,
    },
    /// A code that no version knows.
    #[error("the other station sent a message of unknown kind {0}; check the line")]
    UnknownKind(u8),
    /// Longer than any message may be.
    #[error("the other station sent a message of {0} bytes, more than any message has")]
    TooLong(usize),
    /// A message of this station came back to it.
    #[error("the other station speaks in this station's name; check that one is Alice, one Bob")]
    WrongDirection,
    /// The block's messages came in another order than they left, or one is missing or repeated.
    #[error(
        "the other station's message of block {block} has number {found}, expected {expected}: one \
         was lost, repeated or reordered; check the line"
    )]
    OutOfOrder {
        /// Which block.
        block: u64,
        /// Number expected.
        expected: u32,
        /// Number found.
        found: u32,
    },
    /// A message that does not belong here.
    #[error("the other station sent a {kind:?} message while {state}")]
    Unexpected {
        /// What came.
        kind: Kind,
        /// What this station was doing.
        state: &'static str,
    },
    /// A block that this station has not begun and that the other cannot have ended.
    #[error("the other station speaks of block {0}, which is not in progress")]
    FutureBlock(u64),
    /// Talk before or after the contact.
    #[error("the other station sent a {0:?} message outside an authenticated contact")]
    NoContact(Kind),
    /// The tag at contact is wrong.
    #[error(
        "the other station's proof at contact is wrong: the pre-shared secrets differ, or somebody \
         is between; pair the stations again if this repeats"
    )]
    ContactTag,
    /// The tag over a block's transcript is wrong.
    #[error(
        "the other station's tag does not fit the block's transcript: somebody altered what was \
         said; the block's key is not used"
    )]
    BlockTag,
    /// The tag over a statement about old blocks is wrong.
    #[error("the other station's statement about old blocks has a wrong tag and is ignored")]
    ResolveTag,
    /// A pad index that was used, skipped or does not exist.
    #[error(
        "the other station used pad {index} where {expected} or a little more is due: a repeated \
         message or a restored backup"
    )]
    PadIndex {
        /// Index in the message.
        index: u64,
        /// Next index this station would accept.
        expected: u64,
    },
    /// This station's memory is older than what the other has seen.
    #[error(
        "this station: pads were used that its memory calls unused (a restored backup?); they are \
         void; pair the stations again"
    )]
    PadsVoid,
    /// The other station's memory is older than what this one has seen.
    #[error(
        "the other station calls pads unused that this one has seen used (a restored backup \
         there?); pair the stations again"
    )]
    OtherPadsBehind,
    /// No pads left.
    #[error("this station: no pads left for {0:?} tags; pair the stations again")]
    PadsEmpty(Purpose),
    /// The ε of all attempts together is spent.
    #[error(
        "this station: the attempts with this pre-shared secret have cost ε = {spent:e}, and \
         {asked:e} more would pass 1e-6; pair the stations again"
    )]
    EpsilonSpent {
        /// Sum so far.
        spent: f64,
        /// What the next attempt costs.
        asked: f64,
    },
    /// Alice disclosed before the block was over.
    #[error(
        "the other station disclosed block {block} at its slot {slot}, before slot {end}: the block \
         is worthless; check the clock bound"
    )]
    DisclosedTooEarly {
        /// Which block.
        block: u64,
        /// Her slot as she states it.
        slot: u64,
        /// First slot at which she may.
        end: u64,
    },
    /// The other's detections left before the block's end by its own clock.
    #[error(
        "the other station announced block {block} at its slot {slot}, before the block's end {end}"
    )]
    AnnouncedTooEarly {
        /// Which block.
        block: u64,
        /// His slot as he states it.
        slot: u64,
        /// First slot at which he may.
        end: u64,
    },
    /// λ_max, length or code are not the same function of what was announced.
    #[error(
        "the other station declares other numbers from the same announcement ({theirs}; here \
         {mine}); run the same release on both"
    )]
    DeclarationDiffers {
        /// What follows here.
        mine: String,
        /// What was declared there.
        theirs: String,
    },
    /// The reconciliation would have disclosed more than was declared.
    #[error(
        "reconciliation would disclose {used} bits, more than the declared {lambda_max}; the block is dropped"
    )]
    LeakExceeded {
        /// Bits disclosed with the next message.
        used: u64,
        /// Declared.
        lambda_max: u64,
    },
    /// The engine refused a message or gave up.
    #[error("the other station's reconciliation message was refused: {0}")]
    Reconciliation(String),
    /// The two strings differ after reconciliation.
    #[error("the verification tags differ: reconciliation left errors; the block is dropped")]
    VerificationFailed,
    /// Length or seed of the last hash do not fit what was declared.
    #[error("the other station's last hash does not fit the declared length")]
    AmplifyDiffers,
    /// The talk about the block became too long.
    #[error("the talk about block {0} became longer than a transcript may be")]
    TranscriptTooLong(u64),
    /// The other station gave the block up. A hint without authority.
    #[error("the other station gave block {block} up ({})", hint_text(*.reason))]
    GivenUp {
        /// Which block.
        block: u64,
        /// Its stated reason.
        reason: u8,
    },
    /// This station stops while the block is in progress.
    #[error(
        "block {0} was given up because this station is shutting down; blocks go on when it runs \
         again"
    )]
    ShuttingDown(u64),
    /// The other station announced a block after this one was told to begin no more.
    #[error(
        "this station is winding down and does not take block {0}, which the other station \
         announced; blocks go on when it runs again"
    )]
    NotWanted(u64),
    /// Nothing came for too long.
    #[error("the other station has been silent for {0} ms while {1}; check the line")]
    Silent(u64, &'static str),
    /// The block's calibration does not carry a real key, or nobody can tell.
    #[error("block {0} makes no key: {1}; calibrate the detectors anew, or set the clock")]
    Calibration(u64, CalibrationState),
    /// This station's settings of the block were forgotten while its talk waited.
    #[error("this station kept no settings of block {0} any more; it lags too far behind")]
    Forgotten(u64),
    /// The contact began anew while the block was in progress.
    #[error("contact was made anew while block {0} was in progress")]
    Interrupted(u64),
    /// The random source failed.
    #[error("this station's source of random bits failed; nothing is made without it")]
    Entropy,
    /// The station's memory failed.
    #[error("this station: {0}")]
    Store(#[from] StoreError),
    /// What this station's own device delivered does not fit.
    #[error("this station's device: {0}")]
    Input(#[from] InputError),
}

/// Data of this station's own device that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Settings of slots that were passed before.
    #[error("settings from slot {first} on, but slots below {next} are past")]
    SettingsBackwards {
        /// First slot of the batch.
        first: u64,
        /// Next slot expected.
        next: u64,
    },
    /// Fewer bytes than slots.
    #[error("{bytes} bytes of settings cannot hold {slots} slots of {bits} bits")]
    SettingsLength {
        /// Bytes given.
        bytes: usize,
        /// Slots claimed.
        slots: u64,
        /// Bits a slot.
        bits: u32,
    },
    /// A setting that has no meaning.
    #[error("slot {slot} has the setting {code:#06b}, which has no meaning")]
    UnknownSetting {
        /// Which slot.
        slot: u64,
        /// Its code.
        code: u8,
    },
    /// A detection earlier than one delivered before, or than what is past.
    #[error("a detection at slot {slot} after slot {last} had been reached")]
    DetectionsBackwards {
        /// Its slot.
        slot: u64,
        /// Slots below this are past.
        last: u64,
    },
    /// A detector that this receiver does not have.
    #[error("a detection with detector mask {mask:#06b}, which this receiver cannot give")]
    UnknownDetector {
        /// Bit d: detector d clicked.
        mask: u8,
    },
}

impl Fault {
    /// Where to look for the cause.
    pub fn blame(&self) -> Blame {
        use Fault::*;
        match self {
            ParametersDiffer(_) | BadParameter(_) | Calibration(..) => Blame::Configuration,
            PadsVoid
            | PadsEmpty(_)
            | EpsilonSpent { .. }
            | Entropy
            | Store(_)
            | Input(_)
            | ShuttingDown(_)
            | NotWanted(_)
            | Forgotten(_) => Blame::ThisStation,
            _ => Blame::OtherStation,
        }
    }

    /// What it ended. A message of no block in progress is ignored even if its fault would have
    /// ended the block.
    pub fn effect(&self) -> Effect {
        use Fault::*;
        match self {
            ResolveTag | NoContact(_) | FutureBlock(_) | NotWanted(_) => Effect::Ignored,
            // So many of the other's tags were lost that only a new contact makes up for their pads.
            PadIndex { index, expected } if *index >= expected.saturating_add(INDEX_WINDOW) => {
                Effect::Contact
            }
            ParametersDiffer(_)
            | BadParameter(_)
            | WrongVersion { .. }
            | WrongDirection
            | ContactTag
            | PadsVoid
            | OtherPadsBehind
            | PadsEmpty(_)
            | EpsilonSpent { .. }
            | Entropy
            | Store(_) => Effect::Contact,
            _ => Effect::Block,
        }
    }

    /// One byte for the hint that is sent to the other station.
    pub(crate) fn hint(&self) -> u8 {
        use Fault::*;
        match self {
            OutOfOrder { .. } => 1,
            Malformed { .. } | UnknownKind(_) | TooLong(_) => 2,
            BlockTag | PadIndex { .. } => 3,
            LeakExceeded { .. } | Reconciliation(_) => 4,
            VerificationFailed => 5,
            Silent(..) => 6,
            DeclarationDiffers { .. } | AmplifyDiffers => 7,
            ShuttingDown(_) | NotWanted(_) => HINT_SHUTTING_DOWN,
            _ if self.blame() == Blame::ThisStation => 8,
            _ => 0,
        }
    }
}

/// The hint of a station that begins no more blocks.
pub(crate) const HINT_SHUTTING_DOWN: u8 = 9;

/// What a hint means.
fn hint_text(hint: u8) -> &'static str {
    match hint {
        1 => "a message was lost, repeated or reordered",
        2 => "a message could not be read",
        3 => "a wrong tag",
        4 => "reconciliation failed",
        5 => "errors were left after reconciliation",
        6 => "this station was silent for too long",
        7 => "the declarations differ",
        8 => "a fault of its own",
        HINT_SHUTTING_DOWN => "it is shutting down",
        _ => "no reason given",
    }
}

impl From<helio_keys::EntropyFault> for Fault {
    fn from(_: helio_keys::EntropyFault) -> Fault {
        Fault::Entropy
    }
}

impl From<crate::reconcile::ReconcileError> for Fault {
    fn from(error: crate::reconcile::ReconcileError) -> Fault {
        Fault::Reconciliation(error.to_string())
    }
}

/// The result of everything that can fail with a [`Fault`].
pub type Result<T, E = Fault> = std::result::Result<T, E>;
