/* Where an endpoint of opaque channels is: "tcp://HOST:PORT", "tls://HOST:PORT" or "unix:PATH". */
#ifndef MVS_PROFILE_ENDPOINT_H
#define MVS_PROFILE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/profile/host_port.h"

#define MVS_ENDPOINT_PATH_MAX 107 /* what an address of a Unix socket holds */

enum mvs_endpoint_kind {
        MVS_ENDPOINT_TCP,
        MVS_ENDPOINT_TLS,
        MVS_ENDPOINT_UNIX,
};

struct mvs_endpoint {
        enum mvs_endpoint_kind kind;
        char where[MVS_HOST_SIZE]; /* the host, an IPv6 address without its brackets; or the path */
        uint16_t port;
};

/* False for a text that is none of these. A path is taken as it is, however long. */
bool mvs_endpoint_parse(const char *text, struct mvs_endpoint *ret) __attribute__((warn_unused_result));

/* Makes the path in a "unix:PATH", which was allocated, absolute, as seen from the profile's directory; leaves others
 * alone. 0 or a negative errno: -ENAMETOOLONG for a path that no socket can have. */
int mvs_endpoint_anchor(char **text, const char *profile_path) __attribute__((warn_unused_result));

#endif
