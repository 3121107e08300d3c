//! Simulated or real: a property of a key's type.

use std::marker::PhantomData;

use crate::RandomLabel;

mod sealed {
    pub trait Sealed {}
}

/// Where a key comes from: [`Simulated`] or [`Real`], nothing else.
pub trait Origin: sealed::Sealed + Send + Sync + 'static {
    /// The word printed beside the key.
    const NAME: &'static str;
}

/// Made with devices that are not there. Never delivered to anybody, so it may be reproducible
/// and may be shown by its fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct Simulated;

/// Made with light.
#[derive(Clone, Copy, Debug)]
pub struct Real;

impl sealed::Sealed for Simulated {}
impl sealed::Sealed for Real {}

impl Origin for Simulated {
    const NAME: &'static str = "SIMULATED";
}

impl Origin for Real {
    const NAME: &'static str = "real";
}

/// Both devices of a link declared themselves simulated: the permission to use seeded entropy.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedDevices(());

impl SimulatedDevices {
    /// Takes what the two devices declared (the capability in their hello, own device and, over
    /// the authenticated channel, the other station's). `None` unless both are simulated.
    pub fn declared(own_is_simulated: bool, other_is_simulated: bool) -> Option<SimulatedDevices> {
        (own_is_simulated && other_is_simulated).then_some(SimulatedDevices(()))
    }
}

/// Neither device of a link declared itself simulated: the condition for real keys. A link of one
/// real and one simulated device has neither permission and makes no key.
#[derive(Clone, Copy, Debug)]
pub struct RealDevices(());

impl RealDevices {
    /// Takes what the two devices declared. `None` unless both are real.
    pub fn declared(own_is_simulated: bool, other_is_simulated: bool) -> Option<RealDevices> {
        (!own_is_simulated && !other_is_simulated).then_some(RealDevices(()))
    }
}

/// What a key inherits from the randomness that it is made with. The origin is the entropy
/// source's, so seeded randomness cannot end in a key of type [`Real`].
pub struct Provenance<O: Origin> {
    label: RandomLabel,
    origin: PhantomData<O>,
}

impl<O: Origin> Provenance<O> {
    pub(crate) fn of(label: RandomLabel) -> Provenance<O> {
        Provenance { label, origin: PhantomData }
    }

    /// Takes in one more random input (a device's settings, the other station's bits): the label
    /// becomes the weaker one.
    #[must_use]
    pub fn and(self, label: RandomLabel) -> Provenance<O> {
        Provenance { label: self.label.weakest(label), ..self }
    }

    /// The weakest label so far.
    pub fn label(&self) -> &RandomLabel {
        &self.label
    }
}
