/*
 * Rings that are not read as they should be.
 *
 * Only what the application writes into its ring can be seen, not what it reads. So a handler that clears what it has
 * read shows where it stands, and one that never clears shows nothing: that is legal, and most do so.
 */
#include <inttypes.h>
#include <string.h>

#include "src/device.h"

/* ---- what lies in the ring ---- */

static bool slot_is_left(const struct mvs_centre *centre, uint32_t slot)
{
        struct MvNotification present;
        return mvs_copy_from_app(&present, centre->buffer + (uintptr_t)slot * sizeof present, sizeof present) &&
               memcmp(&present, &centre->written[slot], sizeof present) == 0;
}

/* How many of the newest records lie there as they were written; the whole ring at most. */
static uint32_t newest_left(const struct mvs_centre *centre)
{
        uint32_t count = 0, slot = centre->next;
        while (count < centre->slots && count < centre->watch.records) {
                slot = (slot + centre->slots - 1) % centre->slots;
                if (!slot_is_left(centre, slot))
                        break;
                count++;
        }
        return count;
}

static const char *line_name(const struct mvs_centre *centre)
{
        return mvs_vector_name(MVS_VECTOR_IRQ + centre->irq);
}

#define CENTRE        "notification centre 0x%08" PRIx32 " (%s)"
#define OF(centre)    (centre)->object.handle, line_name(centre)
#define PLACE(centre) (centre)->object.handle

/* ---- a record goes over another one ---- */

static void found_stuck(struct mvs_centre *centre)
{
        const struct MvNotification *stuck = &centre->written[centre->next];
        centre->watch.doomed = centre->slots - 1;
        mvs_lint_found(centre->device, MVS_LINT_ring_index_stuck, PLACE(centre),
                       CENTRE ": the records in all %" PRIu32 " slots are untouched since slot %" PRIu32
                              ", though the application clears what it reads (%" PRIu64
                              " so far): its index does not move past event type 0x%02x, tag %" PRIu32
                              ", or has left the ring",
                       OF(centre), centre->slots, centre->next, centre->watch.cleared, (unsigned)stuck->event_type,
                       stuck->tag);
}

static void found_overrun(struct mvs_centre *centre)
{
        const struct MvNotification *lost = &centre->written[centre->next];
        mvs_lint_found(centre->device, MVS_LINT_overrun, PLACE(centre),
                       CENTRE ": record %" PRIu64 " (event type 0x%02x, tag %" PRIu32 ") in slot %" PRIu32
                              " is overwritten before it was cleared, as %" PRIu64
                              " others were: it is lost (read until a slot is empty, or enlarge the ring of %" PRIu32
                              ")",
                       OF(centre), centre->watch.records - centre->slots, (unsigned)lost->event_type, lost->tag,
                       centre->next, centre->watch.cleared, centre->slots);
}

static void found_never_cleared(struct mvs_centre *centre)
{
        mvs_lint_found(centre->device, MVS_LINT_record_not_cleared, PLACE(centre),
                       CENTRE ": the handler has run for the record in slot %" PRIu32
                              " and it lies there as written; none of the %" PRIu32
                              " slots was ever cleared (event_type cleared in a copy?)",
                       OF(centre), centre->next, centre->slots);
}

static void found_too_small(struct mvs_centre *centre)
{
        uint64_t waiting_us = mvs_machine_now(&centre->device->machine) - centre->pended_us;
        mvs_lint_found(centre->device, MVS_LINT_ring_too_small, PLACE(centre),
                       CENTRE ": %" PRIu64 " records have come in %" PRIu64
                              " us without its handler running, and the ring has %" PRIu32
                              " slots: the oldest is overwritten unread (enable the line sooner, or enlarge the ring)",
                       OF(centre), centre->watch.records + 1 - centre->watch.pend, waiting_us, centre->slots);
}

/* A line that never was enabled belongs to an application that asks instead: what it does not look at is not lost. */
static bool uses_line(const struct mvs_centre *centre)
{
        return centre->watch.taken > 0 ||
               mvs_nvic_is_enabled(&centre->device->machine.nvic, MVS_VECTOR_IRQ + centre->irq);
}

void mvs_lint_overwrites(struct mvs_centre *centre, bool left)
{
        struct mvs_ring_watch *watch = &centre->watch;
        bool was_taken = watch->records - centre->slots < watch->taken;
        if (!left)
                watch->cleared++;
        else if (watch->doomed > 0)
                watch->doomed--;
        else if (!was_taken && uses_line(centre))
                found_too_small(centre);
        else if (was_taken && watch->cleared == 0)
                found_never_cleared(centre);
        else if (was_taken && newest_left(centre) == centre->slots)
                found_stuck(centre);
        else if (was_taken)
                found_overrun(centre);
}

/* ---- a handler that is behind ---- */

/* Records that its interrupts are over for lie there since long, and older ones were cleared. */
static void look_for_backlog(struct mvs_centre *centre)
{
        struct mvs_ring_watch *watch = &centre->watch;
        if (!watch->merged || centre->pended)
                return;
        uint64_t quiet_us = mvs_machine_now(&centre->device->machine) - watch->taken_us;
        if (quiet_us < MVS_HANDLER_SLOW_US)
                return;
        uint32_t behind = newest_left(centre);
        watch->merged = false;
        if (behind == 0 || behind == centre->slots || behind >= watch->records)
                return;
        uint32_t slot = (centre->next + centre->slots - behind) % centre->slots;
        mvs_lint_found(centre->device, MVS_LINT_handler_behind, PLACE(centre),
                       CENTRE ": one interrupt stood for several records and the handler took fewer: the record in "
                              "slot %" PRIu32 " waits since %" PRIu64 " us, and the handler stays %" PRIu32
                              " behind (read until a slot is empty)",
                       OF(centre), slot, quiet_us, behind);
}

void mvs_lint_writes(struct mvs_centre *centre)
{
        struct mvs_ring_watch *watch = &centre->watch;
        look_for_backlog(centre);
        if (!centre->pended)
                watch->pend = watch->records;
        watch->records++;
}

void mvs_lint_taken(struct mvs_centre *centre)
{
        struct mvs_ring_watch *watch = &centre->watch;
        if (watch->taken == watch->records)
                return;
        if (watch->records - watch->pend > 1)
                watch->merged = true;
        watch->taken = watch->records;
        if (watch->merged)
                watch->taken_us = mvs_machine_now(&centre->device->machine);
}

void mvs_lint_closing_centre(struct mvs_centre *centre)
{
        look_for_backlog(centre);
}
