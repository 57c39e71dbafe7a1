//! Counts and times, asked for and followed.

use std::time::{Duration, Instant};

use futures::Stream;
use identity::Role;
use serde_json::{Value, json};

use super::world::{World, codes, next};

const ASK: &str = "query($by: [StatisticsBy!]!, $from: DateTime, $filter: StatisticsFilter,
        $atLeast: Position) {
    statistics(by: $by, from: $from, filter: $filter, atLeast: $atLeast) {
        from to position
        rows {
            hour kind service state created entered ended withErrors throughput
            waiting { jobs meanMs p50Ms p95Ms p99Ms minMs maxMs }
            running { jobs meanMs p50Ms p95Ms p99Ms minMs maxMs }
        }
        current { kind service state jobs }
    }
}";

const FOLLOW: &str = "subscription($after: Position, $filter: StatisticsFilter) {
    statistics(after: $after, filter: $filter) {
        position rows { created ended } current { state jobs }
    }
}";

fn by(all: &[&str]) -> Value {
    json!({ "by": all })
}

/// How many are in each state.
fn current(statistics: &Value) -> Vec<(&str, u64)> {
    let all = statistics["current"].as_array().unwrap().iter();
    all.map(|it| (it["state"].as_str().unwrap(), it["jobs"].as_u64().unwrap())).collect()
}

/// The next answer of a subscription.
async fn told(answers: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    let mut answer = next(answers).await.expect("it goes on");
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["statistics"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_of_what_they_may_see_and_nobody_else_of_anything() {
    let world = World::new().await;
    let ada = world.person("ada", Role::Member).await;
    let bob = world.person("bob", Role::Member).await;
    let operator = world.person("olga", Role::Operator).await;
    let [done, failed, _waits] =
        [world.task(&ada).await, world.task(&ada).await, world.task(&ada).await];
    let fence = world.lease(done).await;
    world.complete(done, fence, json!(1)).await;
    let last = world.fail(failed).await;
    let asked = json!({ "by": ["STATE"], "atLeast": last.to_string() });
    for (who, jobs) in [(&ada, 1), (&bob, 0), (&operator, 1)] {
        let statistics = world.data(who, ASK, asked.clone()).await["statistics"].take();
        assert_eq!(statistics["position"], last.to_string());
        let zeros = [("SCHEDULED", 0), ("RUNNING", 0), ("RETRYING", 0)];
        let ends = [("CANCELLED", 0), ("EXPIRED", 0)];
        let some = [("QUEUED", jobs), ("SUCCEEDED", jobs), ("FAILED", jobs)];
        let mut expected = [&zeros[..], &ends, &some].concat();
        let mut found = current(&statistics);
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
        let rows = statistics["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 8, "a state that nobody came to be in is a row of zero");
        let of = |state: &str| rows.iter().find(|it| it["state"] == state).unwrap();
        let counts = |it: &Value| ["created", "entered", "ended"].map(|of| it[of].clone());
        assert_eq!(counts(of("QUEUED")), [3 * jobs, 3 * jobs, 0].map(Value::from));
        assert_eq!(counts(of("RUNNING")), [0, 2 * jobs, 0].map(Value::from));
        assert_eq!(counts(of("FAILED")), [0, jobs, jobs].map(Value::from));
        assert_eq!(of("SUCCEEDED")["running"]["jobs"], jobs);
        assert_eq!(of("SUCCEEDED")["running"]["p99Ms"].is_u64(), 0 < jobs);
        assert_eq!(of("FAILED")["waiting"]["jobs"], jobs);
        assert_eq!(of("QUEUED")["waiting"]["maxMs"], Value::Null);
    }
    let answer = world.ask(None, ASK, by(&[])).await;
    assert_eq!(codes(&answer), ["UNAUTHENTICATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_told_apart_as_one_wishes() {
    let world = World::new().await;
    let ada = world.person("ada", Role::Member).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    let last = world.complete(job, fence, json!(1)).await;
    let asked = |by: &[&str]| json!({ "by": by, "atLeast": last.to_string() });
    let ask = async |by: &[&str]| world.data(&ada, ASK, asked(by)).await["statistics"].take();
    let all = ask(&[]).await;
    let [row] = &all["rows"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!([&row["hour"], &row["kind"], &row["service"], &row["state"]], [&Value::Null; 4]);
    let per_hour = row["throughput"].as_f64().unwrap();
    assert!((1.0 / 25.0..=1.0 / 24.0).contains(&per_hour), "one job in {per_hour}");
    let told = ask(&["KIND", "SERVICE"]).await;
    let [row] = &told["rows"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!([&row["kind"], &row["service"]], ["TASK", "anything"]);
    let hours = ask(&["HOUR"]).await;
    let hours = hours["rows"].as_array().unwrap();
    assert!((24..=25).contains(&hours.len()), "every hour is there, with nothing in most");
    assert_eq!(hours.iter().map(|it| it["ended"].as_u64().unwrap()).sum::<u64>(), 1);
    assert_eq!(hours.iter().filter(|it| it["throughput"] == 0.0).count(), hours.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada", Role::Member).await;
    let refused = async |variables: Value, code: &str, argument: &str| {
        let answer = world.ask(&ada, ASK, variables).await;
        assert_eq!(codes(&answer), [code], "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["argument"], argument);
    };
    let bad = "BAD_USER_INPUT";
    refused(json!({ "by": [], "from": "2999-01-01T00:00:00Z" }), bad, "from").await;
    refused(json!({ "by": ["HOUR"], "from": "2020-01-01T00:00:00Z" }), bad, "from").await;
    refused(json!({ "by": [], "filter": { "owner": "me" } }), bad, "filter").await;
    refused(json!({ "by": [], "filter": { "services": ["No!"] } }), bad, "filter").await;
    let ages = json!({ "by": ["KIND"], "from": "0001-01-01T00:00:00Z" });
    world.data(&ada, ASK, ages).await;
}

/// What one does not count does not wake one.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_is_told_when_their_counts_change_and_goes_on_where_they_left_off() {
    let world = World::new().await;
    let [ada, bob] =
        [world.person("ada", Role::Member).await, world.person("bob", Role::Member).await];
    let mut answers = world.follow(Some(&ada), FOLLOW, json!({}));
    let first = told(&mut answers).await;
    assert_eq!(first["rows"], json!([{ "created": 0, "ended": 0 }]), "at once");
    world.task(&bob).await;
    let job = world.task(&ada).await;
    let second = told(&mut answers).await;
    assert_eq!(second["rows"], json!([{ "created": 1, "ended": 0 }]));
    drop(answers);

    let fence = world.lease(job).await;
    let mut answers = world.follow(Some(&ada), FOLLOW, json!({ "after": second["position"] }));
    let third = told(&mut answers).await;
    assert_eq!(current(&third).iter().find(|it| it.1 == 1).unwrap().0, "RUNNING");
    let after = json!({ "after": third["position"], "filter": { "states": ["SUCCEEDED"] } });
    let mut ends = world.follow(Some(&ada), FOLLOW, after);
    world.progress(job, fence, 7).await;
    world.task(&bob).await;
    world.task(&ada).await;
    let position = world.complete(job, fence, json!(1)).await;
    let end = told(&mut ends).await;
    assert_eq!(end["rows"], json!([{ "created": 0, "ended": 1 }]), "the first that it counts");
    assert_eq!(end["position"], position.to_string());

    // What is given away is counted no more here, and there from now on.
    let last = world.task(&ada).await;
    world.caught_up().await;
    let after = json!({ "after": world.head().await.to_string() });
    let mut hers = world.follow(Some(&ada), FOLLOW, after.clone());
    let mut his = world.follow(Some(&bob), FOLLOW, after);
    let queued = |it: &Value| current(it).iter().find(|it| it.0 == "QUEUED").unwrap().1;
    let give = "mutation($input: TransferJobInput!) {
        transferJob(input: $input) { userErrors { code } } }";
    let input = json!({ "id": last.to_string(), "to": bob.id.0 });
    let given = world.data(&ada, give, json!({ "input": input })).await;
    assert_eq!(given["transferJob"]["userErrors"], json!([]));
    assert_eq!((queued(&told(&mut hers).await), queued(&told(&mut his).await)), (1, 3));

    let nobody = next(&mut world.follow(None, FOLLOW, json!({}))).await.unwrap();
    assert_eq!(codes(&nobody), ["UNAUTHENTICATED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn however_much_happens_one_is_told_twice_a_second_at_most() {
    const JOBS: u64 = 150;
    let world = World::new().await;
    let ada = world.person("ada", Role::Member).await;
    let mut answers = world.follow(Some(&ada), FOLLOW, json!({}));
    told(&mut answers).await;
    let busy = async {
        for _ in 0..JOBS {
            world.task(&ada).await;
        }
    };
    let began_at = Instant::now();
    let follow = async {
        let mut count: u32 = 0;
        loop {
            let answer = told(&mut answers).await;
            count += 1;
            if answer["rows"][0]["created"] == JOBS {
                return (count, began_at.elapsed());
            }
        }
    };
    let ((count, took), ()) = tokio::join!(follow, busy);
    assert!(Duration::from_millis(500) * (count - 1) <= took, "{count} answers in {took:?}");
    assert!(u64::from(count) < JOBS, "what happens together is told together");
}
