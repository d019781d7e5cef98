/* `mvsim run`: what the application gets, and what the caller gets back. Runs the command that was built. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "tools.h"

#define ARGS_MAX 20

static char dir[] = "/tmp/mvsim-cli-XXXXXX";
static char output[16384]; /* standard output and standard error of the last run */
static size_t output_len;

struct running {
        pid_t pid;
        int out;
};

static void setup(void)
{
        ck_assert_msg(getenv("MVSIM_CLI") != NULL, "MVSIM_CLI must name the mvsim executable under test");
        memcpy(dir + strlen(dir) - 6, "XXXXXX", 6); /* another test may have had a directory before */
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(chdir(dir), 0);
        static const char *const settings[] = {"MVSIM_PROFILE", "MVSIM_TIME",  "MVSIM_SEED",
                                               "MVSIM_SUMMARY", "MVSIM_TRACE", "MVSIM_COVERAGE"};
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
                unsetenv(settings[i]);
}

static void teardown(void)
{
        static const char *const names[] = {"p.yaml", "plain", "bad-script", "script"};
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                unlink(names[i]);
        ck_assert_int_eq(chdir("/"), 0);
        ck_assert_msg(rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

static void write_file(const char *name, const char *text, mode_t mode)
{
        FILE *file = fopen(name, "we");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
        ck_assert_int_eq(chmod(name, mode), 0);
}

/* Starts mvsim with the arguments up to NULL. */
static struct running start(const char *const *arguments)
{
        char *argv[ARGS_MAX] = {getenv("MVSIM_CLI")};
        for (size_t i = 0; arguments[i]; i++)
                argv[i + 1] = (char *)(uintptr_t)arguments[i];
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        struct running running = {.pid = fork(), .out = ends[0]};
        if (running.pid == 0) {
                dup2(ends[1], 1);
                dup2(ends[1], 2);
                execv(argv[0], argv);
                _exit(99);
        }
        close(ends[1]);
        output_len = 0;
        output[0] = '\0';
        return running;
}

/* Reads until the text comes, or, without one, until nobody is left who could write. */
static void read_output(const struct running *running, const char *until)
{
        while (!until || !strstr(output, until)) {
                ssize_t n = read(running->out, output + output_len, sizeof output - 1 - output_len);
                if (n <= 0) {
                        ck_assert_msg(!until, "\"%s\" never came, but: %s", until, output);
                        return;
                }
                output_len += (size_t)n;
                output[output_len] = '\0';
        }
}

static int finish(struct running *running)
{
        int status;
        read_output(running, NULL);
        ck_assert_int_eq(waitpid(running->pid, &status, 0), running->pid);
        close(running->out);
        return status;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static int run(const char *const *arguments)
{
        struct running running = start(arguments);
        return finish(&running);
}

static void assert_exit(int status, int expected)
{
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "status 0x%x, expected exit %d; output: %s",
                      (unsigned)status, expected, output);
}

static void assert_signal(int status, int expected)
{
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == expected,
                      "status 0x%x, expected signal %d; output: %s", (unsigned)status, expected, output);
}

static void assert_output(const char *text)
{
        ck_assert_msg(strstr(output, text) != NULL, "\"%s\" is not in: %s", text, output);
}

START_TEST(version_and_help_are_printed)
{
        assert_exit(RUN("--version"), 0);
        assert_output("mvsim 0.");
        assert_exit(RUN("--help"), 0);
        assert_output("run an application on a simulated device");
        assert_exit(RUN("run", "--help"), 0);
        assert_output("Usage: mvsim run [OPTION...] PROGRAM");
}
END_TEST

static const struct {
        const char *arguments[6];
        const char *message;
} misuses[] = {
        {{NULL}, "a command is missing"},
        {{"walk"}, "there is no command `walk`"},
        {{"--bad"}, "unrecognized option"},
        {{"run"}, "the program to run is missing"},
        {{"run", "--"}, "the program to run is missing"},
        {{"run", ""}, "the program to run is missing"},
        {{"run", "--bad", "true"}, "mvsim run: unrecognized option"},
        {{"run", "--seed", "010", "true"}, "--seed: found \"010\""},
        {{"run", "--seed", "-1", "true"}, "--seed: found \"-1\""},
        {{"run", "--seed", "18446744073709551616", "true"}, "from 0 to 18446744073709551615"},
        {{"run", "--timeout", "0", "true"}, "--timeout: found \"0\""},
        {{"run", "--timeout", "nan", "true"}, "--timeout: found \"nan\""},
        {{"run", "--timeout", "5x", "true"}, "--timeout: found \"5x\""},
        {{"run", "--virtual", "--real", "true"}, "exclude each other"},
        {{"run", "--profile", "", "true"}, "--profile: found \"\", expected the path of a file"},
        {{"run", "--trace", "", "true"}, "--trace: found \"\", expected the path of a file"},
        {{"run", "--coverage", "", "true"}, "--coverage: found \"\", expected the path of a file"},
        {{"run", "--coverage", "at-%H", "true"},
         "--coverage: found \"at-%H\", expected the path of a file, and behind a"},
};

START_TEST(wrong_options_are_refused_with_64)
{
        assert_exit(run(misuses[_i].arguments), 64);
        assert_output(misuses[_i].message);
}
END_TEST

/* What runs with and without --timeout must not differ, save for what a timeout is for. */
static const char *const patience[] = {"--real", "--timeout=60"};

START_TEST(the_exit_status_is_the_applications)
{
        assert_exit(RUN("run", patience[_i], "--", "sh", "-c", "exit 0"), 0);
        assert_exit(RUN("run", patience[_i], "--", "sh", "-c", "exit 7"), 7);
        assert_exit(RUN("run", patience[_i], "--", "sh", "-c", "exit 255"), 255);
}
END_TEST

START_TEST(an_application_killed_by_a_signal_looks_killed_by_it)
{
        assert_signal(RUN("run", patience[_i], "sh", "-c", "ulimit -c 0; kill -SEGV $$"), SIGSEGV);
        if (_i == 1)
                assert_output("mvsim run: sh: ended by signal 11 (Segmentation fault)");
        assert_signal(RUN("run", patience[_i], "sh", "-c", "kill -KILL $$"), SIGKILL);
        assert_signal(RUN("run", patience[_i], "sh", "-c", "kill -TERM $$"), SIGTERM);
}
END_TEST

/* ---- an application that faults ---- */

static const char *faulty(void)
{
        const char *path = getenv("MVSIM_FAULTY");
        ck_assert_msg(path != NULL, "MVSIM_FAULTY must name the application that makes mistakes");
        return path;
}

/* Gives the tests core files, as far as may be; the limit that was. */
static struct rlimit allow_core_files(void)
{
        struct rlimit before;
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &before), 0);
        const struct rlimit most = {.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &most), 0);
        return before;
}

static struct rlimit forbid_core_files(void)
{
        struct rlimit before;
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &before), 0);
        const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &none), 0);
        return before;
}

static void limit_core_files(const struct rlimit *limit)
{
        ck_assert_int_eq(setrlimit(RLIMIT_CORE, limit), 0);
}

static const struct {
        const char *what;
        const char *report;
} faults[] = {
        {"null", "mvsim: MemManage: the application wrote to 0x00000008: a null pointer"},
        {"peripheral", "mvsim: BusFault: the application wrote to 0x40000400: TIM3 belongs to Microvisor"},
        {"lent", "mvsim: SecureFault: the application wrote to 0x"},
};

START_TEST(a_fault_is_reported_and_the_application_killed_by_it)
{
        const struct rlimit before = forbid_core_files();
        const char *how = patience[_i % 2];
        int status = RUN("run", how, "--", faulty(), faults[_i / 2].what);
        limit_core_files(&before);
        assert_signal(status, SIGSEGV);
        assert_output(faults[_i / 2].report);
        assert_output("in main+");
}
END_TEST

START_TEST(to_a_shell_a_fault_is_128_and_the_signals_number)
{
        const struct rlimit before = forbid_core_files();
        assert_exit(
                RUN("run", "--", "sh", "-c", "\"$MVSIM_CLI\" run $0 -- \"$MVSIM_FAULTY\" null; exit $?", patience[_i]),
                128 + SIGSEGV);
        limit_core_files(&before);
        assert_output(faults[0].report);
}
END_TEST

enum cores {
        CORES_NOWHERE,   /* they may not be written, or another program is given them */
        CORES_ELSEWHERE, /* in a directory of their own */
        CORES_HERE,      /* where the process was */
};

static enum cores where_cores_go(void)
{
        char pattern[128] = "";
        struct rlimit limit;
        FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
        if (!file || !fgets(pattern, sizeof pattern, file) || pattern[0] == '|' || pattern[0] == '\n')
                pattern[0] = '\0';
        if (file)
                fclose(file);
        if (pattern[0] == '\0' || getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_max != RLIM_INFINITY)
                return CORES_NOWHERE;
        return pattern[0] == '/' ? CORES_ELSEWHERE : CORES_HERE;
}

static bool is_core_file(const char *name)
{
        Elf64_Ehdr header = {.e_type = ET_NONE};
        FILE *file = fopen(name, "re");
        ck_assert_ptr_nonnull(file);
        size_t count = fread(&header, sizeof header, 1, file);
        fclose(file);
        return count == 1 && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_CORE;
}

/* Removes the core files of the test's directory, in which nothing else is, and counts them. */
static unsigned take_core_files(void)
{
        unsigned count = 0;
        DIR *directory = opendir(".");
        ck_assert_ptr_nonnull(directory);
        for (const struct dirent *entry; (entry = readdir(directory));) {
                if (entry->d_name[0] == '.')
                        continue;
                ck_assert_msg(is_core_file(entry->d_name), "%s is no core file", entry->d_name);
                ck_assert_int_eq(unlink(entry->d_name), 0);
                count++;
        }
        closedir(directory);
        return count;
}

/* One: with --timeout, mvsim itself ends by the same signal, and leaves none. */
START_TEST(a_fault_leaves_one_core_file)
{
        enum cores cores = where_cores_go();
        if (cores == CORES_NOWHERE)
                return;
        const struct rlimit before = allow_core_files();
        int status = RUN("run", patience[_i], "--", faulty(), "null");
        limit_core_files(&before);
        assert_signal(status, SIGSEGV);
        assert_output(faults[0].report);
        ck_assert_msg(!WCOREDUMP(status) == (_i == 1), "%s: a core file of mvsim's, or none: %s", patience[_i], output);
        if (_i == 1)
                assert_output("ended by signal 11 (Segmentation fault), core dumped");
        if (cores == CORES_HERE)
                ck_assert_uint_eq(take_core_files(), 1);
}
END_TEST

START_TEST(a_program_that_cannot_be_started_is_explained)
{
        write_file("plain", "text\n", 0644);
        write_file("bad-script", "#!/no/such/interpreter\n", 0755);
        assert_exit(RUN("run", patience[_i], "no-such-program"), 127);
        assert_output("no-such-program: there is no such program in PATH");
        assert_exit(RUN("run", patience[_i], "./no-such-program"), 127);
        assert_output("there is no such file");
        assert_exit(RUN("run", patience[_i], "./bad-script"), 127);
        assert_output("the interpreter or loader that it names is not");
        assert_exit(RUN("run", patience[_i], "./plain"), 126);
        assert_output("chmod +x");
        assert_exit(RUN("run", patience[_i], "/tmp"), 126);
        assert_output("it is a directory");
}
END_TEST

START_TEST(a_directory_of_the_path_that_is_closed_does_not_confuse)
{
        ck_assert_int_eq(mkdir("closed", 0), 0);
        setenv("PATH", "closed:/usr/bin:/bin", 1);
        assert_exit(RUN("run", patience[_i], "no-such-program"), 127);
        assert_exit(RUN("run", patience[_i], "true"), 0);
        ck_assert_int_eq(rmdir("closed"), 0);
}
END_TEST

START_TEST(arguments_reach_the_application_untouched)
{
        write_file("script", "#!/bin/sh\nprintf '<%s>' \"$@\"\n", 0755);
        assert_exit(RUN("run", patience[_i], "./script", "-p", "--virtual", "--", "a b", ""), 0);
        ck_assert_str_eq(output, "<-p><--virtual><--><a b><>");
}
END_TEST

START_TEST(settings_travel_in_the_environment)
{
        write_file("p.yaml", "time: {seed: 3}\n", 0644);
        assert_exit(
                RUN("run", patience[_i], "-p", "p.yaml", "--seed", "0xff", "-v", "--trace", "t.log", "--coverage",
                    "c.bin", "sh", "-c",
                    "cd /; echo $MVSIM_PROFILE $MVSIM_TIME $MVSIM_SEED $MVSIM_SUMMARY $MVSIM_TRACE $MVSIM_COVERAGE."),
                0);
        char expected[128];
        snprintf(expected, sizeof expected, "%s/p.yaml %s0xff 1 %s/t.log %s/c.bin.\n", dir, _i == 0 ? "real " : "", dir,
                 dir);
        ck_assert_str_eq(output, expected);
        assert_exit(RUN("run", "--virtual", "sh", "-c", "echo ${MVSIM_PROFILE-none} $MVSIM_TIME ${MVSIM_SUMMARY-none}"),
                    0);
        ck_assert_str_eq(output, "none virtual none\n");
}
END_TEST

START_TEST(a_wrong_profile_starts_nothing)
{
        write_file("p.yaml", "device:\n  sysclk: fast\n", 0644);
        assert_exit(RUN("run", patience[_i], "-p", "p.yaml", "echo", "started"), 2);
        ck_assert_str_eq(output,
                         "mvsim run: p.yaml:2:11: device.sysclk: found \"fast\", expected a whole number from 1 to "
                         "160000000\n");
        assert_exit(RUN("run", "-p", "none.yaml", "echo", "started"), 2);
        assert_output("none.yaml: the profile cannot be read: No such file or directory");
        setenv("MVSIM_PROFILE", "p.yaml", 1);
        assert_exit(RUN("run", patience[_i], "echo", "started"), 2);
}
END_TEST

START_TEST(a_library_beside_mvsim_is_offered_first)
{
        char directory[4096];
        snprintf(directory, sizeof directory, "%s", getenv("MVSIM_CLI"));
        *strrchr(directory, '/') = '\0';
        char library[4200];
        snprintf(library, sizeof library, "%s/libmvsim.so.0", directory);
        char expected[4200];
        if (access(library, R_OK) == 0)
                snprintf(expected, sizeof expected, "%s:/before\n", directory);
        else
                snprintf(expected, sizeof expected, "/before\n");
        setenv("LD_LIBRARY_PATH", "/before", 1);
        assert_exit(RUN("run", "sh", "-c", "echo $LD_LIBRARY_PATH"), 0);
        ck_assert_str_eq(output, expected);
}
END_TEST

START_TEST(a_timeout_ends_the_application_politely)
{
        assert_exit(
                RUN("run", "--timeout=0.2", "sh", "-c", "trap 'echo asked; exit 3' TERM; while :; do sleep 0.05; done"),
                124);
        assert_output("sh: still running after 0.2 s (--timeout); ending it");
        assert_output("asked");
}
END_TEST

/* read_output() returns only when every process that holds the pipe is gone, so these show that nothing is left. */
START_TEST(a_timeout_ends_an_application_that_does_not_listen)
{
        assert_exit(RUN("run", "--timeout=0.2", "sh", "-c", "trap '' TERM; sleep 300 & sleep 300"), 124);
        assert_output("still running after 0.2 s");
}
END_TEST

START_TEST(what_the_application_leaves_behind_is_ended)
{
        assert_exit(RUN("run", "--timeout=60", "sh", "-c", "(setsid sleep 300 & sleep 300) & exit 4"), 4);
}
END_TEST

START_TEST(a_signal_to_mvsim_is_passed_on)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        char script[96];
        snprintf(script, sizeof script, "trap 'echo got; exit 5' %d; echo ready; while :; do sleep 0.05; done",
                 signals[_i % 3]);
        struct running running = start((const char *const[]){"run", patience[_i / 3], "sh", "-c", script, NULL});
        read_output(&running, "ready");
        kill(running.pid, signals[_i % 3]);
        assert_exit(finish(&running), 5);
        ck_assert_str_eq(output, "ready\ngot\n");
}
END_TEST

START_TEST(an_application_does_not_survive_mvsim)
{
        struct running running =
                start((const char *const[]){"run", "--timeout=60", "sh", "-c", "echo ready; exec sleep 300", NULL});
        read_output(&running, "ready");
        kill(running.pid, SIGKILL);
        assert_signal(finish(&running), SIGKILL);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("cli");
        TCase *tests = tcase_create("cli");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, version_and_help_are_printed);
        tcase_add_loop_test(tests, wrong_options_are_refused_with_64, 0, sizeof misuses / sizeof misuses[0]);
        tcase_add_loop_test(tests, the_exit_status_is_the_applications, 0, 2);
        tcase_add_loop_test(tests, an_application_killed_by_a_signal_looks_killed_by_it, 0, 2);
        if (!mvt_is_address_sanitized()) { /* which ends the application in its own way */
                tcase_add_loop_test(tests, a_fault_is_reported_and_the_application_killed_by_it, 0,
                                    2 * (int)(sizeof faults / sizeof faults[0]));
                tcase_add_loop_test(tests, to_a_shell_a_fault_is_128_and_the_signals_number, 0, 2);
                tcase_add_loop_test(tests, a_fault_leaves_one_core_file, 0, 2);
        }
        tcase_add_loop_test(tests, a_program_that_cannot_be_started_is_explained, 0, 2);
        tcase_add_loop_test(tests, a_directory_of_the_path_that_is_closed_does_not_confuse, 0, 2);
        tcase_add_loop_test(tests, arguments_reach_the_application_untouched, 0, 2);
        tcase_add_loop_test(tests, settings_travel_in_the_environment, 0, 2);
        tcase_add_loop_test(tests, a_wrong_profile_starts_nothing, 0, 2);
        tcase_add_test(tests, a_library_beside_mvsim_is_offered_first);
        tcase_add_test(tests, a_timeout_ends_the_application_politely);
        tcase_add_test(tests, a_timeout_ends_an_application_that_does_not_listen);
        tcase_add_test(tests, what_the_application_leaves_behind_is_ended);
        tcase_add_loop_test(tests, a_signal_to_mvsim_is_passed_on, 0, 6);
        tcase_add_test(tests, an_application_does_not_survive_mvsim);
        suite_add_tcase(suite, tests);
        return suite;
}
