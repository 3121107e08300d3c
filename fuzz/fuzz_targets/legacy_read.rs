//! PicoQuant's older files: nothing panics, reading in other pieces changes nothing, salvaging
//! gives the same.
//!
//! Every input is used as a whole file, and behind the name and version of each instrument, because
//! a fuzzer seldom finds them; zeros stand for the rest of a short header.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run legacy_read -- -max_total_time=120`

#![no_main]

mod reading;

use libfuzzer_sys::fuzz_target;

use reading::check;

const BEGINNINGS: [(&str, &str, usize); 5] = [
    ("HydraHarp", "1.0", 800),
    ("HydraHarp", "2.0", 800),
    ("PicoHarp 300", "2.0", 728),
    ("TimeHarp 200", "5.0", 592),
    ("TimeHarp 200", "6.0", 640),
];

/// Where the fields stand without which there is no tick, and a value for each.
const FIELDS: [&[(usize, u32)]; 5] = [
    &[(340, 2), (776, 1_000_000)],
    &[(340, 3), (356, 0x4030_0000), (776, 1_000_000)],
    &[(348, 3), (584, 0x3D03_126F), (704, 1_000_000)],
    &[(536, 0x3D8F_D872), (540, 100)],
    &[(584, 0x3D8F_D872), (588, 100)],
];

fuzz_target!(|data: &[u8]| {
    check(None, data);
    for ((name, version, length), fields) in BEGINNINGS.into_iter().zip(FIELDS) {
        // As the header's rest.
        let mut file = named(name, version);
        file.extend(data);
        file.resize(file.len().max(length), 0);
        check(None, &file);
        // As records.
        let mut file = named(name, version);
        file.resize(length, 0);
        for (at, value) in fields {
            file[*at..*at + 4].copy_from_slice(&value.to_le_bytes());
        }
        file.extend(data);
        check(None, &file);
    }
});

fn named(name: &str, version: &str) -> Vec<u8> {
    let mut file = name.as_bytes().to_vec();
    file.resize(16, 0);
    file.extend(version.as_bytes());
    file.resize(22, 0);
    file
}
