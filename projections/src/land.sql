-- The lands: research projects whose web pages are crawled. One that was
-- deleted stays here, marked, so that what was crawled for it can be named.
-- Written by `projections::land` alone; can be thrown away: the journal holds
-- everything.
create table land (
    land uuid primary key,
    owner uuid not null,
    name text not null,
    description text not null,
    languages text[] not null,
    terms text[] not null,
    start_urls text[] not null,
    created_at timestamptz not null,
    -- Where it was created: an order in which no two are equal.
    created_position bigint not null,
    changed_at timestamptz not null,
    changed_position bigint not null,
    version bigint not null,
    deleted_at timestamptz,
    -- How many crawls were asked for, and when the last one was.
    crawls bigint not null,
    crawled_at timestamptz
);

create index land_owner on land (owner, created_position) where deleted_at is null;
create index land_created on land (created_position) where deleted_at is null;
