/* Status coverage: what is counted, by whom and where, and what becomes of it when a process or a file goes wrong. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/device.h"
#include "lib/tempdir.h"
#include "lib/tools.h"
#include "sim/coverage/table.h"
#include "src/coverage.h"
#include "suite.h"

#define CALLS     20000U
#define PROCESSES 4

static struct mvt_tempdir dir;
static char path[MVT_PATH_SIZE];
static struct mvs_coverage_record record;
static struct mvs_coverage_table table; /* of the record */

static void setup(void)
{
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "coverage.bin");
        setenv("MVSIM_COVERAGE", path, 1);
}

static void teardown(void)
{
        mvsim_shutdown();
        unsetenv("MVSIM_COVERAGE");
        mvt_tempdir_remove(&dir);
}

/* In a child too, which checks nothing. */
static void boot(void)
{
        if (mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL}) != 0)
                _exit(99);
}

static int look_at(const char *file, char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        int result = mvs_coverage_record_read(&record, file, ret_why);
        return result < 0 ? result : mvs_coverage_table_read(&table, record.table, ret_why);
}

static void read_record(const char *file)
{
        char why[MVS_COVERAGE_WHY_SIZE] = "";
        int result = look_at(file, why);
        ck_assert_msg(result == 0, "%s: %s", file, why);
}

static uint64_t count(enum mvs_call_number call, enum MvStatus status, enum mvs_coverage_cause cause)
{
        return record.counts[call][status][cause];
}

static uint64_t naturally(enum mvs_call_number call, enum MvStatus status)
{
        return count(call, status, MVS_COVERAGE_NATURAL);
}

static uint64_t all_counts(void)
{
        uint64_t sum = 0;
        const _Atomic uint64_t *counts = &record.counts[0][0][0];
        for (size_t i = 0; i < sizeof record.counts / sizeof *counts; i++)
                sum += counts[i];
        return sum;
}

/* ---- what is counted ---- */

START_TEST(each_call_counts_under_the_status_that_it_returned)
{
        uint64_t now;
        mvt_device_boot(NULL);
        for (int i = 0; i < 3; i++)
                expect_okay(mvNoOp());
        expect_okay(mvGetMicroseconds(&now));
        expect_reject(mvGetMicroseconds(NULL), MV_STATUS_PARAMETERFAULT, "ms");
        mvt_device_end(); /* looks for descriptors, too */
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 3);
        ck_assert_uint_eq(naturally(MVS_CALL_mvGetMicroseconds, MV_STATUS_OKAY), 1);
        ck_assert_uint_eq(naturally(MVS_CALL_mvGetMicroseconds, MV_STATUS_PARAMETERFAULT), 1);
        ck_assert_uint_eq(all_counts(), 5);
}
END_TEST

START_TEST(what_fault_injection_did_is_counted_apart)
{
        uint64_t now;
        boot();
        ck_assert_int_eq(mvsim_fail("mvGetWallTime", 1, MV_STATUS_TIMENOTSET), 0);
        expect_reject(mvGetWallTime(&now), MV_STATUS_TIMENOTSET, "");
        expect_reject(mvGetWallTime(&now), MV_STATUS_TIMENOTSET, "");
        read_record(path); /* at once: nothing waits for the end */
        ck_assert_uint_eq(count(MVS_CALL_mvGetWallTime, MV_STATUS_TIMENOTSET, MVS_COVERAGE_INJECTED), 1);
        ck_assert_uint_eq(naturally(MVS_CALL_mvGetWallTime, MV_STATUS_TIMENOTSET), 1);
}
END_TEST

START_TEST(a_status_beside_the_headers_list_counts_too)
{
        MvChannelHandle channel = NULL;
        const struct MvOpenChannelParams params = {.version = 2};
        boot();
        expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvOpenChannel, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION), 1);
        ck_assert_uint_eq(table.pairs[MVS_CALL_mvOpenChannel] >> MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION & 1, 0);
}
END_TEST

START_TEST(the_record_says_itself_what_it_counts)
{
        unsigned pairs = 0, slips = 0;
        boot();
        read_record(path);
        ck_assert_uint_eq(table.calls, MVS_CALL_COUNT);
        ck_assert_uint_eq(table.statuses, MVS_STATUS_COUNT);
        ck_assert_str_eq(table.call_names[MVS_CALL_mvGetWallTime], "mvGetWallTime");
        ck_assert_str_eq(table.status_names[MV_STATUS_TIMENOTSET], "TIMENOTSET");
        ck_assert_uint_eq(table.pairs[MVS_CALL_mvNoOp], 1U << MV_STATUS_OKAY);
        for (unsigned call = 0; call < table.calls; call++) {
                pairs += (unsigned)__builtin_popcountll(table.pairs[call]);
                slips += (unsigned)__builtin_popcountll(table.slips[call]);
        }
        ck_assert_uint_eq(pairs, 291);
        ck_assert_uint_eq(slips, 2);
}
END_TEST

/* ---- by whom ---- */

START_TEST(runs_add_up)
{
        for (int i = 0; i < 3; i++) {
                boot();
                expect_okay(mvNoOp());
                mvsim_shutdown();
        }
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 3);
}
END_TEST

static void call_and_die(void)
{
        boot();
        mvNoOp();
        kill(getpid(), SIGKILL);
}

START_TEST(a_process_that_is_killed_loses_nothing)
{
        struct mvt_child child;
        mvt_child_run(&child, call_and_die);
        ck_assert_int_eq(child.signal, SIGKILL);
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
}
END_TEST

static void call_often(void)
{
        boot();
        for (unsigned i = 0; i < mvt_rounds(CALLS, CALLS / 100); i++)
                mvNoOp();
        _exit(0);
}

START_TEST(processes_that_run_at_the_same_time_share_a_file)
{
        pid_t children[PROCESSES];
        mvt_let_threads_rest();
        for (int i = 0; i < PROCESSES; i++) {
                children[i] = fork();
                ck_assert_int_ge(children[i], 0);
                if (children[i] == 0)
                        call_often();
        }
        for (int i = 0; i < PROCESSES; i++) {
                int status;
                ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
                ck_assert_int_eq(status, 0);
        }
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY),
                          (uint64_t)PROCESSES * mvt_rounds(CALLS, CALLS / 100));
}
END_TEST

static void make_a_call(void)
{
        mvNoOp();
}

START_TEST(the_child_of_a_fork_records_for_itself)
{
        struct mvt_child child;
        boot();
        expect_okay(mvNoOp());
        mvt_child_run(&child, make_a_call);
        ck_assert_msg(child.exit_status == 0, "%s", child.output);
        expect_okay(mvNoOp());
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 3);
}
END_TEST

/* ---- where ---- */

START_TEST(percent_p_in_the_name_is_the_process)
{
        struct mvt_child child;
        char name[64];
        mvt_path(path, &dir, "100%%-%p.bin");
        setenv("MVSIM_COVERAGE", path, 1);
        boot();
        expect_okay(mvNoOp());
        mvt_child_run(&child, make_a_call);
        ck_assert_msg(child.exit_status == 0, "%s", child.output);
        snprintf(name, sizeof name, "100%%-%d.bin", (int)getpid());
        mvt_path(path, &dir, name);
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
}
END_TEST

/* A profile beside the files. */
static void boot_with_profile(const char *text)
{
        char profile[MVT_PATH_SIZE];
        mvt_path(profile, &dir, "profile.yaml");
        mvt_write_file(profile, text, strlen(text));
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.profile = profile, .time = MVSIM_TIME_VIRTUAL}), 0);
        expect_okay(mvNoOp());
        mvsim_shutdown();
}

START_TEST(the_profile_names_a_file_beside_itself)
{
        unsetenv("MVSIM_COVERAGE");
        boot_with_profile("coverage: {file: coverage.bin}\n");
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
}
END_TEST

START_TEST(the_environment_goes_before_the_profile)
{
        char other[MVT_PATH_SIZE];
        mvt_path(other, &dir, "other.bin");
        boot_with_profile("coverage: {file: other.bin}\n");
        setenv("MVSIM_COVERAGE", "", 1);
        boot_with_profile("coverage: {file: other.bin}\n");
        read_record(path);
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
        ck_assert_int_eq(access(other, F_OK), -1);
}
END_TEST

/* ---- files that are not what they should be ---- */

static void write_nothing(void)
{
        mvt_write_file(path, "notes\n", 6);
}

static void make_record(void)
{
        boot();
        mvNoOp();
        mvsim_shutdown();
        read_record(path);
}

static void change_format(void)
{
        make_record();
        record.format++;
        mvt_write_file(path, &record, sizeof record);
}

static void change_a_name(void)
{
        make_record();
        memcpy(strstr(record.table, "mvGetWallTime OKAY"), "mvGetFallTime OKAY", 18);
        mvt_write_file(path, &record, sizeof record);
}

static void add_a_call(void)
{
        make_record();
        memcpy(record.table + strlen(record.table), "mvNewCall OKAY\n", 15);
        mvt_write_file(path, &record, sizeof record);
}

static void name_no_status(void)
{
        make_record();
        memcpy(record.table, "statuses? ", 10);
        mvt_write_file(path, &record, sizeof record);
}

static void list_an_unknown_status(void)
{
        make_record();
        memcpy(strstr(record.table, "mvNoOp OKAY"), "mvNoOp OKEY", 11);
        mvt_write_file(path, &record, sizeof record);
}

static void name_what_is_no_name(void)
{
        make_record();
        memcpy(strstr(record.table, "mvNoOp"), "<b>\033[", 5);
        mvt_write_file(path, &record, sizeof record);
}

/* A table without an end: as many calls as there is room for bytes. */
static void fill_with_calls(void)
{
        make_record();
        for (size_t used = strlen(record.table); used < sizeof record.table; used += 2)
                memcpy(record.table + used, "a\n", sizeof record.table - used < 2 ? 1 : 2);
        mvt_write_file(path, &record, sizeof record);
}

static void fill_with_statuses(void)
{
        make_record();
        memset(record.table, 0, sizeof record.table);
        memcpy(record.table, "statuses", 8);
        for (size_t i = 0; i <= MVS_COVERAGE_STATUSES; i++)
                memcpy(record.table + 8 + 2 * i, " a", 2);
        mvt_write_file(path, &record, sizeof record);
}

static void empty_the_table(void)
{
        make_record();
        memset(record.table, 0, sizeof record.table);
        mvt_write_file(path, &record, sizeof record);
}

static void cut_short(void)
{
        make_record();
        ck_assert_int_eq(truncate(path, sizeof record - 1), 0);
}

static void cut_shorter(void)
{
        make_record();
        ck_assert_int_eq(truncate(path, 20), 0);
}

static void make_longer(void)
{
        make_record();
        ck_assert_int_eq(truncate(path, sizeof record + 1), 0);
}

#define DAMAGED_TABLE "it is damaged: its table of calls and statuses cannot be read"
#define DAMAGED_SIZE  "it is damaged: its size is not that of a record"

static const struct {
        const char *what;
        void (*make)(void);
        const char *first; /* of the words that this libmvsim has otherwise; NULL: it cannot look so far */
        const char *why;   /* nobody can read it; NULL: `mvsim coverage` can */
} bad_files[] = {
        {"a file of another kind", write_nothing, NULL, "it is no record of status coverage"},
        {"another format", change_format, NULL,
         "it was recorded by another version of libmvsim, in format 3, and this one has format 2"},
        {"another call", change_a_name, "mvGetWallTime", NULL},
        {"more calls", add_a_call, "mvNewCall", NULL},
        {"no statuses", name_no_status, "statuses", DAMAGED_TABLE},
        {"a status of no name", list_an_unknown_status, "mvNoOp", DAMAGED_TABLE},
        {"a name that is none", name_what_is_no_name, "mvNoOp", DAMAGED_TABLE},
        {"too many calls", fill_with_calls, "a", DAMAGED_TABLE},
        {"too many statuses", fill_with_statuses, "statuses", DAMAGED_TABLE},
        {"no table", empty_the_table, "statuses", DAMAGED_TABLE},
        {"a byte missing", cut_short, NULL, DAMAGED_SIZE},
        {"nearly everything missing", cut_shorter, NULL, DAMAGED_SIZE},
        {"a byte too many", make_longer, NULL, DAMAGED_SIZE},
};

static void expect_no_boot(const char *why)
{
        char output[MVT_OUTPUT_SIZE], place[512];
        mvt_capture_begin();
        int result = mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL});
        mvt_capture_end(output);
        ck_assert_int_lt(result, 0);
        snprintf(place, sizeof place,
                 "mvsim: the status coverage cannot be recorded in %s (coverage.file in the profile, or "
                 "MVSIM_COVERAGE): ",
                 getenv("MVSIM_COVERAGE"));
        ck_assert_msg(strncmp(output, place, strlen(place)) == 0, "not \"%s\": %s", place, output);
        ck_assert_msg(strstr(output, why) != NULL, "not \"%s\": %s", why, output);
}

START_TEST(a_file_that_is_no_record_of_this_version_is_refused_and_left_alone)
{
        char why[MVS_COVERAGE_WHY_SIZE];
        struct stat before, after;
        bad_files[_i].make();
        ck_assert_int_eq(stat(path, &before), 0);
        if (bad_files[_i].first) {
                snprintf(why, sizeof why, "whose list of calls and statuses is another from \"%s\" on (delete it",
                         bad_files[_i].first);
                expect_no_boot(why);
        } else {
                expect_no_boot(bad_files[_i].why);
        }
        ck_assert_int_eq(stat(path, &after), 0);
        ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

START_TEST(a_file_that_nobody_can_read_is_refused)
{
        char why[MVS_COVERAGE_WHY_SIZE] = "";
        bad_files[_i].make();
        int result = look_at(path, why);
        ck_assert_msg((result < 0) == (bad_files[_i].why != NULL), "%s: %s", bad_files[_i].what, why);
        if (bad_files[_i].why)
                ck_assert_msg(strncmp(why, bad_files[_i].why, strlen(bad_files[_i].why)) == 0, "%s: not \"%s\": %s",
                              bad_files[_i].what, bad_files[_i].why, why);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_keeps_the_device_from_booting)
{
        setenv("MVSIM_COVERAGE", "/nowhere/coverage.bin", 1);
        expect_no_boot("No such file or directory");
        setenv("MVSIM_COVERAGE", dir.path, 1);
        expect_no_boot("Is a directory");
        setenv("MVSIM_COVERAGE", "/dev/null", 1);
        expect_no_boot("it is not a regular file");
}
END_TEST

START_TEST(a_name_may_not_be_longer_than_paths_are)
{
        static char name[5000];
        memset(name, 'a', sizeof name - 1);
        setenv("MVSIM_COVERAGE", name, 1);
        mvt_capture_begin();
        int result = mvsim_boot(&(struct mvsim_options){.profile = ""});
        char output[MVT_OUTPUT_SIZE];
        mvt_capture_end(output);
        ck_assert_int_lt(result, 0);
}
END_TEST

START_TEST(a_file_that_is_cut_short_meanwhile_ends_the_record_and_nothing_else)
{
        char output[MVT_OUTPUT_SIZE];
        mvt_device_boot(NULL);
        expect_okay(mvNoOp());
        mvt_write_file(path, "", 0);
        mvt_capture_begin();
        expect_okay(mvNoOp());
        expect_okay(mvNoOp());
        mvt_capture_end(output);
        ck_assert_str_eq(output, "mvsim: somebody cut the record of the status coverage short: nothing more goes into "
                                 "it\n");
        mvt_device_end();
        make_record(); /* the next one makes it anew */
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
}
END_TEST

/* The magic word is written last. */
START_TEST(a_file_whose_making_was_interrupted_is_made_again)
{
        make_record();
        record.magic = 0;
        memset(record.table, 0, sizeof record.table);
        memset(record.counts, 0, sizeof record.counts);
        mvt_write_file(path, &record, sizeof record);
        make_record();
        ck_assert_uint_eq(naturally(MVS_CALL_mvNoOp, MV_STATUS_OKAY), 1);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("coverage");
        TCase *tests = tcase_create("coverage");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, each_call_counts_under_the_status_that_it_returned);
        tcase_add_test(tests, what_fault_injection_did_is_counted_apart);
        tcase_add_test(tests, a_status_beside_the_headers_list_counts_too);
        tcase_add_test(tests, the_record_says_itself_what_it_counts);
        tcase_add_test(tests, runs_add_up);
        tcase_add_test(tests, a_process_that_is_killed_loses_nothing);
        tcase_add_test(tests, processes_that_run_at_the_same_time_share_a_file);
        if (!mvt_is_thread_sanitized()) { /* which does not know the threads of a device that a child boots */
                tcase_add_test(tests, the_child_of_a_fork_records_for_itself);
                tcase_add_test(tests, percent_p_in_the_name_is_the_process);
        }
        tcase_add_test(tests, the_profile_names_a_file_beside_itself);
        tcase_add_test(tests, the_environment_goes_before_the_profile);
        tcase_add_loop_test(tests, a_file_that_is_no_record_of_this_version_is_refused_and_left_alone, 0,
                            sizeof bad_files / sizeof bad_files[0]);
        tcase_add_loop_test(tests, a_file_that_nobody_can_read_is_refused, 0, sizeof bad_files / sizeof bad_files[0]);
        tcase_add_test(tests, a_file_that_cannot_be_written_keeps_the_device_from_booting);
        tcase_add_test(tests, a_name_may_not_be_longer_than_paths_are);
        tcase_add_test(tests, a_file_that_is_cut_short_meanwhile_ends_the_record_and_nothing_else);
        tcase_add_test(tests, a_file_whose_making_was_interrupted_is_made_again);
        suite_add_tcase(suite, tests);
        return suite;
}
