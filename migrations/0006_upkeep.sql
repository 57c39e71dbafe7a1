-- What upkeep looks for is found by what is due, not by a look at every row.

-- Keys are forgotten when they are old. They are written in the order of time,
-- so that a summary of each stretch of pages will do: it costs an append
-- nothing.
create index idempotency_key_age on idempotency_key using brin (recorded_at)
    with (pages_per_range = 32, autosummarize = on);
