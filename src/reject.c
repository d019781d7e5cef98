/* Why a call was refused: kept for mvsim_last_reject(), and written to standard error when it is a mistake. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/diag.h"
#include "src/call.h"
#include "src/device.h"

const char *mvs_status_name(enum MvStatus status)
{
        static const char *const names[] = {
                "OKAY",
                "TIMENOTSET",
                "PARAMETERFAULT",
                "INVALIDBUFFERSIZE",
                "PERIPHERALACCESSFAULT",
                "BUFFERALREADYINUSE",
                "INVALIDINTERRUPT",
                "INVALIDHANDLE",
                "TOOMANYNOTIFICATIONBUFFERS",
                "INVALIDVECTOR",
                "UNAVAILABLE",
                "UNSUPPORTEDSTRUCTUREVERSION",
                "TOOMANYCHANNELS",
                "UNKNOWNCHANNELENDPOINT",
                "UNKNOWNCHANNELTYPE",
                "CHANNELCLOSED",
                "NETWORKNOTCONNECTED",
                "RATELIMITED",
                "INVALIDBUFFERALIGNMENT",
                "LATEFAULT",
                "RESPONSENOTPRESENT",
                "INDEXINVALID",
                "OFFSETINVALID",
                "REQUESTALREADYSENT",
                "REQUESTUNSUCCESSFUL",
                "LOGMESSAGETOOLONG",
                "LOGGINGDISABLEDBYSERVER",
                "TOOMANYCONFIGKEYS",
                "UNKNOWNCONFIGSTORE",
                "UNKNOWNCONFIGSCOPE",
                "INVALIDCONFIGKEY",
                "INVALIDAUTHENTICATION",
                "WRONGDATAREQUESTED",
                "INTERNALERROR",
                "TOOMANYELEMENTS",
                "REQUIREDELEMENTMISSING",
                "MICROVISORBUSY",
                "ADDRESSOUTOFRANGE",
                "INPUTTOOLONG",
        };
        unsigned index = (unsigned)status;
        return index < sizeof names / sizeof names[0] ? names[index] : "?";
}

/* A first argument that is the handle 0, or, for those that close, points to it */
static bool is_about_zero(const struct mvs_call *call)
{
        uintptr_t handle = call->cells[0];
        if (call->desc->args[0].kind == MVS_ARG_INOUT && !mvs_copy_from_app(&handle, call->cells[0], sizeof handle))
                return false;
        return handle == 0;
}

/* Answers that correct applications meet in their ordinary course: kept, but not written unless asked for. */
static bool is_ordinary(const struct mvs_call *call, enum MvStatus status)
{
        switch (status) {
        case MV_STATUS_TIMENOTSET:
        case MV_STATUS_RESPONSENOTPRESENT:
        case MV_STATUS_NETWORKNOTCONNECTED:
        case MV_STATUS_CHANNELCLOSED:
        case MV_STATUS_RATELIMITED:
        case MV_STATUS_LOGGINGDISABLEDBYSERVER:
        case MV_STATUS_REQUESTUNSUCCESSFUL: return true;
        case MV_STATUS_INVALIDHANDLE: return call->desc->arg_count > 0 && is_about_zero(call);
        default: return false;
        }
}

/* Whether this rule's refusal of this call was written before; the text of a rule is its name. */
static bool is_new(struct mvs_device *device, const struct mvs_call *call, const char *rule)
{
        struct mvs_reported *reported = &device->reported;
        for (unsigned i = 0; i < reported->count; i++) {
                if (reported->entries[i].number == call->number && reported->entries[i].rule == rule)
                        return false;
        }
        if (reported->count == MVS_REPORTED_MAX)
                return false;
        reported->entries[reported->count].number = call->number;
        reported->entries[reported->count++].rule = rule;
        return true;
}

/* A mistake is written the first time that this call makes it; at the level `debug`, everything and always. */
static void report(struct mvs_call *call, enum MvStatus status, const char *rule, const char *message)
{
        bool quiet = call->injected || is_ordinary(call, status);
        bool first = !quiet && is_new(call->device, call, rule);
        mvs_diag(first ? MVS_LOG_WARNING : MVS_LOG_DEBUG, "%s (%s)", message, mvs_status_name(status));
}

enum MvStatus mvs_reject(struct mvs_call *call, enum MvStatus status, const char *field, const char *format, ...)
{
        struct mvsim_reject *reject = &call->device->last_reject;
        reject->call = call->desc->name;
        reject->status = status;
        reject->microseconds = mvs_machine_now(&call->device->machine);
        snprintf(reject->field, sizeof reject->field, "%s", field ? field : "");
        int used =
                snprintf(reject->message, sizeof reject->message, field ? "%s: %s " : "%s: ", call->desc->name, field);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reject->message + used, sizeof reject->message - (size_t)used, format, arguments);
        va_end(arguments);
        report(call, status, format, reject->message);
        return status;
}
