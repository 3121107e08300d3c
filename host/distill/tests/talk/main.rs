//! Two sessions, a synthetic channel and a line that may do anything.

mod attacker;
mod channel;
mod chaos;
mod contact;
mod crash;
mod detectors;
mod disk;
mod faults;
mod hostile;
mod keys;
mod lost_proofs;
mod messages;
mod one_decoy;
mod pair;
mod progress;
mod release_search;
mod shutdown;
mod world;
