#ifndef SERIESFILE_INTERNAL_H
#define SERIESFILE_INTERNAL_H

#include "seriesfile.h"

/* What stands before each part's name and points; the file is one run's, on one machine. */
struct part_header {
	uint32_t name_len, nr_points;
	int64_t series;
	uint32_t last, unused;
};

#endif
