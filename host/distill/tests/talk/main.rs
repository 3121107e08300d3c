//! Two sessions, a synthetic channel and a line that may do anything.

mod channel;
mod contact;
mod crash;
mod faults;
mod hostile;
mod keys;
mod pair;
