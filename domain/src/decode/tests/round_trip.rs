//! Whatever is written is read back as it was.

use chrono::DateTime;
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::{DecodeError, Event, creation, decode, written};
use crate::{
    JobId, LandId, Timestamp, UserId, WorkerId,
    artifact::{Artifact, Sha256},
    job::{
        AttemptFailed, CancelRequested, CrawlCompleted, CrawlEvent, CrawlRequested, CrawlSpec,
        DuplicateBy, Exclusion, FailureCause, Follow, FoundPage, JobCancelled, JobError, JobEvent,
        JobExpired, JobFailed, JobPaused, JobQueued, JobResumed, JobTransferred, KeptPage,
        LeaseExpired, LeaseGranted, LeaseReleased, LogSeal, LogSealed, Next, Order, PageOutcome,
        PagesVisited, Policy, Progress, ProgressReported, ReportCompleted, ReportEvent,
        ReportRequested, ReportSpec, Spec, TaskCompleted, TaskCreated, TaskSpec, TextSlice,
        VisitedPage, Writer, WriterChoice, Written,
    },
    service::ServiceName,
    worker::{RefusedReport, StaleReportRefused, WorkerEvent, WorkerLeft, WorkerRegistered},
};

proptest! {
    #[test]
    fn every_event_is_read_back_as_it_was(event in any_event()) {
        let (name, schema_version, payload) = written(&event);
        prop_assert!(!payload.contains('\0'), "Postgres stores no NUL");
        prop_assert_eq!(decode(name, schema_version, &payload).unwrap(), event);
    }

    /// Those who hand jobs out see what the others see.
    #[test]
    fn a_creation_without_its_body_says_the_same(event in any_event()) {
        let (name, schema_version, payload) = written(&event);
        let found = creation(name, schema_version, &payload).map(Result::unwrap);
        prop_assert_eq!(found.map(|it| (it.order, it.service)), created(&event));
        if creation(name, 1, &payload).is_some() {
            let newer = creation(name, 2, &payload);
            let refused = matches!(newer, Some(Err(DecodeError::NewerSchema { .. })));
            prop_assert!(refused);
        }
    }
}

fn created(event: &Event) -> Option<(Order, ServiceName)> {
    let Event::Job(event) = event else { return None };
    let (order, spec) = if let JobEvent::TaskCreated(it) = event {
        (&it.order, Spec::Task(it.task.clone()))
    } else if let JobEvent::Crawl(CrawlEvent::CrawlRequested(it)) = event {
        (&it.order, Spec::Crawl(it.crawl.clone()))
    } else if let JobEvent::Report(ReportEvent::ReportRequested(it)) = event {
        (&it.order, Spec::Report(it.report.clone()))
    } else {
        return None;
    };
    Some((order.clone(), spec.service()))
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => any_creation().prop_map(Event::Job),
        6 => any_lease_event().prop_map(Event::Job),
        5 => any_end().prop_map(Event::Job),
        2 => any_worker_event().prop_map(Event::Worker),
    ]
}

fn any_creation() -> impl Strategy<Value = JobEvent> {
    let crawl = (option::of(any_uuid()), vec(any::<String>(), 0..4), vec(any::<String>(), 0..4));
    let crawl =
        (crawl, any::<u16>(), any::<u32>()).prop_map(|((land, seeds, terms), depth, pages_max)| {
            let (land, languages) = (land.map(LandId), vec!["fr".to_owned()]);
            let follow = Follow::SeedHosts;
            CrawlSpec { land, seeds, terms, depth, pages_max, languages, follow }
        });
    let writer = prop_oneof![
        Just(WriterChoice::Auto),
        Just(WriterChoice::Ollama),
        Just(WriterChoice::Extractive)
    ];
    let choice = (option::of(any_sha256()), writer, any::<Option<u16>>());
    let report = (any_sha256(), vec(any_sha256(), 0..4), choice).prop_map(
        |(template, sources, (input, writer, passages_max))| ReportSpec {
            template,
            sources,
            input,
            writer,
            passages_max,
        },
    );
    let task = (any_service(), any_json()).prop_map(|(service, body)| TaskSpec { service, body });
    prop_oneof![
        (any_order(), task).prop_map(|(order, task)| TaskCreated { order, task }.into()),
        (any_order(), crawl).prop_map(|(order, crawl)| {
            JobEvent::Crawl(CrawlEvent::from(CrawlRequested { order, crawl }))
        }),
        (any_order(), report).prop_map(|(order, report)| {
            JobEvent::Report(ReportEvent::from(ReportRequested { order, report }))
        }),
    ]
}

fn any_lease_event() -> impl Strategy<Value = JobEvent> {
    let grant = (any_uuid(), any::<(u32, u32, u64)>(), option::of(any_time()));
    let grant =
        (grant, option::of(any_uuid())).prop_map(|((worker, counts, deadline), request)| {
            let (attempt, delivery, lease_ms) = counts;
            let (worker, run_deadline) = (WorkerId(worker), deadline);
            LeaseGranted { worker, attempt, delivery, lease_ms, run_deadline, request }.into()
        });
    let fence = any::<u64>();
    prop_oneof![
        grant,
        (fence, option::of(any_progress()), any_checkpoint()).prop_map(
            |(fence, progress, checkpoint)| ProgressReported { fence, progress, checkpoint }.into()
        ),
        (fence, any::<Option<String>>(), any_checkpoint(), any_next()).prop_map(
            |(fence, reason, checkpoint, next)| {
                LeaseReleased { fence, reason, checkpoint, next }.into()
            }
        ),
        (fence, any_next()).prop_map(|(fence, next)| LeaseExpired { fence, next }.into()),
        (fence, any::<u32>(), any_error(), any_next()).prop_map(|(fence, attempt, error, next)| {
            AttemptFailed { fence, attempt, error, next }.into()
        }),
        any_pages().prop_map(|it| JobEvent::Crawl(it.into())),
        (fence, any::<(u64, u64)>(), any_sha256()).prop_map(|(fence, (lines, bytes), sha256)| {
            LogSealed { fence, log: LogSeal { lines, bytes, sha256 } }.into()
        }),
    ]
}

fn any_pages() -> impl Strategy<Value = PagesVisited> {
    let found = any::<(u32, String, u16, Option<u32>)>()
        .prop_map(|(number, url, depth, from)| FoundPage { number, url, depth, from });
    let visited = (any::<u32>(), any_outcome(), vec(any::<u32>(), 0..4))
        .prop_map(|(number, outcome, links)| VisitedPage { number, outcome, links });
    (any::<u64>(), vec(found, 0..4), vec(visited, 0..4), option::of(any_artifact()))
        .prop_map(|(fence, found, visited, texts)| PagesVisited { fence, found, visited, texts })
}

fn any_outcome() -> impl Strategy<Value = PageOutcome> {
    let by = prop_oneof![
        Just(DuplicateBy::Canonical),
        Just(DuplicateBy::Content),
        Just(DuplicateBy::Redirect),
    ];
    let reason = prop_oneof![
        Just(Exclusion::Robots),
        Just(Exclusion::NoIndex),
        Just(Exclusion::PrivateAddress),
        Just(Exclusion::MediaType),
        Just(Exclusion::TooLarge),
        Just(Exclusion::OtherSite),
    ];
    prop_oneof![
        any_kept().prop_map(|it| PageOutcome::Kept(Box::new(it))),
        (any::<u32>(), by).prop_map(|(of, by)| PageOutcome::Duplicate { of, by }),
        reason.prop_map(|reason| PageOutcome::Excluded { reason }),
        any::<(Option<u16>, String, String)>()
            .prop_map(|(status, error, message)| PageOutcome::Failed { status, error, message }),
    ]
}

fn any_kept() -> impl Strategy<Value = KeptPage> {
    let texts = any::<(String, String, [Option<String>; 4])>();
    let counts = any::<(u16, u32, u32, u32, [u64; 3])>();
    (texts, counts, option::of(any_time()), any_sha256()).prop_map(
        |((url, media_type, said), (status, words, relevance, media, bytes), at, content)| {
            let [title, description, language, canonical] = said;
            let [bytes, offset, length] = bytes;
            KeptPage {
                url,
                status,
                media_type,
                bytes,
                title,
                description,
                language,
                canonical,
                published_at: at,
                words,
                relevance,
                content,
                text: TextSlice { offset, bytes: length },
                media,
            }
        },
    )
}

fn any_end() -> impl Strategy<Value = JobEvent> {
    let counts = any::<(u64, u64, u64)>();
    let cause = prop_oneof![
        Just(FailureCause::AttemptsExhausted),
        Just(FailureCause::NotRetryable),
        Just(FailureCause::DeliveriesExhausted),
    ];
    prop_oneof![
        (counts, any_json(), any_artifacts()).prop_map(
            |((fence, errors, _), result, artifacts)| {
                TaskCompleted { fence, result, errors, artifacts }.into()
            }
        ),
        (counts, any_artifacts()).prop_map(|((fence, pages, errors), artifacts)| {
            JobEvent::Crawl(CrawlCompleted { fence, pages, errors, artifacts }.into())
        }),
        (counts, any_artifact(), option::of(any_written())).prop_map(
            |((fence, errors, _), document, written)| {
                JobEvent::Report(ReportCompleted { fence, document, errors, written }.into())
            }
        ),
        (cause, any_error()).prop_map(|(cause, error)| JobFailed { cause, error }.into()),
        any::<(Option<u64>, Option<String>)>().prop_map(|(fence, reason)| JobCancelled {
            fence,
            reason
        }
        .into()),
        any::<Option<String>>().prop_map(|reason| CancelRequested { reason }.into()),
        any::<Option<String>>().prop_map(|reason| JobPaused { reason }.into()),
        Just(JobResumed {}.into()),
        Just(JobQueued {}.into()),
        Just(JobExpired {}.into()),
        any::<u128>().prop_map(|it| JobTransferred { to: UserId(Uuid::from_u128(it)) }.into()),
    ]
}

fn any_written() -> impl Strategy<Value = Written> {
    let writer = prop_oneof![Just(Writer::Ollama), Just(Writer::Extractive)];
    (any_artifact(), any::<(u64, u64)>(), vec(writer, 0..3)).prop_map(
        |(provenance, (filled, empty), writers)| Written { provenance, filled, empty, writers },
    )
}

fn any_worker_event() -> impl Strategy<Value = WorkerEvent> {
    let report = prop_oneof![
        Just(RefusedReport::Progress),
        Just(RefusedReport::Log),
        Just(RefusedReport::Succeeded),
        Just(RefusedReport::Failed),
        Just(RefusedReport::Cancelled),
        Just(RefusedReport::Released),
        Just(RefusedReport::Artifact),
    ];
    prop_oneof![
        (any::<String>(), vec(any_service(), 0..4)).prop_map(|(name, services)| WorkerRegistered {
            name,
            services
        }
        .into()),
        (any_uuid(), any::<u64>(), report, any::<Option<u64>>()).prop_map(
            |(job, fence, report, current)| {
                StaleReportRefused { job: JobId(job), fence, report, current }.into()
            }
        ),
        Just(WorkerLeft {}.into()),
    ]
}

fn any_order() -> impl Strategy<Value = Order> {
    let times = (option::of(any_time()), any_time());
    (any_uuid(), any::<i16>(), times, any_policy(), option::of(any_uuid())).prop_map(
        |(owner, priority, (not_before, expires_at), policy, retry_of)| {
            let (owner, retry_of) = (UserId(owner), retry_of.map(JobId));
            Order { owner, priority, not_before, expires_at, policy, retry_of }
        },
    )
}

fn any_policy() -> impl Strategy<Value = Policy> {
    any::<(u32, u32, u64, u64, u64, Option<u64>)>().prop_map(|it| Policy {
        attempts_max: it.0,
        deliveries_max: it.1,
        backoff_first_ms: it.2,
        backoff_max_ms: it.3,
        lease_ms: it.4,
        run_timeout_ms: it.5,
    })
}

fn any_progress() -> impl Strategy<Value = Progress> {
    any::<(u64, Option<u64>, Option<String>)>().prop_map(|(done, total, message)| Progress {
        done,
        total,
        message,
    })
}

fn any_error() -> impl Strategy<Value = JobError> {
    any::<(String, String, Option<String>, bool)>().prop_map(
        |(error_type, message, detail, retryable)| JobError {
            error_type,
            message,
            detail,
            retryable,
        },
    )
}

fn any_next() -> impl Strategy<Value = Next> {
    prop_oneof![
        Just(Next::Queue),
        any_time().prop_map(|until| Next::Wait { until }),
        Just(Next::End),
    ]
}

fn any_artifacts() -> impl Strategy<Value = Vec<Artifact>> {
    vec(any_artifact(), 0..4)
}

fn any_artifact() -> impl Strategy<Value = Artifact> {
    (any_sha256(), any::<String>(), any::<u64>()).prop_map(|(sha256, name, bytes)| Artifact {
        sha256,
        name,
        bytes,
    })
}

fn any_sha256() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::new)
}

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn any_service() -> impl Strategy<Value = ServiceName> {
    "[a-z0-9][a-z0-9._-]{0,62}".prop_map(|it| it.parse().unwrap())
}

/// Any instant of the years 1 to 9999.
fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000_000_i64..253_402_300_800_000_000)
        .prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
}

/// A null is never kept as a checkpoint: see `settle`.
fn any_checkpoint() -> impl Strategy<Value = Option<Value>> {
    option::of(any_json()).prop_map(|it| it.filter(|it| !it.is_null()))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|it| Value::Number(Number::from_f64(it).unwrap())),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}
