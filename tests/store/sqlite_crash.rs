//! Killed in the middle of appending. (This shows what a killed process leaves; that `synchronous = FULL` holds
//! through a loss of power is SQLite's promise, and can't be shown from inside.)

use crate::fixture::{Place, all, cluster, draft, lease, this_program_again};
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::{Head, verify_chain};
use pilothouse::domain::id::BatchId;
use pilothouse::ports::store::{InboxItem, Store};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const PATH: &str = "PILOTHOUSE_TEST_CRASH_PATH";

/// Puts items into the inbox, and appends one event for each as it takes them; says what was acknowledged.
#[tokio::test]
#[ignore = "a part of the next test, which starts it in a process of its own"]
async fn appending_until_killed() {
    let Ok(path) = std::env::var(PATH) else { return };
    let store = SqliteStore::open(path).await.unwrap();
    let lease = lease(&store).await;
    let mut head = store.head(&cluster()).await.unwrap();
    for round in 1_usize.. {
        let items = (0..=round % 5)
            .map(|n| InboxItem::Stop {
                by: format!("{}-{round}-{n}", lease.fence),
                reason: "x".into(),
            })
            .collect();
        for number in store.put(&cluster(), items).await.unwrap() {
            say(&format!("put {number}"));
        }
        let waiting = store.waiting(&cluster(), 8).await.unwrap();
        let drafts = waiting.iter().map(|item| draft(&item.number.to_string())).collect();
        let taken = waiting.iter().map(|item| item.number).collect();
        let batch = BatchId::new(format!("{}-{round}", lease.fence));
        let written = store.append(&lease, &head, &batch, drafts, vec![], taken).await.unwrap();
        let last = written.last().unwrap();
        head = Head { seq: last.seq, hash: last.hash.clone() };
        say(&format!("appended {} {}", head.seq, head.hash));
    }
}

fn say(line: &str) {
    // A line of its own: the test harness may have begun one.
    let mut out = std::io::stdout().lock();
    write!(out, "\n{line}\n").unwrap();
    out.flush().unwrap();
}

/// What one killed process had been told is done.
#[derive(Default)]
struct Acknowledged {
    put: Vec<u64>,
    appended: BTreeMap<u64, String>,
}

fn run_and_kill(path: &Path, after: usize, told: &mut Acknowledged) {
    let words = this_program_again("sqlite_crash::appending_until_killed");
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut appends = 0;
    while appends < after {
        let line = out.next().expect("the process ended by itself").unwrap();
        appends += usize::from(hear(&line, told));
    }
    // It goes on appending while the signal is under way: that is the middle of an append.
    child.kill().unwrap();
    for line in out {
        // The last line may be cut short; what is whole was acknowledged.
        hear(&line.unwrap(), told);
    }
    assert!(!child.wait().unwrap().success());
}

fn hear(line: &str, told: &mut Acknowledged) -> bool {
    let words = line.split(' ').collect::<Vec<_>>();
    match words[..] {
        ["put", number] => told.put.push(number.parse().unwrap()),
        ["appended", seq, hash] if hash.len() == 64 => {
            told.appended.insert(seq.parse().unwrap(), hash.to_owned());
            return true;
        }
        _ => {}
    }
    false
}

#[tokio::test]
async fn a_process_killed_while_appending_loses_nothing_that_was_acknowledged() {
    let place = Place::in_file();
    let mut told = Acknowledged::default();
    for after in [1, 2, 3, 5, 8, 13, 21, 34] {
        run_and_kill(&place.path(), after, &mut told);
        let store = place.open().await;
        let events = all(&*store).await;
        verify_chain(Head::empty(), &events).unwrap();
        for (seq, hash) in &told.appended {
            assert_eq!(&events[usize::try_from(*seq).unwrap() - 1].hash, hash);
        }
        // Every item that was put is either waiting or in exactly one event, never both and never neither.
        let mut seen = BTreeMap::<u64, u32>::new();
        for event in &events {
            let text = String::from_utf8(event.payload.clone()).unwrap();
            let digits = text.chars().filter(char::is_ascii_digit).collect::<String>();
            *seen.entry(digits.parse().unwrap()).or_default() += 1;
        }
        for item in store.waiting(&cluster(), u32::MAX).await.unwrap() {
            *seen.entry(item.number).or_default() += 1;
        }
        assert!(told.put.iter().all(|number| seen.contains_key(number)), "an item is lost");
        assert!(seen.values().all(|times| *times == 1), "an item is there twice: {seen:?}");
    }
    assert!(told.appended.len() >= 87);
}
