-- The first schema, in the schema `pilothouse`. Names are written out everywhere: no search_path decides what is meant.
-- Texts are COLLATE "C" (their order is that of their bytes), times that the hash covers are the text that it covers.
CREATE TABLE pilothouse.schema_version (
    version    bigint PRIMARY KEY,
    name       text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each cluster; the other tables name it by number.
CREATE TABLE pilothouse.stream (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE pilothouse.event (
    stream   bigint NOT NULL REFERENCES pilothouse.stream (id),
    seq      bigint NOT NULL CHECK (seq > 0),
    at       text   NOT NULL,
    who      text   NOT NULL,
    cause    text   NOT NULL,
    subject  text COLLATE "C",
    fence    bigint NOT NULL,
    batch    text   NOT NULL,
    kind     text   NOT NULL,
    schema   bigint NOT NULL,
    encoding bigint NOT NULL,
    payload  bytea  NOT NULL,
    prev     text   NOT NULL,
    hash     text   NOT NULL,
    PRIMARY KEY (stream, seq)
);

CREATE INDEX event_of_subject ON pilothouse.event (stream, subject, seq) WHERE subject IS NOT NULL;

-- Against mistakes, not against an attacker: that is what the chain is for.
CREATE FUNCTION pilothouse.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only';
END $$;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON pilothouse.event
FOR EACH STATEMENT EXECUTE FUNCTION pilothouse.refuse_change();

-- Which batches are in the log; last_seq = first_seq - 1 for one without events.
CREATE TABLE pilothouse.batch (
    stream    bigint NOT NULL REFERENCES pilothouse.stream (id),
    batch     text COLLATE "C" NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    PRIMARY KEY (stream, batch)
);

CREATE TABLE pilothouse.lease (
    stream bigint PRIMARY KEY REFERENCES pilothouse.stream (id),
    holder text COLLATE "C" NOT NULL,
    fence  bigint      NOT NULL,
    until  timestamptz NOT NULL
);

-- The index: a projection that lists need, made anew from the log when in doubt.
CREATE TABLE pilothouse.remediation (
    stream    bigint  NOT NULL REFERENCES pilothouse.stream (id),
    id        text COLLATE "C" NOT NULL,
    live      boolean NOT NULL,
    opened_at text    NOT NULL,
    first_seq bigint  NOT NULL,
    last_seq  bigint  NOT NULL,
    PRIMARY KEY (stream, id)
);

CREATE INDEX remediation_newest ON pilothouse.remediation (stream, first_seq);
CREATE INDEX remediation_live ON pilothouse.remediation (stream, first_seq) WHERE live;

CREATE TABLE pilothouse.inbox (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream bigint      NOT NULL REFERENCES pilothouse.stream (id),
    at     timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
    item   text        NOT NULL
);

CREATE INDEX inbox_of_stream ON pilothouse.inbox (stream, number);

CREATE TABLE pilothouse.stop (
    stream bigint PRIMARY KEY REFERENCES pilothouse.stream (id),
    who    text NOT NULL,
    reason text NOT NULL,
    since  text NOT NULL
);

CREATE TABLE pilothouse.blob (
    digest text COLLATE "C" PRIMARY KEY,
    bytes  bytea NOT NULL
);

-- What was read for diagnoses and plans: the newest ones, in the order in which they came.
CREATE TABLE pilothouse.reads (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest text COLLATE "C" NOT NULL UNIQUE,
    bytes  bytea NOT NULL
);

-- What a probe writes, to see that writing works.
CREATE TABLE pilothouse.probe (
    id bigint PRIMARY KEY CHECK (id = 1),
    at timestamptz NOT NULL
);

-- What people ask of the engine from elsewhere, and what it answered. The role is the one that connected, stamped here.
CREATE TABLE pilothouse.command (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream  bigint      NOT NULL REFERENCES pilothouse.stream (id),
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    role    text        NOT NULL,
    command text        NOT NULL CHECK (length(command) <= 1048576),
    caller  text        NOT NULL CHECK (length(caller) <= 65536),
    taken   text,
    receipt text
);

CREATE INDEX command_waiting ON pilothouse.command (stream, number) WHERE taken IS NULL;

-- Takes the lease: free, lapsed, or held by this holder. Each statement sees what others committed before it.
CREATE FUNCTION pilothouse.acquire(a_cluster text, a_holder text, a_ttl double precision,
    OUT taken boolean, OUT by_whom text, OUT its_fence bigint, OUT ends timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pilothouse.stream (cluster) VALUES (a_cluster) ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.lease AS mine (stream, holder, fence, until)
    SELECT id, a_holder, 1, date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => a_ttl)
    FROM pilothouse.stream WHERE cluster = a_cluster
    ON CONFLICT (stream) DO UPDATE
    SET holder = excluded.holder, fence = mine.fence + 1, until = excluded.until
    WHERE mine.holder = excluded.holder OR mine.until <= clock_timestamp()
    RETURNING true, mine.holder, mine.fence, mine.until INTO taken, by_whom, its_fence, ends;
    IF taken IS NULL THEN
        SELECT false, holder, fence, until INTO taken, by_whom, its_fence, ends
        FROM pilothouse.lease JOIN pilothouse.stream ON stream.id = lease.stream WHERE cluster = a_cluster;
    END IF;
END $$;

-- Appends a batch, or says why not: `fenced`, `repeated` (with its positions), `moved` (with the head), `written`.
-- The lease's row is locked first, so that appends of one log come one after another, and what one that is still under
-- way commits is seen by the same batch when it is asked for again.
CREATE FUNCTION pilothouse.append(
    a_cluster text, a_holder text, a_fence bigint, a_batch text, a_seq bigint, a_hash text,
    ats text[], whos text[], causes text[], subjects text[], kinds text[], schemas bigint[], encodings bigint[],
    payloads bytea[], prevs text[], hashes text[],
    row_ids text[], row_live boolean[], row_opened text[], row_first bigint[], row_last bigint[], gone bigint[],
    OUT verdict text, OUT found_first bigint, OUT found_last bigint, OUT found_hash text)
LANGUAGE plpgsql AS $$
DECLARE
    a_stream bigint;
BEGIN
    SELECT lease.stream INTO a_stream
    FROM pilothouse.lease JOIN pilothouse.stream ON stream.id = lease.stream
    WHERE stream.cluster = a_cluster AND lease.holder = a_holder AND lease.fence = a_fence
      AND lease.until > clock_timestamp()
    FOR UPDATE OF lease;
    IF a_stream IS NULL THEN
        verdict := 'fenced';
        RETURN;
    END IF;
    SELECT first_seq, last_seq INTO found_first, found_last
    FROM pilothouse.batch WHERE stream = a_stream AND batch = a_batch;
    IF found_first IS NOT NULL THEN
        verdict := 'repeated';
        RETURN;
    END IF;
    SELECT seq, hash INTO found_last, found_hash
    FROM pilothouse.event WHERE stream = a_stream ORDER BY seq DESC LIMIT 1;
    IF coalesce(found_last, 0) <> a_seq OR coalesce(found_hash, repeat('0', 64)) <> a_hash THEN
        verdict := 'moved';
        RETURN;
    END IF;
    INSERT INTO pilothouse.event
        (stream, seq, at, who, cause, subject, fence, batch, kind, schema, encoding, payload, prev, hash)
    SELECT a_stream, a_seq + n, at, who, cause, subject, a_fence, a_batch, kind, schema, encoding, payload, prev, hash
    FROM unnest(ats, whos, causes, subjects, kinds, schemas, encodings, payloads, prevs, hashes)
        WITH ORDINALITY AS new (at, who, cause, subject, kind, schema, encoding, payload, prev, hash, n);
    INSERT INTO pilothouse.batch (stream, batch, first_seq, last_seq)
    VALUES (a_stream, a_batch, a_seq + 1, a_seq + cardinality(ats));
    INSERT INTO pilothouse.remediation (stream, id, live, opened_at, first_seq, last_seq)
    SELECT a_stream, id, live, opened_at, first_seq, last_seq
    FROM unnest(row_ids, row_live, row_opened, row_first, row_last) AS new (id, live, opened_at, first_seq, last_seq)
    ON CONFLICT (stream, id) DO UPDATE
    SET live = excluded.live, opened_at = excluded.opened_at,
        first_seq = excluded.first_seq, last_seq = excluded.last_seq;
    DELETE FROM pilothouse.inbox WHERE stream = a_stream AND number = ANY (gone);
    verdict := 'written';
END $$;

-- What people's roles may do: each function does one thing, with its owner's rights.
CREATE FUNCTION pilothouse.put(a_cluster text, items text[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.stream (cluster) VALUES (a_cluster) ON CONFLICT DO NOTHING;
    RETURN QUERY
    INSERT INTO pilothouse.inbox (stream, item)
    SELECT (SELECT id FROM pilothouse.stream WHERE cluster = a_cluster), new.item
    FROM unnest(items) WITH ORDINALITY AS new (item, n) ORDER BY n
    RETURNING number;
END $$;

CREATE FUNCTION pilothouse.set_stop(a_cluster text, a_who text, a_reason text, a_since text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO pilothouse.stream (cluster) VALUES (a_cluster) ON CONFLICT DO NOTHING;
    INSERT INTO pilothouse.stop (stream, who, reason, since)
    SELECT id, a_who, a_reason, a_since FROM pilothouse.stream WHERE cluster = a_cluster
    ON CONFLICT (stream) DO UPDATE SET who = excluded.who, reason = excluded.reason, since = excluded.since;
END $$;

CREATE FUNCTION pilothouse.ask(a_cluster text, a_command text, a_caller text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pilothouse.command (stream, role, command, caller)
    SELECT id, session_user, a_command, a_caller FROM pilothouse.stream WHERE cluster = a_cluster
    RETURNING number
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pilothouse FROM PUBLIC;
