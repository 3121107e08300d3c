//! Every dependency's licence, read from cargo's metadata: permissive ones only.

use helio_tests::metadata;

/// Licences whose terms let Heliograph be used under MIT or Apache-2.0.
const ACCEPTED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates with a licence outside the list, each allowed by name for a reason that stands here.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Weak copyleft that ends at its own files; used unmodified, so nothing else is asked for.
    ("serialport", "MPL-2.0"),
];

/// Whether an SPDX expression of `OR`, `AND` and one level of brackets can be met from the list.
fn acceptable(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], "");
    // Only `A OR B` and `A AND B` without mixed nesting are decided; mixed ones are met if every
    // AND part has an accepted alternative.
    flat.split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| ACCEPTED.contains(&licence.trim())))
}

#[test]
fn every_dependency_is_permissive() {
    let mut refused = Vec::new();
    let meta = metadata();
    for package in &meta.packages {
        let licence = package.license.as_deref().unwrap_or("none stated");
        let excepted = EXCEPTIONS.iter().any(|(n, l)| *n == package.name.as_str() && *l == licence);
        if !acceptable(licence) && !excepted {
            refused.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(meta.packages.len() > 20, "cargo metadata lists the dependencies");
    assert!(refused.is_empty(), "licences to look at: {refused:#?}");
}

#[test]
fn expressions_are_read_rightly() {
    assert!(acceptable("MIT OR Apache-2.0"));
    assert!(acceptable("MIT/Apache-2.0"));
    assert!(acceptable("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!acceptable("GPL-3.0-only"));
    assert!(!acceptable("MIT AND GPL-2.0"));
    assert!(!acceptable("none stated"));
}
