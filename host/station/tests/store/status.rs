//! What a store tells of a station that does not run.

use helio_distill::release::StationStore;
use helio_station::status::{Phase, read_store};
use tempfile::tempdir;

use crate::support::{certificate, create, id, key};

#[test]
fn keys_and_blocks_are_counted_and_the_newest_come_first() {
    let folder = tempdir().expect("a folder");
    let station = folder.path().join("alice");
    let mut store = create(&station);
    for block in 0..3 {
        store.hold(id(block), key(block), certificate()).expect("held");
    }
    store.release(id(0)).expect("released");
    store.release(id(1)).expect("released");
    store.mark_taken(id(1), false).expect("taken");
    store.burn(id(7)).expect("burnt");
    store.record_epsilon(2e-10).expect("recorded");
    drop(store);

    let status = read_store(&station).expect("read");
    assert_eq!((status.phase, status.ready), (Phase::Stopped, false));
    assert_eq!(
        (status.station.role.as_str(), status.station.origin.as_str()),
        ("alice", "SIMULATED")
    );
    let keys = status.keys;
    assert_eq!((keys.usable, keys.pending, keys.burnt_blocks), (1, 1, 1));
    assert_eq!(keys.usable_bits, key(0).len() as u64);
    assert_eq!(keys.delivered_bits, key(1).len() as u64);
    let blocks: Vec<u64> = status.last_blocks.iter().map(|b| b.block).collect();
    assert_eq!(blocks, [7, 2, 1, 0]);
    assert_eq!(status.last_blocks[0].no_key.as_deref(), Some("burnt"));
    let (shown, public) = (&status.last_blocks[3], certificate().public);
    assert_eq!((shown.key_bits, shown.leak_bits), (public.length, public.lambda_max));
    let tests: u64 = public.announced.counts.n_test.iter().sum();
    assert_eq!(shown.sifted_bits, Some(public.announced.counts.sifted() + tests));
    let test = shown.test_qber.expect("known");
    assert_eq!((test.bits, test.errors), (tests, public.announced.counts.m_test.iter().sum()));
    let per_block = public.parameters.epsilon_total;
    let left = status.epsilon.blocks_left.expect("a block's ε is known") as f64;
    assert!(left * per_block <= 1e-6 - 2e-10 && (left + 2.0) * per_block > 1e-6 - 2e-10, "{left}");
    let words = status.waiting_for.expect("words");
    assert!(words.contains("1 key waits for the other station's word"), "{words}");
}
