/*
 * The usage checker: for each finding an application that has the fault and one that has not, in the parts lints_*.c.
 * Virtual time.
 */
#include "apps/app.h"
#include "lints.h"
#include "suite.h"

/* ---- applications that are right ---- */

static void an_outage(void)
{
        if (app_delayed_ms == 200)
                mvsim_network_down(MVSIM_OUTAGE_LINK);
        if (app_delayed_ms == 20200)
                mvsim_network_up();
}

static const struct mvt_app *const apps[] = {&app_first_things, &app_http_requests, &app_polling,
                                             &app_one_centre,   &app_recovering,    &app_waiting};

/* Those that never see the network go need it throughout. */
static bool bears_an_outage(const struct mvt_app *app)
{
        return app == &app_one_centre || app == &app_recovering;
}

START_TEST(applications_that_work_have_no_finding)
{
        const struct mvt_app *app = apps[_i];
        app_delayed_ms = 0;
        app_world = bears_an_outage(app) ? an_outage : NULL;
        mvt_device_boot(&(struct mvt_device){.profile = mvt_lints_profile});
        app_run(app);
        mvt_lints_expect_none();
        mvt_device_end();
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("lints");
        mvt_lints_add_rings(suite);
        mvt_lints_add_calls(suite);
        mvt_lints_add_resources(suite);
        mvt_lints_add_patience(suite);
        mvt_lints_add_written(suite);
        mvt_lints_add_opaque(suite);
        TCase *tests = mvt_lints_case(suite, "applications", mvt_lints_start_server, mvt_lints_stop_server);
        tcase_add_loop_test(tests, applications_that_work_have_no_finding, 0, sizeof apps / sizeof apps[0]);
        return suite;
}
