#include <check.h>
#include <string.h>

#include "app.h"
#include "mvsim/mvsim.h"

uint32_t app_delayed_ms;
void (*app_world)(void);

void HAL_Delay(uint32_t ms)
{
        mvsim_run_for(ms * UINT64_C(1000));
        app_delayed_ms += ms;
        if (app_world)
                app_world();
}

struct run {
        const struct mvt_app *app;
        int line; /* in which it gave up; 0: it did not */
};

static void run_main(void *context)
{
        struct run *run = context;
        run->line = run->app->main();
}

/* NULL: its life has not ended; else the call that ended it. */
static const char *run(const struct mvt_app *app)
{
        struct run run = {.app = app};
        struct mvsim_ending ending = {.call = NULL};
        mvsim_nvic_set_vector(app->irq, app->handler);
        if (app->exception != 0)
                mvsim_nvic_set_vector(app->exception, app->exception_handler);
        if (mvsim_catch(run_main, &run, &ending))
                return ending.call ? ending.call : "";
        ck_assert_msg(run.line == 0, "the application gave up in line %d (last refusal: %s)", run.line,
                      mvsim_last_reject()->message);
        return NULL;
}

void app_run(const struct mvt_app *app)
{
        const char *call = run(app);
        ck_assert_msg(call == NULL, "%s has ended the application's life", call);
}

void app_run_until(const struct mvt_app *app, const char *call)
{
        const char *ended_by = run(app);
        ck_assert_msg(ended_by && strcmp(ended_by, call) == 0, "%s has not ended the application's life", call);
}
