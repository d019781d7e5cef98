/*
 * Loans: ranges of the application's memory that are Microvisor's for a while.
 *
 * A secret loan is filled with the pattern, so that what the application writes into it is seen. Its pages are
 * protected as far as they can be (guard_pages.c); what lies outside of them is compared with the pattern.
 */
#include <string.h>

#include "sim/memory/regions.h"
#include "sim/memory/report.h"
#include "sim/memory/step.h"
#include "sim/memory/tools.h"

#define BLOCK        512
#define STRICT_WORDS 2 /* guard words at either end that strict mode looks at in every call */

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

bool mvs_lent_next_held(const struct mvs_memory *memory, uintptr_t address, uintptr_t end, uintptr_t *ret_start,
                        uintptr_t *ret_end)
{
        bool found = false;
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent *lent = &memory->lent[i];
                uintptr_t start = lent->held_start > address ? lent->held_start : address;
                if (lent->held_end <= address || start >= end || (found && start >= *ret_start))
                        continue;
                *ret_start = start;
                *ret_end = lent->held_end < end ? lent->held_end : end;
                found = true;
        }
        return found;
}

/* ---- the mode ---- */

static bool is_compared(const struct mvs_memory *memory)
{
        for (unsigned i = 0; i < memory->lent_count; i++) {
                if (memory->lent[i].compared)
                        return true;
        }
        return false;
}

static void update_watchful(struct mvs_memory *memory)
{
        memory->watchful = memory->strict || is_compared(memory);
}

void mvs_memory_configure(struct mvs_memory *memory, const struct mvs_profile_memory *settings)
{
        memory->mode = settings->lent;
        memory->strict = settings->strict;
        memory->guard.page_size = mvs_page_size();
        memory->guard.steps = mvs_step_supported();
        if (memory->mode == MVS_LENT_TRAP && mvs_tool() != MVS_TOOL_NONE)
                memory->mode = MVS_LENT_CHECK;
        update_watchful(memory);
}

/* ---- the pattern ---- */

/* The application may have unmapped the buffer meanwhile; then there is nothing to fill. */
static void fill(const struct mvs_lent *lent)
{
        bool filled = mvs_fill_app(lent->start, MVS_MEMORY_PATTERN, lent->end - lent->start);
        (void)filled;
}

static size_t first_other(const unsigned char *bytes, size_t len)
{
        size_t at = 0;
        while (at < len && bytes[at] == MVS_MEMORY_PATTERN)
                at++;
        return at;
}

/* All bytes equal the first one when the block, moved by one, is itself. */
static bool is_pattern(const unsigned char *bytes, size_t len)
{
        return bytes[0] == MVS_MEMORY_PATTERN && memcmp(bytes, bytes + 1, len - 1) == 0;
}

uintptr_t mvs_guard_changed(uintptr_t start, uintptr_t end)
{
        unsigned char block[BLOCK];
        for (size_t len; start < end; start += len) {
                len = end - start < sizeof block ? end - start : sizeof block;
                if (mvs_copy_from_app(block, start, len) && !is_pattern(block, len))
                        return start + first_other(block, len);
        }
        return 0;
}

/* The first changed byte outside of the protected pages, or 0. */
static uintptr_t changed_outside(const struct mvs_lent *lent)
{
        if (lent->held_start >= lent->held_end)
                return mvs_guard_changed(lent->start, lent->end);
        uintptr_t changed = lent->held_start > lent->start ? mvs_guard_changed(lent->start, lent->held_start) : 0;
        if (changed == 0 && lent->held_end < lent->end)
                changed = mvs_guard_changed(lent->held_end, lent->end);
        return changed;
}

/* ---- lending ---- */

static void begin_secret(struct mvs_memory *memory, struct mvs_lent *lent)
{
        sigset_t before;
        mvs_guard_lock(memory, &before);
        mvs_guard_open(memory, lent->start, lent->end); /* pages that another loan shares */
        fill(lent);
        mvs_guard_choose(memory, lent, &before);
        mvs_guard_close(memory, lent->start, lent->end);
        mvs_guard_unlock(memory, &before);
        mvs_tool_withhold(lent->start, lent->end - lent->start);
}

bool mvs_memory_lend(struct mvs_memory *memory, const struct mvs_lent *lent)
{
        if (lent->start >= lent->end)
                return true;
        if (memory->lent_count == MVS_MEMORY_LENT_MAX)
                return false;
        struct mvs_lent *entry = &memory->lent[memory->lent_count++];
        *entry = *lent;
        entry->held_start = entry->held_end = 0;
        entry->compared = false;
        if (lent->secret && memory->mode != MVS_LENT_OFF)
                begin_secret(memory, entry);
        update_watchful(memory);
        return true;
}

static void forget(struct mvs_memory *memory, unsigned i)
{
        memory->lent_count--;
        memmove(&memory->lent[i], &memory->lent[i + 1], (memory->lent_count - i) * sizeof memory->lent[i]);
}

/* Ends the loan with this index; says which byte was changed while it lasted, 0 for none. */
static uintptr_t end_loan(struct mvs_memory *memory, unsigned i, bool do_fill)
{
        struct mvs_lent lent = memory->lent[i];
        bool watched = lent.secret && memory->mode != MVS_LENT_OFF;
        uintptr_t changed = 0;
        sigset_t before;
        if (watched)
                mvs_tool_allow(lent.start, lent.end - lent.start);
        mvs_guard_lock(memory, &before);
        mvs_guard_open(memory, lent.start, lent.end);
        if (watched)
                changed = mvs_guard_changed(lent.start, lent.end);
        if (do_fill)
                fill(&lent);
        forget(memory, i);
        mvs_guard_close(memory, lent.start, lent.end);
        mvs_guard_unlock(memory, &before);
        update_watchful(memory);
        return changed;
}

void mvs_memory_give_back(struct mvs_memory *memory, uint32_t owner, uintptr_t start, bool do_fill)
{
        unsigned i = 0;
        while (i < memory->lent_count) {
                struct mvs_lent lent = memory->lent[i];
                if (lent.owner != owner || lent.start != start) {
                        i++;
                        continue;
                }
                uintptr_t changed = end_loan(memory, i, do_fill);
                if (changed != 0)
                        mvs_report_written(&lent, changed, NULL);
        }
}

void mvs_memory_end_loans(struct mvs_memory *memory)
{
        while (memory->lent_count > 0) {
                struct mvs_lent lent = memory->lent[memory->lent_count - 1];
                uintptr_t changed = end_loan(memory, memory->lent_count - 1, false);
                if (changed != 0)
                        mvs_report_written(&lent, changed, NULL);
        }
}

/* ---- looking ---- */

void mvs_memory_inspect(struct mvs_memory *memory, const char *where)
{
        if (memory->strict && mvs_words_damage(&memory->words, STRICT_WORDS) != NULL)
                mvs_report_damage(&memory->words, where);
        for (unsigned i = 0; i < memory->lent_count; i++) {
                const struct mvs_lent *lent = &memory->lent[i];
                if (!lent->compared)
                        continue;
                mvs_tool_look_away();
                uintptr_t changed = changed_outside(lent);
                mvs_tool_look_again();
                if (changed != 0)
                        mvs_report_written(lent, changed, where);
        }
}

void mvs_memory_forget(struct mvs_memory *memory)
{
        atomic_store(&memory->guard.lock, 0); /* another thread of the parent's may have had it */
        while (memory->lent_count > 0)
                (void)end_loan(memory, memory->lent_count - 1, false);
}
