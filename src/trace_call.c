#include "src/trace_call.h"

#include <string.h>

#include "src/device.h"

#define FIELDS_MAX 24
#define TEXT_MAX   256 /* of a URL or an endpoint, what is shown */

/* The event that is made, and the bytes that its texts stand for. */
struct making {
        const struct mvs_call *call;
        struct mvs_field fields[FIELDS_MAX];
        unsigned count;
        uint8_t texts[2][TEXT_MAX];
        unsigned text_count;
};

static void add(struct making *making, struct mvs_field field)
{
        if (making->count < FIELDS_MAX)
                making->fields[making->count++] = field;
}

static void add_number(struct making *making, const char *name, uint64_t value)
{
        add(making, (struct mvs_field)MVS_NUMBER(name, value));
}

static void add_handle(struct making *making, const char *name, const void *handle)
{
        add(making, (struct mvs_field)MVS_HEX(name, (uintptr_t)handle));
}

static void add_pointer(struct making *making, const char *name, const void *pointer)
{
        add(making, (struct mvs_field)MVS_POINTER(name, (uintptr_t)pointer));
}

/* Asks the table first: a fault is caught, but debuggers and valgrind would show it. */
static bool read_app(const struct making *making, void *ret_bytes, uintptr_t address, size_t len)
{
        struct mvs_memory *memory = &making->call->device->machine.memory;
        return mvs_memory_check(memory, address, len, MVS_READ, NULL) && mvs_copy_from_app(ret_bytes, address, len);
}

/* The beginning of a text in the application's memory; only whether it is there, when it cannot be read. */
static void add_text(struct making *making, const char *name, const uint8_t *data, size_t len)
{
        uint8_t *copy = making->texts[making->text_count];
        size_t shown = len < TEXT_MAX ? len : TEXT_MAX;
        if (!data || making->text_count == 2 || !read_app(making, copy, (uintptr_t)data, shown)) {
                add_pointer(making, name, data);
                return;
        }
        making->text_count++;
        add(making, (struct mvs_field)MVS_TEXT(name, copy, shown));
}

/* ---- structures ---- */

static void add_setup(struct making *making, const struct MvNotificationSetup *setup)
{
        add_number(making, ".irq", setup->irq);
        add_pointer(making, ".buffer", setup->buffer);
        add_number(making, ".buffer_size", setup->buffer_size);
}

static void add_network(struct making *making, const struct MvRequestNetworkParams *params)
{
        add_number(making, ".version", params->version);
        if (params->version != 1)
                return;
        add_handle(making, ".notification_handle", params->v1.notification_handle);
        add_number(making, ".notification_tag", params->v1.notification_tag);
}

static void add_system(struct making *making, const struct MvOpenSystemNotificationParams *params)
{
        add_handle(making, ".notification_handle", params->notification_handle);
        add_number(making, ".notification_tag", params->notification_tag);
        add_number(making, ".notification_source", (unsigned)params->notification_source);
}

static void add_channel(struct making *making, const struct MvOpenChannelParams *params)
{
        add_number(making, ".version", params->version);
        if (params->version != 1)
                return;
        add_handle(making, ".notification_handle", params->v1.notification_handle);
        add_number(making, ".notification_tag", params->v1.notification_tag);
        add_handle(making, ".network_handle", params->v1.network_handle);
        add_pointer(making, ".receive_buffer", params->v1.receive_buffer);
        add_number(making, ".receive_buffer_len", params->v1.receive_buffer_len);
        add_pointer(making, ".send_buffer", params->v1.send_buffer);
        add_number(making, ".send_buffer_len", params->v1.send_buffer_len);
        add_number(making, ".channel_type", params->v1.channel_type);
        add_text(making, ".endpoint", params->v1.endpoint.data, params->v1.endpoint.length);
}

static void add_request(struct making *making, const struct MvHttpRequest *request)
{
        add_text(making, ".method", request->method.data, request->method.length);
        add_text(making, ".url", request->url.data, request->url.length);
        add_number(making, ".num_headers", request->num_headers);
        add_number(making, ".body.length", request->body.length);
        add_number(making, ".timeout_ms", request->timeout_ms);
}

static void add_response(struct making *making, const struct MvHttpResponseData *data)
{
        add_number(making, ".result", data->result);
        add_number(making, ".status_code", data->status_code);
        add_number(making, ".num_headers", data->num_headers);
        add_number(making, ".body_length", data->body_length);
}

/* The password is nobody's business. */
static void add_wifi(struct making *making, const struct MvWifiConfig *config)
{
        add_number(making, ".version", config->version);
        if (config->version != 1)
                return;
        add_number(making, ".config_mode", config->v1.config_mode);
        if (config->v1.config_mode == MV_WIFICONFIGMODE_APPLYNOW)
                add_text(making, ".wifi_ssid", config->v1.wifi_ssid.data, config->v1.wifi_ssid.length);
        add_number(making, ".wifi_password.length", config->v1.wifi_password.length);
}

/* The fields of the structure that the call takes or fills in; those of others are not told apart. */
static void add_fields(struct making *making, const struct mvs_arg *arg, uintptr_t cell)
{
        union {
                struct MvNotificationSetup setup;
                struct MvRequestNetworkParams network;
                struct MvOpenSystemNotificationParams system;
                struct MvOpenChannelParams channel;
                struct MvHttpRequest request;
                struct MvHttpResponseData response;
                struct MvWifiConfig wifi;
        } of;
        if (arg->size > sizeof of || !read_app(making, &of, cell, arg->size))
                return;
        switch (making->call->number) {
        case MVS_CALL_mvSetupNotifications: add_setup(making, &of.setup); break;
        case MVS_CALL_mvRequestNetwork: add_network(making, &of.network); break;
        case MVS_CALL_mvOpenSystemNotification: add_system(making, &of.system); break;
        case MVS_CALL_mvOpenChannel: add_channel(making, &of.channel); break;
        case MVS_CALL_mvSendHttpRequest: add_request(making, &of.request); break;
        case MVS_CALL_mvReadHttpResponseData: add_response(making, &of.response); break;
        case MVS_CALL_mvSetWifiConfig: add_wifi(making, &of.wifi); break;
        default: break;
        }
}

/* ---- arguments ---- */

/* What stands there after the call. Bytes of the application's memory that are a pointer are never shown. */
static void add_pointed(struct making *making, const struct mvs_arg *arg, uintptr_t cell)
{
        uint64_t value = 0;
        if (arg->form == MVS_FORM_STRUCT || arg->size > sizeof value ||
            !read_app(making, &value, cell, arg->size)) { /* the target's order of bytes is the host's */
                add_pointer(making, arg->name, (const void *)cell);
                return;
        }
        switch (arg->form) {
        case MVS_FORM_NUMBER: add_number(making, arg->name, value); break;
        case MVS_FORM_HANDLE: add(making, (struct mvs_field)MVS_HEX(arg->name, value)); break;
        case MVS_FORM_POINTER: add(making, (struct mvs_field)MVS_POINTER(arg->name, value)); break;
        case MVS_FORM_STRUCT: break;
        }
}

static void add_arg(struct making *making, const struct mvs_arg *arg, uintptr_t cell, enum MvStatus status)
{
        switch (arg->kind) {
        case MVS_ARG_NONE: break;
        case MVS_ARG_REGISTER: add(making, (struct mvs_field)MVS_HEX(arg->name, cell)); break;
        case MVS_ARG_VALUE: add_number(making, arg->name, cell); break;
        case MVS_ARG_HANDLE: add_handle(making, arg->name, (const void *)cell); break;
        case MVS_ARG_BUFFER_IN:
        case MVS_ARG_BUFFER_OUT:
        case MVS_ARG_LEND: add_pointer(making, arg->name, (const void *)cell); break;
        case MVS_ARG_IN:
                add_pointer(making, arg->name, (const void *)cell);
                add_fields(making, arg, cell);
                break;
        case MVS_ARG_OUT:
        case MVS_ARG_INOUT:
                if (status != MV_STATUS_OKAY) { /* untouched, so whatever the application had there */
                        add_pointer(making, arg->name, (const void *)cell);
                        break;
                }
                add_pointed(making, arg, cell);
                if (arg->form == MVS_FORM_STRUCT)
                        add_fields(making, arg, cell);
                break;
        }
}

void mvs_trace_call(const struct mvs_call *call, enum MvStatus status)
{
        struct making making;
        making.call = call;
        making.count = 0;
        making.text_count = 0;
        add(&making, (struct mvs_field)MVS_WORD(NULL, call->desc->name));
        for (unsigned i = 0; i < call->desc->arg_count; i++)
                add_arg(&making, &call->desc->args[i], call->cells[i], status);
        add(&making, (struct mvs_field)MVS_WORD("returned", mvs_status_name(status)));
        mvs_trace_event(&call->device->machine, &(struct mvs_event){
                                                        .kind = MVS_EVENT_CALL,
                                                        .count = making.count,
                                                        .fields = making.fields,
                                                });
}
