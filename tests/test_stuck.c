/* A handler that waits for a lock which nobody will give back is found, explained, and ends the process. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/child.h"
#include "lib/device.h"
#include "suite.h"
#include "tools.h"

#define LINE    TIM8_BRK_IRQn
#define WENT_ON 9
#define PROFILE "time: {stuck_ms: 200}\n"

static void (*volatile in_handler)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        if (in_handler)
                in_handler();
}

static bool real_time;

static void boot(void (*handler)(void))
{
        char path[] = "/tmp/mvsim-stuck-XXXXXX";
        int fd = mkstemp(path);
        if (fd < 0 || write(fd, PROFILE, strlen(PROFILE)) < 0)
                _exit(3);
        close(fd);
        int result = mvsim_boot(
                &(struct mvsim_options){.profile = path, .time = real_time ? MVSIM_TIME_REAL : MVSIM_TIME_VIRTUAL});
        unlink(path);
        if (result != 0)
                _exit(4);
        in_handler = handler;
        NVIC_EnableIRQ(LINE);
}

static void expect_stuck(struct mvt_child *child, void (*body)(void))
{
        mvt_child_run(child, body);
        ck_assert_msg(child->exit_status == MVSIM_EXIT_STUCK, "status %d, signal %d: %s", child->exit_status,
                      child->signal, child->output);
        ck_assert_msg(mvt_count(child->output, "interrupt 51 (TIM8_BRK): its handler cannot end") == 1, "%s",
                      child->output);
        ck_assert_msg(strstr(child->output, "the process ends with status 72") != NULL, "%s", child->output);
}

static void expect_said(const struct mvt_child *child, const char *part)
{
        ck_assert_msg(strstr(child->output, part) != NULL, "%s\nis not in\n%s", part, child->output);
}

/* ---- a lock of the application's ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void take_mutex(void)
{
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
}

static void interrupt_who_holds_the_mutex(void)
{
        boot(take_mutex);
        pthread_mutex_lock(&mutex);
        NVIC_SetPendingIRQ(LINE);
        _exit(WENT_ON);
}

START_TEST(lock_that_the_interrupted_code_holds_is_found)
{
        struct mvt_child child;
        real_time = _i == 1;
        expect_stuck(&child, interrupt_who_holds_the_mutex);
        expect_said(&child, "asleep for 200 ms (time.stuck_ms), in a lock");
        expect_said(&child, "on the device the handler would wait for ever");
        expect_said(&child, "it is stuck in pthread_mutex_lock, whose lock the code that it interrupted holds, in the "
                            "application itself");
        expect_said(&child, " in take_mutex+0x");
}
END_TEST

/* ---- a stream, which a thread that does not run holds ---- */

static FILE *nowhere;

static void print(void)
{
        fprintf(nowhere, "%d\n", 1);
}

static void *hold_stream(void *held)
{
        flockfile(nowhere);
        *(volatile bool *)held = true;
        for (;;)
                pause();
        return NULL;
}

static void interrupt_beside_a_held_stream(void)
{
        pthread_t thread;
        sigset_t all, before;
        volatile bool held = false;
        nowhere = fopen("/dev/null", "w");
        boot(print);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (!nowhere || pthread_create(&thread, NULL, hold_stream, (void *)&held) != 0)
                _exit(5);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        while (!held)
                continue;
        NVIC_SetPendingIRQ(LINE);
        _exit(WENT_ON);
}

START_TEST(stream_that_another_thread_holds_is_found)
{
        struct mvt_child child;
        expect_stuck(&child, interrupt_beside_a_held_stream);
        expect_said(&child, "on the device nothing waits there: newlib's streams");
        expect_said(&child, "it is stuck in fprintf");
}
END_TEST

/* ---- the allocator, interrupted in the middle ---- */

static void allocate(void)
{
        void *volatile block = malloc(3000);
        free(block);
}

static void *pend_at_will(void *unused)
{
        for (;;) {
                if (mvsim_pend_irq(LINE, 0) != 0)
                        _exit(6);
                nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
        }
        return unused;
}

static void allocate_in_both(void)
{
        pthread_t thread;
        sigset_t all, before;
        void *volatile blocks[64] = {0};
        real_time = true;
        boot(allocate);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&thread, NULL, pend_at_will, NULL) != 0)
                _exit(5);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        for (unsigned i = 0;; i++) {
                unsigned slot = i * 7919 % 64;
                free(blocks[slot]);
                blocks[slot] = malloc(2000 + i % 5000);
        }
}

START_TEST(allocator_that_the_interrupted_code_is_in_is_found)
{
        struct mvt_child child;
        /* Sanitizers and valgrind bring allocators of their own, whose locks are not glibc's. */
        if (mvt_is_address_sanitized() || mvt_is_thread_sanitized() || mvt_is_valgrind())
                return;
        expect_stuck(&child, allocate_in_both);
        expect_said(&child, "newlib's allocator has no lock");
        expect_said(&child, "it is stuck in ");
        expect_said(&child, "whose lock the code that it interrupted holds, in ");
        ck_assert_msg(!strstr(child.output, "holds, in the application itself"), "%s", child.output);
}
END_TEST

/* ---- what is not stuck ---- */

static volatile bool flag;

static void sleep_long(void)
{
        for (unsigned i = 0; i < 3; i++)
                nanosleep(&(struct timespec){.tv_nsec = 250000000}, NULL);
}

static void compute_long(void)
{
        for (uint64_t start = mvt_host_ms(); mvt_host_ms() - start < 700;)
                continue;
}

/* Gets its lock again and again, each time after a while. */
static void *hold_and_give(void *unused)
{
        for (unsigned i = 0; i < 8; i++) {
                pthread_mutex_lock(&mutex);
                flag = true;
                nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
                pthread_mutex_unlock(&mutex);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        return unused;
}

static void take_often(void)
{
        for (unsigned i = 0; i < 7; i++) {
                take_mutex();
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
}

static void wait_for_time(void)
{
        NVIC_SetPriority(TIM2_IRQn, 0);
        NVIC_EnableIRQ(TIM2_IRQn);
        if (mvsim_pend_irq(TIM2_IRQn, 700000) != 0)
                _exit(7);
        __WFI();
}

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
}

static void (*const patient[])(void) = {sleep_long, compute_long, take_often, wait_for_time};
static int patient_index;

static void be_patient(void)
{
        pthread_t thread;
        boot(patient[patient_index]);
        NVIC_SetPriority(LINE, 5);
        if (patient[patient_index] == take_often) {
                flag = false;
                if (pthread_create(&thread, NULL, hold_and_give, NULL) != 0)
                        _exit(5);
                while (!flag)
                        continue;
        }
        NVIC_SetPendingIRQ(LINE);
        _exit(WENT_ON);
}

START_TEST(handler_that_sleeps_otherwise_or_computes_is_left_alone)
{
        struct mvt_child child;
        patient_index = _i;
        real_time = true;
        mvt_child_run(&child, be_patient);
        ck_assert_msg(child.exit_status == WENT_ON, "status %d: %s", child.exit_status, child.output);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("stuck");
        TCase *tests = tcase_create("stuck");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, lock_that_the_interrupted_code_holds_is_found, 0, 2);
        tcase_add_test(tests, stream_that_another_thread_holds_is_found);
        tcase_add_test(tests, allocator_that_the_interrupted_code_is_in_is_found);
        tcase_add_loop_test(tests, handler_that_sleeps_otherwise_or_computes_is_left_alone, 0,
                            sizeof patient / sizeof patient[0]);
        suite_add_tcase(suite, tests);
        return suite;
}
