-- Who may do what, and how they prove it. These tables are kept: no event
-- tells them, and no replay brings them back. They hold the only personal data
-- and the only secrets of the system. Written by the crate `identity` alone.

-- A person with an account. Never deleted, so that the ids in events keep
-- their meaning; disabled instead.
create table app_user (
    id          uuid primary key,
    -- In lower case, so that uniqueness is what people mean by it.
    email       text        not null check (email = lower(email) and length(email) between 3 and 254),
    role        text        not null check (role in ('viewer', 'member', 'operator', 'admin')),
    created_at  timestamptz not null,
    disabled_at timestamptz,
    constraint app_user_email_key unique (email)
);

-- What a password must hash to. Apart from `app_user`, so that no question
-- about users can show a hash by accident.
create table password (
    user_id    uuid primary key references app_user (id) on delete cascade,
    hash       text        not null check (hash like '$argon2id$%'),
    changed_at timestamptz not null
);

-- How often somebody was refused under an e-mail of late. By the SHA-256 of
-- what was typed, which may belong to nobody, or be a password in the wrong field.
create table sign_in_failure (
    email_sha256 bytea primary key check (length(email_sha256) = 32),
    failures     int         not null check (0 < failures),
    since        timestamptz not null
);

create index sign_in_failure_oldest on sign_in_failure (since);

-- One signed-in device, from sign-in to its end. Every refresh token of the
-- session descends from the first; when one is used twice, the session ends.
create table session (
    id         uuid primary key,
    user_id    uuid        not null references app_user (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null check (created_at < expires_at),
    ended_at   timestamptz,
    end_reason text check (end_reason in ('signed_out', 'token_reused', 'password_changed', 'user_disabled')),
    constraint session_ended_for_a_reason check ((ended_at is null) = (end_reason is null))
);

create index session_of_user on session (user_id) where ended_at is null;
create index session_expiring on session (expires_at);

-- The tokens that a session was carried on with. A used one stays until it
-- expires: it is how a stolen one is noticed.
create table refresh_token (
    sha256     bytea primary key check (length(sha256) = 32),
    session_id uuid        not null references session (id) on delete cascade,
    issued_at  timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);

create index refresh_token_of_session on refresh_token (session_id, expires_at);

-- What access tokens are signed with. Shared by all processes, made by
-- whichever starts first. Whoever reads this table can pose as anybody.
create table signing_key (
    kid        uuid primary key,
    algorithm  text        not null check (algorithm = 'HS256'),
    secret     bytea       not null check (length(secret) = 32),
    created_at timestamptz not null,
    retired_at timestamptz
);

-- At most one key signs; this is what settles a race between two first starts.
create unique index signing_key_in_use on signing_key ((true)) where retired_at is null;

-- What a worker shows to be let in, and the services it may work for.
create table worker_token (
    id           uuid primary key,
    sha256       bytea       not null unique check (length(sha256) = 32),
    name         text        not null check (length(name) between 1 and 100),
    -- Said explicitly: an empty list must never come to mean everything.
    all_services boolean     not null,
    services     text[]      not null,
    created_by   uuid references app_user (id),
    created_at   timestamptz not null,
    revoked_at   timestamptz,
    -- To the minute, so that being used costs next to nothing.
    last_used_at timestamptz,
    constraint worker_token_scoped check (all_services = (cardinality(services) = 0))
);
