/* A device on which every call's arguments can be good, and the good arguments. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "lib/process.h"
#include "pointers.h"

/* ---- the device ---- */

static struct MvNotification ring[4];
/* Receive, send, two that are free, two each of config_channel, mqtt_channel and opaque_channel. They fill whole pages:
 * neighbours of what is lent would be slow. */
static uint8_t blocks[16][512] __attribute__((aligned(4096)));
static MvNotificationHandle centre;
static MvNetworkHandle network;
static MvChannelHandle channel, config_channel, mqtt_channel, opaque_channel;
static int listener; /* of the endpoint */
static MvExternalFlashHandle flash;
static MvSystemEventHandle stream;
static const uint8_t text[] = "text";

static struct MvOpenChannelParams channel_params(uint8_t *receive, uint8_t *send)
{
        const struct MvSizedString endpoint = {text, 4};
        return (struct MvOpenChannelParams){
                .version = 1,
                .v1 = {centre, 2, network, receive, 512, send, 512, MV_CHANNELTYPE_HTTP, endpoint},
        };
}

static void open_channel(void)
{
        const struct MvOpenChannelParams params = channel_params(blocks[0], blocks[1]);
        expect_okay(mvOpenChannel(&params, &channel));
}

static void open_config_channel(void)
{
        struct MvOpenChannelParams params = channel_params(blocks[4], blocks[5]);
        params.v1.channel_type = MV_CHANNELTYPE_CONFIGFETCH;
        expect_okay(mvOpenChannel(&params, &config_channel));
}

static void open_mqtt_channel(void)
{
        struct MvOpenChannelParams params = channel_params(blocks[6], blocks[7]);
        params.v1.channel_type = MV_CHANNELTYPE_MQTT;
        expect_okay(mvOpenChannel(&params, &mqtt_channel));
}

static void open_opaque_channel(void)
{
        enum MvClosureReason reason = MV_CLOSUREREASON_NOTYETOPEN;
        struct MvOpenChannelParams params = channel_params(blocks[8], blocks[9]);
        params.v1.channel_type = MV_CHANNELTYPE_OPAQUEBYTES;
        expect_okay(mvOpenChannel(&params, &opaque_channel));
        wait_until(mvGetChannelClosureReason(opaque_channel, &reason) == MV_STATUS_OKAY &&
                   reason == MV_CLOSUREREASON_NONE);
}

void mvt_good_set_up(void)
{
        char profile[256];
        uint16_t port = 0;
        listener = mvt_listen(&port);
        snprintf(profile, sizeof profile,
                 "log: {level: error}\ndevice: {test_mode: true}\nendpoints: {text: \"tcp://127.0.0.1:%u\"}\n",
                 (unsigned)port);
        mvt_device_boot(&(struct mvt_device){.leaves_handles = true, .profile = profile});
        centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        NVIC_DisableIRQ(TIM2_IRQn);
        network = mvt_network_connect(centre, 1);
        open_channel();
        open_config_channel();
        open_mqtt_channel();
        open_opaque_channel();
        expect_okay(mvExternalFlashOpen(&flash));
        const struct MvOpenSystemNotificationParams system = {centre, 4, MV_SYSTEMNOTIFICATIONSOURCE_UPDATE};
        expect_okay(mvOpenSystemNotification(&system, &stream));
}

/* ---- good arguments: what the call is given where it is not being tried ---- */

/* What good structures point to, and more than one element where there may be more. */
static const struct MvHttpHeader header_lines[] = {{4, text}, {4, text}};
static const struct MvConfigKeyToFetch config_keys[] = {
        {MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, {text, 4}},
        {MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, {text, 4}},
};
static const struct MvSizedString strings[] = {{text, 4}, {text, 4}};
static const struct MvMqttSubscription subscriptions[] = {{.topic = {text, 4}}, {.topic = {text, 4}}};
static const struct MvTlsCredentials tls = {{2, strings}, {{2, strings}, {text, 4}}};
static const struct MvMqttWill will = {{text, 4}, {text, 4}, 0, 0};
static uint8_t pointees[8][64] __attribute__((aligned(8))); /* written to */

static struct MvSizedStringBuffer string_buffer(unsigned index)
{
        return (struct MvSizedStringBuffer){pointees[index], 32, (uint32_t *)(void *)pointees[index + 1]};
}

static const char *tried_field; /* of a structure */

/* Nobody listens there. Either of a user's name and a client's key, whose pointers count where it is used. */
static struct MvMqttConnectRequest connect_request(void)
{
        static const uint8_t host[] = "127.0.0.1";
        struct MvMqttConnectRequest request = {
                .host = {host, 9},
                .port = 1,
                .clientid = {text, 4},
                .authentication.username_password = {{text, 4}, {text, 4}},
                .will = &will,
        };
        if (strstr(tried_field, "username_password"))
                request.authentication.method = MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD;
        else
                request.tls_credentials = &tls;
        return request;
}

static bool good_mqtt_struct(const struct mvt_call *call, void *bytes)
{
        uint32_t *const numbers[] = {(void *)pointees[0], (void *)pointees[1], (void *)pointees[2],
                                     (void *)pointees[3]};
        if (strcmp(call->name, "mvMqttRequestConnect") == 0)
                *(struct MvMqttConnectRequest *)bytes = connect_request();
        else if (strcmp(call->name, "mvMqttRequestSubscribe") == 0)
                *(struct MvMqttSubscribeRequest *)bytes = (struct MvMqttSubscribeRequest){1, subscriptions, 2};
        else if (strcmp(call->name, "mvMqttRequestUnsubscribe") == 0)
                *(struct MvMqttUnsubscribeRequest *)bytes = (struct MvMqttUnsubscribeRequest){1, strings, 2};
        else if (strcmp(call->name, "mvMqttRequestPublish") == 0)
                *(struct MvMqttPublishRequest *)bytes =
                        (struct MvMqttPublishRequest){.topic = {text, 4}, .payload = {text, 4}};
        else if (strcmp(call->name, "mvMqttReadSubscribeResponse") == 0)
                *(struct MvMqttSubscribeResponse *)bytes =
                        (struct MvMqttSubscribeResponse){(void *)numbers[0], numbers[1], numbers[2], 2, numbers[3]};
        else if (strcmp(call->name, "mvMqttReadUnsubscribeResponse") == 0)
                *(struct MvMqttUnsubscribeResponse *)bytes =
                        (struct MvMqttUnsubscribeResponse){(void *)numbers[0], numbers[1], numbers[2], 2, numbers[3]};
        else if (strcmp(call->name, "mvMqttReceiveMessage") == 0)
                *(struct MvMqttMessage *)bytes =
                        (struct MvMqttMessage){numbers[0], string_buffer(2), string_buffer(4), numbers[1], pointees[6]};
        else if (strcmp(call->name, "mvMqttReceiveLostMessageInfo") == 0)
                *(struct MvMqttLostMessageInfo *)bytes =
                        (struct MvMqttLostMessageInfo){(void *)numbers[0], string_buffer(2), numbers[1]};
        else
                return false;
        return true;
}

/* What an input points to; `bytes` is room for it. False: the test knows none. */
static bool good_struct(const struct mvt_arg *arg, const struct mvt_call *call, void *bytes)
{
        static struct MvNotification other_ring[2];
        static uint8_t other_blocks[2][512] __attribute__((aligned(512)));
        if (strcmp(call->name, "mvSetupNotifications") == 0)
                *(struct MvNotificationSetup *)bytes =
                        (struct MvNotificationSetup){TIM8_BRK_IRQn, other_ring, sizeof other_ring};
        else if (strcmp(call->name, "mvRequestNetwork") == 0)
                *(struct MvRequestNetworkParams *)bytes =
                        (struct MvRequestNetworkParams){.version = 1, .v1 = {centre, 3}};
        else if (strcmp(call->name, "mvOpenSystemNotification") == 0)
                *(struct MvOpenSystemNotificationParams *)bytes =
                        (struct MvOpenSystemNotificationParams){centre, 4, MV_SYSTEMNOTIFICATIONSOURCE_UPDATE};
        else if (strcmp(call->name, "mvCloseSystemNotification") == 0)
                *(MvSystemEventHandle *)bytes = stream;
        else if (strcmp(call->name, "mvOpenChannel") == 0)
                *(struct MvOpenChannelParams *)bytes = channel_params(other_blocks[0], other_blocks[1]);
        else if (strcmp(call->name, "mvSendHttpRequest") == 0)
                *(struct MvHttpRequest *)bytes = (struct MvHttpRequest){.method = {text, 4},
                                                                        .url = {text, 4},
                                                                        .num_headers = 2,
                                                                        .headers = header_lines,
                                                                        .body = {text, 4}};
        else if (strcmp(call->name, "mvSendConfigFetchRequest") == 0)
                *(struct MvConfigKeyFetchParams *)bytes = (struct MvConfigKeyFetchParams){2, config_keys};
        else if (strcmp(call->name, "mvReadConfigResponseItem") == 0)
                *(struct MvConfigResponseReadItemParams *)bytes =
                        (struct MvConfigResponseReadItemParams){0, (void *)pointees[0], string_buffer(1)};
        else if (strcmp(call->name, "mvSetWifiConfig") == 0)
                *(struct MvWifiConfig *)bytes =
                        (struct MvWifiConfig){.version = 1, .v1 = {MV_WIFICONFIGMODE_APPLYNOW, {text, 4}, {text, 4}}};
        else if (strcmp(call->name, "mvGetWifiConfig") == 0)
                *(struct MvWifiConfigOut *)bytes =
                        (struct MvWifiConfigOut){.version = 1, .v1 = {string_buffer(0), pointees[2]}};
        else if (strcmp(call->name, "mvCloseNotifications") == 0)
                *(MvNotificationHandle *)bytes = centre;
        else if (strcmp(call->name, "mvReleaseNetwork") == 0)
                *(MvNetworkHandle *)bytes = network;
        else if (strcmp(call->name, "mvCloseChannel") == 0)
                *(MvChannelHandle *)bytes = channel;
        else if (strcmp(call->name, "mvExternalFlashClose") == 0)
                *(MvExternalFlashHandle *)bytes = flash;
        else if (strcmp(call->name, "mvExternalFlashGetInfo") == 0)
                *(struct MvExternalFlashInfo *)bytes = (struct MvExternalFlashInfo){.version = 1};
        else if (!good_mqtt_struct(call, bytes))
                return false;
        ck_assert_uint_le(arg->size, MVT_ROOM);
        return true;
}

static bool good_value(const struct mvt_arg *arg, const struct mvt_call *call, uintptr_t *ret)
{
        static const struct {
                const char *call;
                const char *argument;
                uintptr_t value;
        } values[] = {
                {"mvGetDeviceId", "len", 34},
                {"mvPeriphPoke32", "mask", 1},
                {"mvPeriphPoke32", "xorvalue", 1},
                {"mvTempTriggerNotification", "type", MV_EVENTTYPE_UPDATEDOWNLOADED},
                {"mvTempTriggerNotification", "tag", 1},
                {"mvReadHttpResponseHeader", "header_index", 0},
                {"mvReadHttpResponseHeader", "size", 64},
                {"mvReadHttpResponseBody", "offset", 0},
                {"mvReadHttpResponseBody", "size", 64},
                {"mvMqttAcknowledgeMessage", "correlation_id", 1},
                {"mvReadChannelComplete", "consumed", 0},
                {"mvWriteChannelStream", "len", 64},
                {"mvWriteChannel", "len", 64},
                {"mvServerLoggingInit", "length_bytes", 512},
                {"mvServerLog", "length_bytes", 16},
                {"mvTestLoggingInit", "length_bytes", 512},
                {"mvTestLog", "length_bytes", 16},
                {"mvSystemLedEnable", "enable", 1},
                {"mvSetFastInterrupt", "irqn", TIM8_BRK_IRQn},
                {"mvClearFastInterrupt", "irqn", TIM8_BRK_IRQn},
                {"mvEnableFastInterrupt", "irqn", TIM8_BRK_IRQn},
                {"mvDisableFastInterrupt", "irqn", TIM8_BRK_IRQn},
                {"mvExternalFlashReadBlocking", "address", 0},
                {"mvExternalFlashReadBlocking", "length", 64},
                {"mvExternalFlashEraseBlocking", "address", 0},
                {"mvExternalFlashEraseBlocking", "length", 4096},
                {"mvExternalFlashWriteBlocking", "address", 0},
                {"mvExternalFlashWriteBlocking", "length", 64},
                {"mvPowerSave", "mode", MV_POWERSAVINGMODE_STOP3}, /* which the network keeps from sleeping */
        };
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                if (strcmp(values[i].call, call->name) == 0 && strcmp(values[i].argument, arg->name) == 0) {
                        *ret = values[i].value;
                        return true;
                }
        }
        return false;
}

static bool good_handle(const struct mvt_call *call, uintptr_t *ret)
{
        if (strcmp(call->name, "mvTempTriggerNotification") == 0)
                *ret = (uintptr_t)centre;
        else if (strcmp(call->name, "mvGetNetworkStatus") == 0)
                *ret = (uintptr_t)network;
        else if (strstr(call->name, "Flash"))
                *ret = (uintptr_t)flash;
        else if (strstr(call->name, "Config"))
                *ret = (uintptr_t)config_channel;
        else if (strstr(call->name, "Mqtt"))
                *ret = (uintptr_t)mqtt_channel;
        else if (strncmp(call->name, "mvReadChannel", 13) == 0 || strncmp(call->name, "mvWriteChannel", 14) == 0)
                *ret = (uintptr_t)opaque_channel;
        else if (strstr(call->name, "Http") || strstr(call->name, "Channel"))
                *ret = (uintptr_t)channel;
        else
                return false;
        return true;
}

uint8_t mvt_good_room[MVT_ARGS_MAX][MVT_ROOM] __attribute__((aligned(512)));

static bool good_cell(const struct mvt_call *call, unsigned index, uintptr_t *ret)
{
        const struct mvt_arg *arg = &call->args[index];
        switch (arg->kind) {
        case MVT_ARG_VALUE: return good_value(arg, call, ret);
        case MVT_ARG_REGISTER: *ret = 0x46020c8c; return true; /* RCC_AHB2ENR1 */
        case MVT_ARG_HANDLE: return good_handle(call, ret);
        case MVT_ARG_IN:
        case MVT_ARG_INOUT: *ret = (uintptr_t)mvt_good_room[index]; return good_struct(arg, call, mvt_good_room[index]);
        default: *ret = (uintptr_t)mvt_good_room[index]; return true;
        }
}

void mvt_good_cells(const struct mvt_call *call, const char *field, uintptr_t ret_cells[MVT_ARGS_MAX])
{
        tried_field = field;
        memset(mvt_good_room, MVT_CANARY, sizeof mvt_good_room);
        memset(pointees, MVT_CANARY, sizeof pointees);
        for (unsigned i = 0; i < call->arg_count; i++)
                ck_assert_msg(good_cell(call, i, &ret_cells[i]), "this test knows no good %s for %s: tell it one",
                              call->args[i].name, call->name);
}

bool mvt_good_pointees_are_untouched(void)
{
        return mvt_is_canary(&pointees[0][0], sizeof pointees);
}

/* ---- afterwards ---- */

/* A request of which something could not be read ends its channel; the next one needs another. */
void mvt_good_replace_channel(MvChannelHandle handle)
{
        enum MvClosureReason reason = MV_CLOSUREREASON_NONE;
        MvChannelHandle *mine = handle == channel          ? &channel
                                : handle == config_channel ? &config_channel
                                                           : &mqtt_channel;
        expect_okay(mvGetChannelClosureReason(handle, &reason));
        ck_assert_int_eq(reason, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        ck_assert_ptr_eq(*mine, handle);
        expect_okay(mvCloseChannel(mine));
        mvsim_run_for(1000000); /* not more than 8 in a second */
        if (mine == &channel)
                open_channel();
        else if (mine == &config_channel)
                open_config_channel();
        else
                open_mqtt_channel();
}

void mvt_good_tear_down(void)
{
        mvt_device_end();
        close(listener);
}
