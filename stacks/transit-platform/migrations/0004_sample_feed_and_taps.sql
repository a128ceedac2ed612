-- The feed of the sample's aggregation, and the table of a Kafka topic's records.

-- up
INSERT INTO cubic_dmap_feeds (relative_url) VALUES ('/datasetpublicusersapi/aggregations/agg_sample');
INSERT INTO cubic_tables (name, s3_prefix, is_raw, is_active) VALUES ('kafka__taps', 'kafka/taps/', true, true);

-- down
DELETE FROM cubic_tables WHERE name = 'kafka__taps';
DELETE FROM cubic_dmap_feeds WHERE relative_url = '/datasetpublicusersapi/aggregations/agg_sample';
