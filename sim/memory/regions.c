#include "sim/memory/regions.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/memory/windows.h"

#define FIRST_CAPACITY 256

size_t mvs_regions_bytes(size_t capacity)
{
        return capacity * sizeof(struct mvs_region);
}

/* mmap and not malloc: a call that comes from an interrupt handler may have interrupted malloc. */
static int grow(struct mvs_memory *memory)
{
        size_t old = memory->region_capacity;
        size_t new = old == 0 ? FIRST_CAPACITY : old * 2;
        void *table =
                old == 0
                        ? mmap(NULL, mvs_regions_bytes(new), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                        : mremap(memory->regions, mvs_regions_bytes(old), mvs_regions_bytes(new), MREMAP_MAYMOVE);
        if (table == MAP_FAILED)
                return -ENOMEM;
        memory->regions = table;
        memory->region_capacity = new;
        return 0;
}

int mvs_regions_add(struct mvs_memory *memory, uintptr_t start, uintptr_t end, enum mvs_region_kind kind)
{
        if (memory->region_count > 0) {
                struct mvs_region *previous = &memory->regions[memory->region_count - 1];
                if (previous->end == start && previous->kind == kind) {
                        previous->end = end;
                        return 0;
                }
        }
        if (memory->region_count == memory->region_capacity) {
                int r = grow(memory);
                if (r < 0)
                        return r;
        }
        memory->regions[memory->region_count++] = (struct mvs_region){.start = start, .end = end, .kind = kind};
        return 0;
}

void mvs_regions_clear(struct mvs_memory *memory)
{
        memory->region_count = 0;
        memset(memory->recent, 0, sizeof memory->recent);
}

/* Written so that the compiler needs no branch in the loop: the addresses of successive calls differ wildly. */
size_t mvs_regions_find(const struct mvs_memory *memory, uintptr_t address)
{
        const struct mvs_region *base = memory->regions;
        size_t left = memory->region_count;
        while (left > 1) {
                size_t half = left / 2;
                base += base[half - 1].end <= address ? half : 0;
                left -= half;
        }
        if (left == 1 && base->end <= address)
                base++;
        return (size_t)(base - memory->regions);
}

/* Why a byte of a region of this kind is refused; NULL if it is not. */
static const char *objection(enum mvs_region_kind kind, enum mvs_access access)
{
        if (kind == MVS_REGION_SECURE)
                return "belongs to the secure world";
        if (kind == MVS_REGION_NONSECURE_RO && access != MVS_READ)
                return "is read-only";
        return NULL;
}

static bool refuse(struct mvs_memory_fault *ret_fault, uintptr_t address, const char *reason, const char *what)
{
        *ret_fault = (struct mvs_memory_fault){.address = address, .reason = reason, .what = what};
        return false;
}

/* Nothing is there on this computer; on the device, something may be. */
static bool refuse_hole(struct mvs_memory_fault *ret_fault, uintptr_t address)
{
        const char *what;
        const char *reason = mvs_window_describe(address, &what);
        return refuse(ret_fault, address, reason != NULL ? reason : "is not mapped", what);
}

bool mvs_regions_permit(const struct mvs_memory *memory, uintptr_t address, uintptr_t last, enum mvs_access access,
                        struct mvs_memory_fault *ret_fault)
{
        for (size_t i = mvs_regions_find(memory, address); i < memory->region_count; i++) {
                const struct mvs_region *region = &memory->regions[i];
                if (region->start > address)
                        break;
                const char *reason = objection(region->kind, access);
                if (reason != NULL)
                        return refuse(ret_fault, address, reason, NULL);
                if (region->end > last)
                        return true;
                address = region->end;
        }
        return refuse_hole(ret_fault, address);
}

static bool overlaps_arena(const struct mvs_memory *memory, uintptr_t address, uintptr_t last)
{
        return address < memory->secure_end && last >= memory->secure_start;
}

/* Is a byte of [address, last] the arena's or, where loans count, a secret one's? Then *ret_fault names the lowest. */
static bool withheld(const struct mvs_memory *memory, uintptr_t address, uintptr_t last, enum mvs_access access,
                     struct mvs_memory_fault *ret_fault)
{
        bool found = false;
        const struct mvs_lent *lent = access == MVS_LEND ? NULL : mvs_lent_secret(memory, address, last);
        if (lent != NULL) {
                last = lent->start > address ? lent->start : address;
                (void)refuse(ret_fault, last, "is lent to Microvisor", lent->what);
                found = true;
        }
        if (overlaps_arena(memory, address, last)) {
                last = memory->secure_start > address ? memory->secure_start : address;
                (void)refuse(ret_fault, last, "belongs to the secure world", NULL);
                found = true;
        }
        return found;
}

/* Where the region of this address is remembered. By page and not by region, so that no search is needed; the higher
 * bits keep stacks and mappings with the same low bits apart. */
static size_t slot_of(uintptr_t address)
{
        return (address >> 12 ^ address >> 22) % MVS_MEMORY_RECENT;
}

static bool is_recent(const struct mvs_memory *memory, uintptr_t address, uintptr_t last, enum mvs_access access)
{
        const struct mvs_region *recent = &memory->recent[slot_of(address)];
        return address >= recent->start && last < recent->end && address <= last &&
               objection(recent->kind, access) == NULL;
}

static void remember(struct mvs_memory *memory, uintptr_t address)
{
        memory->recent[slot_of(address)] = memory->regions[mvs_regions_find(memory, address)];
}

/* Everything but the common case. Loans go before the table's own refusals: a lent page may be protected. */
static bool check_fully(struct mvs_memory *memory, uintptr_t address, uintptr_t last, enum mvs_access access,
                        struct mvs_memory_fault *ret_fault)
{
        if (address == 0)
                return refuse(ret_fault, address, "is NULL", NULL);
        if (last < address)
                return refuse(ret_fault, address, "overflows the address space", NULL);

        bool permitted = mvs_regions_permit(memory, address, last, access, ret_fault);
        if (!permitted && mvs_maps_read(memory) == 0)
                permitted = mvs_regions_permit(memory, address, last, access, ret_fault);
        if (permitted)
                remember(memory, address);
        return !withheld(memory, address, permitted ? last : ret_fault->address, access, ret_fault) && permitted;
}

bool mvs_memory_check(struct mvs_memory *memory, uintptr_t address, size_t len, enum mvs_access access,
                      struct mvs_memory_fault *ret_fault)
{
        if (len == 0)
                return true;
        uintptr_t last = address + (len - 1);
        if (is_recent(memory, address, last, access) && !overlaps_arena(memory, address, last) &&
            (memory->lent_count == 0 || mvs_lent_secret(memory, address, last) == NULL))
                return true;
        struct mvs_memory_fault fault;
        if (check_fully(memory, address, last, access, &fault))
                return true;
        if (ret_fault != NULL)
                *ret_fault = fault;
        return false;
}

int mvs_memory_init(struct mvs_memory *memory)
{
        int r = mvs_maps_read(memory);
        if (r < 0)
                mvs_memory_finish(memory);
        return r;
}

void mvs_memory_finish(struct mvs_memory *memory)
{
        if (memory->regions != NULL)
                munmap(memory->regions, mvs_regions_bytes(memory->region_capacity));
        memory->regions = NULL;
        memory->region_capacity = 0;
        memory->lent_count = 0;
        mvs_regions_clear(memory);
}
