/* `mvsim coverage`: options, and what becomes of them. */
#include "sim/cli/coverage.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/cli.h"

enum {
        OPTION_FORMAT = 256,
        OPTION_FAIL_UNDER,
        OPTION_USED,
        OPTION_NATURAL,
        OPTION_PROGRAM,
};

static const struct format {
        const char *name;
        int (*print)(const struct mvs_coverage_report *report, FILE *out);
} formats[] = {
        {"text", mvs_coverage_print_text},
        {"json", mvs_coverage_print_json},
        {"html", mvs_coverage_print_html},
};

struct coverage {
        struct mvs_coverage_report report;
        const struct format *format;
        double fail_under; /* percent */
        char **files;
        int count;
        char **programs;
        int program_count;
};

static const struct argp_option options[] = {
        {"format", OPTION_FORMAT, "FORMAT", 0, "text (default), json or html, to standard output", 0},
        {"used", OPTION_USED, NULL, 0, "Leave out the calls that were never made", 0},
        {"program", OPTION_PROGRAM, "PROGRAM", 0,
         "Leave out the calls that PROGRAM does not use; may be repeated, for shared libraries of an application's", 0},
        {"natural", OPTION_NATURAL, NULL, 0,
         "Do not count what mvsim_fail() brought about, save where the header lists a status that nothing else leads "
         "to",
         0},
        {"fail-under", OPTION_FAIL_UNDER, "PERCENT", 0, "Exit with 1 when less was provoked", 0},
        {0},
};

static const char doc[] =
        "Shows which calls have returned which of the statuses that the header lists for them, from FILEs that "
        "applications have recorded (`mvsim run --coverage`, MVSIM_COVERAGE, or coverage.file in the profile)."
        "\vExit status: 0; 1 less was provoked than --fail-under asks for; 2 a FILE or PROGRAM cannot be read, or is "
        "not "
        "what it should be; 64 wrong options; 125 failure of mvsim itself.";

static void set_format(struct coverage *coverage, const char *name, struct argp_state *state)
{
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
                if (strcmp(name, formats[i].name) == 0) {
                        coverage->format = &formats[i];
                        return;
                }
        }
        argp_error(state, "--format: found \"%s\", expected text, json or html", name);
}

static double parse_percent(const char *text, struct argp_state *state)
{
        char *end;
        double percent = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(percent) || percent < 0 || percent > 100)
                argp_error(state, "--fail-under: found \"%s\", expected a percentage from 0 to 100", text);
        return percent;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
        struct coverage *coverage = state->input;
        switch (key) {
        case OPTION_FORMAT: set_format(coverage, arg, state); return 0;
        case OPTION_FAIL_UNDER: coverage->fail_under = parse_percent(arg, state); return 0;
        case OPTION_USED: coverage->report.used_only = true; return 0;
        case OPTION_PROGRAM: coverage->programs[coverage->program_count++] = arg; return 0;
        case OPTION_NATURAL: coverage->report.natural_only = true; return 0;
        case ARGP_KEY_ARGS:
                coverage->files = state->argv + state->next;
                coverage->count = state->argc - state->next;
                return 0;
        case ARGP_KEY_NO_ARGS: argp_error(state, "the recorded file is missing"); return 0;
        default: return ARGP_ERR_UNKNOWN;
        }
}

/* Every file is looked at, so that all that are wrong are named. */
static int add_all(struct mvs_coverage_report *report, char **paths, int count, const char *option,
                   int (*add)(struct mvs_coverage_report *report, const char *path,
                              char ret_why[MVS_COVERAGE_WHY_SIZE]))
{
        char why[MVS_COVERAGE_WHY_SIZE];
        int result = 0;
        for (int i = 0; i < count; i++) {
                int added = add(report, paths[i], why);
                if (added == 0)
                        continue;
                fprintf(stderr, "mvsim coverage: %s%s: %s\n", option, paths[i][0] ? paths[i] : "\"\"", why);
                result = added;
        }
        return result;
}

/* Nothing of nothing would be all: a wrong program must not look like a perfect test suite. */
static int check_programs(const struct coverage *coverage)
{
        if (mvs_coverage_sum(&coverage->report).calls > 0)
                return 0;
        fprintf(stderr,
                "mvsim coverage: --program %s%s: no system call of Microvisor's is used there (name what is linked "
                "with libmvsim.so: the application, or its libraries)\n",
                coverage->programs[0], coverage->program_count > 1 ? " and the others" : "");
        return -EINVAL;
}

/* The programs come after the records, which say what a call is. */
static int add_files(struct coverage *coverage)
{
        struct mvs_coverage_report *report = &coverage->report;
        int records = add_all(report, coverage->files, coverage->count, "", mvs_coverage_report_add);
        int programs =
                add_all(report, coverage->programs, coverage->program_count, "--program ", mvs_coverage_report_program);
        if (records < 0 || programs < 0)
                return records < 0 ? records : programs;
        return coverage->program_count > 0 ? check_programs(coverage) : 0;
}

static int judge(const struct coverage *coverage)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum(&coverage->report);
        if (100.0 * sum.provoked >= coverage->fail_under * sum.pairs)
                return EXIT_SUCCESS;
        unsigned permille = mvs_coverage_permille(&sum);
        fprintf(stderr, "mvsim coverage: %u of %u pairs (%u.%u %%): fewer than --fail-under asks for (%g %%)\n",
                sum.provoked, sum.pairs, permille / 10, permille % 10, coverage->fail_under);
        return MVS_CLI_COVERAGE_UNDER;
}

/* Through memory: a stream that cannot be written keeps the reason to itself. */
static int print(const struct coverage *coverage, char **ret_text, size_t *ret_len)
{
        FILE *memory = open_memstream(ret_text, ret_len);
        if (!memory)
                return -errno;
        int result = coverage->format->print(&coverage->report, memory);
        return fclose(memory) == 0 || result < 0 ? result : -errno;
}

static int write_out(const char *text, size_t len)
{
        while (len > 0) {
                ssize_t n = write(STDOUT_FILENO, text, len);
                if (n < 0 && errno != EINTR)
                        return -errno;
                text += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return 0;
}

static int show(const struct coverage *coverage)
{
        char *text = NULL;
        size_t len = 0;
        int result = print(coverage, &text, &len);
        if (result == 0)
                result = write_out(text, len);
        free(text);
        if (result == 0)
                return judge(coverage);
        fprintf(stderr, "mvsim coverage: the report cannot be written to standard output: %s\n", strerror(-result));
        return MVS_CLI_FAILED;
}

static int run(struct coverage *coverage, int argc, char **argv)
{
        static const struct argp argp = {.options = options, .parser = parse, .args_doc = "FILE...", .doc = doc};
        error_t error = argp_parse(&argp, argc, argv, 0, NULL, coverage);
        if (error) {
                fprintf(stderr, "mvsim coverage: %s\n", strerror(error));
                return MVS_CLI_FAILED;
        }
        return add_files(coverage) < 0 ? MVS_CLI_COVERAGE_BAD : show(coverage);
}

int mvs_cli_coverage(int argc, char **argv)
{
        int status = MVS_CLI_FAILED;
        struct coverage *coverage = calloc(1, sizeof *coverage);
        char **programs = calloc((size_t)argc + 1, sizeof *programs);
        if (coverage && programs) {
                coverage->format = &formats[0];
                coverage->programs = programs;
                status = run(coverage, argc, argv);
        } else {
                fprintf(stderr, "mvsim coverage: %s\n", strerror(ENOMEM));
        }
        free(programs);
        free(coverage);
        return status;
}
