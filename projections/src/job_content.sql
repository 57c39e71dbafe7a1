-- What went into a job and what came out: too large for a list. Written by
-- `projections::job_content` alone, and can be thrown away: the journal holds
-- everything.
create table job_content (
    job uuid primary key,
    -- JSON: the body of a task, the specification of a crawl or a report.
    input text not null,
    -- JSON: the result, once there is one.
    result text,
    -- JSON: the files that it made.
    artifacts text not null
);
