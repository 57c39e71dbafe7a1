//! Everything that an operator can decide, and `greffe help` is the manual.
//! Nothing else reads the environment, but `postgres` for where its binaries are
//! (`GREFFE_POSTGRES_BIN`).

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use api::{Origin, TrustedProxies};
use clap::{Args, Parser, Subcommand, ValueEnum};

mod belongings;
mod built_in;
mod people;
mod seconds;

pub use belongings::{JobAction, LandAction};
pub use built_in::BuiltIn;
pub(crate) use people::user_password;
pub use people::{ClientAction, People, Registration, Scope, TokenAction, UserAction};

/// The job back end that never forgets.
#[derive(Debug, Parser)]
#[command(name = "greffe", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub role: Role,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Role {
    /// Serve until told to stop.
    Serve(Serve),
    /// Serve, and show on real input what Greffe does.
    Demo(Demo),
    /// Bring the database up to this version, then exit: its tables, and the
    /// read models that move with each event.
    Migrate(Database),
    /// Read a file on standard input and say what is in it: what `serve` starts
    /// for each source of a report.
    #[command(hide = true)]
    ExtractText,
    /// People who may sign in.
    User {
        /// Where they are kept.
        #[command(flatten)]
        database: Database,
        /// What to do about them.
        #[command(subcommand)]
        action: UserAction,
    },
    /// Tokens that workers and programs come with.
    Token {
        /// Where they are kept.
        #[command(flatten)]
        database: Database,
        /// What to do about them.
        #[command(subcommand)]
        action: TokenAction,
    },
    /// Jobs, whosever they are.
    Job {
        /// Where they are kept.
        #[command(flatten)]
        database: Database,
        /// What to do about them.
        #[command(subcommand)]
        action: JobAction,
    },
    /// What crawls are about, whosever it is.
    Land {
        /// Where they are kept.
        #[command(flatten)]
        database: Database,
        /// What to do about them.
        #[command(subcommand)]
        action: LandAction,
    },
    /// Back ends of other applications.
    Client {
        /// Where they are kept.
        #[command(flatten)]
        database: Database,
        /// What to do about them.
        #[command(subcommand)]
        action: ClientAction,
    },
}

/// What every command takes, before its action or after it.
const EVERYWHERE: &str = "Database and logs";

/// Where everything is kept, and what is told of it.
#[derive(Args, Clone, Debug)]
pub struct Database {
    /// The Postgres to use, as `postgres://USER:PASSWORD@HOST/DATABASE`.
    /// Without it, Greffe brings its own.
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        env = "GREFFE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Option<String>,

    /// Where Greffe's own Postgres keeps its data.
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        env = "GREFFE_DATA_DIR",
        default_value = "greffe-data",
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,

    /// What to log, as `warn,journal=debug`: `info` is usual where Greffe
    /// serves, `warn` elsewhere.
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        env = "GREFFE_LOG",
        value_name = "FILTER"
    )]
    pub log: Option<String>,

    /// How to log.
    #[arg(
        long,
        global = true,
        help_heading = EVERYWHERE,
        env = "GREFFE_LOG_FORMAT",
        value_enum,
        default_value_t = LogFormat::Text
    )]
    pub log_format: LogFormat,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For humans.
    Text,
    /// One JSON object a line.
    Json,
}

/// What a serving process does.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Where everything is kept.
    #[command(flatten)]
    pub database: Database,

    /// Where to listen.
    #[arg(long, env = "GREFFE_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDR")]
    pub listen: SocketAddr,

    /// What this process does; every part may run in any number of processes.
    #[arg(
        long,
        env = "GREFFE_ROLES",
        value_enum,
        value_delimiter = ',',
        default_values_t = [Part::Api, Part::Projector, Part::Scheduler, Part::Worker],
        value_name = "PARTS"
    )]
    pub roles: Vec<Part>,

    /// Where files are kept: a folder, or a URL that begins with `s3://`,
    /// `gs://` or `az://`, if it was built in. Without it, the folder
    /// `artifacts` beside the data of Greffe's own Postgres.
    #[arg(long, env = "GREFFE_ARTIFACTS", value_name = "PLACE")]
    pub artifacts: Option<String>,

    /// How large a file may be that is sent to Greffe, in MiB.
    #[arg(long, env = "GREFFE_UPLOAD_MAX_MIB", default_value_t = 200, value_name = "MIB")]
    pub upload_max_mib: u32,

    /// The file that declares the services. Without it, `services.yaml` is
    /// read if it is there.
    #[arg(long, env = "GREFFE_SERVICES", value_name = "FILE")]
    pub services: Option<PathBuf>,

    /// The e-mail of the first administrator, made if there is none.
    #[arg(long, env = "GREFFE_ADMIN_EMAIL", value_name = "EMAIL")]
    pub admin_email: Option<String>,

    /// The password of the first administrator. Without it, one is made and
    /// printed once.
    #[arg(long, env = "GREFFE_ADMIN_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub admin_password: Option<String>,

    /// Who may come, and how they are written to.
    #[command(flatten)]
    pub people: People,

    /// How crawls and reports are done.
    #[command(flatten)]
    pub built_in: BuiltIn,

    /// Serve the GraphiQL explorer, and answer introspection to anybody.
    #[arg(long, env = "GREFFE_DEVELOPMENT")]
    pub development: bool,

    /// Web pages of these origins may use the API, as
    /// `https://app.example.org`.
    #[arg(long, env = "GREFFE_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub origins: Vec<Origin>,

    /// Proxies in front of Greffe, as addresses or ranges such as
    /// `10.0.0.0/8`: what they say in `X-Forwarded-For` or `Forwarded` of who
    /// sends a request is believed. They must set one of the two and remove the
    /// other. Nobody is believed without it.
    #[arg(long, env = "GREFFE_TRUSTED_PROXIES", value_delimiter = ',', value_name = "ADDRESSES")]
    pub trusted_proxies: Vec<TrustedProxies>,

    /// What `/metrics` is to be asked with, as a bearer token. Without it, it
    /// is open to whoever reaches the address.
    #[arg(long, env = "GREFFE_METRICS_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub metrics_token: Option<String>,

    /// How long leases are left alone after a start, and after the database was
    /// away, in seconds, an hour at most: workers that could not report
    /// meanwhile get the chance to.
    #[arg(
        long = "rescue-grace-s",
        env = "GREFFE_RESCUE_GRACE_S",
        default_value = "10",
        value_parser = seconds::seconds(0.0..=3_600.0),
        value_name = "SECONDS"
    )]
    pub rescue_grace: Duration,

    /// How long the idempotency key of a request is remembered, in days: what
    /// is repeated later is done again.
    #[arg(
        long,
        env = "GREFFE_KEY_RETENTION_DAYS",
        default_value_t = 14,
        value_parser = clap::value_parser!(u32).range(1..=3_650),
        value_name = "DAYS"
    )]
    pub key_retention_days: u32,
}

impl Serve {
    /// Where files are kept.
    pub fn artifacts(&self) -> String {
        let beside = || self.database.data_dir.join("artifacts").to_string_lossy().into_owned();
        self.artifacts.clone().unwrap_or_else(beside)
    }

    /// What `greffe serve` does with these arguments.
    pub fn with(arguments: &[&str]) -> Result<Self, clap::Error> {
        let cli = Cli::try_parse_from(["greffe", "serve"].iter().chain(arguments))?;
        let Role::Serve(serve) = cli.role else { unreachable!("the arguments begin with `serve`") };
        Ok(serve)
    }
}

/// What the clients of buckets read from the environment everywhere: keys,
/// regions and the like, under the names that their makers gave them.
pub fn bucket_options() -> Vec<(String, String)> {
    let is_theirs =
        |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|it| name.starts_with(it));
    std::env::vars().filter(|(name, _)| is_theirs(name)).collect()
}

/// A part of what a serving process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Answers front ends and workers.
    Api,
    /// Keeps the read models in step.
    Projector,
    /// Queues what is due, ends what nobody else would end.
    Scheduler,
    /// Does crawls and writes reports.
    Worker,
}

/// What the demonstration does.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// What serves it.
    #[command(flatten)]
    pub serve: Serve,

    /// Stop when it is over, and exit with 0 only if every job succeeded.
    #[arg(long)]
    pub exit: bool,

    /// The folder whose files are hashed.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
}

#[cfg(test)]
mod tests;
