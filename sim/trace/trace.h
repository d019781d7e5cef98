/*
 * The event log: what crosses the boundary between the application, the device and the world, in the order in which it
 * happened.
 *
 * What is recorded is kept apart from how it is written: whoever sees something happen describes it as a struct
 * mvs_event, a kind and a few typed fields, and a sink makes of it what its format wants. Without a sink an event costs
 * one branch. No address is ever recorded, since addresses differ from run to run. Device lock held everywhere.
 */
#ifndef MVS_TRACE_H
#define MVS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mvs_machine;

enum mvs_event_kind {
        MVS_EVENT_BOOT,
        MVS_EVENT_RESTART, /* in place of boot: the application starts again */
        MVS_EVENT_SHUTDOWN,
        MVS_EVENT_CALL,      /* a system call, when it returns: what it caused inside stands before it */
        MVS_EVENT_NOTIFY,    /* a record was written to a centre's ring */
        MVS_EVENT_PEND,      /* an exception became pending */
        MVS_EVENT_SHADOWED,  /* it was pending already: the two merged */
        MVS_EVENT_ENTER,     /* a handler begins */
        MVS_EVENT_EXIT,      /* and has returned */
        MVS_EVENT_MASK,      /* PRIMASK, FAULTMASK or BASEPRI changed */
        MVS_EVENT_NETWORK,   /* the status of the connection changed */
        MVS_EVENT_OUTAGE,    /* the world broke or mended, by the control API */
        MVS_EVENT_REQUEST,   /* a channel's request went out */
        MVS_EVENT_REPLY,     /* and its reply, or why there is none, came */
        MVS_EVENT_CONNECT,   /* an opaque channel's connection is asked for, */
        MVS_EVENT_OPENED,    /* and stands */
        MVS_EVENT_RECEIVED,  /* bytes came on it */
        MVS_EVENT_SENT,      /* bytes were taken from the application for it */
        MVS_EVENT_ENDED,     /* the world ended it; what came before may still be read */
        MVS_EVENT_CLOSED,    /* it is given up: bytes in and out, in all */
        MVS_EVENT_LOG,       /* a server log entry left the device */
        MVS_EVENT_TEST_LOG,  /* a line of the test console */
        MVS_EVENT_POWER_CUT, /* power failed in the middle of an operation of the flash */
        MVS_EVENT_UPDATE,    /* an update was offered, downloaded, installed */
        MVS_EVENT_FAULT,     /* the control API told a call to fail */
        MVS_EVENT_PREEMPT,   /* the application computed, so virtual time moved or an interrupt came: where is chance */
        MVS_EVENT_DEADLOCK,  /* nothing is left that could wake the processor */
        MVS_EVENT_KINDS
};

enum mvs_field_kind {
        MVS_FIELD_NUMBER,  /* decimal */
        MVS_FIELD_HEX,     /* a handle, a register */
        MVS_FIELD_POINTER, /* NULL or not: `number` is 0 or else */
        MVS_FIELD_WORD,    /* `data` is a name, terminated */
        MVS_FIELD_TEXT,    /* `data` are `number` bytes from the application or the world */
};

struct mvs_field {
        const char *name; /* NULL: the value speaks for itself */
        enum mvs_field_kind kind;
        uint64_t number;
        const void *data;
};

struct mvs_event {
        uint64_t microseconds; /* device time */
        enum mvs_event_kind kind;
        unsigned count;
        const struct mvs_field *fields; /* valid during the call of the sink */
};

struct mvs_trace_sink {
        /* Device lock held; must not block for long, must not fail visibly: a sink that cannot go on says so once. */
        void (*write)(struct mvs_trace_sink *sink, const struct mvs_event *event);
        /* Everything written so far is on its way to the disk; the sink is freed. */
        void (*destroy)(struct mvs_trace_sink *sink);
};

struct mvs_trace {
        struct mvs_trace_sink *sink; /* NULL: nothing records */
        uint32_t masks;              /* as they were last recorded */
};

/* Opens the log at `path`; NULL or "": none. `again`: what is in it stays. 0, or a negative errno after a message. */
int mvs_trace_open(struct mvs_trace *trace, const char *path, bool again) __attribute__((warn_unused_result));

/* Idempotent. */
void mvs_trace_close(struct mvs_trace *trace);

/* Stamps the event with the device's time and hands it to the sink, if there is one. */
void mvs_trace_event(struct mvs_machine *machine, struct mvs_event *event);

/* The log's own name of a kind ("notify"). */
const char *mvs_event_name(enum mvs_event_kind kind);

/* ---- for those who see something happen ---- */

#define mvs_traced(machine) __builtin_expect((machine)->trace.sink != NULL, 0)

#define MVS_NUMBER(name_, value)                                             \
        {                                                                    \
                .name = (name_), .kind = MVS_FIELD_NUMBER, .number = (value) \
        }
#define MVS_HEX(name_, value)                                             \
        {                                                                 \
                .name = (name_), .kind = MVS_FIELD_HEX, .number = (value) \
        }
#define MVS_POINTER(name_, value)                                                  \
        {                                                                          \
                .name = (name_), .kind = MVS_FIELD_POINTER, .number = (value) != 0 \
        }
#define MVS_WORD(name_, word)                                           \
        {                                                               \
                .name = (name_), .kind = MVS_FIELD_WORD, .data = (word) \
        }
#define MVS_TEXT(name_, bytes, len)                                                       \
        {                                                                                 \
                .name = (name_), .kind = MVS_FIELD_TEXT, .number = (len), .data = (bytes) \
        }

/* mvs_trace(machine, MVS_EVENT_OUTAGE, MVS_WORD("of", "link")): at least one field. */
#define mvs_trace(machine, kind_, ...)                                                                          \
        do {                                                                                                    \
                if (mvs_traced(machine)) {                                                                      \
                        const struct mvs_field mvs_fields_[] = {__VA_ARGS__};                                   \
                        mvs_trace_event((machine), &(struct mvs_event){                                         \
                                                           .kind = (kind_),                                     \
                                                           .count = sizeof mvs_fields_ / sizeof mvs_fields_[0], \
                                                           .fields = mvs_fields_,                               \
                                                   });                                                          \
                }                                                                                               \
        } while (0)

/* An exception pends, merges, begins, ends. */
#define mvs_trace_vector(machine, kind_, vector)                           \
        do {                                                               \
                if (mvs_traced(machine))                                   \
                        mvs_trace_exception((machine), (kind_), (vector)); \
        } while (0)
void mvs_trace_exception(struct mvs_machine *machine, enum mvs_event_kind kind, unsigned vector);

/* The masks may have changed. */
#define mvs_trace_masks(machine)                     \
        do {                                         \
                if (mvs_traced(machine))             \
                        mvs_trace_masks_of(machine); \
        } while (0)
void mvs_trace_masks_of(struct mvs_machine *machine);

#endif
