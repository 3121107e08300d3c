//! Why a station that does not run could not make key, in words.

use helio_station::status::{Epsilon, Keys, Pads, Status, obstacles};

fn healthy() -> Status {
    Status {
        pads: Pads {
            block_left: 10,
            block_size: 20,
            recovery_left: 5,
            recovery_size: 8,
            void: false,
        },
        epsilon: Epsilon::new(1e-9, Some(1e-10)),
        ..Status::default()
    }
}

#[test]
fn each_obstacle_has_its_words_and_a_remedy() {
    assert_eq!(obstacles(&healthy()), Vec::<String>::new());
    type Change = fn(&mut Status);
    let cases: [(Change, &[&str]); 6] = [
        (|s| s.pads.void = true, &["void", "restored backup", "helio pair --renew"]),
        (|s| s.pads.block_left = 0, &["no pads are left for blocks", "helio pair --renew"]),
        (|s| s.pads.recovery_left = 3, &["3 pads", "recovery", "helio pair --renew"]),
        (|s| s.epsilon = Epsilon::new(1e-6, None), &["ε is spent", "helio pair --renew"]),
        (
            |s| s.epsilon = Epsilon::new(0.99995e-6, Some(1e-10)),
            &["ε is spent", "helio pair --renew"],
        ),
        (
            |s| s.keys = Keys { pending: 2, ..Keys::default() },
            &["2 keys wait", "next contact", "start both stations"],
        ),
    ];
    for (change, words) in cases {
        let mut status = healthy();
        change(&mut status);
        let found = obstacles(&status);
        assert_eq!(found.len(), 1, "{found:?}");
        for word in words {
            assert!(found[0].contains(word), "{word:?} is missing in {found:?}");
        }
        assert!(!found[0].ends_with('.'));
    }
    let mut all = healthy();
    all.pads = Pads { void: true, ..Pads::default() };
    all.keys.pending = 1;
    let found = obstacles(&all);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].contains("void") && found[3].contains("1 key waits"), "{found:?}");
}

#[test]
fn the_ledger_allows_whole_blocks_only() {
    assert_eq!(Epsilon::new(0.0, Some(1e-10)).blocks_left, Some(9_999));
    assert_eq!(Epsilon::new(0.99985e-6, Some(1e-10)).blocks_left, Some(1));
    assert_eq!(Epsilon::new(2e-6, Some(1e-10)).blocks_left, Some(0));
    assert_eq!(Epsilon::new(f64::INFINITY, Some(1e-10)).blocks_left, Some(0));
    assert_eq!(Epsilon::new(0.0, None).blocks_left, None);
}
