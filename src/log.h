/*
 * The server log: entries wait in a buffer that the application lent until the cloud takes them. Device lock held.
 */
#ifndef MVS_LOG_H
#define MVS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/timeline/timeline.h"
#include "src/call.h"

struct mvs_device;

#define MVS_LOG_OVERHEAD 8U    /* an entry's, in the buffer: decision 31 */
#define MVS_LOG_TEXT_MAX 1024U /* as many bytes as limits.log_message may say */

/* One entry that waits. */
struct mvs_log_entry {
        struct mvs_log_entry *next;
        uint64_t microseconds; /* device time of the call */
        size_t len;
        uint8_t text[];
};

/* The memory that the application lent for a log. */
struct mvs_log_buffer {
        uintptr_t start; /* 0: the log is not initialised */
        uint32_t size;
};

struct mvs_log {
        int sink; /* file descriptor that entries leave to */
        bool owns_sink;
        struct mvs_log_buffer buffer;
        uint32_t used;
        struct mvs_log_entry *first;
        struct mvs_log_entry **last;
        struct mvs_timer pace;
        uint64_t next_us;  /* when the cloud takes the next entry */
        bool write_failed; /* reported once */
};

/* Opens the profile's log file, or takes standard error. 0 or a negative errno, with a message. */
int mvs_log_init(struct mvs_device *device) __attribute__((warn_unused_result));

/* Frees what waits; says so when entries never left. */
void mvs_log_finish(struct mvs_device *device);

/* Writes all of a line, or is false, and errno says why. */
bool mvs_log_write(int fd, const char *bytes, size_t len) __attribute__((warn_unused_result));

/* What both logs ask of memory that is to be lent to them, and of a message for an entry. */
enum MvStatus mvs_log_check_buffer(struct mvs_call *call, const struct mvs_log_buffer *present, const uint8_t *buffer,
                                   uint32_t length_bytes) __attribute__((warn_unused_result));
enum MvStatus mvs_log_check_length(struct mvs_call *call, uint16_t length_bytes) __attribute__((warn_unused_result));

/* Lends it in place of what is lent. */
enum MvStatus mvs_log_lend(struct mvs_call *call, struct mvs_log_buffer *present, uint8_t *buffer,
                           uint32_t length_bytes, const char *what, const char *until)
        __attribute__((warn_unused_result));

/* What waits leaves, as far as the cloud is connected and takes it, at its pace. */
void mvs_log_send(struct mvs_device *device);

#endif
