//! What devices on a desk are told, and how their tags are read: from a scenario or from a station's file.

use helio_distill::Role as Side;
use helio_distill::parameters::Receiver;
use helio_sim::ReceiverKind;
use helio_timetag::SlotterConfig;
use helio_tune::ObserverConfig;
use helio_units::TickLength;
use helio_wire::{Configure, Role};

use crate::bench::Scenario;
use crate::config::StationConfig;
use crate::exit::Failure;

/// What devices are told.
#[derive(Clone, Debug)]
pub enum DeskPlan {
    /// The numbers of a scenario: of the simulated desk, and of devices without a configuration.
    Scenario(Box<Scenario>),
    /// Those of a station's file; both devices' follow from either.
    Station(Box<StationConfig>),
}

impl DeskPlan {
    /// What a device is told.
    ///
    /// # Errors
    /// The slot rate gives no whole number of the device's ticks.
    pub fn configure(&self, role: Role, tick: TickLength) -> Result<Configure, Failure> {
        match self {
            DeskPlan::Scenario(scenario) => {
                let weight = scenario.key_weights[usize::from(role == Role::Bob)];
                Ok(scenario.configure(weight))
            }
            DeskPlan::Station(config) => {
                let side = if role == Role::Alice { Side::Alice } else { Side::Bob };
                Ok(config.configure_of(side, tick)?)
            }
        }
    }

    /// Length of a slot in ticks.
    ///
    /// # Errors
    /// As [`DeskPlan::configure`].
    pub fn slot_ticks(&self, tick: TickLength) -> Result<u32, Failure> {
        Ok(self.configure(Role::Bob, tick)?.slot_ticks)
    }

    /// How tags become slots.
    ///
    /// # Errors
    /// As [`DeskPlan::configure`].
    pub fn slotter(&self, tick: TickLength) -> Result<SlotterConfig, Failure> {
        match self {
            DeskPlan::Scenario(scenario) => Ok(scenario.slotter()),
            DeskPlan::Station(config) => Ok(config.slotter(tick)?),
        }
    }

    /// Whether Bob's detectors are the states.
    pub fn is_passive(&self) -> bool {
        match self {
            DeskPlan::Scenario(scenario) => scenario.receiver == ReceiverKind::Passive,
            DeskPlan::Station(config) => config.receiver() == Receiver::Passive,
        }
    }

    /// Names of Bob's detectors in their order.
    pub fn detectors(&self) -> Vec<String> {
        match self {
            DeskPlan::Scenario(scenario) => {
                let names = ["H", "V", "D", "A"].map(str::to_owned);
                names.into_iter().take(scenario.receiver.detectors().into()).collect()
            }
            DeskPlan::Station(config) => {
                config.detectors().iter().map(|detector| detector.name.clone()).collect()
            }
        }
    }

    /// What an observer needs; figures over the last `looks` looks.
    ///
    /// # Errors
    /// As [`DeskPlan::configure`].
    pub fn observer(&self, tick: TickLength, looks: usize) -> Result<ObserverConfig, Failure> {
        let configure = self.configure(Role::Bob, tick)?;
        Ok(ObserverConfig {
            tick,
            slot_ticks: configure.slot_ticks,
            passive: self.is_passive(),
            sync_spacing: configure.sync_spacing,
            slotter: self.slotter(tick)?,
            looks,
        })
    }
}
