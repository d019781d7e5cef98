/*
 * The interrupt controller: the exceptions of an ARMv8-M processor with enable, pending, active and priority.
 *
 * An exception is named by its vector: 16 + n for interrupt line n, 14 for PendSV, 15 for SysTick, as IPSR shows it.
 * State only: which handler may run next is decided here, running it is the processor's part (sim/cpu). Everything is
 * done under the device lock.
 */
#ifndef MVS_NVIC_H
#define MVS_NVIC_H

#include <stdbool.h>
#include <stdint.h>

#define MVS_IRQ_COUNT    125
#define MVS_VECTOR_IRQ   16 /* of line 0 */
#define MVS_VECTORS      (MVS_VECTOR_IRQ + MVS_IRQ_COUNT)
#define MVS_VECTOR_WORDS 3

#define MVS_VECTOR_SVCALL  11
#define MVS_VECTOR_PENDSV  14
#define MVS_VECTOR_SYSTICK 15

#define MVS_PRIORITY_BITS   4
#define MVS_PRIORITY_LOWEST 15
#define MVS_PRIORITY_THREAD 256 /* execution priority of code that is no handler: below every exception */

typedef void mvs_handler_fn(void);

struct mvs_exception {
        uint8_t priority;        /* 0 to 15 */
        mvs_handler_fn *handler; /* set through NVIC_SetVector; NULL: the one of the exception's CMSIS name */
        uint64_t pends;          /* times it was pended while it was not pending */
        uint64_t shadowed;       /* times it was pended while it was pending already: merged, as on the device */
        uint64_t entries;        /* times its handler ran */
        uint64_t longest_us;     /* its longest run, by the device's clock, what interrupted it included */
};

struct mvs_nvic {
        uint64_t enabled[MVS_VECTOR_WORDS];
        uint64_t pending[MVS_VECTOR_WORDS];
        uint64_t active[MVS_VECTOR_WORDS];
        struct mvs_exception exceptions[MVS_VECTORS];
        uint8_t grouping; /* AIRCR.PRIGROUP, 0 to 7 */

        /* The masks of the processor, which raise its execution priority. */
        bool primask;
        bool faultmask;
        uint8_t basepri; /* 0 to 15 as a priority; 0: off */

        /* Told when a line's pend is over: its handler has returned, or the pend was cleared. Device lock held. */
        void (*line_free)(void *context, unsigned irq);
        void *line_free_context;
};

/* A controller after reset: nothing enabled but what cannot be disabled. */
void mvs_nvic_init(struct mvs_nvic *nvic);

/* The vector of a CMSIS interrupt number; -1 for one that does not exist or that has no configurable priority. */
int mvs_nvic_vector(int32_t irq);

void mvs_nvic_enable(struct mvs_nvic *nvic, unsigned vector, bool on);
bool mvs_nvic_is_enabled(const struct mvs_nvic *nvic, unsigned vector);
/* True when it was not pending before. */
bool mvs_nvic_pend(struct mvs_nvic *nvic, unsigned vector);
void mvs_nvic_clear(struct mvs_nvic *nvic, unsigned vector);
bool mvs_nvic_is_pending(const struct mvs_nvic *nvic, unsigned vector);
bool mvs_nvic_is_active(const struct mvs_nvic *nvic, unsigned vector);

/*
 * The exception that is taken next: enabled, pending, and of a group priority more urgent than the execution priority;
 * -1 when there is none. Among several, the most urgent priority with its sub-priority counts, then the lower vector.
 */
int mvs_nvic_select(const struct mvs_nvic *nvic);

/* The same among the vectors of a set alone. */
int mvs_nvic_select_of(const struct mvs_nvic *nvic, const uint64_t set[MVS_VECTOR_WORDS]);

/* The one that would be taken if PRIMASK were 0: what wakes WFI. */
int mvs_nvic_select_unmasked(const struct mvs_nvic *nvic);

/* The execution priority: that of the most urgent active handler, raised by the masks. */
int mvs_nvic_execution_priority(const struct mvs_nvic *nvic);

/* A handler is entered (the pending bit is cleared before it runs) / has returned, which also clears FAULTMASK. */
void mvs_nvic_enter(struct mvs_nvic *nvic, unsigned vector);
void mvs_nvic_return(struct mvs_nvic *nvic, unsigned vector);

/* The handler that the exception would run; NULL when the application has none. */
mvs_handler_fn *mvs_nvic_handler(const struct mvs_nvic *nvic, unsigned vector);

/* ---- vectors.c ---- */

/* The application's function of the exception's CMSIS name, or NULL. */
mvs_handler_fn *mvs_vector_of(unsigned vector);

/* Its CMSIS name ("TIM8_BRK", "SysTick"); "?" for a vector without one. */
const char *mvs_vector_name(unsigned vector);

#endif
