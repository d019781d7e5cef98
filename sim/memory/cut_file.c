#include "sim/memory/cut_file.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "sim/diag.h"

/* Global, because the handler of a fault reads it. The start is set last and cleared first. */
static struct {
        _Atomic uintptr_t start;
        size_t len;
        const char *what;
} watched;

void mvs_cut_file_watch(void *mapping, size_t len, const char *what)
{
        atomic_store(&watched.start, 0);
        watched.len = len;
        watched.what = what;
        atomic_store(&watched.start, (uintptr_t)mapping);
}

bool mvs_cut_file_fault(uintptr_t address)
{
        uintptr_t start = atomic_load(&watched.start);
        if (start == 0 || address - start >= watched.len)
                return false;
        void *place = (void *)start;
        if (mmap(place, watched.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != place)
                return false;
        mvs_diag(MVS_LOG_ERROR, "somebody cut %s short: nothing more goes into it", watched.what);
        return true;
}
