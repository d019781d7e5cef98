/*
 * The link thread as its protocols see it: commands go in from any thread, and run one after the other on the loop.
 * Private to sim/link.
 */
#ifndef MVS_LINK_THREAD_H
#define MVS_LINK_THREAD_H

#include <uv.h>

#include "sim/link/http.h"
#include "sim/link/link.h"

/* Embedded as the first member of what the command is about. */
struct mvs_link_command {
        struct mvs_link_command *next;
        /* Link thread, no lock held, never from within a protocol engine. The command is the callee's. */
        void (*run)(struct mvs_link *link, struct mvs_link_command *command);
        /* In place of run, when the link ends first. Any thread; frees the command. */
        void (*discard)(struct mvs_link_command *command);
};

/*
 * Queues the command, and starts the thread if there is none yet. Any thread.
 * Returns 0, or the negative errno that kept the thread from starting; then the command stays the caller's.
 */
int mvs_link_post(struct mvs_link *link, struct mvs_link_command *command) __attribute__((warn_unused_result));

const struct mvs_profile *mvs_link_profile(const struct mvs_link *link);

/* Link thread only. */
uv_loop_t *mvs_link_loop(struct mvs_link *link);

/* The protocols: each keeps what is under way where the link can end it. */
enum mvs_link_protocol {
        MVS_LINK_HTTP,
        MVS_LINK_MQTT,
        MVS_LINK_STREAMS,
        MVS_LINK_PROTOCOLS,
};

struct mvs_link_state {
        void *state; /* the protocol's; NULL until it is used */
        /* Gives up everything that is under way and frees `state`; its handles close in the next rounds of the loop.
         * Link thread; set together with `state`. */
        void (*end)(void *state);
        /* The thread is about to sleep: what was put off so as to be done at once is done now. NULL: nothing is. */
        void (*settle)(void *state);
};

/* Link thread only. */
struct mvs_link_state *mvs_link_state(struct mvs_link *link, enum mvs_link_protocol protocol);

/* As mvs_link_http_start(), for a request that the cloud's rules are not asked about: any time-out, for one. */
int mvs_link_http_start_unchecked(struct mvs_link *link, uint32_t id, struct mvs_http_request *request,
                                  mvs_http_done_fn *done, void *context) __attribute__((warn_unused_result));

#endif
