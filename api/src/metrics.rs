//! What a Prometheus scrapes: `/metrics`.
//!
//! What happened in this process was counted where it happened. What is so in the database,
//! whichever process is asked, is looked up for each scrape. Neither holds anything personal.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use projections::{ReadError, dispatch::ServiceLoad, schema};
use sha2::{Digest, Sha256};

use crate::{problem::Problem, server::Served};

/// The format of Prometheus, as text.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All there is to know in numbers. Open to whoever reaches the address, unless a token is set.
pub(crate) async fn metrics(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    if let Some(token) = &served.settings.metrics_token
        && !bears(&headers, token)
    {
        return Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")
            .detail("metrics are shown to those who send `Authorization: Bearer` and their token")
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .into_response();
    }
    let mut text = served.metrics.render();
    match looked_up(&served).await {
        Ok(gauges) => text.push_str(&gauges),
        // What this process has counted is worth having, most of all when the database is away.
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "metrics are without those of the database");
            text.push_str(&database_up(false));
        }
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], text)
        .into_response()
}

/// Compared by their hashes, so that how long it takes tells nothing.
fn bears(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let sent = sent.and_then(|it| it.strip_prefix("Bearer "));
    sent.is_some_and(|it| Sha256::digest(it) == Sha256::digest(token))
}

async fn looked_up(served: &Served) -> Result<String, ReadError> {
    let sides = &served.sides;
    let head = sides.checkpoints.journal_head().await?;
    let mut lags = Vec::new();
    for tables in schema::ALL.into_iter().filter(|it| !schema::is_inline(it)) {
        lags.push((tables.name, head.saturating_sub(sides.checkpoints.of(tables).await?)));
    }
    let loads = sides.reader.load_by_service().await?;
    let declared = sides.commands.services().iter().map(|it| it.service.name.as_str());
    Ok(gauges(head, &lags, &by_service(declared, &loads)))
}

/// Also the services that have nothing to do: a missing number is not a zero.
fn by_service<'a>(
    declared: impl Iterator<Item = &'a str>,
    loads: &'a [ServiceLoad],
) -> BTreeMap<&'a str, [u64; 4]> {
    let mut services: BTreeMap<&str, [u64; 4]> = declared.map(|it| (it, [0; 4])).collect();
    for it in loads {
        services.insert(&it.service, [it.queued, it.waiting, it.running, it.paused]);
    }
    services
}

fn database_up(up: bool) -> String {
    format!(
        "# HELP greffe_database_up Whether the database answers.\n\
         # TYPE greffe_database_up gauge\ngreffe_database_up {}\n",
        u8::from(up)
    )
}

fn gauges(head: u64, lags: &[(&str, u64)], services: &BTreeMap<&str, [u64; 4]>) -> String {
    let mut text = database_up(true);
    let mut line = |it: std::fmt::Arguments<'_>| {
        writeln!(text, "{it}").expect("a string takes what is written to it");
    };
    line(format_args!("# HELP greffe_journal_head The position of the last event."));
    line(format_args!("# TYPE greffe_journal_head gauge\ngreffe_journal_head {head}"));
    line(format_args!("# HELP greffe_projection_lag Events that a projection has not taken in."));
    line(format_args!("# TYPE greffe_projection_lag gauge"));
    for (name, lag) in lags {
        line(format_args!("greffe_projection_lag{{projection=\"{name}\"}} {lag}"));
    }
    line(format_args!("# HELP greffe_jobs Jobs that have not ended, by service and state."));
    line(format_args!("# TYPE greffe_jobs gauge"));
    for (service, counts) in services {
        // The names of services hold nothing that would have to be escaped.
        for (state, count) in ["queued", "waiting", "running", "paused"].iter().zip(counts) {
            line(format_args!("greffe_jobs{{service=\"{service}\",state=\"{state}\"}} {count}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_service_without_jobs_has_zeros() {
        let service = "checksum".to_owned();
        let loads = [ServiceLoad { service, queued: 3, waiting: 0, running: 1, paused: 2 }];
        let services = by_service(["checksum", "ocr"].into_iter(), &loads);
        expect![[r#"
            # HELP greffe_database_up Whether the database answers.
            # TYPE greffe_database_up gauge
            greffe_database_up 1
            # HELP greffe_journal_head The position of the last event.
            # TYPE greffe_journal_head gauge
            greffe_journal_head 42
            # HELP greffe_projection_lag Events that a projection has not taken in.
            # TYPE greffe_projection_lag gauge
            greffe_projection_lag{projection="job_list"} 2
            # HELP greffe_jobs Jobs that have not ended, by service and state.
            # TYPE greffe_jobs gauge
            greffe_jobs{service="checksum",state="queued"} 3
            greffe_jobs{service="checksum",state="waiting"} 0
            greffe_jobs{service="checksum",state="running"} 1
            greffe_jobs{service="checksum",state="paused"} 2
            greffe_jobs{service="ocr",state="queued"} 0
            greffe_jobs{service="ocr",state="waiting"} 0
            greffe_jobs{service="ocr",state="running"} 0
            greffe_jobs{service="ocr",state="paused"} 0
        "#]]
        .assert_eq(&gauges(42, &[("job_list", 2)], &services));
    }

    #[test]
    fn only_the_token_itself_lets_in() {
        let with = |value: &str| {
            HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
        };
        assert!(bears(&with("Bearer secret"), "secret"));
        for value in ["Bearer secre", "Bearer secrets", "secret", "Basic secret", "Bearer "] {
            assert!(!bears(&with(value), "secret"), "{value}");
        }
        assert!(!bears(&HeaderMap::new(), "secret"));
    }
}
