/* Starting the application's program, and saying why when it cannot be started. */
#include "sim/cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory of this executable when the library stands there, which it does in a build and not when installed. */
static int library_directory(char *ret, size_t size)
{
        ssize_t len = readlink("/proc/self/exe", ret, size - 1);
        if (len <= 0)
                return -1;
        ret[len] = '\0';
        char *slash = strrchr(ret, '/');
        if (!slash || slash == ret)
                return -1;
        *slash = '\0';

        char library[PATH_MAX + 32];
        snprintf(library, sizeof library, "%s/libmvsim.so.0", ret);
        return access(library, R_OK);
}

void mvs_cli_offer_library(void)
{
        char directory[PATH_MAX];
        if (library_directory(directory, sizeof directory) < 0)
                return;
        if (strpbrk(directory, ":;")) {
                fprintf(stderr,
                        "mvsim run: libmvsim.so beside mvsim is not offered to the program: `%s` has a colon or "
                        "semicolon in its name, which LD_LIBRARY_PATH cannot hold\n",
                        directory);
                return;
        }
        const char *before = getenv("LD_LIBRARY_PATH");
        char *path;
        if (asprintf(&path, "%s%s%s", directory, before && before[0] ? ":" : "", before ? before : "") < 0)
                return;
        setenv("LD_LIBRARY_PATH", path, 1);
        free(path);
}

static int fail_not_found(const char *program)
{
        if (!strchr(program, '/'))
                fprintf(stderr, "mvsim run: %s: there is no such program in PATH (for one in this directory, ./%s)\n",
                        program, program);
        else if (access(program, F_OK) == 0)
                fprintf(stderr,
                        "mvsim run: %s: the file is there, but the interpreter or loader that it names is not\n",
                        program);
        else
                fprintf(stderr, "mvsim run: %s: there is no such file\n", program);
        return MVS_CLI_NOT_FOUND;
}

static int fail_not_executable(const char *program, int error)
{
        struct stat st;
        const char *hint = "";
        if (error == EACCES && strchr(program, '/') && stat(program, &st) == 0) {
                if (S_ISDIR(st.st_mode))
                        hint = " (it is a directory)";
                else if (!(st.st_mode & S_IXUSR))
                        hint = " (it is not executable: chmod +x)";
        }
        fprintf(stderr, "mvsim run: %s: cannot be started: %s%s\n", program, strerror(error), hint);
        return MVS_CLI_NOT_EXECUTABLE;
}

/* execvp() reports a directory of PATH that may not be searched like a program that may not be executed. */
static bool is_in_path(const char *program)
{
        const char *path = getenv("PATH");
        while (path) {
                const char *end = strchrnul(path, ':');
                char file[PATH_MAX];
                snprintf(file, sizeof file, "%.*s/%s", (int)(end - path), path, program);
                if (access(file, F_OK) == 0)
                        return true;
                path = *end == ':' ? end + 1 : NULL;
        }
        return false;
}

int mvs_cli_exec(char **argv)
{
        execvp(argv[0], argv);
        int error = errno;
        if (error == EACCES && !strchr(argv[0], '/') && !is_in_path(argv[0]))
                error = ENOENT;
        if (error == ENOENT || error == ENOTDIR)
                return fail_not_found(argv[0]);
        return fail_not_executable(argv[0], error);
}
