//! Two strings of sifted bits made one: reconciliation, verification and the last hash between two
//! parties over TCP on this machine.
//!
//! There is no sifting, no decoy analysis and no authentication here, for bare strings have nothing
//! of it: how much key they hold, nobody can tell from them. What is hashed out is what the caller
//! says.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, unbounded};
use helio_distill::Stage;
use helio_distill::amplify::{amplify, seed_bits};
use helio_distill::bound::binary_entropy;
use helio_distill::hash::{same_tag, verification_bits, verification_tag};
use helio_distill::reconcile::{
    AliceStep, Announced, BobStep, CodeChoice, Outcome as Reconciled, Plan, PlanRefused,
};
use helio_keys::{EntropySource, SecretBits, SeededEntropy, SimulatedDevices};
use zeroize::Zeroizing;

use super::figures::StationFigures;
use super::loopback::{self, Wire};
use super::machine::{peak_rss_mib, stay_on};
use super::run::EngineFault;
use crate::bench::run::spawn;
use crate::exit::Failure;
use crate::meter::{Doing, SharedMeter};

/// Longest file in bytes.
const MOST_BYTES: u64 = 256 << 20;
/// The plan is made for the given error rate, as if it were known to the last digit.
const TEST_BITS: u64 = 1 << 40;

/// Reads a file of bits: `0` and `1` with any blanks between them if it has nothing else, else packed,
/// the first bit in the lowest of the first byte.
///
/// # Errors
/// The file cannot be read, has no bits, or is too long.
pub fn read(path: &Path) -> Result<SecretBits, Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::file(path, format!("cannot be read ({e}); write a file of sifted bits"))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MOST_BYTES {
        let most = MOST_BYTES >> 20;
        return Err(Failure::file(path, format!("has more than {most} MiB; cut it into parts")));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    let bits = parse(&bytes);
    if bits.is_empty() {
        return Err(Failure::file(path, "holds no bits; write sifted bits, packed or as 0 and 1"));
    }
    Ok(bits)
}

fn parse(bytes: &[u8]) -> SecretBits {
    let is_bit = |byte: &u8| matches!(byte, b'0' | b'1');
    let is_text = bytes.iter().all(|b| is_bit(b) || b.is_ascii_whitespace());
    match is_text {
        true => SecretBits::from_bits(bytes.iter().filter(|b| is_bit(b)).map(|b| *b == b'1')),
        false => SecretBits::from_bytes(bytes, 8 * bytes.len()).unwrap_or_default(),
    }
}

/// What is done with two strings.
pub struct Setup {
    /// Alice's string and Bob's, of one length.
    pub strings: [SecretBits; 2],
    /// The error rate that reconciliation plans for.
    pub qber: f64,
    /// Bits of a block, about: the strings are cut into equal parts.
    pub block: u64,
    /// What reconciles.
    pub code: CodeChoice,
    /// Probability that unequal strings pass the verification.
    pub epsilon_ev: f64,
    /// Bits of key for each sifted one; without it nothing is hashed out.
    pub secret_fraction: Option<f64>,
    /// Of the line.
    pub round_trip: Duration,
    /// Of verification keys and hash seeds.
    pub seed: u64,
    /// Alice's core and Bob's.
    pub cores: [Option<usize>; 2],
}

/// Sums over blocks.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Blocks, and those whose strings are equal by the verification.
    pub blocks: [u64; 2],
    /// Why blocks failed.
    pub failures: Vec<(u64, String)>,
    /// Errors that were corrected in verified blocks, and the bits of these.
    pub errors: [u64; 2],
    /// Bits of key, equal on both sides.
    pub key_bits: u64,
    /// Disclosed by Alice, by Bob, λ_max; of verified blocks.
    pub leak: [u64; 3],
    /// n·h(QBER) of them.
    pub shannon: f64,
    /// Frames and those that failed.
    pub frames: [u64; 2],
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Over all blocks.
    pub totals: Totals,
    /// Bits of each string.
    pub bits: u64,
    /// Messages of Bob's in reconciliation, a block.
    pub round_trips: f64,
    /// From the first block's beginning to the last one's end.
    pub wall: Duration,
    /// Alice's figures and Bob's.
    pub stations: [StationFigures; 2],
    /// Most memory of the process.
    pub peak_rss_mib: Option<f64>,
}

impl Totals {
    fn add(&mut self, index: u64, job: &Job, alice: Done, bob: Done) -> Result<(), EngineFault> {
        match (alice, bob) {
            (Done::Verified { key: a, .. }, Done::Verified { key: b, reconciled: Some(done) }) => {
                if !bool::from(a.ct_eq(&b)) {
                    return Err(EngineFault::Differs(format!("the keys of block {index} differ")));
                }
                let bits = job.plan.announced().n_key;
                self.blocks[1] += 1;
                self.key_bits += a.len() as u64;
                self.errors[0] += done.corrected_errors;
                self.errors[1] += bits;
                self.leak[0] += done.leak.alice_bits;
                self.leak[1] += done.leak.bob_bits;
                self.leak[2] += job.plan.lambda_max();
                self.frames[0] += u64::from(done.frames);
                self.frames[1] += u64::from(done.failed_frames);
                let rate = done.corrected_errors as f64 / bits.max(1) as f64;
                self.shannon += bits as f64 * binary_entropy(rate);
                Ok(())
            }
            // Bob knows better why.
            (_, Done::Failed(why)) | (Done::Failed(why), _) => {
                self.failures.push((index, why));
                Ok(())
            }
            _ => Err(EngineFault::Differs(format!("block {index} ended in two ways"))),
        }
    }
}

/// Errors between the two strings as a share of their bits.
pub fn error_rate([alice, bob]: &[SecretBits; 2]) -> f64 {
    alice.distance(bob) as f64 / alice.len().max(1) as f64
}

/// The ranges that the strings are cut into.
fn parts(bits: usize, block: u64) -> Vec<Range<usize>> {
    let count = ((bits as f64 / block as f64).round() as usize).clamp(1, bits.max(1));
    (0..count).map(|i| bits * i / count..bits * (i + 1) / count).collect()
}

/// The plan of a part.
///
/// # Errors
/// No code fits it.
pub fn plan(code: CodeChoice, bits: usize, qber: f64) -> Result<Plan, PlanRefused> {
    let test_errors = (qber * TEST_BITS as f64) as u64;
    let (n_key, test_bits) = (bits as u64, TEST_BITS);
    code.plan(Announced { n_key, test_bits, test_errors, margin_ppm: 0 })
}

impl Setup {
    /// The plan of the shortest part, and how many bits of key each of its bits may give at most.
    ///
    /// # Errors
    /// No code fits it.
    pub fn most_secret(&self) -> Result<f64, PlanRefused> {
        let parts = parts(self.strings[0].len(), self.block);
        let shortest = parts.iter().map(|part| part.len()).min().unwrap_or(0);
        let plan = plan(self.code, shortest, self.qber)?;
        let tag = verification_bits(shortest as u64, self.epsilon_ev).unwrap_or(128);
        let left = (shortest as u64).saturating_sub(plan.lambda_max() + u64::from(tag) + 1);
        Ok(left as f64 / shortest.max(1) as f64)
    }
}

impl Setup {
    fn jobs(&self) -> Result<Vec<(Range<usize>, Job)>, PlanRefused> {
        let job = |range: Range<usize>| {
            let bits = range.len();
            let plan = plan(self.code, bits, self.qber)?;
            let tag_bits = verification_bits(bits as u64, self.epsilon_ev).unwrap_or(128);
            let key_bits = self.secret_fraction.map_or(0, |share| (share * bits as f64) as usize);
            Ok((range, Job { plan, tag_bits, key_bits }))
        };
        parts(self.strings[0].len(), self.block).into_iter().map(job).collect()
    }
}

/// A party and its line.
struct Party {
    wire: Wire,
    meter: SharedMeter,
    sent: [u64; 2],
}

/// The other party has gone, or what it sends is none of this.
struct Gone;

impl Party {
    fn send(&mut self, message: &[u8]) -> Result<(), Gone> {
        self.sent[0] += 1;
        self.sent[1] += message.len() as u64;
        let Party { wire, meter, .. } = self;
        meter.during(Doing::Line, || wire.out.send(message)).map_err(|_| Gone)
    }

    /// Waits for what lets `stage` begin, and begins it.
    fn receive(&mut self, stage: Stage) -> Result<Vec<u8>, Gone> {
        self.meter.now(Doing::Waiting);
        let message = self.wire.inbox.recv().map_err(|_| Gone)?;
        self.meter.came(stage, 1 + self.wire.inbox.len() as u64);
        self.meter.now(Doing::Stage(stage));
        Ok(message)
    }

    fn now(&self, stage: Stage) {
        self.meter.now(Doing::Stage(stage));
    }

    fn end(self, bits: u64) -> StationFigures {
        let Party { wire, meter, sent } = self;
        let mut account = meter.account();
        drop(wire.out);
        // Ends when the other party has closed its end too.
        wire.inbox.iter().for_each(drop);
        if let Ok(cpu) = wire.reader.join() {
            account.add(Doing::Line, cpu);
        }
        StationFigures::new(&account, bits, sent)
    }
}

/// One block's end at one party.
enum Done {
    Failed(String),
    Verified { key: SecretBits, reconciled: Option<Reconciled> },
}

/// The same for both of what a part is about.
struct Job {
    plan: Plan,
    tag_bits: u32,
    key_bits: usize,
}

/// Alice's part in one block.
fn alice(
    party: &mut Party,
    bits: &SecretBits,
    job: &Job,
    entropy: &mut impl EntropySource,
) -> Result<Done, Gone> {
    let failed = |why: String| Ok(Done::Failed(why));
    party.now(Stage::Reconcile);
    let mut engine = job.plan.alice(bits).map_err(|_| Gone)?;
    let first = engine.first();
    party.send(&first)?;
    loop {
        let message = party.receive(Stage::Reconcile)?;
        if message.is_empty() {
            return failed("Bob could not reconcile".into());
        }
        match engine.handle(&message) {
            Ok(AliceStep::Send(answer)) => party.send(&answer)?,
            Ok(AliceStep::Done) => break,
            Err(error) => {
                party.send(&[])?;
                return failed(error.to_string());
            }
        }
    }
    party.now(Stage::Verify);
    let mut point = [0; 16];
    entropy.fill(&mut point).map_err(|_| Gone)?;
    let tag = verification_tag(bits, point, job.tag_bits);
    party.send(&[point, tag.to_le_bytes()].concat())?;
    if party.receive(Stage::Amplify)? != [1] {
        return failed("the strings differ after reconciliation".into());
    }
    let seed = entropy.bits(seed_bits(bits.len(), job.key_bits)).map_err(|_| Gone)?;
    party.send(&seed.to_bytes())?;
    party.now(Stage::Amplify);
    Ok(finish(bits, &seed, job, None))
}

/// Bob's.
fn bob(party: &mut Party, bits: &SecretBits, job: &Job, trips: &mut u64) -> Result<Done, Gone> {
    let mut engine = job.plan.bob(bits).map_err(|_| Gone)?;
    let mut last = false;
    while !last {
        let message = party.receive(Stage::Reconcile)?;
        if message.is_empty() {
            return Ok(Done::Failed("Alice could not reconcile".into()));
        }
        let answer = match engine.handle(&message) {
            Ok(BobStep::Send(answer)) => answer,
            Ok(BobStep::SendDone(answer)) => {
                last = true;
                answer
            }
            Err(error) => {
                party.send(&[])?;
                return Ok(Done::Failed(error.to_string()));
            }
        };
        *trips += 1;
        party.send(&answer)?;
    }
    party.now(Stage::Reconcile);
    let (corrected, outcome) = engine.corrected().map_err(|_| Gone)?;
    let message = party.receive(Stage::Verify)?;
    let (Some(point), Some(theirs)) = (message.first_chunk(), message.last_chunk()) else {
        return Err(Gone);
    };
    let mine = verification_tag(&corrected, *point, job.tag_bits);
    let agree = same_tag(mine, u128::from_le_bytes(*theirs));
    party.send(&[u8::from(agree)])?;
    if !agree {
        return Ok(Done::Failed("the strings differ after reconciliation".into()));
    }
    let seed = party.receive(Stage::Amplify)?;
    let seed = SecretBits::from_bytes(&seed, seed_bits(bits.len(), job.key_bits));
    Ok(finish(&corrected, &seed.unwrap_or_default(), job, Some(outcome)))
}

fn finish(bits: &SecretBits, seed: &SecretBits, job: &Job, reconciled: Option<Reconciled>) -> Done {
    match amplify(bits, seed, job.key_bits) {
        Ok(key) => Done::Verified { key, reconciled },
        Err(error) => Done::Failed(error.to_string()),
    }
}

/// A party's thread: every part in turn, then its figures.
fn serve(
    wire: Wire,
    core: Option<usize>,
    string: &SecretBits,
    jobs: &[(Range<usize>, Job)],
    mut one: impl FnMut(&mut Party, &SecretBits, &Job) -> Result<Done, Gone>,
    told: &Sender<Done>,
) -> StationFigures {
    core.map(stay_on);
    let mut party = Party { wire, meter: SharedMeter::new(), sent: [0; 2] };
    for (range, job) in jobs {
        let bits = string.slice(range.clone());
        let Ok(done) = one(&mut party, &bits, job) else { break };
        party.meter.now(Doing::Other);
        // Whoever adds up may have gone.
        let _ = told.send(done);
    }
    party.end(string.len() as u64)
}

/// Runs both parties over all parts. `progress` hears of each block that is over.
///
/// # Errors
/// [`EngineFault`]; a block that fails is none.
pub fn run(setup: Setup, mut progress: impl FnMut(u64)) -> Result<Outcome, EngineFault> {
    let bits = setup.strings[0].len();
    let jobs = setup.jobs()?;
    let [alice_wire, bob_wire] = loopback::connect(setup.round_trip, setup.cores)?;
    let Setup { strings: [of_alice, of_bob], seed, cores, .. } = setup;
    let devices = SimulatedDevices::declared(true, true)
        .ok_or(EngineFault::Differs("simulated devices are not taken as such".into()))?;
    let mut totals = Totals { blocks: [jobs.len() as u64, 0], ..Totals::default() };
    let (to_alice, from_alice) = unbounded();
    let (to_bob, from_bob) = unbounded();
    let jobs = Arc::new(jobs);
    let begun = Instant::now();
    let alice_thread = {
        let jobs = jobs.clone();
        spawn("alice", move || {
            let mut entropy = SeededEntropy::new(devices, seed, "alice");
            let one = |party: &mut Party, bits: &SecretBits, job: &Job| {
                alice(party, bits, job, &mut entropy)
            };
            serve(alice_wire, cores[0], &of_alice, &jobs, one, &to_alice)
        })
    };
    let bob_thread = {
        let jobs = jobs.clone();
        spawn("bob", move || {
            let mut trips = 0;
            let one =
                |party: &mut Party, bits: &SecretBits, job: &Job| bob(party, bits, job, &mut trips);
            (serve(bob_wire, cores[1], &of_bob, &jobs, one, &to_bob), trips)
        })
    };
    for ((a, b), index) in from_alice.iter().zip(from_bob.iter()).zip(0..) {
        totals.add(index, &jobs[index as usize].1, a, b)?;
        progress(index + 1);
    }
    let wall = begun.elapsed();
    let alice = alice_thread.join().map_err(|_| EngineFault::Thread("alice"))?;
    let (bob, trips) = bob_thread.join().map_err(|_| EngineFault::Thread("bob"))?;
    let missing = totals.blocks[0] - totals.blocks[1] - totals.failures.len() as u64;
    if missing > 0 {
        return Err(EngineFault::Differs(format!("{missing} blocks came to no end")));
    }
    Ok(Outcome {
        round_trips: trips as f64 / totals.blocks[0] as f64,
        bits: bits as u64,
        wall,
        stations: [alice, bob],
        peak_rss_mib: peak_rss_mib(),
        totals,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_packed_bits_are_told_apart() {
        let text = parse(b"0110 1\n0\r\n");
        assert!(text.iter().eq([false, true, true, false, true, false]));
        let packed = parse(&[0b0000_0101, 0xFF]);
        assert_eq!(packed.len(), 16);
        assert!(packed.iter().take(4).eq([true, false, true, false]));
        assert!(parse(b" \n").is_empty() && parse(b"").is_empty());
    }

    #[test]
    fn parts_cover_everything_once() {
        for (bits, block) in [(10, 3), (1_000_001, 100_000), (5, 1_000), (7, 1)] {
            let parts = parts(bits, block);
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, bits));
            assert!(parts.windows(2).all(|two| two[0].end == two[1].start));
            assert!(parts.iter().all(|part| !part.is_empty()));
        }
    }

    fn setup(errors: usize, planned: f64) -> Setup {
        let devices = SimulatedDevices::declared(true, true).unwrap();
        let mut source = SeededEntropy::new(devices, 5, "strings");
        let alice = source.bits(40_000).unwrap();
        let mut bob = alice.duplicate();
        (0..errors).for_each(|i| bob.flip(i * 7919 % 40_000));
        Setup {
            strings: [alice, bob],
            qber: planned,
            block: 20_000,
            code: CodeChoice::Ldpc,
            epsilon_ev: 1e-15,
            secret_fraction: Some(0.25),
            round_trip: Duration::ZERO,
            seed: 1,
            cores: [None; 2],
        }
    }

    #[test]
    fn strings_become_equal_keys() {
        let outcome = run(setup(800, 0.022), |_| {}).unwrap();
        let totals = &outcome.totals;
        assert_eq!((totals.blocks, totals.failures.len()), ([2, 2], 0));
        assert_eq!((totals.errors, totals.key_bits), ([800, 40_000], 10_000));
        assert!(totals.shannon > 0.0 && totals.leak[0] as f64 > totals.shannon);
    }

    /// More errors than were planned for: each block fails on both sides, and none hangs.
    #[test]
    fn blocks_beyond_the_plan_fail_and_the_next_one_begins() {
        for code in [CodeChoice::Ldpc, CodeChoice::Cascade] {
            let outcome = run(Setup { code, ..setup(4_000, 0.005) }, |_| {}).unwrap();
            let totals = &outcome.totals;
            assert_eq!((totals.blocks, totals.key_bits), ([2, 0], 0), "{code:?}");
            assert_eq!(totals.failures.len(), 2, "{:?}", totals.failures);
        }
    }
}
