//! The file formats, and which one a file has: by its first bytes where these are a name, else by
//! whether it makes sense as one. Never by the file's name.

mod likely;

use std::str::FromStr;

/// The first bytes that name a format.
pub(crate) const PTU_MAGIC: &[u8; 8] = b"PQTTTR\0\0";
/// As PNG's: what changes ends of lines or the eighth bit changes it.
pub(crate) const RECORDING_MAGIC: &[u8; 8] = b"\x89HTR\r\n\x1a\n";
pub(crate) const PARQUET_MAGIC: &[u8; 4] = b"PAR1";
pub(crate) const NPY_MAGIC: &[u8; 6] = b"\x93NUMPY";
pub(crate) const HDF5_MAGIC: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
const NAMED: [(&[u8], TraceFormat); 9] = [
    (RECORDING_MAGIC, TraceFormat::Recording),
    (PTU_MAGIC, TraceFormat::PicoQuantPtu),
    (b"PQHISTO\0", TraceFormat::PicoQuantPhu),
    (b"HydraHarp\0", TraceFormat::HydraHarp),
    (b"PicoHarp 300\0", TraceFormat::PicoHarp300),
    (b"TimeHarp 200\0", TraceFormat::TimeHarp200),
    (NPY_MAGIC, TraceFormat::Npy),
    (PARQUET_MAGIC, TraceFormat::Parquet),
    (HDF5_MAGIC, TraceFormat::Hdf5),
];

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceFormat {
    /// PicoQuant's unified time-tag file, which this crate reads and writes.
    PicoQuantPtu,
    /// PicoQuant's unified histogram file: no time tags inside.
    PicoQuantPhu,
    /// PicoQuant's older files of the HydraHarp 400 (.ht2, .ht3).
    HydraHarp,
    /// PicoQuant's older files of the PicoHarp 300 (.pt2, .pt3).
    PicoHarp300,
    /// PicoQuant's files of the TimeHarp 200 (.t3r).
    TimeHarp200,
    /// Swabian Instruments' raw 16-byte tags.
    Swabian,
    /// qutools quTAG binary.
    QuTag,
    /// S-Fifteen `a1`: 64-bit words, low half first.
    SFifteen,
    /// S-Fifteen `a1` in its legacy order: high half first.
    SFifteenLegacy,
    /// The raw output of qcrypto's `readevents`: 64-bit words in 125 ps, high half first.
    QCrypto,
    /// Text, a detection a line.
    Csv,
    /// Becker & Hickl SPC, FIFO mode, 4-byte records.
    BeckerHickl,
    /// Heliograph's own recordings, which this crate reads and writes.
    Recording,
    /// NumPy's array, read and written.
    Npy,
    /// Apache Parquet, read and written where the feature `parquet` is built in.
    Parquet,
    /// HDF5, read where the feature `hdf5` is built in.
    Hdf5,
}

use TraceFormat::*;

/// Format, word on a command line, name in a sentence.
const TABLE: [(TraceFormat, &str, &str); 16] = [
    (PicoQuantPtu, "ptu", "PicoQuant PTU"),
    (PicoQuantPhu, "phu", "PicoQuant PHU (histograms, no time tags)"),
    (HydraHarp, "hydraharp", "PicoQuant HydraHarp .ht2/.ht3"),
    (PicoHarp300, "picoharp", "PicoQuant PicoHarp 300 .pt2/.pt3"),
    (TimeHarp200, "timeharp", "PicoQuant TimeHarp 200 .t3r"),
    (Swabian, "swabian", "Swabian 16-byte tags"),
    (QuTag, "qutag", "quTAG binary"),
    (SFifteen, "sfifteen", "S-Fifteen a1"),
    (SFifteenLegacy, "sfifteen-legacy", "S-Fifteen a1, legacy order"),
    (QCrypto, "qcrypto", "qcrypto readevents raw"),
    (Csv, "csv", "CSV"),
    (BeckerHickl, "spc", "Becker & Hickl SPC"),
    (Recording, "htr", "Heliograph recording"),
    (Npy, "npy", "NumPy NPY"),
    (Parquet, "parquet", "Apache Parquet"),
    (Hdf5, "hdf5", "HDF5"),
];

impl TraceFormat {
    /// All formats that are read.
    pub fn all() -> impl Iterator<Item = TraceFormat> {
        TABLE.iter().map(|row| row.0).filter(|format| *format != PicoQuantPhu)
    }

    /// The word for the format on a command line.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// The format's name in a sentence.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (TraceFormat, &'static str, &'static str) {
        // The table lists the variants in their order; a test holds it to that.
        &TABLE[self as usize]
    }

    /// Whether its files are read at several places.
    pub(crate) fn has_an_index(self) -> bool {
        matches!(self, Recording | Parquet | Hdf5)
    }

    /// Whether its decoder has absolute times, and sorts them within a window.
    pub(crate) fn sorts_by_itself(self) -> bool {
        !matches!(
            self,
            PicoQuantPtu | HydraHarp | PicoHarp300 | TimeHarp200 | BeckerHickl | Recording
        )
    }

    /// Whether files of this format name it in their first bytes.
    pub(crate) fn magic(self) -> Option<&'static [u8]> {
        NAMED.iter().find(|(_, format)| *format == self).map(|(magic, _)| *magic)
    }

    /// The formats that a file which begins with `head` may have, and which nothing but knowledge
    /// of its origin can tell apart; `whole` says that nothing follows.
    pub(crate) fn candidates(head: &[u8], whole: bool) -> Vec<TraceFormat> {
        match NAMED.iter().find(|(magic, _)| head.starts_with(magic)) {
            Some((_, format)) => vec![*format],
            None => likely::candidates(head, whole),
        }
    }
}

impl FromStr for TraceFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<TraceFormat, String> {
        TraceFormat::all().find(|format| format.word() == word).ok_or_else(|| {
            let words: Vec<&str> = TraceFormat::all().map(TraceFormat::word).collect();
            format!("no such format; choose from {}", words.join(", "))
        })
    }
}

/// What stands at the beginning of a file, for a reader's eyes: the text or the bytes.
pub(crate) fn describe_head(head: &[u8]) -> String {
    if head.is_empty() {
        return "nothing, the file is empty".into();
    }
    let head = &head[..head.len().min(8)];
    if head.iter().all(|b| (b' '..=b'~').contains(b)) {
        return format!("the text “{}”", String::from_utf8_lossy(head));
    }
    let hex: Vec<String> = head.iter().map(|b| format!("{b:02x}")).collect();
    format!("the bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_the_formats_in_their_order() {
        for (format, word, name) in TABLE {
            assert_eq!((format.word(), format.name()), (word, name));
        }
        for format in TraceFormat::all() {
            assert_eq!(format.word().parse(), Ok(format));
        }
        assert!("phu".parse::<TraceFormat>().unwrap_err().contains("ptu, hydraharp"));
    }

    #[test]
    fn names_are_told_apart_by_their_first_bytes() {
        let cases = [
            (&b"PQTTTR\0\x001.0.00\0\0"[..], vec![PicoQuantPtu]),
            (b"PQHISTO\x001.0.00\0\0", vec![PicoQuantPhu]),
            (b"HydraHarp\0\0\0\0\0\0\0", vec![HydraHarp]),
            (b"PicoHarp 300\0\0\0\0", vec![PicoHarp300]),
            (b"TimeHarp 200\0\0\0\0", vec![TimeHarp200]),
            (b"\x89HTR\r\n\x1a\n\x01\0", vec![Recording]),
            (b"HydraHarpoon", vec![]),
            (b"", vec![]),
        ];
        for (head, formats) in cases {
            assert_eq!(TraceFormat::candidates(head, true), formats, "{head:?}");
        }
    }

    #[test]
    fn a_foreign_head_is_shown_as_text_or_as_bytes() {
        assert_eq!(describe_head(b""), "nothing, the file is empty");
        assert_eq!(describe_head(b"Lorem ipsum\n"), "the text “Lorem ip”");
        assert_eq!(describe_head(b"\x7fELF"), "the bytes 7f 45 4c 46");
    }
}
