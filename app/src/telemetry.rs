//! What operators see: logs on standard error, and what is counted, which
//! `api` serves.

mod meanings;

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Database, LogFormat};

/// Starts to log; what, if the operator does not say, is for the role to say.
pub fn start(config: &Database, usual: &str) -> anyhow::Result<()> {
    let wanted = config.log.as_deref().unwrap_or(usual);
    let filter =
        EnvFilter::try_new(wanted).with_context(|| format!("cannot read --log `{wanted}`"))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = match config.log_format {
        LogFormat::Text => logs.with_target(false).with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("cannot start to log")
}

/// How long operations take is counted in these steps, in seconds.
const STEPS_S: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// How many appends a batch takes in is counted in these.
const APPENDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Workers may wait for long.
const WAITS_S: [f64; 8] = [0.01, 0.05, 0.25, 1.0, 5.0, 10.0, 20.0, 30.0];

/// What this process counts, from the first call on: what counts earlier counts
/// for nothing. A process counts once, however many systems it starts.
pub fn metrics() -> PrometheusHandle {
    static COUNTED: OnceLock<PrometheusHandle> = OnceLock::new();
    let start = || {
        let named = |name: &str| Matcher::Full(name.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets(&STEPS_S)
            .and_then(|it| it.set_buckets_for_metric(named("journal_batch_appends"), &APPENDS))
            .and_then(|it| {
                it.set_buckets_for_metric(named("greffe_acquire_wait_seconds"), &WAITS_S)
            })
            .expect("there are steps");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nobody else counts in this process");
        meanings::describe();
        handle
    };
    COUNTED.get_or_init(start).clone()
}
