//! Idempotency keys are kept as long as anybody may repeat an append, and not
//! for ever.

use chrono::{DateTime, Utc};
use journal::{Append, Idempotency, Journal, conformance::append};

use super::world::World;

fn keyed(n: u64) -> Append {
    let (scope, key) = ("user/Note".to_owned(), format!("key {n}"));
    Append { idempotency: Some(Idempotency { scope, key, digest: [7; 32] }), ..append("s", n) }
}

#[tokio::test]
async fn old_keys_are_forgotten_in_batches_and_later_ones_never() {
    let world = World::new().await;
    let journal = world.open().await;
    for n in 0..6 {
        journal.append(keyed(n)).await.expect("append");
    }
    // All but the last two are a month old.
    world
        .execute(
            "update idempotency_key set recorded_at = now() - interval '30 days'
             where position <= 4",
        )
        .await;
    let text = "select extract(epoch from now())::bigint - 14 * 86400";
    let before: DateTime<Utc> =
        DateTime::from_timestamp(world.count(text).await, 0).expect("an instant");
    // Somebody who follows the journal has come to 3, and may yet repeat what
    // led to the fourth.
    assert_eq!(journal.forget_keys(before, 3, 2).await.expect("forget"), 2);
    assert_eq!(journal.forget_keys(before, 3, 2).await.expect("forget"), 1);
    assert_eq!(journal.forget_keys(before, 3, 2).await.expect("forget"), 0);
    for n in 0..6 {
        let known = journal.outcome("user/Note", &format!("key {n}")).await.expect("outcome");
        assert_eq!(known.is_some(), 3 <= n, "key {n}");
    }
    assert!(journal.append(keyed(3)).await.expect("append").repeated, "it is known still");
    let again = Append { expected_version: 6, ..keyed(0) };
    assert!(!journal.append(again).await.expect("append").repeated, "it is new again");
}
