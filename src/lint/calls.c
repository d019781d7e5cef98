/* Calls that are made where, when or as often as they should not be. */
#include <inttypes.h>
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

#include "src/device.h"

#define POLL_BATCH       256U
#define POLL_BATCH_US    25600U /* a tight loop makes a batch in less: a call in 100 us */
#define POLL_PATIENCE_US 1000000U

void mvs_lint_called_in_isr(struct mvs_call *call)
{
        unsigned vector = mvs_cpu_ipsr();
        mvs_lint_found(call->device, MVS_LINT_call_in_isr, (uint64_t)call->number << 32 | vector,
                       "%s was called from the handler of exception %u (%s): what calls do there is not documented "
                       "(set a flag, call from the main loop)",
                       call->desc->name, vector, mvs_vector_name(vector));
}

/* ---- failures that are remembered ---- */

static int maker_of(enum mvs_call_number number)
{
        switch (number) {
        case MVS_CALL_mvSetupNotifications: return MVS_MAKER_CENTRE;
        case MVS_CALL_mvRequestNetwork: return MVS_MAKER_NETWORK;
        case MVS_CALL_mvOpenChannel: return MVS_MAKER_CHANNEL;
        case MVS_CALL_mvExternalFlashOpen: return MVS_MAKER_FLASH;
        case MVS_CALL_mvServerLoggingInit: return MVS_MAKER_LOG;
        case MVS_CALL_mvTestLoggingInit: return MVS_MAKER_TEST_LOG;
        case MVS_CALL_mvMqttRequestConnect:
        case MVS_CALL_mvSendConfigFetchRequest:
        case MVS_CALL_mvSendHttpRequest: return MVS_MAKER_REQUEST;
        default: return -1;
        }
}

/* What a failure is about: the channel of a request, else the place of the handle; there is one log of each kind. */
static uintptr_t about(const struct mvs_call *call, int maker)
{
        if (maker == MVS_MAKER_LOG || maker == MVS_MAKER_TEST_LOG)
                return 0;
        return maker == MVS_MAKER_REQUEST || maker == MVS_MAKER_FLASH ? call->cells[0] : call->cells[1];
}

static void remember_failure(struct mvs_call *call, int maker, enum MvStatus status)
{
        call->device->lint.failures[maker] = (struct mvs_failure){
                .call = call->desc->name,
                .status = status,
                .microseconds = mvs_machine_now(&call->device->machine),
                .about = about(call, maker),
        };
}

/* ---- RATELIMITED ---- */

static void count_rate_limited(struct mvs_call *call)
{
        struct mvs_lint *lint = &call->device->lint;
        uint64_t now = mvs_machine_now(&call->device->machine);
        unsigned number = call->number;
        if (lint->rate[number].refusals == 0 || now - lint->rate[number].first_us > MVS_RATE_US) {
                lint->rate[number].refusals = 0;
                lint->rate[number].first_us = now;
        }
        if (++lint->rate[number].refusals != MVS_RATE_CALLS)
                return;
        mvs_lint_found(call->device, MVS_LINT_rate_limit_retried, number,
                       "%s was answered RATELIMITED %u times in %" PRIu64
                       " us: trying again at once is refused again (wait a second, or longer each time)",
                       call->desc->name, MVS_RATE_CALLS, now - lint->rate[number].first_us);
        lint->rate[number].refusals = 0;
}

/* ---- refusals that an earlier one explains ---- */

static void blame(struct mvs_call *call, const struct mvs_failure *failure, const char *consequence)
{
        mvs_lint_found(call->device, MVS_LINT_status_ignored, call->number,
                       "%s %s because %s had failed with %s at %" PRIu64 " us, which was not heeded", call->desc->name,
                       consequence, failure->call, mvs_status_name(failure->status), failure->microseconds);
}

static void look_for_cause(struct mvs_call *call, enum MvStatus status)
{
        const struct mvs_failure *log = &call->device->lint.failures[MVS_MAKER_LOG];
        const struct mvs_failure *test_log = &call->device->lint.failures[MVS_MAKER_TEST_LOG];
        const struct mvs_failure *request = &call->device->lint.failures[MVS_MAKER_REQUEST];
        if (call->number == MVS_CALL_mvServerLog && status == MV_STATUS_UNAVAILABLE && log->call)
                blame(call, log, "found no log");
        if (call->number == MVS_CALL_mvTestLog && status == MV_STATUS_UNAVAILABLE && test_log->call)
                blame(call, test_log, "found no log");
        bool reads = status == MV_STATUS_RESPONSENOTPRESENT && call->desc->arg_count > 0;
        if (reads && request->call && request->about == call->cells[0])
                blame(call, request, "found no response");
}

void mvs_lint_refused(struct mvs_call *call, enum MvStatus status)
{
        int maker = maker_of(call->number);
        if (status == MV_STATUS_RATELIMITED)
                count_rate_limited(call);
        look_for_cause(call, status);
        if (maker >= 0 && status != MV_STATUS_REQUESTALREADYSENT)
                remember_failure(call, maker, status);
}

/* ---- memory on the stack ---- */

/* Set by the dynamic linker: where the first thread's stack ends. */
extern void *__libc_stack_end;

/* The end of the calling thread's stack; 0 when it cannot be had. */
static uintptr_t stack_end(void)
{
        pthread_attr_t attributes;
        void *start = NULL;
        size_t size = 0;
        if (gettid() == getpid())
                return (uintptr_t)__libc_stack_end;
        if (pthread_getattr_np(pthread_self(), &attributes) != 0)
                return 0;
        pthread_attr_getstack(&attributes, &start, &size);
        pthread_attr_destroy(&attributes);
        return (uintptr_t)start + size;
}

static void look_at_buffer(struct mvs_call *call, const char *field, const void *buffer, uint32_t len)
{
        uintptr_t here = (uintptr_t)__builtin_frame_address(0);
        if ((uintptr_t)buffer < here || (uintptr_t)buffer >= stack_end())
                return;
        mvs_lint_found(call->device, MVS_LINT_stack_buffer, (uint64_t)call->number << 32 | len,
                       "%s: %s %p, %" PRIu32 " bytes, is on the stack: Microvisor keeps it after the function that "
                       "declares it has returned (declare it static)",
                       call->desc->name, field, buffer, len);
}

void mvs_lint_made(struct mvs_call *call)
{
        int maker = maker_of(call->number);
        if (maker < 0)
                return;
        struct mvs_failure *failure = &call->device->lint.failures[maker];
        if (failure->about == about(call, maker))
                failure->call = NULL;
        switch (call->number) {
        case MVS_CALL_mvSetupNotifications:
                look_at_buffer(call, "buffer", call->in.setup.buffer, call->in.setup.buffer_size);
                break;
        case MVS_CALL_mvOpenChannel:
                look_at_buffer(call, "receive_buffer", call->in.channel.v1.receive_buffer,
                               call->in.channel.v1.receive_buffer_len);
                look_at_buffer(call, "send_buffer", call->in.channel.v1.send_buffer,
                               call->in.channel.v1.send_buffer_len);
                mvs_lint_look_at_lost_channels(call->device);
                break;
        case MVS_CALL_mvServerLoggingInit:
        case MVS_CALL_mvTestLoggingInit:
                look_at_buffer(call, "buffer", (const void *)call->cells[0], (uint32_t)call->cells[1]);
                break;
        default: break;
        }
}

/* ---- asking in a tight loop ---- */

/* The request's centre could wake the application instead. */
static const struct mvs_centre *centre_to_wait_for(const struct mvs_call *call)
{
        const struct mvs_network_request *request = call->object;
        const struct mvs_centre *centre =
                mvs_handles_find(&call->device->handles, request->centre, MVS_OBJECT_NOTIFICATION);
        const struct mvs_nvic *nvic = &call->device->machine.nvic;
        if (!centre || !mvs_nvic_is_enabled(nvic, MVS_VECTOR_IRQ + centre->irq) ||
            !mvs_nvic_handler(nvic, MVS_VECTOR_IRQ + centre->irq))
                return NULL;
        return centre;
}

void mvs_lint_polled(struct mvs_call *call)
{
        struct mvs_lint *lint = &call->device->lint;
        if (++lint->poll.calls % POLL_BATCH != 0)
                return;
        uint64_t now = mvs_machine_now(&call->device->machine);
        bool tight = now - lint->poll.batch_us < POLL_BATCH_US;
        lint->poll.batch_us = now;
        if (!tight) {
                lint->poll.since_us = now;
                lint->poll.calls = 0;
                return;
        }
        const struct mvs_centre *centre = centre_to_wait_for(call);
        if (now - lint->poll.since_us < POLL_PATIENCE_US || !centre)
                return;
        mvs_lint_found(call->device, MVS_LINT_hot_poll, centre->object.handle,
                       "%s was called %" PRIu32 " times in %" PRIu64
                       " us without a pause: the processor never sleeps (wait with __WFI for NETWORKSTATUSCHANGED, "
                       "for which the line of %s is enabled already)",
                       call->desc->name, lint->poll.calls, now - lint->poll.since_us,
                       mvs_vector_name(MVS_VECTOR_IRQ + centre->irq));
        lint->poll.since_us = now;
        lint->poll.calls = 0;
}
