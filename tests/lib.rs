//! Tests that cross crates. The helpers they share live here; the tests themselves are the files
//! named in `Cargo.toml`.

pub mod support;

use std::path::PathBuf;

use cargo_metadata::{Metadata, MetadataCommand};

/// The workspace's root folder.
pub fn workspace_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What cargo knows about the workspace, dependencies included.
///
/// # Panics
/// Where cargo cannot be run: then nothing can be said about the layout.
pub fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .other_options(vec!["--offline".into()])
        .exec()
        .or_else(|_| {
            MetadataCommand::new().manifest_path(workspace_root().join("Cargo.toml")).exec()
        })
        .expect("cargo metadata")
}
