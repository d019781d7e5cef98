/*
 * What the device keeps when its application starts again: a file without a name (memfd) for each subsystem that has
 * something to keep. The next life of the application, which is this process after an execve or the next device of the
 * process, takes the files over as they are.
 *
 * A crash restarts the application from a signal's handler, with any lock held and any other thread half-way: nothing
 * can be saved at that moment. So what is to be kept lives in its file all the time, and who writes it writes so that
 * the file makes sense after every store (a record first, then the count that makes it valid).
 *
 * Only what the device's flash would hold belongs here, and what the cloud keeps for the device. Device lock held, or
 * no other thread there yet.
 */
#ifndef MVS_KEPT_H
#define MVS_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/* Who keeps something: each file belongs to one subsystem. */
enum mvs_kept_part {
        MVS_KEPT_FLASH,            /* the external flash, where the profile names no file for it */
        MVS_KEPT_FLASH_OPERATIONS, /* how many there were, where the profile waits for one */
        MVS_KEPT_WIFI,             /* the credentials that the application stored */
        MVS_KEPT_CLOUD,            /* what the cloud has for the device: updates */
        MVS_KEPT_CONFIG,           /* configuration items that were changed */
        MVS_KEPT_SCHEDULE,         /* how far the profile's schedule was carried out */
        MVS_KEPT_MQTT,             /* what the broker is to be told, and to send, again */
        MVS_KEPT_COUNT
};

struct mvs_kept {
        int fds[MVS_KEPT_COUNT]; /* -1: nothing was kept so far */
};

/* Nothing is kept yet. */
void mvs_kept_init(struct mvs_kept *kept);

/* Closes the files; what they held is gone, once nobody has it mapped. Idempotent. */
void mvs_kept_finish(struct mvs_kept *kept);

/* The part's file, made, empty, where an earlier life left none; or a negative errno. The descriptor stays `kept`'s:
 * its owner neither closes it nor changes its flags. It closes with every execve but that of a restart. */
int mvs_kept_file(struct mvs_kept *kept, enum mvs_kept_part part) __attribute__((warn_unused_result));

/* The first `size` bytes of the part's file, shared with it: bytes that it did not have yet are 0. NULL when the host
 * is short, with errno. Taken back with munmap(); may outlive `kept`. */
void *mvs_kept_map(struct mvs_kept *kept, enum mvs_kept_part part, size_t size) __attribute__((warn_unused_result));

/* Whether the files pass an execve. May be called from a signal's handler, with any lock held. */
void mvs_kept_inherit(const struct mvs_kept *kept, bool inherited);

#endif
