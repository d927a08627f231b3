//! What somebody with write access to the file can change, and whether it shows.

use crate::fixture::{Place, all, append, batch, behind, cluster, draft, drafts, lease};
use pilothouse::domain::envelope::{ChainBreak, Head, verify_chain};
use pilothouse::ports::store::{Store, StoreError};
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::Arc;

/// A log of nine events in three batches, with its head, changed by `sql`.
async fn tampered(sql: &str) -> (Place, Arc<dyn Store>, Head) {
    let place = Place::in_file();
    let store = place.open().await;
    let lease = lease(&*store).await;
    for name in ["b1", "b2", "b3"] {
        append(&*store, &lease, name, drafts(3)).await.unwrap();
    }
    let head = verify_chain(Head::empty(), &all(&*store).await).unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut behind(&place).await).await.unwrap();
    assert!(done.rows_affected() > 0, "nothing was tampered with");
    (place, store, head)
}

async fn verified(sql: &str) -> Result<Head, ChainBreak> {
    let (_place, store, _) = tampered(sql).await;
    verify_chain(Head::empty(), &all(&*store).await)
}

#[tokio::test]
async fn a_change_of_any_field_is_found_at_its_event() {
    for change in [
        "payload = x'7b7d'",
        "payload = CAST(payload AS TEXT) || ' '",
        "at = '2026-01-01T00:00:00.000Z'",
        "who = 'somebody else'",
        "cause = ''",
        "subject = 'case-2'",
        "subject = NULL",
        "fence = 7",
        "batch = 'b9'",
        "kind = 'closed'",
        "schema = 2",
        "encoding = 1",
        "hash = upper(hash)",
    ] {
        let (sql, column) = (format!("UPDATE event SET {change} WHERE seq = 5"), change);
        let sql = sql
            .replace("CAST(payload AS TEXT) || ' '", "CAST(CAST(payload AS TEXT) || ' ' AS BLOB)");
        match verified(&sql).await {
            Err(ChainBreak::Changed { seq: 5, .. }) => {}
            other => panic!("{column}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_changed_link_is_found() {
    let broken = verified("UPDATE event SET prev = upper(prev) WHERE seq = 5").await;
    assert_eq!(broken, Err(ChainBreak::Unlinked { seq: 5 }));
}

#[tokio::test]
async fn another_cluster_for_a_log_is_found() {
    let (_place, store, _) = tampered("UPDATE stream SET cluster = 'other'").await;
    let moved = pilothouse::domain::id::ClusterId::new("other");
    let events = store.read(&moved, 0, 9, None).await.unwrap();
    assert!(matches!(
        verify_chain(Head::empty(), &events),
        Err(ChainBreak::Changed { seq: 1, .. })
    ));
}

#[tokio::test]
async fn a_removed_event_is_found() {
    let gap = verified("DELETE FROM event WHERE seq = 5").await;
    assert_eq!(gap, Err(ChainBreak::Gap { expected: 5, found: 6 }));
    let first = verified("DELETE FROM event WHERE seq = 1").await;
    assert_eq!(first, Err(ChainBreak::Gap { expected: 1, found: 2 }));
}

#[tokio::test]
async fn a_removed_event_is_found_when_the_later_ones_are_moved_up() {
    let closed = verified(
        "DELETE FROM event WHERE seq = 5;
         UPDATE event SET seq = -seq WHERE seq > 5 AND 0;
         UPDATE event SET seq = 5 WHERE seq = 6; UPDATE event SET seq = 6 WHERE seq = 7;
         UPDATE event SET seq = 7 WHERE seq = 8; UPDATE event SET seq = 8 WHERE seq = 9",
    )
    .await;
    assert_eq!(closed, Err(ChainBreak::Unlinked { seq: 5 }));
}

#[tokio::test]
async fn two_events_that_changed_places_are_found() {
    let swapped = verified(
        "UPDATE event SET seq = 99 WHERE seq = 5; UPDATE event SET seq = 5 WHERE seq = 6;
         UPDATE event SET seq = 6 WHERE seq = 99",
    )
    .await;
    assert_eq!(swapped, Err(ChainBreak::Unlinked { seq: 5 }));
}

#[tokio::test]
async fn an_inserted_event_is_found() {
    let inserted = verified(
        "UPDATE event SET seq = 10 WHERE seq = 9;
         INSERT INTO event SELECT stream, 9, at, who, cause, subject, fence, batch, kind, schema, encoding,
                                  payload, prev, hash FROM event WHERE seq = 8",
    )
    .await;
    assert_eq!(inserted, Err(ChainBreak::Unlinked { seq: 9 }));
}

#[tokio::test]
async fn a_cut_tail_shows_only_against_a_head_that_was_noted_elsewhere() {
    let (_place, store, noted) = tampered("DELETE FROM event WHERE seq > 6").await;
    let head = verify_chain(Head::empty(), &all(&*store).await).unwrap();
    assert_eq!((head.seq, noted.seq), (6, 9));
    let lease = lease(&*store).await;
    let refused = store.append(&lease, &noted, &batch("b4"), drafts(1), vec![], vec![]).await;
    assert_eq!(refused, Err(StoreError::Conflict { expected: 9, found: 6 }));
}

#[tokio::test]
async fn a_tail_that_was_written_anew_shows_against_a_head_that_was_noted_elsewhere() {
    let (_place, store, noted) =
        tampered("DELETE FROM event WHERE seq = 9; DELETE FROM batch").await;
    let lease = lease(&*store).await;
    let mut other = draft("other");
    other.by = "somebody else".into();
    append(&*store, &lease, "b9", vec![other]).await.unwrap();
    assert!(verify_chain(Head::empty(), &all(&*store).await).is_ok());
    let refused = store.append(&lease, &noted, &batch("b10"), drafts(1), vec![], vec![]).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(what)) if what.contains("event 9")));
}

#[tokio::test]
async fn rows_that_make_no_sense_come_back_as_corrupt_and_name_their_event() {
    for (change, names) in [
        ("at = 'yesterday'", "yesterday"),
        // The same moment, but not as it is written: the hash would not show the difference.
        ("at = replace(at, 'Z', '+00:00')", "+00:00"),
        ("schema = 70000", "schema"),
        ("encoding = -1", "encoding"),
        ("fence = -1", "fence"),
        ("who = CAST(x'ff' AS TEXT)", "utf-8"),
    ] {
        let (_place, store, _) =
            tampered(&format!("UPDATE event SET {change} WHERE seq = 5")).await;
        match store.read(&cluster(), 0, 99, None).await {
            Err(StoreError::Corrupt(what)) => {
                assert!(what.contains("event 5 of cluster") && what.contains(names), "{what}");
            }
            other => panic!("{change}: {other:?}"),
        }
        assert_eq!(store.read(&cluster(), 0, 4, None).await.unwrap().len(), 4);
    }
}

#[tokio::test]
async fn other_unreadable_rows_are_corrupt_too() {
    let place = Place::in_file();
    let store = place.open().await;
    let held = lease(&*store).await;
    let item = pilothouse::ports::store::InboxItem::Stop { by: "a".into(), reason: "b".into() };
    let numbers = store.put(&cluster(), vec![item]).await.unwrap();
    let digest = store.put_blob(b"evidence").await.unwrap();
    append(&*store, &held, "b1", drafts(1)).await.unwrap();
    sqlx::raw_sql(
        "UPDATE inbox SET item = '{}'; UPDATE blob SET bytes = x'00'; UPDATE lease SET until = 'never';
         INSERT INTO stop VALUES (1, 'a', 'b', 'c');
         INSERT INTO remediation VALUES (1, 'case-1', 1, 'once', 1, 1)",
    )
    .execute(&mut behind(&place).await)
    .await
    .unwrap();
    let corrupt = |answer: StoreError, names: &str| match answer {
        StoreError::Corrupt(what) => assert!(what.contains(names), "{what}"),
        other => panic!("{other:?}"),
    };
    corrupt(store.waiting(&cluster(), 9).await.unwrap_err(), &format!("item {}", numbers[0]));
    corrupt(store.blob(&digest).await.unwrap_err(), &digest);
    corrupt(store.stop_flag(&cluster()).await.unwrap_err(), "stop flag");
    corrupt(store.index(&cluster(), false, 0, 9).await.unwrap_err(), "case-1");
    corrupt(store.acquire(&cluster(), "engine-b", 9).await.unwrap_err(), "lease");
}

#[tokio::test]
async fn our_own_mistakes_can_not_change_or_remove_events() {
    let place = Place::in_file();
    let store = place.open().await;
    let lease = lease(&*store).await;
    let written = append(&*store, &lease, "b1", drafts(2)).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut raw = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    for sql in ["UPDATE event SET who = 'x'", "DELETE FROM event WHERE seq = 2"] {
        let refused = sqlx::raw_sql(sql).execute(&mut raw).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(all(&*store).await, written);
}
