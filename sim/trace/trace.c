#include "sim/trace/trace.h"

#include "sim/machine.h"
#include "sim/trace/text.h"

int mvs_trace_open(struct mvs_trace *trace, const char *path, bool again)
{
        return path && *path ? mvs_text_create(&trace->sink, path, again) : 0;
}

void mvs_trace_close(struct mvs_trace *trace)
{
        if (trace->sink)
                trace->sink->destroy(trace->sink);
        trace->sink = NULL;
}

void mvs_trace_event(struct mvs_machine *machine, struct mvs_event *event)
{
        if (!machine->trace.sink)
                return;
        event->microseconds = mvs_machine_now(machine);
        machine->trace.sink->write(machine->trace.sink, event);
}

const char *mvs_event_name(enum mvs_event_kind kind)
{
        static const char *const names[MVS_EVENT_KINDS] = {
                [MVS_EVENT_BOOT] = "boot",
                [MVS_EVENT_RESTART] = "restart",
                [MVS_EVENT_SHUTDOWN] = "shutdown",
                [MVS_EVENT_CALL] = "call",
                [MVS_EVENT_NOTIFY] = "notify",
                [MVS_EVENT_PEND] = "pend",
                [MVS_EVENT_SHADOWED] = "shadowed",
                [MVS_EVENT_ENTER] = "enter",
                [MVS_EVENT_EXIT] = "exit",
                [MVS_EVENT_MASK] = "mask",
                [MVS_EVENT_NETWORK] = "network",
                [MVS_EVENT_OUTAGE] = "outage",
                [MVS_EVENT_REQUEST] = "request",
                [MVS_EVENT_REPLY] = "reply",
                [MVS_EVENT_CONNECT] = "connect",
                [MVS_EVENT_OPENED] = "opened",
                [MVS_EVENT_RECEIVED] = "received",
                [MVS_EVENT_SENT] = "sent",
                [MVS_EVENT_ENDED] = "ended",
                [MVS_EVENT_CLOSED] = "closed",
                [MVS_EVENT_LOG] = "log",
                [MVS_EVENT_TEST_LOG] = "test_log",
                [MVS_EVENT_POWER_CUT] = "power_cut",
                [MVS_EVENT_UPDATE] = "update",
                [MVS_EVENT_FAULT] = "fault",
                [MVS_EVENT_PREEMPT] = "preempt",
                [MVS_EVENT_DEADLOCK] = "deadlock",
        };
        return names[kind];
}

/* An interrupt line by its number and name; PendSV and the like by name. */
void mvs_trace_exception(struct mvs_machine *machine, enum mvs_event_kind kind, unsigned vector)
{
        if (vector < MVS_VECTOR_IRQ)
                mvs_trace(machine, kind, MVS_WORD(NULL, mvs_vector_name(vector)));
        else
                mvs_trace(machine, kind, MVS_NUMBER("irq", vector - MVS_VECTOR_IRQ),
                          MVS_WORD(NULL, mvs_vector_name(vector)));
}

void mvs_trace_masks_of(struct mvs_machine *machine)
{
        const struct mvs_nvic *nvic = &machine->nvic;
        uint32_t masks = (uint32_t)nvic->basepri << 2 | (uint32_t)nvic->faultmask << 1 | (uint32_t)nvic->primask;
        if (masks == machine->trace.masks)
                return;
        machine->trace.masks = masks;
        mvs_trace(machine, MVS_EVENT_MASK, MVS_NUMBER("primask", nvic->primask), MVS_NUMBER("basepri", nvic->basepri),
                  MVS_NUMBER("faultmask", nvic->faultmask));
}
