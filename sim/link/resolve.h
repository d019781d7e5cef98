/*
 * Names of hosts to addresses. Each look-up has a thread of its own, because a name server may take long to say nothing
 * and neither the loop nor its end must wait for it (libuv's pool would make the end wait, and its threads stay).
 */
#ifndef MVS_LINK_RESOLVE_H
#define MVS_LINK_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <uv.h>

#define MVS_ADDRESSES_MAX 8

struct mvs_addresses {
        unsigned count;
        char text[MVS_ADDRESSES_MAX][INET6_ADDRSTRLEN]; /* in the order in which they are to be tried */
};

struct mvs_resolve;

/* Link thread. `error` is 0 or what getaddrinfo() said; `addresses` is valid during the call. */
typedef void mvs_resolve_done_fn(void *context, int error, const struct mvs_addresses *addresses);

/* An address in numbers is its own answer. False: `host` is a name. */
bool mvs_resolve_number(const char *host, struct mvs_addresses *ret);

/* Begins to look the name up. `done` is called once, from the loop, unless cancelled. NULL when the host has no memory
 * or no thread for it. Link thread. */
struct mvs_resolve *mvs_resolve_start(uv_loop_t *loop, const char *host, mvs_resolve_done_fn *done, void *context)
        __attribute__((warn_unused_result));

/* Link thread; before `done`. */
void mvs_resolve_cancel(struct mvs_resolve *resolve);

#endif
