#include "src/pointers.h"

#include <string.h>

#define ONE_ELEMENT SIZE_MAX

struct pointer {
        enum mvs_call_number call;
        const char *field;
        const char *below;
        size_t offset;
        size_t unit;         /* bytes that each of what is counted takes */
        size_t count_offset; /* of the member that counts, 32 bits; ONE_ELEMENT: nothing does */
        bool may_be_null;
        enum mvs_access access;
        enum MvStatus refusal;
};

#define UNIT_BYTES(type, member)     1
#define UNIT_ITEMS(type, member)     (sizeof *((type *)0)->member)
#define UNIT_ONE(type, member)       (sizeof *((type *)0)->member)
#define UNIT_OPTIONAL(type, member)  (sizeof *((type *)0)->member)
#define COUNT_BYTES(type, length)    offsetof(type, length)
#define COUNT_ITEMS(type, length)    offsetof(type, length)
#define COUNT_ONE(type, length)      ONE_ELEMENT
#define COUNT_OPTIONAL(type, length) ONE_ELEMENT
#define MAY_BE_NULL_BYTES            false
#define MAY_BE_NULL_ITEMS            false
#define MAY_BE_NULL_ONE              false
#define MAY_BE_NULL_OPTIONAL         true
#define MVS_POINTER(call_, field_, below_, structure, member, access_, kind, length, refusal_) \
        {                                                                                      \
                .call = MVS_CALL_##call_,                                                      \
                .field = (field_),                                                             \
                .below = (below_),                                                             \
                .offset = offsetof(struct structure, member),                                  \
                .unit = UNIT_##kind(struct structure, member),                                 \
                .count_offset = COUNT_##kind(struct structure, length),                        \
                .may_be_null = MAY_BE_NULL_##kind,                                             \
                .access = MVS_##access_,                                                       \
                .refusal = MV_STATUS_##refusal_,                                               \
        },

static const struct pointer pointers[] = {
#include "src/pointers.def"
};

static size_t length_of(const struct pointer *pointer, const void *structure)
{
        uint32_t count = 1;
        if (pointer->count_offset != ONE_ELEMENT)
                memcpy(&count, (const char *)structure + pointer->count_offset, sizeof count);
        return count * pointer->unit;
}

static bool stands_below(const struct pointer *pointer, const char *below)
{
        return pointer->below && below ? strcmp(pointer->below, below) == 0 : pointer->below == below;
}

enum MvStatus mvs_pointers_check(struct mvs_call *call, const char *below, const void *structure)
{
        for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
                const struct pointer *pointer = &pointers[i];
                const void *address;
                if (pointer->call != call->number || !stands_below(pointer, below))
                        continue;
                memcpy(&address, (const char *)structure + pointer->offset, sizeof address);
                if (!address && pointer->may_be_null)
                        continue;
                if (!mvs_arg_access(call, pointer->refusal, pointer->field, address, length_of(pointer, structure),
                                    pointer->access))
                        return pointer->refusal;
        }
        return MV_STATUS_OKAY;
}
