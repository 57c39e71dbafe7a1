//! Having tasks done, stopped, left alone, and done again.

use expect_test::expect;
use serde_json::{Value, json};

use super::world::{World, codes};

const CREATE: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) {
    task { id state service body priority owner { id email } }
    position userErrors { code message path }
} }";

const CANCEL: &str = "mutation($input: CancelJobInput!) { cancelJob(input: $input) {
    job { id state cancelRequested } position userErrors { code message path }
} }";

const PAUSE: &str = "mutation($input: PauseJobInput!) { pauseJob(input: $input) {
    job { id state pausedAt pauseReason } position userErrors { code message path }
} }";

const RESUME: &str = "mutation($input: ResumeJobInput!) { resumeJob(input: $input) {
    job { id state pausedAt pauseReason } position userErrors { code message path }
} }";

const RETRY: &str = "mutation($input: RetryJobInput!) { retryJob(input: $input) {
    job { id state retryOf } position userErrors { code message path }
} }";

#[tokio::test]
async fn a_task_that_was_asked_for_is_there_when_the_answer_comes() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let input = json!({ "service": "scan", "body": { "pages": [1, 2] }, "priority": 7 });
    let data = world.data(&ada, CREATE, json!({ "input": input })).await;
    let payload = &data["createTask"];
    assert_eq!(payload["userErrors"], json!([]));
    let task = &payload["task"];
    assert_eq!(task["state"], "QUEUED");
    assert_eq!(task["service"], "scan");
    assert_eq!(task["body"], json!({ "pages": [1, 2] }));
    assert_eq!(task["priority"], 7);
    assert_eq!(task["owner"], json!({ "id": ada.id.to_string(), "email": ada.email }));
    let again = "query($id: ID!, $at: Position) { job(id: $id, atLeast: $at) { id position } }";
    let variables = json!({ "id": task["id"], "at": payload["position"] });
    let data = world.data(&ada, again, variables).await;
    assert_eq!(data["job"]["id"], task["id"]);
    assert_eq!(data["job"]["position"], payload["position"]);
}

#[tokio::test]
async fn what_the_rules_turn_down_names_the_part_and_the_rule() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let head = world.head().await;
    let refused = async |input: Value| {
        let data = world.data(&ada, CREATE, json!({ "input": input })).await;
        let payload = &data["createTask"];
        assert_eq!(payload["task"], Value::Null);
        assert_eq!(payload["position"], Value::Null);
        payload["userErrors"][0].to_string()
    };
    expect![[r#"{"code":"UNKNOWN_SERVICE","message":"there is no service `nothing`","path":["input","service"]}"#]]
        .assert_eq(&refused(json!({ "service": "nothing", "body": {} })).await);
    expect![[r#"{"code":"INVALID","message":"body/pages/1: it is not of type \"integer\"","path":["input","body","pages","1"]}"#]]
        .assert_eq(&refused(json!({ "service": "scan", "body": { "pages": [1, "two"] } })).await);
    expect![[r#"{"code":"INVALID","message":"body: \"pages\" is a required property","path":["input","body"]}"#]]
        .assert_eq(&refused(json!({ "service": "scan", "body": {} })).await);
    let with = |name: &str, value: Value| {
        let mut input = json!({ "service": "anything", "body": {} });
        input[name] = value;
        input
    };
    expect![[r#"{"code":"INVALID","message":"priority: between -100 and 100","path":["input","priority"]}"#]]
        .assert_eq(&refused(with("priority", json!(101))).await);
    expect![[r#"{"code":"INVALID","message":"priority: between -100 and 100","path":["input","priority"]}"#]]
        .assert_eq(&refused(with("priority", json!(100_000))).await);
    expect![[
        r#"{"code":"INVALID","message":"expiresAt: in the future","path":["input","expiresAt"]}"#
    ]]
    .assert_eq(&refused(with("expiresAt", json!("2001-01-01T00:00:00Z"))).await);
    expect![[r#"{"code":"INVALID","message":"expiresAt: no later than the service allows","path":["input","expiresAt"]}"#]]
        .assert_eq(&refused(with("expiresAt", json!("2999-01-01T00:00:00Z"))).await);
    expect![[r#"{"code":"INVALID","message":"notBefore: before the job expires","path":["input","notBefore"]}"#]]
        .assert_eq(&refused(with("notBefore", json!("2999-01-01T00:00:00Z"))).await);
    expect![[r#"{"code":"INVALID","message":"idempotencyKey: between 1 and 255 bytes, none of them NUL","path":["input","idempotencyKey"]}"#]]
        .assert_eq(&refused(with("idempotencyKey", json!("k".repeat(256)))).await);
    assert_eq!(world.head().await, head, "nothing was written");
}

#[tokio::test]
async fn input_of_the_wrong_shape_is_an_error_of_the_request() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let head = world.head().await;
    let inputs = [
        json!({ "service": "anything" }),
        json!({ "service": 7, "body": {} }),
        json!({ "service": "anything", "body": {}, "priority": "high" }),
        json!({ "service": "anything", "body": {}, "expiresAt": "tomorrow" }),
        json!({ "service": "anything", "body": {}, "colour": "red" }),
    ];
    for input in inputs {
        let answer = world.ask(&ada, CREATE, json!({ "input": input })).await;
        assert_eq!(codes(&answer), ["BAD_USER_INPUT"], "{input}");
    }
    assert_eq!(world.head().await, head, "nothing was written");
}

#[tokio::test]
async fn the_same_key_gives_the_same_task_and_another_input_is_refused() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let bob = world.person("bob", identity::Role::Member).await;
    let input = json!({ "service": "anything", "body": { "b": 1, "a": 2 }, "idempotencyKey": "k" });
    let first = world.data(&ada, CREATE, json!({ "input": input })).await;
    let head = world.head().await;
    let reordered =
        json!({ "idempotencyKey": "k", "body": { "a": 2, "b": 1 }, "service": "anything" });
    let second = world.data(&ada, CREATE, json!({ "input": reordered })).await;
    assert_eq!(second["createTask"], first["createTask"]);
    let other = json!({ "service": "anything", "body": { "a": 3 }, "idempotencyKey": "k" });
    let refused = world.data(&ada, CREATE, json!({ "input": other })).await;
    let error = &refused["createTask"]["userErrors"][0];
    assert_eq!(error["code"], "KEY_REUSED");
    assert_eq!(error["path"], json!(["input", "idempotencyKey"]));
    assert_eq!(world.head().await, head, "nothing was written");
    let theirs = world.data(&bob, CREATE, json!({ "input": input })).await;
    assert_ne!(theirs["createTask"]["task"]["id"], first["createTask"]["task"]["id"]);
}

#[tokio::test]
async fn viewers_only_look() {
    let world = World::new().await;
    let vera = world.person("vera", identity::Role::Viewer).await;
    let head = world.head().await;
    let input = json!({ "input": { "service": "anything", "body": {} } });
    let data = world.data(&vera, CREATE, input).await;
    assert_eq!(data["createTask"]["userErrors"][0]["code"], "FORBIDDEN");
    assert_eq!(world.head().await, head, "nothing was written");
}

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once_and_a_running_one_when_its_worker_lets_go() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let (queued, running) = (world.task(&ada).await, world.task(&ada).await);
    world.lease(running).await;
    let cancel = async |id| {
        let input = json!({ "input": { "id": id, "reason": "enough" } });
        world.data(&ada, CANCEL, input).await["cancelJob"].take()
    };
    let payload = cancel(queued).await;
    assert_eq!(payload["job"]["state"], "CANCELLED");
    assert_eq!(payload["userErrors"], json!([]));
    let payload = cancel(running).await;
    assert_eq!(payload["job"]["state"], "RUNNING");
    assert_eq!(payload["job"]["cancelRequested"], true);
}

#[tokio::test]
async fn a_job_is_paused_wherever_it_stands_until_it_is_resumed_or_has_ended() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let (queued, running) = (world.task(&ada).await, world.task(&ada).await);
    let fence = world.lease(running).await;
    let ask = async |text: &str, field: &str, input: Value| {
        world.data(&ada, text, json!({ "input": input })).await[field].take()
    };
    let pause = async |id| ask(PAUSE, "pauseJob", json!({ "id": id, "reason": "too slow" })).await;
    let resume = async |id| ask(RESUME, "resumeJob", json!({ "id": id })).await;
    for (id, state) in [(queued, "QUEUED"), (running, "RUNNING")] {
        let payload = pause(id).await;
        assert_eq!((&payload["userErrors"], &payload["job"]["state"]), (&json!([]), &json!(state)));
        assert_eq!(payload["job"]["pauseReason"], "too slow");
        assert!(payload["job"]["pausedAt"].is_string(), "{payload}");
        assert_eq!(pause(id).await, payload, "to ask again changes nothing");
    }
    let list = "{ jobs(filter: { paused: true }) { totalCount } services { queued paused } }";
    world.settled().await;
    let seen = world.data(&ada, list, json!({})).await;
    assert_eq!(seen["jobs"]["totalCount"], 2);
    assert_eq!(seen["services"][0], json!({ "queued": 0, "paused": 1 }));

    let payload = resume(queued).await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["job"]["pausedAt"], Value::Null);
    assert_eq!(payload["job"]["pauseReason"], Value::Null);
    world.lease(queued).await;
    world.complete(running, fence, json!(null)).await;
    for payload in [pause(running).await, resume(running).await] {
        let expected = json!([{
            "code": "JOB_ENDED", "message": "the job has ended: SUCCEEDED", "path": ["input", "id"],
        }]);
        assert_eq!((&payload["job"], &payload["userErrors"]), (&Value::Null, &expected));
    }
    world.settled().await;
    let seen = world.data(&ada, list, json!({})).await;
    assert_eq!(seen["jobs"]["totalCount"], 0, "what has ended is not paused");
    let long = ask(PAUSE, "pauseJob", json!({ "id": queued, "reason": "x".repeat(1_025) })).await;
    assert_eq!(long["userErrors"][0]["path"], json!(["input", "reason"]));
}

#[tokio::test]
async fn a_job_is_done_again_as_a_new_one_once_it_has_ended() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let job = world.task(&ada).await;
    let retry = async |key: &str| {
        let input = json!({ "input": { "id": job, "idempotencyKey": key } });
        world.data(&ada, RETRY, input).await["retryJob"].take()
    };
    let early = retry("early").await;
    assert_eq!(early["userErrors"][0]["code"], "JOB_NOT_ENDED");
    assert_eq!(early["userErrors"][0]["path"], json!(["input", "id"]));
    world.fail(job).await;
    let payload = retry("k").await;
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["job"]["state"], "QUEUED");
    assert_eq!(payload["job"]["retryOf"], job.to_string());
    assert_eq!(retry("k").await, payload, "the same key gives the same new job");
}

/// What was done is done: an answer without its job still says where it stands.
#[tokio::test]
async fn a_task_that_is_not_to_be_seen_yet_is_answered_with_its_position() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    world.stand_still().await;
    let input = json!({ "input": { "service": "anything", "body": {} } });
    let data = world.data(&ada, CREATE, input).await;
    let payload = &data["createTask"];
    assert_eq!(payload["task"], Value::Null);
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["position"], world.head().await.to_string());
}
