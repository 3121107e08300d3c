//! Arrays in HDF5 files, as h5py writes them (`tests/data/hdf5/make.py`).

use helio_trace::{ReadOptions, from_read};

#[cfg(not(feature = "hdf5"))]
#[test]
fn hdf5_that_is_not_built_in_is_named() {
    let file: &[u8] = include_bytes!("data/hdf5/gzip.h5");
    let fault = from_read(file, &ReadOptions::default()).unwrap_err().to_string();
    assert!(fault.contains("is of the format HDF5 by byte 0; build with the feature hdf5"));
}

#[cfg(feature = "hdf5")]
mod built_in {
    use helio_trace::{
        Chunk, Counts, Datasets, Meta, TraceFormat, TraceReader, WriteSettings, open, writer,
    };
    use helio_units::{Picoseconds, TickLength};
    use proptest::prelude::*;

    use super::*;

    const FILES: [(&str, &[u8]); 4] = [
        ("gzip", include_bytes!("data/hdf5/gzip.h5")),
        ("latest", include_bytes!("data/hdf5/latest.h5")),
        ("plain", include_bytes!("data/hdf5/plain.h5")),
        ("odd", ODD),
    ];
    const ODD: &[u8] = include_bytes!("data/hdf5/odd.h5");

    struct Content {
        meta: Meta,
        all: Chunk,
        counts: Counts,
        fault: Option<String>,
    }

    fn drain(mut reader: Box<dyn TraceReader + '_>) -> Content {
        let (mut chunk, mut all) = (Chunk::default(), Chunk::default());
        let fault = loop {
            match reader.read_chunk(&mut chunk) {
                Ok(true) => all.append(&chunk),
                Ok(false) => break None,
                Err(fault) => break Some(fault.to_string()),
            }
        };
        let fault = fault.or(reader.damage().map(ToString::to_string));
        Content { meta: reader.meta().clone(), all, counts: reader.counts(), fault }
    }

    fn read(bytes: &[u8], options: &ReadOptions) -> Result<Content, String> {
        from_read(bytes, options).map(drain).map_err(|fault| fault.to_string())
    }

    fn of(time: &str) -> ReadOptions {
        let time = Some(time.parse().unwrap());
        ReadOptions { datasets: Datasets { time, channel: None }, ..ReadOptions::default() }
    }

    /// What `make.py` puts into each file.
    fn is_known(content: &Content) {
        assert_eq!((&content.fault, content.all.photons.len()), (&None, 1000));
        for (i, tag) in (0u64..).zip(&content.all.photons) {
            let channel = if i % 50 == 0 { 130 } else { (i % 4 + 1) as u8 };
            assert_eq!((tag.tick.0, tag.channel), (1000 * i * i + 7 * i, channel));
        }
        assert_eq!(content.meta.claimed_records, Some(1000));
        assert_eq!((content.meta.format, content.counts.photons), (TraceFormat::Hdf5, 1000));
    }

    #[test]
    fn what_h5py_writes_is_read_from_the_disk_and_from_a_pipe() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hdf5");
        for (name, bytes) in &FILES[..3] {
            let piped = read(bytes, &ReadOptions::default()).unwrap();
            is_known(&piped);
            let there = folder.join(format!("{name}.h5"));
            is_known(&drain(open(there, &ReadOptions::default()).unwrap()));
            let ps = if *name == "plain" { 1000 } else { 1 };
            assert_eq!(piped.meta.tick, TickLength::new(ps, 1).unwrap(), "{name}");
        }
    }

    #[test]
    fn datasets_and_units_are_what_one_says() {
        let named = Datasets {
            time: Some("/b/time_ns".parse().unwrap()),
            channel: Some("a/other".parse().unwrap()),
        };
        let csv_unit = Some("125/32ps".parse().unwrap());
        let options = ReadOptions { datasets: named, csv_unit, ..ReadOptions::default() };
        let content = read(FILES[2].1, &options).unwrap();
        is_known(&content);
        assert_eq!(content.meta.tick, TickLength::new(125, 32).unwrap());
        let alone = read(ODD, &of("alone/time")).unwrap();
        assert_eq!((alone.all.photons.len(), alone.all.photons[2].channel), (3, 0));
        let back = read(ODD, &of("back/time")).unwrap();
        assert!(back.fault.unwrap().contains("steps back from tick 16028 to 9021"));
        let window = Some(Picoseconds(100_000));
        let back = read(ODD, &ReadOptions { window, ..of("back/time") }).unwrap();
        assert!(back.fault.is_none() && back.all.photons.is_sorted_by_key(|tag| tag.tick));
    }

    #[test]
    fn what_is_no_trace_is_refused_in_a_sentence() {
        for (time, part) in [
            ("float/time", "a dataset that holds no whole numbers at byte"),
            ("flat/time", "a dataset not of one dimension at byte"),
            ("uneven/time", "another number of channels than of times at byte"),
            ("huge/time", "a dataset longer than the file can hold at byte"),
            ("nowhere/time", "no dataset of the name that was given at byte 0"),
            ("negative", "no dataset of the name that was given at byte 0"),
        ] {
            let refused = read(ODD, &of(time)).err().unwrap();
            assert!(refused.contains(part), "“{part}” in: {refused}");
        }
        for (time, photons, part) in [
            ("negative/time", 1, "a time before zero at byte"),
            ("beyond/time", 1, "a time beyond 2^63 at byte"),
            ("channel/time", 1, "an impossible channel at byte"),
            ("other/time", 0, "a dataset whose rows cannot be read at byte"),
        ] {
            let content = read(ODD, &of(time)).unwrap();
            let fault = content.fault.unwrap();
            assert!(fault.contains(part), "“{part}” in: {fault}");
            let salvaged = read(ODD, &ReadOptions { salvage: true, ..of(time) }).unwrap();
            assert_eq!(salvaged.all.photons.len(), photons, "{time}");
        }
        let fault = read(&FILES[0].1[..8], &ReadOptions::default()).err().unwrap();
        assert!(fault.contains("a superblock that cannot be understood at byte 0"), "{fault}");
    }

    #[test]
    fn a_file_cut_anywhere_is_told_or_whole() {
        for (_, bytes) in &FILES[..3] {
            for length in (8..bytes.len()).step_by(61) {
                match read(&bytes[..length], &ReadOptions::default()) {
                    Ok(content) if content.fault.is_none() => is_known(&content),
                    Ok(content) => assert!(content.all.photons.len() < 1000),
                    Err(fault) => assert!(fault.contains("at byte"), "{fault}"),
                }
            }
        }
    }

    #[test]
    fn what_was_read_is_written_as_another_format() {
        let content = read(FILES[0].1, &ReadOptions::default()).unwrap();
        let mut bytes = Vec::new();
        let settings = WriteSettings::of(&content.meta);
        let out = std::io::Cursor::new(&mut bytes);
        let mut to = writer(out, TraceFormat::Npy, &settings).unwrap();
        to.write_chunk(&content.all).unwrap();
        to.finish().unwrap();
        let again = read(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!(again.all.photons, content.all.photons);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn changed_files_never_panic_and_hold_no_more_than_they_can(
            file in 0..FILES.len(),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), any::<bool>(), any::<u64>(), 0..4u32), 1..4,
            ),
            cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
            time in prop::sample::select(vec!["", "huge/time", "alone/time", "other/time"]),
        ) {
            let mut bytes = FILES[file].1.to_vec();
            for (at, in_front, value, width) in changes {
                // Most of what leads somewhere stands in front; some values lead far.
                let at = at.index(if in_front { 2500 } else { bytes.len() });
                let value = [value, u64::MAX, 1 << (value % 64), 0][value as usize % 4];
                let end = bytes.len().min(at + (1 << width));
                bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()) + 1);
            }
            let options = if time.is_empty() { ReadOptions::default() } else { of(time) };
            if let Ok(content) = read(&bytes, &ReadOptions { format: None, ..options }) {
                prop_assert!(content.all.photons.len() <= 1032 * bytes.len());
                if let Some(fault) = content.fault {
                    prop_assert!(fault.contains("byte "), "{}", fault);
                }
            }
        }
    }
}
