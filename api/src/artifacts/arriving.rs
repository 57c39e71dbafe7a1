//! A file on its way in: neither too slow nor left open for ever.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// How slowly a file may come in.
#[derive(Clone, Copy)]
struct Limits {
    /// How long nothing may come.
    pause_max: Duration,
    /// How long a whole file may take.
    whole_max: Duration,
    /// How much must come on the whole, once it has been waited for so long.
    rate_min: u32,
    rate_after: Duration,
}

const LIMITS: Limits = Limits {
    pause_max: Duration::from_secs(30),
    whole_max: Duration::from_hours(1),
    rate_min: 4 * 1024,
    rate_after: Duration::from_mins(1),
};

/// Why a file did not come to its end.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Arrived {
    #[error("the sender broke off")]
    Broken,
    #[error("the sender was too slow")]
    TooSlow,
}

/// A file on its way.
struct Arrival<S> {
    chunks: S,
    bytes: u64,
    /// How long it was waited for. What is done with it in between is not the sender's time.
    waited: Duration,
}

/// The chunks of a body, or the reason for which there are no more.
pub(crate) fn arriving<S, E>(chunks: S) -> impl Stream<Item = Result<Bytes, Arrived>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    within(chunks, LIMITS)
}

fn within<S, E>(chunks: S, limits: Limits) -> impl Stream<Item = Result<Bytes, Arrived>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let end = Instant::now() + limits.whole_max;
    let arrival = Arrival { chunks, bytes: 0, waited: Duration::ZERO };
    stream::unfold(Some(arrival), move |arrival| async move {
        let mut arrival = arrival?;
        let began = Instant::now();
        let deadline = end.min(began + limits.patience(arrival.bytes, arrival.waited));
        match timeout_at(deadline, arrival.chunks.next()).await {
            Ok(Some(Ok(chunk))) => {
                arrival.bytes += chunk.len() as u64;
                arrival.waited += began.elapsed();
                Some((Ok(chunk), Some(arrival)))
            }
            Ok(Some(Err(_))) => Some((Err(Arrived::Broken), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Arrived::TooSlow), None)),
        }
    })
}

impl Limits {
    /// How long the next chunk is waited for.
    fn patience(self, bytes: u64, waited: Duration) -> Duration {
        let earned = Duration::from_millis(1_000 * bytes / u64::from(self.rate_min));
        self.pause_max.min((self.rate_after + earned).saturating_sub(waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_sends_nothing_for_long_is_not_waited_for() {
        let chunks = stream::iter([Ok::<_, ()>(Bytes::from_static(b"a"))]).chain(stream::pending());
        let pause_max = Duration::from_millis(10);
        let chunks = within(chunks.boxed(), Limits { pause_max, ..LIMITS });
        let arrived: Vec<_> = chunks.collect().await;
        assert!(matches!(&arrived[..], [Ok(_), Err(Arrived::TooSlow)]), "{arrived:?}");
    }

    #[tokio::test]
    async fn who_sends_a_little_now_and_then_is_not_waited_for_either() {
        let drops = stream::unfold((), |()| async {
            tokio::task::yield_now().await;
            Some((Ok::<_, ()>(Bytes::from_static(b"a")), ()))
        });
        let whole_max = Duration::from_millis(10);
        let chunks = within(drops.boxed(), Limits { whole_max, ..LIMITS });
        let last = chunks.filter_map(async |it| it.err()).boxed().next().await;
        assert!(matches!(last, Some(Arrived::TooSlow)), "{last:?}");
    }

    /// Every pause by itself is short enough, and the hour is long.
    #[tokio::test(start_paused = true)]
    async fn who_sends_a_byte_before_every_pause_is_too_long_holds_no_place_for_an_hour() {
        let begun = Instant::now();
        let drops = every(Duration::from_secs(29), 1);
        let last = arriving(drops).filter_map(async |it| it.err()).boxed().next().await;
        assert!(matches!(last, Some(Arrived::TooSlow)), "{last:?}");
        assert_eq!(begun.elapsed(), LIMITS.rate_after);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_slowly_but_steadily_is_waited_for() {
        let steady = every(Duration::from_secs(10), 50_000).take(60);
        let arrived: Vec<_> = arriving(steady.boxed()).collect().await;
        assert_eq!(arrived.iter().filter(|it| it.is_ok()).count(), 60);
    }

    fn every(
        pause: Duration,
        bytes: usize,
    ) -> stream::BoxStream<'static, Result<Bytes, std::convert::Infallible>> {
        let due = tokio::time::interval_at(tokio::time::Instant::now() + pause, pause);
        let drops = stream::unfold(due, move |mut due| async move {
            due.tick().await;
            Some((Ok(Bytes::from(vec![0; bytes])), due))
        });
        drops.boxed()
    }

    #[tokio::test]
    async fn what_breaks_off_is_not_taken_for_an_end() {
        let chunks = stream::iter([Ok(Bytes::from_static(b"a")), Err("reset")]);
        let arrived: Vec<_> = arriving(chunks).collect().await;
        assert!(matches!(&arrived[..], [Ok(_), Err(Arrived::Broken)]), "{arrived:?}");
    }
}
