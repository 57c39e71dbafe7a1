//! What operators see: logs on standard error, and what is counted, which
//! `api` serves.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
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

/// What this process counts. A process counts once, however many systems it
/// starts.
pub fn metrics() -> PrometheusHandle {
    static COUNTED: OnceLock<PrometheusHandle> = OnceLock::new();
    let start = || {
        let builder = PrometheusBuilder::new().set_buckets(&STEPS_S).expect("there are steps");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nobody else counts in this process");
        handle
    };
    COUNTED.get_or_init(start).clone()
}
