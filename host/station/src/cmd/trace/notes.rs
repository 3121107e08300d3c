//! What is worth a word about a trace that was read: damage, losses, and what was left out. One list for
//! every command, so that none counts less than the file holds without a word.

use std::path::Path;

use helio_trace::{IndexState, Summary, TraceReader};

/// What the reader has met, a sentence each; `all` where it has read every record of the file.
pub(super) fn of(reader: &dyn TraceReader, all: bool) -> Vec<String> {
    let (meta, counts, mut notes) = (reader.meta(), reader.counts(), Vec::new());
    if let Some(damage) = reader.damage() {
        notes.push(format!("the file {damage}; what precedes it is used"));
    }
    match reader.recording().map(|recording| recording.index) {
        Some(IndexState::Missing) if reader.damage().is_none() => notes.push(
            "there is no index behind the last block: the recording goes on or was broken off; \
             what is there was read"
                .into(),
        ),
        Some(IndexState::Damaged) => {
            notes.push("the index is damaged and not used; every block was read without it".into());
        }
        _ => {}
    }
    let held = counts.records();
    match meta.claimed_records {
        // A part says nothing of the whole.
        _ if !all => {}
        Some(claimed) if claimed == held => {}
        Some(0) => notes.push(
            "the header claims 0 records: the recording was broken off; what is there was read"
                .into(),
        ),
        Some(claimed) => {
            let why = match held < claimed {
                true => "it was cut or the recording broken off",
                false => "records were added or the header is wrong",
            };
            notes.push(format!(
                "the header claims {claimed} records, the file holds {held}: {why}; what is \
                 there was read"
            ));
        }
        // Formats that never say it.
        None if meta.claimed_records_at.is_none() => {}
        None => notes.push("the header does not say how many records there are".into()),
    }
    match counts.trailing_bytes {
        0 => {}
        1 => notes.push("a stray byte behind the last record was left out".into()),
        n => notes.push(format!("{n} stray bytes behind the last record were left out")),
    }
    let counted = [
        (counts.unknown_records, "records have no known meaning and were skipped"),
        (counts.loss_records, "records or flags say that detections were lost"),
        (counts.missed, "detections were missed, as the instrument says"),
        (
            counts.late,
            "detections came later in the file than the window allows and were left out; a longer \
             --window keeps them",
        ),
    ];
    notes.extend(
        counted.iter().filter(|(n, _)| *n > 0).map(|(number, what)| format!("{number} {what}")),
    );
    notes
}

/// What its detections' order says.
pub(super) fn of_order(summary: &Summary) -> Option<String> {
    let back = summary.steps_back();
    (back > 0).then(|| format!("{back} detections are earlier than the one before them"))
}

/// Says it on standard error.
pub(super) fn tell(path: &Path, notes: &[String]) {
    notes.iter().for_each(|note| eprintln!("helio: {}: {note}", path.display()));
}

/// The same notes with the name of their file, where there are several.
pub(super) fn named<'a>(
    path: &'a Path,
    notes: Vec<String>,
) -> impl Iterator<Item = String> + use<'a> {
    notes.into_iter().map(|note| format!("{}: {note}", path.display()))
}
