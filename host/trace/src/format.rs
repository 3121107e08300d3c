//! Which kind of file this is, by its first bytes and never by its name.

/// The first bytes that tell the formats apart.
pub(crate) const PTU_MAGIC: &[u8; 8] = b"PQTTTR\0\0";

/// A file format recognised by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// PicoQuant's unified time-tag file, which this crate reads and writes.
    PicoQuantPtu,
    /// PicoQuant's unified histogram file: no time tags inside.
    PicoQuantPhu,
    /// PicoQuant's older files of one instrument (.ht2, .ht3, .t3r, .pt2, .pt3).
    PicoQuantLegacy,
}

impl TraceFormat {
    /// The format of a file that begins with `head`; 16 bytes are enough. `None`: not known.
    pub fn detect(head: &[u8]) -> Option<TraceFormat> {
        const LEGACY: [&[u8]; 3] = [b"HydraHarp\0", b"PicoHarp 300\0", b"TimeHarp 200\0"];
        if head.starts_with(PTU_MAGIC) {
            Some(TraceFormat::PicoQuantPtu)
        } else if head.starts_with(b"PQHISTO\0") {
            Some(TraceFormat::PicoQuantPhu)
        } else if LEGACY.iter().any(|magic| head.starts_with(magic)) {
            Some(TraceFormat::PicoQuantLegacy)
        } else {
            None
        }
    }

    /// The format's name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            TraceFormat::PicoQuantPtu => "PicoQuant PTU",
            TraceFormat::PicoQuantPhu => "PicoQuant PHU (histograms, no time tags)",
            TraceFormat::PicoQuantLegacy => "PicoQuant legacy (.ht2, .ht3, .t3r, .pt2, .pt3)",
        }
    }
}

/// What stands where a PTU file has its magic, for a reader's eyes: a known format by name, else
/// the text or the bytes.
pub(crate) fn describe_head(head: &[u8]) -> String {
    if head.is_empty() {
        return "nothing, the file is empty".into();
    }
    if let Some(format) = TraceFormat::detect(head) {
        return format!("a {} file", format.name());
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
    fn formats_are_told_apart_by_their_first_bytes() {
        let cases = [
            (&b"PQTTTR\0\x001.0.00\0\0"[..], Some(TraceFormat::PicoQuantPtu)),
            (b"PQHISTO\x001.0.00\0\0", Some(TraceFormat::PicoQuantPhu)),
            (b"HydraHarp\0\0\0\0\0\0\0", Some(TraceFormat::PicoQuantLegacy)),
            (b"HydraHarpoon", None),
            (b"PQTTTR", None),
            (b"", None),
        ];
        for (head, format) in cases {
            assert_eq!(TraceFormat::detect(head), format, "{head:?}");
        }
    }

    #[test]
    fn a_foreign_head_is_shown_as_text_or_as_bytes() {
        assert_eq!(describe_head(b""), "nothing, the file is empty");
        assert_eq!(describe_head(b"time,channel\n"), "the text “time,cha”");
        assert_eq!(describe_head(b"\x7fELF"), "the bytes 7f 45 4c 46");
        assert!(describe_head(b"HydraHarp\0\0\0").contains(".ht2"));
    }
}
