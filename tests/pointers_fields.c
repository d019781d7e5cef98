/* Pointers in structures, and in what these point to: made from the list of them, src/pointers.def. */
#include <string.h>

#include "lib/device.h"
#include "pointers.h"

#define ONE_ELEMENT   SIZE_MAX
#define DEPTH_MAX     4
#define ELEMENTS_SIZE 256

struct nested {
        const char *call;
        const char *field;
        const char *below;
        size_t offset;
        size_t unit;
        size_t count_offset;
        bool written;
        bool lent; /* memory lent already has a status of its own */
        bool may_be_null;
        enum MvStatus refusal;
};

#define WRITTEN_READ                 false
#define WRITTEN_WRITE                true
#define WRITTEN_LEND                 true
#define LENT_READ                    false
#define LENT_WRITE                   false
#define LENT_LEND                    true
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
#define MVS_POINTER(call_, field_, below_, structure, member, access, kind, length, refusal_) \
        {#call_,                                                                              \
         field_,                                                                              \
         below_,                                                                              \
         offsetof(struct structure, member),                                                  \
         UNIT_##kind(struct structure, member),                                               \
         COUNT_##kind(struct structure, length),                                              \
         WRITTEN_##access,                                                                    \
         LENT_##access,                                                                       \
         MAY_BE_NULL_##kind,                                                                  \
         MV_STATUS_##refusal_},
static const struct nested nested[] = {
#include "src/pointers.def"
};

#define NESTED ((int)(sizeof nested / sizeof nested[0]))

static size_t nested_len(const struct nested *at, const uint8_t *structure)
{
        uint32_t count = 1;
        if (at->count_offset != ONE_ELEMENT)
                memcpy(&count, structure + at->count_offset, sizeof count);
        ck_assert_msg(count > 0, "%s of %s is empty: tell good_struct() of one that is not", at->field, at->call);
        return count * at->unit;
}

static const struct nested *find_nested(const char *call, const char *field)
{
        const struct nested *at = nested;
        while (strcmp(at->call, call) != 0 || strcmp(at->field, field) != 0)
                ck_assert_msg(++at < nested + NESTED, "pointers.def: %s has no %s", call, field);
        return at;
}

/* The structure that has the pointer: the argument itself, or the last of the elements in which it stands. Those on the
 * way are copied first, since it is to be spoilt. */
static uint8_t *holder(const struct nested *at, uint8_t *argument, unsigned depth)
{
        static uint8_t elements[DEPTH_MAX][ELEMENTS_SIZE] __attribute__((aligned(16)));
        if (!at->below)
                return argument;
        const struct nested *outer = find_nested(at->call, at->below);
        uint8_t *structure = holder(outer, argument, depth + 1);
        const void *source;
        const void *copy = elements[depth];
        size_t len = nested_len(outer, structure);
        ck_assert(depth < DEPTH_MAX && len <= ELEMENTS_SIZE);
        memcpy(&source, structure + outer->offset, sizeof source);
        memcpy(elements[depth], source, len);
        memcpy(structure + outer->offset, &copy, sizeof copy);
        return elements[depth] + len - outer->unit;
}

static unsigned structure_of(const struct mvt_call *call)
{
        unsigned index = 0;
        while (call->args[index].kind != MVT_ARG_IN)
                ck_assert_uint_lt(++index, call->arg_count);
        return index;
}

static void try_nested(const struct mvt_call *call, const struct nested *at, const struct mvt_wrong *wrong)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        mvt_good_cells(call, at->field, cells);
        uint8_t *structure = holder(at, mvt_good_room[structure_of(call)], 0);
        size_t len = nested_len(at, structure);
        if (len == 1 && wrong->flags & MVT_WRONG_TWO_BYTES)
                return;
        uintptr_t address = wrong->address(len);
        memcpy(structure + at->offset, &address, sizeof address);
        mvt_wrong_expect_refused(call, cells, at->refusal, at->field, wrong);
        ck_assert(at->refusal == MV_STATUS_LATEFAULT || mvt_good_pointees_are_untouched());
        if (at->refusal == MV_STATUS_LATEFAULT && !at->written)
                mvt_good_replace_channel((MvChannelHandle)cells[0]);
}

static bool applies_nested(const struct mvt_wrong *wrong, const struct nested *at)
{
        return !((wrong->flags & MVT_WRONG_WRITTEN) && !at->written) &&
               !((wrong->flags & MVT_WRONG_LENDABLE) && at->lent) &&
               !((wrong->flags & MVT_WRONG_NULL) && at->may_be_null);
}

/* There has to be something to read: test_mqtt_refusals.c tries these, from the same list. */
static bool reads_an_item(const struct nested *at)
{
        return strncmp(at->call, "mvMqttRe", 8) == 0 && at->written;
}

START_TEST(bad_pointer_in_a_structure_is_refused_by_name)
{
        const struct nested *at = &nested[_i];
        if (reads_an_item(at))
                return;
        const struct mvt_call *call = mvt_calls;
        while (strcmp(call->name, at->call) != 0)
                ck_assert(++call < mvt_calls + mvt_call_count);
        for (size_t i = 0; i < mvt_wrong_count; i++) {
                if (applies_nested(&mvt_wrongs[i], at))
                        try_nested(call, at, &mvt_wrongs[i]);
        }
}
END_TEST

void mvt_pointers_add_fields(TCase *tests)
{
        tcase_add_loop_test(tests, bad_pointer_in_a_structure_is_refused_by_name, 0, NESTED);
}
