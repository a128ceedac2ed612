#ifndef LOCAL_GLUE_CONNECTION_H
#define LOCAL_GLUE_CONNECTION_H

/*
 * Connections of the local Glue ("Connections", AWS Glue Web API Reference). A connection says how a data store is reached;
 * jobs and crawlers name it. Passwords lie in the database, whose folder only the user can read.
 */
#include "local_cloud.h"

extern const struct local_part local_glue_connection_part;
extern const struct local_service local_glue_connection_service;

/* Inside a transaction: every connection that a job's Connections names is there; EntityNotFoundException. */
int local_connections_there_tx(
	struct local_cloud *cloud, const struct json *job, struct err *err) must_check;

#endif
