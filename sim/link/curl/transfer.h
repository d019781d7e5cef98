/*
 * One HTTP exchange of the module: a curl easy handle, what it is given and what comes back.
 * Private to sim/link/curl. Link thread only.
 */
#ifndef MVS_LINK_CURL_TRANSFER_H
#define MVS_LINK_CURL_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "sim/link/http_module.h"

/* The reply as it comes in, counted against the receive buffer's size (decision 22). */
struct mvs_collect {
        struct mvs_http_reply *reply;
        size_t limit;
        size_t used;
        size_t header_capacity;
        size_t body_capacity;
        bool in_header; /* after a status line, before the empty one */
        bool complete;  /* the final header has ended; what looks like a header now is a trailer */
        bool too_large; /* `limit` was passed */
        bool out_of_memory;
};

struct mvs_transfer {
        struct mvs_http_fetch *fetch;
        CURL *easy;
        const char *ca_file; /* NULL: the host's bundle */
        struct curl_slist *headers;
        struct curl_slist *connect_to;
        char *hosts[2]; /* of a rewritten URL: the application's host, the stand-in's; see verify.c */
        struct mvs_collect collect;
        char error[CURL_ERROR_SIZE];
};

/* Prepares the exchange; NULL when it cannot be, with the reason in fetch->reply->detail. */
struct mvs_transfer *mvs_transfer_create(struct mvs_http_fetch *fetch, const char *ca_file)
        __attribute__((warn_unused_result));

/* The easy handle must be out of its multi handle. */
void mvs_transfer_destroy(struct mvs_transfer *transfer);

/* Fills the reply from how curl says it ended. */
void mvs_transfer_conclude(struct mvs_transfer *transfer, CURLcode result);

/* Directs the transfer to fetch->instead. 0, or a negative errno with the reason in fetch->reply->detail. */
int mvs_transfer_redirect(struct mvs_transfer *transfer) __attribute__((warn_unused_result));

/* The request's header lines, as curl wants them, in transfer->headers. Results as above. */
int mvs_transfer_set_headers(struct mvs_transfer *transfer) __attribute__((warn_unused_result));

/* Adds to a list. 0 or -ENOMEM; then the list is what it was. */
int mvs_slist_add(struct curl_slist **list, const char *line) __attribute__((warn_unused_result));

/* Makes the easy handle hand what it receives to transfer->collect. */
void mvs_collect_install(struct mvs_transfer *transfer);

/*
 * Makes the easy handle verify the server: its certificate, and that it is for the URL's host, or for either of
 * transfer->hosts if they are set by then.
 */
void mvs_verify_install(struct mvs_transfer *transfer);

#endif
