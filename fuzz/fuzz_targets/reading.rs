//! What holds for every reader of traces, whatever it is given.

use std::io::Read;

use helio_trace::{Chunk, Counts, PhotonTime, ReadOptions, TraceFormat, from_read};

/// All that a trace held up to its end or the first error, and that error.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub all: Chunk,
    pub counts: Counts,
    pub fault: String,
}

/// Reads bytes as `format`, or as what they seem to be: nothing panics, the counts are those of
/// what was delivered, reading in pieces changes nothing, salvaging gives the same without an
/// error, and times in picoseconds are in order.
pub fn check(format: Option<TraceFormat>, file: &[u8]) -> Content {
    let options = ReadOptions { format, ..ReadOptions::default() };
    let whole = read(file, &options);
    assert_eq!(whole.all.photons.len() as u64, whole.counts.photons);
    assert!(whole.all.dtimes.is_empty() || whole.all.dtimes.len() == whole.all.photons.len());
    let piece = file.len() % 61 + 1;
    assert_eq!(read(Pieces { file, piece }, &options), whole, "in pieces of {piece} bytes");

    let salvaged = read(file, &ReadOptions { salvage: true, ..options });
    assert_eq!(salvaged.all.photons, whole.all.photons);
    let picoseconds = ReadOptions { photon_time: PhotonTime::Picoseconds, ..options };
    let in_ps = read(file, &picoseconds);
    if !whole.all.dtimes.is_empty() && in_ps.all.photons != whole.all.photons {
        assert!(in_ps.all.photons.is_sorted_by_key(|tag| tag.tick));
    }
    whole
}

pub fn read<'a>(input: impl Read + Send + 'a, options: &ReadOptions) -> Content {
    let (mut content, mut chunk) = (Content::default(), Chunk::default());
    let mut reader = match from_read(input, options) {
        Ok(reader) => reader,
        Err(err) => return Content { fault: err.to_string(), ..content },
    };
    loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => content.all.append(&chunk),
            Ok(false) => break,
            Err(err) => {
                content.fault = err.to_string();
                break;
            }
        }
    }
    content.counts = reader.counts();
    content
}

/// Gives at most `piece` bytes at a time.
struct Pieces<'a> {
    file: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.piece);
        self.file.read(&mut buffer[..length])
    }
}
