/*
 * A message that arrives while its channel ends: the broker was told that it came and will not send it again, so the
 * cloud keeps it for the next connection. The test has the device's lock until the link thread waits for it with the
 * message, and ends the channel before it gives the lock up.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "broker.h"
#include "mqtt.h"
#include "src/device.h"
#include "suite.h"

static struct mvt_broker broker;
static MvChannelHandle channel;

static void set_up(void)
{
        mvt_broker_start(&broker, NULL);
        mvt_mqtt_boot(&(struct mvt_mqtt_boot){.port = broker.port});
}

static void tear_down(void)
{
        mvt_channel_close(&channel);
        mvt_online_end();
        mvt_broker_finish(&broker);
}

static void connect_again(void)
{
        struct MvMqttConnectRequest request = mvt_mqtt_request();
        request.clean_start = 0;
        if (channel)
                mvt_channel_close(&channel);
        channel = mvt_mqtt_open(0);
        mvt_mqtt_connect(channel, &request);
}

/* Once for a message of QoS 1, and of QoS 0, which nobody keeps. */
START_TEST(what_arrives_as_its_channel_ends_comes_with_the_next)
{
        struct mvs_device *device = mvs_device_if_running();
        struct mvs_machine *machine = &device->machine;
        connect_again();
        mvt_mqtt_subscribe(channel, "in", 1);
        pthread_mutex_lock(&machine->lock);
        mvt_broker_publish(&broker, "in", "late", _i ? "-q 1" : "-q 0");
        wait_outside_until((sched_yield(), atomic_load(&machine->awaited) > 0));
        uint32_t handle = (uint32_t)(uintptr_t)channel;
        mvs_channel_break(mvs_handles_find(&device->handles, handle, MVS_OBJECT_MQTT_CHANNEL),
                          MV_CLOSUREREASON_CONNECTIONTERMINATED);
        pthread_mutex_unlock(&machine->lock);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        connect_again();
        if (_i)
                expect_okay(mvMqttAcknowledgeMessage(channel, mvt_mqtt_expect(channel, "in", "late", 1)));
        mvsim_run_for(50000);
        ck_assert_int_eq(mvt_mqtt_next(channel), MV_MQTTREADABLEDATATYPE_NONE);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("mqtt late");
        TCase *tests = tcase_create("late messages");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_loop_test(tests, what_arrives_as_its_channel_ends_comes_with_the_next, 0, 2);
        suite_add_tcase(suite, tests);
        return suite;
}
