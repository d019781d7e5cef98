/*
 * The table of calls, made from calls.def: what the gate checks, and the check_ and do_ functions it then runs.
 *
 * A call that checks nothing beyond its arguments has no check_ function, and one that is not implemented has neither;
 * so the references are weak.
 */
#include "src/call.h"
#include "src/calls_args.h"
#include "src/pair.h"

/* ---- the pairs, as weak references ---- */

#define MVS_CALL(name, group, offset, flags, arguments, statuses)                   \
        extern __typeof__(mvs_check_##name) mvs_check_##name __attribute__((weak)); \
        extern __typeof__(mvs_do_##name) mvs_do_##name __attribute__((weak));
#include "src/calls.def"
#undef MVS_CALL

/* ---- from the cells to the pair ---- */

#define AT(index, ...)                     AT_(index, __VA_ARGS__)
#define AT_(index, kind, type, name, more) (TYPE_##kind(type)) call->cells[index]
#define ARGS0()
#define ARGS1(a)          , AT(0, a)
#define ARGS2(a, b)       , AT(0, a), AT(1, b)
#define ARGS3(a, b, c)    , AT(0, a), AT(1, b), AT(2, c)
#define ARGS4(a, b, c, d) , AT(0, a), AT(1, b), AT(2, c), AT(3, d)
#define MVS_CALL(name, group, offset, flags, arguments, statuses)                         \
        static enum MvStatus run_##name(struct mvs_call *call)                            \
        {                                                                                 \
                enum MvStatus status = MV_STATUS_OKAY;                                    \
                if (mvs_check_##name)                                                     \
                        status = mvs_check_##name(call arguments);                        \
                return status == MV_STATUS_OKAY ? mvs_do_##name(call arguments) : status; \
        }
#include "src/calls.def"
#undef MVS_CALL
#undef ARGS0
#undef ARGS1
#undef ARGS2
#undef ARGS3
#undef ARGS4
#undef AT
#undef AT_

/* ---- the table ---- */

#define SIZE_VALUE(type)      0
#define SIZE_REGISTER(type)   0
#define SIZE_OUT(type)        sizeof(type)
#define SIZE_IN(type)         sizeof(type)
#define SIZE_INOUT(type)      sizeof(type)
#define SIZE_HANDLE(type)     0
#define SIZE_BUFFER_OUT(type) 0
#define SIZE_BUFFER_IN(type)  0
#define SIZE_LEND(type)       0

#define LENGTH_VALUE(more)        NULL
#define LENGTH_REGISTER(more)     NULL
#define LENGTH_OUT(more)          NULL
#define LENGTH_IN(more)           NULL
#define LENGTH_INOUT(more)        NULL
#define LENGTH_HANDLE(more)       NULL
#define LENGTH_BUFFER_OUT(length) #length
#define LENGTH_BUFFER_IN(length)  #length
#define LENGTH_LEND(length)       #length

#define FORM(type)                                        \
        _Generic((type){0}, uint8_t                       \
                 : MVS_FORM_NUMBER, uint32_t              \
                 : MVS_FORM_NUMBER, uint64_t              \
                 : MVS_FORM_NUMBER, MvNotificationHandle  \
                 : MVS_FORM_HANDLE, MvNetworkHandle       \
                 : MVS_FORM_HANDLE, MvChannelHandle       \
                 : MVS_FORM_HANDLE, MvSystemEventHandle   \
                 : MVS_FORM_HANDLE, MvExternalFlashHandle \
                 : MVS_FORM_HANDLE, uint8_t *             \
                 : MVS_FORM_POINTER, default              \
                 : MVS_FORM_STRUCT)
#define FORM_VALUE(type)      MVS_FORM_NUMBER
#define FORM_REGISTER(type)   MVS_FORM_NUMBER
#define FORM_OUT(type)        FORM(type)
#define FORM_IN(type)         MVS_FORM_STRUCT
#define FORM_INOUT(type)      FORM(type)
#define FORM_HANDLE(type)     MVS_FORM_HANDLE
#define FORM_BUFFER_OUT(type) MVS_FORM_POINTER
#define FORM_BUFFER_IN(type)  MVS_FORM_POINTER
#define FORM_LEND(type)       MVS_FORM_POINTER

#define OBJECT_VALUE(more)        MVS_OBJECT_NONE
#define OBJECT_REGISTER(more)     MVS_OBJECT_NONE
#define OBJECT_OUT(more)          MVS_OBJECT_NONE
#define OBJECT_IN(more)           MVS_OBJECT_NONE
#define OBJECT_INOUT(more)        MVS_OBJECT_NONE
#define OBJECT_HANDLE(kind)       MVS_OBJECT_##kind
#define OBJECT_BUFFER_OUT(length) MVS_OBJECT_NONE
#define OBJECT_BUFFER_IN(length)  MVS_OBJECT_NONE
#define OBJECT_LEND(length)       MVS_OBJECT_NONE

#define NOT_FROM_ISR MVS_NOT_FROM_ISR
#define TEST_MODE    MVS_TEST_MODE
#define DEFERRED     MVS_DEFERRED
#define MAY(status)  (UINT64_C(1) << MV_STATUS_##status)
#define SLIP(status) MAY(status)
#define NONE         UINT64_C(0)

#define AT(...) AT_(__VA_ARGS__)
#define AT_(kind_, type_, name_, more_)                                                                                \
        {                                                                                                              \
                .kind = MVS_ARG_##kind_, .name = #name_, .length = LENGTH_##kind_(more_), .size = SIZE_##kind_(type_), \
                .form = FORM_##kind_(type_), .object = OBJECT_##kind_(more_),                                          \
        }
#define ARGS0()           .arg_count = 0,
#define ARGS1(a)          .arg_count = 1, .args = {AT(a)},
#define ARGS2(a, b)       .arg_count = 2, .args = {AT(a), AT(b)},
#define ARGS3(a, b, c)    .arg_count = 3, .args = {AT(a), AT(b), AT(c)},
#define ARGS4(a, b, c, d) .arg_count = 4, .args = {AT(a), AT(b), AT(c), AT(d)},
/* NOLINTBEGIN(bugprone-macro-parentheses): the arguments are a list of initialisers */
#define MVS_CALL(name_, group_, offset_, flags_, arguments_, statuses_) \
        [MVS_CALL_##name_] = {.name = #name_, .flags = (flags_), .statuses = (statuses_), arguments_.run = run_##name_},
/* NOLINTEND(bugprone-macro-parentheses) */

const struct mvs_call_desc mvs_calls[MVS_CALL_COUNT] = {
#include "src/calls.def"
};
#undef MVS_CALL
#undef ARGS0
#undef ARGS1
#undef ARGS2
#undef ARGS3
#undef ARGS4
#undef AT
#undef AT_
