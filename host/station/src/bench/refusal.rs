//! What a device's refusals mean to a person.

use helio_bench::InterlockState;
use helio_wire::ErrorCode;

use super::device::interlock_words;

/// Why a device refused, with what to do.
pub fn refusal_words(code: ErrorCode, detail: u32, interlock: Option<InterlockState>) -> String {
    match code {
        ErrorCode::UnknownCommand => {
            "its firmware does not know the command; flash the firmware of this version".into()
        }
        ErrorCode::OutOfRange => {
            format!(
                "a value is out of its range (byte {detail} of the command in hal/wire/SPEC.md); \
                 choose another"
            )
        }
        ErrorCode::WrongState => match interlock {
            Some(state @ InterlockState::Tripped(_)) => format!(
                "it is {}; see to the cause, and then: helio device disarm --clear",
                interlock_words(state)
            ),
            Some(InterlockState::Safe) => {
                "it cannot do that now, or its firmware cannot at all; see helio device info".into()
            }
            Some(state) => format!("it is {}; helio device disarm first", interlock_words(state)),
            None => "not in this state; helio device disarm first".into(),
        },
        ErrorCode::NotConfigured => "it was not configured; configure it first".into(),
        ErrorCode::SlotTooShort if detail > 0 => {
            format!(
                "its own random generator is too slow for them; choose slots of {detail} ticks or more, \
                 or settings_source = \"csprng\""
            )
        }
        ErrorCode::SlotTooShort => {
            "slots are shorter than its modulator or its laser can follow; choose longer ones"
                .into()
        }
        ErrorCode::NonceReused => "the arming number was used before; try again".into(),
        ErrorCode::TooLate => "the command's tick has passed; choose a later one".into(),
        ErrorCode::Busy => {
            "another pipe of it has a host; end that program, or unplug and replug the board".into()
        }
        ErrorCode::Full => "it has no room for this now; try again".into(),
        ErrorCode::Failed => {
            "a part of it did not take the value; check that part's power and wiring".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_too_short_for_the_generator_are_told_from_those_too_short_for_the_laser() {
        let said = |detail| refusal_words(ErrorCode::SlotTooShort, detail, None);
        assert!(said(32_000).contains("slots of 32000 ticks or more"), "{}", said(32_000));
        assert!(said(0).contains("laser"), "{}", said(0));
    }
}
