-- The journal: every event, in one order. All else is computed from it.
-- Written by the crate `journal` alone.
--
-- What is looked up by name is compared byte by byte (collate "C"): an index
-- over anything else breaks when the system's idea of an alphabet changes.

-- Where the journal ends. One hot row: every append locks it until it has
-- committed, and so positions have no holes and are in the order of commits.
-- The low fill factor lets its versions stay within one page.
create table journal_head (
    one boolean primary key default true check (one),
    head bigint not null check (head >= 0),
    -- When the last append was taken in. The next one is never earlier, even if the clock is set back.
    recorded_at timestamptz not null
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

insert into journal_head (head, recorded_at) values (0, '-infinity');

-- How many events each stream holds: the authority that an expected version
-- is compared with.
create table stream (
    stream text collate "C" primary key,
    version bigint not null check (version > 0)
) with (fillfactor = 80);

-- The events. A partition holds a range of positions; the journal makes the
-- next one while the last is half empty, and gives each a unique index on
-- (stream, version) of its own, since no index can be unique over all.
create table event (
    position bigint not null check (position > 0),
    stream text collate "C" not null,
    version bigint not null check (version > 0),
    event_id uuid not null,
    event_type text not null,
    schema_version smallint not null check (schema_version > 0),
    -- Text and not jsonb: the hash is over the bytes as they were given.
    payload text not null,
    metadata text not null,
    recorded_at timestamptz not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (position)
) partition by range (position);

-- Which append came first under an idempotency key, so that its repetition
-- gets the same answer.
create table idempotency_key (
    scope text collate "C" not null,
    key text collate "C" not null,
    -- The SHA-256 of the input that came with it.
    digest bytea not null check (octet_length(digest) = 32),
    stream text not null,
    -- The stream's version, and the position, of its last event.
    version bigint not null check (version > 0),
    position bigint not null check (position > 0),
    recorded_at timestamptz not null,
    primary key (scope, key)
);

-- An event is never changed nor deleted. Whoever must (to remove a journal
-- in a test, by order of a court) says so in the session:
-- set greffe.events_may_change = 'on'.
create function refuse_change_of_events() returns trigger language plpgsql as $$
begin
    if current_setting('greffe.events_may_change', true) is distinct from 'on' then
        raise exception 'an event is never changed nor deleted'
            using errcode = 'insufficient_privilege',
                  hint = 'see the comment of the function refuse_change_of_events';
    end if;
    return null;
end $$;

comment on function refuse_change_of_events() is
    'Passes only in sessions with greffe.events_may_change = ''on''.';

-- Per statement, and not for inserts: it costs an append nothing. Each
-- partition gets the same trigger when it is made.
create trigger refuse_change before update or delete or truncate on event
    for each statement execute function refuse_change_of_events();
