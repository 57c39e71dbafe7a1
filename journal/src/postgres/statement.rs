//! The one statement that writes a batch.
//!
//! It holds only the parts that the batch has need of, so that a lone append
//! to a known stream pays for no others. The text of each variant is made once
//! and stays prepared on the connection.
//!
//! The last line divides by zero unless every stream was at the version that
//! its first append expects, every key was unused, and no guard objects. That
//! undoes the whole statement without a second round trip, and so positions
//! stay without holes.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use chrono::{DateTime, Utc};
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Row, postgres::PgArguments};

use crate::postgres::{
    failure::Failure,
    fold::{Column, Effect, Folded},
    plan::{Move, Plan},
    request::Request,
};

/// Where and when a batch was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// The position before its first event.
    pub(super) base: u64,
    pub(super) at: DateTime<Utc>,
}

/// Which parts a statement has.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Variant {
    creates: bool,
    moves: bool,
    keys: bool,
    effects: Vec<(&'static str, Option<&'static str>)>,
}

/// Writes batches, and remembers the texts of the statements.
#[derive(Default)]
pub(super) struct Statements {
    texts: HashMap<Variant, Arc<str>>,
}

impl Statements {
    /// Runs the statement on its own, or in the transaction that is open.
    pub(super) async fn write(
        &mut self,
        connection: &mut PgConnection,
        batch: &[Request],
        plan: &Plan<'_>,
        effects: &[Folded],
    ) -> Result<Written, Failure> {
        let (created, moved): (Vec<&Move<'_>>, Vec<&Move<'_>>) =
            plan.moves.iter().partition(|it| it.from == 0);
        let keys = Keys::of(batch, plan);
        let variant = Variant {
            creates: !created.is_empty(),
            moves: !moved.is_empty(),
            keys: !keys.scopes.is_empty(),
            effects: effects.iter().map(|it| (it.effect.sql, it.effect.guard)).collect(),
        };
        let settled = created.len() + moved.len() + keys.scopes.len();
        let mut values = Values::default();
        values.0.reserve(32, batch.iter().map(|it| it.bytes + BYTES_OF_AN_APPEND).sum());
        values.add(plan.events)?;
        values.add(i64::try_from(settled).unwrap_or(i64::MAX))?;
        values.add_events(batch, plan)?;
        values.add_moves(&created, &moved)?;
        values.add_keys(&keys)?;
        for column in effects.iter().flat_map(|it| &it.effect.columns) {
            values.add_column(column)?;
        }
        let text = self.texts.entry(variant).or_insert_with_key(|it| it.text(effects).into());
        let text = AssertSqlSafe(Arc::clone(text));
        // Not `fetch_one`: the row comes before the commit, the end of the
        // rows after it.
        let rows = sqlx::query_with(text, values.0).fetch_all(connection).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let base: i64 = row.try_get(0)?;
        Ok(Written { base: base.unsigned_abs(), at: row.try_get(1)? })
    }

    /// Which appends the guard of an effect refuses, and why, while the head is locked.
    /// What the effect writes meanwhile is for the caller to undo.
    pub(super) async fn ask(
        connection: &mut PgConnection,
        effect: &Effect,
        guard: &'static str,
    ) -> Result<Vec<(usize, String)>, Failure> {
        let parts = Numbers(0).fill_effect(effect);
        let text = format!("with {LOCKED_HEAD},\n{parts}\nselect request, reason from {guard}");
        let mut values = Values::default();
        for column in &effect.columns {
            values.add_column(column)?;
        }
        let refused: Vec<(i32, String)> =
            sqlx::query_as_with(AssertSqlSafe(text), values.0).fetch_all(connection).await?;
        let index = |(it, why): (i32, String)| Some((usize::try_from(it).ok()?, why));
        Ok(refused.into_iter().filter_map(index).collect())
    }
}

impl Variant {
    fn text(&self, effects: &[Folded]) -> String {
        let mut numbers = Numbers(2);
        let mut text = String::from(HEAD);
        text += &numbers.fill(EVENTS, EVENTS_COLUMNS);
        let mut settled = vec![];
        if self.creates {
            text += &numbers.fill(CREATED, &["text[]", "bigint[]"]);
            settled.push("(select count(*) from created)");
        }
        if self.moves {
            text += &numbers.fill(MOVED, &["text[]", "bigint[]", "bigint[]"]);
            settled.push("(select count(*) from moved)");
        }
        if self.keys {
            text += &numbers.fill(KEYED, KEYED_COLUMNS);
            settled.push("(select count(*) from keyed)");
        }
        for Folded { effect, .. } in effects {
            text += ",\n";
            text += &numbers.fill_effect(effect);
        }
        let mut condition = format!("{} = $2", settled.join(" + "));
        let mut guards = effects.iter().filter_map(|it| it.effect.guard).peekable();
        if guards.peek().is_some() {
            // A guard judges by what the snapshot holds: nobody may have
            // written between the snapshot and the lock.
            condition += " and h.base = (select head from journal_head)";
        }
        for guard in guards {
            // Writing to a string does not fail.
            let _ = write!(condition, " and not exists (select from {guard})");
        }
        let _ = write!(text, "\nselect h.base, h.at, 1 / ({condition})::int from h");
        text
    }
}

/// What an append takes on its way beside its events, roughly.
const BYTES_OF_AN_APPEND: usize = 256;

/// The head comes first, and every part that locks anything reads from it: so
/// appends of several processes wait for each other there and nowhere else.
const HEAD: &str = "with h as (
    update journal_head
    set head = head + $1, recorded_at = greatest(recorded_at, clock_timestamp())
    where one
    returning head - $1 as base, recorded_at as at
)";

/// What the head will be, for those who ask before writing.
const LOCKED_HEAD: &str = "h as (
    select head as base, greatest(recorded_at, clock_timestamp()) as at
    from journal_head where one
)";

const EVENTS: &str = ",
written as (
    insert into event (position, stream, version, event_id, event_type, schema_version,
        payload, metadata, recorded_at, hash)
    select h.base + x.ordinal, x.stream, x.version, x.event_id, x.event_type, x.schema_version,
        x.payload, x.metadata, h.at, x.hash
    from h, unnest({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}) with ordinality
        as x (stream, version, event_id, event_type, schema_version, payload, metadata, hash,
            ordinal)
)";

const EVENTS_COLUMNS: &[&str] =
    &["text[]", "bigint[]", "uuid[]", "text[]", "smallint[]", "text[]", "text[]", "bytea[]"];

const CREATED: &str = ",
created as (
    insert into stream (stream, version)
    select x.stream, x.version from h, unnest({0}, {1}) as x (stream, version)
    on conflict do nothing
    returning 1
)";

/// `= any` makes the plan go by the primary key, whatever the statistics say.
const MOVED: &str = ",
moved as (
    update stream set version = x.version
    from h, unnest({0}, {1}, {2}) as x (stream, expected, version)
    where stream.stream = any({0}) and stream.stream = x.stream
        and stream.version = x.expected
    returning 1
)";

const KEYED: &str = ",
keyed as (
    insert into idempotency_key (scope, key, digest, stream, version, position, recorded_at)
    select x.scope, x.key, x.digest, x.stream, x.version, h.base + x.ordinal, h.at
    from h, unnest({0}, {1}, {2}, {3}, {4}, {5})
        as x (scope, key, digest, stream, version, ordinal)
    on conflict do nothing
    returning 1
)";

const KEYED_COLUMNS: &[&str] = &["text[]", "text[]", "bytea[]", "text[]", "bigint[]", "bigint[]"];

/// The last number given to a parameter.
struct Numbers(usize);

impl Numbers {
    /// Gives the placeholders `{0}`, `{1}` … of a part their numbers and types.
    fn fill(&mut self, sql: &str, types: &[&str]) -> String {
        let mut text = sql.to_owned();
        for (index, sql_type) in types.iter().enumerate() {
            self.0 += 1;
            text = text.replace(&format!("{{{index}}}"), &format!("${}::{sql_type}", self.0));
        }
        text
    }

    fn fill_effect(&mut self, effect: &Effect) -> String {
        let types: Vec<_> = effect.columns.iter().map(Column::sql_type).collect();
        self.fill(effect.sql, &types)
    }
}

/// The keys that a batch uses up.
#[derive(Default)]
struct Keys<'a> {
    scopes: Vec<&'a str>,
    names: Vec<&'a str>,
    digests: Vec<[u8; 32]>,
    streams: Vec<&'a str>,
    versions: Vec<i64>,
    ordinals: Vec<i64>,
}

impl<'a> Keys<'a> {
    fn of(batch: &'a [Request], plan: &Plan<'a>) -> Self {
        let mut keys = Self::default();
        for (_, request, last) in plan.written(batch) {
            if let Some(idempotency) = &request.append.idempotency {
                keys.scopes.push(&idempotency.scope);
                keys.names.push(&idempotency.key);
                keys.digests.push(idempotency.digest);
                keys.streams.push(request.append.stream.as_str());
                keys.versions.push(request.last_version().cast_signed());
                keys.ordinals.push(last);
            }
        }
        keys
    }
}

#[derive(Default)]
struct Values(PgArguments);

impl Values {
    fn add<'q, T>(&mut self, value: T) -> Result<(), Failure>
    where
        T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.0.add(value).map_err(|it| Failure::Refused(sqlx::Error::Encode(it)))
    }

    fn add_events(&mut self, batch: &[Request], plan: &Plan<'_>) -> Result<(), Failure> {
        let requests = || plan.written(batch).map(|(_, request, _)| request);
        let events = || {
            requests().flat_map(|it| {
                let versions = it.append.expected_version + 1..;
                it.append
                    .events
                    .iter()
                    .zip(versions)
                    .map(move |(event, version)| (it, event, version))
            })
        };
        self.add(events().map(|(it, ..)| it.append.stream.as_str()).collect::<Vec<_>>())?;
        self.add(events().map(|(.., version)| version.cast_signed()).collect::<Vec<_>>())?;
        self.add(events().map(|(_, event, _)| event.event_id).collect::<Vec<_>>())?;
        self.add(events().map(|(_, event, _)| event.event_type).collect::<Vec<_>>())?;
        self.add(
            events().map(|(_, event, _)| event.schema_version.cast_signed()).collect::<Vec<_>>(),
        )?;
        self.add(events().map(|(_, event, _)| event.payload.as_str()).collect::<Vec<_>>())?;
        self.add(events().map(|(_, event, _)| event.metadata.as_str()).collect::<Vec<_>>())?;
        self.add(requests().flat_map(|it| it.hashes.iter().map(|it| it.0)).collect::<Vec<_>>())
    }

    fn add_moves(&mut self, created: &[&Move<'_>], moved: &[&Move<'_>]) -> Result<(), Failure> {
        let streams = |moves: &[&Move<'_>]| -> Vec<String> {
            moves.iter().map(|it| it.stream.as_str().to_owned()).collect()
        };
        if !created.is_empty() {
            self.add(streams(created))?;
            self.add(created.iter().map(|it| it.to.cast_signed()).collect::<Vec<_>>())?;
        }
        if !moved.is_empty() {
            self.add(streams(moved))?;
            self.add(moved.iter().map(|it| it.from.cast_signed()).collect::<Vec<_>>())?;
            self.add(moved.iter().map(|it| it.to.cast_signed()).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn add_keys(&mut self, keys: &Keys<'_>) -> Result<(), Failure> {
        if keys.scopes.is_empty() {
            return Ok(());
        }
        self.add(&keys.scopes)?;
        self.add(&keys.names)?;
        self.add(&keys.digests)?;
        self.add(&keys.streams)?;
        self.add(&keys.versions)?;
        self.add(&keys.ordinals)
    }

    fn add_column(&mut self, column: &Column) -> Result<(), Failure> {
        match column {
            Column::Text(values) => self.add(values),
            Column::Uuid(values) => self.add(values),
            Column::BigInt(values) => self.add(values),
            Column::Integer(values) => self.add(values),
            Column::SmallInt(values) => self.add(values),
            Column::Bool(values) => self.add(values),
            Column::Timestamp(values) => self.add(values),
        }
    }
}
