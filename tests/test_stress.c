/*
 * Interrupts at the highest rate that the machine gives, against code that does what applications do: none is lost,
 * doubled, or runs in the wrong place, and the code does not notice.
 *
 * MVSIM_SOAK in the environment is how many deliveries there are to be (./dev soak: ten million); without it a hundred
 * thousand.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "suite.h"
#include "tools.h"

#define LINES 3

/* Three lines, each more urgent than the one before. */
static const int32_t lines[LINES] = {TIM8_BRK_IRQn, TIM2_IRQn, TIM1_BRK_IRQn};

static volatile unsigned entries[LINES];
static volatile int level; /* of nesting */
static volatile int running[LINES];
static volatile unsigned misplaced;
static atomic_uint total;

static void check(bool fine)
{
        if (!fine)
                misplaced++;
}

/* What a handler may do to registers: all that a function may, errno too. */
static void disturb(unsigned line)
{
        double x = 1.0 + line;
        for (int i = 0; i < 20; i++)
                x = x * 1.5 - 0.25 * (double)i;
        volatile double keep = x;
        (void)keep;
        memset((char[512]){0}, 0x5a, 512);
        errno = 1000 + (int)line;
}

/* No handler may begin above one that is as urgent, and IPSR is its own, before and after whatever interrupts it. */
static void handle(int line)
{
        check(__get_IPSR() == 16 + (uint32_t)lines[line]);
        for (int above = line; above < LINES; above++)
                check(running[above] == 0);
        running[line] = 1;
        int depth = ++level;
        check(depth <= LINES);
        entries[line]++;
        disturb((unsigned)line);
        check(level == depth);
        check(__get_IPSR() == 16 + (uint32_t)lines[line]);
        level--;
        running[line] = 0;
        atomic_fetch_add(&total, 1);
}

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        handle(0);
}

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        handle(1);
}

void TIM1_BRK_IRQHandler(void);
void TIM1_BRK_IRQHandler(void)
{
        handle(2);
}

/* ---- what pends ---- */

static uint64_t pended[LINES]; /* by the other thread, which alone writes it until it has ended */
static atomic_bool stop;

static void *pend_all(void *unused)
{
        for (unsigned i = 0; !atomic_load(&stop); i++) {
                check(mvsim_pend_irq((unsigned)lines[i % LINES], 0) == 0);
                pended[i % LINES]++;
                if (i % 7 == 0)
                        sched_yield();
        }
        return unused;
}

static void start(pthread_t *thread, void *(*run)(void *))
{
        sigset_t all, before;
        sigfillset(&all); /* it is not the application: handlers are not to run on it */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        ck_assert_int_eq(pthread_create(thread, NULL, run, NULL), 0);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static unsigned wanted(void)
{
        const char *soak = getenv("MVSIM_SOAK");
        return soak ? (unsigned)strtoul(soak, NULL, 10) : mvt_rounds(100000, 2000);
}

/* ---- what is interrupted: each checks that it was not disturbed ---- */

static volatile double kept_sum;

/* Integer, floating-point and vector registers, the red zone of a leaf function. */
static unsigned __attribute__((noinline)) leaf(unsigned seed)
{
        unsigned words[16];
        for (unsigned i = 0; i < 16; i++)
                words[i] = seed * 2654435761U + i;
        __asm__ volatile("" : : "r"(words) : "memory");
        unsigned sum = 0;
        for (unsigned i = 0; i < 16; i++)
                sum += words[i];
        return sum - 120;
}

typedef float vector __attribute__((vector_size(32)));

static void compute(unsigned round)
{
        double sum = 0;
        vector v = {1, 2, 3, 4, 5, 6, 7, 8};
        const vector step = {1, 1, 1, 1, 1, 1, 1, 1};
        for (unsigned i = 0; i < 300; i++) {
                sum += (double)i * 0.5;
                v += step;
        }
        check(sum == 22425.0);
        for (int i = 0; i < 8; i++)
                check(v[i] == (float)(301 + i));
        check(leaf(round) == round * 2654435761U * 16);
        kept_sum = sum;
}

static void allocate(unsigned round)
{
        size_t len = 1 + round * 7919 % 6000;
        uint8_t *block = malloc(len);
        memset(block, (int)round, len);
        check(block[0] == (uint8_t)round && block[len - 1] == (uint8_t)round);
        free(block);
}

static FILE *nowhere;

static void print(unsigned round)
{
        fprintf(nowhere, "%u %s\n", round, "text");
        char text[32];
        snprintf(text, sizeof text, "%u", round);
        check(strtoul(text, NULL, 10) == round);
}

static int ends[2];

/* System calls that sleep, some of which a signal ends early. */
static void sleep_in_calls(unsigned round)
{
        char byte = (char)round;
        if (round % 64 == 0)
                nanosleep(&(struct timespec){.tv_nsec = 30000}, NULL);
        while (write(ends[1], &byte, 1) < 0)
                check(errno == EINTR);
        while (read(ends[0], &byte, 1) < 0)
                check(errno == EINTR);
        check(byte == (char)round);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned guarded;

static void take_locks(unsigned round)
{
        (void)round;
        pthread_mutex_lock(&lock);
        guarded++;
        pthread_mutex_unlock(&lock);
}

static void call(unsigned round)
{
        uint64_t now = 0;
        check(mvGetMicroseconds(&now) == MV_STATUS_OKAY && now > 0);
        check(mvGetMicroseconds(NULL) == MV_STATUS_PARAMETERFAULT);
        check(__get_IPSR() == 0);
        if (round % 16 == 0) {
                __disable_irq();
                unsigned before = atomic_load(&total);
                compute(round);
                check(atomic_load(&total) == before);
                __enable_irq();
        }
}

static void keep_errno(unsigned round)
{
        errno = (int)round;
        for (volatile unsigned i = 0; i < 200; i++)
                continue;
        check(errno == (int)round);
        mvNoOp(); /* takes interrupts on its way out */
        check(errno == (int)round);
}

static void (*const doings[])(unsigned round) = {compute,    allocate, print,      sleep_in_calls,
                                                 take_locks, call,     keep_errno, compute};

/* ---- the device ---- */

static void set_up(void)
{
        memset((void *)entries, 0, sizeof entries);
        memset(pended, 0, sizeof pended);
        memset((void *)running, 0, sizeof running);
        level = 0;
        misplaced = 0;
        guarded = 0;
        atomic_store(&total, 0);
        atomic_store(&stop, false);
        nowhere = fopen("/dev/null", "w");
        ck_assert_ptr_nonnull(nowhere);
        ck_assert_int_eq(pipe(ends), 0);
        mvt_device_boot(&(struct mvt_device){.real_time = true, .profile = "log: {level: error}\n"});
        for (unsigned i = 0; i < LINES; i++) {
                NVIC_SetPriority((IRQn_Type)lines[i], 6 - i);
                NVIC_EnableIRQ((IRQn_Type)lines[i]);
        }
}

static void tear_down(void)
{
        mvt_device_end();
        fclose(nowhere);
        close(ends[0]);
        close(ends[1]);
}

/* Every pend was one entry, or was merged into one that was waiting. */
static void expect_all_taken(void)
{
        const struct mvsim_statistics statistics = mvt_statistics();
        uint64_t all = 0;
        for (unsigned i = 0; i < LINES; i++)
                all += pended[i];
        ck_assert_uint_eq(statistics.interrupts, atomic_load(&total));
        ck_assert_uint_eq(statistics.interrupts + statistics.shadowed, all);
        ck_assert_uint_eq(misplaced, 0);
        ck_assert_int_eq(level, 0);
        ck_assert_uint_eq(__get_IPSR(), 0);
}

/* ---- one thread ---- */

/* Deliveries that stand still mean that one was lost. */
static void do_until(unsigned count)
{
        unsigned last = 0;
        uint64_t moved = mvt_host_ms();
        for (unsigned round = 0; atomic_load(&total) < count; round++) {
                doings[round % (sizeof doings / sizeof doings[0])](round);
                if (round % 1024 != 0)
                        continue;
                if (atomic_load(&total) != last)
                        moved = mvt_host_ms();
                last = atomic_load(&total);
                ck_assert_msg(mvt_host_ms() - moved < 10000, "stands still after %u of %u", last, count);
        }
}

START_TEST(every_interrupt_comes_once_and_disturbs_nothing)
{
        pthread_t thread;
        start(&thread, pend_all);
        do_until(wanted());
        atomic_store(&stop, true);
        pthread_join(thread, NULL);
        mvsim_run_for(1000); /* what is still pending */
        expect_all_taken();
}
END_TEST

/* ---- a handler that waits for a more urgent one ---- */

static volatile unsigned urgent_seen;

static void note_urgent(void)
{
        urgent_seen++;
        atomic_fetch_add(&total, 1);
}

static atomic_uint asked;

/* It computes until the more urgent interrupt, pended a moment before or after its own beginning, has come. */
static void wait_for_urgent(void)
{
        unsigned wanted_count = atomic_load(&asked);
        uint64_t start_ms = mvt_host_ms();
        while (urgent_seen < wanted_count && mvt_host_ms() - start_ms < 5000)
                continue;
        check(urgent_seen >= wanted_count);
        atomic_fetch_add(&total, 1);
}

static void *pend_pairs(void *unused)
{
        for (unsigned i = 1; !atomic_load(&stop); i++) {
                unsigned before = atomic_load(&total);
                atomic_store(&asked, i);
                check(mvsim_pend_irq(TIM8_BRK_IRQn, 0) == 0);
                for (volatile unsigned wait = 0; wait < i % 3000; wait++)
                        continue;
                check(mvsim_pend_irq(TIM2_IRQn, 0) == 0);
                while (atomic_load(&total) < before + 2 && !atomic_load(&stop))
                        sched_yield();
        }
        return unused;
}

/* Keeps the device busy, so that nobody gets in or out at once. */
static void *ask_for_the_time(void *unused)
{
        while (!atomic_load(&stop)) {
                mvsim_now_us();
                sched_yield();
        }
        return unused;
}

START_TEST(more_urgent_interrupt_always_gets_into_a_handler)
{
        pthread_t thread, other;
        unsigned count = wanted() / 20;
        urgent_seen = 0;
        NVIC_SetVector(TIM8_BRK_IRQn, (uintptr_t)wait_for_urgent);
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)note_urgent);
        start(&thread, pend_pairs);
        start(&other, ask_for_the_time);
        for (unsigned round = 0; atomic_load(&total) < count && misplaced == 0; round++)
                mvNoOp();
        atomic_store(&stop, true);
        pthread_join(thread, NULL);
        pthread_join(other, NULL);
        mvsim_run_for(1000);
        ck_assert_uint_eq(misplaced, 0);
}
END_TEST

/* ---- an RTOS that makes tasks of threads, as FreeRTOS's port for POSIX does ---- */

#define TASKS 3

/*
 * One task's thread runs, the others wait with every signal blocked. The tick is SIGALRM: its handler, on the thread
 * that runs, lets the next one go on and waits for its own turn. Critical sections block all signals.
 */
static struct {
        pthread_t thread;
        pthread_cond_t turn;
} tasks[TASKS];
static pthread_mutex_t scheduler = PTHREAD_MUTEX_INITIALIZER;
static volatile int current;
static volatile unsigned ticks;
static unsigned goal;

static bool alive[TASKS];

/* The next one round; itself when there is no other. */
static int next_of(int self)
{
        for (int i = 1; i < TASKS; i++) {
                if (alive[(self + i) % TASKS])
                        return (self + i) % TASKS;
        }
        return self;
}

static void wait_for_turn(int self)
{
        while (current != self)
                pthread_cond_wait(&tasks[self].turn, &scheduler);
}

static void switch_from(int self)
{
        pthread_mutex_lock(&scheduler);
        current = next_of(self);
        pthread_cond_signal(&tasks[current].turn);
        wait_for_turn(self);
        pthread_mutex_unlock(&scheduler);
}

static void on_tick(int number)
{
        (void)number;
        int saved = errno;
        ticks++;
        check(__get_IPSR() == 0); /* the tick of such a port waits for a handler's end, as PendSV does */
        switch_from(current);
        errno = saved;
}

static void mask_all(sigset_t *ret_before)
{
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, ret_before);
}

/* What may be interrupted between two ticks; the allocator and streams in critical sections, as the port's users must.
 */
static void task_work(unsigned round)
{
        sigset_t before;
        compute(round);
        call(round * 16 + 1);
        keep_errno(round);
        mask_all(&before);
        unsigned seen = atomic_load(&total);
        mvNoOp();
        allocate(round);
        print(round);
        check(atomic_load(&total) == seen); /* no handler came in, and no other task */
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        check(__get_IPSR() == 0);
}

static void *run_task(void *argument)
{
        int self = (int)(intptr_t)argument;
        sigset_t none;
        pthread_mutex_lock(&scheduler);
        wait_for_turn(self);
        pthread_mutex_unlock(&scheduler);
        sigemptyset(&none);
        pthread_sigmask(SIG_SETMASK, &none, NULL);
        for (unsigned round = 0; atomic_load(&total) < goal; round++)
                task_work(round);
        mask_all(NULL);
        pthread_mutex_lock(&scheduler);
        alive[self] = false;
        current = next_of(self);
        pthread_cond_signal(&tasks[current].turn);
        pthread_mutex_unlock(&scheduler);
        return NULL;
}

static void start_tick(long period_us)
{
        struct sigaction action = {.sa_handler = period_us ? on_tick : SIG_IGN, .sa_flags = SA_RESTART};
        const struct itimerval timer = {{0, period_us}, {0, period_us}};
        sigfillset(&action.sa_mask);
        ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

START_TEST(tasks_that_are_threads_are_interrupted_like_one)
{
        pthread_t thread;
        sigset_t before;
        goal = wanted() / 4;
        ticks = 0;
        current = 0;
        mask_all(&before);
        start(&thread, pend_all);
        for (int i = 0; i < TASKS; i++) {
                alive[i] = true;
                pthread_cond_init(&tasks[i].turn, NULL);
                ck_assert_int_eq(pthread_create(&tasks[i].thread, NULL, run_task, (void *)(intptr_t)i), 0);
        }
        start_tick(1000);
        for (int i = 0; i < TASKS; i++)
                pthread_join(tasks[i].thread, NULL);
        start_tick(0);
        atomic_store(&stop, true);
        pthread_join(thread, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        mvsim_run_for(1000); /* what is still pending */
        ck_assert_uint_gt(ticks, 0);
        expect_all_taken();
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tests = tcase_create(name);
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, getenv("MVSIM_SOAK") ? 7200 : 100);
        suite_add_tcase(suite, tests);
        return tests;
}

Suite *suite(void)
{
        Suite *suite = suite_create("stress");
        tcase_add_test(add_case(suite, "one thread"), every_interrupt_comes_once_and_disturbs_nothing);
        tcase_add_test(add_case(suite, "nesting"), more_urgent_interrupt_always_gets_into_a_handler);
        /* In valgrind, the tick was seen to run on top of a handler whose mask holds it back. */
        if (!mvt_is_valgrind())
                tcase_add_test(add_case(suite, "tasks"), tasks_that_are_threads_are_interrupted_like_one);
        return suite;
}
