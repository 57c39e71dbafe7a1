//! Every command in every phase, as one table.

use expect_test::expect_file;

use super::fixture::{
    STRANGER, asked_to_stop, cancel, complete, complete_crawl, complete_report, confirm, crawl,
    create, created, created_with, disk_full, done, fail, failed, far, gave_up, grant, granted,
    lose, order, pause, paused, progress, record, release, report, rescuer, running, stopped, t,
};
use crate::{
    Decider, EventType,
    job::{FailureCause, Job, JobCommand, JobEvent, JobExpired, Next, Order},
    testing::replay,
};

/// Where a job may stand at second 10, and how it came there. `due` and
/// `again` are a scheduled and a retrying job whose time has come, `overdue`
/// one that has expired without anybody having said so.
fn phases() -> Vec<(&'static str, Vec<JobEvent>)> {
    let later = |seconds| created_with(Order { not_before: Some(t(seconds)), ..order() });
    let overdue = || created_with(Order { expires_at: t(10), ..order() });
    let retry = |seconds| failed(2, 1, Next::Wait { until: t(seconds) });
    let with = |event: JobEvent| [running(), vec![event]].concat();
    let last = gave_up(FailureCause::AttemptsExhausted, disk_full());
    vec![
        ("absent", vec![]),
        ("scheduled", vec![later(11)]),
        ("due", vec![later(10)]),
        ("queued", vec![created()]),
        ("overdue", vec![overdue()]),
        ("running", running()),
        ("cancelling", with(asked_to_stop())),
        ("overrunning", vec![overdue(), granted(1, 1)]),
        ("paused", vec![created(), paused()]),
        ("paused_due", vec![later(10), paused()]),
        ("paused_running", with(paused())),
        ("retrying", with(retry(11))),
        ("again", with(retry(10))),
        ("succeeded", with(done(2))),
        ("failed", [with(failed(2, 1, Next::End)), vec![last]].concat()),
        ("cancelled", vec![created(), stopped(None)]),
        ("expired", with(JobExpired {}.into())),
    ]
}

fn commands() -> Vec<JobCommand> {
    vec![
        create(order()),
        JobCommand::StartCrawl { order: order(), crawl: crawl() },
        JobCommand::RequestReport { order: order(), report: report() },
        JobCommand::QueueJob,
        grant(),
        progress(2, far(1)),
        record(2),
        complete(2),
        complete_crawl(2),
        complete_report(2),
        fail(2),
        release(2, None),
        confirm(2),
        lose(2),
        cancel(),
        pause(),
        JobCommand::ResumeJob,
        JobCommand::ExpireJob,
        JobCommand::TransferJob { from: None, to: STRANGER },
    ]
}

fn answer(history: &[JobEvent], command: JobCommand) -> String {
    match replay::<Job>(history).decide(command, &rescuer(10)) {
        Ok(events) if events.is_empty() => "done already".to_owned(),
        Ok(events) => events.iter().map(EventType::name).collect::<Vec<_>>().join(" + "),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn table() -> String {
    let mut lines = Vec::new();
    for command in commands() {
        let mut answers: Vec<(String, Vec<&str>)> = Vec::new();
        for (phase, history) in phases() {
            let answer = answer(&history, command.clone());
            match answers.iter_mut().find(|(it, _)| *it == answer) {
                Some((_, phases)) => phases.push(phase),
                None => answers.push((answer, vec![phase])),
            }
        }
        // The answer that most phases have in common goes last, and needs no list.
        let common = (0..answers.len()).max_by_key(|it| answers[*it].1.len()).unwrap();
        let (common, _) = answers.remove(common);
        lines.push(command.name().to_owned());
        for (answer, phases) in answers {
            lines.push(format!("    {answer:<28} {}", phases.join(" ")));
        }
        lines.push(format!("    {common:<28} otherwise\n"));
    }
    lines.join("\n")
}

#[test]
fn every_command_has_its_answer_in_every_phase() {
    expect_file!["table.txt"].assert_eq(&table());
}
