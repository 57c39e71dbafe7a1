//! A language model, asked over HTTP by way of Ollama.
//!
//! Where it listens is for the operator to say: a host that a user could name
//! would have this server call whomever the user likes.

use std::time::Duration;

use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    super::{bm25::Hit, clean, fields::Field},
    Taken, prompt,
};
use crate::tls;

/// The longest answer that is listened to, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How long to wait for a sign of life.
const LIFE: Duration = Duration::from_secs(3);

/// How a language model is reached.
#[derive(Clone, Debug)]
pub struct OllamaSettings {
    /// Where it listens, as `http://127.0.0.1:11434`.
    pub url: String,
    /// Which model writes.
    pub model: String,
    /// How long one field may take, second tries included.
    pub deadline: Duration,
}

/// A language model that can be asked.
#[derive(Clone, Debug)]
pub struct Ollama {
    http: Client,
    settings: OllamaSettings,
}

/// Why a model wrote nothing that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskFault {
    TimedOut,
    Failed,
    /// It said, twice, what may not stand in a document.
    Forbidden,
}

impl Ollama {
    /// Nothing is asked of it yet.
    pub fn try_new(settings: OllamaSettings) -> Result<Self, reqwest::Error> {
        tls::choose();
        let http = Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Self { http, settings })
    }

    /// Whether it is there, and has the model.
    pub(super) async fn answers(&self) -> bool {
        let asked = self.http.get(self.address("/api/tags")).timeout(LIFE).send().await;
        let answer = match asked {
            Ok(response) => body(response).await,
            Err(_) => Err(AskFault::Failed),
        };
        let Ok(answer) = answer else {
            tracing::warn!("the language model does not answer");
            return false;
        };
        let model = &self.settings.model;
        let names = answer["models"].as_array().into_iter().flatten();
        let has = names.filter_map(|it| it["name"].as_str()).any(|name| {
            name == model || name.strip_suffix(":latest").is_some_and(|it| it == model)
        });
        if !has {
            tracing::warn!(model, "the language model is not installed");
        }
        has
    }

    /// What it says about a field, and what it was shown. Asked again, once: with half of the passages
    /// when it took too long, with the rules when it broke them.
    pub(super) async fn write(
        &self,
        field: &Field,
        mut hits: &[Hit<'_>],
    ) -> Result<(String, Vec<Taken>), AskFault> {
        let until = Instant::now() + self.settings.deadline;
        let mut told = prompt::prompt(field, hits);
        let first = self.ask(field, &told, 0.2, self.settings.deadline / 2).await;
        let left = || until.saturating_duration_since(Instant::now());
        let said = match first {
            Ok(said) => said,
            Err(AskFault::TimedOut) => {
                hits = &hits[..hits.len().div_ceil(2)];
                told = prompt::prompt(field, hits);
                self.ask(field, &told, 0.0, left()).await?
            }
            Err(AskFault::Failed | AskFault::Forbidden) => {
                self.ask(field, &told, 0.2, left()).await?
            }
        };
        let text = clean::unwrapped(&said, field);
        if clean::check(&text).is_ok() {
            return Ok((text, prompt::shown(field, hits)));
        }
        let said = self.ask(field, &prompt::correction(&told), 0.0, left()).await?;
        let text = clean::unwrapped(&said, field);
        clean::check(&text).map_err(|_| AskFault::Forbidden)?;
        Ok((text, prompt::shown(field, hits)))
    }

    async fn ask(
        &self,
        field: &Field,
        prompt: &str,
        temperature: f64,
        patience: Duration,
    ) -> Result<String, AskFault> {
        let asked = json!({
            "model": self.settings.model,
            "prompt": prompt,
            "stream": false,
            "options": {
                "temperature": temperature,
                "top_p": 0.9,
                "num_ctx": prompt::context_tokens(prompt, field),
            },
        });
        let answer = async {
            let sent = self.http.post(self.address("/api/generate")).json(&asked).send();
            body(sent.await.map_err(|_| AskFault::Failed)?).await
        };
        let answer = timeout(patience, answer).await.map_err(|_| AskFault::TimedOut)??;
        let said = answer["response"].as_str().ok_or(AskFault::Failed)?;
        Ok(said.to_owned())
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url.trim_end_matches('/'))
    }
}

/// The JSON of an answer, if it is one and not endless.
async fn body(mut response: Response) -> Result<Value, AskFault> {
    if !response.status().is_success() {
        return Err(AskFault::Failed);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| AskFault::Failed)? {
        bytes.extend_from_slice(&chunk);
        if ANSWER_BYTES_MAX < bytes.len() {
            return Err(AskFault::Failed);
        }
    }
    serde_json::from_slice(&bytes).map_err(|_| AskFault::Failed)
}

#[cfg(test)]
mod tests;
