/* The application's faults: the report, and that the signal goes where it would have gone without it. */
#include <check.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/stm32u5xx.h"
#include "device.h"
#include "suite.h"
#include "tools.h"
#include "watched.h"

static const int constant = 3;
static uint8_t data[64] __attribute__((aligned(64)));

static void boot(void)
{
        mvt_device_boot(NULL);
}

static struct mvt_child child;

static void expect(void (*body)(void), int signal, const char *report)
{
        mvt_child_run(&child, body);
        mvt_expect_report(&child, signal, report);
        ck_assert_uint_eq(mvt_count(child.output, ": the application "), 1);
}

/* ---- kinds ---- */

static void write_null(void)
{
        boot();
        mvt_write(0, 1);
}

static void read_near_null(void)
{
        boot();
        mvt_read(12);
}

static void (*volatile no_function)(void);

static void call_null(void)
{
        boot();
        no_function();
}

static void call_data(void)
{
        boot();
        ((void (*)(void))(uintptr_t)data)();
}

static void write_constant(void)
{
        boot();
        mvt_write((uintptr_t)&constant, 1);
}

static void write_code(void)
{
        boot();
        mvt_write((uintptr_t)write_code, 1);
}

static void read_nowhere(void)
{
        boot();
        mvt_read(MVT_UNMAPPED);
}

static const struct {
        const char *what;
        void (*body)(void);
        const char *report;
} kinds[] = {
        {"null", write_null, "MemManage: the application wrote to 0x00000000: a null pointer\n"},
        {"near null", read_near_null, "MemManage: the application read 0x0000000c: a null pointer, and 12 bytes on"},
        {"call of null", call_null, "MemManage: the application jumped to 0x00000000: a call through a null pointer"},
        {"call of data", call_data, ", which is data and no code"},
        {"constant", write_constant, ", which is read-only: constants (test_faults)"},
        {"code", write_code, ", which is read-only: code (test_faults)"},
        {"nowhere", read_nowhere, "BusFault: the application read 0x00020000: nothing is there"},
};

START_TEST(it_is_called_what_the_device_calls_it)
{
        expect(kinds[_i].body, SIGSEGV, kinds[_i].report);
        mvt_expect_report(&child, SIGSEGV, "\nmvsim:   at 0.0000");
        mvt_expect_report(&child, SIGSEGV, "s, not in a handler\n");
        mvt_expect_report(&child, SIGSEGV, "\nmvsim:   #0 0x");
}
END_TEST

static void undefined(void)
{
        boot();
        __builtin_trap();
}

START_TEST(an_undefined_instruction_is_a_usage_fault)
{
        expect(undefined, SIGILL, "UsageFault: the application ran an undefined instruction at 0x");
}
END_TEST

#if defined(__x86_64__)
__attribute__((no_sanitize("undefined"))) static void divide(void)
{
        boot();
        int zero = 0, one = 1, high = 0;
        __asm__ volatile("idivl %2" : "+a"(one), "+d"(high) : "r"(zero));
}

START_TEST(a_division_by_zero_is_a_usage_fault)
{
        expect(divide, SIGFPE, "UsageFault: the application divided an integer by zero at 0x");
}
END_TEST

static void use_impossible(void)
{
        boot();
        mvt_write(0x1234567812345678, 1);
}

START_TEST(an_address_that_cannot_be_is_a_bus_fault)
{
        if (!mvt_is_valgrind())
                expect(use_impossible, SIGSEGV, "BusFault: the application used an address that cannot be");
}
END_TEST
#endif

/* Where the mapping that holds the address begins and ends. */
static void find_mapping(uintptr_t address, uintptr_t *ret_start, uintptr_t *ret_end)
{
        char line[512];
        FILE *file = fopen("/proc/self/maps", "re");
        do {
                if (!file || !fgets(line, sizeof line, file) || sscanf(line, "%zx-%zx", ret_start, ret_end) != 2)
                        _exit(99);
        } while (address >= *ret_end);
        fclose(file);
}

static void write_before_state(void)
{
        uintptr_t start, end;
        boot();
        find_mapping((uintptr_t)mvsim_last_reject(), &start, &end);
        mvt_write(start - 1, 1);
}

static void write_behind_state(void)
{
        uintptr_t start, end;
        boot();
        find_mapping((uintptr_t)mvsim_last_reject(), &start, &end);
        mvt_write(end, 1);
}

/* Valgrind puts memory of its own beside. */
START_TEST(microvisors_memory_is_secure)
{
        if (mvt_is_valgrind())
                return;
        expect(write_before_state, SIGSEGV, "SecureFault: the application wrote to 0x");
        mvt_expect_report(&child, SIGSEGV, ", which is Microvisor's own memory");
        expect(write_behind_state, SIGSEGV, ", which is Microvisor's own memory");
}
END_TEST

static void overwrite_guard_word(void)
{
        uintptr_t start, end;
        boot();
        find_mapping((uintptr_t)mvsim_last_reject(), &start, &end);
        mvt_write(end - 1, (uint8_t)(mvt_read(end - 1) + 1));
        mvsim_shutdown();
}

static void overwrite_strictly(void)
{
        uintptr_t start, end;
        mvt_device_boot(&(struct mvt_device){.profile = "memory: {strict: true}\n"});
        mvNoOp();
        find_mapping((uintptr_t)mvsim_last_reject(), &start, &end);
        mvt_write(end - 1, (uint8_t)(mvt_read(end - 1) + 1));
        mvNoOp();
}

START_TEST(strict_mode_finds_an_overwritten_guard_word_in_the_next_call)
{
        mvt_child_run(&child, overwrite_strictly);
        mvt_expect_report(&child, SIGSEGV, "SecureFault: Microvisor's own memory was overwritten: guard word 0x");
        mvt_expect_report(&child, SIGSEGV, "as mvNoOp finds");
}
END_TEST

START_TEST(an_overwritten_guard_word_is_found_at_the_end)
{
        mvt_child_run(&child, overwrite_guard_word);
        mvt_expect_report(&child, SIGSEGV, "SecureFault: Microvisor's own memory was overwritten: guard word 0x");
        mvt_expect_report(&child, SIGSEGV, "as the end of the run finds");
}
END_TEST

/* ---- where ---- */

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        mvt_write(8, 1);
}

static void fault_in_handler(void)
{
        boot();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        NVIC_SetPendingIRQ(TIM8_BRK_IRQn);
}

START_TEST(the_handler_that_was_running_is_named)
{
        expect(fault_in_handler, SIGSEGV, "in TIM8_BRK_IRQHandler (exception 67)");
}
END_TEST

static volatile bool go_on = true;

static void fault_in_spin(void)
{
        boot();
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        if (mvsim_pend_irq(TIM8_BRK_IRQn, 1000) < 0)
                _exit(99);
        while (go_on)
                continue;
}

START_TEST(a_handler_that_interrupted_a_spin_is_named)
{
        expect(fault_in_spin, SIGSEGV, "in TIM8_BRK_IRQHandler (exception 67)");
}
END_TEST

__attribute__((noinline)) static void innermost(volatile int *depth)
{
        *depth += 1;
        mvt_write(4, 1);
        *depth += 1;
}

__attribute__((noinline)) static void in_between(volatile int *depth)
{
        innermost(depth);
        *depth += 1;
}

static void fault_deep(void)
{
        volatile int depth = 0;
        boot();
        in_between(&depth);
}

/* Valgrind keeps the registers that calls are found by no more exact than it needs them. */
START_TEST(the_calls_that_led_there_are_shown)
{
        if (mvt_is_valgrind())
                return;
        expect(fault_deep, SIGSEGV, "MemManage");
        const char *first = strstr(child.output, " in mvt_write+0x");
        const char *second = strstr(child.output, " in innermost+0x");
        const char *third = strstr(child.output, " in in_between+0x");
        ck_assert_msg(first && second && third && first < second && second < third, "%s", child.output);
        ck_assert_ptr_nonnull(strstr(first, "test_faults+0x"));
}
END_TEST

__attribute__((noinline, no_sanitize("address"))) static int recurse(int depth)
{
        volatile char frame[4000];
        frame[0] = (char)depth;
        return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

static void overflow(void)
{
        boot();
        recurse(0);
}

START_TEST(a_stack_overflow_is_reported)
{
        if (mvt_is_valgrind())
                return;
        expect(overflow, SIGSEGV, ": its stack has overflowed");
        mvt_expect_report(&child, SIGSEGV, " in recurse");
}
END_TEST

static void *fault_in_thread(void *argument)
{
        mvt_write(16, 1);
        return argument;
}

static void fault_elsewhere(void)
{
        pthread_t thread;
        boot();
        if (pthread_create(&thread, NULL, fault_in_thread, NULL) == 0)
                pthread_join(thread, NULL);
}

START_TEST(a_fault_of_another_thread_is_reported)
{
        expect(fault_elsewhere, SIGSEGV, "a null pointer, and 16 bytes on");
        mvt_expect_report(&child, SIGSEGV, " in fault_in_thread+0x");
}
END_TEST

/* ---- whose signal it is ---- */

static void be_sent(void)
{
        boot();
        kill(getpid(), SIGSEGV);
}

START_TEST(a_signal_that_was_sent_is_no_fault)
{
        mvt_child_run(&child, be_sent);
        ck_assert_msg(strstr(child.output, "Fault:") == NULL, "%s", child.output);
        ck_assert_int_ne(child.exit_status, 0);
}
END_TEST

static sigjmp_buf back;

static void on_fault(int signal, siginfo_t *info, void *context)
{
        (void)context;
        siglongjmp(back, signal == SIGSEGV && info->si_addr == (void *)8 ? 1 : 2);
}

static void install_handler(void)
{
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
        sigaction(SIGSEGV, &action, NULL);
}

static void recover(void)
{
        int how = sigsetjmp(back, 1);
        if (how == 0)
                mvt_write(8, 1);
        mvNoOp();
        _exit(how == 1 ? 0 : 97);
}

static void handle_before(void)
{
        install_handler();
        boot();
        recover();
}

static void handle_after(void)
{
        boot();
        install_handler();
        recover();
}

START_TEST(a_handler_of_the_applications_gets_the_signal)
{
        mvt_child_run(&child, handle_before);
        ck_assert_msg(child.exit_status == 0, "%d/%d: %s", child.exit_status, child.signal, child.output);
        ck_assert_uint_eq(mvt_count(child.output, "MemManage: the application wrote to 0x00000008"), 1);
        mvt_child_run(&child, handle_after);
        ck_assert_msg(child.exit_status == 0, "%s", child.output);
}
END_TEST

static void fault_after_shutdown(void)
{
        boot();
        mvsim_shutdown();
        mvt_write(8, 1);
}

/* Where the profile lets the application start again after a crash: not in a fork, which would start the suite. Should
 * it do so all the same, the suite is told by the environment, and comes to an end. */
static void crash_in_a_fork(void)
{
        if (getenv("MVSIM_TEST_CRASHED"))
                _exit(EXIT_FAILURE);
        setenv("MVSIM_TEST_CRASHED", "1", 1);
        mvt_device_boot(&(struct mvt_device){.profile = "memory: {on_fault: restart, restarts: 1}\n"});
        mvt_write(0, 1);
}

START_TEST(a_crash_in_a_fork_does_not_start_the_suite_again)
{
        mvt_child_run(&child, crash_in_a_fork);
        mvt_expect_report(&child, SIGSEGV, "the application cannot start again in a process that was forked");
        ck_assert_uint_eq(mvt_count(child.output, "the application starts again"), 0);
}
END_TEST

START_TEST(without_a_device_nothing_is_said)
{
        mvt_child_run(&child, fault_after_shutdown);
        ck_assert_msg(strstr(child.output, "mvsim:") == NULL, "%s", child.output);
        ck_assert_int_ne(child.exit_status, 0);
}
END_TEST

static void fault_after_second_boot(void)
{
        boot();
        mvsim_shutdown();
        boot();
        mvt_write(8, 1);
}

START_TEST(a_second_device_reports_too)
{
        expect(fault_after_second_boot, SIGSEGV, "MemManage: the application wrote to 0x00000008");
}
END_TEST

START_TEST(the_alternate_stack_is_put_back)
{
        stack_t before, during, after;
        sigaltstack(NULL, &before);
        boot();
        sigaltstack(NULL, &during);
        ck_assert((during.ss_flags & SS_DISABLE) == 0);
        mvt_device_end();
        sigaltstack(NULL, &after);
        ck_assert_int_eq(after.ss_flags, before.ss_flags);
        ck_assert((after.ss_flags & SS_DISABLE) || after.ss_sp == before.ss_sp);
}
END_TEST

static TCase *kinds_case(void)
{
        TCase *tests = tcase_create("kinds");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, it_is_called_what_the_device_calls_it, 0, (int)(sizeof kinds / sizeof kinds[0]));
        tcase_add_test(tests, an_undefined_instruction_is_a_usage_fault);
#if defined(__x86_64__)
        tcase_add_test(tests, a_division_by_zero_is_a_usage_fault);
        tcase_add_test(tests, an_address_that_cannot_be_is_a_bus_fault);
#endif
        tcase_add_test(tests, microvisors_memory_is_secure);
        tcase_add_test(tests, an_overwritten_guard_word_is_found_at_the_end);
        tcase_add_test(tests, strict_mode_finds_an_overwritten_guard_word_in_the_next_call);
        return tests;
}

static TCase *places_case(void)
{
        TCase *tests = tcase_create("places");
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, the_handler_that_was_running_is_named);
        if (!mvt_is_thread_sanitized())
                tcase_add_test(tests, a_handler_that_interrupted_a_spin_is_named);
        tcase_add_test(tests, the_calls_that_led_there_are_shown);
        tcase_add_test(tests, a_stack_overflow_is_reported);
        tcase_add_test(tests, a_fault_of_another_thread_is_reported);
        return tests;
}

static TCase *signals_case(void)
{
        TCase *tests = tcase_create("signals");
        tcase_set_timeout(tests, 60);
        tcase_add_test(tests, a_signal_that_was_sent_is_no_fault);
        tcase_add_test(tests, a_handler_of_the_applications_gets_the_signal);
        tcase_add_test(tests, a_crash_in_a_fork_does_not_start_the_suite_again);
        tcase_add_test(tests, without_a_device_nothing_is_said);
        tcase_add_test(tests, a_second_device_reports_too);
        tcase_add_test(tests, the_alternate_stack_is_put_back);
        return tests;
}

Suite *suite(void)
{
        Suite *suite = suite_create("faults");
        suite_add_tcase(suite, kinds_case());
        suite_add_tcase(suite, places_case());
        suite_add_tcase(suite, signals_case());
        return suite;
}
