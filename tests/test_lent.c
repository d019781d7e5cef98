/* Memory that is lent to Microvisor and secret: what faults, what is found, and what goes on working beside it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board/stm32u5xx.h"
#include "device.h"
#include "suite.h"
#include "tools.h"
#include "watched.h"

#define BLOCK 512
#define PAGE  4096

/* As a linker may lay out an application's data: the buffer that is lent shares its page with everything else. */
static struct {
        struct {
                char path[128];
                char text[64];
                struct iovec parts[2];
                pthread_mutex_t mutex;
                pthread_cond_t changed;
                int flag;
                uint32_t numbers[32];
        } before __attribute__((aligned(PAGE)));
        uint8_t lent[2 * BLOCK] __attribute__((aligned(BLOCK)));
        uint32_t after[64];
        char input[64];
        uint64_t time_us;
} data __attribute__((aligned(PAGE)));

/* Whole pages, and no neighbours. */
static uint8_t pages[2 * PAGE] __attribute__((aligned(PAGE)));

static uintptr_t at(size_t offset)
{
        return (uintptr_t)data.lent + offset;
}

static void need(bool condition)
{
        if (!condition) {
                fprintf(stderr, "something is not as it should be (errno %d)\n", errno);
                _exit(99);
        }
}

static void boot(const char *memory)
{
        char *profile;
        need(asprintf(&profile, "memory: {%s}\nlint: {all: off}\nlog: {level: info}\n", memory) > 0);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
        free(profile);
}

static void lend(void)
{
        boot("");
        need(mvServerLoggingInit(data.lent, BLOCK) == MV_STATUS_OKAY);
}

/* What was written without a fault is found by the next call. */
static void next_call(void)
{
        mvNoOp();
}

static void expect_found(void (*body)(void), const char *trapped, const char *found)
{
        struct mvt_child child;
        mvt_child_run(&child, body);
        mvt_expect_report(&child, SIGSEGV, mvt_traps() ? trapped : found);
        ck_assert_uint_eq(mvt_count(child.output, "SecureFault"), 1);
        mvt_expect_report(&child, SIGSEGV, "mvsim:   lent by mvServerLoggingInit at 0.000000 s");
}

static void expect_fine(void (*body)(void))
{
        struct mvt_child child;
        mvt_child_run(&child, body);
        mvt_expect_no_report(&child);
}

/* ---- the application's mistakes ---- */

static void write_first(void)
{
        lend();
        mvt_write(at(0), 1);
        next_call();
}

static void write_last(void)
{
        lend();
        mvt_write(at(BLOCK - 1), 1);
        next_call();
}

START_TEST(a_write_is_reported_to_the_byte)
{
        expect_found(write_first, "the application wrote to 0x", "byte 0 of 512 of the server log buffer");
        expect_found(write_first, "byte 0 of 512 of the server log buffer, which is lent to Microvisor",
                     "was written while lent to Microvisor, as mvNoOp finds");
        expect_found(write_last, "byte 511 of 512 of the server log buffer",
                     "byte 511 of 512 of the server log buffer");
}
END_TEST

static void write_and_end(void)
{
        lend();
        mvt_write(at(9), 1);
        mvsim_shutdown();
}

START_TEST(a_write_that_no_call_follows_is_found_at_the_end)
{
        expect_found(write_and_end, "byte 9 of 512", "byte 9 of 512");
}
END_TEST

static void read_last(void)
{
        lend();
        mvt_read(at(BLOCK - 1));
}

START_TEST(a_read_is_reported)
{
        if (mvt_traps())
                expect_found(read_last, "the application read 0x", "");
}
END_TEST

#if defined(__x86_64__)
/* Begins beside the loan and ends in it. */
__attribute__((no_sanitize("address", "undefined"))) static void write_across(void)
{
        lend();
        *(volatile uint64_t *)(at(0) - 4) = 0x0102030405060708;
        next_call();
}

__attribute__((no_sanitize("address"))) static void copy_string_across(void)
{
        lend();
        void *to = (void *)(at(0) - 32);
        const void *from = pages;
        size_t len = 64;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
        next_call();
}

START_TEST(an_instruction_that_reaches_into_it_is_caught)
{
        expect_found(write_across, "byte 0 of 512", "byte 0 of 512");
        expect_found(copy_string_across, "byte 0 of 512", "byte 0 of 512");
}
END_TEST
#endif

/* A system call of the host's that is told to write there: the kernel would not fault. */
static void receive_into_it(void)
{
        lend();
        int ends[2];
        need(pipe(ends) == 0 && write(ends[1], "0123456789", 10) == 10);
        ssize_t ignored = read(ends[0], (void *)(at(0) - 4), 10);
        (void)ignored;
        next_call();
}

START_TEST(a_system_call_that_writes_into_it_is_caught)
{
        if (mvt_traps())
                expect_found(receive_into_it, "byte 0 of 512", "");
}
END_TEST

static void write_whole_page(void)
{
        boot("");
        need(mvServerLoggingInit(pages, PAGE) == MV_STATUS_OKAY);
        mvt_write((uintptr_t)pages + 100, 1);
        next_call();
}

START_TEST(whole_pages_fault)
{
        expect_found(write_whole_page, "byte 100 of 4096", "byte 100 of 4096");
}
END_TEST

/* ---- what must go on working ---- */

static void use_neighbours(void)
{
        lend();
        for (unsigned round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < 32; i++)
                        data.before.numbers[i] = i + round;
                for (uint32_t i = 0; i < 64; i++)
                        data.after[i] = i * round;
        }
        for (uint32_t i = 0; i < 32; i++)
                need(data.before.numbers[i] == i + 2 && data.after[i] == 2 * i);
        mvt_write(at(0) - 1, 7);
        mvt_write(at(BLOCK), 8);
        need(mvt_read(at(0) - 1) == 7 && mvt_read(at(BLOCK)) == 8);
}

START_TEST(neighbours_in_the_page_work)
{
        expect_fine(use_neighbours);
}
END_TEST

static void give_neighbours_to_microvisor(void)
{
        lend();
        for (unsigned i = 0; i < 100; i++)
                need(mvGetMicroseconds(&data.time_us) == MV_STATUS_OKAY && data.time_us > 0);
        need(mvGetDeviceId((uint8_t *)data.input, 34) == MV_STATUS_OKAY && data.input[0] == 'U');
        need(mvGetDeviceId(data.lent + BLOCK - 1, 34) == MV_STATUS_PARAMETERFAULT);
        need(mvGetDeviceId(data.lent + BLOCK, 34) == MV_STATUS_OKAY);
}

START_TEST(neighbours_may_be_given_to_microvisor)
{
        expect_fine(give_neighbours_to_microvisor);
}
END_TEST

static void give_neighbours_to_linux(void)
{
        lend();
        snprintf(data.before.path, sizeof data.before.path, "%s/neighbours", getenv("TMPDIR"));
        snprintf(data.before.text, sizeof data.before.text, "hello\n");
        int fd = open(data.before.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        need(fd >= 0);
        need(write(fd, data.before.text, 6) == 6);
        data.before.parts[0] = (struct iovec){data.before.text, 3};
        data.before.parts[1] = (struct iovec){data.before.text + 3, 3};
        need(writev(fd, data.before.parts, 2) == 6);
        need(pread(fd, data.input, 12, 0) == 12 && memcmp(data.input, "hello\nhello\n", 12) == 0);
        close(fd);
        need(unlink(data.before.path) == 0);
}

START_TEST(neighbours_may_be_given_to_system_calls)
{
        expect_fine(give_neighbours_to_linux);
}
END_TEST

static void *set_flag(void *argument)
{
        pthread_mutex_lock(&data.before.mutex);
        data.before.flag = 1;
        pthread_cond_signal(&data.before.changed);
        pthread_mutex_unlock(&data.before.mutex);
        return argument;
}

static void lock_neighbours(void)
{
        pthread_t thread;
        pthread_mutex_init(&data.before.mutex, NULL);
        pthread_cond_init(&data.before.changed, NULL);
        lend();
        pthread_mutex_lock(&data.before.mutex);
        need(pthread_create(&thread, NULL, set_flag, NULL) == 0);
        while (!data.before.flag)
                pthread_cond_wait(&data.before.changed, &data.before.mutex);
        pthread_mutex_unlock(&data.before.mutex);
        need(pthread_join(thread, NULL) == 0);
}

START_TEST(a_lock_may_be_a_neighbour)
{
        expect_fine(lock_neighbours);
}
END_TEST

static void *count_up(void *argument)
{
        volatile uint32_t *number = argument;
        for (unsigned i = 0; i < 300; i++)
                *number += 1;
        return NULL;
}

static void share_neighbours(void)
{
        pthread_t threads[2];
        lend();
        for (unsigned i = 0; i < 2; i++)
                need(pthread_create(&threads[i], NULL, count_up, &data.after[i]) == 0);
        for (unsigned i = 0; i < 2; i++)
                need(pthread_join(threads[i], NULL) == 0 && data.after[i] == 300);
}

START_TEST(threads_may_use_neighbours_at_once)
{
        expect_fine(share_neighbours);
}
END_TEST

static volatile sig_atomic_t interrupts;

static void on_signal(int signal)
{
        (void)signal;
        interrupts++;
        data.after[0]++;
}

/* The habits of an RTOS port on POSIX threads. */
static void mask_signals(void)
{
        sigset_t all, before;
        struct sigaction action = {.sa_handler = on_signal};
        sigfillset(&all);
        lend();
        sigfillset(&action.sa_mask);
        need(sigaction(SIGUSR1, &action, NULL) == 0);
        need(pthread_sigmask(SIG_BLOCK, &all, &before) == 0);
        data.after[1] = 5;
        need(raise(SIGUSR1) == 0 && write(STDERR_FILENO, data.before.text, 0) == 0);
        need(interrupts == 0 && data.after[1] == 5);
        need(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
        need(interrupts == 1 && data.after[0] == 1);
}

START_TEST(neighbours_work_with_every_signal_blocked)
{
        if (!mvt_is_valgrind())
                expect_fine(mask_signals);
}
END_TEST

/* ---- with interrupts at any instruction ---- */

#define SHARED 16

/* As many pages, since one in steady use is opened for good. */
static struct {
        volatile uint32_t counted;
        volatile uint32_t interrupted;
        char text[64];
        uint8_t lent[BLOCK] __attribute__((aligned(BLOCK)));
} shared[SHARED] __attribute__((aligned(PAGE)));

_Static_assert(sizeof shared[0] == 2 * BLOCK, "eight of them share two pages");

static volatile unsigned current;
static volatile bool stop;
static volatile uint32_t handled;

void TIM2_IRQHandler(void);
void TIM2_IRQHandler(void)
{
        shared[current].interrupted++;
        handled++;
        need(write(STDERR_FILENO, shared[current].text, 0) == 0);
}

static void *pend(void *argument)
{
        const struct timespec pause = {.tv_nsec = 20000};
        while (!stop) {
                need(mvsim_pend_irq(TIM2_IRQn, 0) == 0);
                nanosleep(&pause, NULL);
        }
        return argument;
}

static void use_shared(int zero, sigset_t *all)
{
        const struct timespec pause = {.tv_nsec = 1000};
        sigset_t before;
        char *text = shared[current].text;
        for (unsigned i = 0; i < 40; i++)
                shared[current].counted++;
        memset(text, 7, 64);
        need(read(zero, text, 64) == 64 && text[0] == 0 && text[63] == 0);
        need(write(zero, text, 64) == 64);
        nanosleep(&pause, NULL);
        need(pthread_sigmask(SIG_BLOCK, all, &before) == 0);
        shared[current].counted++;
        need(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

static void be_interrupted(void)
{
        pthread_t thread;
        sigset_t all;
        uint32_t sum = 0, interrupted = 0;
        sigfillset(&all);
        mvt_device_boot(&(struct mvt_device){.real_time = true});
        int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
        NVIC_EnableIRQ(TIM2_IRQn);
        need(zero >= 0 && pthread_create(&thread, NULL, pend, NULL) == 0);
        for (unsigned round = 0; round < 10 * SHARED; round++) {
                current = round % SHARED;
                need(mvServerLoggingInit(shared[current].lent, BLOCK) == MV_STATUS_OKAY);
                use_shared(zero, &all);
        }
        stop = true;
        need(pthread_join(thread, NULL) == 0);
        NVIC_DisableIRQ(TIM2_IRQn);
        for (unsigned i = 0; i < SHARED; i++) {
                sum += shared[i].counted;
                interrupted += shared[i].interrupted;
        }
        need(sum == 10 * SHARED * 41 && interrupted == handled);
}

START_TEST(neighbours_work_with_interrupts_at_any_instruction)
{
        if (mvt_traps())
                expect_fine(be_interrupted);
}
END_TEST

static void start_processes(void)
{
        lend();
        mvt_let_threads_rest();
        pid_t child = fork();
        if (child == 0)
                _exit(data.lent[0] == 0xa5 && (data.lent[1] = 1) == 1 ? 7 : 8);
        int status;
        need(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
        need(system("exit 3") == 3 << 8);
        data.after[0] = 1;
}

START_TEST(a_child_has_its_memory_back)
{
        if (!mvt_is_address_sanitized())
                expect_fine(start_processes);
}
END_TEST

static void lend_from_stack(void)
{
        uint8_t local[3 * BLOCK];
        boot("");
        uint8_t *buffer = (uint8_t *)(((uintptr_t)local + BLOCK - 1) & ~(uintptr_t)(BLOCK - 1));
        need(mvServerLoggingInit(buffer, BLOCK) == MV_STATUS_OKAY);
        for (unsigned i = 0; i < 10; i++)
                fprintf(stderr, "%u\n", i);
        mvt_write((uintptr_t)buffer + 3, 1);
        next_call();
}

START_TEST(a_stack_stays_accessible_and_is_compared)
{
        struct mvt_child child;
        mvt_child_run(&child, lend_from_stack);
        mvt_expect_report(&child, SIGSEGV, "byte 3 of 512 of the server log buffer");
        mvt_expect_report(&child, SIGSEGV, "was written while lent to Microvisor, as mvNoOp finds");
}
END_TEST

static void lend_from_heap(void)
{
        uint8_t *buffer = aligned_alloc(BLOCK, BLOCK);
        boot("");
        need(mvServerLoggingInit(buffer, BLOCK) == MV_STATUS_OKAY);
        for (unsigned i = 0; i < 100; i++) {
                char *text = strdup("neighbour");
                need(text && write(STDERR_FILENO, text, 1) == 1);
                free(text);
        }
        mvsim_shutdown();
        free(buffer);
}

START_TEST(a_heap_stays_accessible)
{
        expect_fine(lend_from_heap);
}
END_TEST

/* ---- hot neighbours ---- */

static void use_one_often(void)
{
        lend();
        for (unsigned i = 0; i < 5000; i++)
                (*(volatile uint32_t *)&data.after[0])++;
        mvt_write(at(77), 1);
        next_call();
}

START_TEST(a_page_in_steady_use_goes_over_to_comparing)
{
        struct mvt_child child;
        mvt_child_run(&child, use_one_often);
        mvt_expect_report(&child, SIGSEGV, "byte 77 of 512 of the server log buffer");
        mvt_expect_report(&child, SIGSEGV, "was written while lent to Microvisor, as mvNoOp finds");
        if (mvt_traps()) {
                ck_assert_uint_eq(mvt_count(child.output, "is in steady use"), 1);
                mvt_expect_report(&child, SIGSEGV, "the page of the server log buffer at 0x");
                mvt_expect_report(&child, SIGSEGV, "give the buffer pages of its own");
        }
}
END_TEST

/* ---- the profile ---- */

static void write_with(const char *memory)
{
        boot(memory);
        need(mvServerLoggingInit(data.lent, BLOCK) == MV_STATUS_OKAY);
        mvt_write(at(5), 1);
        fprintf(stderr, "went on\n");
        next_call();
}

static void write_checked(void)
{
        write_with("lent: check");
}

static void write_off(void)
{
        write_with("lent: off");
}

START_TEST(the_profile_chooses)
{
        struct mvt_child child;
        mvt_child_run(&child, write_checked);
        mvt_expect_report(&child, SIGSEGV, "went on");
        mvt_expect_report(&child, SIGSEGV, "was written while lent to Microvisor, as mvNoOp finds");
        expect_fine(write_off);
}
END_TEST

/* ---- coming back ---- */

static void replace(void)
{
        lend();
        memset(pages, 3, sizeof pages);
        need(mvServerLoggingInit(pages, PAGE) == MV_STATUS_OKAY);
        for (unsigned i = 0; i < BLOCK; i++)
                need(data.lent[i] == 0xa5);
        data.lent[0] = 1;
        mvsim_shutdown();
        pages[0] = 2;
        need(pages[1] == 0xa5);
        mvt_device_boot(NULL);
        need(mvServerLoggingInit(pages + PAGE, PAGE) == MV_STATUS_OKAY);
        pages[0] = 4;
}

START_TEST(what_comes_back_is_the_applications_again)
{
        expect_fine(replace);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("lent");
        TCase *tests = tcase_create("lent");
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, a_write_is_reported_to_the_byte);
        tcase_add_test(tests, a_write_that_no_call_follows_is_found_at_the_end);
        tcase_add_test(tests, a_read_is_reported);
#if defined(__x86_64__)
        tcase_add_test(tests, an_instruction_that_reaches_into_it_is_caught);
#endif
        tcase_add_test(tests, a_system_call_that_writes_into_it_is_caught);
        tcase_add_test(tests, whole_pages_fault);
        tcase_add_test(tests, neighbours_in_the_page_work);
        tcase_add_test(tests, neighbours_may_be_given_to_microvisor);
        tcase_add_test(tests, neighbours_may_be_given_to_system_calls);
        tcase_add_test(tests, a_lock_may_be_a_neighbour);
        tcase_add_test(tests, threads_may_use_neighbours_at_once);
        tcase_add_test(tests, neighbours_work_with_every_signal_blocked);
        tcase_add_test(tests, neighbours_work_with_interrupts_at_any_instruction);
        tcase_add_test(tests, a_child_has_its_memory_back);
        tcase_add_test(tests, a_stack_stays_accessible_and_is_compared);
        tcase_add_test(tests, a_heap_stays_accessible);
        tcase_add_test(tests, a_page_in_steady_use_goes_over_to_comparing);
        tcase_add_test(tests, the_profile_chooses);
        tcase_add_test(tests, what_comes_back_is_the_applications_again);
        suite_add_tcase(suite, tests);
        return suite;
}
