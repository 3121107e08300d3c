//! The arrows between crates: who may know whom. The picture is in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;
use helio_tests::{metadata, workspace_root};

/// For each crate, the workspace crates it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("helio-units", &[]),
    ("helio-bench", &["units"]),
    ("helio-wire", &["units", "bench"]),
    ("helio-sim", &["units", "bench"]),
    ("helio-chips", &["units", "bench"]),
    ("helio-firmware", &["units", "bench", "wire"]),
    ("helio-rig", &["units", "bench", "wire", "sim", "firmware"]),
    ("helio-pio", &["units", "bench"]),
    ("helio-panel", &["units", "bench", "chips"]),
    ("helio-keys", &[]),
    ("helio-link", &["units", "bench", "wire"]),
    ("helio-fourier", &[]),
    ("helio-timetag", &["units", "bench", "wire", "fourier"]),
    ("helio-trace", &["units"]),
    ("helio-tune", &["units", "bench", "timetag"]),
    ("helio-distill", &["units", "keys", "timetag"]),
    ("helio-virt", &["units", "bench", "wire", "sim", "firmware", "rig", "link"]),
    (
        "helio-hil",
        &["units", "bench", "wire", "firmware", "rig", "link", "timetag", "tune", "virt"],
    ),
    (
        "helio-station",
        &[
            "units", "bench", "wire", "sim", "firmware", "keys", "link", "timetag", "trace",
            "tune", "distill", "virt",
        ],
    ),
    (
        "helio-usb-desk",
        &[
            "units", "bench", "wire", "sim", "firmware", "keys", "link", "timetag", "distill",
            "virt", "rig", "hil",
        ],
    ),
];

/// The modules that may lift the lint against `unsafe`: each says beside every use why it is sound.
const UNSAFE_MODULES: &[&str] = &[
    "firmware/boards/mps2-an505/src/probe.rs",
    "firmware/boards/mps2-an505/src/uart.rs",
    "firmware/boards/rp2350/src/adc.rs",
    "firmware/boards/rp2350/src/capture.rs",
    "firmware/boards/rp2350/src/chip.rs",
    "firmware/boards/rp2350/src/dma.rs",
    "firmware/boards/rp2350/src/fault.rs",
    "firmware/boards/rp2350/src/kept.rs",
    "firmware/boards/rp2350/src/lib.rs",
    "firmware/boards/rp2350/src/local.rs",
    "firmware/boards/rp2350/src/port.rs",
    "firmware/boards/rp2350/src/trng.rs",
    "host/distill/src/gf2/neon.rs",
    "host/distill/src/gf2/pclmul.rs",
    "host/distill/src/gf2/vpclmul.rs",
    "host/distill/src/message/places/avx512.rs",
    "host/distill/src/processor.rs",
    "host/distill/src/reconcile/ldpc/levels.rs",
    "host/distill/src/reconcile/ldpc/vbmi.rs",
    "host/timetag/src/analysis/correlation/pairs/avx512.rs",
    "host/trace/src/picoquant/t2/avx2.rs",
    "host/trace/src/picoquant/t2/avx512.rs",
    "host/trace/src/recording/bits/avx512.rs",
    "host/trace/src/recording/bits/avx512/tags.rs",
];

fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let meta = metadata();
    let members: BTreeSet<_> =
        meta.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    meta.workspace_packages()
        .iter()
        .map(|p| {
            let deps = p
                .dependencies
                .iter()
                .filter(|d| d.kind == DependencyKind::Normal && members.contains(&d.name))
                .map(|d| d.name.clone())
                .collect();
            (p.name.to_string(), deps)
        })
        .collect()
}

#[test]
fn crates_know_only_what_the_design_lets_them_know() {
    let found = normal_dependencies();
    for (name, deps) in &found {
        if name == "helio-tests" {
            continue;
        }
        let allowed = ARROWS
            .iter()
            .find(|(n, _)| n == name)
            .unwrap_or_else(|| panic!("{name} has no line in the table of arrows; add one"))
            .1;
        for dep in deps {
            let short = dep.strip_prefix("helio-").unwrap_or(dep);
            assert!(allowed.contains(&short), "{name} must not depend on {dep}");
        }
    }
    for (name, _) in ARROWS {
        assert!(found.contains_key(*name), "{name} stands in the table but not in the workspace");
    }
}

#[test]
fn a_folder_groups_crates_or_is_a_crate() {
    let root = workspace_root();
    for group in ["hal", "host", "firmware"] {
        assert!(!root.join(group).join("Cargo.toml").exists(), "{group}/ groups crates");
        for entry in std::fs::read_dir(root.join(group)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("boards") {
                assert!(path.join("Cargo.toml").exists(), "{} is no crate", path.display());
            }
        }
    }
}

#[test]
fn crates_for_the_device_are_no_std() {
    for krate in [
        "hal/units",
        "hal/bench",
        "hal/wire",
        "hal/sim",
        "hal/chips",
        "firmware/core",
        "firmware/rig",
        "firmware/pio",
        "firmware/panel",
    ] {
        let lib = workspace_root().join(krate).join("src/lib.rs");
        let text = std::fs::read_to_string(&lib).unwrap();
        assert!(text.contains("#![no_std]"), "{} lacks #![no_std]", lib.display());
    }
}

#[test]
fn unsafe_stands_only_in_named_modules() {
    // The lint denies `unsafe` everywhere; a module that lifts it has to write its name.
    let lint = concat!("unsafe", "_code");
    let root = workspace_root();
    let mut folders = vec![root.join("hal"), root.join("host"), root.join("firmware")];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs")
                && std::fs::read_to_string(&path).unwrap().contains(lint)
            {
                let inside = path.strip_prefix(&root).unwrap();
                found.insert(inside.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    assert_eq!(found, UNSAFE_MODULES.iter().map(|m| (*m).to_owned()).collect());
}
