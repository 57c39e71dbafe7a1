-- Every job that has not ended, and when it may be leased. Written by
-- `projections::job_ready` alone, in the append's own statement; can be thrown
-- away: the journal holds everything.
create table job_ready (
    job uuid primary key,
    service text not null,
    -- Whose it was when it was created: jobs are not handed out by owner.
    owner uuid not null,
    priority smallint not null,
    -- Where it was created: among equals, the oldest goes first.
    position bigint not null,
    expires_at timestamptz not null,
    -- Whether a worker may take it.
    queued boolean not null,
    -- When it is to be queued, if it waits for a time.
    ready_at timestamptz,
    -- Whether it is left alone all the same, until somebody resumes it.
    paused boolean not null
) with (fillfactor = 80);

create index job_ready_queued on job_ready (service, priority desc, position)
    where queued and not paused;
create index job_ready_due on job_ready (ready_at) where ready_at is not null;
create index job_ready_expiring on job_ready (expires_at);
