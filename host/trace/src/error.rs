//! Why a trace cannot be read: what is wrong, at which byte, and what to do.

use std::io;

use crate::ptu::RecordType;

/// Why a trace cannot be read. Displayed as the end of a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The operating system does not open the file.
    #[error("cannot be opened ({0}); check the path and its permissions")]
    Open(#[source] io::Error),
    /// The operating system fails while the file is read.
    #[error("cannot be read at byte {offset} ({source}); check the disk or copy the file anew")]
    Read {
        /// Where in the file.
        offset: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file begins with something else.
    #[error("is not a PTU file; found {found} at byte 0; give a PicoQuant .ptu file")]
    NotPtu {
        /// What stands there, described.
        found: String,
    },
    /// The file ends inside its header.
    #[error("ends at byte {offset} inside its header; copy the file anew, this copy is incomplete")]
    HeaderTruncated {
        /// The length of the file.
        offset: u64,
    },
    /// A header tag claims more bytes than any header has.
    #[error(
        "claims {claimed} bytes for the header tag “{ident}” at byte {offset}, more than a header \
         may have; the header is damaged, copy the file anew"
    )]
    TagTooLong {
        /// Where the tag begins.
        offset: u64,
        /// Its name.
        ident: String,
        /// The length it claims.
        claimed: u64,
    },
    /// The header does not end.
    #[error(
        "has no Header_End within its first {offset} bytes; the header is damaged, copy the file \
         anew"
    )]
    HeaderEndless {
        /// How far it was read.
        offset: u64,
    },
    /// A header tag of a type that the format does not know.
    #[error(
        "has the header tag “{ident}” of unknown type {code:#010x} at byte {offset}; the header is \
         damaged, copy the file anew"
    )]
    UnknownTagType {
        /// Where the tag begins.
        offset: u64,
        /// Its name.
        ident: String,
        /// The type.
        code: u32,
    },
    /// A header tag that the records cannot be understood without is not there, or of another type.
    #[error("lacks the header tag “{ident}”; export the file anew from the program that wrote it")]
    MissingTag {
        /// Its name.
        ident: &'static str,
    },
    /// A time-correlated (T3) recording.
    #[error(
        "holds {} records ({:#010x}), and T3 is not read yet; record in T2 mode, or wait for a \
         later version", .0.name(), .0.code()
    )]
    T3(RecordType),
    /// A record type that this crate does not know.
    #[error(
        "holds records of the unsupported type {code:#010x}; supported are the T2 types of \
         PicoHarp 300, HydraHarp, TimeHarp 260 and the generic type 0x00010207"
    )]
    UnsupportedRecordType {
        /// The value of `TTResultFormat_TTTRRecType`.
        code: i64,
    },
    /// A resolution that is no tick.
    #[error(
        "claims a resolution of {seconds} s (MeasDesc_GlobalResolution), which no time tagger has; \
         the header is damaged, export the file anew"
    )]
    UnusableResolution {
        /// The value.
        seconds: f64,
    },
    /// The file ends inside a record; everything before it has been delivered.
    #[error(
        "ends at byte {offset} inside record {complete}; to use the {complete} complete records cut \
         it with `truncate -s {keep} FILE`"
    )]
    RecordTruncated {
        /// The length of the file.
        offset: u64,
        /// Complete records before the cut, hence also the number, from zero, of the cut one.
        complete: u64,
        /// The length of header and complete records.
        keep: u64,
    },
    /// Overflow records beyond 2⁶⁴ ticks.
    #[error("counts past 2^64 ticks at byte {offset}; the records are damaged, copy the file anew")]
    TimeOverflow {
        /// Where the record begins.
        offset: u64,
    },
}
