/*
 * The exported functions, made from calls.def: the arguments travel as one block of cells with the call's number, the
 * result is one word, as through the veneers of the target.
 */
#include "src/call.h"
#include "src/calls_args.h"

#define PARAM(...)                     PARAM_(__VA_ARGS__)
#define PARAM_(kind, type, name, more) TYPE_##kind(type) name
#define CELL(...)                      CELL_(__VA_ARGS__)
#define CELL_(kind, type, name, more)  (uintptr_t)(name)

#define ARGS0() \
        (void)  \
        {       \
                const uintptr_t cells[] = {0};
#define ARGS1(a)   \
        (PARAM(a)) \
        {          \
                const uintptr_t cells[] = {CELL(a)};
#define ARGS2(a, b)          \
        (PARAM(a), PARAM(b)) \
        {                    \
                const uintptr_t cells[] = {CELL(a), CELL(b)};
#define ARGS3(a, b, c)                 \
        (PARAM(a), PARAM(b), PARAM(c)) \
        {                              \
                const uintptr_t cells[] = {CELL(a), CELL(b), CELL(c)};
#define ARGS4(a, b, c, d)                        \
        (PARAM(a), PARAM(b), PARAM(c), PARAM(d)) \
        {                                        \
                const uintptr_t cells[] = {CELL(a), CELL(b), CELL(c), CELL(d)};
#define MVS_CALL(name, group, offset, flags, arguments, statuses)                                                    \
        __attribute__((visibility("default"))) enum MvStatus name arguments return mvs_gate(MVS_CALL_##name, cells); \
        }

/* clang-format off */
#include "src/calls.def"
