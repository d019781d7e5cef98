/* Power that fails while the external flash programs or erases: when, what is left, and how life goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "device.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "tempdir.h"
#include "traced.h"

#define PAGE   256U
#define SECTOR 4096U
#define SEEDS  40

static uint8_t bytes[4 * SECTOR];

static MvExternalFlashHandle open_flash(void)
{
        MvExternalFlashHandle handle = NULL;
        expect_okay(mvExternalFlashOpen(&handle));
        return handle;
}

static void boot(unsigned seed)
{
        char profile[128];
        snprintf(profile, sizeof profile, "time: {seed: %u}\nflash: {size: 65536}\n", seed);
        mvt_device_boot(&(struct mvt_device){.profile = profile, .leaves_handles = true});
}

static void boot_with_a_usual_seed(void)
{
        boot(1);
}

static void read_all(uint32_t address, uint8_t *ret, uint32_t len)
{
        MvExternalFlashHandle flash = open_flash();
        expect_okay(mvExternalFlashReadBlocking(flash, address, len, ret));
        expect_okay(mvExternalFlashClose(&flash));
}

/* ---- a call that is cut ---- */

struct act {
        bool erases;
        uint32_t address, len;
        uint8_t fill;
        bool went_on;
};

static void perform(void *context)
{
        static uint8_t data[4 * SECTOR];
        struct act *act = context;
        MvExternalFlashHandle flash = open_flash();
        memset(data, act->fill, sizeof data);
        if (act->erases)
                expect_okay(mvExternalFlashEraseBlocking(flash, act->address, act->len));
        else
                expect_okay(mvExternalFlashWriteBlocking(flash, act->address, act->len, data));
        act->went_on = true;
}

static void do_whole(struct act act)
{
        struct mvsim_ending ending;
        ck_assert(!mvsim_catch(perform, &act, &ending));
}

static struct mvsim_ending do_cut(struct act act, uint64_t nth)
{
        struct mvsim_ending ending;
        mvsim_flash_cut(nth);
        ck_assert(mvsim_catch(perform, &act, &ending));
        ck_assert(!act.went_on);
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_POWER_CUT);
        return ending;
}

static const struct act program = {.address = 100, .len = 1000, .fill = 0x5a};
static const struct act erasure = {.erases = true, .address = SECTOR, .len = 3 * SECTOR};

/* ---- counting ---- */

START_TEST(an_operation_is_a_page_to_program_or_a_sector_to_erase)
{
        ck_assert_uint_eq(mvsim_flash_operations(), 0);
        do_whole((struct act){.address = 0, .len = 1});
        ck_assert_uint_eq(mvsim_flash_operations(), 1);
        do_whole((struct act){.address = 0, .len = PAGE});
        ck_assert_uint_eq(mvsim_flash_operations(), 2);
        do_whole((struct act){.address = PAGE - 1, .len = 2}); /* across a border */
        ck_assert_uint_eq(mvsim_flash_operations(), 4);
        do_whole(program); /* 100 to 1099: five pages */
        ck_assert_uint_eq(mvsim_flash_operations(), 9);
        do_whole(erasure);
        ck_assert_uint_eq(mvsim_flash_operations(), 12);
        do_whole((struct act){.address = 7, .len = 0});
        read_all(0, bytes, SECTOR);
        ck_assert_uint_eq(mvsim_flash_operations(), 12);
}
END_TEST

START_TEST(it_ends_the_life_there_and_then_and_says_why)
{
        struct mvsim_ending ending = do_cut(program, 3);
        ck_assert_str_eq(ending.call, "mvExternalFlashWriteBlocking");
        ck_assert_uint_eq(ending.argument, 3);
        ck_assert_int_eq(ending.reason, MV_WAKEREASON_COLDBOOT);
        MvExternalFlashHandle handle = NULL;
        ck_assert_int_eq(mvExternalFlashOpen(&handle), MV_STATUS_UNAVAILABLE);
}
END_TEST

START_TEST(the_next_life_begins_with_a_cold_boot_and_no_cut)
{
        enum MvWakeReason reason = MV_WAKEREASON_DEEPSLEEPOTHER;
        uint64_t now = 99;
        mvsim_run_for(5000000);
        do_cut(program, 1);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        expect_okay(mvGetMicroseconds(&now));
        ck_assert_uint_lt(now, 1000);
        expect_okay(mvGetWakeReason(&reason));
        ck_assert_int_eq(reason, MV_WAKEREASON_COLDBOOT);
        ck_assert_uint_eq(mvt_open_handles(), 0);
        do_whole(program);
        do_whole(erasure);
}
END_TEST

START_TEST(zero_takes_a_cut_back)
{
        mvsim_flash_cut(2);
        mvsim_flash_cut(0);
        do_whole(program);
}
END_TEST

START_TEST(the_nth_counts_from_when_it_is_asked_for)
{
        do_whole(program);
        ck_assert_uint_eq(do_cut(program, 2).argument, 5 + 2);
}
END_TEST

/* ---- what is left ---- */

START_TEST(pages_before_the_cut_are_programmed_and_those_behind_are_not)
{
        boot((unsigned)_i);
        do_cut(program, 3); /* of 100-255, 256-511, 512-767, ... */
        ck_assert_int_eq(mvsim_boot_again(), 0);
        read_all(0, bytes, SECTOR);
        for (uint32_t i = 0; i < SECTOR; i++) {
                if (i >= 512 && i < 768)
                        ck_assert_msg((bytes[i] & 0x5a) == 0x5a, "byte %u is 0x%02x", i, bytes[i]);
                else
                        ck_assert_uint_eq(bytes[i], i >= 100 && i < 512 ? 0x5a : 0xff);
        }
        mvt_device_end();
}
END_TEST

START_TEST(sectors_before_the_cut_are_erased_and_those_behind_are_not)
{
        boot((unsigned)_i);
        do_whole((struct act){.address = 0, .len = 4 * SECTOR, .fill = 0x3c});
        do_cut(erasure, 2);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        read_all(0, bytes, sizeof bytes);
        for (uint32_t i = 0; i < sizeof bytes; i++) {
                if (i / SECTOR != 2)
                        ck_assert_uint_eq(bytes[i], i / SECTOR == 1 ? 0xff : 0x3c);
        }
        mvt_device_end();
}
END_TEST

/* How often each kind of rest comes, over many seeds. */
struct rests {
        unsigned nothing, everything, part;
};

static void count_rest(struct rests *rests, uint8_t before, uint8_t after, uint32_t len)
{
        uint32_t old = 0, new = 0;
        for (uint32_t i = 0; i < len; i++) {
                old += bytes[i] == before;
                new += bytes[i] == after;
        }
        rests->nothing += old == len;
        rests->everything += new == len;
        rests->part += old < len && new < len;
}

START_TEST(a_page_may_be_untouched_done_or_anything_between)
{
        struct rests rests = {0};
        bool half_a_byte = false;
        for (unsigned seed = 0; seed < SEEDS; seed++) {
                boot(seed);
                do_cut((struct act){.address = 0, .len = PAGE, .fill = 0x00}, 1);
                ck_assert_int_eq(mvsim_boot_again(), 0);
                read_all(0, bytes, PAGE);
                count_rest(&rests, 0xff, 0x00, PAGE);
                for (uint32_t i = 0; i < PAGE; i++)
                        half_a_byte = half_a_byte || (bytes[i] != 0 && bytes[i] != 0xff);
                mvt_device_end();
        }
        ck_assert_uint_gt(rests.nothing, 0);
        ck_assert_uint_gt(rests.everything, 0);
        ck_assert_uint_gt(rests.part, rests.nothing + rests.everything);
        ck_assert(half_a_byte);
}
END_TEST

START_TEST(a_sector_may_be_untouched_erased_cleared_or_anything_between)
{
        struct rests rests = {0};
        bool cleared = false;
        for (unsigned seed = 0; seed < SEEDS; seed++) {
                boot(seed);
                do_whole((struct act){.address = 0, .len = SECTOR, .fill = 0x3c});
                do_cut((struct act){.erases = true, .address = 0, .len = SECTOR}, 1);
                ck_assert_int_eq(mvsim_boot_again(), 0);
                read_all(0, bytes, SECTOR);
                count_rest(&rests, 0x3c, 0xff, SECTOR);
                cleared = cleared || memchr(bytes, 0x00, SECTOR) != NULL;
                mvt_device_end();
        }
        ck_assert_uint_gt(rests.nothing, 0);
        ck_assert_uint_gt(rests.everything, 0);
        ck_assert_uint_gt(rests.part, rests.nothing + rests.everything);
        ck_assert(cleared);
}
END_TEST

START_TEST(the_same_seed_leaves_the_same)
{
        static uint8_t first[SECTOR];
        for (unsigned turn = 0; turn < 2; turn++) {
                boot((unsigned)_i);
                do_cut((struct act){.address = 0, .len = PAGE, .fill = 0x11}, 1);
                ck_assert_int_eq(mvsim_boot_again(), 0);
                read_all(0, turn == 0 ? first : bytes, PAGE);
                mvt_device_end();
        }
        ck_assert_mem_eq(first, bytes, PAGE);
}
END_TEST

/* ---- the profile's cut: an application that starts again by itself, or a process that ends ---- */

static char child_profile[MVT_PATH_SIZE], child_flash[MVT_PATH_SIZE];

/* Programs a page in each life, and tells. */
static void live(void)
{
        static const uint8_t page[PAGE];
        MvExternalFlashHandle flash = NULL;
        setenv("MVSIM_PROFILE", child_profile, 1);
        setenv("MVSIM_TIME", "virtual", 1);
        fputs("printed; ", stdout);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        if (mvExternalFlashOpen(&flash) != MV_STATUS_OKAY)
                _exit(99);
        for (uint32_t i = 0; i < 3; i++)
                mvExternalFlashWriteBlocking(flash, i * PAGE, sizeof page, page);
        _exit(mvsim_flash_operations() == 3 ? 7 : 98);
}

/* What its flash holds then comes into `bytes`. */
static void run_child(const char *settings, struct mvt_child *ret)
{
        struct mvt_tempdir dir;
        mvt_tempdir_make(&dir);
        mvt_path(child_flash, &dir, "flash.img");
        mvt_path(child_profile, &dir, "profile.yaml");
        mvt_write_file(child_profile, settings, strlen(settings));
        mvt_child_run(ret, live);
        FILE *image = fopen(child_flash, "re");
        ck_assert_ptr_nonnull(image);
        ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, image), sizeof bytes);
        fclose(image);
        mvt_tempdir_remove(&dir);
}

START_TEST(where_power_stays_away_the_process_ends)
{
        struct mvt_child child;
        run_child("flash: {file: flash.img, power_cut: 2, power_back: false}\n", &child);
        ck_assert_msg(child.exit_status == MVSIM_EXIT_POWER_CUT, "status %d, signal %d: %s", child.exit_status,
                      child.signal, child.output);
        ck_assert_uint_eq(mvt_count(child.output, "mvExternalFlashWriteBlocking: power fails in the middle of "
                                                  "operation 2 of this life, at 0x00000100"),
                          1);
        ck_assert_uint_eq(mvt_count(child.output, "printed; "), 1);
        ck_assert_uint_eq(mvt_count(child.output, "handles-open"), 0);
        for (uint32_t i = 0; i < sizeof bytes; i++) {
                if (i / PAGE != 1)
                        ck_assert_uint_eq(bytes[i], i < PAGE ? 0x00 : 0xff);
        }
}
END_TEST

START_TEST(a_cut_that_does_not_come_changes_nothing)
{
        struct mvt_child child;
        run_child("flash: {file: flash.img, power_cut: 4, power_back: false}\n", &child);
        ck_assert_msg(child.exit_status == 7, "status %d, signal %d: %s", child.exit_status, child.signal,
                      child.output);
}
END_TEST

/* ---- the event log ---- */

START_TEST(the_event_log_has_it)
{
        mvt_traced_boot(&(struct mvt_device){.leaves_handles = true});
        do_cut(program, 2);
        const char *events = mvt_traced_end();
        ck_assert_msg(strstr(events, "power_cut operation=2 address=0x00000100") != NULL, "%s", events);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("power_cut");
        TCase *counting = tcase_create("counting");
        tcase_add_checked_fixture(counting, boot_with_a_usual_seed, mvt_device_end);
        tcase_add_test(counting, an_operation_is_a_page_to_program_or_a_sector_to_erase);
        tcase_add_test(counting, it_ends_the_life_there_and_then_and_says_why);
        tcase_add_test(counting, the_next_life_begins_with_a_cold_boot_and_no_cut);
        tcase_add_test(counting, zero_takes_a_cut_back);
        tcase_add_test(counting, the_nth_counts_from_when_it_is_asked_for);
        suite_add_tcase(suite, counting);
        TCase *rest = tcase_create("what is left");
        tcase_set_timeout(rest, 60);
        tcase_add_loop_test(rest, pages_before_the_cut_are_programmed_and_those_behind_are_not, 0, 5);
        tcase_add_loop_test(rest, sectors_before_the_cut_are_erased_and_those_behind_are_not, 0, 5);
        tcase_add_test(rest, a_page_may_be_untouched_done_or_anything_between);
        tcase_add_test(rest, a_sector_may_be_untouched_erased_cleared_or_anything_between);
        tcase_add_loop_test(rest, the_same_seed_leaves_the_same, 0, 5);
        suite_add_tcase(suite, rest);
        TCase *own = tcase_create("profile and event log");
        tcase_add_test(own, where_power_stays_away_the_process_ends);
        tcase_add_test(own, a_cut_that_does_not_come_changes_nothing);
        tcase_add_test(own, the_event_log_has_it);
        suite_add_tcase(suite, own);
        return suite;
}
