//! A form with one file, as pages send it.
//!
//! What a form says besides the file is held in memory, and so is whatever is
//! read before it is used. So little is read at a time, and of what is no file
//! there may not be much.

use std::{
    mem,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, multipart::Field},
};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream::BoxStream};

use super::{Arrived, arriving, refused};
use crate::problem::Problem;

/// How much a form may say besides the file.
const BESIDES_MAX: u64 = 64 * 1024;

/// How much is read at a time.
const PORTION: usize = 16 * 1024;

/// A form that comes in.
pub(super) struct Form {
    multipart: Multipart,
    told: Arc<Told>,
}

/// What the form and its body tell each other.
struct Told {
    /// How much may have come by now.
    allowed: AtomicU64,
    /// Why no more comes.
    stopped: OnceLock<Arrived>,
}

impl Form {
    pub(super) async fn open(request: Request) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let (allowed, stopped) = (BESIDES_MAX.into(), OnceLock::new());
        let told = Arc::new(Told { allowed, stopped });
        let body = Portions {
            chunks: arriving(body.into_data_stream()).boxed(),
            rest: Bytes::new(),
            taken: 0,
            given: false,
            told: Arc::clone(&told),
        };
        let request = Request::from_parts(head, Body::from_stream(body));
        let multipart = Multipart::from_request(request, &()).await.map_err(|_| one_file())?;
        Ok(Self { multipart, told })
    }

    /// Its one field: a file of at most so many bytes.
    pub(super) async fn file(&mut self, bytes_max: u64) -> Result<Field<'_>, Problem> {
        let Self { multipart, told } = self;
        let field = multipart.next_field().await.map_err(|_| told.problem())?;
        let field = field.filter(|it| it.name() == Some("file")).ok_or_else(one_file)?;
        told.allowed.fetch_add(bytes_max, Ordering::Relaxed);
        Ok(field)
    }

    /// Nothing may come after it.
    pub(super) async fn end(mut self) -> Result<(), Problem> {
        match self.multipart.next_field().await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(one_file()),
            Err(_) => Err(self.told.problem()),
        }
    }

    /// Why the file did not come to its end.
    pub(super) fn stopped(&self) -> impl Fn() -> Arrived + Send + use<> {
        let told = Arc::clone(&self.told);
        move || told.stopped.get().copied().unwrap_or(Arrived::Broken)
    }
}

impl Told {
    fn problem(&self) -> Problem {
        match self.stopped.get() {
            Some(Arrived::TooSlow) => refused::too_slow(),
            Some(Arrived::Broken) | None => one_file(),
        }
    }
}

fn one_file() -> Problem {
    refused::malformed("the one field of a form")
}

/// A body, a little at a time. Whoever reads a form reads ahead for as long as there is anything:
/// after each portion there is nothing for a moment.
struct Portions {
    chunks: BoxStream<'static, Result<Bytes, Arrived>>,
    /// What has come and was not given.
    rest: Bytes,
    taken: u64,
    /// Whether a portion has just been given.
    given: bool,
    told: Arc<Told>,
}

impl Stream for Portions {
    type Item = Result<Bytes, Arrived>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let it = &mut *self;
        if mem::take(&mut it.given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if it.rest.is_empty() {
            match ready!(it.chunks.poll_next_unpin(cx)) {
                Some(Ok(chunk)) => it.rest = chunk,
                Some(Err(stopped)) => {
                    it.told.stopped.get_or_init(|| stopped);
                    return Poll::Ready(Some(Err(stopped)));
                }
                None => return Poll::Ready(None),
            }
        }
        let portion = it.rest.split_to(PORTION.min(it.rest.len()));
        it.taken += portion.len() as u64;
        if it.told.allowed.load(Ordering::Relaxed) < it.taken {
            return Poll::Ready(Some(Err(Arrived::Broken)));
        }
        it.given = true;
        Poll::Ready(Some(Ok(portion)))
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use axum::http::{StatusCode, header};
    use futures::{TryStreamExt, stream};
    use tokio::time::timeout;

    use super::*;

    const HEAD: &str = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a";
    const LONG: Duration = Duration::from_hours(24);

    /// A form of these chunks, and how many of its bytes were read.
    fn request<S>(chunks: S) -> (Request, Arc<AtomicU64>)
    where
        S: Stream<Item = String> + Send + 'static,
    {
        let read = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&read);
        let chunks = chunks.map(move |chunk| {
            counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from(chunk))
        });
        let request = Request::post("/api/files")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge")
            .body(Body::from_stream(chunks));
        (request.unwrap(), read)
    }

    fn once(text: String) -> impl Stream<Item = String> {
        stream::once(async move { text })
    }

    fn much() -> impl Stream<Item = String> {
        stream::repeat_with(|| "a".repeat(10_000)).take(1_000)
    }

    #[tokio::test]
    async fn what_has_no_end_before_the_file_is_not_read_to_it() {
        for head in [HEAD, "", "--edge\r\nContent-Disposition: form-data; name=\""] {
            let (request, read) = request(once(head.to_owned()).chain(much()));
            let mut form = Form::open(request).await.unwrap();
            let Err(refused) = form.file(u64::MAX / 2).await else { panic!("a field: {head:?}") };
            assert_eq!(refused, one_file(), "{head:?}");
            let read = read.load(Ordering::Relaxed);
            assert!(read < BESIDES_MAX + 20_000, "{head:?}: {read}");
        }
    }

    #[tokio::test]
    async fn what_comes_at_once_is_not_read_ahead_of_its_use() {
        let head = format!("{HEAD}\"\r\n\r\n");
        let (request, read) = request(once(head).chain(much()));
        let mut form = Form::open(request).await.unwrap();
        let mut file = form.file(u64::MAX / 2).await.unwrap();
        let first = file.try_next().await.unwrap().expect("a chunk").len();
        let ahead = read.load(Ordering::Relaxed) - first as u64;
        assert!(ahead < 2 * PORTION as u64, "{ahead}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_stops_on_its_way_is_not_waited_for() {
        let after = format!("{HEAD}\"\r\n\r\nfile\r\n--edge\r\n");
        for head in ["", HEAD, &after] {
            let (request, _) = request(once(head.to_owned()).chain(stream::pending()));
            let came = async {
                let mut form = Form::open(request).await?;
                let file = form.file(1_000).await?;
                file.try_collect::<Vec<_>>().await.expect("the file is whole");
                form.end().await
            };
            let refused = timeout(LONG, came).await.expect("in time").expect_err("not a form");
            assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT, "{head:?}");
        }
    }

    #[tokio::test]
    async fn what_comes_after_the_file_without_end_is_not_read_to_it() {
        let head = format!("{HEAD}\"\r\n\r\nfile\r\n--edge\r\nContent-Disposition: ");
        let (request, read) = request(once(head).chain(much()));
        let mut form = Form::open(request).await.unwrap();
        let file = form.file(1_000).await.unwrap();
        assert_eq!(file.try_collect::<Vec<_>>().await.unwrap().concat(), b"file");
        assert_eq!(form.end().await.unwrap_err(), one_file());
        let read = read.load(Ordering::Relaxed);
        assert!(read < BESIDES_MAX + 20_000, "{read}");
    }
}
