/* `mvsim`: looks which command is wanted and hands over. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cli/cli.h"
#include "sim/cli/version.h"

const char *argp_program_version = "mvsim " MVS_VERSION;

static const char doc[] = "Runs applications for Microvisor on this computer."
                          "\vCommands:\n"
                          "  run       run an application on a simulated device (`mvsim run --help`)\n"
                          "  coverage  show which statuses its calls have returned (`mvsim coverage --help`)";

static struct {
        const char *name;
        char full_name[24]; /* for argp, whose arguments are not constant */
        int (*run)(int argc, char **argv);
} commands[] = {
        {"run", "mvsim run", mvs_cli_run},
        {"coverage", "mvsim coverage", mvs_cli_coverage},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

/* The rest of the line is the command's own. */
static error_t hand_over(const char *name, struct argp_state *state, int *ret_status)
{
        for (size_t i = 0; i < COMMANDS; i++) {
                if (strcmp(name, commands[i].name) != 0)
                        continue;
                int first = state->next - 1;
                state->argv[first] = commands[i].full_name;
                *ret_status = commands[i].run(state->argc - first, state->argv + first);
                state->next = state->argc;
                return 0;
        }
        argp_error(state, "there is no command `%s` (the commands are `run` and `coverage`)", name);
        return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
        switch (key) {
        case ARGP_KEY_ARG: return hand_over(arg, state, state->input);
        case ARGP_KEY_NO_ARGS:
                argp_error(state, "a command is missing (the commands are `run` and `coverage`)");
                return 0;
        default: return ARGP_ERR_UNKNOWN;
        }
}

int main(int argc, char **argv)
{
        static const struct argp argp = {.parser = parse, .args_doc = "COMMAND [OPTION...]", .doc = doc};
        int status = EXIT_SUCCESS;
        error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &status);
        if (error) {
                fprintf(stderr, "mvsim: %s\n", strerror(error));
                return MVS_CLI_FAILED;
        }
        return status;
}
