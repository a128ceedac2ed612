#ifndef HANDRUN_H
#define HANDRUN_H

/* What Python scripts of jobs need to be run by hand: a starter, and a small stand-in for `awsglue`. Carried in the program. */
#include "err.h"

/* Writes both below the folder, which is there; run.py lies at its top. */
int handrun_write(const char *dir, struct err *err) must_check;

#endif
