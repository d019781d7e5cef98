/*
 * Every pointer that an application can hand over, in every way that it can be wrong: refused, the pointer named, and
 * nothing done. Made from the lists of calls and of pointers in structures; a call that is added is tried without
 * another word here, or fails the test that wants good arguments for it.
 *
 * The good arguments are in pointers_good.c, the bad pointers in lib/wrong.c, what comes of them in pointers_wrong.c,
 * those in structures in pointers_fields.c.
 */
#include <string.h>

#include "lib/device.h"
#include "pointers.h"
#include "suite.h"

static void set_up(void)
{
        mvt_good_set_up();
        mvt_wrong_set_up();
}

static void tear_down(void)
{
        mvt_wrong_tear_down();
        mvt_good_tear_down();
}

static bool is_pointer(const struct mvt_arg *arg)
{
        return arg->kind != MVT_ARG_VALUE && arg->kind != MVT_ARG_REGISTER && arg->kind != MVT_ARG_HANDLE;
}

static bool is_written(enum mvt_arg_kind kind)
{
        return kind == MVT_ARG_OUT || kind == MVT_ARG_INOUT || kind == MVT_ARG_BUFFER_OUT || kind == MVT_ARG_LEND;
}

/* How many bytes the call reads or writes through the argument. */
static size_t reach(const struct mvt_call *call, unsigned index, const uintptr_t cells[MVT_ARGS_MAX])
{
        const struct mvt_arg *arg = &call->args[index];
        for (unsigned i = 0; arg->size == 0 && i < call->arg_count; i++) {
                if (strcmp(call->args[i].name, arg->length) == 0)
                        return cells[i];
        }
        return arg->size;
}

static void try_argument(const struct mvt_call *call, unsigned index, const struct mvt_wrong *wrong)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        mvt_good_cells(call, "", cells);
        cells[index] = wrong->address(reach(call, index, cells));
        mvt_wrong_expect_refused(call, cells, MV_STATUS_PARAMETERFAULT, call->args[index].name, wrong);
}

/* Memory lent already is BUFFERALREADYINUSE where it was to be lent again; the calls' own tests say so. */
static bool applies(const struct mvt_wrong *wrong, const struct mvt_call *call, const struct mvt_arg *arg)
{
        /* Where LATEFAULT is in the list, what can be read and not written is found when it is stored. */
        bool late = call->statuses >> MV_STATUS_LATEFAULT & 1;
        return !((wrong->flags & MVT_WRONG_WRITTEN) && (late || !is_written(arg->kind))) &&
               !((wrong->flags & MVT_WRONG_LENDABLE) && arg->kind == MVT_ARG_LEND);
}

START_TEST(bad_pointer_is_refused_by_name_and_nothing_is_done)
{
        const struct mvt_call *call = &mvt_calls[_i];
        for (unsigned index = 0; index < call->arg_count; index++) {
                if (!is_pointer(&call->args[index]))
                        continue;
                for (size_t i = 0; i < mvt_wrong_count; i++) {
                        if (applies(&mvt_wrongs[i], call, &call->args[index]))
                                try_argument(call, index, &mvt_wrongs[i]);
                }
        }
}
END_TEST

static bool has_pointer(const struct mvt_call *call)
{
        for (unsigned index = 0; index < call->arg_count; index++) {
                if (is_pointer(&call->args[index]) || call->args[index].kind == MVT_ARG_HANDLE)
                        return true;
        }
        return false;
}

START_TEST(good_pointers_are_not_refused)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        const struct mvt_call *call = &mvt_calls[_i];
        if (!has_pointer(call)) /* mvRestart, given good arguments, does not return */
                return;
        mvt_good_cells(call, "", cells);
        enum MvStatus status = call->make(cells);
        ck_assert_msg(status != MV_STATUS_PARAMETERFAULT && status != MV_STATUS_INVALIDHANDLE, "%s: %s", call->name,
                      mvsim_last_reject()->message);
}
END_TEST

START_TEST(pointers_of_a_prototype_are_tried_or_are_handles)
{
        const struct mvt_call *call = &mvt_calls[_i];
        for (unsigned i = 0; i < call->arg_count; i++) {
                const struct mvt_arg *arg = &call->args[i];
                bool tried = is_pointer(arg) || arg->kind == MVT_ARG_HANDLE;
                ck_assert_msg(arg->is_pointer == tried, "%s: %s is not tried", call->name, arg->name);
        }
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("pointers");
        TCase *tests = tcase_create("pointers");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, bad_pointer_is_refused_by_name_and_nothing_is_done, 0, mvt_call_count);
        tcase_add_loop_test(tests, good_pointers_are_not_refused, 0, mvt_call_count);
        tcase_add_loop_test(tests, pointers_of_a_prototype_are_tried_or_are_handles, 0, mvt_call_count);
        mvt_pointers_add_fields(tests);
        suite_add_tcase(suite, tests);
        return suite;
}
