//! Everything that can be wrong is told in one sentence, and nothing is lost by it.

use std::fs;
use std::path::Path;
use std::process::Command;

use helio_distill::Role;
use helio_distill::pads::{Purpose, Way};
use helio_distill::release::{BlockState, StationStore, StoreError};
use helio_keys::{Real, Simulated};
use helio_station::store::{DiskStore, Identity, Pairing, StoreFault};

use crate::support::{Store, certificate, create, entropy, id, identity, key, open, pairing};

/// One sentence that has these words.
fn sentence(fault: &impl std::fmt::Display, words: &[&str]) {
    let text = fault.to_string();
    assert_eq!(text.lines().count(), 1, "one sentence: {text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

fn refused<O: helio_keys::Origin>(folder: &Path, wanted: &Identity) -> StoreFault {
    match DiskStore::<O>::open(folder, Some(wanted)) {
        Ok(_) => panic!("the station opened"),
        Err(fault) => fault,
    }
}

#[test]
fn a_folder_is_opened_by_one_process_for_its_own_station_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let mine = identity(Role::Alice);
    let missing = refused::<Simulated>(folder.path(), &mine);
    sentence(&missing, &["no station", "helio pair"]);
    let store = create(folder.path());
    let second = refused::<Simulated>(folder.path(), &mine);
    assert!(matches!(second, StoreFault::InUse(_)));
    sentence(&second, &["in use by another process", "stop"]);
    drop(store);
    sentence(&refused::<Simulated>(folder.path(), &identity(Role::Bob)), &["Alice", "Bob"]);
    let other = Identity { peer: "carol".into(), ..mine.clone() };
    sentence(&refused::<Simulated>(folder.path(), &other), &["\"bob\"", "\"carol\""]);
    let again = Store::create(folder.path(), &mine, &pairing(2)).err().expect("refused");
    sentence(&again, &["already", "nothing was written", "--renew"]);
    open(folder.path());
}

#[test]
fn simulated_and_real_never_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    let mine = identity(Role::Alice);
    drop(create(folder.path()));
    sentence(&refused::<Real>(folder.path(), &mine), &["SIMULATED", "real", "never mix"]);
    // Renaming does not help: the header says it too.
    fs::rename(folder.path().join("station.SIMULATED.redb"), folder.path().join("station.redb"))
        .expect("renamed");
    sentence(&refused::<Real>(folder.path(), &mine), &["SIMULATED", "real", "never mix"]);
}

#[cfg(unix)]
#[test]
fn others_cannot_read_and_a_folder_open_to_them_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let station = folder.path().join("deep/station");
    let mut store = create(&station);
    store.hold(id(1), key(1), certificate()).expect("held");
    drop(store);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let mut files = 0;
    for folder in [&station, &station.join("keys")] {
        assert_eq!(mode(folder), 0o700);
        for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            assert!(entry.to_string_lossy().contains("SIMULATED") || entry.is_dir(), "{entry:?}");
            assert_eq!(mode(&entry), if entry.is_dir() { 0o700 } else { 0o600 }, "{entry:?}");
            files += 1;
        }
    }
    assert_eq!(files, 4, "database, pads, the keys' folder, a key");
    fs::set_permissions(&station, fs::Permissions::from_mode(0o750)).expect("allowed");
    sentence(&refused::<Simulated>(&station, &identity(Role::Alice)), &["750", "chmod 700"]);
}

#[test]
fn damage_is_noticed_at_opening_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    for block in 0..20 {
        store.hold(id(block), key(block), certificate()).expect("held");
    }
    store.release(id(1)).expect("released");
    drop(store);
    let path = folder.path().join("station.SIMULATED.redb");
    let whole = fs::read(&path).expect("the database");
    let mine = identity(Role::Alice);
    let words = ["damaged", "backup"];
    // A byte of a certificate in a committed page, a cut, something else altogether.
    let text = b"\"weakest_randomness\"";
    let places: Vec<usize> =
        (0..whole.len() - text.len()).filter(|&at| whole[at..].starts_with(text)).collect();
    let mut noticed = 0;
    for at in places {
        let mut altered = whole.clone();
        altered[at + 1] ^= 0x20;
        fs::write(&path, &altered).expect("written");
        // Where the page is one that was freed, nothing is wrong.
        if let Err(fault) = Store::open(folder.path(), Some(&mine)) {
            sentence(&fault, &words);
            noticed += 1;
        }
    }
    assert!(noticed >= 20, "{noticed} damaged certificates noticed");
    for broken in [&whole[..whole.len() / 2], &whole[..100], &b"hello, this is no database"[..]] {
        fs::write(&path, broken).expect("written");
        sentence(&refused::<Simulated>(folder.path(), &mine), &words);
        assert_eq!(fs::read(&path).expect("the database").len(), broken.len(), "left as it is");
    }
    fs::write(&path, &whole).expect("written");

    // A key that a worn disk altered is not delivered.
    let name = format!("keys/{}-1.SIMULATED.key", id(0).session);
    let mut record = fs::read(folder.path().join(&name)).expect("the key");
    let last = record.len() - 20;
    record[last] ^= 1;
    fs::write(folder.path().join(&name), &record).expect("written");
    sentence(&open(folder.path()).usable(id(1)).err().expect("refused"), &["damaged", "backup"]);

    // So with the pads' header.
    let name = format!("pads-{}.SIMULATED.secret", pairing(1).id());
    let mut pads = fs::read(folder.path().join(&name)).expect("the pads");
    pads[16] ^= 1;
    fs::write(folder.path().join(&name), &pads).expect("written");
    sentence(&refused::<Simulated>(folder.path(), &mine), &["damaged", "header"]);
}

#[test]
fn another_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(create(folder.path()));
    let path = folder.path().join("station.SIMULATED.redb");
    let database = redb::Database::open(&path).expect("a database");
    let transaction = database.begin_write().expect("writable");
    let header = redb::TableDefinition::<&str, &str>::new("header");
    transaction.open_table(header).expect("there").insert("schema", "2").expect("written");
    transaction.commit().expect("written");
    drop(database);
    let fault = refused::<Simulated>(folder.path(), &identity(Role::Alice));
    sentence(&fault, &["version 2", "reads version 1", "use the helio that wrote it"]);
}

#[test]
fn pairings_without_pads_are_refused() {
    for (blocks, reserve) in [(0, 1), (1, 0), (u64::MAX, 1), (1 << 21, 1)] {
        let fault = Pairing::fresh(&mut entropy(1), blocks, reserve).err().expect("refused");
        sentence(&fault, &["pads", "at least one"]);
    }
}

const MOUNT: &str = "HELIO_TEST_STORE_MOUNT";

/// Not a test by itself: runs where the folder is a small disk of its own.
#[test]
fn on_a_small_disk() {
    let Ok(disk) = std::env::var(MOUNT) else { return };
    let station = Path::new(&disk).join("station");
    let mut store = create(&station);
    let mut held = 0;
    let full = loop {
        match store.hold(id(held), key(held), certificate()) {
            Ok(()) => held += 1,
            Err(StoreError::Medium(sentence)) => break sentence,
            Err(other) => panic!("{other}"),
        }
    };
    sentence(&full, &["disk is full", "free some space", "nothing"]);
    assert!(held > 10, "{held} blocks");
    // Whatever comes next fails in words too, until the station starts again.
    if let Err(next) = store.spend_pads(Way::Out, Purpose::Block, 1) {
        sentence(&next, &["memory failed"]);
    }
    drop(store);
    fs::remove_file(Path::new(&disk).join("ballast")).expect("space is freed");
    let mut store = open(&station);
    assert_eq!(store.pending().expect("readable").len() as u64, held, "nothing lost, nothing half");
    store.hold(id(held), key(held), certificate()).expect("there is room again");
    store.release(id(0)).expect("released");
    assert!(bool::from(store.usable(id(0)).unwrap().unwrap().bits().ct_eq(key(0).bits())));
    drop(store);

    let remount = Command::new("mount").args(["-o", "remount,ro", &disk]).status();
    assert!(remount.expect("mount runs").success());
    let fault = refused::<Simulated>(&station, &identity(Role::Alice));
    assert!(matches!(fault, StoreFault::ReadOnly(_)), "{fault}");
    sentence(&fault, &["read-only", "mount it for writing"]);
    let elsewhere = Path::new(&disk).join("other");
    let fault = Store::create(&elsewhere, &identity(Role::Bob), &pairing(1)).err();
    sentence(&fault.expect("refused"), &["read-only", "mount it for writing"]);
    println!("{held} blocks filled the disk");
}

/// A disk of 4 MiB that only the child sees, by a mount namespace of its own.
#[test]
fn a_full_disk_and_a_read_only_one_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = r#"mount -t tmpfs -o size=4m,mode=700 none "$0" || exit 99
        dd if=/dev/zero of="$0/ballast" bs=1024 count=1024 2>/dev/null
        exec "$1" --exact faults::on_a_small_disk --nocapture"#;
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("this test"))
        .env(MOUNT, folder.path())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("blocks filled the disk"), "{text}");
        }
        Ok(output) if output.status.code() != Some(101) => println!(
            "SKIPPED: this machine gives no disk of its own to a test: {}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("SKIPPED: no `unshare` on this machine: {error}"),
    }
}

/// Where the user is not almighty, a folder without write permission.
#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    drop(create(folder.path()));
    let path = folder.path().join("station.SIMULATED.redb");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("allowed");
    match Store::open(folder.path(), None) {
        Ok(store) => {
            println!("SKIPPED: this user may write whatever the mode says");
            assert_eq!(store.state(id(0)), Ok(None::<BlockState>));
        }
        Err(fault) => sentence(&fault, &["may not be read and written", "owner"]),
    }
}
