//! Certificates as files hold them: one JSON value after the other, each a public part alone or a
//! certificate with both parts. This is how `certificates.jsonl` of a run folder and a single file,
//! however it is laid out, are read. Nothing here judges what they say.

use helio_distill::certificate::{Certificate, PrivatePart, PublicPart};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Largest file that is read; a certificate takes about 5 kB.
pub const MAX_BYTES: usize = 256 << 20;

/// A certificate that somebody handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Paper {
    /// Line that it begins in, counted from 1.
    pub line: usize,
    /// What anyone may see.
    pub public: PublicPart,
    /// What the station kept, where it was handed over too.
    pub private: Option<PrivatePart>,
}

/// Why a file holds no certificates. Goes on where the file's name stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaperFault {
    /// More than [`MAX_BYTES`].
    #[error("is longer than 256 MiB; split it between lines")]
    TooLarge,
    /// Not one value.
    #[error("holds no certificate; give a certificate as JSON or a run's certificates.jsonl")]
    Empty,
    /// Not JSON, or JSON of another shape.
    #[error(
        "holds no certificate in line {line}, column {column} ({why}); docs/certificate.md \
         describes the fields"
    )]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The parser's words.
        why: String,
    },
}

/// Reads certificates and gives each to `each`, in order. Memory beyond `bytes` is one certificate.
///
/// # Errors
/// The first value that is none; those before it have been given then.
pub fn read(bytes: &[u8], each: &mut dyn FnMut(Paper)) -> Result<(), PaperFault> {
    if bytes.len() > MAX_BYTES {
        return Err(PaperFault::TooLarge);
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    let (mut begin, mut line, mut any) = (0, 1, false);
    loop {
        let rest = bytes.get(begin..).unwrap_or_default();
        let space = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let lines = |part: &[u8]| part.iter().filter(|&&b| b == b'\n').count();
        line += lines(&rest[..space]);
        let Some(value) = values.next() else { break };
        value.map_err(|fault| told(&fault, 1))?;
        let end = values.byte_offset();
        let text = bytes.get(begin + space..end).unwrap_or_default();
        each(paper(text, line)?);
        (begin, any) = (end, true);
        line += lines(text);
    }
    if any { Ok(()) } else { Err(PaperFault::Empty) }
}

/// Whether a value has both parts.
#[derive(Deserialize)]
struct Shape {
    public: Option<IgnoredAny>,
}

fn paper(text: &[u8], line: usize) -> Result<Paper, PaperFault> {
    let shape: Shape = parse(text, line)?;
    if shape.public.is_none() {
        return Ok(Paper { line, public: parse(text, line)?, private: None });
    }
    let Certificate { public, private } = parse(text, line)?;
    Ok(Paper { line, public, private: Some(private) })
}

fn parse<T: DeserializeOwned>(text: &[u8], line: usize) -> Result<T, PaperFault> {
    serde_json::from_slice(text).map_err(|fault| told(&fault, line))
}

/// The parser counts lines from where the value begins.
fn told(fault: &serde_json::Error, first_line: usize) -> PaperFault {
    let text = fault.to_string();
    let why = text.split(" at line ").next().unwrap_or_default();
    // It repeats names from the file.
    let why = why.chars().filter(|c| !c.is_control()).take(120).collect();
    PaperFault::Json {
        line: first_line + fault.line().saturating_sub(1),
        column: fault.column(),
        why,
    }
}
