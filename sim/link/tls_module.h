/*
 * What stands between the library and mvsim-tls.so, the private module that speaks TLS with OpenSSL. Its one export,
 * mvs_tls_module(), returns the table of its operations.
 *
 * A session knows no socket: bytes of the wire go in and come out, so does the text. All operations are called on the
 * link thread, with no lock held, and none blocks.
 */
#ifndef MVS_LINK_TLS_MODULE_H
#define MVS_LINK_TLS_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MVS_TLS_MODULE_FILE   "mvsim-tls.so"
#define MVS_TLS_MODULE_SYMBOL "mvs_tls_module"
#define MVS_TLS_MODULE_ABI    2 /* changes with anything in this file */

struct mvs_tls_engine;  /* the module's: whom to trust */
struct mvs_tls_session; /* the module's: one connection */

enum mvs_tls_result {
        MVS_TLS_MORE,   /* wants more from the wire */
        MVS_TLS_DONE,   /* the handshake is done; there is text */
        MVS_TLS_END,    /* the peer has said that it sends no more */
        MVS_TLS_FAILED, /* `why` says why; what the wire still has goes out, then nothing */
};

struct mvs_tls_module_ops {
        unsigned abi; /* MVS_TLS_MODULE_ABI */
        /* `ca_file`: PEM, NULL: the host's bundle. On failure: NULL, and the reason in `why`. */
        struct mvs_tls_engine *(*create)(const char *ca_file, char *why, size_t why_size);
        void (*destroy)(struct mvs_tls_engine *engine);
        /* A client's session with `host`, a name or an address, for which the certificate must be. NULL: no memory. */
        struct mvs_tls_session *(*open)(struct mvs_tls_engine *engine, const char *host);
        void (*close)(struct mvs_tls_session *session);
        /* Bytes from the wire; kept until they are used. False: no memory. */
        bool (*feed)(struct mvs_tls_session *session, const void *bytes, size_t len);
        /* Up to `size` bytes for the wire; how many. */
        size_t (*wire)(struct mvs_tls_session *session, void *ret_bytes, size_t size);
        enum mvs_tls_result (*handshake)(struct mvs_tls_session *session, char *why, size_t why_size);
        /* Up to `size` bytes of text, *ret_len of them. */
        enum mvs_tls_result (*read)(struct mvs_tls_session *session, void *ret_bytes, size_t size, size_t *ret_len,
                                    char *why, size_t why_size);
        /* Makes `len` bytes of text, not 0, into bytes for the wire: all (DONE), or none. MORE: when the peer, which
         * shakes hands anew, has said more; the next time with the same bytes first. */
        enum mvs_tls_result (*write)(struct mvs_tls_session *session, const void *bytes, size_t len, char *why,
                                     size_t why_size);
        /* The wire says that nothing more will be sent. */
        void (*farewell)(struct mvs_tls_session *session);
};

typedef const void *mvs_tls_module_fn(void); /* a struct mvs_tls_module_ops */

#endif
