-- Which files the store holds. Written by `artifacts` alone, after the bytes
-- are durable and before anything names them. Kept, not rebuilt: the files
-- themselves are the truth, and each is named by what is in it.
create table artifact (
    sha256 bytea primary key check (octet_length(sha256) = 32),
    bytes bigint not null check (bytes >= 0),
    -- When it was put here last. A file that nothing refers to stays for a
    -- while after that.
    stored_at timestamptz not null
);

-- The sweep looks for files that have been here for long.
create index artifact_stored_at on artifact (stored_at);

-- On whose behalf a file is kept, and what they call it. A file lives as long
-- as something refers to it, and is read by those who own a reference. Written
-- by `artifacts` alone. Kept, not rebuilt.
create table artifact_reference (
    -- What refers to it: something that a person uploaded, or a job.
    subject_kind text not null check (subject_kind in ('upload', 'job')),
    subject uuid not null,
    sha256 bytea not null references artifact (sha256),
    name text not null,
    owner uuid not null,
    media_type text not null,
    created_at timestamptz not null,
    primary key (subject_kind, subject, sha256, name)
);

-- Whether a file may be read, and whether it may go.
create index artifact_reference_sha256 on artifact_reference (sha256, owner);
