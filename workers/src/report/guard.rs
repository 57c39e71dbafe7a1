//! Where templates are read and filled: on a thread of their own, with a
//! deadline, so that neither a panic nor an endless loop reaches anybody else.
//! What reads sources, by other people's parsers, is farther away: see
//! [`reader`](super::reader).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
    thread,
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

/// How deep a parser may call itself, in bytes of stack.
pub(super) const STACK_BYTES: usize = 64 * 1024 * 1024;

/// How many run at a time.
pub(super) struct Places(LazyLock<Arc<Semaphore>>);

/// On threads of this process. One that never ends keeps its place: when all
/// have gone astray, nothing more is begun.
static THREADS: Places = Places(LazyLock::new(|| Arc::new(Semaphore::new(4))));

/// In processes of their own, which can be ended.
pub(super) static PROCESSES: Places = Places(LazyLock::new(|| Arc::new(Semaphore::new(4))));

/// What became of a parser that gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runaway {
    Panicked,
    TooSlow,
    /// It was not begun: so many others are being read.
    NoPlace,
}

impl Places {
    /// Waits for a place among those that run at a time.
    pub(super) async fn place(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Runaway> {
        let place = timeout(patience, Arc::clone(&self.0).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Runaway::NoPlace)
    }
}

/// Runs `parse`, and waits for its answer until the deadline.
pub(super) async fn run<T: Send + 'static>(
    parse: impl FnOnce() -> T + Send + 'static,
    deadline: Duration,
) -> Result<T, Runaway> {
    let place = THREADS.place(deadline).await?;
    let (answer, answered) = oneshot::channel();
    let spawned =
        thread::Builder::new().name("parser".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            let parsed = catch_unwind(AssertUnwindSafe(parse));
            // Whoever asked may have stopped waiting.
            let _unheard = answer.send(parsed).is_err();
            drop(place);
        });
    if spawned.is_err() {
        return Err(Runaway::NoPlace);
    }
    match timeout(deadline, answered).await {
        Ok(Ok(Ok(parsed))) => Ok(parsed),
        Ok(Ok(Err(_)) | Err(_)) => Err(Runaway::Panicked),
        Err(_) => Err(Runaway::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long enough for the slowest machine, and never waited for in full.
    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_panic_stays_where_it_happened() {
        let parse = || -> u8 { panic!("a table of fonts that eats its tail") };
        assert_eq!(run(parse, PATIENCE).await, Err(Runaway::Panicked));
        assert_eq!(run(|| 7, PATIENCE).await, Ok(7));
    }

    #[tokio::test]
    async fn what_never_ends_is_left_behind() {
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let parse = move || wait.recv().is_ok();
        assert_eq!(run(parse, Duration::from_millis(50)).await, Err(Runaway::TooSlow));
        drop(end);
    }

    /// Somebody else's template is no fault of this one.
    #[tokio::test]
    async fn where_no_place_is_free_nobody_is_at_fault_and_it_may_be_tried_again() {
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let wait = Arc::new(wait);
        for _ in 0..4 {
            let wait = Arc::clone(&wait);
            let endless = move || wait.lock().is_ok_and(|it| it.recv().is_ok());
            assert!(run(endless, Duration::from_millis(50)).await.is_err());
        }
        let refused = run(|| 7, Duration::from_millis(50)).await.unwrap_err();
        let refused = super::super::fault::Fault::from(refused).recorded();
        assert!(refused.retryable, "{refused:?}");
        drop(end);
    }

    #[tokio::test]
    async fn deep_recursion_has_room() {
        fn sum(depth: u64) -> u64 {
            std::hint::black_box([0_u8; 256]);
            if depth == 0 { 0 } else { 1 + sum(depth - 1) }
        }
        assert_eq!(run(|| sum(50_000), PATIENCE).await, Ok(50_000));
    }
}
