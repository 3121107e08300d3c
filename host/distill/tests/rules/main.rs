//! Rules of the protocol that no other test names, each by its section and number, and the table of
//! all of them (`docs/rules.md`).

mod blocks;
mod certificates;
#[path = "../talk/channel.rs"]
#[allow(dead_code)]
mod channel;
mod hostile;
mod key_basis;
mod order;
#[path = "../talk/pair.rs"]
#[allow(dead_code)]
mod pair;
mod spending;
mod table;
mod words;
