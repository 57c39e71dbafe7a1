//! The peer, in a Python environment of its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use tokio::process::Command;

use super::Crawled;
use crate::{child::Child, server};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scrapy");

pub(super) struct Scrapy {
    /// The environment.
    folder: PathBuf,
}

impl Scrapy {
    /// Makes the environment, if it is not there or not as required.
    pub(super) async fn installed() -> anyhow::Result<Self> {
        let this = Self { folder: server::target().join("bench-scrapy") };
        let required = fs::read_to_string(Path::new(FOLDER).join("requirements.txt"))?;
        let made = this.folder.join("requirements.txt");
        match fs::read_to_string(&made) {
            Ok(found) if found == required => return Ok(this),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("read what is installed"),
        }
        let mut environment = Command::new("python3");
        run(environment.args(["-m", "venv", "--clear"]).arg(&this.folder)).await?;
        let mut install = Command::new(this.python());
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        run(install.arg(Path::new(FOLDER).join("requirements.txt"))).await?;
        // Last: what was interrupted is begun anew.
        fs::write(&made, required)?;
        Ok(this)
    }

    pub(super) async fn crawl(&self, first: &str, concurrency: u32) -> anyhow::Result<Crawled> {
        let items = self.folder.join("items.jsonl");
        let mut command = Command::new(self.python());
        command.arg(Path::new(FOLDER).join("crawl.py")).arg(first).arg(&items);
        let mut child = Child::start(command.arg(concurrency.to_string()))?;
        let crawled = child.tells().await?;
        child.end().await?;
        fs::remove_file(&items).context("the items that were to be written")?;
        Ok(crawled)
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().await.with_context(|| format!("start {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
