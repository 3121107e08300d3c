//! Which datasets are the columns.

use hdf5_reader::{Dataset, Datatype, Hdf5File};

use super::read::guarded;
use crate::Datasets;
use crate::units::time_column;

/// Groups that are looked into; more are none of detections.
const MOST_GROUPS: usize = 64;
/// Datasets beside each other that are looked at.
const MOST_DATASETS: usize = 256;
/// Deflate makes at most 1032 bytes of one (Mark Adler, zlib technical details).
const MOST_DEFLATED: u64 = 1032;

/// A column of whole numbers.
pub(super) struct Column {
    pub(super) dataset: Dataset,
    /// Of the dataset alone, in lower case.
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) bytes: u8,
    pub(super) signed: bool,
}

/// A fault: where, and what.
type Fault = (u64, &'static str);

/// Times, and channels where there are any.
pub(super) fn columns(
    file: &Hdf5File,
    length: u64,
    asked: &Datasets,
) -> Result<(Column, Option<Column>), Fault> {
    let named = |path: &str| {
        let found = guarded(|| file.dataset(path));
        found.map_err(|_| (0, "no dataset of the name that was given"))
    };
    let group_of = |path: &str| path.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
    let (time, group) = match &asked.time {
        Some(path) => (named(path.as_str())?, group_of(path.as_str())),
        None => {
            let path = find_times(file)?;
            (named(&path)?, group_of(&path))
        }
    };
    let channel = match &asked.channel {
        Some(path) => Some(named(path.as_str())?),
        None => find_in(file, &group, |names| names.iter().position(|name| name.starts_with("ch")))
            .map(|path| named(&path))
            .transpose()?,
    };
    let time = column(time, length)?;
    let channel = channel.map(|channel| column(channel, length)).transpose()?;
    if let Some(channel) = channel.as_ref().filter(|channel| channel.rows != time.rows) {
        return Err((channel.dataset.address(), "another number of channels than of times"));
    }
    Ok((time, channel))
}

/// The path of the first dataset whose name is that of times.
fn find_times(file: &Hdf5File) -> Result<String, Fault> {
    let groups = guarded(|| file.root_group()?.member_names()).map_err(|_| (0, "no groups"))?.0;
    let mut places = vec![String::new()];
    places.extend(groups.into_iter().take(MOST_GROUPS));
    let times = |names: &[&str]| time_column(names);
    let found = places.iter().find_map(|group| find_in(file, group, times));
    found.ok_or((0, "no dataset whose name begins with time; name one"))
}

/// The path of the dataset in a group that `choose` picks by the names, in lower case.
fn find_in(
    file: &Hdf5File,
    group: &str,
    choose: impl Fn(&[&str]) -> Option<usize>,
) -> Option<String> {
    let names = guarded(|| {
        let place = if group.is_empty() { file.root_group()? } else { file.group(group)? };
        Ok(place.member_names()?.1)
    });
    let mut names = names.ok()?;
    names.truncate(MOST_DATASETS);
    let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let name = names.get(choose(&lower)?)?;
    Some(if group.is_empty() { name.clone() } else { format!("{group}/{name}") })
}

fn column(dataset: Dataset, length: u64) -> Result<Column, Fault> {
    let at = dataset.address();
    let Datatype::FixedPoint { size: bytes @ (1 | 2 | 4 | 8), signed, .. } = *dataset.dtype()
    else {
        return Err((at, "a dataset that holds no whole numbers"));
    };
    let [rows] = *dataset.shape() else {
        return Err((at, "a dataset not of one dimension"));
    };
    let held = rows.checked_mul(bytes.into());
    if held.is_none_or(|held| held > length.saturating_mul(MOST_DEFLATED)) {
        return Err((at, "a dataset longer than the file can hold"));
    }
    let name = dataset.name().rsplit('/').next().unwrap_or_default().to_lowercase();
    Ok(Column { name, rows, bytes, signed, dataset })
}
