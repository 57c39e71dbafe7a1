-- How much each client may ask for, and how much it has. Written by
-- `projections::client_quota` alone, in the append's own statement; can be
-- thrown away: the journal holds everything.
create table client_quota (
    client uuid primary key,
    -- Null: as many as it likes.
    active_jobs_max bigint,
    jobs_per_hour bigint,
    jobs_per_day bigint,
    -- Of its jobs, those that have not ended.
    active_jobs bigint not null default 0,
    -- When the hour began in which it created its last job, and how many it has
    -- created since; so for the day. In UTC.
    hour timestamptz,
    jobs_in_hour bigint not null default 0,
    day timestamptz,
    jobs_in_day bigint not null default 0
) with (fillfactor = 50);

-- The jobs that count: created by a client, and not ended.
create table client_job (
    job uuid primary key,
    client uuid not null
);
