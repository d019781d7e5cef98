/* The broker, as the cloud's configuration describes it. */
#ifndef BROKER_H
#define BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"

#define DER_SIZE 2048

struct der {
        uint8_t bytes[DER_SIZE];
        uint32_t len;
};

struct broker {
        uint8_t host[128];
        uint32_t host_len;
        uint16_t port;
        struct der ca;          /* whom to trust; empty: the public authorities */
        struct der certificate; /* our own; empty: none */
        struct der key;
};

/* Fetches all of it, on a channel of its own. False: something is missing or wrong; the log says what. */
bool broker_fetch(struct broker *ret_broker);

#endif
