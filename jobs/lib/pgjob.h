#ifndef PGJOB_H
#define PGJOB_H

/* The PostgreSQL server that a job's arguments name. */
#include "job.h"
#include "pg.h"

/* Rows of a program's arguments. */
#define PG_JOB_ARGS                                                                                \
	{"POSTGRES_SECRET",                                                                        \
		"PostgreSQL: the secret that holds libpq's connection string, or JSON with host, " \
		"port, username, password, dbname",                                                \
		JOB_OPTIONAL},                                                                     \
	{                                                                                          \
		"POSTGRES", "'env': PostgreSQL by PGHOST, PGSERVICE, … of the environment",        \
			JOB_OPTIONAL                                                               \
	}

/* By --POSTGRES_SECRET NAME or --POSTGRES env; ERR_USAGE for none, for both, for another word. */
struct pg *pg_connect_job(struct job *job, struct err *err) must_check;

#endif
