#include "sim/memory/windows.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "sim/diag.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static const struct mvs_window windows[] = {
#define MVS_WINDOW(start, size, kind, reserved, name) {start, size, MVS_WINDOW_##kind, reserved, name},
#include "sim/memory/windows.def"
#undef MVS_WINDOW
};

static const struct mvs_peripheral peripherals[] = {
#define MVS_PERIPHERAL(base, size, owner, name) {base, size, MVS_OWNER_##owner, #name},
#include "sim/memory/peripherals.def"
#undef MVS_PERIPHERAL
};

#define WINDOWS     (sizeof windows / sizeof windows[0])
#define PERIPHERALS (sizeof peripherals / sizeof peripherals[0])

/* Which windows this process holds, a bit for each. Global, because the address space is the process's; changed when
 * the device boots and shuts down, of which there is one at a time. */
static atomic_uint held;

/* A kernel, or a tool, that does not know the flag takes the address for a wish. */
static bool reserve(const struct mvs_window *window)
{
        void *wish = (void *)window->start;
        void *found = mmap(wish, window->size, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (found == wish)
                return true;
        if (found != MAP_FAILED)
                munmap(found, window->size);
        return false;
}

void mvs_windows_reserve(void)
{
        static atomic_uint said;
        for (unsigned i = 0; i < WINDOWS; i++) {
                const struct mvs_window *window = &windows[i];
                unsigned bit = 1U << i;
                if (!window->reserved || (atomic_load(&held) & bit))
                        continue;
                if (reserve(window))
                        atomic_fetch_or(&held, bit);
                else if (!(atomic_fetch_or(&said, bit) & bit))
                        mvs_diag(
                                MVS_LOG_INFO,
                                "the device's %s, 0x%08zx to 0x%08zx, cannot be reserved: something else lies there on "
                                "this computer, so accesses to it are not found",
                                window->name, (size_t)window->start, (size_t)(window->start + (window->size - 1)));
        }
}

void mvs_windows_release(void)
{
        unsigned bits = atomic_exchange(&held, 0);
        for (unsigned i = 0; i < WINDOWS; i++) {
                if (bits & (1U << i))
                        munmap((void *)windows[i].start, windows[i].size);
        }
}

const struct mvs_window *mvs_window_find(uintptr_t address)
{
        for (unsigned i = 0; i < WINDOWS; i++) {
                if (address >= windows[i].start && address - windows[i].start < windows[i].size)
                        return &windows[i];
        }
        return NULL;
}

/* The last one that begins at or before the address: parts of a peripheral have names of their own. Of two names for
 * one address, the first. */
const struct mvs_peripheral *mvs_peripheral_find(uintptr_t address)
{
        const struct mvs_peripheral *found = NULL;
        for (unsigned i = 0; i < PERIPHERALS && peripherals[i].base <= address; i++) {
                if (found == NULL || peripherals[i].base != found->base)
                        found = &peripherals[i];
        }
        return found != NULL && address - found->base < found->size ? found : NULL;
}

static const char *name_of_peripheral(uintptr_t address)
{
        const struct mvs_peripheral *peripheral = mvs_peripheral_find(address);
        return peripheral != NULL ? peripheral->name : NULL;
}

const char *mvs_window_describe(uintptr_t address, const char **ret_name)
{
        const struct mvs_window *window = mvs_window_find(address);
        *ret_name = NULL;
        if (window == NULL)
                return NULL;
        switch (window->kind) {
        case MVS_WINDOW_PERIPHERALS:
                *ret_name = name_of_peripheral(address);
                return *ret_name != NULL ? "is a peripheral's register, not memory"
                                         : "lies among the peripherals, where no memory is";
        case MVS_WINDOW_SECURE_PERIPHERALS:
                *ret_name = name_of_peripheral(address - MVS_SECURE_ALIAS);
                return "is a peripheral's secure alias, which belongs to Microvisor";
        case MVS_WINDOW_SECURE: *ret_name = window->name; return "is secure memory, which belongs to Microvisor";
        case MVS_WINDOW_SYSTEM: return "is a register of the processor's own, not memory";
        case MVS_WINDOW_MEMORY: break;
        }
        *ret_name = window->name;
        return "is memory of the device's that this computer does not have";
}
