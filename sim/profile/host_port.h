/* HOST:PORT, as profiles name servers: the host is a name or an address, an IPv6 address in brackets. */
#ifndef MVS_PROFILE_HOST_PORT_H
#define MVS_PROFILE_HOST_PORT_H

#define MVS_HOST_PORT_RULE "a port from 1 to 65535, an IPv6 address in brackets"

#include <stdbool.h>
#include <stdint.h>

#define MVS_HOST_SIZE 256

struct mvs_host_port {
        char host[MVS_HOST_SIZE]; /* without brackets */
        uint16_t port;            /* not 0 */
};

/* False when the text is something else; *ret is undefined then. */
bool mvs_host_port_parse(const char *text, struct mvs_host_port *ret);

/* The same behind "mqtts://" or "mqtt://"; `*ret_plain` tells which. */
bool mvs_broker_parse(const char *text, struct mvs_host_port *ret, bool *ret_plain);

#endif
