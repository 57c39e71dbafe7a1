//! What everybody learns of a batch once it is durable.

use std::sync::Arc;

use crate::{
    AppendError, Appended, Recorded,
    postgres::{plan::Verdict, request::Request, statement::Written, tail::Tail},
};

/// Tells those who follow, then those who wait for an answer: so whoever has
/// an answer finds their events.
pub(super) fn deliver(
    mut batch: Vec<Request>,
    verdicts: Vec<Verdict>,
    written: Option<Written>,
    tail: &Tail,
) {
    let answers: Vec<_> =
        (0..batch.len()).map(|index| answer(index, &batch, &verdicts, written)).collect();
    if let Some(Written { base, at }) = written {
        let mut position = base;
        let mut events = Vec::with_capacity(batch.len());
        for (request, verdict) in batch.iter_mut().zip(verdicts) {
            if !matches!(verdict, Verdict::Write { .. }) {
                continue;
            }
            let versions = request.append.expected_version + 1..;
            let news = std::mem::take(&mut request.append.events);
            for ((event, hash), version) in news.into_iter().zip(&request.hashes).zip(versions) {
                position += 1;
                events.push(Arc::new(Recorded {
                    position,
                    stream: request.append.stream.clone(),
                    version,
                    event_id: event.event_id,
                    event_type: event.event_type.to_owned(),
                    schema_version: event.schema_version,
                    payload: event.payload,
                    metadata: event.metadata,
                    recorded_at: at,
                    hash: *hash,
                }));
            }
        }
        tail.wrote(base, events);
    }
    for (request, answer) in batch.into_iter().zip(answers) {
        request.answer(answer);
    }
}

fn answer(
    index: usize,
    batch: &[Request],
    verdicts: &[Verdict],
    written: Option<Written>,
) -> Result<Appended, AppendError> {
    let Request { append, .. } = &batch[index];
    let key = || append.idempotency.as_ref().map_or_else(String::new, |it| it.key.clone());
    match &verdicts[index] {
        Verdict::Write { last } => Ok(Appended {
            stream: append.stream.clone(),
            version: batch[index].last_version(),
            position: written.map_or(0, |it| it.base) + last.unsigned_abs(),
            repeated: false,
        }),
        Verdict::Twin { of } => {
            let first = answer(*of, batch, verdicts, written)?;
            Ok(Appended { repeated: true, ..first })
        }
        Verdict::Repeat(outcome) => Ok(Appended {
            stream: outcome.stream.clone(),
            version: outcome.version,
            position: outcome.position,
            repeated: true,
        }),
        Verdict::KeyReused => Err(AppendError::KeyReused { key: key() }),
        Verdict::Conflict { actual } => Err(AppendError::Conflict {
            stream: append.stream.clone(),
            expected: append.expected_version,
            actual: *actual,
        }),
        Verdict::Guarded { guard, reason } => {
            Err(AppendError::Guarded { guard, reason: reason.clone() })
        }
    }
}
