#include "calls.h"

#include "src/calls_args.h"

/* ---- the calls, from cells ---- */

#define AT(index, ...)                     AT_(index, __VA_ARGS__)
#define AT_(index, kind, type, name, more) (TYPE_##kind(type)) cells[index]
#define ARGS0()                            ()
#define ARGS1(a)                           (AT(0, a))
#define ARGS2(a, b)                        (AT(0, a), AT(1, b))
#define ARGS3(a, b, c)                     (AT(0, a), AT(1, b), AT(2, c))
#define ARGS4(a, b, c, d)                  (AT(0, a), AT(1, b), AT(2, c), AT(3, d))
#define MVS_CALL(name, group, offset, flags, arguments, statuses)             \
        static enum MvStatus make_##name(const uintptr_t cells[MVT_ARGS_MAX]) \
        {                                                                     \
                (void)cells;                                                  \
                return name arguments;                                        \
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

/* 5 is the class of pointers, for gcc and clang. */
#define IS_POINTER(type) (__builtin_classify_type((type)0) == 5)

/* What a kind adds; only buffers add the name of an argument. */
#define MORE(more) #more

#define NOT_FROM_ISR 0
#define TEST_MODE    0
#define DEFERRED     0
#define MAY(status)  (UINT64_C(1) << MV_STATUS_##status)
#define SLIP(status) MAY(status)
#define NONE         UINT64_C(0)

#define AT(...) AT_(__VA_ARGS__)
#define AT_(kind_, type, name_, more)                                                                      \
        {                                                                                                  \
                .kind = MVT_ARG_##kind_, .name = #name_, .size = SIZE_##kind_(type), .length = MORE(more), \
                .is_pointer = IS_POINTER(TYPE_##kind_(type))                                               \
        }
#define ARGS0()           .arg_count = 0
#define ARGS1(a)          .arg_count = 1, .args = {AT(a)}
#define ARGS2(a, b)       .arg_count = 2, .args = {AT(a), AT(b)}
#define ARGS3(a, b, c)    .arg_count = 3, .args = {AT(a), AT(b), AT(c)}
#define ARGS4(a, b, c, d) .arg_count = 4, .args = {AT(a), AT(b), AT(c), AT(d)}
#define MVS_CALL(name_, group, offset, flags, arguments, statuses_) \
        {.name = #name_, .statuses = (statuses_), arguments, .make = make_##name_},

const struct mvt_call mvt_calls[] = {
#include "src/calls.def"
};

const int mvt_call_count = sizeof mvt_calls / sizeof mvt_calls[0];
