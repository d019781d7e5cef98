#include "broker.h"

#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "channel.h"
#include "log.h"

#define ITEMS           5
#define ANSWER_LIMIT_MS 15000

static struct MvConfigKeyToFetch wanted(enum MvConfigKeyFetchScope scope, enum MvConfigKeyFetchStore store,
                                        const char *key)
{
        return (struct MvConfigKeyToFetch){
                .scope = scope,
                .store = store,
                .key = {.data = (const uint8_t *)key, .length = (uint32_t)strlen(key)},
        };
}

static bool send_request(void)
{
        const struct MvConfigKeyToFetch keys[ITEMS] = {
                wanted(MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, KEY_HOST),
                wanted(MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, KEY_PORT),
                wanted(MV_CONFIGKEYFETCHSCOPE_ACCOUNT, MV_CONFIGKEYFETCHSTORE_CONFIG, KEY_CA),
                wanted(MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_SECRET, KEY_CERTIFICATE),
                wanted(MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_SECRET, KEY_KEY),
        };
        const struct MvConfigKeyFetchParams params = {.num_items = ITEMS, .keys_to_fetch = keys};
        enum MvStatus status = mvSendConfigFetchRequest(channel_handle(), &params);
        if (status != MV_STATUS_OKAY)
                log_line("the configuration cannot be asked for: status 0x%02x", (unsigned)status);
        return status == MV_STATUS_OKAY;
}

static bool has_answer(void)
{
        struct MvConfigResponseData data;
        enum MvStatus status = mvReadConfigFetchResponseData(channel_handle(), &data);
        if (status != MV_STATUS_OKAY)
                log_line("the configuration cannot be read: status 0x%02x", (unsigned)status);
        else if (data.result != MV_CONFIGFETCHRESULT_OK || data.num_items != ITEMS)
                log_line("the configuration does not come: result %u, %u items", (unsigned)data.result,
                         (unsigned)data.num_items);
        return status == MV_STATUS_OKAY && data.result == MV_CONFIGFETCHRESULT_OK && data.num_items == ITEMS;
}

/* An item that is not there has the length 0. */
static bool read_item(uint32_t index, const char *key, uint8_t *ret_bytes, uint32_t size, uint32_t *ret_len)
{
        enum MvConfigKeyFetchResult result = MV_CONFIGKEYFETCHRESULT_SERVERERROR;
        const struct MvConfigResponseReadItemParams params = {
                .item_index = index,
                .result = &result,
                .buf = {.data = ret_bytes, .size = size, .length = ret_len},
        };
        enum MvStatus status = mvReadConfigResponseItem(channel_handle(), &params);
        bool fine = status == MV_STATUS_OKAY && result != MV_CONFIGKEYFETCHRESULT_SERVERERROR;
        if (!fine)
                log_line("%s cannot be read: status 0x%02x, result %u", key, (unsigned)status, (unsigned)result);
        return fine;
}

static int digit(uint8_t character)
{
        if (character >= '0' && character <= '9')
                return character - '0';
        if (character >= 'a' && character <= 'f')
                return character - 'a' + 10;
        if (character >= 'A' && character <= 'F')
                return character - 'A' + 10;
        return -1;
}

static bool read_der(uint32_t index, const char *key, struct der *ret_der)
{
        static uint8_t hex[2 * DER_SIZE];
        uint32_t len = 0;
        if (!read_item(index, key, hex, sizeof hex, &len))
                return false;
        while (len > 0 && (hex[len - 1] == '\n' || hex[len - 1] == '\r'))
                len--;
        for (uint32_t i = 0; i < len; i += 2) {
                int high = digit(hex[i]), low = i + 1 < len ? digit(hex[i + 1]) : -1;
                if (high < 0 || low < 0) {
                        log_line("%s is not written in hexadecimal digits", key);
                        return false;
                }
                ret_der->bytes[i / 2] = (uint8_t)(high << 4 | low);
        }
        ret_der->len = len / 2;
        return true;
}

static bool read_host(struct broker *ret_broker)
{
        if (!read_item(0, KEY_HOST, ret_broker->host, sizeof ret_broker->host, &ret_broker->host_len))
                return false;
        if (ret_broker->host_len == 0)
                log_line("the configuration has no %s", KEY_HOST);
        return ret_broker->host_len > 0;
}

static bool read_port(uint16_t *ret_port)
{
        char text[8];
        uint32_t len = 0;
        if (!read_item(1, KEY_PORT, (uint8_t *)text, sizeof text - 1, &len))
                return false;
        text[len] = '\0';
        unsigned long port = strtoul(text, NULL, 10);
        if (port == 0 || port > UINT16_MAX)
                log_line("%s is \"%s\", which is no port", KEY_PORT, text);
        *ret_port = (uint16_t)port;
        return port > 0 && port <= UINT16_MAX;
}

static bool fetch(struct broker *ret_broker)
{
        if (!send_request())
                return false;
        if (!channel_wait_readable(ANSWER_LIMIT_MS)) {
                log_line("no configuration in %u ms", (unsigned)ANSWER_LIMIT_MS);
                return false;
        }
        return has_answer() && read_host(ret_broker) && read_port(&ret_broker->port) &&
               read_der(2, KEY_CA, &ret_broker->ca) && read_der(3, KEY_CERTIFICATE, &ret_broker->certificate) &&
               read_der(4, KEY_KEY, &ret_broker->key);
}

bool broker_fetch(struct broker *ret_broker)
{
        if (!channel_open(MV_CHANNELTYPE_CONFIGFETCH))
                return false;
        bool done = fetch(ret_broker);
        channel_close();
        if (done)
                log_line("the broker is %.*s:%u", (int)ret_broker->host_len, (const char *)ret_broker->host,
                         (unsigned)ret_broker->port);
        return done;
}
