-- The platform's metadata: tables, loads, snapshots of ODS tables, feeds and data sets of DMAP. Times are UTC.
-- No foreign keys; a row with deleted_at is dead.

-- up
CREATE TABLE cubic_tables (
	id bigserial PRIMARY KEY,
	name varchar(500) NOT NULL,
	s3_prefix varchar(1000) NOT NULL,
	is_raw boolean,
	is_active boolean,
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX cubic_tables_name_index ON cubic_tables (name);
CREATE UNIQUE INDEX cubic_tables_s3_prefix_index ON cubic_tables (s3_prefix);

CREATE TABLE cubic_loads (
	id bigserial PRIMARY KEY,
	table_id bigint NOT NULL,
	status varchar(100) NOT NULL,
	s3_key varchar(1000) NOT NULL,
	s3_modified timestamp(0) NOT NULL,
	s3_size bigint NOT NULL,
	is_raw boolean,
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE INDEX cubic_loads_status_deleted_at_index ON cubic_loads (status, deleted_at);
CREATE INDEX cubic_loads_s3_key_s3_modified_deleted_at_index ON cubic_loads (s3_key, s3_modified, deleted_at);
CREATE INDEX cubic_loads_table_id_deleted_at_index ON cubic_loads (table_id, deleted_at);
CREATE INDEX cubic_loads_status_table_id_deleted_at_index ON cubic_loads (status, table_id, deleted_at);
CREATE INDEX cubic_loads_s3_modified_index ON cubic_loads (s3_modified DESC);

CREATE TABLE cubic_ods_table_snapshots (
	id bigserial PRIMARY KEY,
	table_id bigint NOT NULL,
	snapshot timestamp(0),
	snapshot_s3_key varchar(1000) NOT NULL,
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE INDEX cubic_ods_table_snapshots_table_id_index ON cubic_ods_table_snapshots (table_id);

CREATE TABLE cubic_ods_load_snapshots (
	id bigserial PRIMARY KEY,
	load_id bigint NOT NULL,
	snapshot timestamp(0),
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE INDEX cubic_ods_load_snapshots_load_id_deleted_at_index ON cubic_ods_load_snapshots (load_id, deleted_at);

CREATE TABLE cubic_dmap_feeds (
	id bigserial PRIMARY KEY,
	relative_url varchar(1000) NOT NULL,
	last_updated_at timestamp(6),
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX cubic_dmap_feeds_relative_url_index ON cubic_dmap_feeds (relative_url);

CREATE TABLE cubic_dmap_datasets (
	id bigserial PRIMARY KEY,
	feed_id bigint NOT NULL,
	type varchar(500) NOT NULL,
	identifier varchar(500) NOT NULL,
	start_date date NOT NULL,
	end_date date NOT NULL,
	last_updated_at timestamp(6) NOT NULL,
	deleted_at timestamp(0),
	inserted_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
	updated_at timestamp(0) NOT NULL DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
);
CREATE UNIQUE INDEX cubic_dmap_datasets_identifier_index ON cubic_dmap_datasets (identifier);

-- down
DROP TABLE cubic_dmap_datasets;
DROP TABLE cubic_dmap_feeds;
DROP TABLE cubic_ods_load_snapshots;
DROP TABLE cubic_ods_table_snapshots;
DROP TABLE cubic_loads;
DROP TABLE cubic_tables;
