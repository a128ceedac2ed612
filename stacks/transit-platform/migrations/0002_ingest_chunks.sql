-- What process-ingestion has handed, or will hand, to the ingest job: a row a chunk of loads, with its attempts. `run_id` is the Glue
-- run of the present attempt; `state` is available, executing, completed or discarded.

-- up
CREATE TABLE cubic_ingest_chunks (
	id bigserial PRIMARY KEY,
	state varchar(20) NOT NULL CHECK (state IN ('available', 'executing', 'completed', 'discarded')),
	load_ids bigint[] NOT NULL,
	attempts int NOT NULL DEFAULT 0,
	max_attempts int NOT NULL,
	attempted_at timestamp(6),
	scheduled_at timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
	run_id varchar(255),
	error text,
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE INDEX cubic_ingest_chunks_open_index ON cubic_ingest_chunks (scheduled_at, id) WHERE state IN ('available', 'executing');

-- down
DROP TABLE cubic_ingest_chunks;
