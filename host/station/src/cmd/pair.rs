//! `helio pair`: the first secret that two stations share, in a folder for each.

use std::path::PathBuf;

use clap::Args;
use helio_distill::Role;
use helio_distill::pads::Purpose;
use helio_keys::{
    EntropySource, Origin, OsEntropy, RealDevices, SeededEntropy, Simulated, SimulatedDevices,
};
use serde_json::json;

use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::store::{AnyStore, DiskStore, Identity, Pairing, StoreFault};
use crate::term::grouped;

const EXAMPLES: &str = "Examples:
  helio pair --alice alice --bob bob
  helio pair --alice a --bob b --simulated
  helio pair --alice a --bob b --renew     a new secret when the old one is spent

Make the pair on a machine you trust, carry each folder to its station by hand, and leave no copy. \
Each block of key takes one pad in each direction.";

/// Make the first secret that two stations share, in a folder for each
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Pair {
    /// Folder of the station that sends pulses; made if it is not there
    #[arg(long, value_name = "DIR")]
    alice: PathBuf,
    /// Folder of the station that receives them
    #[arg(long, value_name = "DIR")]
    bob: PathBuf,
    /// Pads for blocks, each direction: as many blocks as the ledger of ε allows
    #[arg(long, default_value_t = 10_000)]
    pads: u64,
    /// Pads for contact and recovery, each direction
    #[arg(long, default_value_t = 1_000, value_name = "PADS")]
    reserve: u64,
    /// For simulated stations: all of their keys are SIMULATED
    #[arg(long)]
    simulated: bool,
    /// Seed of a simulated pair's secret
    #[arg(long, default_value_t = 1, requires = "simulated")]
    seed: u64,
    /// Give a new secret to a pair that exists; keys are kept
    #[arg(long)]
    renew: bool,
}

/// Makes the pair.
///
/// # Errors
/// The folders or the number of pads.
pub fn run(args: &Pair, global: &Global) -> Result<(), Failure> {
    let origin = if args.simulated {
        let devices = SimulatedDevices::declared(true, true);
        let devices = devices.ok_or_else(|| Failure::new(Exit::Internal, "simulated devices"))?;
        let stream = if args.renew { "pair, renewed" } else { "pair" };
        share(args, &mut SeededEntropy::new(devices, args.seed, stream))?;
        Simulated::NAME
    } else {
        // The secret is for stations of real devices; each station asks its own device later.
        let devices = RealDevices::declared(false, false);
        let devices = devices.ok_or_else(|| Failure::new(Exit::Internal, "real devices"))?;
        share(args, &mut OsEntropy::new(devices))?;
        helio_keys::Real::NAME
    };
    let (alice, bob) = (args.alice.display(), args.bob.display());
    if global.json {
        return print_json(&json!({
            "alice": alice.to_string(),
            "bob": bob.to_string(),
            "pads": args.pads,
            "reserve": args.reserve,
            "origin": origin,
            "renewed": args.renew,
        }));
    }
    let what = if args.renew { "new secret" } else { "paired" };
    print(format_args!(
        "{what}: {alice} (Alice) and {bob} (Bob), {} pads for blocks and {} in reserve each \
         direction, {origin}\nCarry each folder to its station and leave no copy behind.\n",
        grouped(args.pads),
        grouped(args.reserve)
    ))
}

fn share<E: EntropySource>(args: &Pair, entropy: &mut E) -> Result<(), Failure> {
    let pairing =
        Pairing::fresh(entropy, args.pads, args.reserve).map_err(|fault| match fault {
            StoreFault::TooFewPads(why) => Failure::usage(why),
            fault => failure(fault),
        })?;
    debug_assert_eq!(pairing.pads(Purpose::Block), args.pads);
    let (alice, bob) = (station(Role::Alice), station(Role::Bob));
    if args.renew {
        // Both are open before either changes.
        let mut a = DiskStore::open(&args.alice, Some(&alice)).map_err(failure)?;
        let mut b = DiskStore::open(&args.bob, Some(&bob)).map_err(failure)?;
        a.renew(&pairing).map_err(failure)?;
        return b.renew(&pairing).map_err(failure);
    }
    if !matches!(AnyStore::open(&args.bob), Err(StoreFault::Missing(_))) {
        return Err(failure(StoreFault::Exists(args.bob.clone())));
    }
    let a = DiskStore::create(&args.alice, &alice, &pairing).map_err(failure)?;
    match DiskStore::create(&args.bob, &bob, &pairing) {
        Ok(_) => Ok(()),
        Err(fault) => {
            // Half a pair is of no use, and its secret is not left lying about.
            a.undo().map_err(failure)?;
            Err(failure(fault))
        }
    }
}

fn station(role: Role) -> Identity {
    Identity { role, peer: role.other().to_string().to_lowercase() }
}

fn failure(fault: StoreFault) -> Failure {
    Failure::new(Exit::File, fault)
}
