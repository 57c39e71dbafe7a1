//! A file on its way in: neither too slow nor left open for ever.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// How long nothing may come.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long a whole file may take.
const ARRIVES_WITHIN: Duration = Duration::from_hours(1);

/// Why a file did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Arrived {
    #[error("the sender broke off")]
    Broken,
    #[error("the sender was too slow")]
    TooSlow,
}

/// The chunks of a body, or the reason for which there are no more.
pub(crate) fn arriving<S, E>(chunks: S) -> impl Stream<Item = Result<Bytes, Arrived>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    within(chunks, PAUSE_MAX, ARRIVES_WITHIN)
}

fn within<S, E>(
    chunks: S,
    pause_max: Duration,
    whole_max: Duration,
) -> impl Stream<Item = Result<Bytes, Arrived>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Send,
{
    let end = Instant::now() + whole_max;
    stream::unfold(Some(chunks), move |chunks| async move {
        let mut chunks = chunks?;
        let deadline = end.min(Instant::now() + pause_max);
        match timeout_at(deadline, chunks.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(_))) => Some((Err(Arrived::Broken), None)),
            Ok(None) => None,
            Err(_) => Some((Err(Arrived::TooSlow), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn who_sends_nothing_for_long_is_not_waited_for() {
        let chunks = stream::iter([Ok::<_, ()>(Bytes::from_static(b"a"))]).chain(stream::pending());
        let chunks = within(chunks.boxed(), Duration::from_millis(10), LONG);
        let arrived: Vec<_> = chunks.collect().await;
        assert!(matches!(&arrived[..], [Ok(_), Err(Arrived::TooSlow)]), "{arrived:?}");
    }

    #[tokio::test]
    async fn who_sends_a_little_now_and_then_is_not_waited_for_either() {
        let drops = stream::unfold((), |()| async {
            tokio::task::yield_now().await;
            Some((Ok::<_, ()>(Bytes::from_static(b"a")), ()))
        });
        let chunks = within(drops.boxed(), LONG, Duration::from_millis(10));
        let last = chunks.filter_map(async |it| it.err()).boxed().next().await;
        assert!(matches!(last, Some(Arrived::TooSlow)), "{last:?}");
    }

    #[tokio::test]
    async fn what_breaks_off_is_not_taken_for_an_end() {
        let chunks = stream::iter([Ok(Bytes::from_static(b"a")), Err("reset")]);
        let arrived: Vec<_> = arriving(chunks).collect().await;
        assert!(matches!(&arrived[..], [Ok(_), Err(Arrived::Broken)]), "{arrived:?}");
    }
}
