#include "nvic_model.h"

#include <string.h>

void mvt_model_init(struct mvt_model *ret, enum mvt_mistake mistake)
{
        memset(ret, 0, sizeof *ret);
        ret->mistake = mistake;
        ret->enabled[11] = ret->enabled[14] = ret->enabled[15] = true; /* SVCall, PendSV, SysTick */
}

/* PRIGROUP is how many bits of the register's byte are the sub-priority's, less one. */
static int group_priority(const struct mvt_model *model, int priority)
{
        int group_size = 2 << model->prigroup;
        return model->mistake == MVT_SUB_PRIORITY_PREEMPTS ? priority : priority - priority % group_size;
}

static int lower(int a, int b)
{
        return a < b ? a : b;
}

static int priority_with(const struct mvt_model *model, bool primask)
{
        int priority = 256;
        for (int vector = 0; vector < MVT_MODEL_VECTORS; vector++) {
                if (model->active[vector])
                        priority = lower(priority, group_priority(model, model->priority[vector]));
        }
        if (model->basepri != 0 && model->mistake == MVT_BASEPRI_UNGROUPED)
                priority = lower(priority, model->basepri);
        else if (model->basepri != 0)
                priority = lower(priority, group_priority(model, model->basepri));
        if (primask)
                priority = lower(priority, 0);
        if (model->faultmask)
                priority = lower(priority, -1);
        return priority;
}

int mvt_model_execution_priority(const struct mvt_model *model)
{
        return priority_with(model, model->primask);
}

/* Whether `a` goes before `b`: by group, then by sub-priority, then by number. */
static bool goes_before(const struct mvt_model *model, int a, int b)
{
        int group_a = group_priority(model, model->priority[a]), group_b = group_priority(model, model->priority[b]);
        if (group_a != group_b)
                return group_a < group_b;
        if (model->priority[a] != model->priority[b] && model->mistake != MVT_SUB_PRIORITY_IGNORED)
                return model->priority[a] < model->priority[b];
        return model->mistake == MVT_HIGHER_NUMBER_FIRST ? a > b : a < b;
}

int mvt_model_next(const struct mvt_model *model, bool ignore_primask)
{
        int next = -1;
        for (int vector = 0; vector < MVT_MODEL_VECTORS; vector++) {
                if (!model->enabled[vector] || !model->pending[vector])
                        continue;
                if (next < 0 || goes_before(model, vector, next))
                        next = vector;
        }
        bool primask = model->primask && (!ignore_primask || model->mistake == MVT_PRIMASK_HIDES_FROM_WFI);
        if (next < 0 || group_priority(model, model->priority[next]) >= priority_with(model, primask))
                return -1;
        return next;
}

void mvt_model_enable(struct mvt_model *model, int vector, bool on)
{
        model->enabled[vector] = on;
        if (!on && model->mistake == MVT_DISABLED_LINE_LOSES_PEND)
                model->pending[vector] = false;
}

void mvt_model_enter(struct mvt_model *model, int vector)
{
        model->active[vector] = true;
        model->pending[vector] = model->mistake == MVT_PEND_KEPT_ON_ENTRY;
}

void mvt_model_return(struct mvt_model *model, int vector)
{
        model->active[vector] = false;
        if (model->mistake != MVT_FAULTMASK_SURVIVES_RETURN)
                model->faultmask = false;
}
