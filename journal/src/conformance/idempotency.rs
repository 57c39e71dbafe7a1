//! An append with a key that was seen before gets the first outcome, and
//! writes nothing.

use std::sync::Arc;

use futures::future::join_all;

use super::{append, keyed};
use crate::{Append, AppendError, Appended, Idempotency, Journal, Outcome, StreamId};

pub async fn a_repeated_key_gets_the_first_outcome_and_writes_nothing(journal: Arc<dyn Journal>) {
    let first = journal.append(keyed("s", 0, "k", 1)).await.expect("append");
    assert!(!first.repeated);
    journal.append(append("s", 1)).await.expect("the stream moves on");
    // At the first version, at the present one, and to another stream: what
    // a caller decides upon a repetition depends on what it finds.
    for again in [keyed("s", 0, "k", 1), keyed("s", 2, "k", 1), keyed("other", 0, "k", 1)] {
        let repeated = journal.append(again).await.expect("append");
        assert_eq!(repeated, Appended { repeated: true, ..first.clone() });
    }
    assert_eq!(journal.read(0, 10).await.expect("read").len(), 2);
    let outcome = journal.outcome("ann", "k").await.expect("outcome");
    let Appended { stream, version, position, .. } = first;
    assert_eq!(outcome, Some(Outcome { digest: [1; 32], stream, version, position }));
}

pub async fn a_key_with_another_input_is_refused(journal: Arc<dyn Journal>) {
    journal.append(keyed("s", 0, "k", 1)).await.expect("append");
    for version in [0, 1] {
        let outcome = journal.append(keyed("s", version, "k", 2)).await;
        assert!(matches!(&outcome, Err(AppendError::KeyReused { key }) if key == "k"));
    }
    assert_eq!(journal.read(0, 10).await.expect("read").len(), 1);
    // Also when both are under way at once.
    let both = [keyed("a", 0, "l", 1), keyed("b", 0, "l", 2)].map(|it| journal.append(it));
    let [first, second] = join_all(both).await.try_into().expect("two outcomes");
    assert!(first.is_ok());
    assert!(matches!(second, Err(AppendError::KeyReused { .. })), "{second:?}");
}

pub async fn a_key_is_not_used_up_by_a_conflict(journal: Arc<dyn Journal>) {
    journal.append(append("s", 0)).await.expect("append");
    let lost = journal.append(keyed("s", 0, "k", 1)).await;
    assert!(matches!(lost, Err(AppendError::Conflict { actual: 1, .. })), "{lost:?}");
    assert_eq!(journal.outcome("ann", "k").await.expect("outcome"), None);
    let won = journal.append(keyed("s", 1, "k", 2)).await.expect("decided again");
    assert!(!won.repeated);
}

pub async fn a_key_belongs_to_its_scope(journal: Arc<dyn Journal>) {
    journal.append(keyed("s", 0, "k", 1)).await.expect("append");
    let idempotency =
        Some(Idempotency { scope: "bob".to_owned(), key: "k".to_owned(), digest: [2; 32] });
    let other = Append { idempotency, ..append("t", 0) };
    assert!(!journal.append(other).await.expect("a key of bob's own").repeated);
    assert_eq!(journal.outcome("eve", "k").await.expect("outcome"), None);
}

pub async fn one_of_a_crowd_with_the_same_key_writes(journal: Arc<dyn Journal>) {
    let crowd = (0..20).map(|n| journal.append(keyed(&format!("s{n}"), 0, "k", 1)));
    let outcomes: Vec<_> =
        join_all(crowd).await.into_iter().map(|it| it.expect("append")).collect();
    assert_eq!(outcomes.iter().filter(|it| !it.repeated).count(), 1);
    assert!(outcomes.iter().all(|it| it.position == 1 && it.stream == outcomes[0].stream));
    assert_eq!(journal.read(0, 100).await.expect("read").len(), 1);
}

pub async fn an_old_key_is_recognised_in_a_crowd(journal: Arc<dyn Journal>) {
    let first = journal.append(keyed("old", 0, "k", 1)).await.expect("append");
    let crowd = (0..20).map(|n| match n {
        // A stale one that must not be told of a conflict, and one that must
        // not be written.
        7 => keyed("fresh 3", 5, "k", 1),
        9 => keyed("old", 1, "k", 1),
        11 => keyed("new", 0, "k", 3),
        _ => keyed(&format!("fresh {n}"), 0, &format!("k{n}"), 1),
    });
    let outcomes = join_all(crowd.map(|it| journal.append(it))).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match n {
            7 | 9 => {
                let repeated = Appended { repeated: true, ..first.clone() };
                assert_eq!(outcome.expect("append"), repeated);
            }
            11 => assert!(matches!(outcome, Err(AppendError::KeyReused { .. })), "{outcome:?}"),
            _ => assert!(!outcome.expect("append").repeated),
        }
    }
    let old = journal.read_stream(&StreamId::new("test", "old"), 0, 10).await.expect("read");
    assert_eq!(old.len(), 1);
}
