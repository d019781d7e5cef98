#include "bench.h"

int bench_plain_call(void)
{
        return 0;
}
