//! What is long costs what it weighs, so that no answer and no frame takes all the memory there is.

use domain::JobId;
use serde_json::{Value, json};

use super::world::{Person, World, codes, next};

/// As long as a body may be, about.
const LONG: usize = 250_000;

async fn task_with(world: &World, owner: &Person, body: Value) -> JobId {
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) \
        { task { id } userErrors { message } } }";
    let input = json!({ "input": { "service": "anything", "body": body } });
    let data = world.data(owner, create, input).await;
    data["createTask"]["task"]["id"].as_str().unwrap().parse().unwrap()
}

/// Must never: one question that takes all the memory there is.
#[tokio::test]
async fn bodies_results_and_payloads_cost_what_they_weigh() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let long = || Value::from("x".repeat(LONG));
    for _ in 0..10 {
        let job = task_with(&world, &ada, long()).await;
        let fence = world.lease(job).await;
        world.complete(job, fence, long()).await;
    }
    world.caught_up().await;
    let asked = |what: &str, lists: usize| {
        let list = |it| format!("l{it}: jobs(first: 10) {{ nodes {{ {what} }} }}");
        format!("{{ {} }}", (0..lists).map(list).collect::<Vec<_>>().join(" "))
    };
    for what in [
        "... on Task { body }",
        "... on Task { result }",
        "events(first: 1) { payload }",
        "events(first: 1, after: 2) { payload }",
    ] {
        let data = world.data(&ada, &asked(what, 2), json!({})).await;
        assert!(20 * LONG <= data.to_string().len(), "{what}");
        let answer = world.ask(&ada, &asked(what, 50), json!({})).await;
        assert!(codes(&answer).contains(&"QUERY_TOO_EXPENSIVE"), "{what}: {:?}", codes(&answer));
    }
}

#[tokio::test]
async fn what_went_in_and_came_out_is_told_as_it_was_sent() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let odd = json!({
        "a": [1, -2.5, 1e300, u64::MAX, null, true, "\u{1F980} \"\\\n"], "": {},
        "$serde_json::private::RawValue": "[1]",
    });
    let job = task_with(&world, &ada, odd.clone()).await;
    let fence = world.lease(job).await;
    world.complete(job, fence, odd.clone()).await;
    world.caught_up().await;
    let query =
        "query($id: ID!) { job(id: $id) { events { payload } ... on Task { body result } } }";
    let data = world.data(&ada, query, json!({ "id": job })).await;
    assert_eq!((&data["job"]["body"], &data["job"]["result"]), (&odd, &odd));
    assert_eq!(data["job"]["events"][0]["payload"]["task"]["body"], odd);
    assert_eq!(data["job"]["events"][2]["payload"]["result"], odd);
}

/// What a frame may weigh that tells more than one event, with some room for what surrounds it.
const FRAME_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Must never: a frame that takes all the memory there is, or one that is skipped because it would.
#[tokio::test]
async fn a_frame_holds_no_more_than_it_may_and_nothing_is_left_out() {
    const STEPS: u64 = 100;
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = task_with(&world, &ada, Value::from("x".repeat(LONG))).await;
    let start = world.head().await;
    let fence = world.lease(job).await;
    for done in 0..STEPS {
        world.progress(job, fence, done).await;
    }
    world.caught_up().await;
    for what in ["... on Task { body }", "timeline(first: 100) { type } log(first: 100) { line }"] {
        let query = format!(
            "subscription($after: Position) {{ jobEvents(after: $after) {{ cursor caughtUp
                events {{ ... on JobChanged {{ position job {{ id {what} }} }} }} }} }}"
        );
        let mut frames = world.follow(Some(&ada), &query, json!({ "after": start.to_string() }));
        let mut told: Vec<u64> = Vec::new();
        loop {
            let mut answer = next(&mut frames).await.expect("it goes on");
            assert!(answer.get("errors").is_none(), "{:?}", codes(&answer));
            let bytes = answer.to_string().len();
            assert!(bytes <= FRAME_BYTES_MAX, "a frame of {bytes} bytes");
            let frame = answer["data"]["jobEvents"].take();
            let position = |it: &Value| it["position"].as_str().unwrap().parse::<u64>().unwrap();
            told.extend(frame["events"].as_array().unwrap().iter().map(position));
            if frame["caughtUp"] == true {
                break;
            }
            assert_eq!(told.last().map(u64::to_string).as_deref(), frame["cursor"].as_str());
        }
        assert!(told.into_iter().eq(start + 1..=start + 1 + STEPS), "each event once, in order");
    }
}
