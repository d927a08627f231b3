//! What every store promises. Each sentence runs against SQLite, against PostgreSQL in a database of its own, and against
//! the one in memory; the latter on no executor at all, since its futures must be complete at the first poll.

use crate::fixture::{
    Place, all, append, batch, cluster, draft, drafts, head_of, lease, moment, row,
};
use chrono::TimeDelta;
use pilothouse::domain::alert::{Alert, AlertStatus};
use pilothouse::domain::digest::sha256_hex;
use pilothouse::domain::envelope::{ENCODING_JSON, Head, PAYLOAD_LIMIT, verify_chain};
use pilothouse::domain::id::{ClusterId, Fingerprint, RemediationId};
use pilothouse::ports::store::{InboxItem, READS_KEPT, StopFlag, StoreError};
use std::collections::BTreeMap;

macro_rules! every_store {
    ($($sentence:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $sentence() {
                super::$sentence(super::Place::in_file()).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $sentence() {
                if let Some(database) = crate::postgres::Database::make(stringify!($sentence)).await {
                    super::$sentence(super::Place::Database(database)).await;
                }
            })*
        }
        mod memory {
            use futures::FutureExt as _;
            $(#[test]
            fn $sentence() {
                super::$sentence(super::Place::in_memory())
                    .now_or_never()
                    .expect("a store in memory never waits");
            })*
        }
    };
}

every_store! {
    a_free_lease_is_taken_with_fence_one
    a_held_lease_is_refused_to_another_holder_and_says_whose_it_is
    the_same_holder_takes_its_lease_again_with_a_higher_fence
    a_lapsed_lease_is_taken_by_another_with_a_higher_fence
    a_lapsed_lease_is_worth_nothing_even_when_nobody_took_it
    renewing_prolongs_a_lease_and_keeps_its_fence
    a_released_lease_is_free_and_can_not_be_used
    leases_of_different_clusters_do_not_meet
    appended_events_come_back_as_they_were_and_verify
    every_byte_of_text_and_payload_survives
    times_are_cut_to_milliseconds
    an_append_without_a_lease_is_fenced
    an_append_under_an_older_fence_is_fenced_and_writes_nothing
    an_append_on_another_head_is_a_conflict_and_writes_nothing
    an_append_on_a_head_with_another_hash_is_corruption
    the_same_batch_again_changes_nothing_and_gives_its_events
    the_same_batch_is_known_after_later_batches_and_under_a_new_lease
    a_batch_id_used_for_other_events_is_refused
    a_batch_without_events_takes_inbox_items_and_is_repeatable
    a_payload_over_the_limit_is_refused_and_the_batch_with_it
    reading_goes_in_order_from_a_position_up_to_a_limit
    reading_one_remediation_gives_its_events_only
    the_index_is_newest_first_and_pages
    a_later_row_of_the_index_replaces_the_earlier
    clusters_are_those_with_events
    blobs_are_kept_by_their_digest
    only_the_newest_readings_are_kept
    inbox_items_wait_in_order_until_an_append_takes_them
    a_refused_append_takes_no_inbox_items
    numbers_of_inbox_items_are_never_used_twice
    items_of_other_clusters_are_neither_seen_nor_taken
    the_stop_flag_is_set_replaced_and_lifted
    a_probe_says_where_it_wrote
}

async fn a_free_lease_is_taken_with_fence_one(place: Place) {
    let store = place.open().await;
    let lease = store.acquire(&cluster(), "engine-a", 60).await.unwrap();
    assert_eq!((lease.cluster, lease.holder.as_str(), lease.fence), (cluster(), "engine-a", 1));
}

async fn a_held_lease_is_refused_to_another_holder_and_says_whose_it_is(place: Place) {
    let (first, second) = (place.open().await, place.open().await);
    let lease = first.acquire(&cluster(), "engine-a", 60).await.unwrap();
    let refused = second.acquire(&cluster(), "engine-b", 60).await;
    assert_eq!(refused, Err(StoreError::Held { holder: "engine-a".into(), until: lease.until }));
}

async fn the_same_holder_takes_its_lease_again_with_a_higher_fence(place: Place) {
    let (first, second) = (place.open().await, place.open().await);
    let old = first.acquire(&cluster(), "engine-a", 60).await.unwrap();
    let new = second.acquire(&cluster(), "engine-a", 60).await.unwrap();
    assert_eq!((old.fence, new.fence), (1, 2));
    assert_eq!(append(&*first, &old, "b1", drafts(1)).await, Err(StoreError::Fenced));
    assert!(append(&*second, &new, "b1", drafts(1)).await.is_ok());
}

async fn a_lapsed_lease_is_taken_by_another_with_a_higher_fence(place: Place) {
    let (first, second) = (place.open().await, place.open().await);
    let old = first.acquire(&cluster(), "engine-a", 0).await.unwrap();
    let new = second.acquire(&cluster(), "engine-b", 60).await.unwrap();
    assert_eq!((old.fence, new.fence), (1, 2));
    assert_eq!(first.renew(&old, 60).await, Err(StoreError::Fenced));
    assert_eq!(first.release(&old).await, Err(StoreError::Fenced));
    assert_eq!(append(&*first, &old, "b1", drafts(1)).await, Err(StoreError::Fenced));
    assert!(append(&*second, &new, "b1", drafts(1)).await.is_ok());
}

async fn a_lapsed_lease_is_worth_nothing_even_when_nobody_took_it(place: Place) {
    let store = place.open().await;
    let lapsed = store.acquire(&cluster(), "engine-a", 0).await.unwrap();
    assert_eq!(append(&*store, &lapsed, "b1", drafts(1)).await, Err(StoreError::Fenced));
    assert_eq!(store.renew(&lapsed, 60).await, Err(StoreError::Fenced));
    assert_eq!(store.head(&cluster()).await, Ok(Head::empty()));
}

async fn renewing_prolongs_a_lease_and_keeps_its_fence(place: Place) {
    let store = place.open().await;
    let lease = store.acquire(&cluster(), "engine-a", 60).await.unwrap();
    let renewed = store.renew(&lease, 600).await.unwrap();
    assert_eq!(renewed.fence, lease.fence);
    assert!(renewed.until >= lease.until + TimeDelta::seconds(540));
    let refused = store.acquire(&cluster(), "engine-b", 60).await;
    assert_eq!(refused, Err(StoreError::Held { holder: "engine-a".into(), until: renewed.until }));
}

async fn a_released_lease_is_free_and_can_not_be_used(place: Place) {
    let store = place.open().await;
    let old = lease(&*store).await;
    store.release(&old).await.unwrap();
    assert_eq!(append(&*store, &old, "b1", drafts(1)).await, Err(StoreError::Fenced));
    let new = store.acquire(&cluster(), "engine-b", 60).await.unwrap();
    assert_eq!(new.fence, 2);
}

async fn leases_of_different_clusters_do_not_meet(place: Place) {
    let store = place.open().await;
    let other = ClusterId::new("other");
    let one = store.acquire(&cluster(), "engine-a", 60).await.unwrap();
    let two = store.acquire(&other, "engine-b", 60).await.unwrap();
    append(&*store, &one, "b1", drafts(2)).await.unwrap();
    append(&*store, &two, "b1", drafts(1)).await.unwrap();
    assert_eq!(store.head(&cluster()).await.unwrap().seq, 2);
    let theirs = store.read(&other, 0, 10, None).await.unwrap();
    assert_eq!(theirs.iter().map(|event| event.stream.clone()).collect::<Vec<_>>(), [other]);
}

async fn appended_events_come_back_as_they_were_and_verify(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    assert_eq!(store.head(&cluster()).await, Ok(Head::empty()));
    let first = append(&*store, &lease, "b1", vec![draft("a"), draft("b")]).await.unwrap();
    let second = append(&*store, &lease, "b2", vec![draft("c")]).await.unwrap();
    let read = all(&*place.open().await).await;
    assert_eq!(read, [first, second].concat());
    let head = verify_chain(Head::empty(), &read).unwrap();
    assert_eq!(store.head(&cluster()).await.unwrap(), head);
    let event = &read[1];
    let wanted = draft("b");
    assert_eq!((event.seq, event.fence, event.encoding), (2, lease.fence, ENCODING_JSON));
    assert_eq!((&event.stream, event.batch.as_str(), event.at), (&cluster(), "b1", wanted.at));
    assert_eq!(
        (&event.by, &event.cause, &event.subject),
        (&wanted.by, &wanted.cause, &wanted.subject)
    );
    assert_eq!((&event.kind, event.schema), (&wanted.kind, wanted.schema));
    assert_eq!(event.payload, wanted.payload);
}

async fn every_byte_of_text_and_payload_survives(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let strange = "nul \u{0} quote \" ' back\\slash $1 ; -- \u{202e}\u{1f6a8} \u{7f}\r\n";
    let mut odd = draft("odd");
    odd.by = strange.into();
    odd.cause = strange.into();
    odd.kind = strange.into();
    odd.subject = Some(RemediationId::new(strange));
    odd.payload = (0..=255).collect();
    odd.schema = u16::MAX;
    let mut bare = draft("bare");
    (bare.by, bare.cause, bare.subject) = (String::new(), String::new(), None);
    bare.payload = Vec::new();
    let mut largest = draft("largest");
    largest.payload = vec![0; PAYLOAD_LIMIT];
    let written = append(&*store, &lease, strange, vec![odd, bare, largest]).await.unwrap();
    let read = all(&*store).await;
    assert_eq!(read, written);
    assert!(verify_chain(Head::empty(), &read).is_ok());
    let theirs = store.read(&cluster(), 0, 9, Some(&RemediationId::new(strange))).await.unwrap();
    assert_eq!(theirs, read[..1]);
}

async fn times_are_cut_to_milliseconds(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let mut fine = draft("fine");
    fine.at = moment(5) + TimeDelta::nanoseconds(999_999);
    let written = append(&*store, &lease, "b1", vec![fine]).await.unwrap();
    assert_eq!(written[0].at, moment(5));
    assert_eq!(all(&*store).await, written);
}

async fn an_append_without_a_lease_is_fenced(place: Place) {
    let store = place.open().await;
    let mut made_up = store.acquire(&ClusterId::new("other"), "engine-a", 60).await.unwrap();
    made_up.cluster = cluster();
    assert_eq!(append(&*store, &made_up, "b1", drafts(1)).await, Err(StoreError::Fenced));
}

async fn an_append_under_an_older_fence_is_fenced_and_writes_nothing(place: Place) {
    let store = place.open().await;
    let old = lease(&*store).await;
    let new = lease(&*store).await;
    append(&*store, &new, "b1", drafts(1)).await.unwrap();
    // Even for a batch that is in the log: who lost the lease must learn of it.
    assert_eq!(append(&*store, &old, "b1", drafts(1)).await, Err(StoreError::Fenced));
    assert_eq!(append(&*store, &old, "b2", drafts(1)).await, Err(StoreError::Fenced));
    assert_eq!(all(&*store).await.len(), 1);
}

async fn an_append_on_another_head_is_a_conflict_and_writes_nothing(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let head = head_of(&append(&*store, &lease, "b1", drafts(3)).await.unwrap());
    for (seq, hash) in [(0, "0"), (2, "2"), (4, "4")] {
        let wrong = Head { seq, hash: hash.into() };
        let rows = vec![row("case-1", true, 1, 9)];
        let refused = store.append(&lease, &wrong, &batch("b2"), drafts(1), rows, vec![]).await;
        assert_eq!(refused, Err(StoreError::Conflict { expected: seq, found: 3 }));
    }
    assert_eq!(store.head(&cluster()).await, Ok(head));
    assert_eq!(store.index(&cluster(), false, 0, 9).await, Ok(Vec::new()));
}

async fn an_append_on_a_head_with_another_hash_is_corruption(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    append(&*store, &lease, "b1", drafts(1)).await.unwrap();
    let wrong = Head { seq: 1, hash: "f".repeat(64) };
    let refused = store.append(&lease, &wrong, &batch("b2"), drafts(1), vec![], vec![]).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(what)) if what.contains("event 1")));
    assert_eq!(all(&*store).await.len(), 1);
}

async fn the_same_batch_again_changes_nothing_and_gives_its_events(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let rows = vec![row("case-1", true, 1, 2)];
    let start = Head::empty();
    let once =
        store.append(&lease, &start, &batch("b1"), drafts(2), rows.clone(), vec![]).await.unwrap();
    let item = store.put(&cluster(), vec![stop("later")]).await.unwrap();
    // With the head of then, with the head of now; what else is handed in is not looked at again.
    for head in [start, head_of(&once)] {
        let twice = store
            .append(
                &lease,
                &head,
                &batch("b1"),
                drafts(2),
                vec![row("x", true, 1, 1)],
                item.clone(),
            )
            .await;
        assert_eq!(twice, Ok(once.clone()));
    }
    assert_eq!(all(&*store).await, once);
    assert_eq!(store.index(&cluster(), false, 0, 9).await, Ok(rows));
    assert_eq!(store.waiting(&cluster(), 9).await.unwrap().len(), 1);
}

async fn the_same_batch_is_known_after_later_batches_and_under_a_new_lease(place: Place) {
    let store = place.open().await;
    let old = lease(&*store).await;
    let first = append(&*store, &old, "b1", drafts(2)).await.unwrap();
    append(&*store, &old, "b2", drafts(2)).await.unwrap();
    let new = lease(&*store).await;
    assert_eq!(append(&*store, &new, "b1", drafts(2)).await, Ok(first));
    assert_eq!(store.head(&cluster()).await.unwrap().seq, 4);
}

async fn a_batch_id_used_for_other_events_is_refused(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    append(&*store, &lease, "b1", drafts(2)).await.unwrap();
    let mut changed = drafts(2);
    changed[1].payload = b"{}".to_vec();
    for other in [drafts(1), drafts(3), changed] {
        let refused = append(&*store, &lease, "b1", other).await;
        assert!(matches!(refused, Err(StoreError::Refused(what)) if what.contains("b1")));
    }
    assert_eq!(all(&*store).await.len(), 2);
}

async fn a_batch_without_events_takes_inbox_items_and_is_repeatable(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let taken = store.put(&cluster(), vec![stop("x")]).await.unwrap();
    for _ in 0..2 {
        let empty =
            store.append(&lease, &Head::empty(), &batch("b1"), vec![], vec![], taken.clone()).await;
        assert_eq!(empty, Ok(Vec::new()));
        assert_eq!(store.waiting(&cluster(), 9).await, Ok(Vec::new()));
    }
    append(&*store, &lease, "b2", drafts(1)).await.unwrap();
    assert_eq!(append(&*store, &lease, "b1", vec![]).await, Ok(Vec::new()));
    assert_eq!(all(&*store).await.len(), 1);
}

async fn a_payload_over_the_limit_is_refused_and_the_batch_with_it(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let mut large = drafts(3);
    large[1].payload = vec![b' '; PAYLOAD_LIMIT + 1];
    let refused = append(&*store, &lease, "b1", large).await;
    assert!(matches!(refused, Err(StoreError::Refused(what)) if what.contains("blob")));
    assert_eq!(store.head(&cluster()).await, Ok(Head::empty()));
    // The store itself works on, and the batch id is unused.
    assert_eq!(append(&*store, &lease, "b1", drafts(1)).await.unwrap().len(), 1);
}

async fn reading_goes_in_order_from_a_position_up_to_a_limit(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    append(&*store, &lease, "b1", drafts(7)).await.unwrap();
    let read = async |after, limit| {
        let events = store.read(&cluster(), after, limit, None).await.unwrap();
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 3).await, [1, 2, 3]);
    assert_eq!(read(3, 3).await, [4, 5, 6]);
    assert_eq!(read(6, 3).await, [7]);
    assert_eq!(read(7, 3).await, [0; 0]);
    assert_eq!(read(u64::MAX, 3).await, [0; 0]);
    assert_eq!(read(0, 0).await, [0; 0]);
    assert_eq!(store.read(&ClusterId::new("none"), 0, 9, None).await, Ok(Vec::new()));
}

async fn reading_one_remediation_gives_its_events_only(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let mut mixed = drafts(9);
    for (number, draft) in mixed.iter_mut().enumerate() {
        let subjects = [Some("case-a"), Some("case-b"), None];
        draft.subject = subjects[number % 3].map(RemediationId::new);
    }
    append(&*store, &lease, "b1", mixed).await.unwrap();
    let read = async |after, limit, id| {
        let id = RemediationId::new(id);
        let events = store.read(&cluster(), after, limit, Some(&id)).await.unwrap();
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 9, "case-b").await, [2, 5, 8]);
    assert_eq!(read(2, 1, "case-b").await, [5]);
    assert_eq!(read(0, 9, "case").await, [0; 0]);
}

async fn the_index_is_newest_first_and_pages(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let rows = [("a", true, 1), ("b", false, 2), ("c", true, 3), ("d", false, 4)]
        .map(|(id, live, seq)| row(id, live, seq, seq));
    store
        .append(&lease, &Head::empty(), &batch("b1"), drafts(4), rows.to_vec(), vec![])
        .await
        .unwrap();
    let list = async |live_only, skip, limit| {
        let rows = store.index(&cluster(), live_only, skip, limit).await.unwrap();
        rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>().concat()
    };
    assert_eq!(list(false, 0, 9).await, "dcba");
    assert_eq!(list(false, 1, 2).await, "cb");
    assert_eq!(list(true, 0, 9).await, "ca");
    assert_eq!(list(true, 1, 9).await, "a");
    assert_eq!(list(true, 2, 9).await, "");
    assert_eq!(store.index(&cluster(), false, 0, 1).await.unwrap(), [row("d", false, 4, 4)]);
}

async fn a_later_row_of_the_index_replaces_the_earlier(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let first = store
        .append(&lease, &Head::empty(), &batch("b1"), drafts(1), vec![row("a", true, 1, 1)], vec![])
        .await
        .unwrap();
    let closed = row("a", false, 1, 2);
    store
        .append(&lease, &head_of(&first), &batch("b2"), drafts(1), vec![closed.clone()], vec![])
        .await
        .unwrap();
    assert_eq!(store.index(&cluster(), false, 0, 9).await, Ok(vec![closed]));
    assert_eq!(store.index(&cluster(), true, 0, 9).await, Ok(Vec::new()));
}

async fn clusters_are_those_with_events(place: Place) {
    let store = place.open().await;
    store.put(&ClusterId::new("inbox only"), vec![stop("x")]).await.unwrap();
    assert_eq!(store.clusters().await, Ok(Vec::new()));
    for name in ["b", "a"] {
        let lease = store.acquire(&ClusterId::new(name), "engine-a", 60).await.unwrap();
        append(&*store, &lease, "b1", drafts(1)).await.unwrap();
    }
    assert_eq!(store.clusters().await, Ok(vec![ClusterId::new("a"), ClusterId::new("b")]));
}

async fn blobs_are_kept_by_their_digest(place: Place) {
    let store = place.open().await;
    let bytes = (0..=255).cycle().take(300_000).collect::<Vec<u8>>();
    let digest = store.put_blob(&bytes).await.unwrap();
    assert_eq!(digest, sha256_hex(&bytes));
    assert_eq!(store.put_blob(&bytes).await.unwrap(), digest);
    assert_eq!(place.open().await.blob(&digest).await, Ok(Some(bytes)));
    assert_eq!(store.put_blob(b"").await.unwrap(), sha256_hex(b""));
    assert_eq!(store.blob(&sha256_hex(b"")).await, Ok(Some(Vec::new())));
    assert_eq!(store.blob("none").await, Ok(None));
}

async fn only_the_newest_readings_are_kept(place: Place) {
    let store = place.open().await;
    let first = store.put_reads(b"first").await.unwrap();
    let second = store.put_reads(b"second").await.unwrap();
    assert_eq!(first, sha256_hex(b"first"));
    assert_eq!(place.open().await.reads(&first).await, Ok(Some(b"first".to_vec())));
    // What comes again counts as new.
    assert_eq!(store.put_reads(b"first").await.unwrap(), first);
    for n in 0..READS_KEPT - 1 {
        store.put_reads(format!("{n}").as_bytes()).await.unwrap();
    }
    assert_eq!(store.reads(&second).await, Ok(None));
    assert_eq!(store.reads(&first).await, Ok(Some(b"first".to_vec())));
    assert_eq!(store.reads("none").await, Ok(None));
}

async fn inbox_items_wait_in_order_until_an_append_takes_them(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let alert = InboxItem::Alert(alert());
    let numbers = store.put(&cluster(), vec![stop("one"), alert.clone()]).await.unwrap();
    let later = place.open().await.put(&cluster(), vec![stop("three")]).await.unwrap();
    assert!(numbers[0] < numbers[1] && numbers[1] < later[0]);
    let waiting = store.waiting(&cluster(), 9).await.unwrap();
    let items = waiting.iter().map(|delivered| delivered.item.clone()).collect::<Vec<_>>();
    assert_eq!(items, [stop("one"), alert, stop("three")]);
    assert_eq!(
        waiting.iter().map(|d| d.number).collect::<Vec<_>>(),
        [numbers.clone(), later.clone()].concat()
    );
    assert_eq!(store.waiting(&cluster(), 2).await.unwrap(), waiting[..2]);

    let taken = vec![numbers[0], later[0]];
    store.append(&lease, &Head::empty(), &batch("b1"), drafts(1), vec![], taken).await.unwrap();
    assert_eq!(store.waiting(&cluster(), 9).await.unwrap(), waiting[1..2]);
    assert_eq!(store.put(&cluster(), vec![]).await, Ok(Vec::new()));
}

async fn a_refused_append_takes_no_inbox_items(place: Place) {
    let store = place.open().await;
    let old = lease(&*store).await;
    let new = lease(&*store).await;
    let taken = store.put(&cluster(), vec![stop("x")]).await.unwrap();
    let wrong = Head { seq: 4, hash: "4".into() };
    let mut large = draft("large");
    large.payload = vec![b' '; PAYLOAD_LIMIT + 1];
    for (lease, head, draft) in [
        (&old, &Head::empty(), draft("a")),
        (&new, &wrong, draft("a")),
        (&new, &Head::empty(), large),
    ] {
        let refused =
            store.append(lease, head, &batch("b1"), vec![draft], vec![], taken.clone()).await;
        assert!(refused.is_err());
    }
    assert_eq!(store.waiting(&cluster(), 9).await.unwrap().len(), 1);
}

async fn numbers_of_inbox_items_are_never_used_twice(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let first = store.put(&cluster(), vec![stop("x")]).await.unwrap();
    store
        .append(&lease, &Head::empty(), &batch("b1"), vec![], vec![], first.clone())
        .await
        .unwrap();
    let second = place.open().await.put(&cluster(), vec![stop("y")]).await.unwrap();
    assert!(second[0] > first[0]);
}

async fn items_of_other_clusters_are_neither_seen_nor_taken(place: Place) {
    let store = place.open().await;
    let lease = lease(&*store).await;
    let other = ClusterId::new("other");
    let theirs = store.put(&other, vec![stop("x")]).await.unwrap();
    assert_eq!(store.waiting(&cluster(), 9).await, Ok(Vec::new()));
    store.append(&lease, &Head::empty(), &batch("b1"), vec![], vec![], theirs).await.unwrap();
    assert_eq!(store.waiting(&other, 9).await.unwrap().len(), 1);
}

async fn the_stop_flag_is_set_replaced_and_lifted(place: Place) {
    let store = place.open().await;
    assert_eq!(store.stop_flag(&cluster()).await, Ok(None));
    store.lift_stop(&cluster()).await.unwrap();
    for reason in ["one", "two"] {
        let flag = StopFlag { by: "ann".into(), reason: reason.into(), since: moment(7) };
        store.set_stop(&cluster(), &flag).await.unwrap();
        assert_eq!(place.open().await.stop_flag(&cluster()).await, Ok(Some(flag)));
        assert_eq!(store.stop_flag(&ClusterId::new("other")).await, Ok(None));
    }
    store.lift_stop(&cluster()).await.unwrap();
    assert_eq!(store.stop_flag(&cluster()).await, Ok(None));
}

async fn a_probe_says_where_it_wrote(place: Place) {
    let store = place.open().await;
    let said = store.probe().await.unwrap();
    match &place {
        Place::Memory(_) => assert!(said.contains("memory")),
        Place::Database(database) => {
            assert!(said.contains(&database.name) && said.contains("ms"), "{said}");
        }
        Place::File(_) => {
            assert!(said.contains(&place.path().display().to_string()) && said.contains("ms"));
        }
    }
}

fn stop(reason: &str) -> InboxItem {
    InboxItem::Stop { by: "ann \u{0}".into(), reason: reason.into() }
}

fn alert() -> Alert {
    Alert {
        fingerprint: Fingerprint::new("1f"),
        status: AlertStatus::Firing,
        labels: BTreeMap::from([("alertname".into(), "Down \"x\"\u{1f6a8}".into())]),
        annotations: BTreeMap::new(),
        starts_at: moment(3),
        ends_at: None,
    }
}
