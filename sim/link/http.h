/*
 * HTTP as the vendor's cloud performs it on the device's behalf: a request goes out, a whole reply or a reason comes
 * back. Runs on the link thread; nothing here knows channels, handles or the application's memory.
 */
#ifndef MVS_LINK_HTTP_H
#define MVS_LINK_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct mvs_link;

/* Bytes with a length; the memory belongs to whoever holds the structure that contains it. */
struct mvs_bytes {
        uint8_t *data; /* not terminated; NULL only when len is 0 */
        size_t len;
};

/* As MvHttpResult, so that the values can be handed on unchanged (a static assertion in src/http.c says so). */
enum mvs_http_outcome {
        MVS_HTTP_OK = 0,
        MVS_HTTP_UNSUPPORTED_URI_SCHEME = 1,
        MVS_HTTP_UNSUPPORTED_METHOD = 2,
        MVS_HTTP_INVALID_HEADERS = 3,
        MVS_HTTP_INVALID_TIMEOUT = 4,
        MVS_HTTP_REQUEST_FAILED = 5,
        MVS_HTTP_RESPONSE_TOO_LARGE = 6,
};

/* One request, all of it owned by the structure; mvs_http_request_destroy() frees it. */
struct mvs_http_request {
        struct mvs_bytes method;
        struct mvs_bytes url;
        struct mvs_bytes *headers; /* complete lines "Name: value", without CR LF */
        size_t header_count;
        struct mvs_bytes body;
        uint32_t timeout_ms;
        size_t response_limit; /* bytes the receive buffer holds, by the accounting of decision 22 */
};

/* One reply, all of it owned by the structure; mvs_http_reply_destroy() frees it. */
struct mvs_http_reply {
        enum mvs_http_outcome outcome;
        uint32_t status_code;      /* 0 unless outcome is OK, like the rest */
        struct mvs_bytes *headers; /* lines as received, in order, without CR LF */
        size_t header_count;
        struct mvs_bytes body;
        char detail[384]; /* for people: why the outcome is not OK ("certificate has expired"), else "" */
};

void mvs_http_request_destroy(struct mvs_http_request *request);
void mvs_http_reply_destroy(struct mvs_http_reply *reply);

/*
 * Called once for every request that was accepted and not cancelled in time, on the link thread, without any lock
 * held. The reply becomes the callee's.
 */
typedef void mvs_http_done_fn(void *context, uint32_t id, struct mvs_http_reply *reply);

/*
 * Starts a request. Any thread. Takes the request over in every case. `id` names it to mvs_link_http_cancel() and to
 * `done`. Everything that can go wrong with the request is told through `done`, from the link thread's loop. Returns 0,
 * or a negative errno when the host has no memory or no thread for it; then `done` is not called.
 */
int mvs_link_http_start(struct mvs_link *link, uint32_t id, struct mvs_http_request *request, mvs_http_done_fn *done,
                        void *context) __attribute__((warn_unused_result));

/*
 * Gives the request up: its connection is dropped and `done` is not called, unless it is already on its way (the
 * callee must cope with an id it no longer knows). Any thread; unknown ids are ignored.
 */
void mvs_link_http_cancel(struct mvs_link *link, uint32_t id);

#endif
