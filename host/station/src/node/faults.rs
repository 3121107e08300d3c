//! What a fault means for a station that is to go on by itself.

use helio_distill::Fault;

use crate::exit::{Exit, Failure};

/// What becomes of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gravity {
    /// It ends: nothing but a person can mend this.
    Final(Exit),
    /// It ends if it calls the other station and the two never had contact in its life: most likely it
    /// was set up wrongly. Otherwise it tries again: whoever is on the line could have made this.
    AtFirst(Exit),
    /// It tries again.
    Passing,
}

impl Gravity {
    /// Of a fault that ended a contact.
    pub fn of(fault: &Fault) -> Gravity {
        use Fault::*;
        match fault {
            PadsVoid | Store(_) => Gravity::Final(Exit::File),
            PadsEmpty(_) | EpsilonSpent { .. } => Gravity::Final(Exit::NoKey),
            Entropy => Gravity::Final(Exit::Internal),
            ParametersDiffer(_) | BadParameter(_) => Gravity::AtFirst(Exit::Configuration),
            WrongVersion { .. } | WrongDirection | ContactTag | OtherPadsBehind => {
                Gravity::AtFirst(Exit::Peer)
            }
            _ => Gravity::Passing,
        }
    }

    /// How the program ends, if it does.
    pub fn failure(&self, goes_on: bool, sentence: &str) -> Option<Failure> {
        match self {
            Gravity::Final(exit) => Some(Failure::new(*exit, sentence)),
            Gravity::AtFirst(exit) if !goes_on => Some(Failure::new(*exit, sentence)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helio_distill::pads::Purpose;

    #[test]
    fn only_what_a_person_must_mend_ends_a_station_that_has_worked() {
        let empty = Gravity::of(&Fault::PadsEmpty(Purpose::Block));
        assert_eq!(empty.failure(true, "x").map(|f| f.exit), Some(Exit::NoKey));
        let tag = Gravity::of(&Fault::ContactTag);
        assert_eq!(tag.failure(false, "x").map(|f| f.exit), Some(Exit::Peer));
        assert_eq!(tag.failure(true, "x"), None);
        assert_eq!(Gravity::of(&Fault::VerificationFailed), Gravity::Passing);
    }
}
