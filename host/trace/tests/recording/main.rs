//! Recordings of Heliograph's own: what is written comes back, and what was damaged since is told.

mod append;
mod damaged;
mod index;
mod kept;
mod rules;
mod support;
