/* A test that uses no network: boots a device, makes a call, ends. */
#include "mv_syscalls.h"

int main(void)
{
        uint64_t now_us;
        return mvGetMicroseconds(&now_us) == MV_STATUS_OKAY ? 0 : 1;
}
