//! From random bytes to settings, as `hal/wire/SPEC.md` has it under `Settings`: what a device must
//! have played. Written here a second time, because it is what the device is held against.

use helio_wire::{Configure, Role};

/// Random bytes that the setting of a slot takes.
pub fn bytes_per_slot(role: Role) -> usize {
    match role {
        Role::Alice => 4,
        Role::Bob => 2,
    }
}

/// How the bytes of a slot become its code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    pub role: Role,
    /// Sums of the weights of the first one, two, three levels, of 4096.
    cumulative: [u32; 3],
    /// Of 4096.
    key_weight: u32,
    random_swap: bool,
}

impl Draw {
    pub fn new(role: Role, configure: &Configure) -> Draw {
        let [a, b, c, _] = configure.intensity_weights.map(u32::from);
        Draw {
            role,
            cumulative: [a, a + b, a + b + c],
            key_weight: configure.key_basis_weight.into(),
            random_swap: configure.random_swap,
        }
    }

    /// Whether all of Bob's slots are alike, so that it is no matter from which bytes they are drawn.
    pub fn is_constant(&self) -> bool {
        self.role == Role::Bob && !self.random_swap && matches!(self.key_weight, 0 | 4096..)
    }

    /// The code of each slot whose bytes these are; what is left over of a slot's is not looked at.
    pub fn codes<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        bytes.chunks_exact(bytes_per_slot(self.role)).map(|bytes| {
            let random = bytes.iter().rev().fold(0, |random, byte| random << 8 | u32::from(*byte));
            match self.role {
                Role::Alice => self.alice(random),
                Role::Bob => self.bob(random),
            }
        })
    }

    fn alice(&self, random: u32) -> u8 {
        let (intensity, basis, bit) = (random & 0xfff, random >> 12 & 0xfff, random >> 24 & 1);
        let level = self.cumulative.iter().filter(|end| intensity >= **end).count() as u8;
        level << 2 | u8::from(basis >= self.key_weight) << 1 | bit as u8
    }

    fn bob(&self, random: u32) -> u8 {
        let (basis, swap) = (random & 0xfff, random >> 12 & 1 == 1);
        u8::from(swap && self.random_swap) << 1 | u8::from(basis >= self.key_weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Scenario;

    #[test]
    fn the_thresholds_are_exact() {
        let configure = Configure {
            intensity_weights: [10, 20, 30, 4036],
            key_basis_weight: 100,
            ..Scenario::default().configure(0)
        };
        let draw = Draw::new(Role::Alice, &configure);
        let code = |intensity: u32, basis: u32, rest: u32| {
            let random = intensity | basis << 12 | rest << 24;
            draw.codes(&random.to_le_bytes()).next().unwrap()
        };
        for (intensity, level) in [(0, 0), (9, 0), (10, 1), (29, 1), (30, 2), (60, 3), (4095, 3)] {
            assert_eq!(code(intensity, 0, 0), level << 2);
        }
        assert_eq!((code(0, 99, 0), code(0, 100, 0)), (0, 2));
        assert_eq!((code(0, 0, 1), code(0, 0, 0xfe)), (1, 0));
        let with = |random_swap| {
            let configure = Configure { random_swap, ..configure };
            let draw = Draw::new(Role::Bob, &configure);
            let bytes: Vec<u8> = [99u16, 100, 0x1063, 0xf064].map(u16::to_le_bytes).concat();
            draw.codes(&bytes).collect::<Vec<u8>>()
        };
        assert_eq!(with(true), [0, 1, 2, 3]);
        assert_eq!(with(false), [0, 1, 0, 1]);
    }
}
