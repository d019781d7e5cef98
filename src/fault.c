#include "src/fault.h"

#include <errno.h>
#include <string.h>

#include "src/device.h"

static int find_call(const char *name)
{
        for (int number = 0; number < MVS_CALL_COUNT; number++) {
                if (strcmp(mvs_calls[number].name, name) == 0)
                        return number;
        }
        return -EINVAL;
}

int mvs_fault_arm(struct mvs_faults *faults, const char *call, unsigned nth, enum MvStatus status)
{
        int number = find_call(call);
        if (number < 0 || nth == 0 || (unsigned)status >= 64)
                return -EINVAL;
        if (!(mvs_calls[number].statuses & (UINT64_C(1) << status)))
                return -EINVAL;
        if (faults->calls[number].countdown == 0)
                faults->armed++;
        faults->calls[number].countdown = nth;
        faults->calls[number].status = status;
        return 0;
}

bool mvs_fault_answers(struct mvs_call *call, enum MvStatus *ret_status)
{
        struct mvs_faults *faults = &call->device->faults;
        unsigned *countdown = &faults->calls[call->number].countdown;
        if (*countdown == 0 || --*countdown > 0)
                return false;
        faults->armed--;
        call->injected = true;
        *ret_status = mvs_reject(call, faults->calls[call->number].status, NULL, "was told to fail by mvsim_fail()");
        return true;
}
