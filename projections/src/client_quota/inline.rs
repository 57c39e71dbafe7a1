//! What moves with the append, and what is refused.

use std::collections::HashMap;

use domain::{
    client::{ClientEvent, Quotas},
    decode::{Event, decode},
};
use journal::postgres::fold::{Column, Effect, InlineFold, Pending};
use serde::Deserialize;
use uuid::Uuid;

use super::{Count, Limits, client_of, count, limits};

/// Moves the tables in the append's own statement, and refuses the jobs that
/// exceed a quota.
#[derive(Clone, Copy, Debug)]
pub struct InlineClientQuota;

impl InlineFold for InlineClientQuota {
    fn name(&self) -> &'static str {
        "client_quota"
    }

    fn fold(&self, batch: &[Pending<'_>]) -> Option<Effect> {
        let mut net = Net::default();
        for pending in batch {
            match pending.stream.category() {
                "job" => net.job(pending),
                "client" => net.client(pending),
                _ => {}
            }
        }
        net.effect()
    }
}

/// What a batch does. Whose the jobs are that end in it, only the table knows.
#[derive(Default)]
struct Net {
    new: HashMap<Uuid, Quotas>,
    changed: HashMap<Uuid, Quotas>,
    created: Vec<Created>,
    ended: Vec<Option<Uuid>>,
}

struct Created {
    job: Uuid,
    client: Uuid,
    request: i32,
    ordinal: i64,
    /// In the batch in which it was created.
    ended: bool,
}

/// What of the metadata of an event is read.
#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    actor: &'a str,
}

impl Net {
    fn job(&mut self, pending: &Pending<'_>) {
        match count(pending.event.event_type) {
            Some(Count::Created) => self.created.extend(created(pending)),
            Some(Count::Ended) => {
                let Ok(job) = pending.stream.id().parse() else { return };
                match self.created.iter_mut().find(|it| it.job == job) {
                    Some(created) => created.ended = true,
                    None => self.ended.push(Some(job)),
                }
            }
            None => {}
        }
    }

    fn client(&mut self, pending: &Pending<'_>) {
        let Some(event) = understood(pending) else { return };
        let Ok(client) = pending.stream.id().parse() else { return };
        match limits(&event) {
            Some(Limits::New(quotas)) => {
                self.new.insert(client, quotas);
            }
            Some(Limits::Changed(quotas)) => match self.new.get_mut(&client) {
                Some(before) => *before = quotas,
                None => {
                    self.changed.insert(client, quotas);
                }
            },
            None => {}
        }
    }

    /// Most batches create nothing for a client: the smaller statement is
    /// theirs, and no guard.
    fn effect(self) -> Option<Effect> {
        if self.new.is_empty() && self.changed.is_empty() && self.created.is_empty() {
            return (!self.ended.is_empty()).then(|| Effect {
                sql: END,
                columns: vec![Column::Uuid(self.ended)],
                guard: None,
            });
        }
        let guard = (!self.created.is_empty()).then_some("client_quota_refused");
        let kept = self.created.iter().filter(|it| !it.ended);
        let mut columns = Vec::from(of_quotas(&self.new));
        columns.extend(of_quotas(&self.changed));
        columns.extend([
            Column::Uuid(self.created.iter().map(|it| Some(it.client)).collect()),
            Column::Integer(self.created.iter().map(|it| Some(it.request)).collect()),
            Column::BigInt(self.created.iter().map(|it| Some(it.ordinal)).collect()),
            Column::Uuid(kept.clone().map(|it| Some(it.job)).collect()),
            Column::Uuid(kept.map(|it| Some(it.client)).collect()),
            Column::Uuid(self.ended),
        ]);
        Some(Effect { sql: COUNT, columns, guard })
    }
}

fn created(pending: &Pending<'_>) -> Option<Created> {
    let metadata: Metadata<'_> = serde_json::from_str(&pending.event.metadata).ok()?;
    Some(Created {
        job: pending.stream.id().parse().ok()?,
        client: client_of(metadata.actor)?,
        request: pending.request,
        ordinal: pending.ordinal,
        ended: false,
    })
}

fn understood(pending: &Pending<'_>) -> Option<ClientEvent> {
    let event = pending.event;
    match decode(event.event_type, event.schema_version, &event.payload) {
        Ok(Event::Client(event)) => Some(event),
        Ok(Event::Job(_) | Event::Worker(_) | Event::Account(_) | Event::Land(_)) => None,
        Err(error) => {
            // This program wrote it a moment ago.
            tracing::error!(%error, stream = %pending.stream, "the quotas of a client are lost");
            None
        }
    }
}

fn of_quotas(clients: &HashMap<Uuid, Quotas>) -> [Column; 4] {
    let numbers = |quota: fn(&Quotas) -> Option<u32>| {
        Column::BigInt(clients.values().map(|it| quota(it).map(i64::from)).collect())
    };
    [
        Column::Uuid(clients.keys().copied().map(Some).collect()),
        numbers(|it| it.active_jobs_max),
        numbers(|it| it.jobs_per_hour),
        numbers(|it| it.jobs_per_day),
    ]
}

/// Jobs end, of clients or of anybody.
const END: &str = "client_job_out as (
    delete from client_job j using h where j.job = any({0}) returning j.client),
client_quota_up as (
    update client_quota q set active_jobs = q.active_jobs - x.ended
    from (select client, count(*) as ended from client_job_out group by client) as x
    where q.client = x.client)";

/// Everything at once, since a row can be written but once: clients that are
/// new, their quotas, jobs that they create, and jobs that end. A job is
/// refused for the quota that will be in its way for the longest.
const COUNT: &str = "client_quota_in as (
    insert into client_quota (client, active_jobs_max, jobs_per_hour, jobs_per_day)
    select x.* from h, unnest({0}, {1}, {2}, {3}) as x (client, active, hourly, daily)
    on conflict do nothing),
client_job_in as (
    insert into client_job (job, client)
    select x.job, x.client from h, unnest({11}, {12}) as x (job, client)
    where exists (select from client_quota q where q.client = x.client)
    on conflict do nothing),
client_job_out as (
    delete from client_job j using h where j.job = any({13}) returning j.client),
client_quota_net as (
    select x.client, sum(x.active) as active, sum(x.created) as created,
        bool_or(x.changed) as changed, max(x.active_jobs_max) as active_jobs_max,
        max(x.jobs_per_hour) as jobs_per_hour, max(x.jobs_per_day) as jobs_per_day
    from (
        select client, 0, 1, false, null::bigint, null::bigint, null::bigint
        from unnest({8}) as a (client)
        union all
        select client, 1, 0, false, null, null, null from unnest({12}) as a (client)
        union all
        select client, -1, 0, false, null, null, null from client_job_out
        union all
        select client, 0, 0, true, active, hourly, daily
        from unnest({4}, {5}, {6}, {7}) as a (client, active, hourly, daily)
    ) as x (client, active, created, changed, active_jobs_max, jobs_per_hour, jobs_per_day)
    group by x.client),
client_quota_up as (
    update client_quota q set
        active_jobs_max = case when n.changed then n.active_jobs_max else q.active_jobs_max end,
        jobs_per_hour = case when n.changed then n.jobs_per_hour else q.jobs_per_hour end,
        jobs_per_day = case when n.changed then n.jobs_per_day else q.jobs_per_day end,
        active_jobs = q.active_jobs + n.active,
        hour = case when n.created = 0 then q.hour else t.hour end,
        jobs_in_hour = case when n.created = 0 or q.hour = t.hour
            then q.jobs_in_hour + n.created else n.created end,
        day = case when n.created = 0 then q.day else t.day end,
        jobs_in_day = case when n.created = 0 or q.day = t.day
            then q.jobs_in_day + n.created else n.created end
    from client_quota_net n, (
        select date_trunc('hour', h.at, 'UTC') as hour, date_trunc('day', h.at, 'UTC') as day from h
    ) as t
    where q.client = n.client),
client_quota_asked as (
    select x.client, x.request,
        row_number() over (partition by x.client order by x.ordinal) as place
    from unnest({8}, {9}, {10}) as x (client, request, ordinal)),
client_quota_refused as (
    select a.request, json_build_object(
        'quota', e.quota, 'limit', e.most, 'until', e.until)::text as reason
    from (
        select date_trunc('hour', h.at, 'UTC') as hour, date_trunc('day', h.at, 'UTC') as day from h
    ) as t
    cross join client_quota_asked a
    join client_quota q on q.client = a.client
    cross join lateral (
        select v.quota, v.most, v.until
        from (values
            (1, 'jobs_per_day', q.jobs_per_day,
                case when q.day = t.day then q.jobs_in_day else 0 end,
                t.day + interval '24 hours'),
            (2, 'jobs_per_hour', q.jobs_per_hour,
                case when q.hour = t.hour then q.jobs_in_hour else 0 end,
                t.hour + interval '1 hour'),
            (3, 'active_jobs', q.active_jobs_max, q.active_jobs, null)
        ) as v (rank, quota, most, used, until)
        where v.most < v.used + a.place
        order by v.rank limit 1
    ) as e
    where q.client = any({8}))";
