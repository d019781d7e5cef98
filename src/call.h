/*
 * One system call on its way through the gate, and what check_ and do_ functions use.
 *
 * Order of checks (decision 1): the calling context; the arguments as declared, a structure's fields where it stands;
 * then, in the call's own check function, the state of the object, counts and nested data; capacity last. The gate
 * makes the first two from calls.def and the table of field checks (fields.c).
 */
#ifndef MVS_CALL_H
#define MVS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"
#include "sim/memory/memory.h"
#include "src/handles.h"

struct mvs_device;

#define MVS_ARGS_MAX     4
#define MVS_STATUS_COUNT (MV_STATUS_INPUTTOOLONG + 1U)

enum mvs_arg_kind {
        MVS_ARG_NONE,
        MVS_ARG_VALUE,
        MVS_ARG_REGISTER,
        MVS_ARG_OUT,
        MVS_ARG_IN,
        MVS_ARG_INOUT,
        MVS_ARG_HANDLE,
        MVS_ARG_BUFFER_OUT,
        MVS_ARG_BUFFER_IN,
        MVS_ARG_LEND,
};

/* What an argument that is written points to, for the event log. */
enum mvs_arg_form {
        MVS_FORM_NUMBER,
        MVS_FORM_HANDLE,
        MVS_FORM_POINTER,
        MVS_FORM_STRUCT,
};

struct mvs_arg {
        enum mvs_arg_kind kind;
        enum mvs_arg_form form; /* of ARG_OUT and ARG_INOUT */
        const char *name;
        const char *length;          /* of a buffer: the name of the argument that holds its length */
        size_t size;                 /* of what a pointer points to */
        enum mvs_object_kind object; /* of a handle */
};

enum mvs_call_flag {
        MVS_NOT_FROM_ISR = 1,
        MVS_TEST_MODE = 2,
        MVS_DEFERRED = 4,
};

enum mvs_call_number {
#define MVS_CALL(name, group, offset, flags, arguments, statuses) MVS_CALL_##name,
#define MVS_RETIRED(name, offset)
#include "src/calls.def"
#undef MVS_CALL
#undef MVS_RETIRED
        MVS_CALL_COUNT
};

struct mvs_call;

struct mvs_call_desc {
        const char *name;
        unsigned flags;
        uint64_t statuses; /* bit n: the header lists status n for it */
        unsigned arg_count;
        struct mvs_arg args[MVS_ARGS_MAX];
        enum MvStatus (*run)(struct mvs_call *call); /* check, then do */
};

extern const struct mvs_call_desc mvs_calls[MVS_CALL_COUNT];

struct mvs_call {
        struct mvs_device *device;
        enum mvs_call_number number;
        const struct mvs_call_desc *desc;
        const uintptr_t *cells;
        void *object;  /* what the handle argument stands for, or what a check has found for the action */
        bool injected; /* it fails because it was told to */
        union {        /* the device's own copy of the structure argument: what it was when it was checked */
                struct MvNotificationSetup setup;
                struct MvRequestNetworkParams network;
                struct MvOpenSystemNotificationParams system;
                struct MvOpenChannelParams channel;
                struct MvHttpRequest http;
                struct MvMqttConnectRequest mqtt_connect;
                struct MvMqttSubscribeRequest mqtt_subscribe;
                struct MvMqttSubscribeResponse mqtt_subscribed;
                struct MvMqttUnsubscribeRequest mqtt_unsubscribe;
                struct MvMqttUnsubscribeResponse mqtt_unsubscribed;
                struct MvMqttPublishRequest mqtt_publish;
                struct MvMqttMessage mqtt_message;
                struct MvMqttLostMessageInfo mqtt_lost;
                struct MvConfigKeyFetchParams config_fetch;
                struct MvConfigResponseReadItemParams config_item;
                struct MvWifiConfig wifi;
                struct MvWifiConfigOut wifi_out;
                uint8_t bytes[128];
        } in;
};

/* ---- refusing (reject.c) ---- */

/* Records why the call is refused, and returns `status`. `field` names the parameter or field; NULL: none is to blame.
 * The text completes "CALL: FIELD ...": it names the rule and the way out. */
enum MvStatus mvs_reject(struct mvs_call *call, enum MvStatus status, const char *field, const char *format, ...)
        __attribute__((format(printf, 4, 5), warn_unused_result));

const char *mvs_status_name(enum MvStatus status); /* "PARAMETERFAULT" */

/* ---- arguments and the application's memory (args.c) ---- */

/* Every argument in declared order, as calls.def describes it. */
enum MvStatus mvs_args_check(struct mvs_call *call) __attribute__((warn_unused_result));

/* May `len` bytes at `address` be accessed on the application's behalf? Refuses with `refusal`. */
bool mvs_arg_access(struct mvs_call *call, enum MvStatus refusal, const char *field, const void *address, size_t len,
                    enum mvs_access access);

/* May the application have `len` bytes at `address` read or written? Refuses with PARAMETERFAULT. */
bool mvs_arg_readable(struct mvs_call *call, const char *field, const void *address, size_t len);
bool mvs_arg_writable(struct mvs_call *call, const char *field, const void *address, size_t len);

/* The same for memory that is to be lent: loans that are in its way are mvs_arg_not_lent()'s to refuse. */
bool mvs_arg_lendable(struct mvs_call *call, const char *field, const void *address, size_t len);

/* Copies for the application and from it; PARAMETERFAULT when a page went away since it was checked. */
enum MvStatus mvs_put(struct mvs_call *call, const char *field, void *address, const void *bytes, size_t len)
        __attribute__((warn_unused_result));
enum MvStatus mvs_get(struct mvs_call *call, const char *field, void *ret_bytes, const void *address, size_t len)
        __attribute__((warn_unused_result));

/* The object behind a handle value; INVALIDHANDLE, and NULL in *ret_object, when there is none of this kind. */
enum MvStatus mvs_arg_handle(struct mvs_call *call, const char *field, const void *handle, enum mvs_object_kind kind,
                             void **ret_object) __attribute__((warn_unused_result));

/* For close and release: reads the handle behind the pointer and finds its object. */
enum MvStatus mvs_arg_handle_at(struct mvs_call *call, const char *field, const void *pointer,
                                enum mvs_object_kind kind, void **ret_object) __attribute__((warn_unused_result));

/* Gives the object a handle and stores it through the pointer; both or neither. `full` where no handle is left. */
enum MvStatus mvs_put_new_handle(struct mvs_call *call, const char *field, void *pointer, struct mvs_object *object,
                                 enum mvs_object_kind kind, enum MvStatus full) __attribute__((warn_unused_result));

/* Stores 0 through the pointer, as calls that close do. */
enum MvStatus mvs_put_no_handle(struct mvs_call *call, const char *field, void *pointer)
        __attribute__((warn_unused_result));

/* The same, and then call->object's end, which is one less of `open`. */
enum MvStatus mvs_put_closed(struct mvs_call *call, const char *field, void *pointer, unsigned *open)
        __attribute__((warn_unused_result));

/* Refuses what is not aligned to, or not a multiple of, 512 bytes, and what overlaps memory that is lent already.
 * The caller has checked access. `except` is the start of a loan that is about to end, or 0. */
enum MvStatus mvs_arg_block_aligned(struct mvs_call *call, const char *field, const void *address)
        __attribute__((warn_unused_result));
enum MvStatus mvs_arg_block_sized(struct mvs_call *call, const char *field, uint32_t len)
        __attribute__((warn_unused_result));
enum MvStatus mvs_arg_not_lent(struct mvs_call *call, const char *field, const void *address, size_t len,
                               uintptr_t except) __attribute__((warn_unused_result));

/* The fields of the structure in call->in, in order; OKAY for calls without such a check (fields.c). */
enum MvStatus mvs_fields_check(struct mvs_call *call) __attribute__((warn_unused_result));

/* ---- the gate (gate.c) ---- */

enum MvStatus mvs_gate(enum mvs_call_number number, const uintptr_t *cells) __attribute__((warn_unused_result));

#endif
