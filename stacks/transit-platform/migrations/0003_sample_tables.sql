-- The two tables of the sample data: one of ODS with its snapshot's key, one of DMAP.

-- up
WITH sample AS (
	INSERT INTO cubic_tables (name, s3_prefix, is_raw, is_active)
	VALUES ('cubic_ods_qlik__edw_sample', 'cubic/ods_qlik/EDW.SAMPLE/', true, true) RETURNING id
)
INSERT INTO cubic_ods_table_snapshots (table_id, snapshot_s3_key) SELECT id, 'cubic/ods_qlik/EDW.SAMPLE/LOAD1.csv.gz' FROM sample;
INSERT INTO cubic_tables (name, s3_prefix, is_raw, is_active) VALUES ('cubic_dmap__agg_sample', 'cubic/dmap/agg_sample/', true, true);

-- down
DELETE FROM cubic_ods_table_snapshots WHERE table_id IN (SELECT id FROM cubic_tables WHERE name = 'cubic_ods_qlik__edw_sample');
DELETE FROM cubic_tables WHERE name IN ('cubic_ods_qlik__edw_sample', 'cubic_dmap__agg_sample');
