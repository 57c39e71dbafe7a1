//! Ours: a whole system, whose write side is told in the same process, as an
//! API that workers report to tells it.

use app::{
    config::Serve,
    system::{System, now, secret},
};
use domain::UserId;
use tokio::net::TcpListener;

use super::{Reporter, STEPS, SUBSCRIBERS, Subscribers, socket};
use crate::{
    life::{self, Life},
    load::Sample,
    server::Bench,
};

const DATABASE: &str = "bench_live";

const EMAIL: &str = "bench@example.org";

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Sample> {
    let url = bench.database(DATABASE).await?;
    let password = secret();
    let config = Serve::with(&[
        "--database-url",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--admin-email",
        EMAIL,
        "--admin-password",
        &password,
    ])?;
    let listener = TcpListener::bind(config.listen).await?;
    let system = System::start(&config, listener, life::services()?).await?;
    let tokens = system.identity.sign_in(EMAIL, &password, now()).await?;
    let owner = UserId(tokens.user.id);

    let (mut lives, mut subscribers) = (Vec::new(), Subscribers::new());
    for number in 0..SUBSCRIBERS as usize {
        let mut life = Life::new(system.commands.clone(), owner).await?;
        life.create().await?;
        life.take().await?;
        let watching = socket::watch(system.address(), tokens.access.expose(), life.job()).await?;
        subscribers.spawn(async move { Ok((number, watching.to_the_end().await?)) });
        lives.push(life);
    }
    let sample = super::steady(lives, subscribers).await?;
    system.stop().await?;
    bench.drop(DATABASE).await?;
    Ok(sample)
}

impl Reporter for Life {
    async fn report(&mut self, step: u64) -> anyhow::Result<()> {
        self.progress(step, STEPS).await
    }
}
