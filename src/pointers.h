/* The pointers in structures, from pointers.def. */
#ifndef MVS_POINTERS_H
#define MVS_POINTERS_H

#include "src/call.h"

/*
 * May what the structure points to be accessed, each pointer in declared order? `structure` is the device's own copy of
 * the call's argument (`below` NULL) or of an element of the field `below`. Refuses as the list says, naming the field.
 */
enum MvStatus mvs_pointers_check(struct mvs_call *call, const char *below, const void *structure)
        __attribute__((warn_unused_result));

#endif
