/*
 * The usage checker: what works here and is a mistake all the same, or will be one on the board.
 *
 * The ids, their default levels and one line about each are in sim/profile/lints.def. Nothing here is on the way of a
 * call that succeeds: refusals, opens, closes and records are where it looks. Device lock held everywhere.
 */
#ifndef MVS_LINT_H
#define MVS_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "mvsim/mvsim.h"
#include "sim/profile/profile.h"
#include "src/call.h"

struct mvs_centre;
struct mvs_channel;
struct mvs_device;

enum mvs_lint_id {
#define MVS_LINT(name, id, level, description) MVS_LINT_##name,
#include "sim/profile/lints.def"
#undef MVS_LINT
        MVS_LINT_COUNT
};

#define MVS_FINDINGS_KEPT 32
#define MVS_CLOSED_TRACED 64
#define MVS_RATE_CALLS    3 /* refusals in a row ... */
#define MVS_RATE_US       100000U
#define MVS_LEFT_OPEN_US  10000000U
#define MVS_HANDLER_SLOW_US                                                                      \
        10000U /* a record that lies there for so long after its interrupt waits for another one \
                */

/* A call that should have made something and failed. */
enum mvs_maker {
        MVS_MAKER_CENTRE,
        MVS_MAKER_NETWORK,
        MVS_MAKER_CHANNEL,
        MVS_MAKER_LOG,
        MVS_MAKER_TEST_LOG,
        MVS_MAKER_REQUEST,
        MVS_MAKER_FLASH,
        MVS_MAKER_COUNT
};

struct mvs_failure {
        const char *call; /* NULL: it did not fail, or was repeated with success */
        enum MvStatus status;
        uint64_t microseconds;
        uintptr_t about; /* where the handle should have gone; for a request, its channel */
};

/* A centre's records, numbered from 0 since it was set up. */
struct mvs_ring_watch {
        uint64_t records;  /* written */
        uint64_t taken;    /* of these, written before the line was last taken */
        uint64_t pend;     /* the first record of the pend that waits */
        uint64_t taken_us; /* when it was taken */
        uint64_t cleared;  /* slots that were found changed when their turn came again */
        uint32_t doomed;   /* slots of a lap that was reported as untouched already, and that is still to come */
        bool merged;       /* a pend stood for several records, and whether they were all read is not known yet */
};

struct mvs_lint {
        enum mvs_lint_level levels[MVS_LINT_COUNT];
        unsigned counts[MVS_LINT_COUNT];
        struct mvsim_finding findings[MVS_FINDINGS_KEPT];
        uint64_t places[MVS_FINDINGS_KEPT];
        unsigned kept;
        struct mvs_failure failures[MVS_MAKER_COUNT];
        struct {
                uint32_t handle;
                uint64_t microseconds;
        } closed[MVS_CLOSED_TRACED]; /* a ring */
        unsigned closed_next;
        struct {
                unsigned refusals;
                uint64_t first_us;
        } rate[MVS_CALL_COUNT];
        struct {
                uint32_t calls;
                uint64_t batch_us, since_us; /* the last batch began, the loop has been tight since */
        } poll;
};

/* ---- findings (report.c) ---- */

void mvs_lint_init(struct mvs_device *device);

/* Writes how often each finding came again, and in the summary the notes too. */
void mvs_lint_finish(struct mvs_device *device);

/* See mvsim_findings() and mvsim_lint(). */
unsigned mvs_lint_count(const struct mvs_device *device, const char *id);
const char *mvs_lint_describe(unsigned index, const char **ret_description);

/* Counts a finding and writes it the first time in that place, with the device's time behind it. `place` tells apart
 * what is to be written once each: a call's number, a handle. Does not return when its level is `error`. */
void mvs_lint_found(struct mvs_device *device, enum mvs_lint_id id, uint64_t place, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* ---- calls (calls.c) ---- */

void mvs_lint_called_in_isr(struct mvs_call *call);

/* The gate refuses the call. */
void mvs_lint_refused(struct mvs_call *call, enum MvStatus status);

/* A call that makes something has made it: the application's thread, and the call's own copy of its parameters. */
void mvs_lint_made(struct mvs_call *call);

/* mvGetNetworkStatus has been asked. */
void mvs_lint_polled(struct mvs_call *call);

/* ---- handles (objects.c) ---- */

/* A handle that stands for nothing of this kind. */
void mvs_lint_bad_handle(struct mvs_call *call, uintptr_t handle, enum mvs_object_kind kind);

/* The application closes an object, which is still whole. */
void mvs_lint_closing(struct mvs_device *device, const struct mvs_object *object);
void mvs_lint_closing_channel(const struct mvs_channel *channel);

/* A channel closes with the response to a request of `sent_us` in it, which `call` would have read. */
void mvs_lint_unread(const struct mvs_channel *channel, const char *call, uint64_t sent_us);

/* Another channel was opened, or the application ends: what else is open? */
void mvs_lint_look_at_lost_channels(struct mvs_device *device);

/* The device is switched off, everything is still open. */
void mvs_lint_exit(struct mvs_device *device);

/* ---- rings (rings.c) ---- */

/* The next record's slot holds a record of ours: `left`, it is as we wrote it. Before it is overwritten. */
void mvs_lint_overwrites(struct mvs_centre *centre, bool left);

/* A record is about to be written; `pended` tells whether the last one's pend still waits. */
void mvs_lint_writes(struct mvs_centre *centre);

/* The pend of the last records was taken: the handler has returned, or it was cleared. */
void mvs_lint_taken(struct mvs_centre *centre);

/* The last look at a centre, before it closes. */
void mvs_lint_closing_centre(struct mvs_centre *centre);

#endif
