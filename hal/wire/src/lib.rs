//! Frames on the cable between a QKD device and its host, both ways: `no_std`, no allocation,
//! sans-IO. The format is described in `SPEC.md` beside this crate.
#![no_std]

mod message;

pub use message::{
    Capabilities, Configure, DeviceMessage, ErrorCode, Header, Health, Hello, HostMessage,
    LogLevel, Role, SettingsBatch, Stream, TagBatch,
};
