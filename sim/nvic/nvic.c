#include "sim/nvic/nvic.h"

#include <stddef.h>

#define FAULTMASK_PRIORITY (-1)

static uint64_t bit(unsigned vector)
{
        return UINT64_C(1) << (vector % 64);
}

static bool test(const uint64_t *words, unsigned vector)
{
        return (words[vector / 64] & bit(vector)) != 0;
}

static void put(uint64_t *words, unsigned vector, bool on)
{
        if (on)
                words[vector / 64] |= bit(vector);
        else
                words[vector / 64] &= ~bit(vector);
}

void mvs_nvic_init(struct mvs_nvic *nvic)
{
        *nvic = (struct mvs_nvic){0};
        put(nvic->enabled, MVS_VECTOR_SVCALL, true);
        put(nvic->enabled, MVS_VECTOR_PENDSV, true);
        put(nvic->enabled, MVS_VECTOR_SYSTICK, true);
}

int mvs_nvic_vector(int32_t irq)
{
        int32_t vector = irq + MVS_VECTOR_IRQ;
        bool exists = irq >= 0 && irq < MVS_IRQ_COUNT;
        bool system = vector == MVS_VECTOR_SVCALL || vector == MVS_VECTOR_PENDSV || vector == MVS_VECTOR_SYSTICK;
        return exists || system ? (int)vector : -1;
}

void mvs_nvic_enable(struct mvs_nvic *nvic, unsigned vector, bool on)
{
        put(nvic->enabled, vector, on);
}

bool mvs_nvic_is_enabled(const struct mvs_nvic *nvic, unsigned vector)
{
        return test(nvic->enabled, vector);
}

bool mvs_nvic_pend(struct mvs_nvic *nvic, unsigned vector)
{
        bool was_pending = test(nvic->pending, vector);
        if (was_pending)
                nvic->exceptions[vector].shadowed++;
        else
                nvic->exceptions[vector].pends++;
        put(nvic->pending, vector, true);
        return !was_pending;
}

static void tell_line_free(struct mvs_nvic *nvic, unsigned vector)
{
        if (nvic->line_free && vector >= MVS_VECTOR_IRQ)
                nvic->line_free(nvic->line_free_context, vector - MVS_VECTOR_IRQ);
}

void mvs_nvic_clear(struct mvs_nvic *nvic, unsigned vector)
{
        if (!test(nvic->pending, vector))
                return;
        put(nvic->pending, vector, false);
        tell_line_free(nvic, vector);
}

bool mvs_nvic_is_pending(const struct mvs_nvic *nvic, unsigned vector)
{
        return test(nvic->pending, vector);
}

bool mvs_nvic_is_active(const struct mvs_nvic *nvic, unsigned vector)
{
        return test(nvic->active, vector);
}

/* ---- priorities ---- */

/* The part of a priority that decides about preemption. PRIGROUP counts bits of the 8-bit register, of which the upper
 * four exist: values up to 3 leave all of them to the group. */
static int group_of(const struct mvs_nvic *nvic, int priority)
{
        int sub_bits = nvic->grouping + 1 - (8 - MVS_PRIORITY_BITS);
        if (sub_bits <= 0)
                return priority;
        return (priority >> sub_bits) << sub_bits;
}

static int active_priority(const struct mvs_nvic *nvic)
{
        int most_urgent = MVS_PRIORITY_THREAD;
        for (unsigned word = 0; word < MVS_VECTOR_WORDS; word++) {
                for (uint64_t active = nvic->active[word]; active; active &= active - 1) {
                        unsigned vector = word * 64 + (unsigned)__builtin_ctzll(active);
                        int group = group_of(nvic, nvic->exceptions[vector].priority);
                        if (group < most_urgent)
                                most_urgent = group;
                }
        }
        return most_urgent;
}

static int raised(const struct mvs_nvic *nvic, bool primask)
{
        int priority = active_priority(nvic);
        if (nvic->basepri != 0 && group_of(nvic, nvic->basepri) < priority)
                priority = group_of(nvic, nvic->basepri);
        if (primask && priority > 0)
                priority = 0;
        return nvic->faultmask ? FAULTMASK_PRIORITY : priority;
}

int mvs_nvic_execution_priority(const struct mvs_nvic *nvic)
{
        return raised(nvic, nvic->primask);
}

/* Of the candidates in a word, the most urgent, unless `best` is as urgent. */
static int most_urgent_in(const struct mvs_nvic *nvic, unsigned word, uint64_t candidates, int best)
{
        for (; candidates; candidates &= candidates - 1) {
                int vector = (int)(word * 64) + __builtin_ctzll(candidates);
                if (best < 0 || nvic->exceptions[vector].priority < nvic->exceptions[best].priority)
                        best = vector;
        }
        return best;
}

/* Of what is enabled, pending and in the set, the most urgent; -1 without any. */
static int most_urgent_pending(const struct mvs_nvic *nvic, const uint64_t *set)
{
        uint64_t candidates[MVS_VECTOR_WORDS], any = 0;
        for (unsigned word = 0; word < MVS_VECTOR_WORDS; word++) {
                candidates[word] = nvic->enabled[word] & nvic->pending[word] & set[word];
                any |= candidates[word];
        }
        int best = -1;
        for (unsigned word = 0; any && word < MVS_VECTOR_WORDS; word++)
                best = most_urgent_in(nvic, word, candidates[word], best);
        return best;
}

static int select_above(const struct mvs_nvic *nvic, const uint64_t *set, bool primask)
{
        int best = most_urgent_pending(nvic, set);
        if (best < 0 || group_of(nvic, nvic->exceptions[best].priority) >= raised(nvic, primask))
                return -1;
        return best;
}

static const uint64_t everything[MVS_VECTOR_WORDS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};

int mvs_nvic_select(const struct mvs_nvic *nvic)
{
        return select_above(nvic, everything, nvic->primask);
}

int mvs_nvic_select_of(const struct mvs_nvic *nvic, const uint64_t set[MVS_VECTOR_WORDS])
{
        return select_above(nvic, set, nvic->primask);
}

int mvs_nvic_select_unmasked(const struct mvs_nvic *nvic)
{
        return select_above(nvic, everything, false);
}

/* ---- handlers ---- */

void mvs_nvic_enter(struct mvs_nvic *nvic, unsigned vector)
{
        put(nvic->pending, vector, false);
        put(nvic->active, vector, true);
        nvic->exceptions[vector].entries++;
}

void mvs_nvic_return(struct mvs_nvic *nvic, unsigned vector)
{
        put(nvic->active, vector, false);
        nvic->faultmask = false;
        tell_line_free(nvic, vector);
}

mvs_handler_fn *mvs_nvic_handler(const struct mvs_nvic *nvic, unsigned vector)
{
        mvs_handler_fn *handler = nvic->exceptions[vector].handler;
        return handler ? handler : mvs_vector_of(vector);
}
