//! The PIO programs, word for word as a board loads them, in a cycle-exact interpreter: what the
//! capture finds, what the player plays, and that it goes dark by itself.

mod capture;
mod machine;
mod player;
mod station;
mod steered;
mod train;
