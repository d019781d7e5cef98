#include "sim/backtrace.h"

#include <dlfcn.h>
#include <unwind.h>

struct walk {
        uintptr_t *frames;
        unsigned count;
        unsigned max;
        int in_signal; /* a signal's frame has been met */
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *argument)
{
        struct walk *walk = argument;
        int interrupted = 0;
        uintptr_t address = _Unwind_GetIPInfo(context, &interrupted);
        if (interrupted && !walk->in_signal) { /* what stands further in is the signal handler's own */
                walk->in_signal = 1;
                walk->count = 0;
        }
        if (address == 0 || walk->count == walk->max)
                return _URC_END_OF_STACK;
        walk->frames[walk->count++] = interrupted ? address : address - 1;
        return _URC_NO_REASON;
}

unsigned mvs_backtrace(uintptr_t *ret_frames, unsigned max)
{
        struct walk walk = {.frames = ret_frames, .max = max};
        _Unwind_Backtrace(step, &walk);
        return walk.count;
}

struct mvs_code mvs_code_at(uintptr_t address)
{
        Dl_info info;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): an address out of a stack */
        if (!dladdr((const void *)address, &info))
                return (struct mvs_code){.base = 0};
        return (struct mvs_code){.base = (uintptr_t)info.dli_fbase, .function = info.dli_sname};
}
