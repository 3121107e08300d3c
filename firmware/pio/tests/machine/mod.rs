//! A cycle-exact interpreter of the PIO instructions that the programs use, after the RP2350 data
//! sheet, chapter "PIO": four state machines over one instruction memory, configured by the very
//! register words that a board writes. An instruction or a bit that is not modelled panics, so a
//! program cannot pass by what the interpreter does not know.
//!
//! One call of [`Machine::cycle`] is a cycle of the system clock. Pads change in the cycle after
//! the instruction, and a program sees a pad two cycles later (input synchroniser). A flag that is
//! set in one cycle is seen in the next one.

use helio_pio::port::PioPort;
use helio_pio::registers::Registers;
use std::collections::VecDeque;

/// Cycles from a pad to what a program reads.
const SYNCHRONISER: usize = 2;

#[derive(Clone, Debug, Default)]
pub struct StateMachine {
    registers: Option<Registers>,
    pub enabled: bool,
    pub pc: u8,
    pub x: u32,
    pub y: u32,
    pub isr: u32,
    pub osr: u32,
    isr_count: u32,
    osr_count: u32,
    delay: u32,
    pub tx: VecDeque<u32>,
    pub rx: VecDeque<u32>,
    /// `FDEBUG.RXSTALL`: an autopush found the FIFO full.
    pub rx_stall: bool,
    /// The shift of a stalled `IN` has been done.
    pushed_late: bool,
}

/// What happened to an instruction in its cycle.
enum Done {
    Next,
    Jump(u8),
    Stall,
}

pub struct Machine {
    memory: Vec<u16>,
    pub sm: [StateMachine; 4],
    pub flags: u8,
    /// Levels that state machines drive; they show at the pads one cycle later.
    driven: u32,
    /// Which pads they drive at all.
    directions: u32,
    /// Levels that the world drives.
    pub inputs: u32,
    /// Pads of this cycle and of those before it.
    pads: [u32; SYNCHRONISER + 1],
    /// Cycles since the start.
    pub now: u64,
}

impl Machine {
    pub fn new() -> Machine {
        Machine {
            memory: Vec::new(),
            sm: Default::default(),
            flags: 0,
            driven: 0,
            directions: 0,
            inputs: 0,
            pads: [0; SYNCHRONISER + 1],
            now: 0,
        }
    }

    pub fn tx_depth(&self, n: usize) -> usize {
        match self.registers(n).shift >> 30 {
            0 => 4,
            1 => 8,
            _ => 0,
        }
    }

    pub fn rx_depth(&self, n: usize) -> usize {
        match self.registers(n).shift >> 30 {
            0 => 4,
            2 => 8,
            _ => 0,
        }
    }

    /// The pads as they stood in the cycle before.
    pub fn pads(&self) -> u32 {
        self.pads[0]
    }

    pub fn cycle(&mut self) {
        self.pads.rotate_right(1);
        self.pads[0] = self.driven & self.directions | self.inputs;
        // The flags of this cycle's beginning are what every state machine sees.
        let seen = self.flags;
        let mut set = 0;
        for n in 0..4 {
            if self.sm[n].enabled {
                set |= self.step(n, seen);
            }
        }
        self.flags |= set;
        self.now += 1;
    }

    fn registers(&self, n: usize) -> Registers {
        self.sm[n].registers.expect("a state machine without registers")
    }

    /// One cycle of one state machine; the flags that it sets.
    fn step(&mut self, n: usize, seen: u8) -> u8 {
        if self.sm[n].delay > 0 {
            self.sm[n].delay -= 1;
            return 0;
        }
        let instruction = self.memory[usize::from(self.sm[n].pc)];
        let own = self.flags;
        self.flags = seen;
        let done = self.execute(n, instruction);
        let set = self.flags & !seen;
        // What was cleared stays cleared, what others set meanwhile stays set.
        self.flags = own & !(seen & !self.flags);
        let execution = self.registers(n).execution;
        let (top, bottom) = ((execution >> 12 & 31) as u8, (execution >> 7 & 31) as u8);
        let sm = &mut self.sm[n];
        match done {
            Done::Stall => return set,
            Done::Jump(to) => sm.pc = to,
            Done::Next if sm.pc == top => sm.pc = bottom,
            Done::Next => sm.pc = (sm.pc + 1) & 31,
        }
        sm.delay = u32::from(instruction >> 8 & 31);
        set
    }

    fn execute(&mut self, n: usize, instruction: u16) -> Done {
        let (field, low) = (instruction >> 5 & 7, (instruction & 31) as u8);
        match instruction >> 13 {
            0 => self.jump(n, field, low),
            1 => self.wait(n, field, low),
            2 => self.shift_in(n, field, low),
            3 => self.shift_out(n, field, low),
            4 => self.pull(n, instruction & 0xFF),
            5 => self.copy(n, field, low),
            6 => {
                assert_eq!(instruction & 0xF8, 0, "only `irq set n` is modelled");
                self.flags |= 1 << (low & 7);
                Done::Next
            }
            _ => {
                assert_eq!(field, 0, "only `set pins` is modelled");
                let pins = self.registers(n).pins;
                self.drive(pins >> 5 & 31, pins >> 26 & 7, low.into());
                Done::Next
            }
        }
    }

    fn jump(&mut self, n: usize, condition: u16, to: u8) -> Done {
        let sm = &mut self.sm[n];
        let taken = match condition {
            0 => true,
            1 => sm.x == 0,
            2 => {
                let taken = sm.x != 0;
                sm.x = sm.x.wrapping_sub(1);
                taken
            }
            3 => sm.y == 0,
            _ => panic!("jump condition {condition} is not modelled"),
        };
        if taken { Done::Jump(to) } else { Done::Next }
    }

    fn wait(&mut self, n: usize, field: u16, index: u8) -> Done {
        let high = field >> 2 == 1;
        let met = match field & 3 {
            1 => (self.input(n) >> index & 1 == 1) == high,
            2 => {
                assert!(high && index < 8, "only `wait 1 irq n` is modelled");
                let met = self.flags >> index & 1 == 1;
                // Waiting for a flag to be set clears it.
                self.flags &= !(1 << index);
                met
            }
            _ => panic!("this source of `wait` is not modelled"),
        };
        if met { Done::Next } else { Done::Stall }
    }

    /// Autopush as in the data sheet's pseudocode: shift and push in one cycle, or stall.
    fn shift_in(&mut self, n: usize, source: u16, count: u8) -> Done {
        assert_eq!(source, 0, "only `in pins` is modelled");
        let registers = self.registers(n);
        assert_eq!(registers.shift >> 16 & 1, 1, "only `in` with autopush is modelled");
        let count = bits(count.into());
        let visible = bits(registers.shift & 31);
        let input = self.input(n) & mask(visible) & mask(count);
        let (threshold, depth) = (bits(registers.shift >> 20 & 31), self.rx_depth(n));
        let sm = &mut self.sm[n];
        if !sm.pushed_late {
            sm.isr = if count == 32 { input } else { sm.isr >> count | input << (32 - count) };
            sm.isr_count = (sm.isr_count + count).min(32);
        }
        sm.pushed_late = false;
        if sm.isr_count >= threshold {
            if sm.rx.len() >= depth {
                sm.rx_stall = true;
                sm.pushed_late = true;
                return Done::Stall;
            }
            sm.rx.push_back(sm.isr);
            (sm.isr, sm.isr_count) = (0, 0);
        }
        Done::Next
    }

    fn shift_out(&mut self, n: usize, destination: u16, count: u8) -> Done {
        let registers = self.registers(n);
        assert_eq!(registers.shift >> 17 & 1, 0, "autopull is not modelled");
        let count = bits(count.into());
        let sm = &mut self.sm[n];
        let data = sm.osr & mask(count);
        sm.osr = if count == 32 { 0 } else { sm.osr >> count };
        sm.osr_count = (sm.osr_count + count).min(32);
        match destination {
            0 => self.drive(registers.pins & 31, registers.pins >> 20 & 63, data),
            1 => sm.x = data,
            4 => {
                let (base, width) = (registers.pins & 31, registers.pins >> 20 & 63);
                let pins = mask(width).rotate_left(base);
                self.directions = self.directions & !pins | (data & mask(width)).rotate_left(base);
            }
            _ => panic!("destination {destination} of `out` is not modelled"),
        }
        Done::Next
    }

    /// `pull block` and `pull noblock`: without a word, the latter takes X.
    fn pull(&mut self, n: usize, operands: u16) -> Done {
        assert!(matches!(operands, 0x80 | 0xA0), "only `pull` is modelled");
        let sm = &mut self.sm[n];
        match sm.tx.pop_front() {
            Some(word) => sm.osr = word,
            None if operands == 0x80 => sm.osr = sm.x,
            None => return Done::Stall,
        }
        sm.osr_count = 0;
        Done::Next
    }

    fn copy(&mut self, n: usize, destination: u16, operands: u8) -> Done {
        assert!(operands >> 3 < 2, "bit reversal is not modelled");
        let pins = self.registers(n).pins;
        let sm = &mut self.sm[n];
        let data = match operands & 7 {
            1 => sm.x,
            2 => sm.y,
            3 => 0,
            6 => sm.isr,
            7 => sm.osr,
            source => panic!("source {source} of `mov` is not modelled"),
        };
        let data = if operands >> 3 == 1 { !data } else { data };
        match destination {
            0 => self.drive(pins & 31, pins >> 20 & 63, data),
            1 => sm.x = data,
            2 => sm.y = data,
            6 => (sm.isr, sm.isr_count) = (data, 0),
            7 => (sm.osr, sm.osr_count) = (data, 0),
            _ => panic!("destination {destination} of `mov` is not modelled"),
        }
        Done::Next
    }

    fn drive(&mut self, base: u32, count: u32, data: u32) {
        let pins = mask(count).rotate_left(base);
        self.driven = self.driven & !pins | (data & mask(count)).rotate_left(base);
    }

    fn input(&self, n: usize) -> u32 {
        self.pads[SYNCHRONISER].rotate_right(self.registers(n).pins >> 15 & 31)
    }
}

/// What the processor does to a PIO; each call takes effect between two cycles.
impl PioPort for Machine {
    fn load(&mut self, words: &[u16]) {
        self.memory = words.to_vec();
    }

    fn configure(&mut self, n: usize, registers: Registers) {
        let Registers { clock_divider, execution, shift, pins } = registers;
        assert_eq!(clock_divider, 1 << 16, "only full speed is modelled");
        assert_eq!(execution & 0xFFFE_007F, 0, "a bit of EXECCTRL is not modelled");
        assert_eq!(shift & 0x0002_C3E0, 0, "a bit of SHIFTCTRL is not modelled");
        assert_eq!(shift >> 18 & 3, 3, "only right shifts are modelled");
        assert_eq!(pins >> 29, 0, "side-set is not used");
        assert!(shift >> 30 < 3, "one FIFO only can be joined");
        self.sm[n].registers = Some(registers);
    }

    fn force(&mut self, n: usize, instruction: u16) {
        match self.execute(n, instruction) {
            Done::Next => {}
            Done::Jump(to) => self.sm[n].pc = to,
            Done::Stall => panic!("a forced instruction stalls"),
        }
    }

    fn put(&mut self, n: usize, word: u32) {
        assert!(self.sm[n].tx.len() < self.tx_depth(n), "the FIFO is full");
        self.sm[n].tx.push_back(word);
    }

    fn flush(&mut self, n: usize) {
        self.sm[n].tx.clear();
        self.sm[n].rx.clear();
        self.sm[n].rx_stall = false;
    }

    fn restart(&mut self, n: usize) {
        let sm = &mut self.sm[n];
        (sm.isr, sm.isr_count, sm.osr_count, sm.delay, sm.pushed_late) = (0, 0, 0, 0, false);
    }

    fn enable(&mut self, machines: u8) {
        for (n, sm) in self.sm.iter_mut().enumerate() {
            sm.enabled |= machines >> n & 1 == 1;
        }
    }

    fn disable(&mut self, machines: u8) {
        for (n, sm) in self.sm.iter_mut().enumerate() {
            sm.enabled &= machines >> n & 1 == 0;
        }
    }

    fn clear_flags(&mut self, flags: u8) {
        self.flags &= !flags;
    }
}

/// A count in five bits, where zero means 32.
fn bits(count: u32) -> u32 {
    if count == 0 { 32 } else { count }
}

fn mask(count: u32) -> u32 {
    if count == 32 { u32::MAX } else { (1 << count) - 1 }
}
