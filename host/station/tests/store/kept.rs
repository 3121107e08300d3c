//! What is remembered, and what is wiped.

use std::path::Path;

use helio_distill::Role;
use helio_distill::pads::{Purpose, Way};
use helio_distill::release::{BlockState, StationStore, StoreError};
use helio_station::store::StoreFault;

use crate::support::{certificate, create, id, key, open, pairing};

/// Whether any file below the folder has these bytes.
fn found_in(folder: &Path, wanted: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return found_in(&path, wanted);
        }
        let content = std::fs::read(&path).expect("readable");
        content.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[test]
fn everything_survives_closing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    store.spend_pads(Way::Out, Purpose::Block, 3).expect("spent");
    store.spend_pads(Way::In, Purpose::Recovery, 1).expect("spent");
    store.record_proven(Purpose::Recovery, 4).expect("recorded");
    store.record_proven(Purpose::Recovery, 2).expect("never lowered");
    store.record_epsilon(2e-10).expect("recorded");
    store.record_epsilon(1e-10).expect("never lowered");
    for block in [5, 3, 4, 7] {
        store.hold(id(block), key(block), certificate()).expect("held");
    }
    store.release(id(4)).expect("released");
    store.burn(id(7)).expect("burnt");
    store.burn(id(8)).expect("remembered as burnt");
    drop(store);

    let mut store = open(folder.path());
    let marks = store.watermarks().expect("readable");
    assert_eq!((marks.out_block, marks.in_recovery, marks.in_block), (3, 1, 0));
    assert_eq!((marks.proven_block, marks.proven_recovery), (0, 4));
    assert_eq!(store.epsilon_spent(), Ok(2e-10));
    assert_eq!(store.pads_are_void(), Ok(false));
    assert_eq!(store.pending(), Ok(vec![id(5), id(3)]), "in the order of holding");
    for (block, state) in [
        (4, Some(BlockState::Usable)),
        (5, Some(BlockState::Pending)),
        (7, Some(BlockState::Burnt)),
        (8, Some(BlockState::Burnt)),
        (9, None),
    ] {
        assert_eq!(store.state(id(block)), Ok(state), "block {block}");
    }
    let back = store.usable(id(4)).expect("readable").expect("usable");
    assert!(bool::from(back.bits().ct_eq(key(4).bits())));
    assert_eq!((back.origin(), back.label()), (key(4).origin(), key(4).label()));
    assert_eq!(store.certificate(id(4)), Ok(Some(certificate())));
    assert!(store.usable(id(5)).expect("readable").is_none(), "pending is not usable");

    // The rules of the talk's memory.
    let spent = store.spend_pads(Way::Out, Purpose::Block, 3);
    assert_eq!(spent, Err(StoreError::PadSpent { next: 3, watermark: 3 }));
    for (result, found) in [
        (store.hold(id(4), key(4), certificate()), Some(BlockState::Usable)),
        (store.burn(id(4)), Some(BlockState::Usable)),
        (store.release(id(7)), Some(BlockState::Burnt)),
        (store.release(id(9)), None),
    ] {
        assert!(matches!(result, Err(StoreError::WrongState { found: f, .. }) if f == found));
    }
    store.void_pads().expect("void");
    drop(store);
    assert_eq!(open(folder.path()).pads_are_void(), Ok(true));
}

#[test]
fn a_burnt_key_and_a_spent_pad_are_in_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    store.hold(id(1), key(1), certificate()).expect("held");
    store.hold(id(2), key(2), certificate()).expect("held");
    let (burnt, kept) = (key(1).bits().to_bytes(), key(2).bits().to_bytes());
    assert!(found_in(folder.path(), &burnt) && found_in(folder.path(), &kept));
    store.burn(id(1)).expect("burnt");
    assert!(!found_in(folder.path(), &burnt));
    assert!(found_in(folder.path(), &kept));

    // Alice's first pads stand first in the secret.
    let name = format!("pads-{}.SIMULATED.secret", pairing(1).id());
    let secret = std::fs::read(folder.path().join(&name)).expect("the pad file");
    let pads: Vec<&[u8]> = secret[64..].chunks(32).collect();
    assert_eq!(pads.len(), 128);
    store.spend_pads(Way::Out, Purpose::Block, 2).expect("spent");
    store.spend_pads(Way::In, Purpose::Recovery, 1).expect("spent");
    let spent = [0, 1, 64 + 40];
    for (place, pad) in pads.iter().enumerate() {
        assert_eq!(found_in(folder.path(), pad), !spent.contains(&place), "pad {place}");
    }
}

/// A crash between the commit and the wiping of a pad or key.
#[test]
fn opening_makes_up_for_what_was_not_wiped() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    let pads = folder.path().join(format!("pads-{}.SIMULATED.secret", pairing(1).id()));
    let fresh = std::fs::read(&pads).expect("the pad file");
    store.spend_pads(Way::Out, Purpose::Block, 1).expect("spent");
    store.hold(id(1), key(1), certificate()).expect("held");
    store.hold(id(2), key(2), certificate()).expect("held");
    let whole = |block| folder.path().join(format!("keys/{}-{block}.SIMULATED.key", id(0).session));
    let part =
        |block| folder.path().join(format!("keys/{}-{block}.SIMULATED.key.part", id(0).session));
    let burnt = std::fs::read(whole(1)).expect("the key");
    store.burn(id(1)).expect("burnt");
    drop(store);
    std::fs::write(&pads, &fresh).expect("the pad is back");
    std::fs::write(whole(1), &burnt).expect("the burnt key is back");
    std::fs::rename(whole(2), part(2)).expect("the crash came before the name");
    std::fs::write(part(3), key(3).to_record()).expect("the crash came before the block");

    let store = open(folder.path());
    assert!(!found_in(folder.path(), &fresh[64..96]));
    assert!(!found_in(folder.path(), &key(1).bits().to_bytes()));
    assert!(!found_in(folder.path(), &key(3).bits().to_bytes()));
    assert_eq!(store.pending(), Ok(vec![id(2)]));
    assert!(whole(2).exists() && !part(2).exists());
}

#[test]
fn a_key_is_delivered_once_unless_asked_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    store.hold(id(1), key(1), certificate()).expect("held");
    assert!(matches!(store.mark_taken(id(1), false), Err(StoreFault::NoKey { .. })), "pending");
    store.release(id(1)).expect("released");
    store.mark_taken(id(1), false).expect("taken");
    drop(store);
    let mut store = open(folder.path());
    let refused = store.mark_taken(id(1), false).expect_err("taken before");
    assert!(refused.to_string().contains("--again"), "{refused}");
    store.mark_taken(id(1), true).expect("asked again");
    let entry = &store.entries().expect("readable")[0];
    assert_eq!((entry.bits, entry.state), (key(1).len() as u64, BlockState::Usable));
    assert!(entry.taken_at.is_some() && entry.held_at.is_some());
}

#[test]
fn a_new_secret_begins_new_counters_and_keeps_the_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    store.spend_pads(Way::Out, Purpose::Block, 9).expect("spent");
    store.record_epsilon(1e-6).expect("recorded");
    store.void_pads().expect("void");
    store.hold(id(1), key(1), certificate()).expect("held");
    let old = folder.path().join(format!("pads-{}.SIMULATED.secret", pairing(1).id()));
    assert!(store.renew(&pairing(1)).is_err(), "the same secret is not new");
    store.renew(&pairing(2)).expect("renewed");
    assert!(!old.exists());
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.header().pairing, pairing(2).id());
    assert_eq!(store.watermarks(), Ok(Default::default()));
    assert_eq!((store.epsilon_spent(), store.pads_are_void()), (Ok(0.0), Ok(false)));
    assert_eq!(store.pending(), Ok(vec![id(1)]));
    let book = store.pad_book().expect("the book");
    assert_eq!((book.size(Purpose::Block), book.size(Purpose::Recovery)), (40, 24));
    assert_eq!(store.header().identity.role, Role::Alice);
}

/// Pads that were burnt beyond the watermark: each once, for good, wiped, and forgotten when the
/// watermark has passed them.
#[test]
fn pads_burnt_ahead_are_remembered_and_wiped() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = create(folder.path());
    let name = format!("pads-{}.SIMULATED.secret", pairing(1).id());
    let fresh = std::fs::read(folder.path().join(&name)).expect("the pad file");
    // Bob's pads are the second half, his reserve the last 24 of it.
    let pad = |index: usize| &fresh[64 + 32 * (64 + 40 + index)..][..32];
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![]));
    for index in [20, 18] {
        assert!(found_in(folder.path(), pad(index)));
        store.burn_ahead(Purpose::Recovery, index as u64).expect("burnt");
        assert!(!found_in(folder.path(), pad(index)));
    }
    store.burn_ahead(Purpose::Block, 30).expect("burnt");
    assert_eq!(store.watermarks().expect("readable").in_recovery, 0);
    drop(store);

    // The crash came before the wiping.
    std::fs::write(folder.path().join(&name), &fresh).expect("the pads are back");
    let mut store = open(folder.path());
    assert!(!found_in(folder.path(), pad(18)) && !found_in(folder.path(), pad(20)));
    assert!(found_in(folder.path(), pad(17)) && found_in(folder.path(), pad(19)));
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![18, 20]));
    assert_eq!(store.burnt_ahead(Purpose::Block), Ok(vec![30]));
    let again = store.burn_ahead(Purpose::Recovery, 18);
    assert_eq!(again, Err(StoreError::PadSpent { next: 19, watermark: 0 }));
    store.spend_pads(Way::Out, Purpose::Recovery, 22).expect("the other direction");
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![18, 20]));
    store.spend_pads(Way::In, Purpose::Recovery, 19).expect("spent");
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![20]));
    let below = store.burn_ahead(Purpose::Recovery, 7);
    assert_eq!(below, Err(StoreError::PadSpent { next: 8, watermark: 19 }));
    assert_eq!(store.burnt_ahead(Purpose::Block), Ok(vec![30]));

    // A new secret has nothing burnt.
    store.renew(&pairing(2)).expect("renewed");
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![]));
    assert_eq!(store.burnt_ahead(Purpose::Block), Ok(vec![]));
}

/// A database of the release before this table.
#[test]
fn a_store_without_the_table_of_pads_burnt_ahead_opens_and_gets_it() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(create(folder.path()));
    let path = folder.path().join("station.SIMULATED.redb");
    let database = redb::Database::open(&path).expect("a database");
    let transaction = database.begin_write().expect("writable");
    let table = redb::TableDefinition::<(u8, u64), ()>::new("pads burnt ahead");
    assert!(transaction.delete_table(table).expect("deleted"), "it was there");
    transaction.commit().expect("written");
    drop(database);
    let mut store = open(folder.path());
    assert_eq!(store.burnt_ahead(Purpose::Recovery), Ok(vec![]));
    store.burn_ahead(Purpose::Recovery, 18).expect("burnt");
    drop(store);
    assert_eq!(open(folder.path()).burnt_ahead(Purpose::Recovery), Ok(vec![18]));
}
