//! The USB device on a bus in memory: every descriptor byte by byte, and what becomes of frames.

mod bus;
mod descriptors;
mod link;
mod ownership;
mod rate;
mod rig;
mod table;
