/* `mvsim coverage`: what it makes of records, in three formats, and its exit status. Runs the command that was built.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mvsim/mvsim.h"

#include "lib/device.h"
#include "lib/tempdir.h"
#include "suite.h"

static struct mvt_tempdir dir;
static char output[65536]; /* of the last run, standard error too */

static void setup(void)
{
        ck_assert_msg(getenv("MVSIM_CLI") != NULL, "MVSIM_CLI must name the mvsim executable under test");
        mvt_tempdir_make(&dir);
}

static void teardown(void)
{
        mvsim_shutdown();
        unsetenv("MVSIM_COVERAGE");
        mvt_tempdir_remove(&dir);
}

/* Runs `mvsim coverage` with the arguments, in the directory of the records; its exit status. */
static int run(const char *arguments)
{
        char command[PATH_MAX + 1024];
        snprintf(command, sizeof command, "cd %s && \"$MVSIM_CLI\" coverage %s 2>&1", dir.path, arguments);
        FILE *pipe = popen(command, "re");
        ck_assert_ptr_nonnull(pipe);
        size_t len = fread(output, 1, sizeof output - 1, pipe);
        output[len] = '\0';
        int status = pclose(pipe);
        ck_assert_msg(WIFEXITED(status), "%s: status 0x%x: %s", command, (unsigned)status, output);
        return WEXITSTATUS(status);
}

static void assert_output(const char *text)
{
        ck_assert_msg(strstr(output, text) != NULL, "\"%s\" is not in: %s", text, output);
}

static void assert_no_output(const char *text)
{
        ck_assert_msg(strstr(output, text) == NULL, "\"%s\" is in: %s", text, output);
}

static void begin(const char *name)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, name);
        setenv("MVSIM_COVERAGE", path, 1);
        ck_assert_int_eq(mvsim_boot(&(struct mvsim_options){.profile = "", .time = MVSIM_TIME_VIRTUAL}), 0);
}

/* Two calls: of one of them, one status came about by itself and one by fault injection; one never did. */
static void record(const char *name)
{
        uint64_t now = 0;
        begin(name);
        expect_okay(mvNoOp());
        expect_reject(mvGetWallTime(&now), MV_STATUS_TIMENOTSET, "");
        ck_assert_int_eq(mvsim_fail("mvGetWallTime", 1, MV_STATUS_PARAMETERFAULT), 0);
        expect_reject(mvGetWallTime(&now), MV_STATUS_PARAMETERFAULT, "");
        mvsim_shutdown();
}

/* A call whose header lists what nothing but fault injection leads to, and one more of the statuses of another's. */
static void record_more(const char *name)
{
        MvNetworkHandle network = NULL;
        MvChannelHandle channel = NULL;
        uint64_t now;
        const struct MvOpenChannelParams params = {.version = 2};
        begin(name);
        ck_assert_int_eq(mvsim_fail("mvReleaseNetwork", 1, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION), 0);
        expect_reject(mvReleaseNetwork(&network), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "");
        mvsim_run_for(1000000);
        expect_okay(mvGetWallTime(&now));
        expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        mvsim_shutdown();
}

/* ---- text ---- */

START_TEST(a_row_shows_a_calls_statuses)
{
        record("a");
        ck_assert_int_eq(run("a"), 0);
        assert_output("mvNoOp                          1 of 1  OKAY 1\n");
        assert_output("mvGetWallTime                   2 of 3  -OKAY  TIMENOTSET 1  PARAMETERFAULT 1~\n");
        assert_output("mvGetSysClk                     0 of 2  -OKAY  -PARAMETERFAULT\n");
}
END_TEST

START_TEST(what_was_never_provoked_is_listed)
{
        record("a");
        ck_assert_int_eq(run("a"), 0);
        assert_output("\nNever provoked:\n");
        assert_output("\n  mvGetWallTime                         OKAY\n");
        assert_output("\n  mvGetSysClk                           OKAY  PARAMETERFAULT\n");
        assert_no_output("\n  mvNoOp");
}
END_TEST

START_TEST(used_leaves_out_calls_that_were_never_made)
{
        record("a");
        ck_assert_int_eq(run("--used a"), 0);
        assert_no_output("mvGetSysClk");
        assert_output("\n3 of 4 pairs of call and status (75.0 %), 2 calls; 1 pairs by fault injection only\n");
}
END_TEST

/* The program is the suite itself, by its name: under a tool, /proc would name the tool. */
START_TEST(program_leaves_out_calls_that_it_does_not_use)
{
        char path[PATH_MAX], arguments[PATH_MAX + 32];
        record("a");
        ck_assert_ptr_nonnull(realpath(program_invocation_name, path));
        snprintf(arguments, sizeof arguments, "--program '%s' a", path);
        ck_assert_int_eq(run(arguments), 0);
        assert_output("\nmvReleaseNetwork                0 of 4  ");
        assert_output("\nmvNoOp ");
        assert_no_output("mvGetSysClk");
        assert_output(" calls; 1 pairs by fault injection only\n");
        ck_assert_int_eq(run("--program $MVSIM_CLI --used a"), 0);
        assert_no_output("mvReleaseNetwork");
        assert_output("\n3 of 4 pairs of call and status (75.0 %), 2 calls;");
}
END_TEST

START_TEST(program_must_be_one)
{
        char path[MVT_PATH_SIZE];
        record("a");
        mvt_path(path, &dir, "cut");
        mvt_write_file(path, "\177ELF\2", 5);
        ck_assert_int_eq(run("--program none --program a --program cut --program . a"), 2);
        ck_assert_str_eq(output,
                         "mvsim coverage: --program none: it cannot be read: No such file or directory\n"
                         "mvsim coverage: --program a: it is no program for a 64-bit Linux, or not a whole one\n"
                         "mvsim coverage: --program cut: it is no program for a 64-bit Linux, or not a whole one\n"
                         "mvsim coverage: --program .: it is no program for a 64-bit Linux, or not a whole one\n");
}
END_TEST

/* It would be a perfect test suite of nothing. */
START_TEST(programs_that_use_no_call_at_all_are_named)
{
        record("a");
        ck_assert_int_eq(run("--program $MVSIM_CLI a"), 2);
        assert_output(": no system call of Microvisor's is used there (name what is linked with libmvsim.so: the "
                      "application, or its libraries)\n");
}
END_TEST

START_TEST(a_pipe_in_place_of_a_program_is_not_waited_for)
{
        char path[MVT_PATH_SIZE];
        record("a");
        mvt_path(path, &dir, "pipe");
        ck_assert_int_eq(mkfifo(path, 0666), 0);
        ck_assert_int_eq(run("--program pipe a"), 2);
        assert_output("--program pipe: it is no program for a 64-bit Linux");
}
END_TEST

START_TEST(natural_does_not_count_what_was_injected)
{
        record("a");
        ck_assert_int_eq(run("--used --natural a"), 0);
        assert_output("\n2 of 4 pairs of call and status (50.0 %), 2 calls; 1 pairs by fault injection only\n");
        assert_output("\n  mvGetWallTime                         OKAY  PARAMETERFAULT\n");
}
END_TEST

START_TEST(what_only_injection_leads_to_counts_when_natural_too)
{
        record_more("b");
        ck_assert_int_eq(run("--used --natural b"), 0);
        assert_output("mvReleaseNetwork                1 of 4  ");
        assert_output("UNSUPPORTEDSTRUCTUREVERSION 1~\n");
}
END_TEST

START_TEST(statuses_beside_the_headers_list_are_shown_and_do_not_count)
{
        record_more("b");
        ck_assert_int_eq(run("--used b"), 0);
        assert_output(
                "\nBeside the header's list:\n  mvOpenChannel                         UNSUPPORTEDSTRUCTUREVERSION\n");
        assert_output("mvOpenChannel                   0 of 11 ");
}
END_TEST

START_TEST(records_add_up)
{
        record("a");
        record_more("b");
        ck_assert_int_eq(run("--used a b a"), 0);
        assert_output("mvGetWallTime                   3 of 3  OKAY 1  TIMENOTSET 2  PARAMETERFAULT 2~\n");
        assert_output("mvNoOp                          1 of 1  OKAY 2\n");
}
END_TEST

START_TEST(nothing_used_is_everything_of_nothing)
{
        begin("a");
        mvsim_shutdown();
        ck_assert_int_eq(run("--used --fail-under 100 a"), 0);
        assert_output("\n0 of 0 pairs of call and status (100.0 %), 0 calls\n");
}
END_TEST

/* ---- the other formats ---- */

START_TEST(json_has_it_all)
{
        const char *name, *status, *state;
        json_int_t natural, injected;
        int pairs, provoked, calls, documented;
        double percent;
        record("a");
        ck_assert_int_eq(run("--format=json --used a"), 0);
        json_error_t error;
        json_t *all = json_loads(output, 0, &error);
        ck_assert_msg(all != NULL, "line %d: %s: %s", error.line, error.text, output);
        ck_assert_int_eq(json_unpack(all, "{s:{s:i, s:i, s:i, s:F}}", "total", "calls", &calls, "pairs", &pairs,
                                     "provoked", &provoked, "percent", &percent),
                         0);
        ck_assert_int_eq(calls, 2);
        ck_assert_int_eq(pairs, 4);
        ck_assert_int_eq(provoked, 3);
        ck_assert_double_eq(percent, 75.0);
        ck_assert_int_eq(json_unpack(all, "{s:[{s:s, s:s}]}", "never", "call", &name, "status", &status), 0);
        ck_assert_str_eq(name, "mvGetWallTime");
        ck_assert_str_eq(status, "OKAY");
        const json_t *wall_time = json_array_get(json_object_get(all, "calls"), 1);
        json_t *fault = json_array_get(json_object_get(wall_time, "statuses"), 2);
        ck_assert_int_eq(json_unpack(fault, "{s:s, s:s, s:I, s:I, s:b}", "status", &status, "state", &state, "natural",
                                     &natural, "injected", &injected, "documented", &documented),
                         0);
        ck_assert_str_eq(status, "PARAMETERFAULT");
        ck_assert_str_eq(state, "injected");
        ck_assert_int_eq(natural, 0);
        ck_assert_int_eq(injected, 1);
        ck_assert_int_eq(documented, 1);
        json_decref(all);
}
END_TEST

START_TEST(html_is_one_page_that_needs_nothing_else)
{
        record("a");
        record_more("b");
        ck_assert_int_eq(run("--format html --used a b"), 0);
        ck_assert_int_eq(strncmp(output, "<!DOCTYPE html>\n", 16), 0);
        assert_output("<code class=\"s provoked\" title=\"returned\">TIMENOTSET 1</code>");
        assert_output("<code class=\"s injected\" title=\"by fault injection only\">PARAMETERFAULT 1</code>");
        assert_output("<code class=\"s never\" title=\"never returned\">RATELIMITED</code>");
        assert_output("<code class=\"s other\" title=\"returned, and not in the header's list\">"
                      "UNSUPPORTEDSTRUCTUREVERSION 1</code>");
        assert_no_output("http");
        assert_no_output("src=");
        assert_output("</html>\n");
}
END_TEST

/* ---- exit statuses ---- */

START_TEST(fail_under_decides_the_exit_status)
{
        record("a");
        ck_assert_int_eq(run("--used --fail-under 75 a"), 0);
        ck_assert_int_eq(run("--used --fail-under=75.1 a"), 1);
        assert_output("mvsim coverage: 3 of 4 pairs (75.0 %): fewer than --fail-under asks for (75.1 %)\n");
        ck_assert_int_eq(run("--used --natural --fail-under=75 a"), 1);
        ck_assert_int_eq(run("--fail-under 100 a"), 1);
}
END_TEST

static const struct {
        const char *arguments;
        const char *message;
} misuses[] = {
        {"", "the recorded file is missing"},
        {"--format", "requires an argument"},
        {"--format xml a", "--format: found \"xml\", expected text, json or html"},
        {"--fail-under 101 a", "--fail-under: found \"101\", expected a percentage from 0 to 100"},
        {"--fail-under all a", "--fail-under: found \"all\""},
        {"--fail-under nan a", "--fail-under: found \"nan\""},
        {"--bad a", "mvsim coverage: unrecognized option"},
};

START_TEST(wrong_options_are_refused_with_64)
{
        ck_assert_int_eq(run(misuses[_i].arguments), 64);
        assert_output(misuses[_i].message);
}
END_TEST

START_TEST(every_file_that_is_no_record_is_named_and_nothing_printed)
{
        char path[MVT_PATH_SIZE];
        record("a");
        mvt_path(path, &dir, "notes");
        mvt_write_file(path, "notes\n", 6);
        mvt_path(path, &dir, "empty");
        mvt_write_file(path, "", 0);
        ck_assert_int_eq(run("none a notes empty ."), 2);
        ck_assert_str_eq(output, "mvsim coverage: none: it cannot be read: No such file or directory\n"
                                 "mvsim coverage: notes: it is no record of status coverage (which `mvsim run "
                                 "--coverage FILE` and MVSIM_COVERAGE make)\n"
                                 "mvsim coverage: empty: it is empty: no device has recorded into it\n"
                                 "mvsim coverage: .: it cannot be read: Is a directory\n");
}
END_TEST

/* In the record's table, a word becomes another of the same length: as if another libmvsim had recorded it. */
static void rename_in(const char *name, const char *word, const char *other)
{
        static char bytes[1 << 17];
        char path[MVT_PATH_SIZE];
        mvt_path(path, &dir, name);
        size_t len = mvt_read_file(path, bytes, sizeof bytes);
        char *place = memmem(bytes, len, word, strlen(word));
        ck_assert_ptr_nonnull(place);
        memcpy(place, other, strlen(word));
        mvt_write_file(path, bytes, len);
}

START_TEST(a_record_of_another_version_is_shown_as_what_it_says_itself)
{
        record("a");
        rename_in("a", "\nmvNoOp ", "\nmvOpNo ");
        ck_assert_int_eq(run("--used --fail-under 75 a"), 0);
        assert_output("mvOpNo                          1 of 1  OKAY 1\n");
}
END_TEST

START_TEST(records_of_different_versions_are_not_added_up)
{
        record("a");
        record("b");
        record("c");
        rename_in("b", "\nmvGetWallTime ", "\nmvGetFallTime ");
        rename_in("c", " TIMENOTSET ", " TIMENOTYET ");
        ck_assert_int_eq(run("a b c a"), 2);
        ck_assert_str_eq(output, "mvsim coverage: b: its list of calls and statuses is not that of a, from "
                                 "\"mvGetWallTime\" on: another version of libmvsim recorded it (show it apart, or "
                                 "record again)\n"
                                 "mvsim coverage: c: its list of calls and statuses is not that of a, from "
                                 "\"statuses\" on: another version of libmvsim recorded it (show it apart, or "
                                 "record again)\n");
}
END_TEST

START_TEST(a_report_that_cannot_be_written_is_125)
{
        static const char *const formats[] = {"text", "json", "html"};
        char arguments[64];
        record("a");
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
                snprintf(arguments, sizeof arguments, "--format %s a 2>&1 >/dev/full #", formats[i]);
                ck_assert_int_eq(run(arguments), 125);
                ck_assert_str_eq(output,
                                 "mvsim coverage: the report cannot be written to standard output: No space left "
                                 "on device\n");
        }
        ck_assert_int_eq(run("a 2>&1 >&- #"), 125);
        assert_output("Bad file descriptor");
        ck_assert_int_eq(run("--help"), 0);
        assert_output("Usage: mvsim coverage [OPTION...] FILE...");
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("coverage command");
        TCase *tests = tcase_create("coverage command");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, a_row_shows_a_calls_statuses);
        tcase_add_test(tests, what_was_never_provoked_is_listed);
        tcase_add_test(tests, used_leaves_out_calls_that_were_never_made);
        tcase_add_test(tests, program_leaves_out_calls_that_it_does_not_use);
        tcase_add_test(tests, program_must_be_one);
        tcase_add_test(tests, programs_that_use_no_call_at_all_are_named);
        tcase_add_test(tests, a_pipe_in_place_of_a_program_is_not_waited_for);
        tcase_add_test(tests, natural_does_not_count_what_was_injected);
        tcase_add_test(tests, what_only_injection_leads_to_counts_when_natural_too);
        tcase_add_test(tests, statuses_beside_the_headers_list_are_shown_and_do_not_count);
        tcase_add_test(tests, records_add_up);
        tcase_add_test(tests, nothing_used_is_everything_of_nothing);
        tcase_add_test(tests, json_has_it_all);
        tcase_add_test(tests, html_is_one_page_that_needs_nothing_else);
        tcase_add_test(tests, fail_under_decides_the_exit_status);
        tcase_add_loop_test(tests, wrong_options_are_refused_with_64, 0, sizeof misuses / sizeof misuses[0]);
        tcase_add_test(tests, every_file_that_is_no_record_is_named_and_nothing_printed);
        tcase_add_test(tests, a_record_of_another_version_is_shown_as_what_it_says_itself);
        tcase_add_test(tests, records_of_different_versions_are_not_added_up);
        tcase_add_test(tests, a_report_that_cannot_be_written_is_125);
        suite_add_tcase(suite, tests);
        return suite;
}
