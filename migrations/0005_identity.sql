-- Accounts tell what happens to them. What an event must not hold (e-mails,
-- names, hashes) is written here first and takes effect when its event is in
-- the journal: every row that is written ahead says since when it is good.
-- Written by the crate `identity` alone.

alter table app_user
    -- Null: written ahead, or invited and not come yet.
    add column activated_at    timestamptz,
    -- How many events of the account these tables have taken in.
    add column applied_version bigint not null default 0 check (0 <= applied_version),
    -- Set while an admin is about to be one no more, so that of two who remove
    -- each other at once one stays.
    add column leaving_at      timestamptz;

update app_user set activated_at = created_at;

alter table session
    add column activated_at timestamptz,
    drop constraint session_end_reason_check,
    add constraint session_end_reason_check check (
        end_reason in ('signed_out', 'revoked', 'token_reused', 'password_changed', 'user_disabled')
    );

update session set activated_at = created_at;

alter table worker_token
    add column activated_at    timestamptz,
    add column applied_version bigint not null default 0 check (0 <= applied_version);

update worker_token set activated_at = created_at;

-- A door that was closed is closed for longer the next time.
alter table sign_in_failure
    add column closings     int not null default 0 check (0 <= closings),
    add column closed_until timestamptz;

-- Passwords that somebody is about to have. The event names the row.
create table staged_password (
    id        uuid primary key,
    user_id   uuid        not null references app_user (id) on delete cascade,
    hash      text        not null check (hash like '$argon2id$%'),
    staged_at timestamptz not null
);

-- What is sent by mail: an invitation, or a way to another password. The
-- token in it is made when it is sent and kept nowhere but as its hash.
create table letter (
    id          uuid primary key,
    user_id     uuid        not null references app_user (id) on delete cascade,
    purpose     text        not null check (purpose in ('invitation', 'reset')),
    language    text        not null check (language in ('en', 'fr')),
    created_at  timestamptz not null,
    expires_at  timestamptz not null check (created_at < expires_at),
    sha256      bytea unique check (length(sha256) = 32),
    -- Null: written ahead.
    due_at      timestamptz,
    attempts    int         not null default 0 check (0 <= attempts),
    sent_at     timestamptz,
    given_up_at timestamptz
);

create index letter_due on letter (due_at) where sent_at is null and given_up_at is null;
create index letter_expiring on letter (expires_at);

-- Who says that they have forgotten their password, known here or not: what
-- comes of it is found out later, so that the answer cannot tell.
create table reset_wish (
    id       uuid primary key,
    email    text        not null,
    language text        not null check (language in ('en', 'fr')),
    asked_at timestamptz not null
);

-- What programs of a user come with in the user's name.
create table personal_token (
    id           uuid primary key,
    user_id      uuid        not null references app_user (id) on delete cascade,
    sha256       bytea       not null unique check (length(sha256) = 32),
    name         text        not null check (length(name) between 1 and 100),
    scope        text        not null check (scope in ('read', 'write')),
    created_at   timestamptz not null,
    expires_at   timestamptz,
    activated_at timestamptz,
    revoked_at   timestamptz,
    -- To the minute.
    last_used_at timestamptz
);

create index personal_token_of_user on personal_token (user_id);

-- Back ends of other applications: they come with their id and a secret.
create table api_client (
    id              uuid primary key,
    name            text        not null check (length(name) between 1 and 100),
    services        text[]      not null check (0 < cardinality(services)),
    sha256          bytea       not null check (length(sha256) = 32),
    created_at      timestamptz not null,
    activated_at    timestamptz,
    applied_version bigint      not null default 0 check (0 <= applied_version),
    disabled_at     timestamptz,
    -- To the minute.
    last_used_at    timestamptz
);

-- Secrets that a client is about to have. The event names the row.
create table staged_secret (
    id        uuid primary key,
    client_id uuid        not null references api_client (id) on delete cascade,
    sha256    bytea       not null check (length(sha256) = 32),
    staged_at timestamptz not null
);

-- How far the journal has been followed for these tables.
create table account_keeper (
    one        boolean primary key default true check (one),
    checkpoint bigint not null default 0 check (0 <= checkpoint)
);

insert into account_keeper default values;
