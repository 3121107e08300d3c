//! `helio keys`: what a station holds, and how a key leaves it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use helio_distill::parameters::SessionId;
use helio_distill::release::{BlockId, BlockState};
use helio_keys::{Origin, Simulated};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::Global;
use crate::exit::{Exit, Failure, print, print_json};
use crate::store::{AnyStore, DiskStore, KeyEntry, StoreFault, new_secret_file};
use crate::term::grouped;

/// What is asked about a station's keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the blocks that a station knows and where their keys stand
    List(List),
    /// Deliver one usable key into a file, once
    Export(Export),
}

/// Arguments of `helio keys list`.
#[derive(Debug, Args)]
pub struct List {
    /// The station's folder; no station may run on it meanwhile
    #[arg(long, value_name = "DIR", default_value = ".")]
    state: PathBuf,
}

/// Arguments of `helio keys export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  helio keys export --state alice --block 0 --out key-0
  helio keys export --state alice --block 0123456789abcdef0123456789abcdef/0 --out key-0

The file is text, mode 0600: lines of `name: value`, an empty line, then the key in hexadecimal, \
bit i of the key being bit i % 8 of byte i / 8. A simulated key's file has SIMULATED in its header \
and at the end of its name. A key is marked as delivered before its file gets its name: a crash in \
between costs a second try with --again, and never gives a key to two.")]
pub struct Export {
    /// The station's folder; no station may run on it meanwhile
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The block, by number or as RUN/NUMBER
    #[arg(long)]
    block: String,
    /// The file to write; it must not be there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Deliver a key once more
    #[arg(long)]
    again: bool,
}

/// Answers.
///
/// # Errors
/// The command line, the station's folder or the output is at fault.
pub fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    let state = match command {
        Command::List(args) => &args.state,
        Command::Export(args) => &args.state,
    };
    match AnyStore::open(state).map_err(failure)? {
        AnyStore::Simulated(store) => serve(command, store, global),
        AnyStore::Real(store) => serve(command, store, global),
    }
}

fn serve<O: Origin>(
    command: &Command,
    store: DiskStore<O>,
    global: &Global,
) -> Result<(), Failure> {
    match command {
        Command::List(_) => list(&store, global),
        Command::Export(args) => export(args, store, global),
    }
}

fn list<O: Origin>(store: &DiskStore<O>, global: &Global) -> Result<(), Failure> {
    let entries = store.entries().map_err(failure)?;
    let identity = &store.header().identity;
    if global.json {
        let keys: Vec<Value> = entries.iter().map(|entry| entry_json::<O>(entry)).collect();
        return print_json(&json!({
            "role": identity.role.to_string().to_lowercase(),
            "peer": identity.peer,
            "origin": O::NAME,
            "keys": keys,
        }));
    }
    let usable = entries.iter().filter(|e| e.state == BlockState::Usable);
    let bits: u64 = usable.clone().map(|e| e.bits).sum();
    let mut text = format!(
        "{}, paired with \"{}\", {} keys: {} usable, {} bits\n",
        identity.role,
        identity.peer,
        O::NAME,
        usable.count(),
        grouped(bits)
    );
    if !entries.is_empty() {
        let [run, block, bits, state] = ["run", "block", "bits", "state"];
        _ = writeln!(text, "{run:<32} {block:>7} {bits:>11}  {state:<10} randomness");
    }
    for entry in &entries {
        let state = match (entry.state, entry.taken_at) {
            (BlockState::Usable, Some(_)) => "delivered",
            (BlockState::Usable, None) => "usable",
            (BlockState::Pending, _) => "pending",
            (BlockState::Burnt, _) => "burnt",
        };
        let BlockId { session, block } = entry.id;
        let (bits, label) = (grouped(entry.bits), entry.randomness.as_deref().unwrap_or("-"));
        _ = writeln!(text, "{session} {block:>7} {bits:>11}  {state:<10} {label}");
    }
    print(text)
}

fn entry_json<O: Origin>(entry: &KeyEntry) -> Value {
    json!({
        "run": entry.id.session,
        "block": entry.id.block,
        "bits": entry.bits,
        "state": entry.state,
        "delivered": entry.taken_at.is_some(),
        "randomness": entry.randomness,
        "origin": O::NAME,
        "simulated": O::NAME == Simulated::NAME,
        "held_at_unix_s": entry.held_at,
        "delivered_at_unix_s": entry.taken_at,
    })
}

fn export<O: Origin>(
    args: &Export,
    mut store: DiskStore<O>,
    global: &Global,
) -> Result<(), Failure> {
    let id = find(&args.block, &store.entries().map_err(failure)?)?;
    let out = named::<O>(&args.out);
    if out.exists() {
        return Err(Failure::file(&out, "is there already; choose another name"));
    }
    store.may_take(id, args.again).map_err(failure)?;
    let key = store
        .usable(id)
        .map_err(failure)?
        .ok_or_else(|| Failure::new(Exit::Internal, format!("{id} is usable and has no key")))?;
    let bytes = key.bits().to_bytes();
    let kept = store.certificate(id).map_err(failure)?;
    let assumed = kept.map_or("-".to_owned(), |c| c.public.assumptions.join("; "));
    let header = format!(
        "Heliograph key, version 1\norigin: {}\nrun: {}\nblock: {}\nbits: {}\nrandomness: {}\n\
         assumed: {assumed}\n\n",
        O::NAME,
        id.session,
        id.block,
        key.len(),
        key.label()
    );
    // Room for all of it: text that grows leaves copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(header.len() + 2 * bytes.len() + 1));
    text.push_str(&header);
    for byte in bytes.iter() {
        _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    let mut part = out.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let fault = |e: std::io::Error| Failure::file(&part, format!("cannot be written ({e})"));
    let mut file = new_secret_file(&part).map_err(failure)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
    store.mark_taken(id, args.again).map_err(failure)?;
    std::fs::rename(&part, &out).map_err(fault)?;
    let (bits, name) = (key.len(), out.display().to_string());
    if global.json {
        return print_json(&json!({
            "file": name, "run": id.session, "block": id.block, "bits": bits, "origin": O::NAME,
        }));
    }
    print(format_args!("{} bits of {id}, {}, in {name}\n", grouped(bits as u64), O::NAME))
}

/// A simulated key's file says so at the end of its name.
fn named<O: Origin>(out: &Path) -> PathBuf {
    let marked = out.file_name().is_some_and(|n| n.to_string_lossy().contains(Simulated::NAME));
    if O::NAME != Simulated::NAME || marked {
        return out.to_owned();
    }
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(Simulated::NAME);
    name.into()
}

/// The one block that is meant.
fn find(wanted: &str, entries: &[KeyEntry]) -> Result<BlockId, Failure> {
    let (run, number) = match wanted.split_once('/') {
        Some((run, number)) => (Some(run), number),
        None => (None, wanted),
    };
    let bad = || {
        Failure::usage(format!(
            "--block {wanted:?} names no block; give its number, or RUN/NUMBER as `helio keys \
             list` shows them"
        ))
    };
    let run = match run {
        Some(run) => Some(SessionId::try_from(run.to_owned()).map_err(|_| bad())?),
        None => None,
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    let mut found = entries
        .iter()
        .map(|entry| entry.id)
        .filter(|id| id.block == number && run.is_none_or(|run| run == id.session));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(Failure::new(
            Exit::File,
            format!("this station knows no block {wanted}; see `helio keys list`"),
        )),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "several runs have a block {number}; give it as RUN/{number}"
        ))),
    }
}

fn failure(fault: StoreFault) -> Failure {
    Failure::new(Exit::File, fault)
}
