//! A whole system of ours in this process, and somebody who may see everything
//! in it.

use app::{
    config::Serve,
    system::{System, now, secret},
};
use commands::Commands;
use domain::JobId;
use tokio::net::TcpListener;

use crate::{
    life,
    socket::{self, Watching},
};

const EMAIL: &str = "bench@example.org";

pub(crate) struct Whole {
    system: System,
    /// Of the administrator.
    token: String,
}

impl Whole {
    /// As `greffe serve` on this database, with files in this folder.
    pub(crate) async fn start(database_url: &str, folder: &str) -> anyhow::Result<Self> {
        let password = secret();
        let mut arguments = vec!["--database-url", database_url, "--data-dir", folder];
        arguments.extend(["--listen", "127.0.0.1:0"]);
        arguments.extend(["--admin-email", EMAIL, "--admin-password", &password]);
        let config = Serve::with(&arguments)?;
        let listener = TcpListener::bind(config.listen).await?;
        let system = System::start(&config, listener, life::services()?).await?;
        let tokens = system.identity.sign_in(EMAIL, &password, now()).await?;
        Ok(Self { system, token: tokens.access.expose().to_owned() })
    }

    /// Its write side.
    pub(crate) fn commands(&self) -> Commands {
        self.system.commands.clone()
    }

    pub(crate) async fn watch(&self, job: JobId) -> anyhow::Result<Watching> {
        socket::watch(self.system.address(), &self.token, job).await
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.system.stop().await
    }
}
