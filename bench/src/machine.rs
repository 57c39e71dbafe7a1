//! What the figures depend on beside the programs: how busy the machine is,
//! and how long its disk takes to be sure.

use std::{
    fmt, fs,
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;

use crate::figure::median;

/// The machine as it is found.
pub(crate) struct Machine {
    load: String,
    cores: usize,
    fsync_ms: f64,
}

/// What share of the processors was at work while nothing was measured.
pub(crate) struct Quiet {
    busy: f64,
}

impl Quiet {
    pub(crate) fn is_quiet(&self) -> bool {
        self.busy < BUSY_MAX
    }
}

const BUSY_MAX: f64 = 0.10;

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, cores, fsync_ms } = self;
        write!(f, "machine load={load} cores={cores} fsync={fsync_ms:.2}ms")
    }
}

pub(crate) fn describe(folder: &Path) -> anyhow::Result<Machine> {
    let load = fs::read_to_string("/proc/loadavg").context("read the load")?;
    Ok(Machine {
        load: load.split(' ').next().unwrap_or("?").to_owned(),
        cores: thread::available_parallelism()?.get(),
        fsync_ms: fsync_ms(folder)?,
    })
}

/// Looks for a moment whether anybody else is at work.
pub(crate) async fn look() -> anyhow::Result<Quiet> {
    let before = processor_times()?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = processor_times()?;
    let (idle, all) = (after.idle - before.idle, after.all - before.all);
    Ok(Quiet { busy: 1.0 - idle / all.max(1.0) })
}

struct ProcessorTimes {
    idle: f64,
    all: f64,
}

fn processor_times() -> anyhow::Result<ProcessorTimes> {
    let text = fs::read_to_string("/proc/stat").context("read the processors' times")?;
    let line = text.lines().next().context("the processors' times")?;
    let times: Vec<f64> =
        line.split_whitespace().skip(1).take(8).map(str::parse).collect::<Result<_, _>>()?;
    // user nice system idle iowait irq softirq steal
    let [_, _, _, idle, waiting, ..] = times[..] else { anyhow::bail!("unknown: {line}") };
    Ok(ProcessorTimes { idle: idle + waiting, all: times.iter().sum() })
}

/// How long it takes to write a page for good.
fn fsync_ms(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("fsync-probe");
    let mut file = fs::File::create(&path).context("create a file beside the database")?;
    let mut times = Vec::new();
    for _ in 0..64 {
        let begun = Instant::now();
        file.write_all(&[7; 8192])?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(&path)?;
    Ok(median(times))
}

/// The most memory that this process had so far, in kibibytes.
pub(crate) fn peak_kib() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/self/status").context("read this process's state")?;
    let peak = text.lines().find_map(|it| it.strip_prefix("VmHWM:")).context("the peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}
