#include <check.h>

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

void app_run(const struct mvt_app *app)
{
        mvsim_nvic_set_vector(app->irq, app->handler);
        if (app->exception != 0)
                mvsim_nvic_set_vector(app->exception, app->exception_handler);
        int line = app->main();
        ck_assert_msg(line == 0, "the application gave up in line %d (last refusal: %s)", line,
                      mvsim_last_reject()->message);
}
