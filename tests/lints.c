#include "lints.h"

#include <stdio.h>
#include <string.h>

#include "apps/app.h"
#include "nginx.h"

struct mvt_lints mvt_lints;
char mvt_lints_profile[512];

static struct mvt_nginx nginx;

/* ---- what was found ---- */

void mvt_lints_expect_none(void)
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        for (unsigned i = 0; finding && finding->level == MVSIM_LINT_NOTE; i++)
                finding = mvsim_finding(i + 1);
        ck_assert_msg(finding == NULL, "%s: %s", finding->id, finding->message);
        ck_assert_uint_eq(mvsim_findings(NULL), 0);
}

void mvt_lints_expect_found(const char *id, unsigned count, const char *const words[])
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        ck_assert_msg(finding != NULL, "nothing was found");
        ck_assert_str_eq(finding->id, id);
        ck_assert_uint_eq(finding->count, count);
        ck_assert_uint_eq(mvsim_findings(id), count);
        for (; *words; words++)
                ck_assert_msg(strstr(finding->message, *words), "\"%s\" is not in: %s", *words, finding->message);
        ck_assert_ptr_null(mvsim_finding(1));
}

/* ---- handlers ---- */

void mvt_lints_reads_one(void)
{
        mvt_lints.entries = mvt_lints.entries + 1;
        mvt_lints.ring[mvt_lints.place].event_type = MV_EVENTTYPE_NOEVENT;
        mvt_lints.place = (mvt_lints.place + 1) % MVT_LINTS_SLOTS;
}

void mvt_lints_reads_all(void)
{
        mvt_lints.entries = mvt_lints.entries + 1;
        while (mvt_lints.ring[mvt_lints.place].event_type != MV_EVENTTYPE_NOEVENT) {
                mvt_lints.ring[mvt_lints.place].event_type = MV_EVENTTYPE_NOEVENT;
                mvt_lints.place = (mvt_lints.place + 1) % MVT_LINTS_SLOTS;
        }
}

void mvt_lints_clears_a_copy(void)
{
        struct MvNotification copy = mvt_lints.ring[mvt_lints.place];
        copy.event_type = MV_EVENTTYPE_NOEVENT;
        mvt_lints.place = (mvt_lints.place + (copy.event_type == MV_EVENTTYPE_NOEVENT)) % MVT_LINTS_SLOTS;
        mvt_lints.entries = mvt_lints.entries + 1;
}

void mvt_lints_calls(void)
{
        mvt_lints_reads_one();
        mvNoOp();
}

void mvt_lints_open(void (*handler)(void))
{
        mvt_lints.place = 0;
        mvt_lints.entries = 0;
        mvsim_nvic_set_vector(MVT_LINTS_IRQ, handler);
        mvt_lints.centre = mvt_centre_open(MVT_LINTS_IRQ, mvt_lints.ring, MVT_LINTS_SLOTS);
}

void mvt_lints_post(unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                expect_okay(mvTempTriggerNotification(mvt_lints.centre, MV_EVENTTYPE_CHANNELDATAREADABLE, 7));
}

/* ---- fixtures ---- */

void mvt_lints_start_server(void)
{
        mvt_online_prepare();
        mvt_nginx_start(&nginx, NULL, "location = /ok { return 200 \"hello\"; }\n");
        snprintf(mvt_lints_profile, sizeof mvt_lints_profile,
                 "network: {connect_ms: 20}\ntime: {spin_ms: 60000, call_us: 40}\n"
                 "http: {rewrite: [{from: '" APP_URL "', to: 'http://127.0.0.1:%u'}]}\n"
                 "cloud: {config: {device: {url: " APP_URL "/ok}}}\n",
                 nginx.port);
}

void mvt_lints_stop_server(void)
{
        mvt_nginx_finish(&nginx);
}

void mvt_lints_boot_online(void)
{
        mvt_lints_start_server();
        mvt_online_boot(&(struct mvt_device){.profile = mvt_lints_profile});
}

void mvt_lints_end_online(void)
{
        mvt_online_end();
        mvt_lints_stop_server();
}

TCase *mvt_lints_case(Suite *suite, const char *name, void (*boot)(void), void (*end)(void))
{
        TCase *tests = tcase_create(name);
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, boot, end);
        suite_add_tcase(suite, tests);
        return tests;
}
