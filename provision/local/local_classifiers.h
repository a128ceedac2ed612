#ifndef LOCAL_CLASSIFIERS_H
#define LOCAL_CLASSIFIERS_H

/* Custom classifiers of the local Glue ("Classifiers", AWS Glue Web API Reference). */
#include "local_cloud.h"

extern const struct local_part local_classifiers_part;
extern const struct local_service local_classifiers_service;

/* Inside a transaction: the Classifier document, {"CsvClassifier": {…}}; NULL with EntityNotFoundException. */
struct json *local_classifier_get_tx(
	struct local_cloud *cloud, const char *name, struct err *err) must_check;

#endif
