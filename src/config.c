/* The three calls of a CONFIGFETCH channel: the keys are checked and copied, the cloud answers a moment later. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cloud/config.h"
#include "src/channel.h"
#include "src/device.h"
#include "src/pair.h"
#include "src/pointers.h"

_Static_assert((int)MVS_CONFIG_SECRETS == MV_CONFIGKEYFETCHSTORE_SECRET &&
                       (int)MVS_CONFIG_CONFIG == MV_CONFIGKEYFETCHSTORE_CONFIG &&
                       (int)MVS_CONFIG_ACCOUNT == MV_CONFIGKEYFETCHSCOPE_ACCOUNT &&
                       (int)MVS_CONFIG_DEVICE == MV_CONFIGKEYFETCHSCOPE_DEVICE &&
                       (int)MVS_CONFIG_FOUND == MV_CONFIGKEYFETCHRESULT_OK &&
                       (int)MVS_CONFIG_KEY_NOT_FOUND == MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND &&
                       (int)MVS_CONFIG_SERVER_ERROR == MV_CONFIGKEYFETCHRESULT_SERVERERROR,
               "stores, scopes and results are handed on as they are");

/* What a fetch and its answer take in the two buffers, besides keys and values. */
#define FIXED    16U
#define PER_ITEM 8U

struct mvs_config_item {
        struct mvs_config_key key;
        enum mvs_config_result result;
        struct mvs_config_value value; /* of an item that was found */
};

/* ---- the answer ---- */

static void forget(struct mvs_config_fetch *fetch)
{
        for (uint32_t i = 0; i < fetch->count; i++)
                free(fetch->items[i].value.bytes);
        free(fetch->items);
        fetch->items = NULL;
        fetch->count = 0;
}

/* What the cloud knows now. */
static void due(struct mvs_channel *channel)
{
        struct mvs_config_fetch *fetch = &channel->config;
        struct mvs_machine *machine = &channel->device->machine;
        uint64_t size = FIXED;
        for (uint32_t i = 0; i < fetch->count; i++) {
                struct mvs_config_item *item = &fetch->items[i];
                item->result = mvs_config_get(&machine->config, &item->key, &item->value);
                size += PER_ITEM + item->value.len;
        }
        if (size > channel->receive_len) {
                fetch->result = MV_CONFIGFETCHRESULT_RESPONSETOOLARGE;
                forget(fetch);
        }
        mvs_trace(machine, MVS_EVENT_REPLY, MVS_HEX("channel", channel->object.handle),
                  MVS_NUMBER("result", fetch->result), MVS_NUMBER("items", fetch->count), MVS_NUMBER("size", size));
        fetch->present = true;
        mvs_channel_post(channel, MV_EVENTTYPE_CHANNELDATAREADABLE);
}

static void stop(struct mvs_channel *channel)
{
        forget(&channel->config);
        channel->config.present = false;
}

static void closing(const struct mvs_channel *channel)
{
        if (channel->config.present && !channel->config.read)
                mvs_lint_unread(channel, "mvReadConfigFetchResponseData", channel->config.sent_us);
}

static const char *describe(const struct mvs_channel *channel)
{
        return channel->config.sent ? "is open, the answer to its fetch is there (mvReadConfigFetchResponseData)"
                                    : "is open, nothing was fetched on it";
}

const struct mvs_channel_ops mvs_config_ops = {
        .kind = MVS_OBJECT_CONFIG_CHANNEL,
        .stop = stop,
        .due = due,
        .closing = closing,
        .describe = describe,
};

/* ---- mvSendConfigFetchRequest ---- */

enum MvStatus mvs_check_mvSendConfigFetchRequest(struct mvs_call *call, MvChannelHandle handle,
                                                 const struct MvConfigKeyFetchParams *request)
{
        (void)handle;
        (void)request;
        const struct mvs_channel *channel = call->object;
        uint32_t count = call->in.config_fetch.num_items;
        uint32_t limit = call->device->machine.profile.limits.config_keys;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY)
                return status;
        if (channel->config.sent)
                return mvs_reject(call, MV_STATUS_REQUESTALREADYSENT, "handle",
                                  "0x%08" PRIx32 ": one fetch a channel (close it and open another)",
                                  channel->object.handle);
        if (count > limit)
                return mvs_reject(call, MV_STATUS_TOOMANYCONFIGKEYS, "num_items",
                                  "is %" PRIu32 ", more than %" PRIu32 " (limits.config_keys; fetch the others on "
                                  "another channel)",
                                  count, limit);
        if (count == 0)
                return mvs_reject(call, MV_STATUS_REQUIREDELEMENTMISSING, "num_items",
                                  "is 0: a fetch asks for one item at least");
        return MV_STATUS_OKAY;
}

static enum MvStatus check_place(struct mvs_call *call, const struct MvConfigKeyToFetch *wanted)
{
        if (wanted->scope != MV_CONFIGKEYFETCHSCOPE_ACCOUNT && wanted->scope != MV_CONFIGKEYFETCHSCOPE_DEVICE)
                return mvs_reject(call, MV_STATUS_UNKNOWNCONFIGSCOPE, "keys_to_fetch[].scope",
                                  "is %d: it must be MV_CONFIGKEYFETCHSCOPE_ACCOUNT or _DEVICE", (int)wanted->scope);
        if (wanted->store != MV_CONFIGKEYFETCHSTORE_SECRET && wanted->store != MV_CONFIGKEYFETCHSTORE_CONFIG)
                return mvs_reject(call, MV_STATUS_UNKNOWNCONFIGSTORE, "keys_to_fetch[].store",
                                  "is %d: it must be MV_CONFIGKEYFETCHSTORE_SECRET or _CONFIG", (int)wanted->store);
        return MV_STATUS_OKAY;
}

static enum MvStatus copy_key(struct mvs_call *call, struct mvs_config_key *ret,
                              const struct MvConfigKeyToFetch *wanted)
{
        const struct MvSizedString *key = &wanted->key;
        if (key->length == 0 || key->length > sizeof ret->text)
                return mvs_reject(call, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.length",
                                  "is %" PRIu32 ": a key has 1 to %zu bytes", key->length, sizeof ret->text);
        enum MvStatus status = mvs_pointers_check(call, "keys_to_fetch", wanted);
        if (status != MV_STATUS_OKAY)
                return status;
        if (!mvs_copy_from_app(ret->text, (uintptr_t)key->data, key->length))
                return mvs_reject(call, MV_STATUS_LATEFAULT, "keys_to_fetch[].key.data",
                                  "%p: the memory was unmapped meanwhile", (const void *)key->data);
        ret->len = key->length;
        for (uint32_t i = 0; i < ret->len; i++) {
                if (ret->text[i] < ' ' || ret->text[i] > '~')
                        return mvs_reject(call, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.data",
                                          "has the byte 0x%02x at %" PRIu32 ": a key is printable ASCII",
                                          (unsigned char)ret->text[i], i);
        }
        return MV_STATUS_OKAY;
}

/* The items are the request's from here on, in its order. */
static enum MvStatus copy_items(struct mvs_call *call, struct mvs_config_item *items)
{
        const struct MvConfigKeyFetchParams *params = &call->in.config_fetch;
        enum MvStatus status = mvs_pointers_check(call, NULL, params);
        for (uint32_t i = 0; status == MV_STATUS_OKAY && i < params->num_items; i++) {
                struct MvConfigKeyToFetch wanted;
                if (!mvs_copy_from_app(&wanted, (uintptr_t)&params->keys_to_fetch[i], sizeof wanted))
                        return mvs_reject(call, MV_STATUS_LATEFAULT, "keys_to_fetch",
                                          "%p: the memory was unmapped meanwhile", (const void *)params->keys_to_fetch);
                status = check_place(call, &wanted);
                if (status == MV_STATUS_OKAY)
                        status = copy_key(call, &items[i].key, &wanted);
                items[i].key.store = (enum mvs_config_store)wanted.store;
                items[i].key.scope = (enum mvs_config_scope)wanted.scope;
        }
        return status;
}

static enum MvStatus check_size(struct mvs_call *call, const struct mvs_channel *channel,
                                const struct mvs_config_item *items)
{
        uint32_t size = FIXED;
        for (uint32_t i = 0; i < call->in.config_fetch.num_items; i++)
                size += PER_ITEM + items[i].key.len;
        if (size <= channel->send_len)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL,
                          "the fetch takes %" PRIu32 " bytes and the send buffer has %" PRIu32
                          " (nothing was sent; ask for less, or open a channel with a larger send buffer)",
                          size, channel->send_len);
}

static void send(struct mvs_channel *channel, struct mvs_config_item *items, uint32_t count)
{
        struct mvs_machine *machine = &channel->device->machine;
        uint64_t now = mvs_machine_now(machine);
        channel->config = (struct mvs_config_fetch){.sent = true, .sent_us = now, .count = count, .items = items};
        mvs_trace(machine, MVS_EVENT_REQUEST, MVS_HEX("channel", channel->object.handle), MVS_NUMBER("keys", count));
        mvs_timeline_arm(&machine->timeline, &channel->timer, now + machine->profile.time.completion_us);
}

enum MvStatus mvs_do_mvSendConfigFetchRequest(struct mvs_call *call, MvChannelHandle handle,
                                              const struct MvConfigKeyFetchParams *request)
{
        (void)handle;
        (void)request;
        struct mvs_channel *channel = call->object;
        uint32_t count = call->in.config_fetch.num_items;
        struct mvs_config_item *items = calloc(count, sizeof *items);
        if (!items)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL, "the host is out of memory");
        enum MvStatus status = copy_items(call, items);
        if (status == MV_STATUS_OKAY)
                status = check_size(call, channel, items);
        if (status == MV_STATUS_OKAY) {
                send(channel, items, count);
                mvs_lint_made(call);
                return MV_STATUS_OKAY;
        }
        free(items);
        if (status == MV_STATUS_LATEFAULT)
                mvs_channel_terminate(channel, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        return status;
}

/* ---- the two reads ---- */

static enum MvStatus check_present(struct mvs_call *call)
{
        const struct mvs_channel *channel = call->object;
        enum MvStatus status = mvs_channel_check_alive(call, channel);
        if (status != MV_STATUS_OKAY || channel->config.present)
                return status;
        return mvs_reject(call, MV_STATUS_RESPONSENOTPRESENT, "handle", "0x%08" PRIx32 ": %s", channel->object.handle,
                          channel->config.sent ? "the response has not arrived yet (wait for CHANNELDATAREADABLE)"
                                               : "nothing was fetched on this channel");
}

enum MvStatus mvs_check_mvReadConfigFetchResponseData(struct mvs_call *call, MvChannelHandle handle,
                                                      struct MvConfigResponseData *response_data)
{
        (void)handle;
        (void)response_data;
        return check_present(call);
}

enum MvStatus mvs_do_mvReadConfigFetchResponseData(struct mvs_call *call, MvChannelHandle handle,
                                                   struct MvConfigResponseData *response_data)
{
        (void)handle;
        struct mvs_channel *channel = call->object;
        const struct MvConfigResponseData data = {channel->config.result, channel->config.count};
        channel->config.read = true;
        return mvs_put(call, "response_data", response_data, &data, sizeof data);
}

enum MvStatus mvs_check_mvReadConfigResponseItem(struct mvs_call *call, MvChannelHandle handle,
                                                 const struct MvConfigResponseReadItemParams *params)
{
        (void)handle;
        (void)params;
        const struct mvs_config_fetch *fetch = &((struct mvs_channel *)call->object)->config;
        const struct MvConfigResponseReadItemParams *in = &call->in.config_item;
        enum MvStatus status = check_present(call);
        if (status != MV_STATUS_OKAY)
                return status;
        if (in->item_index >= fetch->count)
                return mvs_reject(call, MV_STATUS_INDEXINVALID, "item_index",
                                  "is %" PRIu32 ", and the response has %" PRIu32 " items%s", in->item_index,
                                  fetch->count,
                                  fetch->result == MV_CONFIGFETCHRESULT_OK
                                          ? ""
                                          : ": it was larger than the receive buffer (mvReadConfigFetchResponseData "
                                            "says RESPONSETOOLARGE)");
        uint32_t len = fetch->items[in->item_index].value.len;
        if (len > in->buf.size)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, "buf.size",
                                  "is %" PRIu32 ", and the value has %" PRIu32 " bytes (read it with a larger buffer)",
                                  in->buf.size, len);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvReadConfigResponseItem(struct mvs_call *call, MvChannelHandle handle,
                                              const struct MvConfigResponseReadItemParams *params)
{
        (void)handle;
        (void)params;
        struct mvs_channel *channel = call->object;
        const struct MvConfigResponseReadItemParams *in = &call->in.config_item;
        const struct mvs_config_item *item = &channel->config.items[in->item_index];
        channel->config.read = true;
        enum MvConfigKeyFetchResult result = (enum MvConfigKeyFetchResult)item->result;
        enum MvStatus status = mvs_put(call, "result", in->result, &result, sizeof result);
        if (status == MV_STATUS_OKAY && item->value.len > 0)
                status = mvs_put(call, "buf.data", in->buf.data, item->value.bytes, item->value.len);
        if (status == MV_STATUS_OKAY)
                status = mvs_put(call, "buf.length", in->buf.length, &item->value.len, sizeof item->value.len);
        return status;
}
