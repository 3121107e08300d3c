//! One measurement on a desk: light for so long, and what was seen of it.

use std::ops::ControlFlow;

use helio_tune::{Look, Observer, ObserverConfig};

use super::{Desk, DeskPlan, Heard, Laser, hear};
use crate::bench::cable::Item;
use crate::exit::{Exit, Failure};
use crate::shutdown::Shutdown;

/// After the lock its loop still closes in for some milliseconds: these clicks lie beside their slots.
const SETTLE_S: f64 = 0.2;
/// Seconds of the device within which Bob's clock locks, or the light is not worth measuring.
const LOCK_S: f64 = 5.0;

/// What is measured.
pub struct Measurement<'a> {
    /// What the devices are told.
    pub plan: &'a DeskPlan,
    /// How tags are read.
    pub observer: ObserverConfig,
    /// Seconds of Bob's device, from the settled lock on.
    pub seconds: f64,
    /// Looks that this time is divided into, at least one.
    pub parts: u32,
}

impl Measurement<'_> {
    /// Runs both devices, waits for the lock, and looks for so long; a look for each part. `tap` sees
    /// everything of that time.
    ///
    /// # Errors
    /// A device that fails, light in which no clock locks, or a request to end.
    pub fn take(
        &self,
        desk: &mut Desk,
        shutdown: &Shutdown,
        mut tap: impl FnMut(&Heard),
    ) -> Result<Vec<Look>, Failure> {
        if desk.alice().is_none() {
            return Err(Failure::usage(
                "both devices are needed on this desk, for the settings of both must meet; name Alice's \
                 with --alice",
            ));
        }
        let bad = |err| Failure::usage(format!("{err}; choose another window or delay"));
        let config = ObserverConfig { looks: 1, ..self.observer.clone() };
        let mut observer = Observer::new(config).map_err(bad)?;
        let parts = self.parts.max(1);
        let (mut locked_at, mut begun, mut looks) = (None, false, Vec::new());
        let (mut dark, mut fault) = (false, None);
        desk.run(self.plan, Laser::On, |heard| {
            if shutdown.is_requested() {
                return ControlFlow::Break(());
            }
            if let Heard::Bob(Item::End(end)) | Heard::Alice(Item::End(end)) = &heard {
                fault = end.fault.clone();
            }
            if begun {
                tap(&heard);
            }
            hear(&mut observer, heard);
            let at = observer.at_s();
            if locked_at.is_none() && observer.is_locked() {
                locked_at = Some(at);
            }
            match locked_at {
                None if at > LOCK_S => {
                    dark = true;
                    return ControlFlow::Break(());
                }
                Some(since) if !begun && at - since >= SETTLE_S => {
                    begun = true;
                    observer.look();
                }
                Some(_) if begun && observer.since_look_s() >= self.seconds / f64::from(parts) => {
                    looks.extend(observer.look());
                }
                _ => {}
            }
            match looks.len() == parts as usize {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        match (Some(looks).filter(|looks| looks.len() == parts as usize), fault) {
            (Some(looks), _) => Ok(looks),
            _ if shutdown.is_requested() => {
                Err(Failure::new(Exit::Interrupted, "interrupted before the measurement was done"))
            }
            (None, Some(fault)) => Err(Failure::new(Exit::Device, fault)),
            (None, None) if dark => Err(Failure::new(
                Exit::Device,
                "Bob's clock did not lock to Alice's sync pulses within 5 s; check the sync laser, its \
                 fibre and the photodiode",
            )),
            (None, None) => Err(Failure::new(
                Exit::Device,
                "the devices ended before the measurement did; look at their health with helio watch",
            )),
        }
    }
}
