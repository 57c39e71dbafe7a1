-- The pages of crawls: one row for each address that a crawl has found, whatever
-- became of it. Their texts are in artifacts; a row says where. Written by
-- `projections::page` alone; can be thrown away: the journal holds everything.
create table page (
    crawl uuid not null,
    -- Its place in the order of discovery, from 0.
    number bigint not null,
    url text not null,
    -- Of the address where it was in the end.
    host text not null,
    depth integer not null,
    -- The page that it was found on; none for a seed.
    found_from bigint,
    found_at timestamptz not null,
    -- WAITING, KEPT, DUPLICATE, EXCLUDED or FAILED.
    state text not null,
    visited_at timestamptz,
    -- What the server answered.
    status integer,
    -- Where it was in the end, after redirects.
    final_url text,
    media_type text,
    bytes bigint,
    title text,
    description text,
    language text,
    canonical text,
    published_at timestamptz,
    words bigint,
    relevance bigint,
    -- The SHA-256 of its readable text.
    content text,
    -- The artifact that holds its text, and where in it.
    texts text,
    text_offset bigint,
    text_bytes bigint,
    -- How many images, sounds, films and documents are listed with it.
    media bigint,
    duplicate_of bigint,
    duplicate_by text,
    -- Why it is not for this crawl.
    exclusion text,
    error text,
    message text,
    -- The pages that it links to, of those that the crawl has found.
    links bigint[] not null,
    primary key (crawl, number)
);

-- The order in which pages are read. What is not kept has no relevance.
create index page_relevance on page (crawl, coalesce(relevance, -1) desc, number);
