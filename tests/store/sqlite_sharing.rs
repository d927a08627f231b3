//! Several users of one file: readers beside a writer, several processes, callers that give up half-way.

use crate::fixture::{Place, all, append, batch, behind, cluster, draft, drafts, head_of, lease};
use futures::FutureExt as _;
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::{Head, verify_chain};
use pilothouse::domain::id::ClusterId;
use pilothouse::ports::store::{InboxItem, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_whole_batches_that_verify_while_a_writer_appends() {
    let place = Place::in_file();
    let writer = place.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (store, done) = (place.open().await, done.clone());
        readers.spawn(async move {
            let mut seen = 0;
            while !done.load(Ordering::Acquire) {
                let events = all(&*store).await;
                assert_eq!(events.len() % 5, 0, "a part of a batch was seen");
                assert!(events.len() >= seen, "events went away");
                verify_chain(Head::empty(), &events).unwrap();
                seen = events.len();
            }
        });
    }
    let lease = lease(&*writer).await;
    for number in 0..150 {
        append(&*writer, &lease, &number.to_string(), drafts(5)).await.unwrap();
    }
    done.store(true, Ordering::Release);
    while let Some(ended) = readers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(all(&*writer).await.len(), 750);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_file_can_be_opened_by_several_at_once() {
    for _ in 0..5 {
        let place = Place::in_file();
        let mut opened = JoinSet::new();
        for number in 0..6 {
            let path = place.path();
            opened.spawn(async move {
                let store = SqliteStore::open(path).await.unwrap();
                let cluster = ClusterId::new(number.to_string());
                let lease = store.acquire(&cluster, "engine", 60).await.unwrap();
                append(&store, &lease, "b1", drafts(2)).await.unwrap();
            });
        }
        while let Some(ended) = opened.join_next().await {
            ended.unwrap();
        }
        assert_eq!(place.open().await.clusters().await.unwrap().len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_want_a_lease_at_once_one_gets_it() {
    let place = Place::in_file();
    let mut wanting = JoinSet::new();
    for number in 0..6 {
        let store = place.open().await;
        wanting.spawn(async move { store.acquire(&cluster(), &number.to_string(), 60).await });
    }
    let answers = wanting.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let held = |answer: &&Result<_, _>| matches!(answer, Err(StoreError::Held { .. }));
    assert_eq!(answers.iter().filter(held).count(), 5, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_put_by_several_at_once_are_all_there_once() {
    let place = Place::in_file();
    let mut putting = JoinSet::new();
    for process in 0..3 {
        let store = place.open().await;
        putting.spawn(async move {
            for number in 0..20 {
                let item = InboxItem::Stop { by: process.to_string(), reason: number.to_string() };
                store.put(&cluster(), vec![item]).await.unwrap();
            }
        });
    }
    putting.join_all().await;
    let store = place.open().await;
    let waiting = store.waiting(&cluster(), u32::MAX).await.unwrap();
    let mut items = waiting.iter().map(|d| format!("{:?}", d.item)).collect::<Vec<_>>();
    items.sort();
    items.dedup();
    assert_eq!((waiting.len(), items.len()), (60, 60));
}

#[tokio::test]
async fn an_append_that_is_given_up_half_way_leaves_the_store_usable_and_the_batch_whole() {
    let place = Place::in_file();
    let store = place.open().await;
    let lease = lease(&*store).await;
    let mut head = Head::empty();
    for polls in 0..40 {
        let name = batch(&polls.to_string());
        {
            let mut append =
                Box::pin(store.append(&lease, &head, &name, drafts(3), vec![], vec![]));
            for _ in 0..polls {
                if (&mut append).now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Whatever came of it, the same batch again settles it.
        let settled = store.append(&lease, &head, &name, drafts(3), vec![], vec![]).await.unwrap();
        assert_eq!(settled.len(), 3);
        head = head_of(&settled);
    }
    assert_eq!(verify_chain(Head::empty(), &all(&*store).await).unwrap(), head);
    assert_eq!(head.seq, 120);
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_unavailable_and_usable_afterwards() {
    let place = Place::in_file();
    let store = place.open().await;
    let lease = lease(&*store).await;
    let mut raw = behind(&place).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut raw).await.unwrap();
    match append(&*store, &lease, "b1", vec![draft("a")]).await {
        Err(StoreError::Unavailable(what)) => assert!(what.contains("locked"), "{what}"),
        other => panic!("{other:?}"),
    }
    // Reading goes on meanwhile.
    assert_eq!(store.head(&cluster()).await, Ok(Head::empty()));
    sqlx::raw_sql("ROLLBACK").execute(&mut raw).await.unwrap();
    assert_eq!(append(&*store, &lease, "b1", vec![draft("a")]).await.unwrap().len(), 1);
}
