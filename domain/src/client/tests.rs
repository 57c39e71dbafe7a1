//! What may happen to a client.

use super::*;
use crate::{Actor, actor::Component, testing::given};

fn context() -> Context {
    Context { actor: Actor::System(Component::Console), now: chrono::DateTime::UNIX_EPOCH }
}

fn registered() -> ClientEvent {
    with(Quotas::default())
}

fn with(quotas: Quotas) -> ClientEvent {
    ClientRegistered { kind: ClientKind::Application, services: Some(ocr()), quotas }.into()
}

fn register(kind: ClientKind, services: Option<BTreeSet<ServiceName>>) -> ClientCommand {
    ClientCommand::RegisterClient { kind, services, quotas: Quotas::default() }
}

fn hourly(jobs: u32) -> Quotas {
    Quotas { jobs_per_hour: Some(jobs), ..Quotas::default() }
}

fn ocr() -> BTreeSet<ServiceName> {
    ["ocr".parse().unwrap()].into()
}

#[test]
fn a_client_is_for_some_services_or_says_that_it_is_for_all() {
    let register = |services| register(ClientKind::Workers, services);
    let quotas = Quotas::default();
    let all = ClientRegistered { kind: ClientKind::Workers, services: None, quotas };
    given::<Client>([]).when(register(None), &context()).then([all.into()]);
    let refusal = Refusal::invalid("services", "at least one");
    given::<Client>([]).when(register(Some([].into())), &context()).refused(&refusal);
    let change = ClientCommand::ChangeClient { services: [].into() };
    given::<Client>([registered()]).when(change, &context()).refused(&refusal);
    given::<Client>([registered()])
        .when(register(None), &context())
        .refused(&Refusal::AlreadyExists);
}

#[test]
fn a_disabled_client_stays_as_it_is() {
    let history = [registered(), ClientDisabled {}.into()];
    given::<Client>(history.clone()).when(ClientCommand::DisableClient, &context()).then([]);
    let refusal = Refusal::Forbidden { rule: "the client is disabled" };
    for command in [
        ClientCommand::ChangeClient { services: ocr() },
        ClientCommand::ChangeClientQuotas { quotas: hourly(1) },
        ClientCommand::RotateSecret { secret: Uuid::nil() },
    ] {
        given::<Client>(history.clone()).when(command, &context()).refused(&refusal);
    }
}

#[test]
fn there_is_nothing_to_change_about_a_client_that_nobody_has_heard_of() {
    let rotate = ClientCommand::RotateSecret { secret: Uuid::nil() };
    given::<Client>([]).when(rotate, &context()).refused(&Refusal::NotFound { what: "client" });
}

#[test]
fn quotas_are_said_at_first_or_later_and_whole() {
    let change = |quotas| ClientCommand::ChangeClientQuotas { quotas };
    let changed = |quotas| ClientEvent::from(ClientQuotasChanged { quotas });
    let (kind, services) = (ClientKind::Application, Some(ocr()));
    let first = ClientCommand::RegisterClient { kind, services, quotas: hourly(5) };
    given::<Client>([]).when(first, &context()).then([with(hourly(5))]);
    given::<Client>([with(hourly(5))])
        .when(change(hourly(6)), &context())
        .then([changed(hourly(6))]);
    given::<Client>([with(hourly(5)), changed(hourly(6))])
        .when(change(Quotas::default()), &context())
        .then([changed(Quotas::default())]);
    given::<Client>([with(hourly(5)), changed(hourly(6))])
        .when(change(hourly(6)), &context())
        .then([]);
}

#[test]
fn a_quota_of_nothing_is_none_and_workers_have_none_at_all() {
    let rule = "from 1 to 2147483647; a client is stopped by disabling it";
    let of_nothing = [
        ("quotas/activeJobsMax", Quotas { active_jobs_max: Some(0), ..Quotas::default() }),
        ("quotas/jobsPerHour", hourly(0)),
        ("quotas/jobsPerDay", Quotas { jobs_per_day: Some(u32::MAX), ..Quotas::default() }),
    ];
    for (field, quotas) in of_nothing {
        let change = ClientCommand::ChangeClientQuotas { quotas };
        let refusal = Refusal::invalid(field, rule);
        given::<Client>([registered()]).when(change, &context()).refused(&refusal);
        let (kind, services) = (ClientKind::Application, Some(ocr()));
        let register = ClientCommand::RegisterClient { kind, services, quotas };
        given::<Client>([]).when(register, &context()).refused(&refusal);
    }
    let (kind, quotas) = (ClientKind::Workers, Quotas::default());
    let workers = ClientRegistered { kind, services: None, quotas };
    let change = ClientCommand::ChangeClientQuotas { quotas: hourly(1) };
    let refusal = Refusal::invalid("quotas", "none for workers: they create no jobs");
    given::<Client>([workers.into()]).when(change, &context()).refused(&refusal);
}

#[test]
fn who_exceeds_a_quota_is_told_which_and_until_when() {
    let until = chrono::DateTime::from_timestamp(7_200, 0);
    let hourly = Exceeded { quota: Quota::JobsPerHour, limit: 5, until };
    let active = Exceeded { quota: Quota::ActiveJobs, limit: 2, until: None };
    let refusal = Refusal::QuotaExceeded(hourly);
    assert_eq!(refusal.code(), "QUOTA_EXCEEDED");
    assert_eq!(
        refusal.to_string(),
        "the client may have 5 jobs an hour; try again after 1970-01-01T02:00:00Z"
    );
    assert_eq!(
        active.to_string(),
        "the client may have 2 jobs that have not ended; try again when one of them has ended"
    );
}
