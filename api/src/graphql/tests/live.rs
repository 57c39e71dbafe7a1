//! What one is told as it happens: all of it, once, in order, whatever breaks in between.

use std::{collections::BTreeMap, sync::Arc};

use futures::Stream;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::world::{Person, World, codes, next, now};

const EVENTS: &str = "subscription($filter: JobFilter, $after: Position) {
    jobEvents(filter: $filter, after: $after) {
        cursor head caughtUp
        events {
            __typename
            ... on JobAdded { position type job { id version state } }
            ... on JobChanged { position type changed job { id version state } }
            ... on JobRemoved { position type id reason }
        }
    }
}";

const JOB: &str = "subscription($id: ID!, $after: Position) {
    job(id: $id, after: $after) {
        cursor caughtUp
        job { id version state ... on Task { result } }
        events {
            __typename
            ... on JobAdded { position type }
            ... on JobChanged { position type changed }
        }
    }
}";

fn number(position: &Value) -> u64 {
    position.as_str().unwrap().parse().unwrap()
}

/// The next frame that tells something.
async fn told(frames: &mut (impl Stream<Item = Value> + Unpin)) -> Value {
    loop {
        let mut answer = next(frames).await.expect("it goes on");
        assert!(answer.get("errors").is_none(), "{answer}");
        let frame = answer["data"]["jobEvents"].take();
        if frame["events"] != json!([]) {
            return frame;
        }
    }
}

/// Reads to the end of what there is.
async fn all_after(
    world: &World,
    who: &Person,
    mut after: u64,
    until: u64,
    mut cuts: impl FnMut() -> usize,
) -> Vec<(u64, Value)> {
    let mut events = Vec::new();
    while after < until {
        let variables = json!({ "after": after.to_string() });
        let mut frames = world.follow(Some(who), EVENTS, variables);
        // A connection that breaks: after so many frames, whatever was on its way is lost.
        for _ in 0..cuts() {
            let mut answer = next(&mut frames).await.unwrap();
            assert!(answer.get("errors").is_none(), "{answer}");
            let frame = answer["data"]["jobEvents"].take();
            let cursor = number(&frame["cursor"]);
            assert!(after <= cursor, "a cursor never goes back");
            for event in frame["events"].as_array().unwrap() {
                let position = number(&event["position"]);
                assert!(after < position && position <= cursor, "within the frame");
                events.push((position, event.clone()));
            }
            after = cursor;
            if until <= after {
                break;
            }
        }
    }
    events
}

/// How often each job reports.
const STEPS: u64 = 60;

/// Whatever breaks, and whenever: who goes on from the last cursor is told everything, once, in
/// order.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_has_missed_nothing_and_is_told_nothing_twice() {
    let world = Arc::new(World::new().await);
    let ada = world.person("ada", identity::Role::Member).await;
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(world.task(&ada).await);
    }
    let start = world.head().await;
    let until = start + 5 * (STEPS + 2);
    let mut busy = JoinSet::new();
    for job in jobs {
        let world = Arc::clone(&world);
        busy.spawn(async move {
            let fence = world.lease(job).await;
            for done in 0..STEPS {
                world.progress(job, fence, done).await;
            }
            world.complete(job, fence, json!(null)).await;
        });
    }
    let mut runner = TestRunner::deterministic();
    let mut follow = || {
        let cuts = proptest::collection::vec(1..5_usize, 400).new_tree(&mut runner).unwrap();
        let (world, ada) = (Arc::clone(&world), ada.clone());
        async move {
            let mut cuts = cuts.current().into_iter().cycle();
            all_after(&world, &ada, start, until, || cuts.next().unwrap()).await
        }
    };
    let mut followers = JoinSet::new();
    for _ in 0..4 {
        followers.spawn(follow());
    }
    while let Some(done) = busy.join_next().await {
        done.unwrap();
    }
    // One who was away all the while, and has more to read than fits into a frame.
    followers.spawn(follow());
    while let Some(events) = followers.join_next().await {
        let events = events.unwrap();
        let positions: Vec<u64> = events.iter().map(|(position, _)| *position).collect();
        let all: Vec<u64> = (start + 1..=until).collect();
        assert_eq!(positions, all, "every event once, in order");
        let mut versions: BTreeMap<String, u64> = BTreeMap::new();
        for (_, event) in &events {
            let job = &event["job"];
            let version = job["version"].as_u64().unwrap();
            let before = versions.insert(job["id"].to_string(), version);
            assert_eq!(version, before.unwrap_or(1) + 1, "each job version by version");
        }
    }
}

#[tokio::test]
async fn a_job_enters_a_filter_and_leaves_it() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let filter = json!({ "filter": { "states": ["RUNNING"] } });
    let mut frames = world.follow(Some(&ada), EVENTS, filter);
    let first = next(&mut frames).await.unwrap()["data"]["jobEvents"].take();
    assert_eq!((&first["caughtUp"], &first["events"]), (&json!(true), &json!([])));
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    let entered = told(&mut frames).await["events"].take();
    assert_eq!(entered[0]["__typename"], "JobAdded");
    assert_eq!(entered[0]["type"], "LeaseGranted");
    assert_eq!(entered[0]["job"]["state"], "RUNNING");
    world.progress(job, fence, 3).await;
    let stayed = told(&mut frames).await["events"].take();
    assert_eq!(stayed[0]["__typename"], "JobChanged");
    assert_eq!(stayed[0]["changed"], json!(["PROGRESS"]));
    world.complete(job, fence, json!(null)).await;
    let left = told(&mut frames).await["events"].take();
    let position = world.head().await.to_string();
    let expected = json!([{
        "__typename": "JobRemoved", "position": position, "type": "TaskCompleted",
        "id": job, "reason": "FILTERED",
    }]);
    assert_eq!(left, expected);
}

#[tokio::test]
async fn one_is_told_of_ones_own_jobs_and_operators_of_all() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let olga = world.person("olga", identity::Role::Operator).await;
    let from_the_start = || json!({ "after": "0" });
    let mine = world.task(&ada).await;
    let theirs = world.task(&bob).await;
    world.settled().await;
    for (who, jobs) in [(&ada, vec![mine]), (&bob, vec![theirs]), (&olga, vec![mine, theirs])] {
        let mut frames = world.follow(Some(who), EVENTS, from_the_start());
        let events = told(&mut frames).await["events"].take();
        let told: Vec<&str> =
            events.as_array().unwrap().iter().map(|it| it["job"]["id"].as_str().unwrap()).collect();
        assert_eq!(told, jobs.iter().map(ToString::to_string).collect::<Vec<String>>());
    }
}

#[tokio::test]
async fn following_a_job_starts_with_the_job_and_ends_with_it() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let mut frames = world.follow(Some(&ada), JOB, json!({ "id": job }));
    let first = next(&mut frames).await.unwrap()["data"]["job"].take();
    assert_eq!(first["job"]["state"], "QUEUED");
    assert_eq!((&first["caughtUp"], &first["events"]), (&json!(true), &json!([])));
    let fence = world.lease(job).await;
    world.progress(job, fence, 50).await;
    let last = world.complete(job, fence, json!("done")).await;
    let mut types = Vec::new();
    let mut frame = Value::Null;
    while let Some(mut answer) = next(&mut frames).await {
        assert!(answer.get("errors").is_none(), "{answer}");
        frame = answer["data"]["job"].take();
        types.extend(frame["events"].as_array().unwrap().iter().map(|it| it["type"].clone()));
    }
    assert_eq!(types, ["LeaseGranted", "ProgressReported", "TaskCompleted"]);
    assert_eq!(frame["job"]["state"], "SUCCEEDED");
    assert_eq!(frame["job"]["result"], "done", "what came out is there with the end");
    assert_eq!(number(&frame["cursor"]), last);
}

#[tokio::test]
async fn whoever_follows_a_job_is_told_that_it_is_paused_and_that_it_goes_on() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    world.settled().await;
    let mut one = world.follow(
        Some(&ada),
        "subscription($id: ID!) { job(id: $id) { job { pausedAt pauseReason }
            events { ... on JobChanged { type changed } } } }",
        json!({ "id": job }),
    );
    next(&mut one).await.unwrap();
    let filter = json!({ "filter": { "paused": true } });
    let mut paused = world.follow(Some(&ada), EVENTS, filter);
    next(&mut paused).await.unwrap();
    let pause = "mutation($id: ID!) { pauseJob(input: { id: $id, reason: \"slow\" }) {
        userErrors { code } } }";
    let resume = "mutation($id: ID!) { resumeJob(input: { id: $id }) { userErrors { code } } }";
    let changed = json!(["PAUSED_AT", "PAUSE_REASON"]);
    for (text, event, reason, kind) in [
        (pause, "JobPaused", json!("slow"), "JobAdded"),
        (resume, "JobResumed", Value::Null, "JobRemoved"),
    ] {
        world.data(&ada, text, json!({ "id": job })).await;
        let frame = loop {
            let frame = next(&mut one).await.unwrap()["data"]["job"].take();
            if frame["events"] != json!([]) {
                break frame;
            }
        };
        assert_eq!(frame["events"], json!([{ "type": event, "changed": changed }]));
        assert_eq!(frame["job"]["pauseReason"], reason);
        assert_eq!(frame["job"]["pausedAt"].is_null(), reason.is_null());
        let listed = told(&mut paused).await["events"].take();
        assert_eq!((&listed[0]["__typename"], &listed[0]["type"]), (&json!(kind), &json!(event)));
    }
}

#[tokio::test]
async fn a_job_can_be_followed_from_before_it_was_and_after_it_has_ended() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.task(&ada).await;
    let job = world.task(&ada).await;
    world.fail(job).await;
    world.settled().await;
    let mut frames = world.follow(Some(&ada), JOB, json!({ "id": job, "after": "0" }));
    let mut frame = next(&mut frames).await.unwrap()["data"]["job"].take();
    let types: Vec<Value> =
        frame["events"].as_array().unwrap().iter().map(|it| it["type"].clone()).collect();
    assert_eq!(types, ["TaskCreated", "LeaseGranted", "AttemptFailed", "JobFailed"]);
    assert_eq!(frame["events"][0]["__typename"], "JobAdded");
    assert_eq!(frame["job"]["state"], "FAILED");
    assert_eq!(next(&mut frames).await, None);
    let cursor = frame["cursor"].take();
    let mut frames = world.follow(Some(&ada), JOB, json!({ "id": job, "after": cursor }));
    let frame = next(&mut frames).await.unwrap()["data"]["job"].take();
    assert_eq!((&frame["job"]["state"], &frame["events"]), (&json!("FAILED"), &json!([])));
    assert_eq!(next(&mut frames).await, None);
}

/// However a job ends, nobody is kept waiting for what comes next.
#[tokio::test]
async fn every_end_of_a_job_ends_what_follows_it() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    for state in ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"] {
        let job = match state {
            "EXPIRED" => expiring(&world, &ada).await,
            _ => world.task(&ada).await,
        };
        let mut frames = world.follow(Some(&ada), JOB, json!({ "id": job }));
        let first = next(&mut frames).await.unwrap()["data"]["job"].take();
        assert_eq!(first["job"]["state"], "QUEUED");
        match state {
            "SUCCEEDED" => {
                let fence = world.lease(job).await;
                world.complete(job, fence, json!(1)).await;
            }
            "FAILED" => {
                world.fail(job).await;
            }
            "CANCELLED" => {
                let cancel = "mutation($id: ID!) { cancelJob(input: { id: $id }) \
                    { userErrors { code } } }";
                world.data(&ada, cancel, json!({ "id": job })).await;
            }
            _ => expired(&world, job).await,
        }
        let mut frame = Value::Null;
        while let Some(mut answer) = next(&mut frames).await {
            assert!(answer.get("errors").is_none(), "{answer}");
            frame = answer["data"]["job"].take();
        }
        assert_eq!(frame["job"]["state"], state);
    }
}

/// A task that is soon over.
async fn expiring(world: &World, owner: &Person) -> domain::JobId {
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) \
        { task { id } userErrors { message } } }";
    let soon = now() + std::time::Duration::from_secs(4);
    let input = json!({ "service": "anything", "body": {}, "expiresAt": soon.to_rfc3339() });
    let data = world.data(owner, create, json!({ "input": input })).await;
    let id = data["createTask"]["task"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{data}")).parse().unwrap()
}

/// As the rescuer does when it is time.
async fn expired(world: &World, job: domain::JobId) {
    let rescuer = domain::Actor::System(domain::actor::Component::Rescuer);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        let command = commands::Command::Job(job, domain::job::JobCommand::ExpireJob);
        let asked = commands::Asked::by(rescuer.clone());
        match world.sides.commands.execute(command, asked).await {
            Ok(_) => return,
            Err(commands::CommandError::Refused(_)) => ticks.tick().await,
            Err(error) => panic!("{error}"),
        };
    }
}

/// The position of one's own command is where one goes on from, whether or not this process has
/// heard of it yet.
#[tokio::test]
async fn a_position_that_has_just_been_written_can_be_gone_on_from() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    for _ in 0..10 {
        let job = world.task(&ada).await;
        let fence = world.lease(job).await;
        let after = world.head().await.to_string();
        let mut frames = world.follow(Some(&ada), EVENTS, json!({ "after": after }));
        let position = world.progress(job, fence, 1).await;
        let events = told(&mut frames).await["events"].take();
        assert_eq!(events.as_array().unwrap().len(), 1);
        assert_eq!(number(&events[0]["position"]), position);
    }
}

#[tokio::test]
async fn a_position_that_this_process_will_soon_hear_of_is_waited_for() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let soon = (world.head().await + 1).to_string();
    let mut frames = world.follow(Some(&ada), EVENTS, json!({ "after": soon }));
    let (answer, _) = tokio::join!(next(&mut frames), world.task(&ada));
    let frame = answer.unwrap()["data"]["jobEvents"].take();
    assert_eq!((&frame["cursor"], &frame["events"]), (&json!(soon), &json!([])));
}

#[tokio::test]
async fn nobody_goes_on_from_where_nothing_is() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let head = world.head().await;
    let after = json!({ "id": job, "after": (head + 1).to_string() });
    for text in [EVENTS, JOB] {
        let refused = next(&mut world.follow(Some(&ada), text, after.clone())).await.unwrap();
        assert_eq!(codes(&refused), ["POSITION_AHEAD"]);
        assert_eq!(refused["errors"][0]["extensions"]["current"], head.to_string());
    }
    let absurd = json!({ "after": "9999999999" });
    let refused = next(&mut world.follow(Some(&ada), EVENTS, absurd)).await.unwrap();
    assert_eq!(codes(&refused), ["POSITION_OUT_OF_RANGE"]);
    let nobody = json!({ "id": uuid::Uuid::nil() });
    let refused = next(&mut world.follow(Some(&ada), JOB, nobody)).await.unwrap();
    assert_eq!(codes(&refused), ["NOT_FOUND"]);
}

/// Somebody whose jobs are quiet while others are busy must not start far behind when they come
/// back.
#[tokio::test]
async fn the_cursor_moves_on_where_there_is_nothing_to_see() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let mut frames = world.follow(Some(&ada), EVENTS, json!({}));
    next(&mut frames).await.unwrap();
    world.task(&bob).await;
    let head = world.head().await;
    let frame = next(&mut frames).await.unwrap()["data"]["jobEvents"].take();
    assert_eq!(frame["events"], json!([]));
    assert_eq!(number(&frame["cursor"]), head);
}

#[tokio::test]
async fn each_frame_may_cost_as_much_as_an_answer() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let fence = world.lease(job).await;
    world.settled().await;
    let lists: Vec<String> =
        (0..40).map(|it| format!("e{it}: events(first: 100) {{ id }}")).collect();
    let text = format!(
        "subscription {{ jobEvents {{ events {{ ... on JobChanged {{ job {{ {} }} }} }} }} }}",
        lists.join(" ")
    );
    let mut frames = world.follow(Some(&ada), &text, json!({}));
    next(&mut frames).await.unwrap();
    for done in 0..6 {
        world.progress(job, fence, done).await;
        told(&mut frames).await;
    }
}

/// Must never: whoever looks at a job of very many events has all of them read.
#[tokio::test]
async fn a_job_is_followed_from_its_row_and_not_from_its_first_event() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let (running, ended) = (world.task(&ada).await, world.task(&ada).await);
    let fence = world.lease(running).await;
    world.progress(running, fence, 50).await;
    world.fail(ended).await;
    world.caught_up().await;
    world.lose_events().await;
    for (job, state) in [(running, "RUNNING"), (ended, "FAILED")] {
        let mut frames = world.follow(Some(&ada), JOB, json!({ "id": job }));
        let first = next(&mut frames).await.unwrap();
        assert_eq!(first["data"]["job"]["job"]["state"], state, "{first}");
        let mut frames = world.follow(Some(&bob), JOB, json!({ "id": job }));
        assert_eq!(codes(&next(&mut frames).await.unwrap()), ["NOT_FOUND"]);
    }
}
