//! Which datasets of a file that holds several are the columns of a trace.

use std::fmt;
use std::str::FromStr;

/// Datasets of an HDF5 file, by their paths. Where one is not named it is found by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Datasets {
    /// Times of the detections.
    pub time: Option<DatasetPath>,
    /// Their channels.
    pub channel: Option<DatasetPath>,
}

/// The path of a dataset, such as `run1/timestamps`, of 1 to 120 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DatasetPath {
    // In itself, so that options stay plain values.
    bytes: [u8; DatasetPath::LONGEST],
    length: u8,
}

impl DatasetPath {
    const LONGEST: usize = 120;

    /// The path, without a slash before it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl FromStr for DatasetPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<DatasetPath, &'static str> {
        let text = text.trim_start_matches('/');
        let mut bytes = [0; DatasetPath::LONGEST];
        match bytes.get_mut(..text.len()) {
            Some(to) if !text.is_empty() => to.copy_from_slice(text.as_bytes()),
            _ => {
                return Err(
                    "a dataset's path of 1 to 120 bytes is needed, such as run1/timestamps",
                );
            }
        }
        Ok(DatasetPath { bytes, length: text.len() as u8 })
    }
}

impl fmt::Debug for DatasetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back_and_long_ones_are_refused() {
        let path = |text: &str| text.parse::<DatasetPath>();
        assert_eq!(path("/run 1/Zeiten").unwrap().as_str(), "run 1/Zeiten");
        assert_eq!(path(&"x".repeat(120)).unwrap().as_str().len(), 120);
        for bad in ["", "/", &"ü".repeat(61)] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}
