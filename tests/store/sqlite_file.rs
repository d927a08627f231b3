//! The file: how it is made, and which ones are refused.

use crate::fixture::{
    Place, all, append, batch, behind, cluster, draft, drafts, head_of, lease, moment,
};
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::Head;
use pilothouse::ports::store::{InboxItem, StopFlag, Store, StoreError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn unavailable<T>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Unavailable(what)) => what,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn a_new_file_and_its_directories_are_for_their_owner_alone() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::set_permissions(outer.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let path = outer.path().join("state/pilothouse/store.db");
    let store = SqliteStore::open(&path).await.unwrap();
    lease(&store).await;
    assert_eq!(mode(&outer.path().join("state")), 0o700);
    assert_eq!(mode(&outer.path().join("state/pilothouse")), 0o700);
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    // What was there before is left as it was.
    assert_eq!(mode(outer.path()), 0o755);
}

#[tokio::test]
async fn everything_acknowledged_is_there_after_opening_again() {
    let place = Place::in_file();
    let store = SqliteStore::open(place.path()).await.unwrap();
    let held = lease(&store).await;
    let stop = InboxItem::Stop { by: "ann".into(), reason: "smoke".into() };
    let numbers = store.put(&cluster(), vec![stop.clone(), stop.clone()]).await.unwrap();
    let flag = StopFlag { by: "ann".into(), reason: "smoke".into(), since: moment(1) };
    store.set_stop(&cluster(), &flag).await.unwrap();
    let digest = store.put_blob(b"logs").await.unwrap();
    let written = store
        .append(&held, &Head::empty(), &batch("b1"), drafts(3), vec![], vec![numbers[0]])
        .await
        .unwrap();
    store.close().await;
    assert!(!place.path().with_file_name("store.db-wal").exists(), "closing tidies up");

    let again = SqliteStore::open(place.path()).await.unwrap();
    assert_eq!(all(&again).await, written);
    let waiting = again.waiting(&cluster(), 9).await.unwrap();
    assert_eq!(waiting.iter().map(|delivered| delivered.number).collect::<Vec<_>>(), numbers[1..]);
    assert_eq!(waiting[0].item, stop);
    assert_eq!(again.stop_flag(&cluster()).await, Ok(Some(flag)));
    assert_eq!(again.blob(&digest).await, Ok(Some(b"logs".to_vec())));
    let other = again.acquire(&cluster(), "engine-b", 9).await;
    assert_eq!(other, Err(StoreError::Held { holder: held.holder.clone(), until: held.until }));
    assert_eq!(append(&again, &held, "b1", drafts(3)).await, Ok(written));
}

#[tokio::test]
async fn what_has_no_directory_to_be_in_is_refused() {
    let what = unavailable(SqliteStore::open("/proc/pilothouse/store.db").await);
    assert!(what.contains("/proc/pilothouse") && what.contains("directory"), "{what}");
}

#[tokio::test]
async fn a_directory_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let what = unavailable(SqliteStore::open(directory.path()).await);
    assert!(what.contains("is no file"), "{what}");
}

#[tokio::test]
async fn a_schema_of_a_newer_release_is_refused_and_left_alone() {
    let place = Place::in_file();
    drop(place.open().await);
    sqlx::raw_sql("INSERT INTO schema_version VALUES (99, 'of the future', '')")
        .execute(&mut behind(&place).await)
        .await
        .unwrap();
    for answer in
        [SqliteStore::open(place.path()).await, SqliteStore::open_read_only(place.path()).await]
    {
        let what = unavailable(answer);
        assert!(what.contains("schema 99") && what.contains("newer release"), "{what}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    use sqlx::Connection as _;
    let place = Place::in_file();
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(place.path()).create_if_missing(true);
    let mut other = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE bookmark (url TEXT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let before = std::fs::read(place.path()).unwrap();
    let what = unavailable(SqliteStore::open(place.path()).await);
    assert!(what.contains("another program"), "{what}");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_is_corrupt_and_left_alone() {
    let place = Place::in_file();
    let text = "these are notes, of some length, about something else entirely\n".repeat(99);
    std::fs::write(place.path(), &text).unwrap();
    let answer = SqliteStore::open(place.path()).await;
    assert!(
        matches!(answer.err(), Some(StoreError::Corrupt(what)) if what.contains("no SQLite file"))
    );
    assert_eq!(std::fs::read_to_string(place.path()).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_file_is_corrupt_or_unavailable_and_never_taken_for_an_empty_log() {
    let place = Place::in_file();
    let store = SqliteStore::open(place.path()).await.unwrap();
    let held = lease(&store).await;
    append(&store, &held, "b1", drafts(2_000)).await.unwrap();
    store.close().await;
    let whole = std::fs::read(place.path()).unwrap();
    // Every page but the first is overwritten.
    let damaged =
        whole.iter().enumerate().map(|(place, byte)| if place < 4_096 { *byte } else { 0x5A });
    std::fs::write(place.path(), damaged.collect::<Vec<_>>()).unwrap();
    match SqliteStore::open(place.path()).await {
        Ok(store) => assert!(store.read(&cluster(), 0, u32::MAX, None).await.is_err()),
        Err(StoreError::Corrupt(what) | StoreError::Unavailable(what)) => {
            assert!(what.contains("store.db"), "{what}");
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn opening_for_reading_makes_nothing() {
    let place = Place::in_file();
    let what = unavailable(SqliteStore::open_read_only(place.path()).await);
    assert!(what.contains("there is no store at"), "{what}");
    std::fs::write(place.path(), "").unwrap();
    let what = unavailable(SqliteStore::open_read_only(place.path()).await);
    assert!(what.contains("holds no store yet"), "{what}");
    assert_eq!(std::fs::read(place.path()).unwrap(), b"");
}

#[tokio::test]
async fn a_store_opened_for_reading_reads_and_writes_nothing() {
    let place = Place::in_file();
    let writing = place.open().await;
    let held = lease(&*writing).await;
    let written = append(&*writing, &held, "b1", drafts(2)).await.unwrap();
    let reading = SqliteStore::open_read_only(place.path()).await.unwrap();
    assert_eq!(all(&reading).await, written);
    let flag = StopFlag { by: "ann".into(), reason: "smoke".into(), since: moment(1) };
    let answers = [
        reading.acquire(&cluster(), "engine-a", 9).await.map(drop),
        reading.renew(&held, 9).await.map(drop),
        reading.release(&held).await,
        append(&reading, &held, "b2", vec![draft("x")]).await.map(drop),
        reading.put_blob(b"x").await.map(drop),
        reading.put(&cluster(), vec![]).await.map(drop),
        reading.set_stop(&cluster(), &flag).await,
        reading.lift_stop(&cluster()).await,
        reading.probe().await.map(drop),
    ];
    for answer in answers {
        let what = unavailable(answer);
        assert!(what.contains("for reading only"), "{what}");
    }
    assert_eq!(all(&*writing).await, written);
}

#[tokio::test]
async fn a_file_that_was_deleted_or_replaced_takes_no_more_writes() {
    let place = Place::in_file();
    let store = SqliteStore::open(place.path()).await.unwrap();
    let owned = lease(&store).await;
    let first = append(&store, &owned, "b1", drafts(1)).await.unwrap();
    let aside = place.path().with_extension("aside");
    std::fs::rename(place.path(), &aside).unwrap();
    let again =
        store.append(&owned, &head_of(&first), &batch("b2"), drafts(1), vec![], vec![]).await;
    let what = unavailable(again);
    assert!(what.contains("no longer there"), "{what}");

    std::fs::write(place.path(), "").unwrap();
    let what = unavailable(store.renew(&owned, 60).await);
    assert!(what.contains("replaced by another file"), "{what}");

    std::fs::rename(&aside, place.path()).unwrap();
    append(&store, &owned, "b2", drafts(1)).await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
}
