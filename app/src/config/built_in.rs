//! What an operator decides about the jobs that Greffe does itself: crawls and
//! reports.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use commands::CRAWL_PAGES_MAX;

use super::seconds::seconds;

/// How Greffe does crawls and reports.
#[derive(Args, Clone, Debug)]
pub struct BuiltIn {
    /// How many crawls this process does at a time.
    #[arg(long, env = "GREFFE_CRAWLS_AT_ONCE", default_value_t = 2, value_name = "COUNT")]
    pub crawls_at_once: u16,

    /// How many reports this process writes at a time.
    #[arg(long, env = "GREFFE_REPORTS_AT_ONCE", default_value_t = 2, value_name = "COUNT")]
    pub reports_at_once: u16,

    /// Where webmasters read who is crawling: told with every request.
    #[arg(long, env = "GREFFE_CRAWL_ABOUT", value_name = "URL")]
    pub crawl_about: Option<String>,

    /// Private addresses that may be crawled all the same, as names of hosts,
    /// addresses, or networks such as `10.1.0.0/16`.
    #[arg(long, env = "GREFFE_CRAWL_ALLOW", value_delimiter = ',', value_name = "HOSTS")]
    pub crawl_allow: Vec<String>,

    /// How long between two requests of a crawl to the same host, in seconds,
    /// an hour at most. A robots.txt may ask for longer.
    #[arg(
        long = "crawl-delay-s",
        env = "GREFFE_CRAWL_DELAY_S",
        default_value = "0.5",
        value_parser = seconds(0.0..=3_600.0),
        value_name = "SECONDS"
    )]
    pub crawl_delay: Duration,

    /// How many pages a crawl may be asked to visit. Whoever asks for more is
    /// refused. The addresses that it finds are in memory while it runs, up to
    /// ten times as many.
    #[arg(long, env = "GREFFE_CRAWL_PAGES_MAX", value_name = "COUNT",
        default_value_t = CRAWL_PAGES_MAX, value_parser = clap::value_parser!(u32).range(1..))]
    pub crawl_pages_max: u32,

    /// The program that the sources of reports are read by, in a process of its
    /// own: this one, which `main` knows best where to find.
    #[arg(skip)]
    pub reader: Option<PathBuf>,

    /// The Ollama that reports are written with, as `http://127.0.0.1:11434`.
    /// Without it, or while it does not answer, what is written is drawn from
    /// the sources word by word.
    #[arg(long, env = "GREFFE_OLLAMA_URL", requires = "ollama_model", value_name = "URL")]
    pub ollama_url: Option<String>,

    /// The model that Ollama is to write with.
    #[arg(long, env = "GREFFE_OLLAMA_MODEL", value_name = "NAME")]
    pub ollama_model: Option<String>,

    /// How long Ollama may take for a field, in seconds, from one to an hour.
    #[arg(
        long = "ollama-deadline-s",
        env = "GREFFE_OLLAMA_DEADLINE_S",
        default_value = "120",
        value_parser = seconds(1.0..=3_600.0),
        value_name = "SECONDS"
    )]
    pub ollama_deadline: Duration,
}
