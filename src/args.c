/* Checking arguments against calls.def and the region table, and moving bytes between the worlds. */
#include <inttypes.h>
#include <string.h>

#include "src/call.h"
#include "src/device.h"
#include "src/periph.h"

#define BLOCK 512U /* what the device's memory protection can tell apart */

bool mvs_arg_access(struct mvs_call *call, enum MvStatus refusal, const char *field, const void *address, size_t len,
                    enum mvs_access access)
{
        struct mvs_memory_fault fault;
        if (mvs_memory_check(&call->device->machine.memory, (uintptr_t)address, len, access, &fault))
                return true;
        const char *verb = access == MVS_READ ? "reads" : "writes";
        enum MvStatus ignored;
        if (fault.what)
                ignored = mvs_reject(call, refusal, field, "%p: Microvisor %s %zu bytes there, and byte %p %s (%s)",
                                     address, verb, len, (void *)fault.address, fault.reason, fault.what);
        else if (!address)
                ignored = mvs_reject(call, refusal, field, "is NULL: Microvisor %s %zu bytes there", verb, len);
        else
                ignored = mvs_reject(call, refusal, field, "%p: Microvisor %s %zu bytes there, and byte %p %s", address,
                                     verb, len, (void *)fault.address, fault.reason);
        (void)ignored; /* it is `refusal`, as the caller knows */
        return false;
}

bool mvs_arg_readable(struct mvs_call *call, const char *field, const void *address, size_t len)
{
        return mvs_arg_access(call, MV_STATUS_PARAMETERFAULT, field, address, len, MVS_READ);
}

bool mvs_arg_writable(struct mvs_call *call, const char *field, const void *address, size_t len)
{
        return mvs_arg_access(call, MV_STATUS_PARAMETERFAULT, field, address, len, MVS_WRITE);
}

bool mvs_arg_lendable(struct mvs_call *call, const char *field, const void *address, size_t len)
{
        return mvs_arg_access(call, MV_STATUS_PARAMETERFAULT, field, address, len, MVS_LEND);
}

enum MvStatus mvs_put(struct mvs_call *call, const char *field, void *address, const void *bytes, size_t len)
{
        if (mvs_copy_to_app((uintptr_t)address, bytes, len))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, field, "%p: the memory was unmapped or protected meanwhile",
                          address);
}

enum MvStatus mvs_get(struct mvs_call *call, const char *field, void *ret_bytes, const void *address, size_t len)
{
        if (mvs_copy_from_app(ret_bytes, (uintptr_t)address, len))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_PARAMETERFAULT, field, "%p: the memory was unmapped meanwhile", address);
}

/* ---- handles ---- */

static enum MvStatus reject_handle(struct mvs_call *call, const char *field, uintptr_t handle,
                                   enum mvs_object_kind kind)
{
        const struct mvs_handles *handles = &call->device->handles;
        const struct mvs_object *other = handles->objects[handle & 0xff];
        const char *wanted = mvs_object_kind_name(kind);
        mvs_lint_bad_handle(call, handle, kind);
        if (handle == 0)
                return mvs_reject(call, MV_STATUS_INVALIDHANDLE, field, "is 0: %s was never opened, or is closed",
                                  wanted);
        if (other && other->handle == handle)
                return mvs_reject(call, MV_STATUS_INVALIDHANDLE, field, "0x%08" PRIxPTR " is %s, not %s", handle,
                                  mvs_object_kind_name(other->kind), wanted);
        return mvs_reject(call, MV_STATUS_INVALIDHANDLE, field,
                          "0x%08" PRIxPTR " is no handle of %s that is open now: closed earlier, or never given out",
                          handle, wanted);
}

enum MvStatus mvs_arg_handle(struct mvs_call *call, const char *field, const void *handle, enum mvs_object_kind kind,
                             void **ret_object)
{
        *ret_object = mvs_handles_find(&call->device->handles, (uintptr_t)handle, kind);
        return *ret_object ? MV_STATUS_OKAY : reject_handle(call, field, (uintptr_t)handle, kind);
}

enum MvStatus mvs_arg_handle_at(struct mvs_call *call, const char *field, const void *pointer,
                                enum mvs_object_kind kind, void **ret_object)
{
        const void *handle = NULL;
        enum MvStatus status = mvs_get(call, field, &handle, pointer, sizeof handle);
        if (status != MV_STATUS_OKAY)
                return status;
        return mvs_arg_handle(call, field, handle, kind, ret_object);
}

enum MvStatus mvs_put_new_handle(struct mvs_call *call, const char *field, void *pointer, struct mvs_object *object,
                                 enum mvs_object_kind kind, enum MvStatus full)
{
        struct mvs_handles *handles = &call->device->handles;
        if (!mvs_handles_add(handles, object, kind))
                return mvs_reject(call, full, NULL, "no handle is left");
        uintptr_t value = object->handle;
        enum MvStatus status = mvs_put(call, field, pointer, &value, sizeof value);
        if (status != MV_STATUS_OKAY)
                mvs_handles_remove(handles, object);
        return status;
}

enum MvStatus mvs_put_no_handle(struct mvs_call *call, const char *field, void *pointer)
{
        const uintptr_t none = 0;
        return mvs_put(call, field, pointer, &none, sizeof none);
}

enum MvStatus mvs_put_closed(struct mvs_call *call, const char *field, void *pointer, unsigned *open)
{
        enum MvStatus status = mvs_put_no_handle(call, field, pointer);
        if (status != MV_STATUS_OKAY)
                return status;
        mvs_lint_closing(call->device, call->object);
        mvs_handles_remove(&call->device->handles, call->object);
        (*open)--;
        return MV_STATUS_OKAY;
}

/* ---- lent buffers ---- */

enum MvStatus mvs_arg_block_aligned(struct mvs_call *call, const char *field, const void *address)
{
        if ((uintptr_t)address % BLOCK == 0)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERALIGNMENT, field,
                          "%p is not 512-byte aligned (declare it __attribute__((aligned(512))))", address);
}

enum MvStatus mvs_arg_block_sized(struct mvs_call *call, const char *field, uint32_t len)
{
        if (len >= BLOCK && len % BLOCK == 0)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, field,
                          "is %" PRIu32 " bytes: it must be a multiple of 512 and at least 512", len);
}

enum MvStatus mvs_arg_not_lent(struct mvs_call *call, const char *field, const void *address, size_t len,
                               uintptr_t except)
{
        const struct mvs_lent *lent = mvs_memory_lent_overlap(&call->device->machine.memory, (uintptr_t)address, len);
        if (!lent || (except && lent->start == except))
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_BUFFERALREADYINUSE, field,
                          "%p, %zu bytes, overlaps the %s at %p, which Microvisor still has", address, len, lent->what,
                          (void *)lent->start);
}

/* ---- the arguments as declared ---- */

static uintptr_t length_of(const struct mvs_call *call, const struct mvs_arg *buffer)
{
        for (unsigned i = 0; i < call->desc->arg_count; i++) {
                if (strcmp(call->desc->args[i].name, buffer->length) == 0)
                        return call->cells[i];
        }
        return 0;
}

static enum MvStatus check_struct(struct mvs_call *call, const struct mvs_arg *arg, uintptr_t cell)
{
        if (!mvs_arg_readable(call, arg->name, (const void *)cell, arg->size))
                return MV_STATUS_PARAMETERFAULT;
        enum MvStatus status = mvs_get(call, arg->name, call->in.bytes, (const void *)cell, arg->size);
        return status == MV_STATUS_OKAY ? mvs_fields_check(call) : status;
}

static enum MvStatus check_handle(struct mvs_call *call, const struct mvs_arg *arg, uintptr_t cell)
{
        if (arg->object == MVS_OBJECT_PAST_CHANNEL && mvs_channel_was_closed(&call->device->channels, cell))
                return MV_STATUS_OKAY;
        return mvs_arg_handle(call, arg->name, (const void *)cell, arg->object, &call->object);
}

/* Where a call may answer LATEFAULT, what cannot be written is found when it is stored (decision 6). */
static bool check_out(struct mvs_call *call, const struct mvs_arg *arg, uintptr_t cell)
{
        bool late = call->desc->statuses & UINT64_C(1) << MV_STATUS_LATEFAULT;
        return mvs_arg_access(call, MV_STATUS_PARAMETERFAULT, arg->name, (const void *)cell, arg->size,
                              late ? MVS_READ : MVS_WRITE);
}

static enum MvStatus check_arg(struct mvs_call *call, const struct mvs_arg *arg, uintptr_t cell)
{
        bool fine = true;
        switch (arg->kind) {
        case MVS_ARG_NONE:
        case MVS_ARG_VALUE: break;
        case MVS_ARG_REGISTER: return mvs_periph_check_register(call, arg->name, (uint32_t)cell);
        case MVS_ARG_HANDLE: return check_handle(call, arg, cell);
        case MVS_ARG_IN: return check_struct(call, arg, cell);
        case MVS_ARG_OUT: fine = check_out(call, arg, cell); break;
        case MVS_ARG_INOUT: fine = mvs_arg_writable(call, arg->name, (const void *)cell, arg->size); break;
        case MVS_ARG_BUFFER_IN:
                fine = mvs_arg_readable(call, arg->name, (const void *)cell, length_of(call, arg));
                break;
        case MVS_ARG_BUFFER_OUT:
                fine = mvs_arg_writable(call, arg->name, (const void *)cell, length_of(call, arg));
                break;
        case MVS_ARG_LEND: fine = mvs_arg_lendable(call, arg->name, (const void *)cell, length_of(call, arg)); break;
        }
        return fine ? MV_STATUS_OKAY : MV_STATUS_PARAMETERFAULT;
}

enum MvStatus mvs_args_check(struct mvs_call *call)
{
        for (unsigned i = 0; i < call->desc->arg_count; i++) {
                enum MvStatus status = check_arg(call, &call->desc->args[i], call->cells[i]);
                if (status != MV_STATUS_OKAY)
                        return status;
        }
        return MV_STATUS_OKAY;
}
