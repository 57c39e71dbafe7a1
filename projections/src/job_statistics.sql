-- How many jobs came to be in which state, hour by hour. Written by
-- `projections::job_statistics` alone, as are the tables below; all can be
-- thrown away: the journal holds everything. Hours, kinds, services, states
-- and owners are few: what is asked of jobs is never counted job by job.
create table job_statistics (
    hour timestamptz not null,
    owner uuid not null,
    kind text not null check (kind in ('TASK', 'CRAWL', 'REPORT')),
    service text not null,
    state text not null check (state in (
        'SCHEDULED', 'QUEUED', 'RUNNING', 'RETRYING',
        'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'
    )),
    -- How many were created in it.
    created bigint not null check (created >= 0),
    -- How often one came to be in it, those included.
    entered bigint not null check (entered >= created),
    -- How many of those had items that failed.
    with_errors bigint not null check (with_errors between 0 and entered),
    primary key (hour, owner, kind, service, state)
) with (fillfactor = 80);

-- How long the jobs that ended had waited for a worker and been held by one,
-- by the hour and the state in which they ended. A bucket holds times that
-- differ by less than an eighth; there is a row for each that is not empty.
create table job_duration (
    hour timestamptz not null,
    owner uuid not null,
    kind text not null check (kind in ('TASK', 'CRAWL', 'REPORT')),
    service text not null,
    state text not null check (state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')),
    measure text not null check (measure in ('WAITING', 'RUNNING')),
    bucket smallint not null check (bucket >= 0),
    jobs bigint not null check (jobs > 0),
    sum_ms bigint not null check (sum_ms >= 0),
    min_ms bigint not null check (min_ms >= 0),
    max_ms bigint not null check (max_ms >= min_ms),
    primary key (hour, owner, kind, service, state, measure, bucket)
) with (fillfactor = 80);

-- How many jobs are in which state.
create table job_gauge (
    owner uuid not null,
    kind text not null check (kind in ('TASK', 'CRAWL', 'REPORT')),
    service text not null,
    state text not null check (state in (
        'SCHEDULED', 'QUEUED', 'RUNNING', 'RETRYING',
        'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'
    )),
    jobs bigint not null,
    primary key (owner, kind, service, state)
) with (fillfactor = 50);

-- What must be known of a job so that its next event can be counted. One that
-- has ended may still go to somebody else, and is counted for them then.
create table job_standing (
    job uuid primary key,
    owner uuid not null,
    kind text not null check (kind in ('TASK', 'CRAWL', 'REPORT')),
    service text not null,
    state text not null check (state in (
        'SCHEDULED', 'QUEUED', 'RUNNING', 'RETRYING',
        'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'
    )),
    -- When it came to be in that state.
    since timestamptz not null,
    -- How long it was queued before, in milliseconds; none if it never was.
    waited_ms bigint check (waited_ms >= 0),
    -- How long it was held before, in milliseconds; none if it never was.
    ran_ms bigint check (ran_ms >= 0)
) with (fillfactor = 80);
