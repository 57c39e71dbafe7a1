-- What has run out is found by its time: the rescuer looks twice a second, and
-- most leases hold. From now on a lease has a row from its grant on, written
-- with it.
create index lease_beat_expires on lease_beat (expires_at);
