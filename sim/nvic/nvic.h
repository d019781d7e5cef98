/*
 * The interrupt controller: 125 lines with enable, pending, active and priority, as an ARMv8-M NVIC keeps them.
 *
 * State only: which handler may run next is decided here, running it is the processor's part (sim/cpu). Everything is
 * done under the device lock.
 */
#ifndef MVS_NVIC_H
#define MVS_NVIC_H

#include <stdbool.h>
#include <stdint.h>

#define MVS_IRQ_COUNT       125
#define MVS_IRQ_WORDS       2
#define MVS_PRIORITY_LOWEST 15
#define MVS_PRIORITY_THREAD 256 /* execution priority of code that is no handler: below every interrupt */

typedef void mvs_handler_fn(void);

struct mvs_nvic_line {
        uint8_t priority;
        mvs_handler_fn *handler; /* set through NVIC_SetVector; NULL: the one of the line's CMSIS name */
        uint32_t pends;          /* times the line was pended while it was not pending */
        uint32_t shadowed;       /* times it was pended while it was pending already: merged, as on the device */
        uint32_t entries;        /* times its handler ran */
};

struct mvs_nvic {
        uint64_t enabled[MVS_IRQ_WORDS];
        uint64_t pending[MVS_IRQ_WORDS];
        uint64_t active[MVS_IRQ_WORDS];
        struct mvs_nvic_line lines[MVS_IRQ_COUNT];

        /* Told when a line's pend is over: its handler has returned, or the pend was cleared. Device lock held. */
        void (*line_free)(void *context, unsigned irq);
        void *line_free_context;
};

bool mvs_nvic_exists(int32_t irq);

void mvs_nvic_enable(struct mvs_nvic *nvic, unsigned irq, bool on);
bool mvs_nvic_is_enabled(const struct mvs_nvic *nvic, unsigned irq);
void mvs_nvic_pend(struct mvs_nvic *nvic, unsigned irq);
void mvs_nvic_clear(struct mvs_nvic *nvic, unsigned irq);
bool mvs_nvic_is_pending(const struct mvs_nvic *nvic, unsigned irq);
bool mvs_nvic_is_active(const struct mvs_nvic *nvic, unsigned irq);

/* The most urgent line that is enabled, pending, and more urgent than `priority`; -1 when there is none. Equal
 * priorities go by number. */
int mvs_nvic_select(const struct mvs_nvic *nvic, unsigned priority);

/* A line's handler is entered (its pending bit is cleared before it runs) / has returned. */
void mvs_nvic_enter(struct mvs_nvic *nvic, unsigned irq);
void mvs_nvic_return(struct mvs_nvic *nvic, unsigned irq);

/* The handler that the line would run; NULL when the application has none. */
mvs_handler_fn *mvs_nvic_handler(const struct mvs_nvic *nvic, unsigned irq);

/* ---- vectors.c ---- */

/* The application's function of the line's CMSIS name, or NULL; and the name itself ("TIM8_BRK"). */
mvs_handler_fn *mvs_vector_of(unsigned irq);
const char *mvs_irq_name(unsigned irq);

#endif
