//! Lands, and crawls that are asked for of them.

use domain::{
    LandId,
    actor::{Actor, Role},
    decode::Event,
    job::{CrawlEvent, JobEvent},
    land::{LandChange, LandCommand, Sketch},
};

use super::world::*;
use crate::*;

const LAND: LandId = LandId(Uuid::from_u128(0x1A));

fn rivers(terms: &[&str]) -> Command {
    let sketch = Sketch {
        name: "Rivers".into(),
        terms: terms.iter().map(|&it| it.into()).collect(),
        start_urls: vec!["https://rivers.example/".into()],
        ..Sketch::default()
    };
    Command::Land(LAND, LandCommand::CreateLand { owner: OWNER, sketch })
}

fn crawl() -> Command {
    crawl_of(100)
}

fn crawl_of(pages_max: u32) -> Command {
    let crawl = CrawlSpec {
        land: Some(LAND),
        seeds: vec![],
        terms: vec![],
        depth: 2,
        pages_max,
        languages: vec![],
        follow: Follow::Relevant,
    };
    Command::StartCrawl { id: JOB, crawl, wishes: Wishes::default() }
}

async fn with_land(terms: &[&str]) -> World {
    let world = World::new();
    let accepted = world.commands.execute(rivers(terms), user(OWNER)).await.unwrap();
    assert_eq!((accepted.land(), accepted.job()), (Some(LAND), None));
    world
}

#[tokio::test]
async fn a_crawl_copies_what_its_land_holds() {
    let world = with_land(&["crue"]).await;
    world.commands.execute(crawl(), user(OWNER)).await.unwrap();
    let events = world.events(&of(JOB)).await;
    let [Event::Job(JobEvent::Crawl(CrawlEvent::CrawlRequested(it)))] = events.as_slice() else {
        panic!("not one creation: {events:?}")
    };
    assert_eq!(it.crawl.land, Some(LAND));
    assert_eq!(it.crawl.seeds, ["https://rivers.example/"]);
    assert_eq!(it.crawl.terms, ["crue"]);
    assert_eq!((it.order.policy.lease_ms, it.order.policy.deliveries_max), (15_000, 20));
}

#[tokio::test]
async fn a_crawl_of_a_land_without_terms_is_refused_by_its_terms() {
    let world = with_land(&[]).await;
    let refusal = refused(world.commands.execute(crawl(), user(OWNER)).await);
    assert_eq!(refusal.field(), Some("terms"));
    assert_eq!(world.events(&of(JOB)).await, []);
}

/// Must never: a crawl that takes all the memory there is.
#[tokio::test]
async fn a_crawl_of_more_pages_than_the_operator_allows_is_refused_by_its_limit() {
    let world = with_land(&["crue"]).await;
    let too_many = crawl_of(CRAWL_PAGES_MAX + 1);
    let refusal = refused(world.commands.execute(too_many, user(OWNER)).await);
    assert_eq!(refusal.field(), Some("limit"));
    world.commands.execute(crawl_of(CRAWL_PAGES_MAX), user(OWNER)).await.unwrap();

    let fewer = world.commands.clone().with_crawl_pages_max(9);
    let cancel = Command::Job(JOB, JobCommand::CancelJob { reason: None });
    fewer.execute(cancel, user(OWNER)).await.unwrap();
    let again = Command::RetryJob { of: JOB, id: JobId(Uuid::from_u128(0xA9A1)) };
    let refusal = refused(fewer.execute(again, user(OWNER)).await);
    assert_eq!(refusal, Refusal::invalid("limit", "at most 9"), "nor again");
}

#[tokio::test]
async fn the_land_of_somebody_else_cannot_be_crawled_or_changed() {
    let world = with_land(&["crue"]).await;
    let not_found = Refusal::NotFound { what: "land" };
    let renamed = LandChange { name: Some("Mine".into()), ..LandChange::default() };
    for command in [crawl(), Command::Land(LAND, LandCommand::ChangeLand(renamed))] {
        let refusal = refused(world.commands.execute(command.clone(), user(STRANGER)).await);
        assert_eq!(refusal, not_found);
        let operator = Asked::by(Actor::User { id: STRANGER, role: Role::Operator });
        world.commands.execute(command, operator).await.unwrap();
    }
}

#[tokio::test]
async fn a_repeated_crawl_is_the_first_one_whatever_became_of_the_land() {
    let world = with_land(&["crue"]).await;
    let asked = || user(OWNER).once("monday", [7; 32]);
    let first = world.commands.execute(crawl(), asked()).await.unwrap();
    let delete = Command::Land(LAND, LandCommand::DeleteLand);
    world.commands.execute(delete, user(OWNER)).await.unwrap();
    let again = world.commands.execute(crawl(), asked()).await.unwrap();
    assert_eq!((again.position, again.repeated), (first.position, true));
    let refusal = refused(world.commands.execute(crawl(), user(OWNER)).await);
    assert_eq!(refusal, Refusal::NotFound { what: "land" });
}
