/* The calls as src/calls.def lists them, for tests that go through all of them: what a test says of one, it says of the
 * next one too. */
#ifndef MVT_CALLS_H
#define MVT_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"

#define MVT_ARGS_MAX 4

enum mvt_arg_kind {
        MVT_ARG_VALUE,
        MVT_ARG_REGISTER,
        MVT_ARG_OUT,
        MVT_ARG_IN,
        MVT_ARG_INOUT,
        MVT_ARG_HANDLE,
        MVT_ARG_BUFFER_OUT,
        MVT_ARG_BUFFER_IN,
        MVT_ARG_LEND,
};

struct mvt_arg {
        enum mvt_arg_kind kind;
        const char *name;
        size_t size;        /* of what it points to; 0 for values, handles and buffers */
        const char *length; /* of a buffer: the argument that holds its length */
        bool is_pointer;    /* in the prototype, whatever its kind; handles are */
};

struct mvt_call {
        const char *name;
        uint64_t statuses; /* bit n: the header lists status n */
        unsigned arg_count;
        struct mvt_arg args[MVT_ARGS_MAX];
        enum MvStatus (*make)(const uintptr_t cells[MVT_ARGS_MAX]); /* the call itself */
};

extern const struct mvt_call mvt_calls[];
extern const int mvt_call_count;

#endif
