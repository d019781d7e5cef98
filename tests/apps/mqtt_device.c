/*
 * The habit of MQTT devices: a handler that reads one record an entry and files work in a queue; a main loop that does
 * it. Five configuration items are fetched, and within a millisecond the same two buffers serve the broker's channel.
 */
#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS   8
#define QUEUE     16
#define ITEMS     5
#define ID_LEN    34
#define MINUTE_US UINT64_C(60000000)
#define AGAIN_US  UINT64_C(2000000)

enum tag {
        TAG_NETWORK = 1,
        TAG_CONFIG,
        TAG_BROKER,
};

enum work {
        WORK_NONE,
        WORK_NETWORK,
        WORK_CONFIG_READABLE,
        WORK_BROKER_READABLE,
        WORK_CHANNEL_LOST,
};

struct app_mqtt_device app_mqtt_device_seen;

static struct MvNotification ring[RECORDS] __attribute__((aligned(8)));
static volatile uint32_t ring_index;
static volatile enum work queue[QUEUE];
static volatile uint32_t filed, done;
static uint8_t send_buffer[2560] __attribute__((aligned(512)));
static uint8_t receive_buffer[7168] __attribute__((aligned(512)));

static MvNotificationHandle centre;
static MvNetworkHandle network;
static MvChannelHandle channel;
static uint8_t host[64], topic[64], username[32], password[32];
static uint32_t host_len, topic_len, username_len, password_len;
static uint16_t port;
static bool subscribed;
static uint64_t next_us; /* when something is to be published, or tried again */
static uint32_t correlation;

static void file(enum work work)
{
        queue[filed % QUEUE] = work;
        filed = filed + 1;
}

static enum work work_of(const struct MvNotification *record)
{
        if (record->event_type == MV_EVENTTYPE_CHANNELNOTCONNECTED)
                return WORK_CHANNEL_LOST;
        if (record->event_type == MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                return WORK_NETWORK;
        if (record->event_type != MV_EVENTTYPE_CHANNELDATAREADABLE)
                return WORK_NONE;
        return record->tag == TAG_CONFIG ? WORK_CONFIG_READABLE : WORK_BROKER_READABLE;
}

/* An event that it does not know wedges it: the index does not move on. */
static void TIM8_BRK_IRQHandler(void)
{
        struct MvNotification record = ring[ring_index];
        enum work work = work_of(&record);
        if (work == WORK_NONE)
                return;
        file(work);
        ring_index = (ring_index + 1) % RECORDS;
        record.event_type = 0; /* of the copy */
}

static uint64_t now_us(void)
{
        uint64_t now = 0;
        mvGetMicroseconds(&now);
        return now;
}

static bool open_channel(enum MvChannelType type, enum tag tag)
{
        const struct MvOpenChannelParams params = {.version = 1,
                                                   .v1 = {.notification_handle = centre,
                                                          .notification_tag = tag,
                                                          .network_handle = network,
                                                          .receive_buffer = receive_buffer,
                                                          .receive_buffer_len = sizeof receive_buffer,
                                                          .send_buffer = send_buffer,
                                                          .send_buffer_len = sizeof send_buffer,
                                                          .channel_type = type,
                                                          .endpoint = {(const uint8_t *)"", 0}}};
        return mvOpenChannel(&params, &channel) == MV_STATUS_OKAY;
}

/* ---- five items of the configuration ---- */

static int fetch_configuration(void)
{
        static const char *const names[ITEMS] = {"host", "port", "topic", "username", "password"};
        struct MvConfigKeyToFetch keys[ITEMS];
        for (int i = 0; i < ITEMS; i++)
                keys[i] = (struct MvConfigKeyToFetch){
                        MV_CONFIGKEYFETCHSCOPE_DEVICE,
                        i < 3 ? MV_CONFIGKEYFETCHSTORE_CONFIG : MV_CONFIGKEYFETCHSTORE_SECRET,
                        app_text(names[i]),
                };
        const struct MvConfigKeyFetchParams params = {ITEMS, keys};
        MUST(open_channel(MV_CHANNELTYPE_CONFIGFETCH, TAG_CONFIG));
        MUST(mvSendConfigFetchRequest(channel, &params) == MV_STATUS_OKAY);
        return 0;
}

static int read_item(uint32_t index, uint8_t *ret_bytes, uint32_t size, uint32_t *ret_len)
{
        enum MvConfigKeyFetchResult result = MV_CONFIGKEYFETCHRESULT_SERVERERROR;
        const struct MvConfigResponseReadItemParams params = {index, &result, {ret_bytes, size - 1, ret_len}};
        MUST(mvReadConfigResponseItem(channel, &params) == MV_STATUS_OKAY);
        MUST(result == MV_CONFIGKEYFETCHRESULT_OK);
        ret_bytes[*ret_len] = '\0'; /* its own terminator: none is written */
        return 0;
}

static int read_configuration(void)
{
        struct MvConfigResponseData data;
        uint8_t digits[8];
        uint32_t digits_len = 0;
        MUST(mvReadConfigFetchResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_CONFIGFETCHRESULT_OK && data.num_items == ITEMS);
        MUST(read_item(0, host, sizeof host, &host_len) == 0);
        MUST(read_item(1, digits, sizeof digits, &digits_len) == 0);
        MUST(read_item(2, topic, sizeof topic, &topic_len) == 0);
        MUST(read_item(3, username, sizeof username, &username_len) == 0);
        MUST(read_item(4, password, sizeof password, &password_len) == 0);
        port = 0;
        for (uint32_t i = 0; i < digits_len; i++)
                port = (uint16_t)(port * 10 + digits[i] - '0');
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY && channel == 0);
        return 0;
}

/* ---- the broker ---- */

static int connect_to_broker(void)
{
        static uint8_t id[ID_LEN]; /* without a terminator, as it comes */
        const struct MvTlsCredentials credentials = {.cacert = {0, NULL}};
        MUST(mvGetDeviceId(id, sizeof id) == MV_STATUS_OKAY);
        const struct MvMqttConnectRequest request = {
                .protocol_version = MV_MQTTPROTOCOLVERSION_V3_1_1,
                .host = {host, host_len},
                .port = port,
                .clientid = {id, sizeof id},
                .authentication = {.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD,
                                   .username_password = {{username, username_len}, {password, password_len}}},
                .tls_credentials = &credentials,
                .keepalive = 60,
                .clean_start = 0,
        };
        MUST(open_channel(MV_CHANNELTYPE_MQTT, TAG_BROKER));
        MUST(mvMqttRequestConnect(channel, &request) == MV_STATUS_OKAY);
        return 0;
}

static int subscribe(void)
{
        const struct MvMqttSubscription subscription = {.topic = {topic, topic_len}, .desired_qos = 1};
        const struct MvMqttSubscribeRequest request = {++correlation, &subscription, 1};
        MUST(mvMqttRequestSubscribe(channel, &request) == MV_STATUS_OKAY);
        return 0;
}

static int publish(void)
{
        const struct MvMqttPublishRequest request = {.correlation_id = ++correlation,
                                                     .topic = app_text("device/reading"),
                                                     .payload = app_text("{\"value\": 1}")};
        MUST(mvMqttRequestPublish(channel, &request) == MV_STATUS_OKAY);
        return 0;
}

static int read_connected(void)
{
        struct MvMqttConnectResponse response;
        MUST(mvMqttReadConnectResponse(channel, &response) == MV_STATUS_OKAY);
        MUST(response.request_state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED && response.reason_code == 0);
        app_mqtt_device_seen.connections++;
        return subscribe();
}

/* Sizes in elements, and one is all it has room for. */
static int read_subscribed(void)
{
        enum MvMqttRequestState state;
        uint32_t id = 0, codes[1] = {77}, count = 0;
        const struct MvMqttSubscribeResponse response = {&state, &id, codes, 1, &count};
        MUST(mvMqttReadSubscribeResponse(channel, &response) == MV_STATUS_OKAY);
        MUST(state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED && id == correlation && count == 1 && codes[0] <= 2);
        subscribed = true;
        next_us = now_us();
        return 0;
}

static int read_published(void)
{
        struct MvMqttPublishResponse response;
        MUST(mvMqttReadPublishResponse(channel, &response) == MV_STATUS_OKAY);
        MUST(response.request_state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        app_mqtt_device_seen.published++;
        return 0;
}

static int read_message(void)
{
        uint8_t name[64], payload[64], retain;
        uint32_t id, qos, name_len = 0, payload_len = 0;
        const struct MvMqttMessage message = {
                &id, {name, sizeof name, &name_len}, {payload, sizeof payload, &payload_len}, &qos, &retain};
        MUST(mvMqttReceiveMessage(channel, &message) == MV_STATUS_OKAY);
        MUST(name_len == topic_len && memcmp(name, topic, name_len) == 0);
        struct app_mqtt_device *seen = &app_mqtt_device_seen;
        memcpy(seen->last_message, payload, payload_len);
        seen->last_message[payload_len] = '\0';
        seen->messages++;
        MUST(mvMqttAcknowledgeMessage(channel, id) == MV_STATUS_OKAY);
        return 0;
}

/* One item for one event: had it more, or none, the application is torn down. */
static int read_broker(void)
{
        enum MvMqttReadableDataType type;
        MUST(mvMqttGetNextReadableDataType(channel, &type) == MV_STATUS_OKAY);
        switch (type) {
        case MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE: return read_connected();
        case MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE: return read_subscribed();
        case MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE: return read_published();
        case MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED: return read_message();
        default: return __LINE__;
        }
}

/* ---- work ---- */

static void give_up_channel(void)
{
        if (channel)
                mvCloseChannel(&channel);
        app_mqtt_device_seen.losses++;
        subscribed = false;
        next_us = now_us() + AGAIN_US;
}

static int do_work(enum work work)
{
        switch (work) {
        case WORK_CONFIG_READABLE: MUST(read_configuration() == 0); return connect_to_broker();
        case WORK_BROKER_READABLE: return read_broker();
        case WORK_CHANNEL_LOST: give_up_channel(); return 0;
        default: return 0;
        }
}

static bool is_connected(void)
{
        enum MvNetworkStatus status;
        return mvGetNetworkStatus(network, &status) == MV_STATUS_OKAY && status == MV_NETWORKSTATUS_CONNECTED;
}

static int do_what_is_due(void)
{
        if (now_us() < next_us)
                return 0;
        if (!channel && is_connected())
                return fetch_configuration();
        if (!subscribed)
                return 0;
        next_us += MINUTE_US;
        return publish();
}

static int start(void)
{
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, ring, sizeof ring};
        memset((void *)ring, 0xff, sizeof ring);
        memset(&app_mqtt_device_seen, 0, sizeof app_mqtt_device_seen);
        ring_index = filed = done = 0;
        next_us = 0;
        subscribed = false;
        MUST(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {centre, TAG_NETWORK}};
        MUST(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        return 0;
}

static int mqtt_device_main(void)
{
        MUST(start() == 0);
        while (!app_mqtt_device_seen.stop) {
                if (done == filed) {
                        int line = do_what_is_due();
                        if (line != 0)
                                return line;
                        HAL_Delay(10);
                        continue;
                }
                int line = do_work(queue[done % QUEUE]);
                if (line != 0)
                        return line;
                done = done + 1;
        }
        if (channel)
                MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_OKAY);
        MUST(mvCloseNotifications(&centre) == MV_STATUS_OKAY);
        return 0;
}

const struct mvt_app app_mqtt_device = {TIM8_BRK_IRQn, TIM8_BRK_IRQHandler, mqtt_device_main};
