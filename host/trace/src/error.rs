//! Why a trace cannot be read: what is wrong, at which byte, and what to do.

use std::io;

use crate::TraceFormat;

/// Why a trace cannot be read. Displayed as the end of a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The operating system does not open the file.
    #[error("cannot be opened ({0}); check the path and its permissions")]
    Open(#[source] io::Error),
    /// Another program, or another part of this one, writes the file.
    #[error("is being written by another program; end that one first")]
    InUse,
    /// The operating system fails while the file is read.
    #[error("cannot be read at byte {offset} ({source}); check the disk or copy the file anew")]
    Read {
        /// Where in the file.
        offset: u64,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file that was followed has become shorter.
    #[error(
        "became shorter than the {offset} bytes that have been read; another measurement began in it, \
         follow it anew"
    )]
    BecameShorter {
        /// How far it was read.
        offset: u64,
    },
    /// Another file has taken the place of the one that was followed.
    #[error("was replaced by another file after {offset} bytes had been read; follow it anew")]
    Replaced {
        /// How far it was read.
        offset: u64,
    },
    /// The content is none of a known format.
    #[error(
        "is of no format known here; found {found} at byte 0; name the format if the file has no \
         header of its own"
    )]
    UnknownFormat {
        /// What stands there, described.
        found: String,
    },
    /// The file is not of the format that was asked for.
    #[error("is not a {} file; found {found} at byte 0; leave the format open", .format.name())]
    NotFormat {
        /// The format asked for.
        format: TraceFormat,
        /// What stands there, described.
        found: String,
    },
    /// Too little content to tell formats apart that have no name in the file.
    #[error(
        "may be {} or {} by its content from byte 0 on; name the format", .first.name(),
        .second.name()
    )]
    Ambiguous {
        /// One that fits.
        first: TraceFormat,
        /// Another.
        second: TraceFormat,
    },
    /// A file that holds something else than detections.
    #[error("is a {} file by byte 0; give one with time tags", .format.name())]
    NoTags {
        /// What it is.
        format: TraceFormat,
    },
    /// A format that this build leaves out.
    #[error("is of the format {} by byte 0; build with the feature {} to read it", .format.name(), .format.word())]
    NotBuiltIn {
        /// What it is.
        format: TraceFormat,
    },
    /// A file that cannot be read from its beginning to its end and is too long to be held.
    #[error(
        "is a {} file beyond {limit} bytes in a pipe, and it cannot be read in one pass; give the \
         file itself, by its name from byte 0 on", .format.name()
    )]
    NeedsFile {
        /// What it is.
        format: TraceFormat,
        /// What would be held in memory.
        limit: u64,
    },
    /// The file ends inside its header.
    #[error("ends at byte {offset} inside its header; copy the file anew, this copy is incomplete")]
    HeaderTruncated {
        /// The length of the file.
        offset: u64,
    },
    /// A header tag claims more bytes than any header has.
    #[error(
        "claims {claimed} bytes for the header tag “{}” at byte {offset}, more than a header \
         may have; the header is damaged, copy the file anew", .ident.escape_debug()
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
        "has the header tag “{}” of unknown type {code:#010x} at byte {offset}; the header is \
         damaged, copy the file anew", .ident.escape_debug()
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
    /// A record type that this crate does not know.
    #[error(
        "holds records of the unsupported type {code:#010x}; supported are the T2 and T3 types of \
         PicoHarp 300, HydraHarp, TimeHarp 260 and the generic ones 0x00010207 and 0x00010307"
    )]
    UnsupportedRecordType {
        /// The value of `TTResultFormat_TTTRRecType`.
        code: i64,
    },
    /// A resolution that is no tick.
    #[error(
        "claims a resolution of {seconds} s ({ident}), which no time tagger has; the header is \
         damaged, export the file anew"
    )]
    UnusableResolution {
        /// The header tag.
        ident: &'static str,
        /// The value.
        seconds: f64,
    },
    /// A field of a fixed header that no instrument writes so.
    #[error(
        "claims {what} {value} at byte {offset}, which no instrument writes; the header is damaged, \
         copy the file anew"
    )]
    UnusableField {
        /// Where the field stands.
        offset: u64,
        /// What it is, as the beginning of a phrase.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// A version of a format whose layout is not known.
    #[error(
        "is of version “{}” by byte {offset}, whose layout is not known; convert it with the program \
         that wrote it", .version.escape_debug()
    )]
    UnsupportedVersion {
        /// Where it stands.
        offset: u64,
        /// What stands there.
        version: String,
    },
    /// A record that the format does not allow.
    #[error(
        "has {what} at byte {offset}; the records are damaged or of another format, copy the file \
         anew or name its format"
    )]
    BadRecord {
        /// Where the record begins.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A line of text that is no detection.
    #[error("has {what} in line {line} at byte {offset} (“{found}”); correct the line")]
    BadLine {
        /// Where the line begins.
        offset: u64,
        /// Its number, from one.
        line: u64,
        /// What is wrong.
        what: &'static str,
        /// Its beginning.
        found: String,
    },
    /// A detection before its predecessor, in a format that is in order.
    #[error(
        "steps back from tick {last} to {tick} at byte {offset}; allow a window within which to \
         sort, or copy the file anew"
    )]
    WentBack {
        /// Where the record begins.
        offset: u64,
        /// The detection's time.
        tick: u64,
        /// Its predecessor's.
        last: u64,
    },
    /// The file ends inside a record; everything before it has been delivered.
    #[error(
        "ends at byte {offset} inside record {complete}; the {complete} complete records end at byte \
         {keep}, read them with --salvage"
    )]
    RecordTruncated {
        /// The length of the file.
        offset: u64,
        /// Complete records before the cut, hence also the number, from zero, of the cut one.
        complete: u64,
        /// The length of header and complete records.
        keep: u64,
    },
    /// An array that ends before its header says so; what there is has been delivered.
    #[error(
        "ends at byte {offset} after {rows} of the {claimed} rows that its header claims; this copy is \
         incomplete, copy the file anew"
    )]
    TooFewRows {
        /// The length of the file.
        offset: u64,
        /// Rows by the header.
        claimed: u64,
        /// Rows that are there.
        rows: u64,
    },
    /// An array that goes on where its header says that it ends; what is claimed has been delivered,
    /// and where no row is, all.
    #[error(
        "goes on at byte {offset} behind the {claimed} rows that its header claims; the writing was \
         broken off or the header is damaged, copy the file anew"
    )]
    TooManyRows {
        /// Where it should end.
        offset: u64,
        /// Rows by the header.
        claimed: u64,
    },
    /// A header that is not as it was written.
    #[error("has {what} at byte {offset}; the header is damaged, copy the file anew")]
    BadHeader {
        /// Where it was noticed.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A block that is not as it was written.
    #[error(
        "has {what} at byte {offset}, where block {block} should be; the file is damaged, copy it \
         anew"
    )]
    BadBlock {
        /// Where it was noticed.
        offset: u64,
        /// The block's number, from zero.
        block: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// The file ends inside a block; everything before it has been delivered.
    #[error(
        "ends at byte {offset} inside block {complete}: the recording was broken off; the {complete} \
         complete blocks end at byte {keep}, read them with --salvage"
    )]
    BlockTruncated {
        /// The length of the file.
        offset: u64,
        /// Complete blocks before the cut, hence also the number, from zero, of the cut one.
        complete: u64,
        /// The length of what is complete.
        keep: u64,
    },
    /// Overflow records beyond 2⁶⁴ ticks.
    #[error("counts past 2^64 ticks at byte {offset}; the records are damaged, copy the file anew")]
    TimeOverflow {
        /// Where the record begins.
        offset: u64,
    },
    /// Sync periods that are more than 2⁶⁴ ps.
    #[error(
        "has times past 2^64 ps before byte {offset}; the records or the header's resolution are \
         damaged, copy the file anew"
    )]
    TimeBeyond {
        /// How far the file has been read.
        offset: u64,
    },
}
