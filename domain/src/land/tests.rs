use uuid::Uuid;

use super::{
    Land, LandChange, LandChanged, LandCommand, LandCreated, LandDeleted, LandEvent,
    LandTransferred, Sketch,
};
use crate::{
    Actor, Context, LandId, Refusal, Timestamp, UserId,
    actor::{Component, Role},
    job::{CrawlSpec, Follow},
    testing::{given, replay},
};

const ANN: UserId = UserId(Uuid::from_u128(1));
const BOB: UserId = UserId(Uuid::from_u128(2));

fn by(id: UserId, role: Role) -> Context {
    Context { actor: Actor::User { id, role }, now: Timestamp::UNIX_EPOCH }
}

fn ann() -> Context {
    by(ANN, Role::Member)
}

fn bob() -> Context {
    by(BOB, Role::Member)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&it| it.into()).collect()
}

fn rivers() -> Sketch {
    Sketch {
        name: "Rivers".into(),
        description: "Who speaks of rivers".into(),
        languages: strings(&["fr"]),
        terms: strings(&["rivière", "crue"]),
        start_urls: strings(&["https://rivers.example/"]),
    }
}

fn create(owner: UserId, sketch: Sketch) -> LandCommand {
    LandCommand::CreateLand { owner, sketch }
}

fn created() -> LandEvent {
    LandCreated { owner: ANN, sketch: rivers() }.into()
}

fn change(change: LandChange) -> LandCommand {
    LandCommand::ChangeLand(change)
}

fn not_found() -> Refusal {
    Refusal::NotFound { what: "land" }
}

#[test]
fn a_land_is_made_tidy() {
    let untidy = Sketch {
        name: "  Rivers ".into(),
        terms: strings(&["rivière", " rivière", "crue "]),
        ..rivers()
    };
    given::<Land>([]).when(create(ANN, untidy), &ann()).then([created()]);
    given::<Land>([created()]).when(create(ANN, rivers()), &ann()).refused(&Refusal::AlreadyExists);
}

#[test]
fn a_land_is_made_for_oneself_and_by_operators_for_others() {
    given::<Land>([])
        .when(create(ANN, rivers()), &bob())
        .refused(&Refusal::Forbidden { rule: "lands are created for oneself" });
    given::<Land>([]).when(create(ANN, rivers()), &by(BOB, Role::Operator)).then([created()]);
}

#[test]
fn a_land_may_be_made_before_its_terms_are_known() {
    let sketch = Sketch { name: "Rivers".into(), ..Sketch::default() };
    given::<Land>([]).when(create(ANN, sketch.clone()), &ann()).then([LandCreated {
        owner: ANN,
        sketch,
    }
    .into()]);
}

#[test]
fn what_no_crawl_could_start_with_is_refused_and_named() {
    let refused = |sketch: Sketch, field: &str| {
        let answer = replay::<Land>(&[]);
        let answer = crate::Decider::decide(&answer, create(ANN, sketch), &ann());
        assert_eq!(answer.unwrap_err().field(), Some(field));
    };
    refused(Sketch { name: " ".into(), ..rivers() }, "name");
    refused(Sketch { name: "x".repeat(257), ..rivers() }, "name");
    refused(Sketch { description: "x".repeat(8_193), ..rivers() }, "description");
    refused(Sketch { languages: strings(&["french"]), ..rivers() }, "languages");
    refused(Sketch { terms: strings(&["crue", " "]), ..rivers() }, "terms");
    refused(Sketch { terms: (0..1_001).map(|it| it.to_string()).collect(), ..rivers() }, "terms");
    refused(Sketch { start_urls: strings(&["ftp://rivers.example/"]), ..rivers() }, "startUrls");
}

#[test]
fn only_what_is_different_is_written_down() {
    let asked = LandChange {
        name: Some("Rivers ".into()),
        terms_added: strings(&["crue", "fleuve"]),
        terms_removed: strings(&["rivière", "lac"]),
        ..LandChange::default()
    };
    let changed = LandChanged {
        terms_added: strings(&["fleuve"]),
        terms_removed: strings(&["rivière"]),
        ..LandChanged::default()
    };
    given::<Land>([created()]).when(change(asked.clone()), &ann()).then([changed.clone().into()]);
    given::<Land>([created(), changed.clone().into()]).when(change(asked), &ann()).then([]);
    let after = replay::<Land>(&[created(), changed.into()]);
    assert_eq!(after.present().unwrap().sketch.terms, strings(&["crue", "fleuve"]));
}

#[test]
fn what_is_both_added_and_removed_stays() {
    let both = LandChange {
        terms_added: strings(&["crue"]),
        terms_removed: strings(&["crue"]),
        ..LandChange::default()
    };
    given::<Land>([created()]).when(change(both), &ann()).then([]);
}

#[test]
fn a_change_that_goes_too_far_is_refused() {
    let terms_added = (0..999).map(|it| it.to_string()).collect();
    given::<Land>([created()])
        .when(change(LandChange { terms_added, ..LandChange::default() }), &ann())
        .refused(&Refusal::invalid("terms", "at most 1000 of them"));
}

#[test]
fn the_land_of_somebody_else_does_not_exist() {
    let renamed = LandChange { name: Some("Mine".into()), ..LandChange::default() };
    for command in [change(renamed), LandCommand::DeleteLand, transfer(None, BOB)] {
        given::<Land>([created()]).when(command.clone(), &bob()).refused(&not_found());
        given::<Land>([]).when(command, &bob()).refused(&not_found());
    }
    let land = replay::<Land>(&[created()]);
    let spec = crawl(&[], &[]);
    assert_eq!(land.crawl(spec, &bob().actor), Err(not_found()));
}

#[test]
fn a_land_that_is_given_away_is_the_others() {
    let given_away = LandEvent::from(LandTransferred { to: BOB });
    let to_bob = || transfer(None, BOB);
    given::<Land>([created()]).when(to_bob(), &ann()).then([given_away.clone()]);
    given::<Land>([created(), given_away.clone()])
        .when(to_bob(), &bob())
        .refused(&Refusal::invalid("to", "somebody else than whose it is"));
    given::<Land>([created(), given_away.clone()]).when(to_bob(), &ann()).refused(&not_found());
    let system = Context { actor: Actor::System(Component::Registrar), ..ann() };
    let if_anns = || transfer(Some(ANN), BOB);
    given::<Land>([created()]).when(if_anns(), &system).then([given_away.clone()]);
    given::<Land>([created(), given_away]).when(if_anns(), &system).then([]);
}

#[test]
fn an_operator_gives_nothing_away_that_is_somebody_elses() {
    let by = |role| Context { actor: Actor::User { id: BOB, role }, ..ann() };
    let refusal = Refusal::Forbidden { rule: "one gives away one's own, or as an admin" };
    given::<Land>([created()]).when(transfer(None, BOB), &by(Role::Operator)).refused(&refusal);
    given::<Land>([created()])
        .when(transfer(None, BOB), &by(Role::Admin))
        .then([LandTransferred { to: BOB }.into()]);
}

fn transfer(from: Option<UserId>, to: UserId) -> LandCommand {
    LandCommand::TransferLand { from, to }
}

#[test]
fn a_land_that_is_gone_does_not_come_back() {
    let gone = LandEvent::from(LandDeleted {});
    given::<Land>([created()]).when(LandCommand::DeleteLand, &ann()).then([gone.clone()]);
    given::<Land>([created(), gone.clone()])
        .when(LandCommand::DeleteLand, &ann())
        .refused(&not_found());
    given::<Land>([created(), gone])
        .when(create(ANN, rivers()), &ann())
        .refused(&Refusal::AlreadyExists);
}

fn crawl(seeds: &[&str], terms: &[&str]) -> CrawlSpec {
    CrawlSpec {
        land: Some(LandId(Uuid::from_u128(7))),
        seeds: strings(seeds),
        terms: strings(terms),
        depth: 1,
        pages_max: 10,
        languages: Vec::new(),
        follow: Follow::Relevant,
    }
}

#[test]
fn a_crawl_has_what_its_land_has_and_what_it_brings() {
    let land = replay::<Land>(&[created()]);
    let spec = land.crawl(crawl(&["https://lakes.example/"], &["lac", "crue"]), &ann().actor);
    let spec = spec.unwrap();
    assert_eq!(spec.seeds, strings(&["https://rivers.example/", "https://lakes.example/"]));
    assert_eq!(spec.terms, strings(&["rivière", "crue", "lac"]));
    assert_eq!(spec.languages, strings(&["fr"]));
    assert_eq!(spec.check(), Ok(()));
}

#[test]
fn a_crawl_of_a_land_without_terms_is_refused_for_its_terms() {
    let sketch = Sketch { terms: Vec::new(), ..rivers() };
    let land = replay::<Land>(&[LandCreated { owner: ANN, sketch }.into()]);
    let spec = land.crawl(crawl(&[], &[]), &ann().actor).unwrap();
    assert_eq!(spec.check().unwrap_err().field(), Some("terms"));
}
