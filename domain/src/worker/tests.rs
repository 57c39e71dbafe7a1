use uuid::Uuid;

use super::{
    RefusedReport, StaleReportRefused, Worker, WorkerCommand, WorkerEvent, WorkerLeft,
    WorkerRegistered,
};
use crate::{
    Actor, Context, JobId, LeaseId, Refusal, Timestamp, WorkerId, actor::ServiceScope,
    service::ServiceName, testing::given,
};

const JOB: JobId = JobId(Uuid::from_u128(7));

fn herself() -> Context {
    let id = WorkerId(Uuid::from_u128(0xA));
    Context { actor: Actor::Worker { id, scope: ServiceScope::All }, now: Timestamp::UNIX_EPOCH }
}

fn services() -> Vec<ServiceName> {
    vec!["checksum".parse().unwrap()]
}

fn register(name: &str, services: Vec<ServiceName>) -> WorkerCommand {
    WorkerCommand::RegisterWorker { name: name.into(), services }
}

fn late() -> WorkerCommand {
    let lease = LeaseId { job: JOB, fence: 2 };
    WorkerCommand::RefuseReport { lease, report: RefusedReport::Succeeded, current: Some(4) }
}

fn registered() -> WorkerEvent {
    WorkerRegistered { name: "ann".into(), services: services() }.into()
}

fn refused() -> WorkerEvent {
    let report = RefusedReport::Succeeded;
    StaleReportRefused { job: JOB, fence: 2, report, current: Some(4) }.into()
}

fn left() -> WorkerEvent {
    WorkerLeft {}.into()
}

#[test]
fn a_worker_comes_goes_and_may_come_back() {
    let ask = |history: Vec<_>, command| given::<Worker>(history).when(command, &herself());
    ask(vec![], register("ann", services())).then([registered()]);
    ask(vec![registered()], register("ann", services())).then([]);
    ask(vec![registered()], WorkerCommand::LeaveWorker).then([left()]);
    ask(vec![registered(), left()], WorkerCommand::LeaveWorker).then([]);
    ask(vec![registered(), left()], register("ann", services())).then([registered()]);
}

#[test]
fn a_late_report_is_recorded_also_from_a_worker_that_has_left() {
    for history in [vec![registered()], vec![registered(), refused()], vec![registered(), left()]] {
        given::<Worker>(history).when(late(), &herself()).then([refused()]);
    }
}

#[test]
fn a_late_report_does_not_bring_a_worker_back() {
    let history = [registered(), left(), refused()];
    given::<Worker>(history).when(WorkerCommand::LeaveWorker, &herself()).then([]);
}

#[test]
fn a_worker_that_never_came_cannot_report_or_leave() {
    for command in [late(), WorkerCommand::LeaveWorker] {
        given::<Worker>([])
            .when(command, &herself())
            .refused(&Refusal::NotFound { what: "worker" });
    }
}

#[test]
fn a_worker_has_a_name_and_a_bounded_number_of_services() {
    let rule = "between 1 and 128 bytes, none NUL";
    for name in [String::new(), "x".repeat(129), "a\0b".into()] {
        given::<Worker>([])
            .when(register(&name, services()), &herself())
            .refused(&Refusal::invalid("name", rule));
    }
    let many = |count| services().into_iter().cycle().take(count).collect::<Vec<_>>();
    let name = "x".repeat(128);
    given::<Worker>([]).when(register(&name, many(1_000)), &herself()).then([WorkerRegistered {
        name,
        services: many(1_000),
    }
    .into()]);
    given::<Worker>([])
        .when(register("ann", many(1_001)), &herself())
        .refused(&Refusal::invalid("services", "at most 1000 of them"));
}
