/* The one queue of items: in order, one event each, in the receive buffer as far as there is room. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "child.h"
#include "mqtt.h"
#include "mqtt_peer.h"
#include "mvsim/cortex.h"
#include "suite.h"

#define SMALL 512

static struct mvt_broker broker;
static struct mvt_mqtt_peer peer;
static MvChannelHandle channel;

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_online_end();
        mvt_mqtt_peer_finish(&peer);
        mvt_broker_finish(&broker);
}

/* Connected, and subscribed to "in". */
static void boot_with(uint32_t receive_len, const char *profile)
{
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port, .profile = profile});
        channel = mvt_mqtt_open(receive_len);
        mvt_mqtt_connect(channel, &request);
        mvt_mqtt_subscribe(channel, "in", 2);
}

static void boot(void)
{
        boot_with(0, "");
}

static unsigned readable(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

/* So many messages, of so many bytes each, the first two of which tell which it is. */
static void send(unsigned count, size_t len)
{
        char payload[4096];
        memset(payload, '.', sizeof payload);
        payload[len] = '\0';
        for (unsigned i = 0; i < count; i++) {
                snprintf(payload, sizeof payload, "%02u", i);
                payload[2] = len > 2 ? '.' : '\0';
                mvt_broker_publish(&broker, "in", payload, "-q 1");
        }
}

/* Message number `i`, which is acknowledged. */
static void expect_message(unsigned i)
{
        char number[4];
        const struct mvt_mqtt_message *message = mvt_mqtt_message(channel);
        snprintf(number, sizeof number, "%02u", i % 100);
        ck_assert_msg(strncmp(message->payload, number, 2) == 0, "%s is not %s", message->payload, number);
        expect_okay(mvMqttAcknowledgeMessage(channel, message->id));
}

/* ---- order and events ---- */

START_TEST(items_are_read_in_order_with_one_event_each)
{
        boot();
        unsigned before = readable();
        send(5, 2);
        wait_until(readable() != before);
        mvsim_run_for(100000);
        ck_assert_uint_eq(readable(), before + 1); /* the second is announced when the first has been read */
        for (unsigned i = 0; i < 5; i++) {
                wait_until(readable() == before + 1 + i);
                mvsim_run_for(10000);
                ck_assert_uint_eq(readable(), before + 1 + i);
                expect_message(i);
        }
        mvsim_run_for(100000);
        ck_assert_uint_eq(readable(), before + 5);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}
END_TEST

START_TEST(the_next_item_is_announced_after_the_reading_call_not_in_it)
{
        boot();
        send(2, 2);
        wait_until(mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        mvsim_run_for(1000);
        unsigned before = readable();
        struct mvt_mqtt_message message;
        const struct MvMqttMessage places = {
                &message.id,
                {(uint8_t *)message.topic, 100, &message.topic_len},
                {(uint8_t *)message.payload, 100, &message.payload_len},
                &message.qos,
                &message.retain,
        };
        expect_okay(mvMqttReceiveMessage(channel, &places));
        ck_assert_uint_eq(readable(), before);
        wait_until(readable() == before + 1);
        expect_message(1);
}
END_TEST

START_TEST(answers_and_messages_are_one_queue)
{
        static const struct mvt_step steps[] = {
                {.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                {.on = MVT_PACKET_PUBLISH,
                 MVT_SEND("\x30\x06\x00\x02in\x00"
                          "1"                /* a message */
                          "\x40\x02\xff\xfe" /* PUBACK */
                          "\x30\x06\x00\x02in\x00"
                          "2")},
        };
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_peer_start(&peer, steps, 2);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port});
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
        expect_okay(mvt_mqtt_try_publish(channel, 7, "out", "x", 1, 0));
        mvt_mqtt_expect(channel, "in", "1", 0);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, 7);
        mvt_mqtt_expect(channel, "in", "2", 0);
}
END_TEST

START_TEST(no_answer_comes_within_its_request)
{
        boot();
        for (uint32_t qos = 0; qos < 3; qos++) {
                unsigned before = readable();
                expect_okay(mvt_mqtt_try_publish(channel, qos, "out", "x", qos, 0));
                ck_assert_uint_eq(readable(), before);
                wait_until(readable() == before + 1);
                mvt_mqtt_published(channel);
        }
}
END_TEST

/* ---- room ---- */

/* Each takes 2 for the topic, 150 and 32: two fit 512 bytes. */
START_TEST(what_does_not_fit_waits_and_comes_in_order)
{
        boot_with(SMALL, "");
        send(7, 150);
        for (unsigned i = 0; i < 7; i++)
                expect_message(i);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}
END_TEST

START_TEST(a_message_larger_than_the_whole_buffer_is_lost)
{
        uint32_t topic_len = 0, message_len = 0;
        char topic[8] = "";
        enum MvMqttLostMessageReason reason = MV_MQTTLOSTMESSAGEREASON__MAX;
        const struct MvMqttLostMessageInfo info = {&reason, {(uint8_t *)topic, 1, &topic_len}, &message_len};
        const struct MvMqttLostMessageInfo more = {&reason, {(uint8_t *)topic, 7, &topic_len}, &message_len};
        boot_with(SMALL, "");
        send(1, SMALL - 34);
        send(1, SMALL - 33);
        send(1, 10);
        expect_message(0);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGELOST);
        expect_reject(mvMqttReceiveLostMessageInfo(channel, &info), MV_STATUS_INVALIDBUFFERSIZE, "topic.size");
        expect_okay(mvMqttReceiveLostMessageInfo(channel, &more));
        ck_assert_int_eq(reason, MV_MQTTLOSTMESSAGEREASON_DEVICERECEIVEBUFFERTOOSMALL);
        ck_assert_str_eq(topic, "in");
        ck_assert_uint_eq(topic_len, 2);
        ck_assert_uint_eq(message_len, SMALL + 1);
        expect_message(0);
}
END_TEST

static size_t heap_in_use(void)
{
        const struct mallinfo2 info = mallinfo2();
        return info.uordblks + info.hblkhd;
}

/* They wait like others, 4 MB of them until the broker is dropped; what they said is not kept. */
START_TEST(messages_that_are_lost_take_no_room_on_the_host)
{
        static char payload[100001];
        memset(payload, 'x', sizeof payload - 1);
        boot_with(SMALL, "limits: {mqtt_backlog: 25}\n");
        size_t before = heap_in_use();
        mvt_broker_publish(&broker, "in", payload, "-q 1 --repeat 60");
        mvt_broker_await_loss(&broker, MVT_CLIENT_ID);
        ck_assert_uint_lt(heap_in_use(), before + 1000000);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_MESSAGELOST);
}
END_TEST

START_TEST(a_read_without_room_leaves_the_item)
{
        struct mvt_mqtt_message message;
        struct MvMqttMessage places = {
                &message.id,
                {(uint8_t *)message.topic, 1, &message.topic_len},
                {(uint8_t *)message.payload, 100, &message.payload_len},
                &message.qos,
                &message.retain,
        };
        boot();
        send(1, 50);
        wait_until(mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED);
        expect_reject(mvMqttReceiveMessage(channel, &places), MV_STATUS_INVALIDBUFFERSIZE, "topic.size");
        places.topic.size = 2;
        places.payload.size = 49;
        expect_reject(mvMqttReceiveMessage(channel, &places), MV_STATUS_INVALIDBUFFERSIZE, "payload.size");
        places.payload.size = 50;
        expect_okay(mvMqttReceiveMessage(channel, &places));
        ck_assert_uint_eq(message.payload_len, 50);
        expect_okay(mvMqttAcknowledgeMessage(channel, message.id));
}
END_TEST

START_TEST(a_broker_that_sends_too_much_is_dropped)
{
        boot_with(SMALL, "limits: {mqtt_backlog: 3}\n");
        expect_okay(mvt_mqtt_try_subscribe(channel, 1, "other", 0));
        wait_until(mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        send(6, 150); /* two fit beside the answer, three may wait */
        mvt_broker_await_loss(&broker, MVT_CLIENT_ID);
        mvt_mqtt_subscribed(channel);
        unsigned count = 0;
        for (; mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE; count++)
                expect_message(count), mvsim_run_for(1000);
        ck_assert_uint_ge(count, 5);
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_CONNECTIONCIRCUITBREAKER);
        expect_okay(mvt_mqtt_try_publish(channel, 5, "a", "b", 0, 0));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
}
END_TEST

/* As when the broker goes: nobody waits for an answer that cannot come. Of three messages one fits, one may wait. */
START_TEST(what_is_under_way_when_the_broker_is_dropped_is_answered)
{
        static const uint8_t head[] = {0x30, 0xb1, 0x02, 0, 2, 'i', 'n', 0, '0', '0'};
        static char flood[3 * (8 + 300)];
        const struct mvt_step steps[] = {
                {.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                {.on = MVT_PACKET_SUBSCRIBE},
                {MVT_PACKET_PUBLISH, flood, sizeof flood, MVT_PEER_HOLD},
        };
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        for (unsigned i = 0; i < 3; i++)
                memcpy(memset(flood + 308u * i, '.', 308), head, sizeof head);
        mvt_mqtt_peer_start(&peer, steps, 3);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port, .profile = "limits: {mqtt_backlog: 1}\n"});
        channel = mvt_mqtt_open(SMALL);
        mvt_mqtt_connect(channel, &request);
        expect_okay(mvt_mqtt_try_subscribe(channel, 6, "in", 0));
        expect_okay(mvt_mqtt_try_publish(channel, 7, "out", "x", 1, 0));
        for (unsigned i = 0; i < 3; i++)
                mvt_mqtt_message(channel);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        ck_assert_int_eq(mvt_mqtt_subscribed(channel).state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        ck_assert_int_eq(mvt_mqtt_published(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_CONNECTIONCIRCUITBREAKER);
}
END_TEST

/* The broker did nothing to make them so many. */
START_TEST(messages_that_come_again_do_not_count_as_too_much)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        boot_with(SMALL, "limits: {mqtt_backlog: 3}\n");
        for (unsigned i = 0; i < 8; i++) {
                send(1, 150);
                mvt_mqtt_message(channel);
        }
        mvt_channel_close(&channel);
        channel = mvt_mqtt_open(SMALL);
        request.clean_start = 0;
        mvt_mqtt_connect(channel, &request);
        for (unsigned i = 0; i < 8; i++)
                expect_message(0);
        mvt_mqtt_publish(channel, "out", "x", 1, 0x10);
}
END_TEST

/* ---- under way ---- */

START_TEST(eight_publishes_may_be_under_way)
{
        boot();
        mvt_broker_pause(&broker);
        for (uint32_t i = 0; i < 8; i++)
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", "x", 1, 0));
        expect_reject(mvt_mqtt_try_publish(channel, 8, "out", "x", 1, 0), MV_STATUS_RATELIMITED, "handle");
        mvt_broker_continue(&broker);
        for (uint32_t i = 0; i < 8; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i);
        }
        mvt_mqtt_publish(channel, "out", "x", 1, 0x10);
}
END_TEST

START_TEST(each_answer_makes_room_for_one_more)
{
        static const struct mvt_step steps[] = {
                {.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x40\x02\xff\xfe")},
                {.on = MVT_PACKET_PUBLISH, MVT_SEND("\x40\x02\xff\xfe"), .then = MVT_PEER_HOLD},
        };
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_peer_start(&peer, steps, 3);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port});
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
        for (uint32_t i = 0; i < 8; i++)
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", "x", 1, 0));
        for (uint32_t i = 0; i < 2; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i);
        }
        for (uint32_t i = 8; i < 10; i++)
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", "x", 1, 0));
        expect_reject(mvt_mqtt_try_publish(channel, 10, "out", "x", 1, 0), MV_STATUS_RATELIMITED, "handle");
}
END_TEST

static char much[1400]; /* a payload */

/* Publishes until nothing is answered any more; in *ret_answered, how many were. */
static uint32_t publish_until_it_stops(uint32_t most, uint32_t *ret_answered)
{
        uint32_t sent = 0, answered = 0, answered_before;
        memset(much, 'x', sizeof much - 1);
        do {
                answered_before = answered;
                while (sent < most && mvt_mqtt_try_publish(channel, sent, "out", much, 0, 0) == MV_STATUS_OKAY)
                        sent++;
                for (mvsim_run_for(100000); mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_NONE; answered++) {
                        ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, answered);
                        mvsim_run_for(10);
                }
        } while (answered > answered_before);
        *ret_answered = answered;
        return sent;
}

static enum MvMqttRequestState answer_to(uint32_t id)
{
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
        struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
        ck_assert_uint_eq(response.correlation_id, id);
        return response.request_state;
}

/* QoS 0 is answered when it is on its way. It comes to a stop when neither the kernels nor the simulator take any more;
 * all of it is on its way when the broker goes on. */
START_TEST(a_broker_that_does_not_read_stops_the_publisher)
{
        enum { MOST = 100000 };
        uint32_t answered;
        boot();
        mvt_broker_pause(&broker);
        uint32_t sent = publish_until_it_stops(MOST, &answered);
        ck_assert_uint_lt(sent, MOST);
        mvt_broker_continue(&broker);
        for (; answered < sent; answered++)
                ck_assert_int_eq(answer_to(answered), MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
}
END_TEST

/* What such a broker has not read when it dies. */
static bool says_what_is_lost(void)
{
        char said[MVT_OUTPUT_SIZE];
        uint32_t answered;
        boot();
        mvt_broker_pause(&broker);
        uint32_t sent = publish_until_it_stops(UINT32_MAX, &answered);
        mvt_capture_begin();
        mvt_broker_kill(&broker);
        for (; answered < sent; answered++)
                answer_to(answered);
        mvt_mqtt_disconnected(channel);
        mvt_capture_end(said);
        end();
        return strstr(said, "a message of QoS 0 is lost") != NULL;
}

/* Of what it has not read, some was answered, but for the time that the kernels are full just behind that. */
START_TEST(what_was_answered_and_is_lost_is_told)
{
        unsigned attempts = 1;
        while (!says_what_is_lost())
                ck_assert_uint_lt(++attempts, 20);
}
END_TEST

/* The end comes first where the host was that fast. */
START_TEST(nothing_is_sent_after_a_disconnect)
{
        boot();
        expect_okay(mvMqttRequestDisconnect(channel));
        expect_okay(mvt_mqtt_try_publish(channel, 3, "out", "x", (uint32_t)_i, 0));
        for (int i = 0; i < 2; i++) {
                wait_until(mvt_mqtt_next(channel) != MV_MQTTREADABLEDATATYPE_NONE);
                if (mvt_mqtt_next(channel) == MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE)
                        ck_assert_int_eq(answer_to(3), MV_MQTTREQUESTSTATE_NOTCONNECTED);
                else
                        mvt_mqtt_disconnected(channel);
        }
}
END_TEST

START_TEST(messages_of_qos_0_are_answered_in_their_order)
{
        boot();
        for (uint32_t i = 0; i < 200; i += 4) {
                for (uint32_t k = 0; k < 4; k++)
                        expect_okay(mvt_mqtt_try_publish(channel, i + k, "out", "x", 0, (i >> k & 4) != 0));
                for (uint32_t k = 0; k < 4; k++) {
                        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                        ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i + k);
                }
        }
}
END_TEST

START_TEST(one_subscription_and_one_end_of_them_may_be_under_way)
{
        boot();
        mvt_broker_pause(&broker);
        expect_okay(mvt_mqtt_try_subscribe(channel, 1, "a", 0));
        expect_reject(mvt_mqtt_try_subscribe(channel, 2, "b", 0), MV_STATUS_RATELIMITED, "handle");
        expect_okay(mvt_mqtt_try_unsubscribe(channel, 3, "a"));
        expect_reject(mvt_mqtt_try_unsubscribe(channel, 4, "b"), MV_STATUS_RATELIMITED, "handle");
        mvt_broker_continue(&broker);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        ck_assert_uint_eq(mvt_mqtt_subscribed(channel).id, 1);
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE);
        ck_assert_uint_eq(mvt_mqtt_unsubscribed(channel).id, 3);
        expect_okay(mvt_mqtt_try_subscribe(channel, 5, "b", 0));
        mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
        mvt_mqtt_subscribed(channel);
}
END_TEST

START_TEST(one_disconnect_may_be_under_way)
{
        boot_with(0, "time: {reply_us: 5000}\n");
        expect_okay(mvMqttRequestDisconnect(channel));
        expect_reject(mvMqttRequestDisconnect(channel), MV_STATUS_RATELIMITED, "handle");
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        expect_okay(mvMqttRequestDisconnect(channel));
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
}
END_TEST

START_TEST(sixteen_acknowledgements_may_be_under_way)
{
        boot_with(0, "lint: {all: off}\n");
        for (uint32_t i = 0; i < 16; i++)
                expect_okay(mvMqttAcknowledgeMessage(channel, i));
        expect_reject(mvMqttAcknowledgeMessage(channel, 16), MV_STATUS_RATELIMITED, "handle");
        mvsim_run_for(200);
        expect_okay(mvMqttAcknowledgeMessage(channel, 16));
}
END_TEST

START_TEST(answers_that_are_not_read_count_once_there_is_no_room_for_them)
{
        boot_with(SMALL, "time: {reply_us: 1000}\n");
        unsigned accepted = 0;
        enum MvStatus status = MV_STATUS_OKAY;
        while (status == MV_STATUS_OKAY && accepted < 100) {
                status = mvt_mqtt_try_publish(channel, accepted, "out", "x", 0, 0);
                accepted += status == MV_STATUS_OKAY;
                mvsim_run_for(10000);
        }
        ck_assert_int_eq(status, MV_STATUS_RATELIMITED);
        ck_assert_uint_eq(accepted, SMALL / 32 + 8);
        for (unsigned i = 0; i < accepted; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i);
        }
}
END_TEST

/* ---- without a connection ---- */

START_TEST(requests_before_and_after_the_connection_are_answered)
{
        static const struct mvt_step steps[] = {{.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)}};
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_peer_start(&peer, steps, 1);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port});
        channel = mvt_mqtt_open(0);
        for (int i = 0; i < 2; i++) {
                expect_okay(mvt_mqtt_try_subscribe(channel, 11, "a", 0));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE);
                struct mvt_mqtt_codes codes = mvt_mqtt_subscribed(channel);
                ck_assert_int_eq(codes.state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
                ck_assert_uint_eq(codes.id, 11);
                ck_assert_uint_eq(codes.count, 0);
                expect_okay(mvt_mqtt_try_unsubscribe(channel, 12, "a"));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE);
                ck_assert_int_eq(mvt_mqtt_unsubscribed(channel).state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
                expect_okay(mvt_mqtt_try_publish(channel, 13, "a", "b", 2, 0));
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
                ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
                ck_assert_uint_eq(response.correlation_id, 13);
                expect_okay(mvMqttRequestDisconnect(channel));
                ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
                if (i == 1)
                        break;
                mvt_mqtt_connect(channel, &request);
                expect_okay(mvMqttRequestDisconnect(channel));
                ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
        }
}
END_TEST

/* ---- answers of a fixed time ---- */

START_TEST(with_reply_us_every_answer_takes_that_long)
{
        boot_with(0, "time: {reply_us: 5000}\n");
        for (uint32_t qos = 0; qos < 3; qos++) {
                uint64_t sent_us, now_us;
                expect_okay(mvGetMicroseconds(&sent_us));
                expect_okay(mvt_mqtt_try_publish(channel, qos, "out", "x", qos, 0));
                unsigned before = readable();
                while (readable() == before)
                        mvsim_cpu_wfi();
                expect_okay(mvGetMicroseconds(&now_us));
                ck_assert_uint_ge(now_us - sent_us, 5000);
                ck_assert_uint_le(now_us - sent_us, 5050);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, qos);
        }
        send(1, 2);
        expect_message(0);
        mvt_broker_kill(&broker);
        mvt_mqtt_disconnected(channel);
}
END_TEST

/* A day in the life of an application, of which the event log is returned. */
static char *logged_run(const char *file)
{
        char profile[512];
        snprintf(profile, sizeof profile, "time: {reply_us: 3000}\ntrace: {file: %s}\n", file);
        boot_with(0, profile);
        for (uint32_t i = 0; i < 5; i++)
                expect_okay(mvt_mqtt_try_publish(channel, i, "out", "x", i % 3, 0));
        for (uint32_t i = 0; i < 5; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                ck_assert_uint_eq(mvt_mqtt_published(channel).correlation_id, i);
        }
        expect_okay(mvMqttRequestDisconnect(channel));
        mvt_mqtt_disconnected(channel);
        mvt_channel_close(&channel);
        mvt_online_end();
        mvt_broker_finish(&broker);
        char *text = NULL;
        size_t size = 0;
        FILE *log = fopen(file, "re");
        ck_assert_ptr_nonnull(log);
        ck_assert_int_gt(getdelim(&text, &size, '\0', log), 0);
        fclose(log);
        return text;
}

START_TEST(with_reply_us_runs_are_the_same)
{
        char path[MVT_PATH_SIZE];
        struct mvt_tempdir dir;
        mvt_tempdir_make(&dir);
        mvt_path(path, &dir, "log");
        char *first = logged_run(path);
        char *second = logged_run(path);
        ck_assert_str_eq(first, second);
        free(first);
        free(second);
        mvt_tempdir_remove(&dir);
        mvt_online_boot_virtual();
}
END_TEST

START_TEST(with_reply_us_what_was_under_way_is_answered_before_the_end)
{
        static const struct mvt_step steps[] = {
                {.on = MVT_PACKET_CONNECT, MVT_SEND(MVT_CONNACK_5)},
                {.on = MVT_PACKET_PUBLISH, .then = MVT_PEER_CLOSE},
        };
        const struct MvMqttConnectRequest request = mvt_mqtt_request();
        mvt_mqtt_peer_start(&peer, steps, 2);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = peer.port, .profile = "time: {reply_us: 5000}\n"});
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
        expect_okay(mvt_mqtt_try_publish(channel, 1, "a", "b", 1, 0));
        expect_okay(mvt_mqtt_try_publish(channel, 2, "a", "b", 1, 0));
        for (uint32_t i = 1; i <= 2; i++) {
                mvt_mqtt_await(channel, MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE);
                struct MvMqttPublishResponse response = mvt_mqtt_published(channel);
                ck_assert_int_eq(response.request_state, MV_MQTTREQUESTSTATE_NOTCONNECTED);
                ck_assert_uint_eq(response.correlation_id, i);
        }
        ck_assert_int_eq(mvt_mqtt_disconnected(channel).request_state, MV_MQTTREQUESTSTATE_REQUESTCOMPLETED);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("mqtt queue");
        TCase *tests = tcase_create("queue");
        tcase_add_checked_fixture(tests, NULL, end);
        tcase_add_test(tests, items_are_read_in_order_with_one_event_each);
        tcase_add_test(tests, the_next_item_is_announced_after_the_reading_call_not_in_it);
        tcase_add_test(tests, answers_and_messages_are_one_queue);
        tcase_add_test(tests, no_answer_comes_within_its_request);
        tcase_add_test(tests, what_does_not_fit_waits_and_comes_in_order);
        tcase_add_test(tests, a_message_larger_than_the_whole_buffer_is_lost);
        tcase_add_test(tests, messages_that_are_lost_take_no_room_on_the_host);
        tcase_add_test(tests, a_read_without_room_leaves_the_item);
        tcase_add_test(tests, a_broker_that_sends_too_much_is_dropped);
        tcase_add_test(tests, messages_that_come_again_do_not_count_as_too_much);
        tcase_add_test(tests, what_is_under_way_when_the_broker_is_dropped_is_answered);
        tcase_add_test(tests, eight_publishes_may_be_under_way);
        tcase_add_test(tests, each_answer_makes_room_for_one_more);
        tcase_add_test(tests, a_broker_that_does_not_read_stops_the_publisher);
        tcase_add_test(tests, what_was_answered_and_is_lost_is_told);
        tcase_add_loop_test(tests, nothing_is_sent_after_a_disconnect, 0, 3);
        tcase_add_test(tests, messages_of_qos_0_are_answered_in_their_order);
        tcase_add_test(tests, one_subscription_and_one_end_of_them_may_be_under_way);
        tcase_add_test(tests, one_disconnect_may_be_under_way);
        tcase_add_test(tests, sixteen_acknowledgements_may_be_under_way);
        tcase_add_test(tests, answers_that_are_not_read_count_once_there_is_no_room_for_them);
        tcase_add_test(tests, requests_before_and_after_the_connection_are_answered);
        tcase_add_test(tests, with_reply_us_every_answer_takes_that_long);
        tcase_add_test(tests, with_reply_us_runs_are_the_same);
        tcase_add_test(tests, with_reply_us_what_was_under_way_is_answered_before_the_end);
        suite_add_tcase(s, tests);
        return s;
}
