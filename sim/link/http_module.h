/*
 * What stands between the library and mvsim-http.so, the private module that speaks HTTP with libcurl and OpenSSL. Its
 * one export, mvs_http_module(), returns the table of its operations.
 *
 * All operations are called on the link thread, with no lock held, and never from within `done`.
 */
#ifndef MVS_LINK_HTTP_MODULE_H
#define MVS_LINK_HTTP_MODULE_H

#include <stddef.h>
#include <uv.h>

#include "sim/link/http.h"

#define MVS_HTTP_MODULE_FILE   "mvsim-http.so"
#define MVS_HTTP_MODULE_SYMBOL "mvs_http_module"
#define MVS_HTTP_MODULE_ABI    2 /* changes with anything in this file or in the structures of http.h */

struct mvs_http_engine; /* the module's: connections, and what is under way */

/* One exchange. Made by the library; everything in it stays where it is until `done` or cancel(). */
struct mvs_http_fetch {
        const struct mvs_http_request *request;
        const char *instead;          /* the URL to fetch in place of request->url; NULL: request->url itself */
        struct mvs_http_reply *reply; /* empty; the module fills it. Unless the outcome is OK, only `outcome` and
                                         `detail` count, but the library frees the rest too */
        /* Called from the loop, once, unless cancelled; the fetch is the library's again. */
        void (*done)(struct mvs_http_fetch *fetch);
        void *transfer; /* the module's */
};

struct mvs_http_module_ops {
        unsigned abi; /* MVS_HTTP_MODULE_ABI */
        /*
         * Makes an engine on the loop. `ca_file` (PEM, NULL: the host's bundle) is read until destroy().
         * On failure: NULL, and the reason in `why`.
         */
        struct mvs_http_engine *(*create)(uv_loop_t *loop, const char *ca_file, char *why, size_t why_size);
        /* Nothing may be under way. Closes all connections; its handles close in the next rounds of the loop. */
        void (*destroy)(struct mvs_http_engine *engine);
        /* Begins the exchange. Does not block. On failure: a negative errno, reply->detail says why, no `done`. */
        int (*start)(struct mvs_http_engine *engine, struct mvs_http_fetch *fetch);
        /* Drops the exchange and its connection; `done` is not called. */
        void (*cancel)(struct mvs_http_engine *engine, struct mvs_http_fetch *fetch);
};

typedef const void *mvs_http_module_fn(void); /* a struct mvs_http_module_ops */

#endif
