-- Who holds which job. Written by `projections::job_lease` alone, in the
-- append's own statement; can be thrown away: the journal holds everything.
-- Until when a lease holds is in `lease_beat`, from the grant on.
create table job_lease (
    job uuid primary key,
    fence bigint not null,
    worker uuid not null,
    granted_at timestamptz not null,
    lease_ms bigint not null,
    run_deadline timestamptz,
    -- The worker's request that it answers.
    request uuid,
    -- Whether somebody wants the job stopped, and why: so that a heartbeat is
    -- answered without a look at the journal.
    cancel_requested boolean not null default false,
    cancel_reason text,
    -- Whether it is to be given back for a while, and why.
    paused boolean not null default false,
    pause_reason text
);

create index job_lease_worker on job_lease (worker, request);
create index job_lease_overdue on job_lease (run_deadline) where run_deadline is not null;
