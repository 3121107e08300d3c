//! Two stations and the light between them as three processes, as on a desk: what they do when all
//! is well, when they are killed, and when somebody is on the line.

#![cfg(unix)]

#[path = "stations/attacker.rs"]
mod attacker;
#[path = "support/clicks.rs"]
mod clicks;
#[path = "stations/desk.rs"]
mod desk;
#[path = "stations/kill.rs"]
mod kill;
#[path = "stations/life.rs"]
mod life;
#[path = "stations/network.rs"]
mod network;
#[path = "stations/refusals.rs"]
mod refusals;
#[path = "stations/sources.rs"]
mod sources;
#[path = "stations/steered.rs"]
mod steered;
#[path = "stations/tap.rs"]
mod tap;
#[path = "stations/taped.rs"]
mod taped;
