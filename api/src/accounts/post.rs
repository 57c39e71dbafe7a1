//! Letters on their way: by SMTP, or shown to the developer.
//!
//! Plain text, in English or French. The token stands in the letter and
//! nowhere else: not in a log, and in the part of an address that browsers do
//! not send on.

use std::{sync::Arc, time::Duration};

use identity::{Language, Letter, Purpose};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox,
    message::header::ContentType,
};
use tokio::time::{error::Elapsed, timeout};

/// How long a mail server may take, for all that is said about a letter.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who sends letters. Clones are one.
#[derive(Clone)]
pub struct Post {
    way: Way,
    /// Where people reach Greffe, as `https://greffe.example.org`.
    site: Arc<str>,
}

#[derive(Clone)]
enum Way {
    Smtp(Arc<Server>),
    Shown(Arc<dyn Fn(&str) + Send + Sync>),
    Nowhere,
}

/// A mail server, and whom letters are from.
struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// How a mail server is reached.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// As `smtp://USER:PASSWORD@HOST:PORT?tls=required`, or `smtps://`.
    pub url: String,
    /// Whom letters are from.
    pub from: String,
}

/// Why a letter is not sent.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// A setting.
    #[error("letters cannot be sent: {0}")]
    Setting(&'static str),
    /// What the letter says.
    #[error("the letter cannot be written")]
    Letter(#[from] lettre::error::Error),
    /// The mail server, or the way to it.
    #[error("the mail server does not take the letter")]
    Server(#[from] lettre::transport::smtp::Error),
    /// The mail server, which says nothing.
    #[error("the mail server does not answer in time")]
    TooSlow(#[from] Elapsed),
}

impl Post {
    /// By a mail server.
    pub fn by_smtp(settings: &SmtpSettings, site: &str) -> Result<Self, PostError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url)
            .map_err(|_| PostError::Setting("the URL of the mail server is not one"))?
            .timeout(Some(PATIENCE))
            .build();
        let from = settings.from.parse();
        let from = from.map_err(|_| PostError::Setting("letters are from nobody"))?;
        Ok(Self {
            way: Way::Smtp(Arc::new(Server { transport, from })),
            site: site.trim_end_matches('/').into(),
        })
    }

    /// To whoever sits at the terminal.
    pub fn shown(show: impl Fn(&str) + Send + Sync + 'static, site: &str) -> Self {
        Self { way: Way::Shown(Arc::new(show)), site: site.trim_end_matches('/').into() }
    }

    /// Not at all: no letter arrives.
    pub fn nowhere() -> Self {
        Self { way: Way::Nowhere, site: Arc::from("") }
    }

    pub(crate) async fn send(&self, letter: &Letter) -> Result<(), PostError> {
        let (subject, text) = text(letter, &self.site);
        match &self.way {
            Way::Nowhere => Err(PostError::Setting("no mail server is set")),
            Way::Shown(show) => {
                show(&format!("mail to {}: {subject}\n{text}", letter.to));
                Ok(())
            }
            Way::Smtp(server) => {
                let to = letter.to.as_str().parse();
                let to = to.map_err(|_| PostError::Setting("the e-mail is none that gets mail"))?;
                let message = Message::builder()
                    .from(server.from.clone())
                    .to(Mailbox::new(None, to))
                    .subject(subject)
                    .header(ContentType::TEXT_PLAIN)
                    .body(text)?;
                // The transport's own patience ends when it is connected.
                timeout(PATIENCE, server.transport.send(message)).await??;
                Ok(())
            }
        }
    }
}

/// Subject and text.
fn text(letter: &Letter, site: &str) -> (&'static str, String) {
    let token = letter.token.expose();
    let until = letter.expires_at.format("%Y-%m-%d %H:%M UTC");
    match (letter.purpose, letter.language) {
        (Purpose::Reset, Language::English) => (
            "Greffe: another password",
            format!(
                "Somebody, perhaps you, asked for another password of your account.\n\n\
                 Choose one here, once, until {until}:\n\n{site}/reset-password#token={token}\n\n\
                 If it was not you, nothing needs to be done: your password stays as it is.\n"
            ),
        ),
        (Purpose::Reset, Language::French) => (
            "Greffe : un nouveau mot de passe",
            format!(
                "Quelqu'un, peut-être vous, a demandé un nouveau mot de passe pour votre \
                 compte.\n\nChoisissez-le ici, une seule fois, jusqu'au {until} :\n\n\
                 {site}/reset-password#token={token}\n\nSi ce n'était pas vous, il n'y a rien à \
                 faire : votre mot de passe reste le même.\n"
            ),
        ),
        (Purpose::Invitation, Language::English) => (
            "Greffe: an invitation",
            format!(
                "You are invited to have an account.\n\nChoose your password here, once, until \
                 {until}:\n\n{site}/join#token={token}\n"
            ),
        ),
        (Purpose::Invitation, Language::French) => (
            "Greffe : une invitation",
            format!(
                "Vous êtes invité à ouvrir un compte.\n\nChoisissez votre mot de passe ici, une \
                 seule fois, jusqu'au {until} :\n\n{site}/join#token={token}\n"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use identity::{Email, LetterToken};
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_mail_server_that_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let from = "greffe@example.org".to_owned();
        let post = Post::by_smtp(&SmtpSettings { url, from }, "https://greffe.example.org");
        let letter = Letter {
            id: Uuid::nil(),
            to: Email::parse("ann@example.org").unwrap(),
            purpose: Purpose::Reset,
            language: Language::English,
            token: LetterToken::new("grfl_"),
            expires_at: DateTime::UNIX_EPOCH,
        };
        let mut sending = tokio::task::JoinSet::new();
        sending.spawn(async move { post.unwrap().send(&letter).await });
        let _silent = listener.accept().await.unwrap();
        // It is connected: from here on the clock runs as fast as nothing happens.
        tokio::time::pause();
        let sent = tokio::time::timeout(PATIENCE * 2, sending.join_next()).await;
        let sent = sent.expect("given up").expect("a letter").unwrap();
        assert!(matches!(sent, Err(PostError::TooSlow(_))), "{sent:?}");
    }
}
