#include "only_test.h"

int bench_run_only_test(const TTest *test)
{
        Suite *suite = suite_create("bench");
        TCase *only = tcase_create("bench");
        tcase_set_timeout(only, 0);
        tcase_add_test(only, test);
        suite_add_tcase(suite, only);
        SRunner *runner = srunner_create(suite);
        srunner_set_fork_status(runner, CK_NOFORK);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? 0 : 1;
}
