/* A server that sends back what it is sent: a process of its own, on a loopback port, one connection at a time. It dies
 * with the test; start it before the test has threads. */
#ifndef MVT_ECHO_SERVER_H
#define MVT_ECHO_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct mvt_echo {
        uint16_t port;
        pid_t pid;
};

void mvt_echo_start(struct mvt_echo *ret);

/* One that was never started (all zero) is fine. */
void mvt_echo_finish(struct mvt_echo *echo);

#endif
