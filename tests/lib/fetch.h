/* HTTP exchanges over a link, one call each, for suites that link the library's objects. */
#ifndef MVT_FETCH_H
#define MVT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/link/http.h"

/* A request as a test writes it; what is left out is GET, no headers, no body, 10 s, 64 KiB. */
struct mvt_ask {
        const char *method;
        const char *url;
        const char *const *headers; /* ends with NULL */
        const char *body;
        uint32_t timeout_ms;
        size_t response_limit;
};

/* One that is under way. Zero it first; it must outlive the exchange or the link. */
struct mvt_exchange {
        uint32_t id;
        uint32_t answered_id; /* as the answer named it */
        unsigned done;        /* how often it was answered */
        struct mvs_http_reply *reply;
};

struct mvs_http_request *mvt_make_request(const struct mvt_ask *ask);

/* Starts it, without asking the cloud's rules. */
void mvt_begin(struct mvs_link *link, const struct mvt_ask *ask, struct mvt_exchange *exchange);

/* Waits until it is answered; fails the test after a minute. The reply stays the exchange's. */
const struct mvs_http_reply *mvt_wait(struct mvt_exchange *exchange);

/* Whether it is answered by now. */
bool mvt_is_done(struct mvt_exchange *exchange);

/* Frees the reply. */
void mvt_exchange_finish(struct mvt_exchange *exchange);

/* All of it: the caller destroys the reply. `checked`: the rules are asked first. */
struct mvs_http_reply *mvt_fetch(struct mvs_link *link, const struct mvt_ask *ask, bool checked);

/* It has failed in this way, for a reason that says so much, and brought nothing; the reply is destroyed. */
void mvt_expect_failed(struct mvs_http_reply *reply, enum mvs_http_outcome outcome, const char *reason);

/* "Name: value\n…" of all headers, in order, in a static buffer. */
const char *mvt_header_text(const struct mvs_http_reply *reply);

/* The body as a string, in a static buffer. */
const char *mvt_body_text(const struct mvs_http_reply *reply);

#endif
