#include "sim/nvic/nvic.h"

#include <stddef.h>

static uint64_t bit(unsigned irq)
{
        return UINT64_C(1) << (irq % 64);
}

static bool test(const uint64_t *words, unsigned irq)
{
        return (words[irq / 64] & bit(irq)) != 0;
}

static void put(uint64_t *words, unsigned irq, bool on)
{
        if (on)
                words[irq / 64] |= bit(irq);
        else
                words[irq / 64] &= ~bit(irq);
}

bool mvs_nvic_exists(int32_t irq)
{
        return irq >= 0 && irq < MVS_IRQ_COUNT;
}

void mvs_nvic_enable(struct mvs_nvic *nvic, unsigned irq, bool on)
{
        put(nvic->enabled, irq, on);
}

bool mvs_nvic_is_enabled(const struct mvs_nvic *nvic, unsigned irq)
{
        return test(nvic->enabled, irq);
}

void mvs_nvic_pend(struct mvs_nvic *nvic, unsigned irq)
{
        if (test(nvic->pending, irq))
                nvic->lines[irq].shadowed++;
        else
                nvic->lines[irq].pends++;
        put(nvic->pending, irq, true);
}

void mvs_nvic_clear(struct mvs_nvic *nvic, unsigned irq)
{
        if (!test(nvic->pending, irq))
                return;
        put(nvic->pending, irq, false);
        if (nvic->line_free)
                nvic->line_free(nvic->line_free_context, irq);
}

bool mvs_nvic_is_pending(const struct mvs_nvic *nvic, unsigned irq)
{
        return test(nvic->pending, irq);
}

bool mvs_nvic_is_active(const struct mvs_nvic *nvic, unsigned irq)
{
        return test(nvic->active, irq);
}

int mvs_nvic_select(const struct mvs_nvic *nvic, unsigned priority)
{
        int best = -1;
        for (unsigned word = 0; word < MVS_IRQ_WORDS; word++) {
                uint64_t candidates = nvic->enabled[word] & nvic->pending[word];
                for (; candidates; candidates &= candidates - 1) {
                        unsigned irq = word * 64 + (unsigned)__builtin_ctzll(candidates);
                        if (nvic->lines[irq].priority < priority) {
                                priority = nvic->lines[irq].priority;
                                best = (int)irq;
                        }
                }
        }
        return best;
}

void mvs_nvic_enter(struct mvs_nvic *nvic, unsigned irq)
{
        put(nvic->pending, irq, false);
        put(nvic->active, irq, true);
        nvic->lines[irq].entries++;
}

void mvs_nvic_return(struct mvs_nvic *nvic, unsigned irq)
{
        put(nvic->active, irq, false);
        if (nvic->line_free)
                nvic->line_free(nvic->line_free_context, irq);
}

mvs_handler_fn *mvs_nvic_handler(const struct mvs_nvic *nvic, unsigned irq)
{
        return nvic->lines[irq].handler ? nvic->lines[irq].handler : mvs_vector_of(irq);
}
