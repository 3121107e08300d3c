//! The one line that a client sends.

/// Most bytes of a request, the end of its line included.
pub const MOST_BYTES: usize = 64;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// One look.
    Status,
    /// A look several times a second.
    Watch,
}

/// What has come so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Not yet a line.
    Part,
    /// A whole request.
    Whole(Request),
    /// Something else.
    Unknown,
}

/// Reads the begin of what a client sent; what comes after the first line is ignored.
pub fn hear(bytes: &[u8]) -> Heard {
    let head = &bytes[..bytes.len().min(MOST_BYTES)];
    let Some(end) = head.iter().position(|&b| b == b'\n') else {
        return if bytes.len() < MOST_BYTES { Heard::Part } else { Heard::Unknown };
    };
    match head[..end].trim_ascii() {
        b"status" => Heard::Whole(Request::Status),
        b"watch" => Heard::Whole(Request::Watch),
        _ => Heard::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_words_are_understood() {
        for (bytes, heard) in [
            (&b"status\n"[..], Heard::Whole(Request::Status)),
            (b"watch\r\n", Heard::Whole(Request::Watch)),
            (b"watch\nstatus\n", Heard::Whole(Request::Watch)),
            (b"", Heard::Part),
            (b"watch", Heard::Part),
            (b"\n", Heard::Unknown),
            (b"Status\n", Heard::Unknown),
            (&[b'x'; MOST_BYTES], Heard::Unknown),
        ] {
            assert_eq!(hear(bytes), heard, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_heard(bytes: Vec<u8>) {
            let whole = matches!(hear(&bytes), Heard::Whole(_));
            let text = String::from_utf8_lossy(&bytes);
            let first = text.split('\n').next().unwrap_or("").trim();
            prop_assert!(!whole || first == "status" || first == "watch");
        }
    }
}
