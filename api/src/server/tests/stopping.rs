//! How a server ends that is told to.

use std::{cell::Cell, future::pending};

use tokio::{task::yield_now, time::timeout};

use super::super::*;

/// A large file may be under way for minutes.
#[tokio::test(start_paused = true)]
async fn what_workers_reported_is_recorded_though_a_request_does_not_end_in_time() {
    let (answered, stop) = (CancellationToken::new(), CancellationToken::new());
    let recorded = Cell::new(false);
    let recording = async {
        answered.cancelled().await;
        yield_now().await;
        recorded.set(true);
    };
    stop.cancel();
    let ended = end(pending(), recording, &answered, &stop);
    timeout(GRACE + RECORDED_WITHIN, ended).await.expect("it ends in time").unwrap();
    assert!(recorded.get());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_for_the_last_time_while_requests_are_answered() {
    let (answered, stop) = (CancellationToken::new(), CancellationToken::new());
    let open = Cell::new(true);
    let answering = async {
        stop.cancelled().await;
        yield_now().await;
        open.set(false);
        Ok(())
    };
    let recording = async {
        answered.cancelled().await;
        assert!(!open.get());
    };
    stop.cancel();
    end(answering, recording, &answered, &stop).await.unwrap();
}
