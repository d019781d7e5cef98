/* What the MQTT calls refuse, and what the cloud then refuses: for which reason, and that nothing changed. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "mqtt.h"
#include "suite.h"
#include "wrong.h"

static struct mvt_broker broker;
static MvChannelHandle channel;

/* Not connected, unless a test does it. */
static void boot(void)
{
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .profile = "lint: {all: off}\n"});
        channel = mvt_mqtt_open(0);
}

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_broker_finish(&broker);
}

static void connect_now(void)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_connect(channel, &request);
}

static void open_again(void)
{
        mvt_channel_close(&channel);
        mvsim_run_for(1000000); /* not more than 8 in a second */
        channel = mvt_mqtt_open(0);
}

/* ---- handles ---- */

static enum MvStatus get_type(MvChannelHandle handle)
{
        enum MvMqttReadableDataType type;
        return mvMqttGetNextReadableDataType(handle, &type);
}

static enum MvStatus request_connect(MvChannelHandle handle)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        return mvMqttRequestConnect(handle, &request);
}

static enum MvStatus request_subscribe(MvChannelHandle handle)
{
        return mvt_mqtt_try_subscribe(handle, 1, "a", 0);
}

static enum MvStatus request_unsubscribe(MvChannelHandle handle)
{
        return mvt_mqtt_try_unsubscribe(handle, 1, "a");
}

static enum MvStatus request_publish(MvChannelHandle handle)
{
        return mvt_mqtt_try_publish(handle, 1, "a", "b", 0, 0);
}

static enum MvStatus acknowledge(MvChannelHandle handle)
{
        return mvMqttAcknowledgeMessage(handle, 1);
}

static enum MvStatus read_connect(MvChannelHandle handle)
{
        struct MvMqttConnectResponse response;
        return mvMqttReadConnectResponse(handle, &response);
}

static enum MvStatus read_publish(MvChannelHandle handle)
{
        struct MvMqttPublishResponse response;
        return mvMqttReadPublishResponse(handle, &response);
}

static enum MvStatus read_disconnect(MvChannelHandle handle)
{
        struct MvMqttDisconnectResponse response;
        return mvMqttReadDisconnectResponse(handle, &response);
}

/* Where everything goes that is read, so that it can be looked at. */
static struct {
        uint32_t state, id, count, codes[8], qos, topic_len, payload_len, reason, message_len;
        uint8_t retain, topic[64], payload[64];
} stored;

static struct MvMqttSubscribeResponse subscribed = {(void *)&stored.state, &stored.id, stored.codes, 8, &stored.count};
static struct MvMqttUnsubscribeResponse unsubscribed = {(void *)&stored.state, &stored.id, stored.codes, 8,
                                                        &stored.count};
static struct MvMqttMessage message = {&stored.id,
                                       {stored.topic, 64, &stored.topic_len},
                                       {stored.payload, 64, &stored.payload_len},
                                       &stored.qos,
                                       &stored.retain};
static struct MvMqttLostMessageInfo lost = {
        (void *)&stored.reason, {stored.topic, 64, &stored.topic_len}, &stored.message_len};

static enum MvStatus read_subscribe(MvChannelHandle handle)
{
        return mvMqttReadSubscribeResponse(handle, &subscribed);
}

static enum MvStatus read_unsubscribe(MvChannelHandle handle)
{
        return mvMqttReadUnsubscribeResponse(handle, &unsubscribed);
}

static enum MvStatus receive(MvChannelHandle handle)
{
        return mvMqttReceiveMessage(handle, &message);
}

static enum MvStatus receive_lost(MvChannelHandle handle)
{
        return mvMqttReceiveLostMessageInfo(handle, &lost);
}

static const struct {
        const char *name;
        enum MvStatus (*make)(MvChannelHandle handle);
        enum MvMqttReadableDataType reads; /* NONE: it reads no item */
        void *places;                      /* the structure that says where the item goes */
} calls[] = {
        {"mvMqttGetNextReadableDataType", get_type, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttRequestConnect", request_connect, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttReadConnectResponse", read_connect, MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE, NULL},
        {"mvMqttRequestSubscribe", request_subscribe, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttReadSubscribeResponse", read_subscribe, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE, &subscribed},
        {"mvMqttRequestUnsubscribe", request_unsubscribe, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttReadUnsubscribeResponse", read_unsubscribe, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE, &unsubscribed},
        {"mvMqttRequestPublish", request_publish, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttReadPublishResponse", read_publish, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE, NULL},
        {"mvMqttReceiveMessage", receive, MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED, &message},
        {"mvMqttReceiveLostMessageInfo", receive_lost, MV_MQTTREADABLEDATATYPE_MESSAGELOST, &lost},
        {"mvMqttAcknowledgeMessage", acknowledge, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttRequestDisconnect", mvMqttRequestDisconnect, MV_MQTTREADABLEDATATYPE_NONE, NULL},
        {"mvMqttReadDisconnectResponse", read_disconnect, MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE, NULL},
};

#define CALLS ((int)(sizeof calls / sizeof calls[0]))

static void expect_refusal(int call, MvChannelHandle handle, enum MvStatus status)
{
        expect_reject(calls[call].make(handle), status, "handle");
        ck_assert_str_eq(mvsim_last_reject()->call, calls[call].name);
}

START_TEST(a_handle_must_be_of_an_mqtt_channel_that_is_open)
{
        static uint8_t blocks[2][512] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = blocks[0];
        params.v1.send_buffer = blocks[1];
        params.v1.receive_buffer_len = params.v1.send_buffer_len = 512;
        MvChannelHandle http = mvt_channel_open(&params);
        MvChannelHandle closed = channel;
        mvt_channel_close(&channel);
        expect_refusal(_i, NULL, MV_STATUS_INVALIDHANDLE);
        expect_refusal(_i, closed, MV_STATUS_INVALIDHANDLE);
        expect_refusal(_i, http, MV_STATUS_INVALIDHANDLE);
        expect_refusal(_i, (MvChannelHandle)(uintptr_t)mvt_online.network, MV_STATUS_INVALIDHANDLE);
        mvt_channel_close(&http);
}
END_TEST

START_TEST(a_channel_that_was_lost_answers_nothing)
{
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        expect_refusal(_i, channel, MV_STATUS_CHANNELCLOSED);
}
END_TEST

/* ---- reads ---- */

START_TEST(nothing_waits_to_be_read)
{
        if (calls[_i].reads != MV_MQTTREADABLEDATATYPE_NONE)
                expect_refusal(_i, channel, MV_STATUS_RESPONSENOTPRESENT);
}
END_TEST

START_TEST(another_item_is_next)
{
        if (calls[_i].reads == MV_MQTTREADABLEDATATYPE_NONE)
                return;
        bool publish = calls[_i].reads != MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE;
        expect_okay(publish ? request_publish(channel) : request_subscribe(channel));
        wait_until(mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_NONE);
        expect_refusal(_i, channel, MV_STATUS_WRONGDATAREQUESTED);
        expect_okay(publish ? read_publish(channel) : read_subscribe(channel)); /* it is still there */
}
END_TEST

START_TEST(codes_need_as_many_elements)
{
        connect_now();
        subscribed.reason_codes_size = unsubscribed.reason_codes_size = 0;
        expect_okay(request_subscribe(channel));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        expect_reject(read_subscribe(channel), MV_STATUS_INVALIDBUFFERSIZE, "reason_codes_size");
        subscribed.reason_codes_size = 1;
        expect_okay(read_subscribe(channel));
        ck_assert_uint_eq(stored.count, 1);
        expect_okay(request_unsubscribe(channel));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE);
        expect_reject(read_unsubscribe(channel), MV_STATUS_INVALIDBUFFERSIZE, "reason_codes_size");
        unsubscribed.reason_codes_size = 1;
        expect_okay(read_unsubscribe(channel));
        subscribed.reason_codes_size = unsubscribed.reason_codes_size = 8;
}
END_TEST

static enum MvStatus request_two(bool subscribe)
{
        const struct MvMqttSubscription subscriptions[] = {{.topic = mvt_sized("a")}, {.topic = mvt_sized("b")}};
        const struct MvSizedString topics[] = {mvt_sized("a"), mvt_sized("b")};
        const struct MvMqttSubscribeRequest begin = {1, subscriptions, 2};
        const struct MvMqttUnsubscribeRequest end_them = {1, topics, 2};
        return subscribe ? mvMqttRequestSubscribe(channel, &begin) : mvMqttRequestUnsubscribe(channel, &end_them);
}

/* An item of the kind is the next to be read. */
static void provoke(enum MvMqttReadableDataType type)
{
        static char large[MVT_RECEIVE_SIZE];
        memset(large, 'x', sizeof large - 1);
        switch (type) {
        case MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE:
                open_again();
                expect_okay(request_connect(channel));
                break;
        case MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE: expect_okay(request_two(true)); break;
        case MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE: expect_okay(request_two(false)); break;
        case MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE: expect_okay(request_publish(channel)); break;
        case MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED: mvt_broker_publish(&broker, "in", "xy", "-q 1"); break;
        case MV_MQTTREADABLEDATATYPE_MESSAGELOST: mvt_broker_publish(&broker, "in", large, "-q 1"); break;
        default: expect_okay(mvMqttRequestDisconnect(channel)); break;
        }
        mvt_mqtt_await(channel, type);
}

/* Every pointer of src/pointers.def that a read writes through. The items have two bytes or elements of each. */
struct place {
        const char *call;
        const char *field;
        size_t offset;
        size_t len;
        bool written;
};

#define ELEMENTS                   2
#define WRITTEN_READ               false
#define WRITTEN_WRITE              true
#define WRITTEN_LEND               true
#define LEN_BYTES(type, member)    ELEMENTS
#define LEN_ITEMS(type, member)    (ELEMENTS * sizeof *((type *)0)->member)
#define LEN_ONE(type, member)      (sizeof *((type *)0)->member)
#define LEN_OPTIONAL(type, member) (sizeof *((type *)0)->member)
#define MVS_POINTER(call_, field_, below, structure, member, access, kind, length, refusal) \
        {#call_, field_, offsetof(struct structure, member), LEN_##kind(struct structure, member), WRITTEN_##access},
static const struct place places[] = {
#include "src/pointers.def"
};

#define PLACES ((int)(sizeof places / sizeof places[0]))

static int find_call(const char *name)
{
        int call = 0;
        while (strcmp(calls[call].name, name) != 0)
                ck_assert_msg(++call < CALLS, "this test does not know %s: tell it how to make it", name);
        ck_assert_msg(calls[call].places != NULL, "this test does not know where %s stores: tell it", name);
        return call;
}

/* What turns out unwritable: nothing is stored, and the item is gone. */
static void try_late(const struct place *place, const struct mvt_wrong *wrong)
{
        int call = find_call(place->call);
        uint8_t *at = (uint8_t *)calls[call].places + place->offset;
        uintptr_t good, bad = wrong->address(place->len);
        memset(&stored, 0x5a, sizeof stored);
        unsigned char before[sizeof stored];
        memcpy(before, &stored, sizeof stored);
        provoke(calls[call].reads);
        memcpy(&good, at, sizeof good);
        memcpy(at, &bad, sizeof bad);
        enum MvStatus status = calls[call].make(channel);
        memcpy(at, &good, sizeof good);
        mvt_wrong_expect(wrong, status, MV_STATUS_LATEFAULT, place->call, place->field);
        ck_assert_mem_eq(before, &stored, sizeof stored);
        ck_assert(mvt_wrong_is_untouched());
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
}

START_TEST(what_cannot_be_stored_is_a_late_fault_and_gone)
{
        const struct place *place = &places[_i];
        if (!place->written || strncmp(place->call, "mvMqtt", 6) != 0)
                return;
        connect_now();
        mvt_mqtt_subscribe(channel, "in", 1);
        mvt_wrong_set_up();
        for (size_t i = 0; i < mvt_wrong_count; i++) {
                if (place->len > 1 || !(mvt_wrongs[i].flags & MVT_WRONG_TWO_BYTES))
                        try_late(place, &mvt_wrongs[i]);
        }
        mvt_wrong_tear_down();
}
END_TEST

START_TEST(a_response_that_can_be_read_only_is_a_late_fault)
{
        uint8_t *page = mvt_pages(MVT_PAGES_READ_ONLY, 1);
        provoke(MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE);
        expect_reject(mvMqttReadConnectResponse(channel, (void *)page), MV_STATUS_LATEFAULT, "response_data");
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        provoke(MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        expect_reject(mvMqttReadPublishResponse(channel, NULL), MV_STATUS_PARAMETERFAULT, "response_data");
        expect_reject(mvMqttReadPublishResponse(channel, (void *)page), MV_STATUS_LATEFAULT, "response_data");
        provoke(MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE);
        expect_reject(mvMqttReadDisconnectResponse(channel, (void *)page), MV_STATUS_LATEFAULT, "response_data");
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
        mvt_pages_free(page, 1);
}
END_TEST

/* ---- connect requests ---- */

static const struct MvSizedString some = {(const uint8_t *)"x", 1};

static void refuses(const struct MvMqttConnectRequest *request, enum MvStatus status, const char *field)
{
        expect_reject(mvMqttRequestConnect(channel, request), status, field);
        mvsim_run_for(10000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}

START_TEST(required_elements_of_a_connection)
{
        struct MvMqttWill will = {some, some, 0, 0};
        struct MvTlsCredentials tls = {.clientcert = {.chain = {1, &some}}};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.host.length = 0;
        refuses(&request, MV_STATUS_REQUIREDELEMENTMISSING, "host.length");
        request = mvt_mqtt_request();
        request.clientid.length = 0;
        refuses(&request, MV_STATUS_REQUIREDELEMENTMISSING, "clientid.length");
        request = mvt_mqtt_request();
        request.tls_credentials = &tls;
        refuses(&request, MV_STATUS_REQUIREDELEMENTMISSING, "tls_credentials.clientcert.key.length");
        request.tls_credentials = NULL;
        request.will = &will;
        will.topic.length = 0;
        refuses(&request, MV_STATUS_REQUIREDELEMENTMISSING, "will.topic.length");
        will.topic.length = 1;
        will.payload.length = 0;
        refuses(&request, MV_STATUS_REQUIREDELEMENTMISSING, "will.payload.length");
        connect_now(); /* nothing has counted as an attempt */
}
END_TEST

START_TEST(authentication_is_one_or_the_other)
{
        const struct MvTlsCredentials tls = {.clientcert = {{1, &some}, some}};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.authentication.method = (enum MvMqttAuthenticationMethod)2;
        refuses(&request, MV_STATUS_INVALIDAUTHENTICATION, "authentication.method");
        request.authentication.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
        request.authentication.username_password.username = some;
        request.authentication.username_password.password = some;
        request.tls_credentials = &tls;
        refuses(&request, MV_STATUS_INVALIDAUTHENTICATION, "tls_credentials.clientcert.key");
        connect_now();
}
END_TEST

START_TEST(a_chain_has_at_most_eight_certificates)
{
        struct MvTlsCredentials tls = {.cacert = {9, &some}};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.tls_credentials = &tls;
        refuses(&request, MV_STATUS_TOOMANYELEMENTS, "tls_credentials.cacert.num_certs");
        tls.cacert.num_certs = 0;
        tls.clientcert = (struct MvOwnTlsCertificateChain){{9, &some}, some};
        refuses(&request, MV_STATUS_TOOMANYELEMENTS, "tls_credentials.clientcert.chain.num_certs");
        connect_now();
}
END_TEST

/* ---- the send buffer ---- */

START_TEST(a_request_must_fit_the_send_buffer)
{
        static char payload[MVT_SEND_SIZE];
        memset(payload, 'x', sizeof payload);
        connect_now();
        /* 16, and 4 for each of the two strings */
        payload[MVT_SEND_SIZE - 24 - 1] = '\0';
        mvt_mqtt_publish(channel, "a", payload, 0, 0);
        payload[MVT_SEND_SIZE - 24 - 1] = 'x';
        payload[MVT_SEND_SIZE - 24] = '\0';
        expect_reject(mvt_mqtt_try_publish(channel, 1, "a", payload, 0, 0), MV_STATUS_INVALIDBUFFERSIZE, "");
        payload[MVT_SEND_SIZE - 24] = 'x';
        payload[MVT_SEND_SIZE - 1] = '\0';
        expect_reject(mvt_mqtt_try_subscribe(channel, 1, payload, 0), MV_STATUS_INVALIDBUFFERSIZE, "");
        expect_reject(mvt_mqtt_try_unsubscribe(channel, 1, payload), MV_STATUS_INVALIDBUFFERSIZE, "");
        mvt_mqtt_publish(channel, "a", "b", 0, 0); /* the channel lives */
        open_again();
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.clientid = mvt_sized(payload);
        refuses(&request, MV_STATUS_INVALIDBUFFERSIZE, "");
        connect_now();
}
END_TEST

/* ---- topics ---- */

START_TEST(a_subscription_has_one_to_eight_topics)
{
        struct MvMqttSubscription topics[9] = {0};
        struct MvSizedString names[9] = {0};
        struct MvMqttSubscribeRequest subscribe = {1, topics, 9};
        struct MvMqttUnsubscribeRequest unsubscribe = {1, names, 9};
        expect_reject(mvMqttRequestSubscribe(channel, &subscribe), MV_STATUS_TOOMANYELEMENTS, "num_subscriptions");
        expect_reject(mvMqttRequestUnsubscribe(channel, &unsubscribe), MV_STATUS_TOOMANYELEMENTS, "num_topics");
        subscribe.num_subscriptions = unsubscribe.num_topics = 0;
        expect_reject(mvMqttRequestSubscribe(channel, &subscribe), MV_STATUS_REQUIREDELEMENTMISSING,
                      "num_subscriptions");
        expect_reject(mvMqttRequestUnsubscribe(channel, &unsubscribe), MV_STATUS_REQUIREDELEMENTMISSING, "num_topics");
}
END_TEST

/* ---- what MQTT forbids ---- */

START_TEST(a_connection_that_mqtt_forbids)
{
        struct MvMqttWill will = {mvt_sized("will"), mvt_sized("gone"), 0, 0};
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        switch (_i) {
        case 0: request.port = 0; break;
        case 1: request.protocol_version = (enum MvMqttProtocolVersion)2; break;
        case 2: request.keepalive = 65536; break;
        case 3: request.clean_start = 2; break;
        case 4: request.clientid = mvt_sized("\xff\xfe"); break;
        case 5: request.host = mvt_sized("a b"); break;
        case 6: will.qos = 3; break;
        case 7: will.retain = 2; break;
        case 8: will.topic = mvt_sized("a/#"); break;
        case 9: will.topic = mvt_sized("a/+/b"); break;
        default:
                request.authentication.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
                request.authentication.username_password.username = mvt_sized("\xff");
        }
        if (_i >= 6 && _i <= 9)
                request.will = &will;
        struct MvMqttConnectResponse response = mvt_mqtt_answer(channel, &request);
        ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS);
        ck_assert_uint_eq(response.reason_code, 0);
        expect_reject(mvMqttRequestConnect(channel, &request), MV_STATUS_REQUESTALREADYSENT, "handle");
}
END_TEST

START_TEST(a_publication_that_mqtt_forbids)
{
        static const struct {
                const char *topic;
                uint32_t qos, retain;
        } bad[] = {{"", 0, 0}, {"a/#", 0, 0}, {"+/a", 0, 0}, {"\xff", 0, 0}, {"a", 3, 0}, {"a", 0, 2}};
        connect_now();
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                expect_okay(mvt_mqtt_try_publish(channel, 40, bad[i].topic, "x", bad[i].qos, bad[i].retain));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
                ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS);
                ck_assert_uint_eq(response.correlation_id, 40);
                ck_assert_uint_eq(response.reason_code, 0);
        }
        mvt_mqtt_publish(channel, "a", "x", 0, 0);
}
END_TEST

START_TEST(a_subscription_that_mqtt_forbids)
{
        static const struct {
                const char *filter;
                uint32_t qos, nl, rap, rh;
        } bad[] = {
                {"", 0, 0, 0, 0},  {"a/#/b", 0, 0, 0, 0}, {"a+", 0, 0, 0, 0}, {"a", 3, 0, 0, 0},
                {"a", 0, 2, 0, 0}, {"a", 0, 0, 2, 0},     {"a", 0, 0, 0, 3},  {"$share/g/a", 0, 1, 0, 0},
        };
        connect_now();
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                const struct MvMqttSubscription topics[] = {
                        {.topic = mvt_sized("fine")},
                        {mvt_sized(bad[i].filter), bad[i].qos, bad[i].nl, bad[i].rap, bad[i].rh},
                };
                const struct MvMqttSubscribeRequest request = {41, topics, 2};
                expect_okay(mvMqttRequestSubscribe(channel, &request));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
                struct mvt_mqtt_codes codes = mvt_mqtt_subscribed(channel);
                ck_assert_int_eq(codes.state, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS);
                ck_assert_uint_eq(codes.id, 41);
                ck_assert_uint_eq(codes.count, 0);
        }
        expect_okay(mvt_mqtt_try_unsubscribe(channel, 42, "a/#/b"));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE);
        ck_assert_int_eq(mvt_mqtt_unsubscribed(channel).state, MV_MQTTREQUESTSTATE_INVALIDPARAMETERS);
        mvt_mqtt_subscribe(channel, "a/#", 1);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt refusals");
        TCase *tests = tcase_create("refusals");
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_loop_test(tests, a_handle_must_be_of_an_mqtt_channel_that_is_open, 0, CALLS);
        tcase_add_loop_test(tests, a_channel_that_was_lost_answers_nothing, 0, CALLS);
        tcase_add_loop_test(tests, nothing_waits_to_be_read, 0, CALLS);
        tcase_add_loop_test(tests, another_item_is_next, 0, CALLS);
        tcase_add_test(tests, codes_need_as_many_elements);
        tcase_add_loop_test(tests, what_cannot_be_stored_is_a_late_fault_and_gone, 0, PLACES);
        tcase_add_test(tests, a_response_that_can_be_read_only_is_a_late_fault);
        tcase_add_test(tests, required_elements_of_a_connection);
        tcase_add_test(tests, authentication_is_one_or_the_other);
        tcase_add_test(tests, a_chain_has_at_most_eight_certificates);
        tcase_add_test(tests, a_request_must_fit_the_send_buffer);
        tcase_add_test(tests, a_subscription_has_one_to_eight_topics);
        tcase_add_loop_test(tests, a_connection_that_mqtt_forbids, 0, 11);
        tcase_add_test(tests, a_publication_that_mqtt_forbids);
        tcase_add_test(tests, a_subscription_that_mqtt_forbids);
        suite_add_tcase(s, tests);
        return s;
}
