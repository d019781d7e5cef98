#include "centre.h"

#include "log.h"

static void empty_ring(struct centre *centre)
{
        for (unsigned i = 0; i < CENTRE_RECORDS; i++)
                centre->ring[i].event_type = MV_EVENTTYPE_NOEVENT;
        centre->next = 0;
}

bool centre_open(struct centre *centre, IRQn_Type irq, const char *what)
{
        const struct MvNotificationSetup setup = {
                .irq = (uint32_t)irq,
                .buffer = (struct MvNotification *)centre->ring,
                .buffer_size = sizeof centre->ring,
        };
        empty_ring(centre);
        enum MvStatus status = mvSetupNotifications(&setup, &centre->handle);
        if (status != MV_STATUS_OKAY) {
                log_line("no notification centre for %s: status 0x%02x", what, (unsigned)status);
                return false;
        }
        NVIC_ClearPendingIRQ(irq);
        NVIC_EnableIRQ(irq);
        return true;
}

void centre_close(struct centre *centre, IRQn_Type irq)
{
        NVIC_DisableIRQ(irq);
        if (centre->handle)
                mvCloseNotifications(&centre->handle);
}

/* The place moves on whatever the record says, and the record itself is marked as read, not a copy of it. */
bool centre_take(struct centre *centre, struct MvNotification *ret_record)
{
        volatile struct MvNotification *record = &centre->ring[centre->next];
        if (record->event_type == MV_EVENTTYPE_NOEVENT)
                return false;
        *ret_record = *record;
        record->event_type = MV_EVENTTYPE_NOEVENT;
        centre->next = (centre->next + 1) % CENTRE_RECORDS;
        return true;
}
