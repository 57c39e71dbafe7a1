//! How large the parts of an event may be. Each limit is tried at its edge and
//! just over it.

use serde_json::{Value, json};

use super::fixture::{
    ANN, FENCE, artifact, cancel, complete, crawl, created, disk_full, fail_with, far, order,
    progress, remember, report, rescuer, running, worker,
};
use crate::{
    Decider, EventType, Refusal,
    artifact::{Artifact, Sha256},
    decode::{Event, decode},
    job::{
        Closing, CrawlSpec, JSON_BYTES_MAX, Job, JobCommand, JobError, JobEvent, Progress,
        ReportSpec, Spec, TaskCreated, TaskSpec,
    },
    testing::{given, replay},
};

/// What one event may take in the journal, with its metadata.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// JSON text of exactly this many bytes.
fn json_of(bytes: usize) -> Value {
    Value::String("x".repeat(bytes - 2))
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

fn asked_of(history: &[JobEvent], command: JobCommand) -> Result<Vec<JobEvent>, Refusal> {
    let context = if history.is_empty() { rescuer(5) } else { worker(ANN, 5) };
    replay::<Job>(history).decide(command, &context)
}

#[track_caller]
fn fits(history: &[JobEvent], command: JobCommand) {
    for event in asked_of(history, command).unwrap() {
        let bytes = event.encode().unwrap().len();
        assert!(bytes < EVENT_BYTES_MAX, "{} takes {bytes} bytes", event.name());
    }
}

#[track_caller]
fn refused(history: &[JobEvent], command: JobCommand, field: &'static str) {
    match asked_of(history, command) {
        Err(Refusal::Invalid { field: at, .. }) => assert_eq!(at, field),
        other => panic!("expected `{field}` to be refused, got {other:?}"),
    }
}

fn task_with(body: Value) -> JobCommand {
    let task = TaskSpec { service: "checksum".parse().unwrap(), body };
    JobCommand::CreateTask { order: order(), task }
}

fn done_with(result: Value, errors: u64, artifacts: Vec<Artifact>) -> JobCommand {
    let closing = Closing::default();
    JobCommand::CompleteTask { fence: FENCE, result, errors, artifacts, closing }
}

#[test]
fn a_body_has_256_kib_and_64_levels() {
    fits(&[], task_with(json_of(JSON_BYTES_MAX)));
    refused(&[], task_with(json_of(JSON_BYTES_MAX + 1)), "body");
    fits(&[], task_with(nested(64)));
    refused(&[], task_with(nested(65)), "body");
    let deep_in_an_object = json!({ "a": nested(64) });
    refused(&[], task_with(deep_in_an_object), "body");
}

#[test]
fn length_is_counted_as_written_escapes_and_all() {
    let quotes = "\"".repeat(JSON_BYTES_MAX / 2);
    refused(&[], task_with(Value::String(quotes)), "body");
}

#[test]
fn built_in_services_take_no_tasks() {
    for service in ["crawl", "report"] {
        let task = TaskSpec { service: service.parse().unwrap(), body: json!({}) };
        refused(&[], JobCommand::CreateTask { order: order(), task }, "service");
    }
}

#[test]
fn a_result_has_256_kib_and_64_levels() {
    fits(&running(), done_with(json_of(JSON_BYTES_MAX), 0, vec![]));
    refused(&running(), done_with(json_of(JSON_BYTES_MAX + 1), 0, vec![]), "result");
    refused(&running(), done_with(nested(65), 0, vec![]), "result");
}

/// In memory, small values take many times as much as their text.
#[test]
fn a_body_and_a_result_consist_of_20_000_values() {
    let nulls = |count: usize| Value::Array(vec![Value::Null; count - 1]);
    let objects = |count: usize| Value::Array(vec![json!({ "a": 0 }); (count - 1) / 2]);
    let rule = "at most 20000 values";
    for values in [nulls, objects] {
        fits(&[], task_with(values(19_999)));
        fits(&running(), done_with(values(19_999), 0, vec![]));
        let refusal = asked_of(&[], task_with(values(20_001))).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("body", rule));
        let refusal = asked_of(&running(), done_with(values(20_001), 0, vec![])).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("result", rule));
    }
    fits(&[], task_with(nulls(20_000)));
}

/// The limit is younger than the journals.
#[test]
fn what_was_taken_in_before_there_was_a_limit_is_still_read() {
    let body = Value::Array(vec![Value::Null; 50_000]);
    let task = TaskSpec { service: "checksum".parse().unwrap(), body: body.clone() };
    let event = JobEvent::from(TaskCreated { order: order(), task });
    let read = decode(event.name(), event.schema_version(), &event.encode().unwrap()).unwrap();
    let Event::Job(read) = read else { panic!("{read:?}") };
    let job = replay::<Job>(&[read]);
    let Spec::Task(task) = &*job.present().unwrap().spec else { panic!("{job:?}") };
    assert_eq!(task.body, body);
}

#[test]
fn counts_are_such_as_a_table_can_hold() {
    let most = i64::MAX.cast_unsigned();
    fits(&running(), done_with(json!(1), most, vec![]));
    refused(&running(), done_with(json!(1), most + 1, vec![]), "errors");
    let total = |total| progress(FENCE, Progress { done: 0, total, message: None });
    fits(&running(), total(Some(most)));
    refused(&running(), total(Some(most + 1)), "progress.total");
    let done = Progress { done: most + 1, total: None, message: None };
    refused(&running(), progress(FENCE, done), "progress.total");

    let crawling = || vec![super::fixture::crawl_requested(), super::fixture::granted(1, 1)];
    let crawled = |pages, errors| JobCommand::CompleteCrawl {
        fence: FENCE,
        pages,
        errors,
        artifacts: vec![],
        closing: Closing::default(),
    };
    fits(&crawling(), crawled(most, most));
    refused(&crawling(), crawled(most + 1, 0), "pages");
    refused(&crawling(), crawled(0, most + 1), "errors");
}

#[test]
fn artifacts_are_such_as_a_table_can_list() {
    let named = |name: String| vec![Artifact { name, ..artifact() }];
    fits(&running(), done_with(json!(1), 0, named("x".repeat(1_024))));
    refused(&running(), done_with(json!(1), 0, named("x".repeat(1_025))), "artifacts.name");
    refused(&running(), done_with(json!(1), 0, named("a\0b".into())), "artifacts.name");
    let huge = vec![Artifact { bytes: u64::MAX, ..artifact() }];
    refused(&running(), done_with(json!(1), 0, huge.clone()), "artifacts.bytes");
    fits(&running(), done_with(json_of(JSON_BYTES_MAX), 0, vec![artifact(); 2_000]));
    refused(&running(), done_with(json!(1), 0, vec![artifact(); 3_000]), "artifacts");

    let reporting = vec![super::fixture::report_requested(), super::fixture::granted(1, 1)];
    let document = huge[0].clone();
    let written = JobCommand::CompleteReport {
        fence: FENCE,
        document,
        errors: 0,
        written: None,
        closing: Closing::default(),
    };
    refused(&reporting, written, "artifacts.bytes");
}

#[test]
fn a_checkpoint_has_16_kib_whether_reported_or_left_behind() {
    let left = |checkpoint| JobCommand::ReleaseLease {
        fence: FENCE,
        reason: None,
        until: None,
        checkpoint: Some(checkpoint),
        closing: Closing::default(),
    };
    for command in [|it| remember(FENCE, it), left] {
        fits(&running(), command(json_of(16 * 1024)));
        refused(&running(), command(json_of(16 * 1024 + 1)), "checkpoint");
        refused(&running(), command(nested(65)), "checkpoint");
    }
}

#[test]
fn progress_is_at_most_all_of_it_and_says_so_in_one_kib() {
    let far_of = |done, total| progress(FENCE, Progress { done, total, message: None });
    fits(&running(), far_of(10, Some(10)));
    fits(&running(), far_of(10, None));
    refused(&running(), far_of(11, Some(10)), "progress.done");
    let said = |message: String| progress(FENCE, Progress { message: Some(message), ..far(1) });
    fits(&running(), said("x".repeat(1_024)));
    refused(&running(), said("x".repeat(1_025)), "progress.message");
    refused(&running(), said("\0".into()), "progress.message");
}

#[test]
fn the_last_progress_is_held_to_the_same_rules() {
    let closing =
        Closing { progress: Some(Progress { done: 2, total: Some(1), message: None }), log: None };
    for command in [
        JobCommand::ConfirmCancel { fence: FENCE, closing: closing.clone() },
        JobCommand::FailAttempt { fence: FENCE, error: disk_full(), retry_at: None, closing },
    ] {
        let history = [running(), vec![super::fixture::asked_to_stop()]].concat();
        refused(&history, command, "progress.done");
    }
}

#[test]
fn an_error_has_room_for_a_stack_and_not_for_more() {
    let with = |error_type: usize, message: usize, detail: usize| {
        let error = JobError {
            error_type: "\u{1}".repeat(error_type),
            message: "\u{1}".repeat(message),
            detail: Some("\u{1}".repeat(detail)),
            retryable: false,
        };
        fail_with(FENCE, error)
    };
    fits(&running(), with(256, 8 * 1024, 32 * 1024));
    refused(&running(), with(257, 0, 0), "error.type");
    refused(&running(), with(0, 8 * 1024 + 1, 0), "error.message");
    refused(&running(), with(0, 0, 32 * 1024 + 1), "error.detail");
    let nul = JobError { message: "\0".into(), ..disk_full() };
    refused(&running(), fail_with(FENCE, nul), "error.message");
}

#[test]
fn a_reason_has_one_kib() {
    let stop = |reason: String| {
        let answer = given::<Job>([created()]);
        answer.when(JobCommand::CancelJob { reason: Some(reason) }, &rescuer(5))
    };
    let rule = "at most 1024 bytes, none of them NUL";
    stop("x".repeat(1_025)).refused(&Refusal::invalid("reason", rule));
    stop("\0".into()).refused(&Refusal::invalid("reason", rule));
    let long = JobCommand::PauseJob { reason: Some("x".repeat(1_025)) };
    given::<Job>([created()]).when(long, &rescuer(5)).refused(&Refusal::invalid("reason", rule));
    let long = JobCommand::ReleaseLease {
        fence: FENCE,
        reason: Some("x".repeat(1_025)),
        until: None,
        checkpoint: None,
        closing: Closing::default(),
    };
    refused(&running(), long, "reason");
    assert!(asked_of(&running(), complete(FENCE)).is_ok());
    assert!(replay::<Job>(&[created()]).decide(cancel(), &rescuer(5)).is_ok());
}

#[test]
fn a_crawl_starts_somewhere_looks_for_something_and_ends() {
    let start = |crawl| JobCommand::StartCrawl { order: order(), crawl };
    let seeds = |seeds: Vec<String>| start(CrawlSpec { seeds, ..crawl() });
    let terms = |terms: Vec<String>| start(CrawlSpec { terms, ..crawl() });
    let url = |bytes: usize| format!("https://{}", "x".repeat(bytes - 8));

    fits(&[], seeds(vec![url(50); 9_000]));
    fits(&[], seeds(vec!["http://example.org".into()]));
    fits(&[], seeds(vec![url(2_048)]));
    for bad in [
        vec![],
        vec![url(20); 10_001],
        vec![url(2_048); 300],
        vec![url(2_049)],
        vec!["file:///etc/passwd".into()],
        vec!["https://a\0b".into()],
    ] {
        refused(&[], seeds(bad), "seeds");
    }

    fits(&[], terms(vec!["t".repeat(200); 1_000]));
    for bad in [
        vec![],
        vec!["a".into(); 1_001],
        vec!["a".into(), " ".into()],
        vec!["a".into(), "!?".into()],
        vec!["t".repeat(1_025)],
        vec!["t".repeat(1_024); 300],
        vec!["a\0b".into()],
    ] {
        refused(&[], terms(bad), "terms");
    }
    refused(&[], start(CrawlSpec { pages_max: 0, ..crawl() }), "limit");
}

#[test]
fn a_report_has_something_to_draw_from() {
    let from = |count: usize| {
        let sources = vec![Sha256::new([2; 32]); count];
        JobCommand::RequestReport { order: order(), report: ReportSpec { sources, ..report() } }
    };
    fits(&[], from(1_000));
    refused(&[], from(0), "sources");
    refused(&[], from(1_001), "sources");
}

#[test]
fn a_percentage_is_known_when_the_total_is() {
    let percent = |done, total| Progress { done, total, message: None }.percent();
    assert_eq!(percent(5, None), None);
    assert_eq!(percent(0, Some(0)), Some(100.0));
    assert_eq!(percent(1, Some(4)), Some(25.0));
    assert_eq!(percent(9, Some(4)), Some(100.0));
}
