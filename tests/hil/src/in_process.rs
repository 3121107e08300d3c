//! The desk inside the process.

use crate::desk::{BootBoard, Desk, Effort};
use helio_link::picoboot::FakeBootRom;
use helio_link::{PipeEnd, pipe};
use helio_rig::{Hand, Light, Plan};
use helio_virt::{VirtBench, VirtConfig};
use helio_wire::Role;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Chunks on a link. A chunk is what a device says in a step, so that a host that takes nothing
/// for some 8 ms is a full cable.
pub const DEPTH: usize = 16;

/// Of the flash of a board in its boot loader.
const FLASH_SECTORS: usize = 8;

/// Whoever has done something at the bench does the next thing soon; a step may wait longer.
const NEXT_DEED: Duration = Duration::from_millis(2);

enum Deed {
    Bench(Box<VirtConfig>),
    Plug(Role, PipeEnd),
    Hand(Hand),
    End,
}

/// A bench of `helio-virt` on a thread of its own.
pub struct InProcess {
    deeds: Sender<Deed>,
    lights: Receiver<Light>,
    pump: Option<JoinHandle<()>>,
    effort: Effort,
}

impl InProcess {
    /// With the default bench.
    pub fn new() -> InProcess {
        let ((deeds, to_do), (tell, lights)) = (channel(), channel());
        let pump = std::thread::spawn(move || pump(&to_do, &tell));
        let effort = Effort { starts: 1_000, tag_slots: 1_000_000, job_slots: 300_000, faults: 10 };
        InProcess { deeds, lights, pump: Some(pump), effort }
    }

    /// With another effort.
    pub fn with_effort(effort: Effort) -> InProcess {
        let mut desk = InProcess::new();
        desk.effort = effort;
        desk
    }

    /// Puts up a bench that no [`Plan`] describes.
    ///
    /// # Panics
    /// If there can be no such bench.
    pub fn rebuild_as(&mut self, config: VirtConfig) {
        self.order(Deed::Bench(Box::new(config)));
    }

    fn order(&self, deed: Deed) -> Light {
        self.deeds.send(deed).expect("the bench does not panic");
        self.lights.recv().expect("the bench does not panic")
    }
}

impl Default for InProcess {
    fn default() -> InProcess {
        InProcess::new()
    }
}

fn planned(plan: Plan) -> VirtConfig {
    VirtConfig { bench: plan.bench(), link_depth: DEPTH }
}

fn bench(config: VirtConfig) -> VirtBench {
    VirtBench::new(config).expect("there can be such a bench").0
}

fn pump(to_do: &Receiver<Deed>, tell: &Sender<Light>) {
    let mut bench_now = bench(planned(Plan::default()));
    loop {
        let mut patience = Duration::ZERO;
        while let Ok(deed) = to_do.recv_timeout(patience) {
            patience = if matches!(deed, Deed::Hand(_)) { NEXT_DEED } else { Duration::ZERO };
            match deed {
                Deed::Bench(config) => bench_now = bench(*config),
                Deed::Plug(role, end) => bench_now.plug(role, end),
                Deed::Hand(hand) => lay(&mut bench_now, hand),
                Deed::End => return,
            }
            let _ = tell.send(bench_now.light());
        }
        bench_now.step();
    }
}

fn lay(bench_now: &mut VirtBench, hand: Hand) {
    match hand {
        Hand::World(plan) => *bench_now = bench(planned(plan)),
        Hand::Signal(role, event) => bench_now.signal(role, event),
        Hand::Reboot(role) => bench_now.reboot(role),
        Hand::Pass(steps) => bench_now.pass(steps),
        Hand::Light => {}
    }
}

impl Desk for InProcess {
    type Cable = PipeEnd;

    fn name(&self) -> String {
        "in-process desk".into()
    }

    fn effort(&self) -> Effort {
        self.effort
    }

    fn rebuild(&mut self, plan: Plan) -> bool {
        self.rebuild_as(planned(plan));
        true
    }

    fn plug(&mut self, role: Role) -> PipeEnd {
        let (host, device) = pipe(DEPTH);
        self.order(Deed::Plug(role, device));
        host
    }

    /// The bench has seen its end close.
    fn unplug(&mut self, _: Role) {}

    fn lay(&mut self, hand: Hand) -> Option<Light> {
        Some(self.order(Deed::Hand(hand)))
    }

    fn boot_loader(&mut self) -> Option<Box<dyn BootBoard>> {
        Some(Box::new(FakeBootRom::new(FLASH_SECTORS)))
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        let _ = self.deeds.send(Deed::End);
        if let Some(pump) = self.pump.take() {
            let _ = pump.join();
        }
    }
}
