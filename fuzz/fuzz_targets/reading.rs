//! What holds for every reader of traces, whatever it is given.

use std::io::Read;

use helio_trace::{
    Chunk, Counts, Loss, Marker, PhotonTime, ReadOptions, TimeTag, TraceFormat, from_read,
};
use helio_units::Ticks;

/// All that a trace held up to its end or the first error, and that error.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub photons: Vec<TimeTag>,
    pub dtimes: Vec<u16>,
    pub markers: Vec<Marker>,
    pub syncs: Vec<Ticks>,
    pub losses: Vec<Loss>,
    pub counts: Counts,
    pub fault: String,
}

/// Reads bytes as `format`, or as what they seem to be: nothing panics, the counts are those of
/// what was delivered, reading in pieces changes nothing, salvaging gives the same without an
/// error, and times in picoseconds are in order.
pub fn check(format: Option<TraceFormat>, file: &[u8]) -> Content {
    let options = ReadOptions { format, ..ReadOptions::default() };
    let whole = read(file, &options);
    assert_eq!(whole.photons.len() as u64, whole.counts.photons);
    assert!(whole.dtimes.is_empty() || whole.dtimes.len() == whole.photons.len());
    let piece = file.len() % 61 + 1;
    assert_eq!(read(Pieces { file, piece }, &options), whole, "in pieces of {piece} bytes");

    let salvaged = read(file, &ReadOptions { salvage: true, ..options });
    assert_eq!(salvaged.photons, whole.photons);
    let picoseconds = ReadOptions { photon_time: PhotonTime::Picoseconds, ..options };
    let in_ps = read(file, &picoseconds);
    if !whole.dtimes.is_empty() && in_ps.photons != whole.photons {
        assert!(in_ps.photons.is_sorted_by_key(|tag| tag.tick));
    }
    whole
}

pub fn read<'a>(input: impl Read + Send + 'a, options: &ReadOptions) -> Content {
    let (mut all, mut chunk) = (Content::default(), Chunk::default());
    let mut reader = match from_read(input, options) {
        Ok(reader) => reader,
        Err(err) => return Content { fault: err.to_string(), ..all },
    };
    loop {
        match reader.read_chunk(&mut chunk) {
            Ok(true) => {
                all.photons.extend(&chunk.photons);
                all.dtimes.extend(&chunk.dtimes);
                all.markers.extend(&chunk.markers);
                all.syncs.extend(&chunk.syncs);
                all.losses.extend(&chunk.losses);
            }
            Ok(false) => break,
            Err(err) => {
                all.fault = err.to_string();
                break;
            }
        }
    }
    all.counts = reader.counts();
    all
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
