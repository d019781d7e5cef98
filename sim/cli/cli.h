/* The parts of the `mvsim` command. */
#ifndef MVS_CLI_H
#define MVS_CLI_H

/* Exit statuses of `mvsim run` itself; any other status is the application's. Wrong options exit with EX_USAGE (64). */
enum mvs_cli_status {
        MVS_CLI_BAD_PROFILE = 2,      /* the profile is wrong; nothing was started */
        MVS_CLI_TIMEOUT = 124,        /* the application ran longer than --timeout */
        MVS_CLI_FAILED = 125,         /* mvsim could not do its own work */
        MVS_CLI_NOT_EXECUTABLE = 126, /* the program is there and cannot be started */
        MVS_CLI_NOT_FOUND = 127,      /* there is no such program */
};

/* `mvsim run`. argv[0] is the name for messages. Returns an exit status, or becomes the application. */
int mvs_cli_run(int argc, char **argv);

enum mvs_cli_coverage_status {
        MVS_CLI_COVERAGE_UNDER = 1, /* less was provoked than --fail-under asks for */
        MVS_CLI_COVERAGE_BAD = 2,   /* a file cannot be read or is no record; nothing was printed */
};

/* `mvsim coverage`. Returns an exit status. */
int mvs_cli_coverage(int argc, char **argv);

/* Lets a libmvsim.so that stands beside this executable be found by the application. */
void mvs_cli_offer_library(void);

/* Replaces this process by the program. Returns an exit status, after a message, when that is not possible. */
int mvs_cli_exec(char **argv);

/* Runs the program as a child for at most `timeout_s` seconds. Returns its exit status, or dies of its signal. */
int mvs_cli_supervise(char **argv, double timeout_s);

#endif
