//! What whoever creates a job may wish for.

use domain::{
    UserId,
    actor::{Actor, Role},
    artifact::Sha256,
    decode::Event,
    job::{JobEvent, Order},
};
use journal::Memory;
use serde_json::json;

use super::world::*;
use crate::*;

fn wishing(wishes: Wishes) -> Command {
    let (service, body) = ("checksum".to_owned(), json!({ "folder": "in" }));
    Command::CreateTask { id: JOB, service, body, wishes }
}

async fn order(world: &World) -> Order {
    match world.events(&of(JOB)).await.as_slice() {
        [Event::Job(JobEvent::TaskCreated(it))] => it.order.clone(),
        other => panic!("not one creation: {other:?}"),
    }
}

#[tokio::test]
async fn a_job_belongs_to_whom_asked_for_it_and_expires_with_its_service() {
    let services = [json!({ "name": "checksum", "expiry_s": 60, "attempts_max": 9 })];
    let world = World::with_services(Arc::new(Memory::default()), services);
    world.commands.execute(wishing(Wishes::default()), user(OWNER)).await.unwrap();
    let order = order(&world).await;
    assert_eq!((order.owner, order.expires_at), (OWNER, t(1_060)));
    assert_eq!((order.policy.attempts_max, order.retry_of), (9, None));
}

#[tokio::test]
async fn only_those_who_see_all_create_jobs_for_others() {
    let wish = || wishing(Wishes { owner: Some(STRANGER), ..Wishes::default() });
    let world = World::new();
    let refusal = refused(world.commands.execute(wish(), user(OWNER)).await);
    assert_eq!(refusal.code(), "FORBIDDEN");
    let operator = Asked::by(Actor::User { id: OWNER, role: Role::Operator });
    world.commands.execute(wish(), operator).await.unwrap();
    assert_eq!(order(&world).await.owner, STRANGER);
}

#[tokio::test]
async fn a_wish_that_breaks_a_rule_is_refused_by_its_field() {
    let world = World::new();
    let week = t(1_000) + chrono::Duration::days(7);
    let cases = [
        (Wishes { priority: 101, ..Wishes::default() }, "priority"),
        (Wishes { expires_at: Some(t(999)), ..Wishes::default() }, "expiresAt"),
        (
            Wishes { expires_at: Some(week + chrono::Duration::seconds(1)), ..Wishes::default() },
            "expiresAt",
        ),
        (Wishes { not_before: Some(week), ..Wishes::default() }, "notBefore"),
    ];
    for (wishes, field) in cases {
        let refusal = refused(world.commands.execute(wishing(wishes), user(OWNER)).await);
        assert_eq!(refusal.field(), Some(field));
    }
    assert_eq!(*world.journal.head().borrow(), 0);
}

#[tokio::test]
async fn a_body_that_the_service_does_not_take_is_refused_by_its_path() {
    let schema = json!({ "properties": { "pages": { "items": { "type": "integer" } } } });
    let services = [json!({ "name": "checksum", "schema": schema })];
    let world = World::with_services(Arc::new(Memory::default()), services);
    let body = json!({ "pages": [1, "two"] });
    let (service, wishes) = ("checksum".to_owned(), Wishes::default());
    let command = Command::CreateTask { id: JOB, service, body, wishes };
    let refusal = refused(world.commands.execute(command, user(OWNER)).await);
    assert_eq!(refusal.field(), Some("body/pages/1"));
    assert!(world.stream(&of(JOB)).await.is_empty());
}

#[tokio::test]
async fn built_in_services_are_not_for_tasks() {
    let (service, body) = ("crawl".to_owned(), Value::Null);
    let command = Command::CreateTask { id: JOB, service, body, wishes: Wishes::default() };
    let refusal = refused(World::new().commands.execute(command, user(OWNER)).await);
    assert_eq!(refusal.code(), "UNKNOWN_SERVICE");
}

#[tokio::test]
async fn a_crawl_and_a_report_are_jobs_like_any_other() {
    let world = World::new();
    let crawl = CrawlSpec {
        land: None,
        seeds: vec!["https://example.org/".to_owned()],
        terms: vec!["registry".to_owned()],
        depth: 1,
        pages_max: 10,
        languages: vec![],
        follow: Follow::default(),
    };
    let hash = Sha256::new([1; 32]);
    let report = ReportSpec::of(hash, vec![hash]);
    let wishes = Wishes::default();
    let [one, other] = [1, 2].map(|it| JobId(Uuid::from_u128(it)));
    let crawl = Command::StartCrawl { id: one, crawl, wishes };
    world.commands.execute(crawl, user(OWNER)).await.unwrap();
    let report = Command::RequestReport { id: other, report, wishes };
    world.commands.execute(report, user(OWNER)).await.unwrap();
    assert_eq!(world.story(one).await, ["CrawlRequested"]);
    assert_eq!(world.story(other).await, ["ReportRequested"]);
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused() {
    let world = World::new().created().await;
    let refusal = refused(world.commands.execute(create(JOB), user(OWNER)).await);
    assert_eq!(refusal, Refusal::AlreadyExists);
}

#[tokio::test]
async fn what_events_carry_says_who_asked() {
    let world = World::new();
    let asked = Asked {
        correlation: Some(Uuid::from_u128(5)),
        causation: Some(7),
        ..user(UserId(Uuid::from_u128(1)))
    };
    world.commands.execute(create(JOB), asked.clone()).await.unwrap();
    assert_eq!(world.stream(&of(JOB)).await[0].metadata, asked.metadata().unwrap());
}
