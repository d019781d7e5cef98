/*
 * The interrupt controller against the model of lib/nvic_model.h, by random steps. When they differ, the steps are made
 * as few as possible and printed.
 *
 * MVSIM_MODEL_SEEDS is how many seeds to try, MVSIM_MODEL_SEED the first of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/nvic/nvic.h"
#include "sim/random.h"

#include "lib/device.h"
#include "lib/nvic_model.h"
#include "suite.h"
#include "tools.h"

#define STEPS_USUAL 1000000U
#define STEPS_LEAST 20000U
#define SEEDS_USUAL 3U
#define TEXT_SIZE   8192

enum op {
        PEND,
        CLEAR,
        ENABLE,
        DISABLE,
        PRIORITY,
        GROUPING,
        PRIMASK,
        FAULTMASK,
        BASEPRI,
        ENTER,
        RETURN,
        OPS,
};

static const struct {
        const char *name;
        unsigned weight;
} ops[OPS] = {
        [PEND] = {"pend", 20},      [CLEAR] = {"clear", 3},         [ENABLE] = {"enable", 8},
        [DISABLE] = {"disable", 3}, [PRIORITY] = {"priority", 6},   [GROUPING] = {"grouping", 1},
        [PRIMASK] = {"primask", 2}, [FAULTMASK] = {"faultmask", 2}, [BASEPRI] = {"basepri", 2},
        [ENTER] = {"enter", 24},    [RETURN] = {"return", 16},
};

struct step {
        uint8_t op, vector, value;
};

/* Few, so that they meet often; the ends of the words that the controller keeps them in are among them. */
static const uint8_t vectors[] = {11, 14, 15, 16, 62, 63, 64, 65, 127, 128, 140};
#define VECTORS (sizeof vectors / sizeof vectors[0])

/* ---- both at once ---- */

struct pair {
        struct mvs_nvic nvic;
        struct mvt_model model;
        uint8_t stack[MVS_VECTORS];
        unsigned depth;
        unsigned freed, free_expected; /* how often a line's pend was over */
        uint64_t pends, shadowed, entries;
        char difference[128];
};

static void count_free(void *context, unsigned irq)
{
        struct pair *pair = context;
        (void)irq;
        pair->freed++;
}

static void pair_init(struct pair *ret, enum mvt_mistake mistake)
{
        memset(ret, 0, sizeof *ret);
        mvs_nvic_init(&ret->nvic);
        ret->nvic.line_free = count_free;
        ret->nvic.line_free_context = ret;
        mvt_model_init(&ret->model, mistake);
}

static void pend(struct pair *pair, unsigned vector)
{
        mvs_nvic_pend(&pair->nvic, vector);
        if (pair->model.pending[vector])
                pair->shadowed++;
        else
                pair->pends++;
        pair->model.pending[vector] = true;
}

static void clear(struct pair *pair, unsigned vector)
{
        mvs_nvic_clear(&pair->nvic, vector);
        pair->free_expected += pair->model.pending[vector] && vector >= 16;
        pair->model.pending[vector] = false;
}

static void enter(struct pair *pair)
{
        int next = mvt_model_next(&pair->model, false);
        if (next < 0)
                return;
        pair->stack[pair->depth++] = (uint8_t)next;
        pair->entries++;
        mvs_nvic_enter(&pair->nvic, (unsigned)next);
        mvt_model_enter(&pair->model, next);
}

static void leave(struct pair *pair)
{
        if (pair->depth == 0)
                return;
        uint8_t vector = pair->stack[--pair->depth];
        pair->free_expected += vector >= 16;
        mvs_nvic_return(&pair->nvic, vector);
        mvt_model_return(&pair->model, vector);
}

static void set_mask(struct pair *pair, const struct step *step)
{
        switch ((enum op)step->op) {
        case GROUPING:
                pair->nvic.grouping = step->value & 7;
                pair->model.prigroup = step->value & 7;
                break;
        case PRIMASK: pair->nvic.primask = pair->model.primask = step->value & 1; break;
        case FAULTMASK: pair->nvic.faultmask = pair->model.faultmask = step->value & 1; break;
        default: pair->nvic.basepri = step->value & 15; pair->model.basepri = (step->value & 15) << 4;
        }
}

static void take(struct pair *pair, const struct step *step)
{
        unsigned vector = step->vector;
        bool can_switch = vector >= 16; /* system exceptions are always enabled */
        switch ((enum op)step->op) {
        case PEND: pend(pair, vector); break;
        case CLEAR: clear(pair, vector); break;
        case ENABLE:
        case DISABLE:
                if (!can_switch)
                        break;
                mvs_nvic_enable(&pair->nvic, vector, step->op == ENABLE);
                mvt_model_enable(&pair->model, (int)vector, step->op == ENABLE);
                break;
        case PRIORITY:
                pair->nvic.exceptions[vector].priority = step->value & 15;
                pair->model.priority[vector] = (step->value & 15) << 4;
                break;
        case ENTER: enter(pair); break;
        case RETURN: leave(pair); break;
        default: set_mask(pair, step);
        }
}

/* ---- the comparison ---- */

static bool same(struct pair *pair, const char *what, unsigned vector, long found, long expected)
{
        if (found != expected)
                snprintf(pair->difference, sizeof pair->difference, "%s (vector %u): %ld, the model says %ld", what,
                         vector, found, expected);
        return found == expected;
}

static bool same_state(struct pair *pair, unsigned vector)
{
        const struct mvt_model *model = &pair->model;
        return same(pair, "enabled", vector, mvs_nvic_is_enabled(&pair->nvic, vector), model->enabled[vector]) &&
               same(pair, "pending", vector, mvs_nvic_is_pending(&pair->nvic, vector), model->pending[vector]) &&
               same(pair, "active", vector, mvs_nvic_is_active(&pair->nvic, vector), model->active[vector]);
}

static bool same_counts(struct pair *pair)
{
        uint64_t pends = 0, shadowed = 0, entries = 0;
        for (unsigned vector = 0; vector < MVS_VECTORS; vector++) {
                pends += pair->nvic.exceptions[vector].pends;
                shadowed += pair->nvic.exceptions[vector].shadowed;
                entries += pair->nvic.exceptions[vector].entries;
        }
        return same(pair, "pends counted", 0, (long)pends, (long)pair->pends) &&
               same(pair, "shadowed pends counted", 0, (long)shadowed, (long)pair->shadowed) &&
               same(pair, "entries counted", 0, (long)entries, (long)pair->entries) &&
               same(pair, "pends that were over", 0, pair->freed, pair->free_expected);
}

static int in_register(int priority)
{
        return priority < 0 || priority == MVS_PRIORITY_THREAD ? priority : priority << 4;
}

static bool same_everywhere(struct pair *pair, const struct step *step)
{
        const struct mvs_nvic *nvic = &pair->nvic;
        const struct mvt_model *model = &pair->model;
        return same(pair, "execution priority", 0, in_register(mvs_nvic_execution_priority(nvic)),
                    mvt_model_execution_priority(model)) &&
               same(pair, "taken next", 0, mvs_nvic_select(nvic), mvt_model_next(model, false)) &&
               same(pair, "wakes WFI", 0, mvs_nvic_select_unmasked(nvic), mvt_model_next(model, true)) &&
               same(pair, "FAULTMASK", 0, nvic->faultmask, model->faultmask) && same_state(pair, step->vector) &&
               (!pair->depth || same_state(pair, pair->stack[pair->depth - 1]));
}

/* ---- runs ---- */

/* How many steps it takes until they differ; 0: they do not. */
static size_t run(struct pair *pair, enum mvt_mistake mistake, const struct step *steps, size_t count)
{
        pair_init(pair, mistake);
        for (size_t i = 0; i < count; i++) {
                take(pair, &steps[i]);
                if (!same_everywhere(pair, &steps[i]))
                        return i + 1;
        }
        return same_counts(pair) ? 0 : count;
}

static uint8_t random_op(struct mvs_random *random)
{
        unsigned total = 0;
        for (unsigned op = 0; op < OPS; op++)
                total += ops[op].weight;
        unsigned at = (unsigned)(mvs_random_next(random) % total);
        uint8_t op = 0;
        for (; at >= ops[op].weight; op++)
                at -= ops[op].weight;
        return op;
}

/* What holds everything back is mostly lifted, or nothing would happen. */
static uint8_t random_value(struct mvs_random *random, uint8_t op)
{
        bool mask = op == PRIMASK || op == FAULTMASK || op == BASEPRI;
        if (mask && mvs_random_next(random) % 3 != 0)
                return 0;
        return (uint8_t)(mvs_random_next(random) % 16);
}

static struct step *random_steps(uint64_t seed, size_t count)
{
        struct mvs_random random;
        struct step *steps = malloc(count * sizeof *steps);
        ck_assert_ptr_nonnull(steps);
        mvs_random_init(&random, seed);
        for (size_t i = 0; i < count; i++) {
                steps[i].op = random_op(&random);
                steps[i].vector = vectors[mvs_random_next(&random) % VECTORS];
                steps[i].value = random_value(&random, steps[i].op);
        }
        return steps;
}

/* Leaves out what is not needed for a difference: halves, quarters, ..., single steps, until nothing can go. */
static size_t shrink(struct pair *pair, enum mvt_mistake mistake, struct step *steps, size_t count)
{
        struct step *fewer = malloc(count * sizeof *fewer);
        ck_assert_ptr_nonnull(fewer);
        for (size_t part = count / 2; part > 0;) {
                bool shorter = false;
                for (size_t at = 0; at + part <= count;) {
                        memcpy(fewer, steps, at * sizeof *steps);
                        memcpy(fewer + at, steps + at + part, (count - at - part) * sizeof *steps);
                        size_t differ = run(pair, mistake, fewer, count - part);
                        if (differ) {
                                memcpy(steps, fewer, differ * sizeof *steps);
                                count = differ;
                                shorter = true;
                        } else {
                                at += part;
                        }
                }
                part = part > 1 ? part / 2 : shorter;
        }
        free(fewer);
        return count;
}

static void describe(char *text, size_t size, const struct step *steps, size_t count)
{
        size_t used = 0;
        for (size_t i = 0; i < count && used < size; i++)
                used += (size_t)snprintf(text + used, size - used, "\n  %s %u %u", ops[steps[i].op].name,
                                         steps[i].vector, steps[i].value);
}

/* Fails the test when they differ, with the fewest steps that make them. */
static void compare(uint64_t seed)
{
        static struct pair pair;
        static char text[TEXT_SIZE];
        size_t count = mvt_rounds(STEPS_USUAL, STEPS_LEAST);
        struct step *steps = random_steps(seed, count);
        size_t differ = run(&pair, MVT_NO_MISTAKE, steps, count);
        if (differ) {
                differ = shrink(&pair, MVT_NO_MISTAKE, steps, differ);
                run(&pair, MVT_NO_MISTAKE, steps, differ);
                describe(text, sizeof text, steps, differ);
                ck_abort_msg("seed %llu: %s, after (operation, vector, value):%s", (unsigned long long)seed,
                             pair.difference, text);
        }
        free(steps);
}

static unsigned setting(const char *name, unsigned usual)
{
        const char *text = getenv(name);
        return text ? (unsigned)strtoul(text, NULL, 10) : usual;
}

START_TEST(controller_does_what_the_architecture_says)
{
        unsigned first = setting("MVSIM_MODEL_SEED", 1);
        unsigned seeds = setting("MVSIM_MODEL_SEEDS", SEEDS_USUAL);
        for (unsigned seed = first; seed - first < seeds; seed++)
                compare(seed);
}
END_TEST

START_TEST(comparison_notices_a_mistake_and_shows_it_in_few_steps)
{
        static struct pair pair;
        size_t count = STEPS_LEAST;
        struct step *steps = random_steps(1, count);
        size_t differ = run(&pair, (enum mvt_mistake)_i, steps, count);
        ck_assert_uint_gt(differ, 0);
        differ = shrink(&pair, (enum mvt_mistake)_i, steps, differ);
        ck_assert_uint_gt(run(&pair, (enum mvt_mistake)_i, steps, differ), 0);
        ck_assert_uint_le(differ, 8);
        free(steps);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("nvic_model");
        TCase *tests = tcase_create("nvic_model");
        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, controller_does_what_the_architecture_says);
        tcase_add_loop_test(tests, comparison_notices_a_mistake_and_shows_it_in_few_steps, MVT_NO_MISTAKE + 1,
                            MVT_MISTAKES);
        suite_add_tcase(suite, tests);
        return suite;
}
