//! What an operator decides about people and programs: who may come, how
//! letters are sent, and what the command line does about accounts, tokens and
//! clients.

use std::env::{self, VarError};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

/// Who may come, and how they are written to.
#[derive(Args, Clone, Debug)]
pub struct People {
    /// Who may have an account, apart from those for whom an administrator
    /// makes one.
    #[arg(long, env = "GREFFE_REGISTRATION", value_enum, default_value_t = Registration::Invited)]
    pub registration: Registration,

    /// The mail server that letters are sent by, as
    /// `smtps://USER:PASSWORD@HOST` or `smtp://HOST?tls=required`. Without it,
    /// letters are not sent; in development they are printed.
    #[arg(long, env = "GREFFE_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// Whom letters are from.
    #[arg(
        long,
        env = "GREFFE_MAIL_FROM",
        default_value = "Greffe <greffe@localhost>",
        value_name = "MAILBOX"
    )]
    pub mail_from: String,

    /// Where people reach Greffe, for the links in letters. Without it, the
    /// address that it listens on; needed where letters are sent by a process
    /// without the part `api`.
    #[arg(long, env = "GREFFE_SITE_URL", value_name = "URL")]
    pub site_url: Option<String>,
}

/// Who may have an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Whoever wants to, as a member.
    Open,
    /// Those whom an administrator has invited.
    Invited,
    /// Nobody.
    Closed,
}

impl From<Registration> for identity::Admission {
    fn from(it: Registration) -> Self {
        match it {
            Registration::Open => Self::Open,
            Registration::Invited => Self::Invited,
            Registration::Closed => Self::Closed,
        }
    }
}

/// The language of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl From<Language> for identity::Language {
    fn from(it: Language) -> Self {
        match it {
            Language::En => Self::English,
            Language::Fr => Self::French,
        }
    }
}

/// The password that the command line is to give somebody, if one is set. It is
/// no argument: those others could see.
pub(crate) fn user_password() -> anyhow::Result<Option<String>> {
    const NAME: &str = "GREFFE_USER_PASSWORD";
    match env::var(NAME) {
        Ok(password) => Ok(Some(password)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(anyhow!("{NAME} is no text")),
    }
}

/// What to do about people. Somebody is named by their e-mail or their id.
#[derive(Clone, Debug, Subcommand)]
pub enum UserAction {
    /// Let somebody sign in. The password is read from
    /// `GREFFE_USER_PASSWORD`, or made and printed once.
    Create {
        /// Their e-mail.
        email: String,
        /// What they may do: admin, operator, member or viewer.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// List who may sign in.
    List,
    /// Ask somebody to join, by mail.
    Invite {
        /// Their e-mail.
        email: String,
        /// What they may do: admin, operator, member or viewer.
        #[arg(long, default_value = "member")]
        role: String,
        /// What the letter is written in.
        #[arg(long, value_enum, default_value_t = Language::En)]
        language: Language,
        /// What the processes that serve are told of who may have an account:
        /// where it is `closed`, nobody joins by a letter.
        #[arg(
            long,
            env = "GREFFE_REGISTRATION",
            value_enum,
            default_value_t = Registration::Invited
        )]
        registration: Registration,
    },
    /// Change what somebody may do.
    Role {
        /// Who.
        who: String,
        /// What they may do: admin, operator, member or viewer.
        role: String,
    },
    /// Let somebody sign in no more.
    Disable {
        /// Who.
        who: String,
    },
    /// Let somebody sign in again.
    Enable {
        /// Who.
        who: String,
    },
    /// Give somebody another password, read from `GREFFE_USER_PASSWORD` or
    /// made and printed once. Ends all their sessions and tokens.
    ResetPassword {
        /// Who.
        who: String,
    },
    /// Give all that somebody owns by now to somebody else: jobs, lands, and
    /// the files that they sent. A process that serves sees to it.
    Transfer {
        /// Who owns it; also somebody who is disabled.
        #[arg(long, value_name = "WHO")]
        from: String,
        /// Whose it is to be.
        #[arg(long, value_name = "WHO")]
        to: String,
    },
    /// List the sessions of somebody that have not ended.
    Sessions {
        /// Who.
        who: String,
    },
    /// End all sessions of somebody, or one.
    SignOut {
        /// Who.
        who: String,
        /// Only this one of their sessions.
        #[arg(long, value_name = "ID")]
        session: Option<Uuid>,
    },
}

/// What a token of somebody is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// To look at what they see.
    Read,
    /// Also to do what they may do with jobs.
    Write,
}

impl From<Scope> for identity::TokenScope {
    fn from(it: Scope) -> Self {
        match it {
            Scope::Read => Self::Read,
            Scope::Write => Self::Write,
        }
    }
}

/// What to do about the tokens of workers and of people.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenAction {
    /// Make one, for workers or in the name of somebody, and print it once.
    Create {
        /// What it is called.
        name: String,
        /// A service that workers with it do; may be given several times.
        #[arg(long = "service", required_unless_present_any = ["all_services", "of"])]
        services: Vec<String>,
        /// It is good for every service.
        #[arg(long, conflicts_with = "services")]
        all_services: bool,
        /// For a program that comes in somebody's name, instead of workers: an
        /// e-mail or an id.
        #[arg(long, value_name = "WHO", conflicts_with_all = ["services", "all_services"])]
        of: Option<String>,
        /// What a program that comes in somebody's name may do.
        #[arg(long, value_enum, default_value_t = Scope::Read, requires = "of")]
        scope: Scope,
        /// How long it is good for a program that comes in somebody's name, in
        /// days; for ever if not said.
        #[arg(
            long,
            value_parser = clap::value_parser!(u32).range(1..=3_650),
            requires = "of",
            value_name = "DAYS"
        )]
        days: Option<u32>,
    },
    /// List those of workers, or of somebody, without what is secret.
    List {
        /// Whose, instead of those of workers: an e-mail or an id.
        #[arg(long, value_name = "WHO")]
        of: Option<String>,
    },
    /// Let nobody come with it any more.
    Revoke {
        /// Its id.
        id: Uuid,
        /// Whose it is, instead of the workers': an e-mail or an id.
        #[arg(long, value_name = "WHO")]
        of: Option<String>,
    },
}

/// What to do about back ends of other applications.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientAction {
    /// Let one come, and print its secret once.
    Create {
        /// What it is called.
        name: String,
        /// A service that it may use; may be given several times.
        #[arg(long = "service", required = true)]
        services: Vec<String>,
        /// How much it may ask for.
        #[command(flatten)]
        quotas: Limits,
    },
    /// List them, without what is secret.
    List,
    /// Let one ask for more, or for less: what is not said is not limited.
    Quotas {
        /// Its id.
        id: Uuid,
        /// How much it may ask for from now on.
        #[command(flatten)]
        quotas: Limits,
    },
    /// Let one use other services.
    Change {
        /// Its id.
        id: Uuid,
        /// A service that it may use; may be given several times.
        #[arg(long = "service", required = true)]
        services: Vec<String>,
    },
    /// Give one another secret, and print it once.
    Rotate {
        /// Its id.
        id: Uuid,
    },
    /// Let one come no more, for good.
    Disable {
        /// Its id.
        id: Uuid,
    },
}

/// How much a back end may ask for. Hours and days are those of the clock, in
/// UTC.
#[derive(Args, Clone, Copy, Debug)]
pub struct Limits {
    /// How many of its jobs may not have ended.
    #[arg(long, value_name = "JOBS")]
    pub active_jobs_max: Option<u32>,
    /// How many jobs it may create in an hour.
    #[arg(long, value_name = "JOBS")]
    pub jobs_per_hour: Option<u32>,
    /// How many jobs it may create in a day.
    #[arg(long, value_name = "JOBS")]
    pub jobs_per_day: Option<u32>,
}

impl From<Limits> for identity::Quotas {
    fn from(it: Limits) -> Self {
        let Limits { active_jobs_max, jobs_per_hour, jobs_per_day } = it;
        Self { active_jobs_max, jobs_per_hour, jobs_per_day }
    }
}
