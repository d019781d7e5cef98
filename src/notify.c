#include "src/notify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

#define RECORD      ((uint32_t)sizeof(struct MvNotification))
#define US_PER_MS   1000U
#define MIN_RECORDS 2U

/* ---- delivering ---- */

static void count_overrun(struct mvs_centre *centre, uintptr_t slot)
{
        struct MvNotification present;
        if (!centre->lapped || !mvs_copy_from_app(&present, slot, sizeof present))
                return;
        bool left = memcmp(&present, &centre->written[centre->next], sizeof present) == 0;
        if (left)
                centre->device->statistics.overruns++;
        mvs_lint_overwrites(centre, left);
}

/* The record is whole in memory before the line is pended. */
static void write_record(struct mvs_centre *centre, const struct MvNotification *record, uint64_t now_us)
{
        struct mvs_device *device = centre->device;
        uintptr_t slot = centre->buffer + (uintptr_t)centre->next * RECORD;
        count_overrun(centre, slot);
        mvs_lint_writes(centre);
        mvs_trace(&device->machine, MVS_EVENT_NOTIFY, MVS_HEX("centre", centre->object.handle),
                  MVS_NUMBER("slot", centre->next), MVS_NUMBER("type", record->event_type),
                  MVS_NUMBER("tag", record->tag), MVS_NUMBER("at", record->microseconds));
        if (!mvs_copy_to_app(slot, record, sizeof *record))
                mvs_diag(MVS_LOG_ERROR,
                         "notification centre 0x%08" PRIx32 ": its buffer at %p is gone; a record is lost",
                         centre->object.handle, (void *)centre->buffer);
        centre->written[centre->next] = *record;
        device->statistics.notifications++;
        if (++centre->next == centre->slots) {
                centre->next = 0;
                centre->lapped = true;
        }
        if (!centre->pended)
                centre->pended_us = now_us;
        centre->pended = true;
        mvs_cpu_pend(&device->machine, MVS_VECTOR_IRQ + centre->irq);
}

static void write_first_waiting(struct mvs_centre *centre)
{
        struct MvNotification *record = &centre->waiting[centre->waiting_first];
        centre->waiting_first = (centre->waiting_first + 1) % MVS_CENTRE_WAITING;
        centre->waiting_count--;
        write_record(centre, record, mvs_machine_now(&centre->device->machine));
}

static uint64_t hold_us(const struct mvs_machine *machine)
{
        return (uint64_t)machine->profile.limits.notification_hold_ms * US_PER_MS;
}

static void arm_hold(struct mvs_centre *centre)
{
        struct mvs_machine *machine = &centre->device->machine;
        mvs_timeline_arm(&machine->timeline, &centre->hold, mvs_machine_now(machine) + hold_us(machine));
}

/* A line that could run its handler is only slow; one that is disabled or masked does not hold records up. */
static bool could_run(const struct mvs_centre *centre)
{
        const struct mvs_machine *machine = &centre->device->machine;
        return mvs_nvic_is_enabled(&machine->nvic, MVS_VECTOR_IRQ + centre->irq) && !machine->cpu.masked;
}

/* Nobody takes the pend, as where the application polls the ring. */
static bool is_left_alone(const struct mvs_centre *centre)
{
        const struct mvs_machine *machine = &centre->device->machine;
        return !could_run(centre) && mvs_machine_now(machine) - centre->pended_us >= hold_us(machine);
}

static void post(struct mvs_centre *centre, enum MvEventType type, uint32_t tag)
{
        struct MvNotification record = {
                .microseconds = mvs_cpu_note_now(&centre->device->machine),
                .event_type = type,
                .tag = tag,
        };
        if (centre->waiting_count == 0 && (!centre->pended || is_left_alone(centre))) {
                write_record(centre, &record, record.microseconds);
                return;
        }
        if (centre->waiting_count == MVS_CENTRE_WAITING)
                write_first_waiting(centre);
        unsigned last = (centre->waiting_first + centre->waiting_count++) % MVS_CENTRE_WAITING;
        centre->waiting[last] = record;
        if (!centre->hold.armed)
                arm_hold(centre);
}

void mvs_notify_post(struct mvs_device *device, uint32_t handle, enum MvEventType type, uint32_t tag)
{
        struct mvs_centre *centre = mvs_handles_find(&device->handles, handle, MVS_OBJECT_NOTIFICATION);
        if (centre)
                post(centre, type, tag);
}

/* ---- the line ---- */

static void on_line_free(void *context, unsigned irq)
{
        struct mvs_device *device = context;
        struct mvs_centre *centre = device->notify.by_irq[irq];
        if (!centre || mvs_nvic_is_pending(&device->machine.nvic, MVS_VECTOR_IRQ + irq))
                return;
        centre->pended = false;
        mvs_lint_taken(centre);
        mvs_timeline_disarm(&device->machine.timeline, &centre->hold);
        if (centre->waiting_count == 0)
                return;
        write_first_waiting(centre);
        if (centre->waiting_count > 0)
                arm_hold(centre);
}

static void on_hold(struct mvs_timer *timer)
{
        struct mvs_centre *centre = (struct mvs_centre *)(void *)((char *)timer - offsetof(struct mvs_centre, hold));
        if (could_run(centre)) {
                arm_hold(centre);
                return;
        }
        while (centre->waiting_count > 0)
                write_first_waiting(centre);
}

void mvs_notify_init(struct mvs_device *device)
{
        device->machine.nvic.line_free = on_line_free;
        device->machine.nvic.line_free_context = device;
}

static void close_centre(struct mvs_centre *centre)
{
        struct mvs_device *device = centre->device;
        mvs_timeline_disarm(&device->machine.timeline, &centre->hold);
        mvs_memory_give_back(&device->machine.memory, centre->object.handle, centre->buffer, false);
        device->notify.by_irq[centre->irq] = NULL;
        device->notify.open--;
        mvs_handles_remove(&device->handles, &centre->object);
        free(centre->written);
        *centre = (struct mvs_centre){0};
}

void mvs_notify_finish(struct mvs_device *device)
{
        for (unsigned i = 0; i < MVS_CENTRES_MAX; i++) {
                if (device->notify.centres[i].object.handle)
                        close_centre(&device->notify.centres[i]);
        }
}

/* ---- mvSetupNotifications ---- */

/* Lines of the secure world and of Microvisor itself (decision 11). */
static bool is_in(const uint8_t *lines, size_t count, unsigned irq)
{
        size_t i = 0;
        while (i < count && lines[i] != irq)
                i++;
        return i < count;
}

static const uint8_t reserved[] = {3, 7, 8, 10, 28, 46};

/* EXTI4, channels 4 and 5 of GPDMA1, and LPTIM2 serve the console. */
static const uint8_t reserved_in_test_mode[] = {15, 33, 34, 68};

enum MvStatus mvs_notify_check_irq(struct mvs_call *call, const char *field, uint32_t irq)
{
        if (irq >= MVS_IRQ_COUNT)
                return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, field,
                                  "%" PRIu32 " does not exist: the lines are 0 to 124 (use TIM8_BRK_IRQn, say)", irq);
        const char *name = mvs_vector_name(MVS_VECTOR_IRQ + irq);
        bool test_mode = call->device->machine.profile.device.test_mode;
        if (is_in(reserved, sizeof reserved, irq))
                return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, field,
                                  "%" PRIu32 " (%s) belongs to Microvisor or the secure world (use TIM8_BRK_IRQn, say)",
                                  irq, name);
        if (test_mode && is_in(reserved_in_test_mode, sizeof reserved_in_test_mode, irq))
                return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, field,
                                  "%" PRIu32 " (%s) belongs to Microvisor in test mode (use TIM8_BRK_IRQn, say)", irq,
                                  name);
        if (call->device->notify.by_irq[irq])
                return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, field,
                                  "%" PRIu32 " (%s) is another notification centre's: each has a line of its own", irq,
                                  name);
        return MV_STATUS_OKAY;
}

/* A fast interrupt cannot be a notification's. */
static enum MvStatus check_not_fast(struct mvs_call *call, uint32_t irq)
{
        if (!call->device->fast.lines[irq].marked)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDINTERRUPT, "irq",
                          "%" PRIu32 " (%s) is a fast interrupt (mvClearFastInterrupt makes it an ordinary one)", irq,
                          mvs_vector_name(MVS_VECTOR_IRQ + irq));
}

enum MvStatus mvs_notify_check_setup(struct mvs_call *call, const struct MvNotificationSetup *setup)
{
        enum MvStatus status = mvs_notify_check_irq(call, "irq", setup->irq);
        if (status == MV_STATUS_OKAY)
                status = check_not_fast(call, setup->irq);
        if (status != MV_STATUS_OKAY)
                return status;
        if (!mvs_arg_lendable(call, "buffer", setup->buffer, setup->buffer_size ? setup->buffer_size : 1))
                return MV_STATUS_PARAMETERFAULT;
        if (setup->buffer_size % RECORD != 0 || setup->buffer_size < MIN_RECORDS * RECORD)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "buffer_size",
                                  "is %" PRIu32 " bytes: it must be a multiple of 16 and at least 32",
                                  setup->buffer_size);
        return mvs_arg_not_lent(call, "buffer", setup->buffer, setup->buffer_size, 0);
}

enum MvStatus mvs_check_mvSetupNotifications(struct mvs_call *call, const struct MvNotificationSetup *notifications,
                                             MvNotificationHandle *handle_out)
{
        (void)notifications;
        (void)handle_out;
        uint32_t limit = call->device->machine.profile.limits.notification_centers;
        if (call->device->notify.open < limit)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, NULL,
                          "%" PRIu32 " notification centres are open already (limits.notification_centers)", limit);
}

static struct mvs_centre *free_centre(struct mvs_notify *notify)
{
        struct mvs_centre *centre = notify->centres;
        while (centre->object.handle)
                centre++;
        return centre;
}

static bool open_centre(struct mvs_device *device, struct mvs_centre *centre, const struct MvNotificationSetup *setup)
{
        *centre = (struct mvs_centre){
                .device = device,
                .irq = setup->irq,
                .buffer = (uintptr_t)setup->buffer,
                .slots = setup->buffer_size / RECORD,
                .hold = {.fire = on_hold},
        };
        centre->written = calloc(centre->slots, sizeof *centre->written);
        if (!centre->written)
                return false;
        if (!mvs_handles_add(&device->handles, &centre->object, MVS_OBJECT_NOTIFICATION))
                goto no_handle;
        struct mvs_lent lent = {
                .start = centre->buffer,
                .end = centre->buffer + setup->buffer_size,
                .what = "notification buffer",
                .owner = centre->object.handle,
        };
        if (!mvs_memory_lend(&device->machine.memory, &lent))
                goto no_loan;
        device->notify.by_irq[centre->irq] = centre;
        device->notify.open++;
        return true;
no_loan:
        mvs_handles_remove(&device->handles, &centre->object);
no_handle:
        free(centre->written);
        *centre = (struct mvs_centre){0};
        return false;
}

enum MvStatus mvs_do_mvSetupNotifications(struct mvs_call *call, const struct MvNotificationSetup *notifications,
                                          MvNotificationHandle *handle_out)
{
        (void)notifications;
        struct mvs_device *device = call->device;
        struct mvs_centre *centre = free_centre(&device->notify);
        if (!open_centre(device, centre, &call->in.setup))
                return mvs_reject(call, MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, NULL, "the host is out of memory");
        uintptr_t handle = centre->object.handle;
        enum MvStatus status = mvs_put(call, "handle_out", handle_out, &handle, sizeof handle);
        if (status != MV_STATUS_OKAY)
                close_centre(centre);
        else
                mvs_lint_made(call);
        return status;
}

/* ---- mvCloseNotifications, mvTempTriggerNotification ---- */

enum MvStatus mvs_check_mvCloseNotifications(struct mvs_call *call, MvNotificationHandle *handle_in_out)
{
        return mvs_arg_handle_at(call, "handle_in_out", handle_in_out, MVS_OBJECT_NOTIFICATION, &call->object);
}

enum MvStatus mvs_do_mvCloseNotifications(struct mvs_call *call, MvNotificationHandle *handle_in_out)
{
        enum MvStatus status = mvs_put_no_handle(call, "handle_in_out", handle_in_out);
        if (status == MV_STATUS_OKAY) {
                mvs_lint_closing_centre(call->object);
                mvs_lint_closing(call->device, call->object);
                close_centre(call->object);
        }
        return status;
}

enum MvStatus mvs_do_mvTempTriggerNotification(struct mvs_call *call, MvNotificationHandle handle,
                                               enum MvEventType type, uint32_t tag)
{
        (void)handle;
        post(call->object, type, tag);
        return MV_STATUS_OKAY;
}
