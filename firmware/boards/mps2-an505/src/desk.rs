//! The bench on the board: both stations, the light between them, and when time passes. The rules
//! are those of `helio-virt`, so that both give the same bytes.

use crate::port::Port;
use crate::uart::Uart;
use core::fmt::Write;
use helio_firmware::Event;
use helio_rig::{Hand, Plan, Rig};
use helio_wire::Role;

/// What the devices call their board.
pub const BOARD: &str = "mps2-an505";

/// Ports 0 and 1 are the devices' cables, Alice's first; port 2 is the line of the bench itself.
pub struct Desk {
    rig: Rig,
    alice: Port,
    bob: Port,
    hands: Uart,
    line: heapless::String<128>,
    passing: bool,
}

impl Desk {
    /// The default plan, until a line says another.
    ///
    /// # Panics
    /// If the default bench were refused.
    pub fn new() -> Desk {
        let bench = Plan::default().bench();
        let tick = bench.tick_length;
        let rig = Rig::new(bench, BOARD).expect("the default bench is valid");
        let alice = Port::new(Role::Alice, Uart::new(0), tick);
        let bob = Port::new(Role::Bob, Uart::new(1), tick);
        let hands = Uart::new(2);
        let mut desk = Desk { rig, alice, bob, hands, line: Default::default(), passing: false };
        desk.settle();
        desk
    }

    /// Answers what has come, and lets a batch of slots pass if nobody is waited for.
    pub fn run(&mut self) {
        self.pump();
        if !self.passing {
            self.stand();
            self.passing = self.rig.is_running(Role::Alice) && self.rig.is_running(Role::Bob);
            return;
        }
        if self.stuck() {
            return;
        }
        self.turn();
        if !self.either_runs() {
            self.passing = false;
            return self.settle();
        }
        self.rig.step();
    }

    /// Whether time waits for a host. A device that does not run need not wait for the other one's.
    fn stuck(&mut self) -> bool {
        let stuck = self.alice.is_full()
            || self.bob.is_full()
            || self.alice.waits(&self.rig)
            || self.bob.waits(&self.rig);
        if stuck {
            if !self.rig.is_running(Role::Alice) {
                self.alice.stand(&mut self.rig);
            }
            if !self.rig.is_running(Role::Bob) {
                self.bob.stand(&mut self.rig);
            }
        }
        stuck
    }

    fn either_runs(&self) -> bool {
        self.rig.is_running(Role::Alice) || self.rig.is_running(Role::Bob)
    }

    fn stand(&mut self) {
        self.alice.stand(&mut self.rig);
        self.bob.stand(&mut self.rig);
    }

    fn turn(&mut self) {
        self.alice.turn(&mut self.rig);
        self.bob.turn(&mut self.rig);
    }

    fn settle(&mut self) {
        self.alice.settle(&mut self.rig);
        self.bob.settle(&mut self.rig);
    }

    fn pump(&mut self) {
        self.alice.pump();
        self.bob.pump();
        while let Some(byte) = self.hands.try_get() {
            if byte != b'\n' {
                // A line that is too long is no order, whatever is cut off.
                let _ = self.line.push(byte.into());
                continue;
            }
            let line = core::mem::take(&mut self.line);
            let answer = match line.parse() {
                Ok(hand) => {
                    self.obey(hand);
                    let mut answer = heapless::String::<128>::new();
                    let _ = writeln!(answer, "{}", self.rig.light());
                    answer
                }
                Err(_) => heapless::String::try_from("nonsense\n").unwrap_or_default(),
            };
            for byte in answer.bytes() {
                while !self.hands.try_put(byte) {}
            }
        }
    }

    fn obey(&mut self, hand: Hand) {
        match hand {
            Hand::World(plan) => self.build(plan),
            Hand::Signal(role, event) => {
                self.rig.signal(role, event);
                let port = port(&mut self.alice, &mut self.bob, role);
                if event == Event::LinkReset {
                    port.cut();
                }
                // At once: time may stand and wait for the very host that is gone.
                port.settle(&mut self.rig);
            }
            Hand::Reboot(role) => {
                self.rig.reboot(role, BOARD);
                port(&mut self.alice, &mut self.bob, role).reboot(&mut self.rig);
            }
            Hand::Pass(steps) => {
                for _ in 0..steps {
                    self.alice.pump();
                    self.bob.pump();
                    self.turn();
                    self.rig.step();
                }
                self.passing = self.either_runs();
            }
            Hand::Light => {}
        }
    }

    /// A plan that is refused changes nothing.
    fn build(&mut self, plan: Plan) {
        let bench = plan.bench();
        let tick = bench.tick_length;
        let Ok(rig) = Rig::new(bench, BOARD) else { return };
        if rig.step_slots() > 0 {
            self.rig = rig;
            self.passing = false;
            self.alice.reset(tick);
            self.bob.reset(tick);
            self.settle();
        }
    }
}

fn port<'a>(alice: &'a mut Port, bob: &'a mut Port, role: Role) -> &'a mut Port {
    match role {
        Role::Alice => alice,
        Role::Bob => bob,
    }
}
