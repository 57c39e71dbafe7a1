//! Locks come and go with those who need them.

use futures::FutureExt;

use super::*;

fn stream() -> StreamId {
    StreamId::new("job", "a")
}

#[tokio::test]
async fn the_table_holds_only_streams_that_somebody_is_busy_with() {
    let (locks, one, other) = (StreamLocks::default(), stream(), StreamId::new("job", "b"));
    let held = locks.lock(&one).await;
    let held_too = locks.lock(&other).await;
    assert_eq!(locks.table().len(), 2);
    drop(held);
    assert_eq!(locks.table().keys().collect::<Vec<_>>(), [&other]);
    drop(held_too);
    assert!(locks.table().is_empty());
}

#[tokio::test]
async fn one_at_a_time_has_a_stream() {
    let (locks, stream) = (StreamLocks::default(), stream());
    let first = locks.lock(&stream).await;
    let mut second = Box::pin(locks.lock(&stream));
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let second = second.await;
    assert_eq!(locks.table().len(), 1);
    drop(second);
    assert!(locks.table().is_empty());
}

/// A caller who hangs up drops what it waits for, at any moment.
#[tokio::test]
async fn who_stops_waiting_leaves_nothing_behind() {
    let (locks, stream) = (StreamLocks::default(), stream());
    for gives_up_first in [true, false] {
        let first = locks.lock(&stream).await;
        let mut second = Box::pin(locks.lock(&stream));
        assert!(second.as_mut().now_or_never().is_none());
        if gives_up_first {
            drop(second);
            drop(first);
        } else {
            drop(first);
            drop(second);
        }
        assert!(locks.table().is_empty(), "gives up first: {gives_up_first}");
    }
}
