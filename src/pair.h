/* The prototypes of every call's pair of check_ and do_ functions, for the files that define them and for calls.c. */
#ifndef MVS_PAIR_H
#define MVS_PAIR_H

#include "src/call.h"
#include "src/calls_args.h"

#define AT(...)                     AT_(__VA_ARGS__)
#define AT_(kind, type, name, more) TYPE_##kind(type)
#define ARGS0()
#define ARGS1(a)          , AT(a)
#define ARGS2(a, b)       , AT(a), AT(b)
#define ARGS3(a, b, c)    , AT(a), AT(b), AT(c)
#define ARGS4(a, b, c, d) , AT(a), AT(b), AT(c), AT(d)
#define MVS_CALL(name, group, offset, flags, arguments, statuses)        \
        enum MvStatus mvs_check_##name(struct mvs_call *call arguments); \
        enum MvStatus mvs_do_##name(struct mvs_call *call arguments);
#include "src/calls.def"
#undef MVS_CALL
#undef ARGS0
#undef ARGS1
#undef ARGS2
#undef ARGS3
#undef ARGS4
#undef AT
#undef AT_

#endif
