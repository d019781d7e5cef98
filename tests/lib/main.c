/*
 * Runs the one suite of a test program and prints it as TAP on standard output.
 *
 * What the tests write goes below one directory of the program's own, which is removed at the end: a test that fails
 * ends where it stands and cleans nothing up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"
#include "tempdir.h"

/* When a broker parts, libmosquitto 2.0.11 gives up a lock that it does not hold. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
        return "mutex:libmosquitto.so\n";
}
#endif

static int run(void)
{
        SRunner *runner = srunner_create(suite());
        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void)
{
        struct mvt_tempdir dir;
        const char *base = getenv("TMPDIR");
        snprintf(dir.path, sizeof dir.path, "%s/mvsim-test-XXXXXX", base && *base ? base : "/tmp");
        if (!mkdtemp(dir.path) || setenv("TMPDIR", dir.path, 1) < 0) {
                perror(dir.path);
                return EXIT_FAILURE;
        }
        int status = run();
        mvt_tempdir_remove(&dir);
        return status;
}
