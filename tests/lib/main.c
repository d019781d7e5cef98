/* Runs the one suite of a test program and prints it as TAP on standard output. */
#include <stdlib.h>

#include "suite.h"

int main(void)
{
        SRunner *runner = srunner_create(suite());
        srunner_set_tap(runner, "-");
        srunner_run_all(runner, CK_SILENT);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
