/* The device's address windows: what an application is told that reaches into them. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "suite.h"
#include "tools.h"
#include "watched.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define PAGE 4096

static const struct stray {
        uintptr_t address;
        bool writes;
        const char *report;
} strays[] = {
        {0x0c000010, false, "SecureFault: the application read 0x0c000010: secure flash belongs to Microvisor"},
        {0x0c1fe000, false, "SecureFault: the application read 0x0c1fe000: secure flash belongs to Microvisor"},
        {0x30000000, true, "SecureFault: the application wrote to 0x30000000: secure SRAM belongs to Microvisor"},
        {0x40000400, true, "BusFault: the application wrote to 0x40000400: TIM3 belongs to Microvisor"},
        {0x40013008, false, "BusFault: the application read 0x40013008: peripheral SPI1 is not modelled"},
        {0x42020018, true, "BusFault: the application wrote to 0x42020018: peripheral GPIOA is not modelled"},
        {0x46020c08, false,
         "BusFault: the application read 0x46020c08: RCC belongs to Microvisor (use mvPeriphPeek32 and "
         "mvPeriphPoke32)"},
        {0x400200d4, false, "0x400200d4: peripheral GPDMA1_Channel1 is not modelled"},
        {0x4f000000, false, "BusFault: the application read 0x4f000000: no peripheral of the STM32U585 is there"},
        {0x50013000, true,
         "SecureFault: the application wrote to 0x50013000: secure aliases of peripherals belong to Microvisor (SPI1 "
         "is "
         "at 0x40013000 for the application)"},
        {0x20000000, true, "BusFault: the application wrote to 0x20000000: the device has its SRAM there"},
        {0x08000000, false, "BusFault: the application read 0x08000000: the device has its flash there"},
};

static const struct stray *stray;

static void reach(void)
{
        mvt_device_boot(NULL);
        if (stray->writes)
                mvt_write(stray->address, 1);
        else
                mvt_read(stray->address);
}

START_TEST(a_stray_access_is_named)
{
        struct mvt_child child;
        stray = &strays[_i];
        mvt_child_run(&child, reach);
        mvt_expect_report(&child, SIGSEGV, stray->report);
}
END_TEST

static void read_vector_table(void)
{
        mvt_device_boot(NULL);
        mvt_read(0xe000e100);
}

/* The address sanitizer keeps its own books there. */
START_TEST(system_space_is_not_memory)
{
        struct mvt_child child;
        if (mvt_is_address_sanitized())
                return;
        mvt_child_run(&child, read_vector_table);
        mvt_expect_report(&child, SIGSEGV, "BusFault: the application read 0xe000e100: the processor's own registers");
        mvt_expect_report(&child, SIGSEGV, "NVIC_EnableIRQ");
}
END_TEST

/* Maps a page at the address; false where something is. */
static bool take(uintptr_t address)
{
        void *wish = (void *)address;
        void *found =
                mmap(wish, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (found != MAP_FAILED && found != wish)
                munmap(found, PAGE);
        return found == wish;
}

static void give(uintptr_t address)
{
        ck_assert_int_eq(munmap((void *)address, PAGE), 0);
}

START_TEST(they_are_reserved_while_the_device_runs)
{
        static const uintptr_t addresses[] = {0x0c000000, 0x30000000, 0x40000000, 0x4ffff000};
        for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
                ck_assert(take(addresses[i]));
                give(addresses[i]);
        }
        mvt_device_boot(NULL);
        for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
                ck_assert(!take(addresses[i]));
        mvt_device_end();
        for (unsigned i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
                ck_assert(take(addresses[i]));
                give(addresses[i]);
        }
}
END_TEST

static void boot_beside(void)
{
        if (!take(0x40001000))
                _exit(99);
        mvt_write(0x40001000, 5);
        for (unsigned i = 0; i < 2; i++) {
                mvt_device_boot(&(struct mvt_device){.profile = "log: {level: info}\n"});
                mvNoOp();
                mvsim_shutdown();
        }
        _exit(mvt_read(0x40001000) == 5 ? 0 : 98);
}

START_TEST(where_something_lies_already_it_is_said_once)
{
        struct mvt_child child;
        mvt_child_run(&child, boot_beside);
        ck_assert_msg(child.exit_status == 0, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        ck_assert_uint_eq(mvt_count(child.output, "the device's peripherals, 0x40000000 to 0x4fffffff, cannot be "
                                                  "reserved"),
                          1);
}
END_TEST

static void boot_in_child(void)
{
        if (!take(0x40000000))
                _exit(99);
        give(0x40000000);
        mvt_device_boot(NULL);
        _exit(take(0x40000000) ? 98 : 0);
}

START_TEST(a_child_of_the_process_may_have_them_again)
{
        struct mvt_child child;
        mvt_device_boot(NULL);
        mvt_child_run(&child, boot_in_child);
        ck_assert_msg(child.exit_status == 0, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
        ck_assert(!take(0x40000000));
        mvt_device_end();
}
END_TEST

/* ---- as arguments ---- */

static const struct {
        uintptr_t address;
        const char *message;
} pointers[] = {
        {0x0c000000, "byte 0xc000000 is secure memory, which belongs to Microvisor (secure flash)"},
        {0x300bfff8, "byte 0x300bfff8 is secure memory, which belongs to Microvisor (secure SRAM)"},
        {0x38000000, "byte 0x38000000 is secure memory, which belongs to Microvisor (secure SRAM4)"},
        {0x40000400, "byte 0x40000400 is a peripheral's register, not memory (TIM3)"},
        {0x42020018, "byte 0x42020018 is a peripheral's register, not memory (GPIOA)"},
        {0x4f000000, "byte 0x4f000000 lies among the peripherals, where no memory is"},
        {0x50013000, "byte 0x50013000 is a peripheral's secure alias, which belongs to Microvisor (SPI1)"},
        {0x5f000000, "byte 0x5f000000 is a peripheral's secure alias, which belongs to Microvisor"},
        {0x20000000, "byte 0x20000000 is memory of the device's that this computer does not have (SRAM)"},
        {0x08000000, "byte 0x8000000 is memory of the device's that this computer does not have (flash)"},
        {0x300bfffc, "byte 0x300bfffc is secure memory, which belongs to Microvisor (secure SRAM)"},
        {0x300c0000, "byte 0x300c0000 is not mapped"},
};

static void expect_refused_pointer(uintptr_t address, const char *message)
{
        expect_reject(mvGetMicroseconds((uint64_t *)address), MV_STATUS_PARAMETERFAULT, "ms");
        ck_assert_msg(strstr(mvsim_last_reject()->message, message) != NULL, "\"%s\" is not in: %s", message,
                      mvsim_last_reject()->message);
}

START_TEST(a_pointer_to_what_is_no_memory_is_refused_and_named)
{
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: error}\n"});
        expect_refused_pointer(pointers[_i].address, pointers[_i].message);
        mvt_device_end();
}
END_TEST

START_TEST(a_pointer_to_the_system_space_is_refused_and_named)
{
        if (mvt_is_address_sanitized())
                return;
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: error}\n"});
        expect_refused_pointer(0xe000e100, "byte 0xe000e100 is a register of the processor's own, not memory");
        mvt_device_end();
}
END_TEST

/* The last page below the peripherals: what begins there and reaches into the window is refused for its first byte
 * there. */
START_TEST(a_pointer_that_reaches_into_a_window_is_refused_for_what_lies_there)
{
        ck_assert(take(0x3ffff000));
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: error}\n"});
        expect_refused_pointer(0x3ffffffc, "byte 0x40000000 is a peripheral's register, not memory (TIM2)");
        expect_okay(mvGetMicroseconds((uint64_t *)0x3ffffff8));
        mvt_device_end();
        give(0x3ffff000);
}
END_TEST

/* A model of the application's own in place of a peripheral. */
START_TEST(memory_that_the_application_put_into_a_window_is_memory)
{
        ck_assert(take(0x40001000));
        mvt_device_boot(&(struct mvt_device){.profile = "log: {level: error}\n"});
        expect_okay(mvGetMicroseconds((uint64_t *)0x40001008));
        expect_refused_pointer(0x40000400, "byte 0x40000400 is a peripheral's register, not memory (TIM3)");
        mvt_device_end();
        give(0x40001000);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("windows");
        TCase *tests = tcase_create("windows");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, a_stray_access_is_named, 0, (int)(sizeof strays / sizeof strays[0]));
        tcase_add_test(tests, system_space_is_not_memory);
        tcase_add_loop_test(tests, a_pointer_to_what_is_no_memory_is_refused_and_named, 0,
                            (int)(sizeof pointers / sizeof pointers[0]));
        tcase_add_test(tests, a_pointer_to_the_system_space_is_refused_and_named);
        if (!mvt_is_valgrind()) { /* which lies there itself, and does not know the flag */
                tcase_add_test(tests, they_are_reserved_while_the_device_runs);
                tcase_add_test(tests, where_something_lies_already_it_is_said_once);
                tcase_add_test(tests, a_pointer_that_reaches_into_a_window_is_refused_for_what_lies_there);
                tcase_add_test(tests, memory_that_the_application_put_into_a_window_is_memory);
                if (!mvt_is_thread_sanitized()) /* it takes a child's threads for those of the parent */
                        tcase_add_test(tests, a_child_of_the_process_may_have_them_again);
        }
        suite_add_tcase(suite, tests);
        return suite;
}
