-- Everything that happened to a job, and what its workers reported too late.
-- Written by `projections::job_timeline` alone, and can be thrown away: the
-- journal holds everything.
create table job_timeline (
    job uuid not null,
    position bigint not null,
    -- The job's version then; none where it is another stream's event.
    version bigint,
    event_type text not null,
    actor text not null,
    recorded_at timestamptz not null,
    attempt integer,
    fence bigint,
    -- For humans, one line.
    note text,
    primary key (job, position)
);
