use super::*;
use crate::bench::Scenario;
use helio_bench::SettingsSource;
use helio_units::SlotIndex;
use proptest::prelude::*;

/// Codes that a device draws, sync slots included, and their frames.
struct Device {
    draw: Draw,
    stream: ChaCha20,
    spacing: u64,
    bits: usize,
}

impl Device {
    fn new(role: Role, seed: &[u8; 32]) -> Device {
        let configure = configure();
        let bits = if role == Role::Alice { 4 } else { 2 };
        let spacing = configure.sync_spacing.into();
        Device { draw: Draw::new(role, &configure), stream: ChaCha20::new(seed), spacing, bits }
    }

    fn codes(&mut self, first: u64, count: u64) -> Vec<u8> {
        let mut bytes = vec![0; count as usize * bytes_per_slot(self.draw.role)];
        self.stream.fill(&mut bytes);
        let codes = self.draw.codes(&bytes).zip(first..);
        codes.map(|(code, slot)| if slot % self.spacing == 0 { 0 } else { code }).collect()
    }

    fn pack(&self, codes: &[u8]) -> Vec<u8> {
        let mut packed = vec![0; (codes.len() * self.bits).div_ceil(8)];
        for (i, code) in codes.iter().enumerate() {
            packed[i * self.bits / 8] |= code << (i * self.bits % 8);
        }
        packed
    }

    fn batch<'a>(&self, first: u64, count: u64, packed: &'a [u8]) -> SettingsBatch<'a> {
        SettingsBatch {
            first: SlotIndex(first),
            bits_per_slot: self.bits as u8,
            source: SettingsSource::HostSeed,
            count: count as u16,
            packed,
        }
    }

    /// Draws the next slots and reports them.
    fn report(
        &mut self,
        expected: &mut Expected,
        first: u64,
        count: u64,
    ) -> Result<Known, Differs> {
        let codes = self.codes(first, count);
        let packed = self.pack(&codes);
        expected.check(&self.batch(first, count, &packed))
    }
}

fn configure() -> Configure {
    Scenario::default().configure(3028)
}

const SEED: [u8; 32] = [7; 32];

fn both(role: Role) -> (Device, Expected) {
    (Device::new(role, &SEED), Expected::of_seed(role, &configure(), &SEED))
}

#[test]
fn what_was_given_is_known_whatever_the_batches() {
    for role in [Role::Alice, Role::Bob] {
        let (mut device, mut expected) = both(role);
        // Bob begins where his clock locks.
        let mut next = if role == Role::Alice { 0 } else { 64_000 };
        for count in [1, 2, 64, 2048, 3, 4096, 1000, 1] {
            assert_eq!(device.report(&mut expected, next, count), Ok(Known::Yes), "{role:?}");
            next += count;
        }
    }
}

#[test]
fn alices_lost_settings_leave_the_others_in_their_places() {
    let (mut device, mut expected) = both(Role::Alice);
    assert_eq!(device.report(&mut expected, 0, 2048), Ok(Known::Yes));
    device.codes(2048, 10_000);
    assert_eq!(device.report(&mut expected, 12_048, 100), Ok(Known::Yes));
    let again = device.report(&mut expected, 12_147, 1);
    assert_eq!(again, Err(Differs { slot: 12_147 }), "a device goes back");
    for first in [u64::MAX - 10, 1 << 40] {
        let (mut device, mut expected) = both(Role::Alice);
        assert_eq!(device.report(&mut expected, first, 10), Err(Differs { slot: first }));
    }
}

/// What Bob had drawn when his clock lost its lock is dropped, and nobody says how much.
#[test]
fn bobs_settings_are_found_again_after_a_loss_of_lock() {
    let (mut device, mut expected) = both(Role::Bob);
    let mut next = 6400;
    for dropped in [0, 5000, 17, 0, 1023, 5256] {
        device.codes(next, dropped);
        next = (next + 100_000).next_multiple_of(64);
        expected.lost();
        // A short batch may stand in several places, and the next ones tell them apart.
        for (count, known) in [(3, Known::No), (5, Known::No), (200, Known::No), (3000, Known::Yes)]
        {
            assert_eq!(device.report(&mut expected, next, count), Ok(known), "{dropped}");
            next += count;
        }
        assert_eq!(expected.places, [0]);
    }
    device.codes(next, 3 * DROPPED as u64);
    expected.lost();
    let far = device.report(&mut expected, next + 64, 2000);
    assert_eq!(far, Err(Differs { slot: next + 64 }), "further than any clock's loss");
}

/// Holes that nobody heard a loss of are as long as their slots: no batch is looked for elsewhere.
#[test]
fn bobs_holes_without_a_loss_are_no_room_for_a_lie() {
    for lies in [false, true] {
        let (mut device, mut expected) = both(Role::Bob);
        let found = (0..5000u64).map(|batch| 64_001 + 2 * batch).find(|&slot| {
            let code = device.codes(slot, 1)[0];
            let hole = device.codes(slot + 1, 1);
            let packed = device.pack(&[if lies { hole[0] } else { code }]);
            assert!(expected.codes.len() <= CHUNK);
            match expected.check(&device.batch(slot, 1, &packed)) {
                Ok(known) => {
                    assert_eq!(known, Known::Yes);
                    false
                }
                Err(Differs { slot: at }) => {
                    assert_eq!(at, slot);
                    true
                }
            }
        });
        assert_eq!(found.is_some_and(|slot| slot < 64_200), lies, "{found:?}");
    }
}

/// Batches of one slot between losses may stand anywhere: they make no key, and no memory.
#[test]
fn bobs_short_batches_between_losses_make_no_key() {
    for lies in [false, true] {
        let (mut device, mut expected) = both(Role::Bob);
        let mut answers = Vec::new();
        for batch in 0..3000u64 {
            let slot = 64_001 + 2 * batch;
            expected.lost();
            device.codes(slot, batch % 5);
            let code = if lies { (batch % 2) as u8 } else { device.codes(slot, 1)[0] };
            let packed = device.pack(&[code]);
            let answer = expected.check(&device.batch(slot, 1, &packed));
            // The loss before the first report leaves it in doubt, as every other one.
            assert!(matches!(answer, Ok(Known::No | Known::Adrift)), "{answer:?}");
            assert!(
                expected.codes.len() <= MOST_REACH + CHUNK
                    && expected.places.len() <= MOST_REACH + 1
            );
            answers.push(answer);
        }
        assert_eq!(answers.last(), Some(&Ok(Known::Adrift)), "the run has ended");
    }
}

/// A clock that loses its lock time and again is followed, and makes key where its place is known.
#[test]
fn bobs_many_losses_are_borne() {
    let (mut device, mut expected) = both(Role::Bob);
    let mut next = 6401;
    for loss in 0..1000 {
        expected.lost();
        device.codes(next, loss % 7 * 700);
        next += 10_001;
        assert_eq!(device.report(&mut expected, next, 300), Ok(Known::No));
        next += 300;
        assert!(expected.codes.len() <= MOST_REACH);
    }
    assert_eq!(device.report(&mut expected, next, 2000), Ok(Known::Yes));
    expected.lost();
    let lie = device.pack(&[1; 2000]);
    assert!(expected.check(&device.batch(next + 2001, 2000, &lie)).is_err());
}

/// Bytes that were in the queue before are of nobody known, and fill slots of their own.
#[test]
fn slots_of_other_bytes_make_no_key() {
    for (role, slots) in [(Role::Alice, 3), (Role::Bob, 5)] {
        let size = bytes_per_slot(role);
        let before = size * slots - size / 2;
        let (mut device, _) = both(role);
        let mut expected = Expected::of_feed(role, &configure(), before);
        // The device completes a slot with the first bytes that it is fed.
        let mut bytes = vec![0; 400];
        ChaCha20::new(&SEED).fill(&mut bytes);
        let (rest, own) = (vec![9; size / 2], bytes);
        expected.fed(&rest);
        for piece in own.chunks(37) {
            expected.fed(piece);
        }
        let first = if role == Role::Alice { 0 } else { 640 };
        let packed = vec![0xff; (slots * device.bits).div_ceil(8)];
        let mut packed = packed;
        if !(slots * device.bits).is_multiple_of(8) {
            *packed.last_mut().unwrap() = (1 << (slots * device.bits % 8)) - 1;
        }
        // Slot `first` is a sync slot.
        packed[0] &= !((1 << device.bits) - 1);
        let foreign = device.batch(first, slots as u64, &packed);
        assert_eq!(expected.check(&foreign), Ok(Known::No));
        let next = first + slots as u64;
        let fed = 400 / size as u64;
        assert_eq!(device.report(&mut expected, next, fed), Ok(Known::Yes));
        let more = device.report(&mut expected, next + fed, 1);
        assert!(more.is_err(), "it plays more than it was fed");
    }
}

#[test]
fn a_batch_of_the_other_role_is_none() {
    let (_, mut expected) = both(Role::Alice);
    let (mut bob, _) = both(Role::Bob);
    assert!(bob.report(&mut expected, 0, 4).is_err());
}

proptest! {
    /// One slot that was reported otherwise is found, and named.
    #[test]
    fn a_lie_is_found(
        alice: bool,
        counts in proptest::collection::vec(1u64..3000, 1..6),
        at in any::<prop::sample::Index>(),
        flip in 1u8..4,
    ) {
        let role = if alice { Role::Alice } else { Role::Bob };
        let (mut device, mut expected) = both(role);
        // As far as it is long enough to have one place only.
        prop_assert_eq!(device.report(&mut expected, 0, 2000), Ok(Known::Yes));
        let lie = 2000 + at.index(counts.iter().sum::<u64>() as usize) as u64;
        let mut next = 2000;
        for count in counts {
            let mut codes = device.codes(next, count);
            if (next..next + count).contains(&lie) {
                codes[(lie - next) as usize] ^= flip;
            }
            let packed = device.pack(&codes);
            let told = expected.check(&device.batch(next, count, &packed));
            if (next..next + count).contains(&lie) {
                prop_assert_eq!(told, Err(Differs { slot: lie }));
                return Ok(());
            }
            prop_assert_eq!(told, Ok(Known::Yes));
            next += count;
        }
    }

    /// Whatever a device says, it is an answer and takes no time.
    #[test]
    fn any_batch_is_borne(
        alice: bool,
        fed: bool,
        batches in proptest::collection::vec(
            (prop_oneof![0u64..100_000, any::<u64>()], proptest::collection::vec(any::<u8>(), 0..40)),
            1..6,
        ),
    ) {
        let role = if alice { Role::Alice } else { Role::Bob };
        let mut expected = match fed {
            true => Expected::of_feed(role, &configure(), 3),
            false => Expected::of_seed(role, &configure(), &SEED),
        };
        expected.fed(&[5; 256]);
        let bits = if alice { 4 } else { 2 };
        for (first, packed) in batches {
            let count = (packed.len() * 8 / bits) as u16;
            let batch = SettingsBatch {
                first: SlotIndex(first),
                bits_per_slot: bits as u8,
                source: SettingsSource::HostSeed,
                count,
                packed: &packed,
            };
            if expected.check(&batch).is_err() {
                break;
            }
        }
    }
}
