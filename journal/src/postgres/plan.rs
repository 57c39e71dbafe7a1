//! What becomes of each append of a batch: decided in memory, before Postgres
//! is asked or after it has told what is so.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::{Idempotency, Outcome, StreamId, postgres::request::Request};

/// What becomes of one append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written; its last event is the one with this ordinal.
    Write { last: i64 },
    /// It repeats an earlier append of the batch, which is written.
    Twin { of: usize },
    /// It repeats an append of the past.
    Repeat(Outcome),
    /// Its key was used with another input.
    KeyReused,
    /// Its stream is elsewhere.
    Conflict { actual: u64 },
    /// A guard refuses it.
    Guarded { guard: &'static str, reason: String },
}

/// What Postgres said of the streams and keys of a batch.
#[derive(Default)]
pub(super) struct Known {
    /// Streams that are not here hold nothing.
    pub(super) versions: HashMap<StreamId, u64>,
    pub(super) outcomes: HashMap<(String, String), Outcome>,
    /// By index in the batch: the guard that refused it, and why.
    pub(super) refused: HashMap<usize, (&'static str, String)>,
}

/// What a batch moves one stream from and to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move<'a> {
    pub(super) stream: &'a StreamId,
    pub(super) from: u64,
    pub(super) to: u64,
}

pub(super) struct Plan<'a> {
    /// One for each append.
    pub(super) verdicts: Vec<Verdict>,
    /// One for each stream that is written to.
    pub(super) moves: Vec<Move<'a>>,
    /// How many events are written.
    pub(super) events: i64,
}

impl<'a> Plan<'a> {
    /// Takes the first append to each stream at its word, and chains the
    /// others to it. Right as a whole or not at all: if a single stream or
    /// key turns out otherwise, nothing of it holds, conflicts included.
    pub(super) fn believing(batch: &'a [Request]) -> Self {
        Draft::new(None).plan(batch)
    }

    /// Right in every part, while the head is locked.
    pub(super) fn knowing(batch: &'a [Request], known: &Known) -> Self {
        Draft::new(Some(known)).plan(batch)
    }

    /// Whether it turns down an append whose key may have an outcome: it must
    /// not, before the key has been looked up.
    pub(super) fn leaves_a_key_unasked(&self, batch: &[Request]) -> bool {
        batch.iter().zip(&self.verdicts).any(|(request, verdict)| {
            request.append.idempotency.is_some() && matches!(verdict, Verdict::Conflict { .. })
        })
    }

    /// The appends that are written, with their index in the batch.
    pub(super) fn written<'b>(
        &'b self,
        batch: &'a [Request],
    ) -> impl Iterator<Item = (usize, &'a Request, i64)> + 'b {
        batch.iter().zip(&self.verdicts).enumerate().filter_map(|(index, (request, verdict))| {
            match verdict {
                Verdict::Write { last } => Some((index, request, *last)),
                Verdict::Twin { .. }
                | Verdict::Repeat(_)
                | Verdict::KeyReused
                | Verdict::Conflict { .. }
                | Verdict::Guarded { .. } => None,
            }
        })
    }
}

/// How many events the appends take that are written.
pub(super) fn events_written(verdicts: &[Verdict]) -> u64 {
    let last = verdicts.iter().rev().find_map(|it| match it {
        Verdict::Write { last } => Some(last.unsigned_abs()),
        Verdict::Twin { .. }
        | Verdict::Repeat(_)
        | Verdict::KeyReused
        | Verdict::Conflict { .. }
        | Verdict::Guarded { .. } => None,
    });
    last.unwrap_or(0)
}

struct Draft<'a, 'k> {
    known: Option<&'k Known>,
    streams: HashMap<&'a StreamId, usize>,
    moves: Vec<Move<'a>>,
    keys: HashMap<(&'a str, &'a str), usize>,
    events: i64,
}

impl<'a, 'k> Draft<'a, 'k> {
    fn new(known: Option<&'k Known>) -> Self {
        Self { known, streams: HashMap::new(), moves: Vec::new(), keys: HashMap::new(), events: 0 }
    }

    fn plan(mut self, batch: &'a [Request]) -> Plan<'a> {
        let mut verdicts = Vec::with_capacity(batch.len());
        for (index, request) in batch.iter().enumerate() {
            verdicts.push(self.verdict(index, request, batch));
        }
        // The loser of a chain is told where the chain ends: that is what it
        // will find when it reloads.
        for (verdict, request) in verdicts.iter_mut().zip(batch) {
            if let Verdict::Conflict { actual } = verdict {
                *actual = self.moves[self.streams[&request.append.stream]].to;
            }
        }
        self.moves.retain(|it| it.from < it.to);
        Plan { verdicts, moves: self.moves, events: self.events }
    }

    fn verdict(&mut self, index: usize, request: &'a Request, batch: &[Request]) -> Verdict {
        if let Some(idempotency) = &request.append.idempotency
            && let Some(verdict) = self.repetition(idempotency, batch)
        {
            return verdict;
        }
        if let Some((guard, reason)) = self.known.and_then(|it| it.refused.get(&index)) {
            return Verdict::Guarded { guard, reason: reason.clone() };
        }
        let stream = self.stream(request);
        if stream.to != request.append.expected_version {
            return Verdict::Conflict { actual: stream.to };
        }
        stream.to = request.last_version();
        if let Some(Idempotency { scope, key, .. }) = &request.append.idempotency {
            self.keys.insert((scope, key), index);
        }
        self.events += i64::try_from(request.append.events.len()).unwrap_or(i64::MAX);
        Verdict::Write { last: self.events }
    }

    fn repetition(&self, again: &Idempotency, batch: &[Request]) -> Option<Verdict> {
        let Idempotency { scope, key, digest } = again;
        let past = self.known.and_then(|it| it.outcomes.get(&(scope.clone(), key.clone())));
        if let Some(outcome) = past {
            return Some(if outcome.digest == *digest {
                Verdict::Repeat(outcome.clone())
            } else {
                Verdict::KeyReused
            });
        }
        let of = *self.keys.get(&(scope.as_str(), key.as_str()))?;
        let first = batch[of].append.idempotency.as_ref();
        Some(if first.is_some_and(|it| it.digest == *digest) {
            Verdict::Twin { of }
        } else {
            Verdict::KeyReused
        })
    }

    fn stream(&mut self, request: &'a Request) -> &mut Move<'a> {
        let stream = &request.append.stream;
        let moves = &mut self.moves;
        let known = self.known;
        let index = *self.streams.entry(stream).or_insert_with(|| {
            let from = match known {
                Some(known) => known.versions.get(stream).copied().unwrap_or(0),
                None => request.append.expected_version,
            };
            moves.push(Move { stream, from, to: from });
            moves.len() - 1
        });
        &mut self.moves[index]
    }
}
