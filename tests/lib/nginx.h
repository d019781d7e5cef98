/*
 * A real nginx of the test's own: one process in the foreground, on a loopback port that nobody else has, with a
 * configuration and a directory made for it. It dies with the test.
 */
#ifndef MVT_NGINX_H
#define MVT_NGINX_H

#include <stdint.h>
#include <sys/types.h>

#include "pki.h"
#include "tempdir.h"

struct mvt_nginx {
        struct mvt_tempdir dir;
        uint16_t port;
        pid_t pid;
};

/*
 * Starts it on 127.0.0.1 and waits until it serves. `certificate` NULL: plain HTTP. `locations` is configuration for
 * the inside of the server block ("location = /x { return 204; }"); its root directory is DIR/www.
 * Fails the test with nginx's own words when it does not start.
 */
void mvt_nginx_start(struct mvt_nginx *ret, const struct mvt_certificate *certificate, const char *locations);

/* Puts a file into DIR/www, any time after the start. */
void mvt_nginx_put(struct mvt_nginx *nginx, const char *name, const void *data, size_t len);

/* Ends the process: connections break, new ones are refused. A stopped one may be stopped again. */
void mvt_nginx_stop(struct mvt_nginx *nginx);

/* Starts a stopped one again, on the same port. */
void mvt_nginx_restart(struct mvt_nginx *nginx);

/* Stops it and removes its directory. One that was never started (all zero) is fine. */
void mvt_nginx_finish(struct mvt_nginx *nginx);

#endif
