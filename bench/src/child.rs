//! A process that this one starts, and that says things line by line.

use std::{
    ffi::OsStr,
    fmt::Display,
    io::{self, Write},
    process::Stdio,
};

use anyhow::Context;
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child as Process, ChildStdin, ChildStdout, Command},
};

/// Ends with this process, or when it is let go of.
pub(crate) struct Child {
    process: Process,
    /// The child may take its end for the sign to stop.
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// This program again, in another part.
    pub(crate) fn of_this<A: AsRef<OsStr>>(arguments: &[A]) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Self::start(command.args(arguments))
    }

    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let lines = process.stdout.take().context("what the child says")?;
        let stdin = process.stdin.take();
        Ok(Self { process, stdin, lines: BufReader::new(lines).lines() })
    }

    /// The next line.
    pub(crate) async fn says(&mut self) -> anyhow::Result<String> {
        self.lines.next_line().await?.context("the child ended too soon")
    }

    /// The next line, as JSON.
    pub(crate) async fn tells<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let said = self.says().await?;
        serde_json::from_str(&said).with_context(|| format!("the child says: {said}"))
    }

    /// Nothing more will be said to it.
    pub(crate) fn stop(&mut self) {
        self.stdin = None;
    }

    /// Returns when it has ended well.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.stop();
        let status = self.process.wait().await?;
        anyhow::ensure!(status.success(), "the child ended with {status}");
        Ok(())
    }
}

/// Says a line to the process that started this one.
pub(crate) fn say(line: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
