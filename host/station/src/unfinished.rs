//! Files that are of no use before they are complete: each is written under another name beside its place,
//! which it takes when it is whole, and goes away when the program is ended before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::sync_names;

/// Names of those that are being written.
static NAMES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn names() -> MutexGuard<'static, Vec<PathBuf>> {
    NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all of them. As long as the guard lives, none is begun and none takes its place.
pub(crate) fn remove_all() -> impl Sized {
    let names = names();
    names.iter().for_each(|name| _ = fs::remove_file(name));
    names
}

/// Writes a file whole or not at all, in the place of one that may be there. What is no file, such as a
/// pipe or `/dev/stdout`, is written to as it is.
///
/// # Errors
/// What the operating system says.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    // A name that leads to a file elsewhere goes on to do so.
    let place = match fs::metadata(path) {
        Ok(there) if !there.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(content);
        }
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let unfinished = Unfinished::begin(&place)?;
    unfinished.file()?.write_all(content)?;
    unfinished.keep(true)
}

/// A file that is being written. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Unfinished {
    file: File,
    name: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    /// Begins the file that belongs at `place`.
    pub(crate) fn begin(place: &Path) -> io::Result<Unfinished> {
        let name = place.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        let name = place.with_file_name(name);
        let mut names = names();
        let file = OpenOptions::new().write(true).create_new(true).open(&name)?;
        names.push(name.clone());
        Ok(Unfinished { file, name, place: place.to_owned() })
    }

    /// Where it is written to.
    pub(crate) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where it belongs.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// Puts the file, which is complete, into its place, both durably. One that is there is replaced
    /// only if that is wanted, whenever it came.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`]: there is one; what the operating system says.
    pub(crate) fn keep(self, replace: bool) -> io::Result<()> {
        self.file.sync_all()?;
        {
            let _names = names();
            match replace {
                true => fs::rename(&self.name, &self.place)?,
                false => self.take_free_place()?,
            }
        }
        let folder = self.place.parent().filter(|folder| *folder != Path::new(""));
        sync_names(folder.unwrap_or(Path::new(".")))
    }

    fn take_free_place(&self) -> io::Result<()> {
        // Unlike a renaming, a second name is refused where there is a file.
        match fs::hard_link(&self.name, &self.place) {
            Err(err) if err.kind() != ErrorKind::AlreadyExists => {
                // A file system without second names: an empty file keeps others off.
                File::create_new(&self.place)?;
                fs::rename(&self.name, &self.place).inspect_err(|_| {
                    let _ = fs::remove_file(&self.place);
                })
            }
            linked => linked,
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut names = names();
        // Gone already where it was kept by renaming; else a second name.
        let _ = fs::remove_file(&self.name);
        names.retain(|name| *name != self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(folder: &Path) -> Vec<(String, String)> {
        let mut all: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn what_is_written_at_once_replaces_a_file_behind_its_name_and_no_device() {
        let folder = tempfile::tempdir().unwrap();
        let (place, name) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&place, "old, and longer").unwrap();
        std::os::unix::fs::symlink(&place, &name).unwrap();
        let old = File::open(&place).unwrap();
        write(&name, b"new").unwrap();
        assert!(fs::symlink_metadata(&name).unwrap().is_symlink());
        let all = content(folder.path());
        assert_eq!(all.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["new", "new"]);
        // Who had opened the old one still reads it whole.
        assert_eq!(io::read_to_string(old).unwrap(), "old, and longer");
        write(Path::new("/dev/null"), b"new").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    fn begun(place: &Path) -> Unfinished {
        let unfinished = Unfinished::begin(place).unwrap();
        unfinished.file().unwrap().write_all(b"mine").unwrap();
        unfinished
    }

    #[test]
    fn a_file_takes_its_place_whole_and_none_from_another_that_came_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a");
        let is = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        drop(begun(&place));
        assert_eq!(content(folder.path()), []);
        begun(&place).keep(false).unwrap();
        assert_eq!(content(folder.path()), is("a", "mine"));
        fs::remove_file(&place).unwrap();

        let late = begun(&place);
        fs::write(&place, "theirs").unwrap();
        assert_eq!(late.keep(false).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(content(folder.path()), is("a", "theirs"));
        begun(&place).keep(true).unwrap();
        assert_eq!(content(folder.path()), is("a", "mine"));
    }
}
