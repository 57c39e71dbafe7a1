//! How much a client may ask for: counted and refused where it is written.

use std::sync::Arc;

use commands::{Asked, Command, CommandError, Wishes};
use domain::{
    Actor, ClientId, JobId, Refusal, UserId,
    actor::{Component, ServiceScope},
    client::{ClientCommand, ClientKind, Exceeded, Quota, Quotas},
    job::{Closing, JobCommand},
};
use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::world::{ANN, OWNER, World, system, user, worker};

/// A client, as the journal knows it.
pub(super) async fn register(world: &World, id: ClientId, quotas: Quotas) {
    let (kind, services) = (ClientKind::Application, None);
    let register = ClientCommand::RegisterClient { kind, services, quotas };
    told(world, id, register).await;
}

async fn change(world: &World, id: ClientId, quotas: Quotas) {
    told(world, id, ClientCommand::ChangeClientQuotas { quotas }).await;
}

async fn told(world: &World, id: ClientId, command: ClientCommand) {
    let console = system(Component::Console);
    world.commands.execute(Command::Client(id, command), console).await.unwrap();
}

pub(super) fn client(id: ClientId) -> Asked {
    Asked::by(Actor::Client { id: UserId(id.0), scope: ServiceScope::All })
}

fn task() -> Command {
    let (id, service, body) = (JobId(Uuid::new_v4()), "checksum".to_owned(), json!({ "n": 1 }));
    Command::CreateTask { id, service, body, wishes: Wishes::default() }
}

/// A task, and its id.
pub(super) async fn created(world: &World, asked: Asked) -> JobId {
    world.commands.execute(task(), asked).await.unwrap().job().unwrap()
}

/// A task of the client's; none, if it has as many as it may.
pub(super) async fn another(world: &World, id: ClientId) {
    if let Err(error) = world.commands.execute(task(), client(id)).await {
        exceeded::<()>(Err(error));
    }
}

fn active(max: u32) -> Quotas {
    Quotas { active_jobs_max: Some(max), ..Quotas::default() }
}

const SHOP: ClientId = ClientId(Uuid::from_u128(0x51));
const BANK: ClientId = ClientId(Uuid::from_u128(0x52));
const FREE: Quotas = Quotas { active_jobs_max: None, jobs_per_hour: None, jobs_per_day: None };

#[track_caller]
fn exceeded<T: std::fmt::Debug>(answer: Result<T, CommandError>) -> Exceeded {
    match answer {
        Err(CommandError::Refused(Refusal::QuotaExceeded(exceeded))) => exceeded,
        other => panic!("no quota is exceeded: {other:?}"),
    }
}

/// What the tables say of a client, and what is so.
async fn used(world: &World, id: ClientId) -> (u64, u64, u64) {
    let usage = world.reader.usage_of_clients(&[id]).await.unwrap();
    let usage = &usage[&id];
    (usage.active_jobs, usage.jobs_in_hour, usage.jobs_in_day)
}

/// Of all that want the last places at once, in two processes, as many get one
/// as there are; nobody else is disturbed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_in_two_processes_gets_as_many_places_as_there_are() {
    let world = World::new().await;
    let other = world.another_process().await;
    register(&world, SHOP, active(7)).await;
    register(&world, BANK, FREE).await;
    let crowd = (0..60).map(|n| {
        let commands = if n % 2 == 0 { &world.commands } else { &other };
        let asked = match n % 3 {
            0 => client(SHOP),
            1 => client(BANK),
            _ => user(OWNER),
        };
        async move { (n % 3, commands.execute(task(), asked).await) }
    });
    let (mut got, mut refused) = ([0; 3], 0);
    for (who, answer) in join_all(crowd).await {
        if answer.is_ok() {
            got[who] += 1;
        } else {
            let limit = Exceeded { quota: Quota::ActiveJobs, limit: 7, until: None };
            assert_eq!(exceeded(answer), limit);
            assert_eq!(who, 0, "only the shop has a quota");
            refused += 1;
        }
    }
    assert_eq!((got, refused), ([7, 20, 20], 13));
    assert_eq!(used(&world, SHOP).await, (7, 7, 7));
    assert_eq!(used(&world, BANK).await, (20, 20, 20));
    let written = "select count(*) from event where event_type = 'TaskCreated'";
    assert_eq!(world.count(written).await, 47);
}

#[tokio::test]
async fn a_place_is_free_again_at_every_end_of_a_job() {
    let world = World::new().await;
    register(&world, SHOP, active(1)).await;
    let give = async || {
        let job = world.commands.execute(task(), client(SHOP)).await.unwrap().job().unwrap();
        exceeded(world.commands.execute(task(), client(SHOP)).await);
        job
    };
    let job = give().await;
    world.ask(job, JobCommand::CancelJob { reason: None }, client(SHOP)).await;

    let job = give().await;
    let fence = world.grant(job, ANN).await.lease.fence;
    let (result, artifacts, closing) = (json!(7), Vec::new(), Closing::default());
    let complete = JobCommand::CompleteTask { fence, result, errors: 0, artifacts, closing };
    world.ask(job, complete, worker(ANN)).await;

    let job = give().await;
    world.later(8 * 24 * 3_600);
    world.ask(job, JobCommand::ExpireJob, system(Component::Rescuer)).await;

    // Done again, it is a job like another.
    let again = JobId(Uuid::new_v4());
    let retry = Command::RetryJob { of: job, id: again };
    world.commands.execute(retry, client(SHOP)).await.unwrap();
    exceeded(world.commands.execute(task(), client(SHOP)).await);
    let retry = Command::RetryJob { of: job, id: JobId(Uuid::new_v4()) };
    exceeded(world.commands.execute(retry, client(SHOP)).await);
    // An operator does not count, whoever owns the job.
    let retry = Command::RetryJob { of: job, id: JobId(Uuid::new_v4()) };
    world.commands.execute(retry, user(OWNER)).await.unwrap();
    world.ask(again, JobCommand::CancelJob { reason: None }, client(SHOP)).await;
    assert_eq!(used(&world, SHOP).await, (0, 4, 4));
    assert_eq!(world.count("select count(*) from client_job").await, 0);
}

#[tokio::test]
async fn what_was_accepted_is_answered_again_though_the_quota_is_full() {
    let world = World::new().await;
    register(&world, SHOP, active(1)).await;
    let digest = [7; 32];
    let first = world.commands.execute(task(), client(SHOP).once("k", digest)).await.unwrap();
    let again = world.commands.execute(task(), client(SHOP).once("k", digest)).await.unwrap();
    assert_eq!((again.stream, again.repeated), (first.stream, true));
    assert_eq!(used(&world, SHOP).await, (1, 1, 1));
    // A key that was refused is as good as new.
    exceeded(world.commands.execute(task(), client(SHOP).once("l", digest)).await);
    change(&world, SHOP, active(2)).await;
    let later = world.commands.execute(task(), client(SHOP).once("l", digest)).await.unwrap();
    assert!(!later.repeated);
    // At the same time, in two processes: one is written, both are answered.
    change(&world, SHOP, active(3)).await;
    let other = world.another_process().await;
    let twins = (0..12).map(|n| {
        let commands = if n % 2 == 0 { &world.commands } else { &other };
        commands.execute(task(), client(SHOP).once("m", digest))
    });
    let twins: Vec<_> = join_all(twins).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(twins.iter().filter(|it| !it.repeated).count(), 1);
    assert!(twins.iter().all(|it| it.stream == twins[0].stream));
    assert_eq!(used(&world, SHOP).await, (3, 3, 3));
}

#[tokio::test]
async fn an_hour_and_a_day_are_told_with_their_end_and_the_longer_first() {
    let world = World::new().await;
    let quotas = Quotas { jobs_per_hour: Some(2), ..FREE };
    register(&world, SHOP, quotas).await;
    for _ in 0..2 {
        let job = world.commands.execute(task(), client(SHOP)).await.unwrap().job().unwrap();
        // What has ended was created all the same.
        world.ask(job, JobCommand::CancelJob { reason: None }, client(SHOP)).await;
    }
    let usage = world.reader.usage_of_clients(&[SHOP]).await.unwrap().remove(&SHOP).unwrap();
    let hourly = exceeded(world.commands.execute(task(), client(SHOP)).await);
    let until = Some(usage.hour_ends_at);
    assert_eq!(hourly, Exceeded { quota: Quota::JobsPerHour, limit: 2, until });

    let quotas = Quotas { active_jobs_max: Some(1), jobs_per_hour: Some(2), jobs_per_day: Some(2) };
    change(&world, SHOP, quotas).await;
    let daily = exceeded(world.commands.execute(task(), client(SHOP)).await);
    let until = Some(usage.day_ends_at);
    assert_eq!(daily, Exceeded { quota: Quota::JobsPerDay, limit: 2, until });
    assert!(usage.hour_ends_at <= usage.day_ends_at);

    // As if an hour, and then a day, had gone by.
    change(&world, SHOP, Quotas { jobs_per_hour: Some(2), ..FREE }).await;
    world.execute("update client_quota set hour = hour - interval '1 hour'").await;
    world.commands.execute(task(), client(SHOP)).await.unwrap();
    assert_eq!(used(&world, SHOP).await, (1, 1, 3));
    world.execute("update client_quota set day = day - interval '24 hours'").await;
    world.commands.execute(task(), client(SHOP)).await.unwrap();
    assert_eq!(used(&world, SHOP).await, (2, 2, 1));
}

/// A lower quota ends nothing; it only lets nothing new in.
#[tokio::test]
async fn what_is_there_stays_when_a_quota_is_lowered() {
    let world = World::new().await;
    register(&world, SHOP, FREE).await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let accepted = world.commands.execute(task(), client(SHOP)).await.unwrap();
        jobs.push(accepted.job().unwrap());
    }
    change(&world, SHOP, active(2)).await;
    for job in jobs.drain(..2) {
        exceeded(world.commands.execute(task(), client(SHOP)).await);
        world.ask(job, JobCommand::CancelJob { reason: None }, client(SHOP)).await;
    }
    world.commands.execute(task(), client(SHOP)).await.unwrap();
    exceeded(world.commands.execute(task(), client(SHOP)).await);
}

/// Random lives of jobs move the counters as they move the jobs.
pub(super) const OFF_BY: &str = "select count(*) from client_quota q where q.active_jobs <> (
    select count(*) from job_ready r join client_job j using (job) where j.client = q.client)
    or q.active_jobs <> (select count(*) from client_job j where j.client = q.client)";

/// Many, at the same time, of what begins and ends in one batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_begins_and_ends_among_others_is_counted_once() {
    let world = Arc::new(World::new().await);
    let other = world.another_process().await;
    register(&world, SHOP, active(10)).await;
    let lives = (0..200).map(|n| {
        let commands = if n % 2 == 0 { world.commands.clone() } else { other.clone() };
        async move {
            let Ok(accepted) = commands.execute(task(), client(SHOP)).await else { return 0 };
            let job = accepted.job().unwrap();
            if n % 5 != 0 {
                let cancel = Command::Job(job, JobCommand::CancelJob { reason: None });
                commands.execute(cancel, client(SHOP)).await.unwrap();
            }
            1
        }
    });
    let created: u64 = join_all(lives).await.iter().sum();
    assert!((10..=200).contains(&created), "{created}");
    assert_eq!(world.count(OFF_BY).await, 0);
    let (left, hour, _) = used(&world, SHOP).await;
    assert_eq!(hour, created);
    assert!(left <= 10, "{left}");
}
