-- What one sees of a job in a list. Written by `projections::job_list` alone,
-- and can be thrown away: the journal holds everything.
create table job_list (
    job uuid primary key,
    kind text not null check (kind in ('TASK', 'CRAWL', 'REPORT')),
    service text not null,
    owner uuid not null,
    state text not null check (state in (
        'SCHEDULED', 'QUEUED', 'RUNNING', 'RETRYING',
        'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'
    )),
    priority smallint not null,
    created_at timestamptz not null,
    created_position bigint not null,
    changed_at timestamptz not null,
    changed_position bigint not null,
    version bigint not null,
    -- Not before, while it waits for a time.
    ready_at timestamptz,
    expires_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    attempt integer not null,
    attempts_max integer not null,
    delivery integer not null,
    worker uuid,
    fence bigint,
    cancel_requested boolean not null,
    -- Since when it is left alone, and why.
    paused_at timestamptz,
    pause_reason text,
    progress_done bigint,
    progress_total bigint,
    progress_message text,
    -- How many items of a batch failed.
    errors bigint not null,
    error_type text,
    error_message text,
    retry_of uuid,
    -- The land that a crawl belongs to.
    land uuid,
    check ((ended_at is not null) = (state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED'))),
    check (paused_at is null or ended_at is null),
    check (pause_reason is null or paused_at is not null),
    check ((fence is not null) = (state = 'RUNNING'))
) with (fillfactor = 80);

create unique index job_list_created on job_list (created_position);
create unique index job_list_changed on job_list (changed_position);
create index job_list_owner on job_list (owner, created_position);
create index job_list_state on job_list (state, created_position);
create index job_list_paused on job_list (created_position) where paused_at is not null;
create index job_list_service on job_list (service, created_position);
create index job_list_land on job_list (land, created_position) where land is not null;
