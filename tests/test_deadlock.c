/* Nothing left that could wake the processor: a report and status 70, and nothing of the kind where something is. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "mvsim/cortex.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"
#include "tools.h"

#define ALIVE 3 /* exit status of a child that was woken */

static struct MvNotification ring[4];
static struct mvt_child child;

void TIM2_IRQHandler(void);

void TIM2_IRQHandler(void)
{
}

/* ---- children: connected, and with nothing on its way ---- */

static enum mvsim_time_mode mode;

static void boot(void)
{
        unsetenv("MVSIM_PROFILE");
        if (mvsim_boot(&(struct mvsim_options){.profile = "", .time = mode}) != 0)
                _exit(99);
        mvsim_run_for(400000);
}

static void run(void (*body)(void))
{
        mvt_child_run(&child, body);
}

static void expect_deadlock(const char *part)
{
        ck_assert_msg(child.exit_status == MVSIM_EXIT_DEADLOCK, "exit status %d, signal %d:\n%s", child.exit_status,
                      child.signal, child.output);
        ck_assert_msg(strstr(child.output, part) != NULL, "\"%s\" is not in:\n%s", part, child.output);
}

static void expect_alive(void)
{
        ck_assert_msg(child.exit_status == ALIVE, "exit status %d, signal %d:\n%s", child.exit_status, child.signal,
                      child.output);
        ck_assert_ptr_null(strstr(child.output, "deadlock"));
}

static void wait_for_nothing(void)
{
        boot();
        __WFI();
}

START_TEST(waiting_for_nothing_ends_with_a_report)
{
        mode = MVSIM_TIME_VIRTUAL;
        run(wait_for_nothing);
        expect_deadlock("mvsim: deadlock at 0.400000 s: the processor waits for an interrupt and nothing is left that "
                        "could bring one\n");
        expect_deadlock("  the network is connected and stays so; 0 network handles are open\n");
        expect_deadlock("the process ends with status 70\n");
}
END_TEST

START_TEST(real_time_ends_too)
{
        mode = MVSIM_TIME_REAL;
        run(wait_for_nothing);
        expect_deadlock("deadlock at 0.");
}
END_TEST

static void wait_for_event(void)
{
        boot();
        __WFE();
        __WFE();
}

static void save_power(void)
{
        boot();
        (void)mvPowerSave(MV_POWERSAVINGMODE_SLEEP);
}

START_TEST(other_ways_of_sleeping_end_too)
{
        mode = MVSIM_TIME_VIRTUAL;
        run(_i == 0 ? wait_for_event : save_power);
        expect_deadlock("deadlock at 0.400000 s");
}
END_TEST

static void leave_line_disabled(void)
{
        boot();
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __WFI();
}

START_TEST(a_disabled_line_is_named)
{
        run(leave_line_disabled);
        expect_deadlock("  IRQ 45 (TIM2) is pending but disabled (NVIC_EnableIRQ)\n");
}
END_TEST

static void leave_basepri(void)
{
        boot();
        NVIC_SetPriority(TIM2_IRQn, 5);
        NVIC_EnableIRQ(TIM2_IRQn);
        __set_BASEPRI(3 << 4);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __WFI();
}

START_TEST(a_masked_line_is_named)
{
        run(leave_basepri);
        expect_deadlock("  IRQ 45 (TIM2) is pending, but its priority 5 is not more urgent than BASEPRI 3");
}
END_TEST

static void wait_in_handler(void)
{
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __WFI();
}

static void wait_in_a_handler(void)
{
        boot();
        NVIC_SetVector(TIM5_IRQn, (uintptr_t)wait_in_handler);
        NVIC_EnableIRQ(TIM2_IRQn);
        NVIC_EnableIRQ(TIM5_IRQn);
        NVIC_SetPendingIRQ(TIM5_IRQn);
}

START_TEST(a_handler_that_waits_for_its_equals_is_named)
{
        run(wait_in_a_handler);
        expect_deadlock("  IRQ 45 (TIM2) is pending, but its priority 0 is not more urgent than that of the handler of "
                        "TIM5, which waits");
}
END_TEST

static void leave_a_centre(void)
{
        MvNotificationHandle centre;
        MvNetworkHandle network;
        const struct MvNotificationSetup setup = {TIM2_IRQn, ring, sizeof ring};
        boot();
        if (mvSetupNotifications(&setup, &centre) != MV_STATUS_OKAY)
                _exit(98);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        if (mvRequestNetwork(&params, &network) != MV_STATUS_OKAY)
                _exit(97);
        fprintf(stderr, "centre 0x%08x\n", (unsigned)(uintptr_t)centre);
        __WFI();
}

START_TEST(an_open_centre_is_named)
{
        char line[128];
        unsigned centre = 0;
        run(leave_a_centre);
        ck_assert_int_eq(sscanf(child.output, "centre %x", &centre), 1);
        snprintf(
                line, sizeof line,
                "  notification centre 0x%08x on IRQ 45 (TIM2), which is disabled (NVIC_EnableIRQ), nothing on its way",
                centre);
        expect_deadlock(line);
        expect_deadlock("1 network handles are open");
}
END_TEST

static void print_and_wait(void)
{
        dup2(STDERR_FILENO, STDOUT_FILENO);
        setvbuf(stdout, NULL, _IOFBF, 4096);
        boot();
        printf("the last words");
        __WFI();
}

START_TEST(what_was_printed_is_not_lost)
{
        run(print_and_wait);
        expect_deadlock("the last words");
}
END_TEST

START_TEST(the_event_log_ends_with_it)
{
        struct mvt_tempdir dir;
        char path[MVT_PATH_SIZE], text[4096] = "";
        mode = MVSIM_TIME_VIRTUAL;
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "trace.log");
        setenv("MVSIM_TRACE", path, 1);
        run(wait_for_nothing);
        unsetenv("MVSIM_TRACE");
        mvt_read_file(path, text, sizeof text);
        const char *last = strstr(text, "    0.400000 deadlock calls=0\n");
        ck_assert_ptr_nonnull(last);
        ck_assert_str_eq(last, "    0.400000 deadlock calls=0\n");
        mvt_tempdir_remove(&dir);
}
END_TEST

/* ---- no deadlock ---- */

static void wait_for_the_network(void)
{
        MvNotificationHandle centre;
        MvNetworkHandle network;
        const struct MvNotificationSetup setup = {TIM2_IRQn, ring, sizeof ring};
        boot();
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        mvsim_run_for(3600000000U);
        mvsim_network_up();
        if (mvSetupNotifications(&setup, &centre) != MV_STATUS_OKAY)
                _exit(98);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, 1}};
        if (mvRequestNetwork(&params, &network) != MV_STATUS_OKAY)
                _exit(97);
        NVIC_EnableIRQ(TIM2_IRQn);
        __WFI(); /* the next attempt, a minute later at most */
        _exit(ALIVE);
}

START_TEST(what_is_scheduled_is_waited_for)
{
        mode = MVSIM_TIME_VIRTUAL;
        run(wait_for_the_network);
        expect_alive();
}
END_TEST

static void wait_with_primask(void)
{
        boot();
        NVIC_EnableIRQ(TIM2_IRQn);
        __disable_irq();
        NVIC_SetPendingIRQ(TIM2_IRQn);
        __WFI();
        _exit(ALIVE);
}

START_TEST(a_pending_interrupt_wakes_through_primask)
{
        run(wait_with_primask);
        expect_alive();
}
END_TEST

/* By the control API: a thread that comes as the processor would take its place. */
static void *pend_later(void *told)
{
        char byte;
        if (read(*(const int *)told, &byte, 1) == 1 && mvsim_pend_irq(TIM2_IRQn, 0) == 0)
                return NULL;
        _exit(98);
}

/* The thread is told when this process has said, on standard error, that only a thread can help. */
static void be_woken_by_a_thread(void)
{
        int told[2];
        pthread_t thread;
        boot();
        NVIC_EnableIRQ(TIM2_IRQn);
        if (pipe(told) != 0 || pthread_create(&thread, NULL, pend_later, told) != 0)
                _exit(98);
        int usual = dup(STDERR_FILENO);
        dup2(told[1], STDERR_FILENO);
        __WFI();
        pthread_join(thread, NULL);
        dup2(usual, STDERR_FILENO);
        _exit(ALIVE);
}

START_TEST(another_thread_is_waited_for)
{
        mode = MVSIM_TIME_VIRTUAL;
        run(be_woken_by_a_thread);
        expect_alive();
}
END_TEST

static void *end_at_once(void *unused)
{
        usleep(100000);
        return unused;
}

static void outlive_a_thread(void)
{
        pthread_t thread;
        boot();
        if (pthread_create(&thread, NULL, end_at_once, NULL) != 0)
                _exit(98);
        __WFI();
}

START_TEST(a_thread_that_ends_without_a_word_leaves_a_deadlock)
{
        run(outlive_a_thread);
        expect_deadlock("deadlock at");
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("deadlock");
        TCase *found = tcase_create("found");
        tcase_set_timeout(found, 60);
        tcase_add_test(found, waiting_for_nothing_ends_with_a_report);
        tcase_add_test(found, real_time_ends_too);
        tcase_add_loop_test(found, other_ways_of_sleeping_end_too, 0, 2);
        tcase_add_test(found, a_disabled_line_is_named);
        tcase_add_test(found, a_masked_line_is_named);
        tcase_add_test(found, a_handler_that_waits_for_its_equals_is_named);
        tcase_add_test(found, an_open_centre_is_named);
        tcase_add_test(found, what_was_printed_is_not_lost);
        tcase_add_test(found, the_event_log_ends_with_it);
        tcase_add_test(found, a_thread_that_ends_without_a_word_leaves_a_deadlock);
        TCase *none = tcase_create("none");
        tcase_set_timeout(none, 60);
        tcase_add_test(none, what_is_scheduled_is_waited_for);
        tcase_add_test(none, a_pending_interrupt_wakes_through_primask);
        tcase_add_test(none, another_thread_is_waited_for);
        if (!mvt_is_thread_sanitized()) /* it has a thread of its own in every child of a child, which look like others
                                         */
                suite_add_tcase(suite, found);
        suite_add_tcase(suite, none);
        return suite;
}
