//! Settings from where the stations say: keys are equal, and everything written down names the source.

use serde_json::Value;

use crate::desk::{Desk, entries};
use crate::taped::replay;

#[test]
fn every_source_makes_equal_keys_and_is_named() {
    // A simulated generator is one of a known seed, and so is what is expanded from it.
    let seeded = "SIMULATED (seeded)";
    let of_host = "expanded (computational, host-seed)";
    for [alice_source, bob_source] in [["csprng", "host-seed"], ["host-seed", "csprng"]] {
        let desk = Desk::new("4x");
        let set = |name: &str, word: &str| {
            let line = format!("settings_source = \"{word}\"");
            desk.edit(name, "settings_source = \"device\"", &line);
        };
        set("alice", alice_source);
        set("bob", bob_source);
        let _sim = desk.start("sim");
        let bob = desk.start_with("bob", &["--record"]);
        let mut alice = desk.start_with("alice", &["--record"]);
        alice.wait_for("bits of key", 2);
        alice.terminate();
        bob.terminate();
        assert!(desk.equal_keys() >= 2);

        let label = |source: &str| if source == "host-seed" { of_host } else { seeded };
        for run in entries(&desk.path("runs")) {
            let read = |name: &str| std::fs::read_to_string(run.join(name)).expect(name);
            let record: Value = serde_json::from_str(&read("station.json")).unwrap();
            let own = if record["role"] == "alice" { alice_source } else { bob_source };
            assert_eq!(record["settings_source"], own);
            let certificates = read("certificates.jsonl");
            assert!(certificates.lines().count() >= 2);
            for line in certificates.lines() {
                let certificate: Value = serde_json::from_str(line).unwrap();
                let randomness = &certificate["randomness"];
                assert_eq!(randomness["alice-settings"], label(alice_source), "{randomness}");
                assert_eq!(randomness["bob-settings"], label(bob_source), "{randomness}");
                assert_eq!(certificate["weakest_randomness"], seeded);
            }
            assert_eq!(replay(&run)["same_keys"], true);
        }
    }
}
