//! What a report is asked for with, as it comes in.

use async_graphql::{Enum, InputObject};
use chrono::NaiveDate;
use commands::Wishes;
use domain::{
    Refusal,
    artifact::Sha256,
    job::ReportSpec,
    report::{FieldSpec, GivenValue, INPUT_BYTES_MAX, ReportInput},
};
use serde_json::{Value, json};

use crate::graphql::scalar::DateTime;

/// Who is to write a report.
#[derive(Clone, Copy, Default, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::WriterChoice")]
pub(in crate::graphql) enum ReportWriterChoice {
    /// A language model if this server has one and it answers, else Greffe itself.
    #[default]
    Auto,
    /// A language model, or nobody. It writes in French, unless `language` says otherwise.
    Ollama,
    /// Greffe itself, in the words of the sources.
    Extractive,
}

/// What a language model is to write a report in.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::report::Language")]
pub(super) enum ReportLanguage {
    /// French.
    Fr,
    /// German.
    De,
    /// Italian.
    It,
    /// English.
    En,
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
}

/// What a field is to hold.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::report::FieldKind")]
pub(in crate::graphql) enum FieldKind {
    /// What was given, or can be copied from a source by its form; never written.
    Deterministic,
    /// A few words.
    Short,
    /// Sentences.
    Narrative,
    /// Items, one a line.
    List,
    /// One of the allowed values.
    Constrained,
}

/// A file to draw from.
#[derive(InputObject)]
pub(super) struct ReportSourceInput {
    /// Which: 64 hexadecimal digits, as the upload answered.
    pub(super) sha256: String,
    /// What it is called: up to 255 characters. A file that is not what its name says is left out
    /// of the report.
    pub(super) name: Option<String>,
}

/// What is known already of a field.
#[derive(InputObject)]
pub(super) struct ReportValueInput {
    /// Which field: the text between its braces, whatever its case; up to 200 characters.
    pub(super) key: String,
    /// What it is to hold: plain text of up to 10,000 characters.
    pub(super) value: String,
}

/// How a field is to be written that is not to be written as usual.
#[derive(InputObject)]
pub(super) struct ReportFieldInput {
    /// Which field: the text between its braces, whatever its case; up to 200 characters.
    key: String,
    /// What it is to hold.
    kind: FieldKind,
    /// What to look for in the sources; the key, if it is not said. Up to 1,000 characters.
    query: Option<String>,
    /// What else a language model is to be told: up to 2,000 characters.
    instructions: Option<String>,
    /// How many characters at most, from 1 to 10,000.
    chars_max: Option<i32>,
    /// How many lines at most, from 1 to 100.
    lines_max: Option<i32>,
    /// What it may hold: from 1 to 100 values of up to 200 characters if it is `CONSTRAINED`, and
    /// none if it is not.
    allowed: Option<Vec<String>>,
    /// In how many sources something must be found before it is written, from 1 to 1,000: 1, if it
    /// is not said.
    sources_min: Option<i32>,
}

/// What is to be written, from what, and when.
#[derive(InputObject)]
pub(super) struct RequestReportInput {
    /// The Word document with `{{FIELD}}` placeholders: 64 hexadecimal digits, as the upload
    /// answered.
    pub(super) template: String,
    /// The files to draw from, from 1 to 1,000: PDF, DOCX or plain text.
    pub(super) sources: Vec<ReportSourceInput>,
    /// What is known already: up to 500 values, less than a mebibyte together.
    pub(super) values: Option<Vec<ReportValueInput>>,
    /// How fields are to be written that are not to be written as usual: up to 500 of them.
    pub(super) fields: Option<Vec<ReportFieldInput>>,
    /// Where it is written, for the field `LIEU_ET_DATE`: up to 200 characters.
    pub(super) place: Option<String>,
    /// The day that it bears, as `2027-03-01`; the day it is written, if it is not said.
    pub(super) date: Option<String>,
    /// Who is to write: a language model if there is one, if it is not said.
    pub(super) writer: Option<ReportWriterChoice>,
    /// What a language model is to write in, whatever the sources are in: French, if it is not said.
    /// What Greffe itself writes is in the words of the sources.
    pub(super) language: Option<ReportLanguage>,
    /// How many passages a field is written from at most, from 1 to 100: 10, if it is not said. Of
    /// more than 20, a language model is shown what stands around the words that are looked for.
    pub(super) passages_max: Option<i32>,
    /// Higher is leased first; from -100 to 100, and 0 if it is not said.
    pub(super) priority: Option<i32>,
    /// Not before.
    pub(super) not_before: Option<DateTime>,
    /// Over by then, whatever has become of it; a week from now at the latest, which is the default.
    pub(super) expires_at: Option<DateTime>,
    /// Up to 255 bytes. While it is remembered, which is for 14 days unless the operator says
    /// otherwise, the same key with the same input gives the same report again.
    pub(super) idempotency_key: Option<String>,
}

/// What was asked for, understood.
pub(super) struct Asked {
    pub(super) spec: ReportSpec,
    pub(super) input: ReportInput,
    pub(super) wishes: Wishes,
}

impl RequestReportInput {
    /// Refuses what could not be carried out.
    pub(super) fn read(self) -> Result<Asked, Refusal> {
        let mut spec = ReportSpec::of(sha256("template", &self.template)?, Vec::new());
        let mut names = Vec::new();
        for (at, source) in self.sources.into_iter().enumerate() {
            spec.sources.push(sha256(&format!("sources/{at}/sha256"), &source.sha256)?);
            names.push(source.name);
        }
        spec.writer = self.writer.unwrap_or_default().into();
        let passages = self.passages_max.map(u16::try_from).transpose();
        spec.passages_max =
            passages.map_err(|_| Refusal::invalid("passagesMax", "between 1 and 100"))?;
        spec.check()?;
        let fields = self.fields.into_iter().flatten().enumerate();
        let date = self.date.map(|it| it.parse::<NaiveDate>()).transpose();
        let values = self.values.into_iter().flatten();
        let input = ReportInput {
            salt: String::new(),
            names,
            values: values.map(|it| GivenValue { key: it.key, value: it.value }).collect(),
            fields: fields.map(|(at, it)| it.read(at)).collect::<Result<_, _>>()?,
            place: self.place,
            date: date.map_err(|_| Refusal::invalid("date", "a day, such as 2027-03-01"))?,
            language: self.language.map(Into::into),
        };
        input.check()?;
        if serde_json::to_vec(&input).map_or(usize::MAX, |it| it.len()) > INPUT_BYTES_MAX - 1_024 {
            return Err(Refusal::invalid("input", "smaller: less than a mebibyte of values"));
        }
        let priority = i16::try_from(self.priority.unwrap_or(0));
        let wishes = Wishes {
            owner: None,
            priority: priority.map_err(|_| Refusal::invalid("priority", "between -100 and 100"))?,
            not_before: self.not_before.map(|it| it.0),
            expires_at: self.expires_at.map(|it| it.0),
        };
        Ok(Asked { spec, input, wishes })
    }
}

impl ReportFieldInput {
    fn read(self, at: usize) -> Result<FieldSpec, Refusal> {
        let count = |name: &str, count: Option<i32>| {
            let refused = |_| Refusal::invalid(format!("fields/{at}/{name}"), "at least 1");
            count.map(u32::try_from).transpose().map_err(refused)
        };
        Ok(FieldSpec {
            kind: self.kind.into(),
            chars_max: count("charsMax", self.chars_max)?,
            lines_max: count("linesMax", self.lines_max)?,
            sources_min: count("sourcesMin", self.sources_min)?,
            key: self.key,
            query: self.query,
            instructions: self.instructions,
            allowed: self.allowed.unwrap_or_default(),
        })
    }

    pub(super) fn said(&self) -> Value {
        let kind = domain::report::FieldKind::from(self.kind);
        json!([
            self.key,
            kind,
            self.query,
            self.instructions,
            self.chars_max,
            self.lines_max,
            self.allowed,
            self.sources_min,
        ])
    }
}

fn sha256(field: &str, text: &str) -> Result<Sha256, Refusal> {
    let rule = "64 hexadecimal digits, as the upload answered";
    text.parse().map_err(|_| Refusal::invalid(field.to_owned(), rule))
}
