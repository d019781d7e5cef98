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
                          "  run    run an application on a simulated device (`mvsim run --help`)";

static error_t parse(int key, char *arg, struct argp_state *state)
{
        int *status = state->input;
        switch (key) {
        case ARGP_KEY_ARG:
                if (strcmp(arg, "run") != 0)
                        argp_error(state, "there is no command `%s` (the only command is `run`)", arg);
                /* The rest of the line is the command's own. */
                int first = state->next - 1;
                static char name[] = "mvsim run";
                state->argv[first] = name;
                *status = mvs_cli_run(state->argc - first, state->argv + first);
                state->next = state->argc;
                return 0;
        case ARGP_KEY_NO_ARGS: argp_error(state, "a command is missing (the only command is `run`)"); return 0;
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
