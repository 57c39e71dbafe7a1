use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use tokio::sync::oneshot;

use super::*;
use crate::{
    Append,
    conformance::{append, event},
};

/// An append in few words: which stream, at which version, how many events,
/// under which key with which input.
type Words = (u8, u64, usize, Option<(u8, u8)>);

fn request((stream, expected, events, key): Words) -> Request {
    let append = Append {
        events: vec![event("x"); events],
        idempotency: key.map(|(key, input)| Idempotency {
            scope: "ann".to_owned(),
            key: key.to_string(),
            digest: [input; 32],
        }),
        ..append(&stream.to_string(), expected)
    };
    Request::new(append, oneshot::channel().0)
}

fn batch(words: &[Words]) -> Vec<Request> {
    words.iter().copied().map(request).collect()
}

fn known(versions: &[(u8, u64)]) -> Known {
    let versions = versions
        .iter()
        .map(|(stream, version)| (append(&stream.to_string(), 0).stream, *version))
        .collect();
    Known { versions, ..Known::default() }
}

/// What would come out if each append were carried out alone, one after the
/// other.
fn one_by_one(batch: &[Request], known: &Known) -> Vec<Verdict> {
    let mut versions = known.versions.clone();
    let mut keys: HashMap<String, (usize, [u8; 32])> = HashMap::new();
    let mut last = 0;
    let mut verdicts = Vec::new();
    for (index, Request { append, .. }) in batch.iter().enumerate() {
        let first = append.idempotency.as_ref().and_then(|it| keys.get(&it.key));
        let version = versions.entry(append.stream.clone()).or_default();
        verdicts.push(if let Some((of, digest)) = first {
            let is_same = append.idempotency.as_ref().is_some_and(|it| it.digest == *digest);
            if is_same { Verdict::Twin { of: *of } } else { Verdict::KeyReused }
        } else if *version == append.expected_version {
            *version += append.events.len() as u64;
            last += i64::try_from(append.events.len()).unwrap();
            if let Some(it) = &append.idempotency {
                keys.insert(it.key.clone(), (index, it.digest));
            }
            Verdict::Write { last }
        } else {
            Verdict::Conflict { actual: 0 }
        });
    }
    for (verdict, request) in verdicts.iter_mut().zip(batch) {
        if let Verdict::Conflict { actual } = verdict {
            *actual = versions[&request.append.stream];
        }
    }
    verdicts
}

fn words() -> impl Strategy<Value = Vec<Words>> {
    let key = proptest::option::weighted(0.3, (0..3_u8, 0..2_u8));
    vec((0..3_u8, 0..6_u64, 1..3_usize, key), 0..24)
}

fn versions() -> impl Strategy<Value = Vec<(u8, u64)>> {
    vec((0..3_u8, 0..4_u64), 0..4)
}

proptest! {
    #[test]
    fn a_batch_comes_out_as_if_its_appends_came_one_by_one(
        words in words(),
        versions in versions(),
    ) {
        let (batch, known) = (batch(&words), known(&versions));
        let plan = Plan::knowing(&batch, &known);
        prop_assert_eq!(&plan.verdicts, &one_by_one(&batch, &known));
        prop_assert_eq!(plan.events.unsigned_abs(), events_written(&plan.verdicts));
        for it in &plan.moves {
            let from = known.versions.get(it.stream).copied().unwrap_or(0);
            prop_assert_eq!(it.from, from);
            prop_assert!(it.from < it.to);
        }
    }

    #[test]
    fn belief_comes_out_like_knowledge_where_every_stream_is_as_believed(words in words()) {
        let batch = batch(&words);
        let believed = Plan::believing(&batch);
        let versions = believed.moves.iter().map(|it| (it.stream.clone(), it.from)).collect();
        let known = Known { versions, ..Known::default() };
        let plan = Plan::knowing(&batch, &known);
        prop_assert_eq!(believed.verdicts, plan.verdicts);
        prop_assert_eq!(believed.moves, plan.moves);
    }
}

#[test]
fn a_refused_append_is_left_out_and_breaks_its_chain() {
    let batch = batch(&[(0, 0, 1, None), (1, 0, 1, None), (0, 1, 1, None)]);
    let known =
        Known { refused: HashMap::from([(0, ("quota", "full".to_owned()))]), ..Known::default() };
    let plan = Plan::knowing(&batch, &known);
    assert_eq!(
        plan.verdicts,
        [
            Verdict::Guarded { guard: "quota", reason: "full".to_owned() },
            Verdict::Write { last: 1 },
            Verdict::Conflict { actual: 0 },
        ]
    );
}

#[test]
fn an_append_that_loses_is_not_told_before_its_key_was_looked_up() {
    let loses = |key| batch(&[(0, 0, 1, None), (0, 0, 1, key)]);
    for (key, unasked) in [(None, false), (Some((0, 0)), true)] {
        let batch = loses(key);
        assert_eq!(Plan::believing(&batch).leaves_a_key_unasked(&batch), unasked);
    }
}
