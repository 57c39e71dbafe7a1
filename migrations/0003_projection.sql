-- How far each projection has come, and who moves it. Written by
-- `projections::checkpoint` alone. A row is the token that processes pass
-- around: only the owner at its epoch moves the checkpoint, in the same
-- transaction as the rows.
create table projection (
    name text not null,
    version smallint not null check (version > 0),
    -- The last position taken in. Every event counts exactly once.
    checkpoint bigint not null default 0 check (checkpoint >= 0),
    owner uuid,
    epoch bigint not null default 0,
    lease_until timestamptz not null default '-infinity',
    primary key (name, version)
);

-- Who holds, or has held, leases, and when it was last heard of. Kept, not
-- rebuilt: follows no event. Written by `projections::kept::workers` alone.
create table worker (
    worker uuid primary key,
    -- Given by the worker process, so that it may register twice.
    instance_key text not null,
    -- The token that it registered with.
    token uuid not null,
    name text not null,
    host text,
    pid integer,
    sdk text,
    services text[] not null,
    slots integer not null check (slots > 0),
    registered_at timestamptz not null,
    last_seen_at timestamptz not null,
    left_at timestamptz,
    unique (token, instance_key)
);

-- Until when a lease holds. A beat moves `expires_at` of rows that are not
-- lost; the rescuer marks a row as lost before it ends the lease, so that no
-- beat comes in between. A lease without a row holds for its first period.
-- Kept, not rebuilt. Written by `projections::kept::beats` alone.
create table lease_beat (
    job uuid not null,
    fence bigint not null,
    expires_at timestamptz not null,
    lost_at timestamptz,
    primary key (job, fence)
) with (fillfactor = 70);

-- How much an attempt has logged, and whether it may log more. Kept, not
-- rebuilt. Written by `projections::kept::logs` alone.
create table job_log_head (
    job uuid not null,
    fence bigint not null,
    lines bigint not null default 0 check (lines >= 0),
    bytes bigint not null default 0 check (bytes >= 0),
    sealed boolean not null default false,
    primary key (job, fence)
);

-- What attempts log, line by line, in the order in which it came. An event
-- seals it (lines, bytes, SHA-256). Kept, not rebuilt. Written by
-- `projections::kept::logs` alone.
create table job_log (
    job uuid not null,
    fence bigint not null,
    line bigint not null check (line >= 0),
    logged_at timestamptz not null,
    -- The line as it is exported: one JSON object.
    entry text not null,
    primary key (job, fence, line)
);
