//! One detection at a time.

use std::ops::Range;

use helio_distill::ErrorRate;
use helio_distill::announced::{Announced, TIME_BINS};
use helio_distill::bound::Counts;
use helio_distill::parameters::{Parameters, Receiver};
use helio_distill::sifting::Run;
use helio_keys::EntropySource;
use helio_timetag::Detection;

/// What Bob makes of his clicks.
#[derive(Default)]
pub struct Bob {
    pub offsets: Vec<u32>,
    pub test_basis: Vec<bool>,
    pub bits: Vec<bool>,
    pub masks: Vec<u8>,
}

/// The setting of a slot in one of the runs, `bits` wide.
fn setting(runs: &[Run<'_>], bits: u64, slot: u64) -> Option<u8> {
    let run = runs.iter().find(|run| (run.first..run.first + run.count).contains(&slot))?;
    let (i, per_byte) = (slot - run.first, 8 / bits);
    Some(run.packed[(i / per_byte) as usize] >> (bits * (i % per_byte)) & ((1 << bits) - 1))
}

pub fn measure(
    parameters: &Parameters,
    block: u64,
    detections: &[Detection],
    runs: &[Run<'_>],
    dropped: &[Range<u64>],
    entropy: &mut impl EntropySource,
) -> Bob {
    let mut bob = Bob::default();
    let mut coins = Vec::new();
    let mut coin = || {
        if coins.is_empty() {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes).expect("never fails");
            coins = (0..64).map(|i| u64::from_le_bytes(bytes) >> i & 1 == 1).collect();
        }
        coins.pop().expect("64 were drawn")
    };
    for &Detection { slot, mask } in detections {
        let sync = slot % u64::from(parameters.sync_spacing) == 0;
        if sync || dropped.iter().any(|range| range.contains(&slot)) {
            continue;
        }
        let (test, bit) = match parameters.receiver {
            Receiver::Active { .. } => {
                let Some(code) = setting(runs, 2, slot) else { continue };
                let bit = if mask == 3 { coin() } else { (mask == 2) != (code & 2 != 0) };
                (code & 1 != 0, bit)
            }
            Receiver::Passive => {
                let test = match (mask & 3, mask >> 2) {
                    (0, _) => true,
                    (_, 0) => false,
                    _ => coin(),
                };
                let pair = if test { mask >> 2 } else { mask & 3 };
                (test, if pair == 3 { coin() } else { pair == 2 })
            }
        };
        bob.offsets.push((slot - parameters.first_slot(block)) as u32);
        bob.test_basis.push(test);
        bob.bits.push(bit);
        bob.masks.push(mask);
    }
    bob
}

/// What Alice makes of an announcement.
#[derive(Default)]
pub struct Alice {
    pub lost: Vec<bool>,
    pub matched: Vec<bool>,
    pub intensities: Vec<u8>,
    pub test_bits: Vec<bool>,
    pub key: Vec<bool>,
}

pub fn look_up(first: u64, runs: &[Run<'_>], offsets: &[u32], test_basis: &[bool]) -> Alice {
    let mut alice = Alice::default();
    for (&offset, &test) in offsets.iter().zip(test_basis) {
        let code = setting(runs, 4, first + u64::from(offset));
        alice.lost.push(code.is_none());
        let code = code.filter(|code| (code & 2 != 0) == test);
        alice.matched.push(code.is_some());
        let Some(code) = code else { continue };
        alice.intensities.push(code >> 2);
        if test { &mut alice.test_bits } else { &mut alice.key }.push(code & 1 == 1);
    }
    alice
}

/// Bob's bits of the key-basis matches, and his errors in the test basis.
pub fn compare(bob: &Bob, alice: &Alice) -> (Vec<bool>, Vec<bool>) {
    let (mut key, mut errors) = (Vec::new(), Vec::new());
    let matches = (0..bob.bits.len()).filter(|&i| alice.matched[i]);
    for i in matches {
        if bob.test_basis[i] {
            errors.push(bob.bits[i] != alice.test_bits[errors.len()]);
        } else {
            key.push(bob.bits[i]);
        }
    }
    (key, errors)
}

pub fn gather(
    slots: u32,
    offsets: &[u32],
    test_basis: &[bool],
    alice: &Alice,
    errors: &[bool],
) -> Announced {
    let mut counts = Counts::default();
    let mut bins = [(0, 0); TIME_BINS];
    let (mut matches, mut tests) = (0, 0);
    for i in (0..offsets.len()).filter(|&i| alice.matched[i]) {
        let intensity = usize::from(alice.intensities[matches]);
        matches += 1;
        if !test_basis[i] {
            counts.n_key[intensity] += 1;
            continue;
        }
        let error = u64::from(errors[tests]);
        tests += 1;
        counts.n_test[intensity] += 1;
        counts.m_test[intensity] += error;
        let bin = u64::from(offsets[i]) * TIME_BINS as u64 / u64::from(slots);
        bins[bin as usize].0 += error;
        bins[bin as usize].1 += 1;
    }
    let without_setting = alice.lost.iter().filter(|lost| **lost).count();
    Announced {
        made_unix_s: None,
        detections: offsets.len() as u64,
        without_setting: without_setting as u64,
        mismatched: (offsets.len() - without_setting - matches) as u64,
        counts,
        bins: bins.iter().map(|&(errors, bits)| ErrorRate::new(errors, bits)).collect(),
    }
}

/// Seven bits a byte.
fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn pack(out: &mut Vec<u8>, bits: &[bool]) {
    out.extend(bits.chunks(8).map(|c| c.iter().rev().fold(0, |b, &bit| b << 1 | u8::from(bit))));
}

fn unpack(bytes: &mut &[u8], count: usize) -> Vec<bool> {
    let (packed, rest) = bytes.split_at(count.div_ceil(8));
    *bytes = rest;
    (0..count).map(|i| packed[i / 8] >> (i % 8) & 1 == 1).collect()
}

fn read_varint(bytes: &mut &[u8]) -> u32 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u32::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

pub fn announce(bob: &Bob) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, bob.offsets.len() as u32);
    let mut next = 0;
    for &offset in &bob.offsets {
        varint(&mut out, offset - next);
        next = offset + 1;
    }
    pack(&mut out, &bob.test_basis);
    out
}

pub fn hear(mut bytes: &[u8]) -> (Vec<u32>, Vec<bool>) {
    let count = read_varint(&mut bytes);
    let mut next = 0;
    let offsets: Vec<u32> = (0..count)
        .map(|_| {
            let offset = next + read_varint(&mut bytes);
            next = offset + 1;
            offset
        })
        .collect();
    let test_basis = unpack(&mut bytes, offsets.len());
    (offsets, test_basis)
}

pub fn answer(alice: &Alice) -> Vec<u8> {
    let mut out = vec![1];
    pack(&mut out, &alice.lost);
    pack(&mut out, &alice.matched);
    for four in alice.intensities.chunks(4) {
        out.push(four.iter().rev().fold(0, |byte, &i| byte << 2 | i));
    }
    pack(&mut out, &alice.test_bits);
    out
}

pub fn hear_answer(bytes: &[u8], test_basis: &[bool]) -> Alice {
    let mut bytes = &bytes[1..];
    let lost = unpack(&mut bytes, test_basis.len());
    let matched = unpack(&mut bytes, test_basis.len());
    let matches = matched.iter().filter(|m| **m).count();
    let intensities = (0..matches).map(|i| bytes[i / 4] >> (2 * (i % 4)) & 3).collect();
    bytes = &bytes[matches.div_ceil(4)..];
    let tests = matched.iter().zip(test_basis).filter(|(m, t)| **m && **t).count();
    let test_bits = unpack(&mut bytes, tests);
    Alice { lost, matched, intensities, test_bits, key: Vec::new() }
}
