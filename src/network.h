/* Network requests, and what the application is told of the connection. Device lock held everywhere. */
#ifndef MVS_NETWORK_H
#define MVS_NETWORK_H

#include <stdbool.h>

#include "src/call.h"

#define MVS_NETWORKS_MAX 32

struct mvs_network_request {
        struct mvs_object object; /* first */
        uint32_t centre;          /* the notification centre's handle; it may be closed meanwhile */
        uint32_t tag;
};

struct mvs_network {
        struct mvs_network_request requests[MVS_NETWORKS_MAX];
        unsigned open;
        bool used; /* mvRequestNetwork has succeeded since boot: Microvisor no longer keeps a connection of its own */
};

void mvs_network_init(struct mvs_device *device);

/* Who wants the connection has changed. */
void mvs_network_want(struct mvs_device *device);

/* The fields of MvRequestNetworkParams. */
enum MvStatus mvs_network_check_params(struct mvs_call *call, const struct MvRequestNetworkParams *params)
        __attribute__((warn_unused_result));

#endif
