//! Bob's station steers its device's slot clock and gates its detectors: keys are equal, and the run's
//! record says so.

use serde_json::Value;

use crate::desk::{Desk, entries};
use crate::taped::replay;

#[test]
fn a_steered_and_gated_receiver_makes_equal_keys() {
    let desk = Desk::new("4x");
    desk.edit("bob", "slot_clock = \"sync\"", "slot_clock = \"steered\"");
    desk.edit("bob", "# gate_start = \"60ns\"", "gate_start = \"40ns\"");
    desk.edit("bob", "# gate_width = \"80ns\"", "gate_width = \"120ns\"");
    let _sim = desk.start("sim");
    let bob = desk.start_with("bob", &["--record"]);
    let mut alice = desk.start("alice");
    alice.wait_for("bits of key", 2);
    alice.terminate();
    bob.terminate();
    assert!(desk.equal_keys() >= 2);

    for run in entries(&desk.path("runs")) {
        let record = std::fs::read_to_string(run.join("station.json")).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        if record["role"] == "bob" {
            assert_eq!(record["slot_clock"], "steered");
            assert_eq!(record["gate"], "120 ns from 40 ns");
            assert_eq!(replay(&run)["same_keys"], true);
        }
    }
}
