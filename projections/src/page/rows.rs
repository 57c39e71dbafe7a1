//! Rows of `page`, in and out of the table, set-wise.

use std::collections::HashMap;

use domain::{
    JobId, Timestamp,
    job::{DuplicateBy, Exclusion, TextSlice},
};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::{Kept, PageRow, PageState};
use crate::signed;

/// The columns, in the order in which [`store`] binds them.
pub(super) const COLUMNS: &str = "crawl, number, url, host, depth, found_from, found_at, state, \
    visited_at, status, final_url, media_type, bytes, title, description, language, canonical, \
    published_at, words, relevance, content, texts, text_offset, text_bytes, media, \
    duplicate_of, duplicate_by, exclusion, error, message, links";

/// A row as Postgres gives it.
#[derive(sqlx::FromRow)]
pub(super) struct Record {
    crawl: Uuid,
    number: i64,
    url: String,
    host: String,
    depth: i32,
    found_from: Option<i64>,
    found_at: Timestamp,
    state: String,
    visited_at: Option<Timestamp>,
    status: Option<i32>,
    final_url: Option<String>,
    media_type: Option<String>,
    bytes: Option<i64>,
    title: Option<String>,
    description: Option<String>,
    language: Option<String>,
    canonical: Option<String>,
    published_at: Option<Timestamp>,
    words: Option<i64>,
    relevance: Option<i64>,
    content: Option<String>,
    texts: Option<String>,
    text_offset: Option<i64>,
    text_bytes: Option<i64>,
    media: Option<i64>,
    duplicate_of: Option<i64>,
    duplicate_by: Option<String>,
    exclusion: Option<String>,
    error: Option<String>,
    message: Option<String>,
    links: Vec<i64>,
}

/// A column holds what no fold has written.
fn bad(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("page holds a bad {column}").into())
}

fn small<T: TryFrom<i64>>(column: &str, value: i64) -> Result<T, sqlx::Error> {
    T::try_from(value).map_err(|_| bad(column))
}

impl TryFrom<Record> for PageRow {
    type Error = sqlx::Error;

    fn try_from(it: Record) -> Result<Self, sqlx::Error> {
        let state = PageState::parse(&it.state).ok_or_else(|| bad("state"))?;
        let number = |column, value: Option<i64>| value.map(|it| small(column, it)).transpose();
        let by = it.duplicate_by.as_deref();
        let by = by.map(|it| DuplicateBy::parse(it).ok_or_else(|| bad("duplicate_by")));
        let exclusion = it.exclusion.as_deref();
        let exclusion = exclusion.map(|it| Exclusion::parse(it).ok_or_else(|| bad("exclusion")));
        Ok(Self {
            crawl: JobId(it.crawl),
            number: small("number", it.number)?,
            depth: small("depth", it.depth.into())?,
            found_from: number("found_from", it.found_from)?,
            found_at: it.found_at,
            state,
            visited_at: it.visited_at,
            status: it.status.map(|it| small("status", it.into())).transpose()?,
            duplicate: number("duplicate_of", it.duplicate_of)?.zip(by.transpose()?),
            exclusion: exclusion.transpose()?,
            error: it.error.clone().zip(it.message.clone()),
            links: it.links.iter().map(|it| small("links", *it)).collect::<Result<_, _>>()?,
            url: it.url.clone(),
            host: it.host.clone(),
            kept: (state == PageState::Kept).then(|| kept(it)).transpose()?,
        })
    }
}

fn kept(it: Record) -> Result<Kept, sqlx::Error> {
    let number = |column, value: Option<i64>| small(column, value.ok_or_else(|| bad(column))?);
    let slice = it.text_offset.zip(it.text_bytes).map(|(offset, bytes)| TextSlice {
        offset: offset.cast_unsigned(),
        bytes: bytes.cast_unsigned(),
    });
    let texts = it.texts.map(|it| it.parse().map_err(|_| bad("texts"))).transpose()?;
    Ok(Kept {
        url: it.final_url.ok_or_else(|| bad("final_url"))?,
        media_type: it.media_type.ok_or_else(|| bad("media_type"))?,
        bytes: it.bytes.ok_or_else(|| bad("bytes"))?.cast_unsigned(),
        title: it.title,
        description: it.description,
        language: it.language,
        canonical: it.canonical,
        published_at: it.published_at,
        words: number("words", it.words)?,
        relevance: number("relevance", it.relevance)?,
        content: it.content.and_then(|it| it.parse().ok()).ok_or_else(|| bad("content"))?,
        text: texts.zip(slice),
        media: number("media", it.media)?,
    })
}

pub(super) async fn load(
    db: &mut PgConnection,
    keys: &[(JobId, u32)],
) -> Result<HashMap<(JobId, u32), PageRow>, sqlx::Error> {
    let crawls: Vec<Uuid> = keys.iter().map(|(crawl, _)| crawl.0).collect();
    let numbers: Vec<i64> = keys.iter().map(|(_, number)| i64::from(*number)).collect();
    let records = sqlx::query_as!(
        Record,
        "select p.* from unnest($1::uuid[], $2::bigint[]) as x (crawl, number)
         join page p on p.crawl = x.crawl and p.number = x.number",
        &crawls,
        &numbers
    )
    .fetch_all(db)
    .await?;
    let rows = records.into_iter().map(PageRow::try_from);
    rows.map(|row| row.map(|it| ((it.crawl, it.number), it))).collect()
}

/// The most rows of one statement, each with 31 parameters. More are not written
/// faster, and what a connection once sent it has memory for as long as it lives.
const CHUNK: usize = 200;

pub(super) async fn store(db: &mut PgConnection, rows: &[PageRow]) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(CHUNK) {
        upsert(rows).build().persistent(false).execute(&mut *db).await?;
    }
    Ok(())
}

fn upsert(rows: &[PageRow]) -> QueryBuilder<sqlx::Postgres> {
    let mut query = QueryBuilder::new(format!("insert into page ({COLUMNS}) "));
    query.push_values(rows, |mut row, it| {
        let kept = it.kept.as_ref();
        let text = kept.and_then(|it| it.text.as_ref());
        let duplicate = it.duplicate.as_ref();
        row.push_bind(it.crawl.0)
            .push_bind(i64::from(it.number))
            .push_bind(&it.url)
            .push_bind(&it.host)
            .push_bind(i32::from(it.depth))
            .push_bind(it.found_from.map(i64::from))
            .push_bind(it.found_at)
            .push_bind(it.state.as_str())
            .push_bind(it.visited_at)
            .push_bind(it.status.map(i32::from))
            .push_bind(kept.map(|it| &it.url))
            .push_bind(kept.map(|it| &it.media_type))
            .push_bind(kept.map(|it| signed(it.bytes)))
            .push_bind(kept.and_then(|it| it.title.as_ref()))
            .push_bind(kept.and_then(|it| it.description.as_ref()))
            .push_bind(kept.and_then(|it| it.language.as_ref()))
            .push_bind(kept.and_then(|it| it.canonical.as_ref()))
            .push_bind(kept.and_then(|it| it.published_at))
            .push_bind(kept.map(|it| i64::from(it.words)))
            .push_bind(kept.map(|it| i64::from(it.relevance)))
            .push_bind(kept.map(|it| it.content.to_string()))
            .push_bind(text.map(|(sha256, _)| sha256.to_string()))
            .push_bind(text.map(|(_, slice)| signed(slice.offset)))
            .push_bind(text.map(|(_, slice)| signed(slice.bytes)))
            .push_bind(kept.map(|it| i64::from(it.media)))
            .push_bind(duplicate.map(|(of, _)| i64::from(*of)))
            .push_bind(duplicate.map(|(_, by)| by.as_str()))
            .push_bind(it.exclusion.map(Exclusion::as_str))
            .push_bind(it.error.as_ref().map(|(code, _)| code))
            .push_bind(it.error.as_ref().map(|(_, message)| message))
            .push_bind(it.links.iter().copied().map(i64::from).collect::<Vec<_>>());
    });
    query.push(" on conflict (crawl, number) do update set ");
    // What was found stays as it was found.
    let changing = COLUMNS.split(", ").filter(|it| !FOUND.contains(it));
    for (index, column) in changing.enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        query.push(format!("{comma}{column} = excluded.{column}"));
    }
    query
}

/// What cannot change of a row that is there already.
const FOUND: [&str; 6] = ["crawl", "number", "url", "depth", "found_from", "found_at"];
