/*
 * The server log: entries wait in a buffer that the application lent until the cloud takes them. Device lock held.
 */
#ifndef MVS_LOG_H
#define MVS_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "src/call.h"

struct mvs_device;

/* One entry that waits. */
struct mvs_log_entry {
        struct mvs_log_entry *next;
        uint64_t microseconds; /* device time of the call */
        size_t len;
        uint8_t text[];
};

struct mvs_log {
        int sink; /* file descriptor that entries leave to */
        bool owns_sink;
        uintptr_t buffer; /* 0: not initialised */
        uint32_t size;
        uint32_t used;
        struct mvs_log_entry *first;
        struct mvs_log_entry **last;
        bool write_failed; /* reported once */
};

/* Opens the profile's log file, or takes standard error. 0 or a negative errno, with a message. */
int mvs_log_init(struct mvs_device *device) __attribute__((warn_unused_result));

/* Frees what waits; says so when entries never left. */
void mvs_log_finish(struct mvs_device *device);

/* The cloud is connected: what waits leaves. */
void mvs_log_send(struct mvs_device *device);

#endif
