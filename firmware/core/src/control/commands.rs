//! Commands: what each one does, and why it is refused.

use super::check;
use super::outbox::Outbox;
use super::state::{Done, Pending, Refused, SUPPLIES, State};
use crate::interlock::Refusal;
use crate::planes::{Orders, RunOrder};
use crate::random::{FEED_CAPACITY, Supply, SupplyKind};
use helio_bench::{Board, InterlockState, SettingsSource};
use helio_units::{FineTicks, SlotIndex, Ticks};
use helio_wire::{Capabilities, ErrorCode, HostMessage, RebootMode, Role};

impl<B: Board> State<B> {
    /// Obeys a command, or says why not.
    pub(super) fn obey(
        &mut self,
        message: HostMessage<'_>,
        command: u32,
        now: Ticks,
        orders: &mut Orders,
        outbox: &mut Outbox,
    ) -> Result<Done, Refused> {
        if self.reboot.is_some() && !matches!(message, HostMessage::Hello | HostMessage::Heartbeat)
        {
            return Err(Refusal::WrongState.into());
        }
        match message {
            HostMessage::Hello => return Ok(Done::Hello),
            HostMessage::Heartbeat => self.interlock.heartbeat(now),
            HostMessage::Configure(configure) => {
                if self.running {
                    return Err(Refusal::WrongState.into());
                }
                check::configure(&self.profile, &configure)?;
                self.configured = Some(configure.slot_ticks);
                orders.configure = Some(configure);
            }
            HostMessage::Arm { nonce } => {
                self.check_ready()?;
                self.interlock.arm(nonce, now)?;
            }
            HostMessage::Disarm => {
                self.interlock.disarm()?;
                if self.running {
                    self.halt(now, orders, outbox);
                }
            }
            HostMessage::Clear { cause } => self.interlock.clear(cause)?,
            HostMessage::Get { index } if index < self.table.len() => {
                return Ok(Done::Value(index));
            }
            HostMessage::Get { .. } => return Err(Refused(ErrorCode::OutOfRange, 0)),
            HostMessage::Set { index, value, from } => {
                let change = (command, index, value, from);
                if !self.table.set(change, self.interlock.state(), now)? {
                    return Ok(Done::Later);
                }
            }
            HostMessage::Seed(seed) => {
                self.heard_secret = true;
                self.supply(SupplyKind::Seed, seed.0)?;
                self.seeded = true;
            }
            HostMessage::Feed(bytes) => {
                self.heard_secret = true;
                let waiting = self.fed.saturating_sub(self.table.counters.fed) as usize;
                if waiting + bytes.0.len() > FEED_CAPACITY {
                    return Err(Refused(ErrorCode::Full, 0));
                }
                self.supply(SupplyKind::Feed, bytes.0)?;
                self.fed += bytes.0.len() as u64;
                self.table.queued = self.fed.saturating_sub(self.table.counters.fed);
            }
            HostMessage::Pattern(codes) => {
                if self.running {
                    return Err(Refusal::WrongState.into());
                }
                self.supply(SupplyKind::Pattern, codes)?;
                self.patterned = true;
            }
            HostMessage::Source(source) => self.select(source)?,
            HostMessage::SetSlotClock(timing) => {
                if !self.running || self.profile.role != Role::Bob {
                    return Err(Refusal::WrongState.into());
                }
                if !self.is_period(timing.period) {
                    return Err(Refused(ErrorCode::OutOfRange, HostMessage::AT_SLOT_CLOCK_PERIOD));
                }
                if timing.start.floor() <= now {
                    return Err(Refused(ErrorCode::TooLate, 0));
                }
                // One at a time: a data plane that is late keeps the last one only.
                if self.steering.is_some() {
                    return Err(Refused(ErrorCode::Full, 0));
                }
                self.steering = Some(command);
                orders.slot_clock = Some((command, timing));
                return Ok(Done::Later);
            }
            HostMessage::Reboot(mode) => self.reboot(mode)?,
            HostMessage::Start { epoch, slots } => {
                self.start(epoch, slots, now, orders)?;
                return Ok(self.wait_for(command, true, now));
            }
            HostMessage::Stop => {
                if !self.running || self.pending.is_some() {
                    return Err(Refusal::WrongState.into());
                }
                orders.run = Some(RunOrder::Stop);
                return Ok(self.wait_for(command, false, now));
            }
        }
        Ok(Done::Now)
    }

    /// Whether slots of this length are those of the configuration, by clocks that go differently. Shorter
    /// ones the player could not make, and of longer ones more time would be queued than is allowed.
    fn is_period(&self, period: FineTicks) -> bool {
        const ONE_IN: i128 = 1_000;
        let nominal = FineTicks::from_ticks(Ticks(self.configured.unwrap_or(0).into())).0;
        (period.0 - nominal).abs().saturating_mul(ONE_IN) <= nominal
    }

    fn supply(&mut self, kind: SupplyKind, bytes: &[u8]) -> Result<(), Refused> {
        if self.supplies.len() + Supply::count(bytes.len()) > SUPPLIES {
            return Err(Refused(ErrorCode::Full, 0));
        }
        for piece in Supply::pieces(kind, bytes) {
            let _ = self.supplies.push_back(piece);
        }
        Ok(())
    }

    fn select(&mut self, source: SettingsSource) -> Result<(), Refused> {
        if self.running {
            return Err(Refusal::WrongState.into());
        }
        // A passive receiver has no settings: what it does not do comes from nowhere else.
        let settings = self.profile.identity.capabilities.has(Capabilities::REPORTS_SETTINGS);
        if source != SettingsSource::Own && !settings {
            return Err(Refused(ErrorCode::OutOfRange, 0));
        }
        let given = match source {
            SettingsSource::HostSeed => self.seeded,
            SettingsSource::Pattern => self.patterned,
            SettingsSource::Own | SettingsSource::HostFeed | SettingsSource::Expanded => true,
        };
        if !given {
            return Err(Refused(ErrorCode::NotConfigured, 0));
        }
        self.table.source = source;
        Ok(())
    }

    /// Dark only: nothing that lasts longer than a reset may be on.
    fn reboot(&mut self, mode: RebootMode) -> Result<(), Refused> {
        let dark =
            matches!(self.interlock.state(), InterlockState::Safe | InterlockState::Tripped(_));
        if !dark || self.running {
            return Err(Refusal::WrongState.into());
        }
        let able = self.profile.identity.capabilities.has(Capabilities::BOOT_LOADER);
        if mode == RebootMode::BootLoader && !able {
            return Err(Refused(ErrorCode::OutOfRange, 0));
        }
        self.table.kept.ordered = true;
        self.table.store();
        self.reboot = Some(mode);
        Ok(())
    }

    fn start(
        &mut self,
        epoch: u16,
        slots: u64,
        now: Ticks,
        orders: &mut Orders,
    ) -> Result<(), Refused> {
        self.check_ready()?;
        if epoch == 0 || epoch == self.epoch {
            return Err(Refused(ErrorCode::OutOfRange, 0));
        }
        match self.profile.role {
            Role::Alice => self.interlock.start_emitting()?,
            Role::Bob => self.interlock.start_receiving(now)?,
        }
        self.epoch = epoch;
        self.running = true;
        (self.ending, self.steering) = (false, None);
        let slots = (slots != 0).then_some(SlotIndex(slots));
        orders.run = Some(RunOrder::Start { epoch, slots });
        Ok(())
    }

    /// Configured, and with settings for slots of this length. The source may be chosen before or
    /// after, so it is looked at here.
    fn check_ready(&self) -> Result<(), Refused> {
        let Some(slot_ticks) = self.configured else {
            return Err(Refused(ErrorCode::NotConfigured, 0));
        };
        let shortest = self.profile.shortest_own_slot();
        if self.table.source == SettingsSource::Own && slot_ticks < shortest {
            return Err(Refused(ErrorCode::SlotTooShort, shortest));
        }
        Ok(())
    }

    fn wait_for(&mut self, command: u32, starts: bool, now: Ticks) -> Done {
        let deadline = Ticks(now.0.saturating_add(self.order_deadline.0));
        self.pending = Some(Pending { command, deadline, starts });
        Done::Later
    }
}
