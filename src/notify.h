/*
 * Notification centres: a ring in the application's memory and a line of the interrupt controller.
 *
 * A record is written to the ring, then the line is pended; the next record waits until the pend was taken (its
 * handler has returned, or the pend was cleared), so that a handler that reads one record per entry keeps up. A line
 * that stays disabled or masked for limits.notification_hold_ms holds nothing up: records go on being written and the
 * pends merge. Device lock held everywhere.
 */
#ifndef MVS_NOTIFY_H
#define MVS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/nvic/nvic.h"
#include "sim/timeline/timeline.h"
#include "src/call.h"
#include "src/lint.h"

#define MVS_CENTRES_MAX    32
#define MVS_CENTRE_WAITING 64 /* records that wait for the line; more and the oldest is written at once */

struct mvs_device;

struct mvs_centre {
        struct mvs_object object; /* first */
        struct mvs_device *device;
        unsigned irq;
        uintptr_t buffer;
        uint32_t slots;
        uint32_t next;      /* the slot of the next record */
        bool lapped;        /* every slot has been written at least once */
        bool pended;        /* the last record's pend was not taken yet */
        uint64_t pended_us; /* since when */
        struct MvNotification waiting[MVS_CENTRE_WAITING];
        unsigned waiting_first;
        unsigned waiting_count;
        struct mvs_timer hold;          /* the line has been untaken for long */
        struct MvNotification *written; /* what each slot holds by our hand, to tell an overrun */
        struct mvs_ring_watch watch;
};

struct mvs_notify {
        struct mvs_centre centres[MVS_CENTRES_MAX];
        struct mvs_centre *by_irq[MVS_IRQ_COUNT];
        unsigned open;
};

void mvs_notify_init(struct mvs_device *device);
void mvs_notify_finish(struct mvs_device *device);

/* Posts a record to the centre with this handle; nothing happens when it was closed meanwhile. */
void mvs_notify_post(struct mvs_device *device, uint32_t handle, enum MvEventType type, uint32_t tag);

/* Refuses with INVALIDINTERRUPT a line that does not exist, is reserved, or is a notification centre's. */
enum MvStatus mvs_notify_check_irq(struct mvs_call *call, const char *field, uint32_t irq)
        __attribute__((warn_unused_result));

/* The fields of MvNotificationSetup. */
enum MvStatus mvs_notify_check_setup(struct mvs_call *call, const struct MvNotificationSetup *setup)
        __attribute__((warn_unused_result));

#endif
