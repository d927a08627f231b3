//! A full disk and a file that may only be read. Both happen to a process of their own: one that may not make
//! files larger, one that runs as somebody who does not own the file.

use crate::fixture::{Place, all, append, cluster, draft, drafts, lease, this_program_again};
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::{Head, PAYLOAD_LIMIT, verify_chain};
use pilothouse::ports::store::{InboxItem, Store, StoreError};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

const PATH: &str = "PILOTHOUSE_TEST_UNWRITABLE_PATH";

fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Unavailable(what)) => what,
        other => panic!("{other:?}"),
    }
}

fn check(output: &Output) {
    let talk = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && talk.contains("1 passed"), "{talk}");
}

#[tokio::test]
#[ignore = "a part of the next test, which starts it in a process of its own"]
async fn appending_until_the_disk_is_full() {
    let Ok(path) = std::env::var(PATH) else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let held = lease(&store).await;
    let mut large = draft("large");
    large.payload = vec![b' '; PAYLOAD_LIMIT];
    let mut written = 0_usize;
    let what = loop {
        match append(&store, &held, &format!("b{written}"), vec![large.clone(); 3]).await {
            Ok(_) => written += 1,
            answer => break unavailable(answer),
        }
    };
    assert!(written > 0, "there was room for some");
    assert!(what.contains("store.db") && what.contains("nothing was written"), "{what}");
    // Still so, for everything that writes; reading goes on, and nothing is half there.
    unavailable(append(&store, &held, &format!("b{written}"), vec![large; 3]).await);
    let item = InboxItem::Stop { by: "x".repeat(4 * PAYLOAD_LIMIT), reason: String::new() };
    unavailable(store.put(&cluster(), vec![item]).await);
    let events = all(&store).await;
    assert_eq!(events.len(), written * 3);
    verify_chain(Head::empty(), &events).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_nothing_is_half_written() {
    let place = Place::in_file();
    // A limit on the size of files, with the signal that goes with it ignored: writing beyond fails, as it does
    // when a quota is reached.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$@\"", "sh"])
        .args(this_program_again("sqlite_unwritable::appending_until_the_disk_is_full"))
        .env(PATH, place.path())
        .output()
        .unwrap();
    check(&output);
    // With room again, it goes on where it was.
    let store = place.open().await;
    let before = all(&*store).await;
    assert_eq!(store.waiting(&cluster(), 9).await, Ok(Vec::new()));
    let held = lease(&*store).await;
    append(&*store, &held, "later", drafts(1)).await.unwrap();
    let after = all(&*store).await;
    assert_eq!(after.len(), before.len() + 1);
    verify_chain(Head::empty(), &after).unwrap();
}

#[tokio::test]
#[ignore = "a part of the next test, which starts it as another user"]
async fn writing_to_a_file_that_may_only_be_read() {
    let Ok(path) = std::env::var(PATH) else { return };
    let reading = SqliteStore::open_read_only(&path).await.unwrap();
    assert_eq!(all(&reading).await.len(), 2);
    let what = match SqliteStore::open(&path).await {
        Ok(store) => {
            assert_eq!(all(&store).await.len(), 2);
            unavailable(store.probe().await);
            unavailable(store.acquire(&cluster(), "engine-b", 9).await)
        }
        Err(StoreError::Unavailable(what)) => what,
        Err(other) => panic!("{other:?}"),
    };
    assert!(what.contains("owner and mode"), "{what}");
}

#[tokio::test]
async fn a_file_that_may_only_be_read_is_unavailable_for_writing() {
    let place = Place::in_file();
    let store = place.open().await;
    let held = lease(&*store).await;
    append(&*store, &held, "b1", drafts(2)).await.unwrap();
    let directory = place.path().parent().unwrap().to_path_buf();
    let set_mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        set_mode(&directory.join(name), 0o444);
    }
    // The program is copied to where the other user can reach it.
    let mut words =
        this_program_again("sqlite_unwritable::writing_to_a_file_that_may_only_be_read");
    let program = directory.join("program");
    std::fs::copy(&words[0], &program).unwrap();
    words[0] = program.to_str().unwrap().to_owned();
    set_mode(&directory, 0o555);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(PATH, place.path()).current_dir("/");
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    set_mode(&directory, 0o755);
    check(&output);
    assert_eq!(all(&*store).await.len(), 2);
}
