/*
 * Loans: ranges of the application's memory that are Microvisor's for a while.
 */
#include "sim/memory/regions.h"

#include <string.h>

static bool overlaps(const struct mvs_lent *lent, uintptr_t address, uintptr_t last)
{
        return address < lent->end && last >= lent->start;
}

const struct mvs_lent *mvs_memory_lent_overlap(const struct mvs_memory *memory, uintptr_t address, size_t len)
{
        if (len == 0)
                return NULL;
        uintptr_t last = address + (len - 1);
        if (last < address)
                last = UINTPTR_MAX;
        for (unsigned i = 0; i < memory->lent_count; i++) {
                if (overlaps(&memory->lent[i], address, last))
                        return &memory->lent[i];
        }
        return NULL;
}

const struct mvs_lent *mvs_lent_secret(const struct mvs_memory *memory, uintptr_t address, uintptr_t last)
{
        const struct mvs_lent *lowest = NULL;
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent *lent = &memory->lent[i];
                if (lent->secret && overlaps(lent, address, last) && (lowest == NULL || lent->start < lowest->start))
                        lowest = lent;
        }
        return lowest;
}

bool mvs_memory_lend(struct mvs_memory *memory, const struct mvs_lent *lent)
{
        if (lent->start >= lent->end)
                return true;
        if (memory->lent_count == MVS_MEMORY_LENT_MAX)
                return false;
        memory->lent[memory->lent_count++] = *lent;
        return true;
}

/* The application may have unmapped the buffer meanwhile; then there is nothing to fill. */
static void fill(const struct mvs_lent *lent)
{
        bool filled = mvs_fill_app(lent->start, MVS_MEMORY_PATTERN, lent->end - lent->start);
        (void)filled;
}

static void forget(struct mvs_memory *memory, unsigned i)
{
        memory->lent_count--;
        memmove(&memory->lent[i], &memory->lent[i + 1], (memory->lent_count - i) * sizeof memory->lent[i]);
}

void mvs_memory_give_back(struct mvs_memory *memory, uint32_t owner, uintptr_t start, bool do_fill)
{
        unsigned i = 0;
        while (i < memory->lent_count) {
                const struct mvs_lent *lent = &memory->lent[i];
                if (lent->owner != owner || lent->start != start) {
                        i++;
                        continue;
                }
                if (do_fill)
                        fill(lent);
                forget(memory, i);
        }
}
