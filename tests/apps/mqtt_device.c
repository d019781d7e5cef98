/*
 * The habit of MQTT devices: a handler that reads one record an entry and files work in a queue; a main loop that does
 * it. Five configuration items are fetched, and within a millisecond the same two buffers serve the broker's channel.
 * Whatever goes wrong, all that there may be is torn down, and it begins anew; so it does at first, with nothing there.
 */
#include <stdbool.h>
#include <string.h>

#include "app.h"

#define RECORDS     8
#define QUEUE       16
#define ITEMS       5
#define ID_LEN      34
#define MINUTE_US   UINT64_C(60000000)
#define AGAIN_US    UINT64_C(2000000)
#define PATIENCE_US UINT64_C(20000000)

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

static struct app_link link;
static MvChannelHandle channel;
static uint8_t host[64], topic[64], username[32], password[32];
static uint32_t host_len, topic_len, username_len, password_len;
static uint16_t port;
static bool subscribed;
static uint32_t subscription_id;
static uint64_t next_us; /* when something is to be published, or tried again */
static uint32_t correlation;
static volatile bool answered; /* since the last request; cleared when it has been sent */
static uint64_t asked_us;
static volatile unsigned told; /* items of the broker's, and how many of them were read */
static unsigned taken;

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

static void count_item(void)
{
        if (told != taken)
                app_mqtt_device_seen.early++;
        told = told + 1;
}

/* An event that it does not know wedges it: the index does not move on. */
static void TIM8_BRK_IRQHandler(void)
{
        struct MvNotification record = ring[ring_index];
        enum work work = work_of(&record);
        if (work == WORK_NONE)
                return;
        if (work == WORK_BROKER_READABLE)
                count_item();
        if (work != WORK_NETWORK)
                answered = true;
        file(work);
        ring_index = (ring_index + 1) % RECORDS;
        record.event_type = 0; /* of the copy */
}

static bool open_channel(enum MvChannelType type, enum tag tag)
{
        const struct app_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        return app_open(&link, type, "", tag, &buffers, &channel) == MV_STATUS_OKAY && app_is_small(channel);
}

/* The call has returned: an answer that came in it is lost, and waited for in vain. */
static int asked(enum MvStatus status)
{
        MUST(status == MV_STATUS_OKAY);
        answered = false;
        asked_us = app_now_us();
        return 0;
}

static int tear_nothing_down(void)
{
        struct MvMqttDisconnectResponse response;
        enum MvClosureReason reason;
        MUST(mvMqttReadDisconnectResponse(channel, &response) == MV_STATUS_INVALIDHANDLE);
        MUST(mvGetChannelClosureReason(channel, &reason) == MV_STATUS_INVALIDHANDLE);
        MUST(mvCloseChannel(&channel) == MV_STATUS_INVALIDHANDLE);
        app_mqtt_device_seen.nothing_to_tear_down++;
        return 0;
}

/* The channel keeps its handle until it is closed: what there is to know of its end is asked first. */
static int tear_down(void)
{
        struct MvMqttDisconnectResponse response;
        enum MvClosureReason reason;
        subscribed = false;
        answered = true;
        next_us = app_now_us() + AGAIN_US;
        told = taken = 0;
        if (!channel)
                return tear_nothing_down();
        enum MvStatus status = mvMqttReadDisconnectResponse(channel, &response);
        MUST(mvGetChannelClosureReason(channel, &reason) == MV_STATUS_OKAY);
        if (reason == MV_CLOSUREREASON_NETWORKDISCONNECTED)
                MUST(status == MV_STATUS_CHANNELCLOSED);
        else
                MUST(reason == MV_CLOSUREREASON_NONE);
        MUST(mvCloseChannel(&channel) == MV_STATUS_OKAY && channel == 0);
        return 0;
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
        return asked(mvSendConfigFetchRequest(channel, &params));
}

static int read_configuration(void)
{
        struct MvConfigResponseData data;
        uint8_t digits[8];
        uint32_t digits_len = 0;
        MUST(mvReadConfigFetchResponseData(channel, &data) == MV_STATUS_OKAY);
        MUST(data.result == MV_CONFIGFETCHRESULT_OK && data.num_items == ITEMS);
        MUST(app_read_item(channel, 0, host, sizeof host, &host_len) == 0);
        MUST(app_read_item(channel, 1, digits, sizeof digits, &digits_len) == 0);
        MUST(app_read_item(channel, 2, topic, sizeof topic, &topic_len) == 0);
        MUST(app_read_item(channel, 3, username, sizeof username, &username_len) == 0);
        MUST(app_read_item(channel, 4, password, sizeof password, &password_len) == 0);
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
        return asked(mvMqttRequestConnect(channel, &request));
}

static int subscribe(void)
{
        const struct MvMqttSubscription subscription = {.topic = {topic, topic_len}, .desired_qos = 1};
        const struct MvMqttSubscribeRequest request = {++correlation, &subscription, 1};
        subscription_id = correlation;
        return asked(mvMqttRequestSubscribe(channel, &request));
}

static int publish(void)
{
        const struct MvMqttPublishRequest request = {.correlation_id = ++correlation,
                                                     .topic = app_text("device/reading"),
                                                     .payload = app_text("{\"value\": 1}")};
        return asked(mvMqttRequestPublish(channel, &request));
}

/* Subscribes and publishes at once: two answers are on their way. */
static int read_connected(void)
{
        struct MvMqttConnectResponse response;
        MUST(mvMqttReadConnectResponse(channel, &response) == MV_STATUS_OKAY);
        MUST(response.request_state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED && response.reason_code == 0);
        MUST(subscribe() == 0);
        return publish();
}

/* Sizes in elements, and one is all it has room for. */
static int read_subscribed(void)
{
        enum MvMqttRequestState state;
        uint32_t id = 0, codes[1] = {77}, count = 0;
        const struct MvMqttSubscribeResponse response = {&state, &id, codes, 1, &count};
        MUST(mvMqttReadSubscribeResponse(channel, &response) == MV_STATUS_OKAY);
        MUST(state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED && id == subscription_id && count == 1 && codes[0] <= 2);
        app_mqtt_device_seen.connections++;
        subscribed = true;
        next_us = app_now_us() + MINUTE_US;
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
        taken++;
        MUST(mvMqttGetNextReadableDataType(channel, &type) == MV_STATUS_OKAY);
        switch (type) {
        case MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE: return read_connected();
        case MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE: return read_subscribed();
        case MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE: return read_published();
        case MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED: return read_message();
        case MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE: app_mqtt_device_seen.brokers_lost++; return tear_down();
        default: return __LINE__;
        }
}

/* ---- work ---- */

static int lose_link(void)
{
        app_mqtt_device_seen.links_lost++;
        return tear_down();
}

static int configure(void)
{
        MUST(read_configuration() == 0);
        return connect_to_broker();
}

static int do_work(enum work work)
{
        switch (work) {
        case WORK_CONFIG_READABLE: return configure();
        case WORK_BROKER_READABLE: return read_broker();
        case WORK_CHANNEL_LOST: return lose_link();
        default: return 0;
        }
}

static int do_what_is_due(void)
{
        MUST(answered || app_now_us() - asked_us < PATIENCE_US);
        if (app_now_us() < next_us)
                return 0;
        if (!channel && app_is_connected(&link))
                return fetch_configuration();
        if (!subscribed)
                return 0;
        next_us += MINUTE_US;
        return publish();
}

static int start(void)
{
        enum MvNetworkStatus status;
        memset((void *)ring, 0xff, sizeof ring);
        memset(&app_mqtt_device_seen, 0, sizeof app_mqtt_device_seen);
        ring_index = filed = done = 0;
        answered = true;
        MUST(mvGetNetworkStatus(link.network, &status) ==
             MV_STATUS_INVALIDHANDLE); /* it is polled before it is asked for */
        MUST(tear_down() == 0);
        MUST(app_open_centre(TIM8_BRK_IRQn, ring, sizeof ring, &link.centre));
        MUST(app_request_network(&link, TAG_NETWORK));
        MUST(app_is_small(link.centre) && app_is_small(link.network));
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
        MUST(tear_down() == 0);
        MUST(app_release(&link));
        return 0;
}

const struct mvt_app app_mqtt_device = {.irq = TIM8_BRK_IRQn, .handler = TIM8_BRK_IRQHandler, .main = mqtt_device_main};
