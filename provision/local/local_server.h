#ifndef LOCAL_SERVER_H
#define LOCAL_SERVER_H

/* The listening socket and the HTTP library behind it. */
#include "err.h"

struct local_cloud;
struct local_listener;

/* Binds 127.0.0.1:port (0: any); nothing is answered before the start. */
struct local_listener *local_listener_new(int port, struct err *err) must_check;
int local_listener_port(const struct local_listener *l);
int local_listener_start(
	struct local_listener *l, struct local_cloud *cloud, struct err *err) must_check;
/* Lets requests under way end for some seconds. NULL is fine. */
void local_listener_free(struct local_listener *l);

#endif
