//! People and programs: the tables that hold who they are, with the journal
//! behind them.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, bail};
use api::accounts::{Post, Recording, SmtpSettings};
use commands::{Asked, Command, Commands, Services};
use domain::{Actor, actor::Component};
use identity::{Generated, Identity, User};
use journal::{Journal, postgres::PostgresJournal};
use projections::{
    Reader,
    feed::Feed,
    schema::{self, OtherVersion},
};
use sqlx::PgPool;

use crate::{
    config::{self, Part, Serve},
    console,
    database::Database,
    system::{self, now, open_journal},
};

/// Opens them. Those who were there before accounts had events get theirs.
pub(crate) async fn open(
    db: &PgPool,
    recording: Recording,
    settings: identity::Settings,
) -> anyhow::Result<Identity> {
    let identity = Identity::connect(db.clone(), settings, Arc::new(recording), now())
        .await
        .context("cannot open the identities")?;
    identity.migrate(now()).await.context("cannot record the accounts that there are")?;
    Ok(identity)
}

/// The first administrator, if there is none.
pub(crate) async fn ensure_first_admin(config: &Serve, identity: &Identity) -> anyhow::Result<()> {
    let (email, password) = (config.admin_email.as_deref(), config.admin_password.as_deref());
    let made = identity.ensure_first_admin(email, password, now()).await;
    if let Some(Generated { email, password }) = made.context("cannot make an administrator")? {
        console::say(format_args!("first administrator, shown once: {email} {password}"));
    }
    Ok(())
}

/// Who sends letters, if this process does.
pub(crate) fn post(config: &Serve, address: SocketAddr) -> anyhow::Result<Post> {
    let people = &config.people;
    let site_url = people.site_url.clone().unwrap_or_else(|| site_at(address));
    let sends = config.roles.contains(&Part::Scheduler);
    match &people.smtp_url {
        Some(url) => {
            if sends && people.site_url.is_none() {
                check_way_back(config, address)?;
            }
            let settings = SmtpSettings { url: url.clone(), from: people.mail_from.clone() };
            Post::by_smtp(&settings, &site_url).context("--smtp-url")
        }
        None if config.development => Ok(Post::shown(|letter| console::say(letter), &site_url)),
        None => {
            if sends {
                tracing::warn!("letters are not sent: there is no --smtp-url");
            }
            Ok(Post::nowhere())
        }
    }
}

/// Whoever gets a letter is to reach what it leads to, which is this process
/// where nothing else is said.
fn check_way_back(config: &Serve, address: SocketAddr) -> anyhow::Result<()> {
    if !config.roles.contains(&Part::Api) {
        bail!(
            "--site-url: letters are sent from here, where nobody is answered; say where people \
             reach Greffe"
        );
    }
    if leads_nowhere(address) {
        tracing::warn!(
            site = site_at(address),
            "letters lead where nobody else's machine finds Greffe: say with --site-url where \
             people reach it"
        );
    }
    Ok(())
}

/// Whether an address means something else on every machine.
fn leads_nowhere(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_unspecified() || ip.is_loopback()
}

/// Where people on this machine reach what listens at an address; where it
/// listens at all of them, by the name that every machine has for itself.
fn site_at(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// What the command line works with: nothing is served.
pub(crate) struct Desk {
    pub(crate) identity: Identity,
    pub(crate) reader: Reader,
    commands: Commands,
    journal: Arc<PostgresJournal>,
    database: Database,
}

impl Desk {
    pub(crate) async fn open(config: &config::Database) -> anyhow::Result<Self> {
        let database = Database::open(config).await?;
        match Self::rest(&database).await {
            Ok((identity, commands, journal)) => {
                let reader = Reader::new(database.pool.clone());
                Ok(Self { identity, reader, commands, journal, database })
            }
            Err(error) => Err(database.close_after(error).await),
        }
    }

    async fn rest(
        database: &Database,
    ) -> anyhow::Result<(Identity, Commands, Arc<PostgresJournal>)> {
        let journal = Arc::new(open_journal(database).await?);
        let reads: Arc<dyn Journal> = Arc::clone(&journal) as _;
        schema::prepare(&database.pool, Arc::clone(&reads), OtherVersion::Respect)
            .await
            .context("cannot make the read models")?;
        let services = Services::try_new(Vec::new()).context("cannot do without services")?;
        let (clock, ids) = (Arc::new(now), Arc::new(system::id));
        let commands = Commands::new(Arc::clone(&reads), services, clock, ids);
        let recording = Recording { commands: commands.clone(), feed: Arc::new(Feed::new(reads)) };
        let settings = identity::Settings::default();
        let identity = open(&database.pool, recording, settings).await?;
        Ok((identity, commands, journal))
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.journal.close().await;
        self.database.close().await
    }

    /// Has something done on behalf of whoever has the command line.
    pub(crate) async fn execute(&self, command: Command) -> anyhow::Result<()> {
        self.commands.execute(command, Asked::by(Actor::System(Component::Console))).await?;
        Ok(())
    }

    /// Somebody to whom things may be given.
    pub(crate) async fn recipient(&self, who: &str) -> anyhow::Result<User> {
        let user = self.user(who).await.context("--to")?;
        self.identity.check_recipient(user.id).await.context("--to")?;
        Ok(user)
    }

    /// Somebody, by their e-mail or their id.
    pub(crate) async fn user(&self, who: &str) -> anyhow::Result<User> {
        let found = match who.parse() {
            Ok(id) => self.identity.user(id).await?,
            Err(_) => self.identity.user_by_email(who).await?,
        };
        found.with_context(|| format!("nobody has the e-mail or the id `{who}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::{leads_nowhere, post, site_at};
    use crate::config::Serve;

    #[test]
    fn letters_lead_to_where_greffe_listens() {
        let of = |address: &str| site_at(address.parse().unwrap());
        assert_eq!(of("127.0.0.1:9000"), "http://127.0.0.1:9000");
        assert_eq!(of("[::1]:9000"), "http://[::1]:9000");
        assert_eq!(of("0.0.0.0:9000"), "http://localhost:9000");
        assert_eq!(of("[::]:80"), "http://localhost:80");
    }

    /// Must never: a way to another password that leads to a process that answers nobody.
    #[test]
    fn letters_are_not_sent_by_whom_they_cannot_lead_to() {
        let refused = |arguments: &[&str]| {
            let mail = ["--smtp-url", "smtp://127.0.0.1"];
            let config = Serve::with(&[&mail, arguments].concat()).unwrap();
            let post = post(&config, "10.0.0.7:8000".parse().unwrap());
            post.err().map(|it| it.to_string())
        };
        let alone = refused(&["--roles", "scheduler,projector"]).unwrap();
        assert!(alone.starts_with("--site-url: "), "{alone}");
        let site = ["--site-url", "https://greffe.example.org"];
        assert_eq!(refused(&[&["--roles", "scheduler"], &site[..]].concat()), None);
        assert_eq!(refused(&["--roles", "worker"]), None);
        assert_eq!(refused(&[]), None);
    }

    #[test]
    fn what_only_this_machine_finds_leads_nowhere() {
        for address in
            ["127.0.0.1:80", "[::1]:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80"]
        {
            assert!(leads_nowhere(address.parse().unwrap()), "{address}");
        }
        assert!(!leads_nowhere("10.0.0.7:80".parse().unwrap()));
    }
}
