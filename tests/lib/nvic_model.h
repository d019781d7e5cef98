/*
 * A second interrupt controller, to hold the simulator's against: written from the rules of the Armv8-M architecture,
 * one array of flags a state, everything recomputed at every question. Priorities are in the register's units, 0 to
 * 255.
 */
#ifndef MVT_NVIC_MODEL_H
#define MVT_NVIC_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MVT_MODEL_VECTORS 141

/* What the model gets wrong on purpose, to see that the comparison notices. */
enum mvt_mistake {
        MVT_NO_MISTAKE,
        MVT_FAULTMASK_SURVIVES_RETURN,
        MVT_SUB_PRIORITY_PREEMPTS,
        MVT_SUB_PRIORITY_IGNORED,
        MVT_HIGHER_NUMBER_FIRST,
        MVT_BASEPRI_UNGROUPED,
        MVT_PEND_KEPT_ON_ENTRY,
        MVT_DISABLED_LINE_LOSES_PEND,
        MVT_PRIMASK_HIDES_FROM_WFI,
        MVT_MISTAKES,
};

struct mvt_model {
        enum mvt_mistake mistake;
        bool enabled[MVT_MODEL_VECTORS], pending[MVT_MODEL_VECTORS], active[MVT_MODEL_VECTORS];
        int priority[MVT_MODEL_VECTORS];
        int prigroup;
        int basepri;
        bool primask, faultmask;
};

void mvt_model_init(struct mvt_model *ret, enum mvt_mistake mistake);

/* 256: nothing holds anything back. */
int mvt_model_execution_priority(const struct mvt_model *model);

/* The exception that is taken next, or -1; with `ignore_primask`, the one that wakes WFI. */
int mvt_model_next(const struct mvt_model *model, bool ignore_primask);

void mvt_model_enable(struct mvt_model *model, int vector, bool on);
void mvt_model_enter(struct mvt_model *model, int vector);
void mvt_model_return(struct mvt_model *model, int vector);

#endif
