-- The memory of past cases, in the schema `pilothouse_memory`. It can be dropped at any time: it is built again from the log.
-- The type `vector` is found by the search_path of the connection, which names the schema of the extension.
CREATE TABLE pilothouse_memory.schema_version (
    version    bigint PRIMARY KEY,
    name       text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- What is said of a case is JSON text, not jsonb: it may hold what jsonb refuses.
CREATE TABLE pilothouse_memory.past_case (
    cluster  text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    version  bigint      NOT NULL,
    ended_at timestamptz NOT NULL,
    said     text        NOT NULL,
    vector   vector(384) NOT NULL,
    PRIMARY KEY (cluster, id)
);

-- For many cases; few are compared one by one.
CREATE INDEX past_case_nearest ON pilothouse_memory.past_case
USING hnsw (vector vector_cosine_ops) WITH (m = 16, ef_construction = 100);

-- How far each cluster's log was followed, and how many cases came of it.
CREATE TABLE pilothouse_memory.reached (
    cluster text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    seq     bigint NOT NULL,
    hash    text   NOT NULL,
    cases   bigint NOT NULL
);
