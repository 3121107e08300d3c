//! `helio pair` and `helio keys` as a user runs them.

use std::fs;

use helio_keys::Simulated;
use helio_station::store::DiskStore;
use serde_json::Value;

#[path = "support/command.rs"]
mod command;

use command::{complaint, helio};

#[test]
fn a_pair_shares_one_secret_and_is_not_made_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    for args in [&["--simulated"][..], &[]] {
        let (a, b) = (format!("a{}", args.len()), format!("b{}", args.len()));
        let mut all = vec!["pair", "--alice", &a, "--bob", &b, "--pads", "20", "--reserve", "5"];
        all.extend(args);
        let made = helio(at, &all);
        assert!(made.status.success(), "{made:?}");
        let secret = |station: &str| {
            let entries = fs::read_dir(at.join(station)).expect("a folder");
            let mut paths = entries.map(|e| e.expect("an entry").path());
            fs::read(paths.find(|p| p.to_string_lossy().contains("pads-")).expect("pads"))
                .expect("readable")
        };
        assert_eq!(secret(&a), secret(&b));
        assert_eq!(secret(&a).len(), 64 + 2 * 25 * 32);
        let before = secret(&a);
        complaint(&helio(at, &all), 3, &["already", "nothing was written"]);
        assert_eq!(secret(&a), before);
        all.push("--renew");
        let renewed = helio(at, &all);
        assert!(renewed.status.success(), "{renewed:?}");
        assert!(secret(&a) != before && secret(&a) == secret(&b));
        let list = helio(at, &["keys", "list", "--state", &a, "--json"]);
        let list: Value = serde_json::from_slice(&list.stdout).expect("JSON");
        let origin = if args.is_empty() { "real" } else { "SIMULATED" };
        assert_eq!((&list["origin"], &list["role"]), (&origin.into(), &"alice".into()));
        assert_eq!(list["keys"], serde_json::json!([]));
    }
    let same = helio(at, &["pair", "--alice", "x", "--bob", "x", "--simulated"]);
    complaint(&same, 3, &["already"]);
    let none = helio(at, &["pair", "--alice", "y", "--bob", "z", "--pads", "0"]);
    complaint(&none, 2, &["at least one"]);
    complaint(&helio(at, &["keys", "list", "--state", "z"]), 3, &["no station", "helio pair"]);
    let store = DiskStore::<Simulated>::open(&at.join("a1"), None).expect("opens");
    complaint(&helio(at, &["keys", "list", "--state", "a1"]), 3, &["in use"]);
    drop(store);
    let unknown = helio(at, &["keys", "export", "--state", "a1", "--block", "4", "--out", "k"]);
    complaint(&unknown, 3, &["no block 4", "helio keys list"]);
}
