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

Suite *suite(void)
{
        Suite *suite = suite_create("windows");
        TCase *tests = tcase_create("windows");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, a_stray_access_is_named, 0, (int)(sizeof strays / sizeof strays[0]));
        tcase_add_test(tests, system_space_is_not_memory);
        if (!mvt_is_valgrind()) { /* which lies there itself, and does not know the flag */
                tcase_add_test(tests, they_are_reserved_while_the_device_runs);
                tcase_add_test(tests, where_something_lies_already_it_is_said_once);
                if (!mvt_is_thread_sanitized()) /* it takes a child's threads for those of the parent */
                        tcase_add_test(tests, a_child_of_the_process_may_have_them_again);
        }
        suite_add_tcase(suite, tests);
        return suite;
}
