/* `mvsim run`: options, the profile's check, and the settings that libmvsim finds in the application's environment. */
#include "sim/cli/cli.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/profile/number.h"
#include "sim/profile/path.h"
#include "sim/profile/profile.h"

#define TIMEOUT_MAX_S 31536000.0 /* a year */

enum {
        OPTION_VIRTUAL = 256,
        OPTION_REAL,
        OPTION_SEED,
        OPTION_TIMEOUT,
        OPTION_TRACE,
        OPTION_COVERAGE,
};

struct run {
        const char *profile;   /* NULL: what the environment says, or none */
        const char *time_mode; /* NULL: the profile's */
        const char *seed;      /* NULL: the profile's */
        const char *trace;     /* NULL: the profile's */
        const char *coverage;  /* NULL: the profile's */
        double timeout_s;      /* 0: none */
        bool verbose;
        char **program;
};

static const struct argp_option options[] = {
        {"profile", 'p', "FILE", 0, "Device profile (default: $MVSIM_PROFILE, or the built-in one)", 0},
        {"virtual", OPTION_VIRTUAL, NULL, 0, "Let the clock jump from event to event", 0},
        {"real", OPTION_REAL, NULL, 0, "Let the clock follow this computer's", 0},
        {"seed", OPTION_SEED, "N", 0, "Seed of everything random, decimal or 0x", 0},
        {"trace", OPTION_TRACE, "FILE", 0, "Write an event log: a line for every call, interrupt and event", 0},
        {"coverage", OPTION_COVERAGE, "FILE", 0, "Record which call returned which status (`mvsim coverage` shows it)",
         0},
        {"timeout", OPTION_TIMEOUT, "SECONDS", 0,
         "End the application, and all that it started, after this time of the computer's clock", 0},
        {"verbose", 'v', NULL, 0, "Print a summary to standard error when the application ends", 0},
        {0},
};

static const char doc[] =
        "Runs PROGRAM, an application that is linked with libmvsim, on a simulated device."
        "\vOptions override the profile. Exit status: the application's; 2 wrong profile, 64 wrong options, "
        "70 deadlock (nothing is left that could wake the application), 124 timeout, 125 failure of mvsim itself, 126 "
        "PROGRAM cannot be started, 127 PROGRAM not found.";

static double parse_timeout(const char *text, struct argp_state *state)
{
        char *end;
        double seconds = strtod(text, &end);
        if (end == text || *end != '\0' || !isfinite(seconds) || seconds <= 0 || seconds > TIMEOUT_MAX_S)
                argp_error(state, "--timeout: found \"%s\", expected seconds, more than 0 and at most %.0f", text,
                           TIMEOUT_MAX_S);
        return seconds;
}

static void set_time_mode(struct run *run, const char *mode, struct argp_state *state)
{
        if (run->time_mode && strcmp(run->time_mode, mode) != 0)
                argp_error(state, "--virtual and --real exclude each other");
        run->time_mode = mode;
}

static void set_seed(struct run *run, const char *text, struct argp_state *state)
{
        uint64_t seed;
        if (!mvs_parse_u64(text, &seed))
                argp_error(state, "--seed: found \"%s\", expected a whole number from 0 to %" PRIu64, text, UINT64_MAX);
        run->seed = text;
}

static const char *parse_path(const char *option, const char *text, struct argp_state *state)
{
        if (text[0] == '\0')
                argp_error(state, "%s: found \"\", expected the path of a file", option);
        return text;
}

static void set_coverage(struct run *run, const char *text, struct argp_state *state)
{
        run->coverage = parse_path("--coverage", text, state);
        if (!mvs_pattern_is_one(text))
                argp_error(state, "--coverage: found \"%s\", expected the path of a file, and " MVS_PATTERN_RULE, text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
        struct run *run = state->input;
        switch (key) {
        case 'p': run->profile = parse_path("--profile", arg, state); return 0;
        case 'v': run->verbose = true; return 0;
        case OPTION_VIRTUAL: set_time_mode(run, "virtual", state); return 0;
        case OPTION_REAL: set_time_mode(run, "real", state); return 0;
        case OPTION_SEED: set_seed(run, arg, state); return 0;
        case OPTION_TRACE: run->trace = parse_path("--trace", arg, state); return 0;
        case OPTION_COVERAGE: set_coverage(run, arg, state); return 0;
        case OPTION_TIMEOUT: run->timeout_s = parse_timeout(arg, state); return 0;
        case ARGP_KEY_ARG:
                if (arg[0] == '\0')
                        argp_error(state, "the program to run is missing (found \"\")");
                /* What follows the program's name belongs to the program, options too. */
                run->program = &state->argv[state->next - 1];
                state->next = state->argc;
                return 0;
        case ARGP_KEY_NO_ARGS: argp_error(state, "the program to run is missing"); return 0;
        default: return ARGP_ERR_UNKNOWN;
        }
}

static int check_profile(const char *path)
{
        char error[1024];
        struct mvs_profile profile;
        if (mvs_profile_load(&profile, path, error, sizeof error) < 0) {
                fprintf(stderr, "mvsim run: %s\n", error);
                return -EINVAL;
        }
        mvs_profile_finish(&profile);
        return 0;
}

typedef int anchor_fn(char **path, const char *beside);

/* The application may change its directory before it first calls Microvisor, so the path must not depend on it. */
static int set_absolute(const char *name, const char *path, anchor_fn *anchor)
{
        char *absolute = strdup(path);
        if (!absolute)
                return -1;
        int result = anchor(&absolute, "a file in this directory");
        if (result < 0)
                errno = -result;
        else
                result = setenv(name, absolute, 1);
        free(absolute);
        return result < 0 ? -1 : 0;
}

static int set_environment(const struct run *run)
{
        if (run->profile && set_absolute("MVSIM_PROFILE", run->profile, mvs_profile_anchor) < 0)
                return -1;
        if (run->time_mode && setenv("MVSIM_TIME", run->time_mode, 1) < 0)
                return -1;
        if (run->seed && setenv("MVSIM_SEED", run->seed, 1) < 0)
                return -1;
        if (run->trace && set_absolute("MVSIM_TRACE", run->trace, mvs_profile_anchor) < 0)
                return -1;
        if (run->coverage && set_absolute("MVSIM_COVERAGE", run->coverage, mvs_profile_anchor_pattern) < 0)
                return -1;
        return run->verbose ? setenv("MVSIM_SUMMARY", "1", 1) : 0;
}

int mvs_cli_run(int argc, char **argv)
{
        static const struct argp argp = {
                .options = options, .parser = parse, .args_doc = "PROGRAM [ARGUMENT...]", .doc = doc};
        struct run run = {0};
        error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
        if (error) {
                fprintf(stderr, "mvsim run: %s\n", strerror(error));
                return MVS_CLI_FAILED;
        }
        if (!run.profile) {
                const char *inherited = getenv("MVSIM_PROFILE");
                run.profile = inherited && inherited[0] != '\0' ? inherited : NULL;
        }
        if (run.profile && check_profile(run.profile) < 0)
                return MVS_CLI_BAD_PROFILE;
        if (set_environment(&run) < 0) {
                fprintf(stderr, "mvsim run: the settings cannot be handed on: %s%s\n", strerror(errno),
                        errno == ENOENT ? " (is this directory still there?)" : "");
                return MVS_CLI_FAILED;
        }
        mvs_cli_offer_library();
        return run.timeout_s > 0 ? mvs_cli_supervise(run.program, run.timeout_s) : mvs_cli_exec(run.program);
}
