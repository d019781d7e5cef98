/*
 * Every pointer that an application can hand over, in every way that it can be wrong: refused, the pointer named, and
 * nothing done. Made from the lists of calls and of pointers in structures; a call that is added is tried without
 * another word here, or fails the test that wants good arguments for it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stm32u5xx.h"

#include "lib/calls.h"
#include "lib/device.h"
#include "lib/process.h"
#include "suite.h"

#define ROOM   4096 /* what one good argument may point to */
#define CANARY 0xc3

/* ---- a device on which every call's other arguments can be good ---- */

static struct MvNotification ring[4];
/* Receive, send, free, lent, two each of config_channel, mqtt_channel and opaque_channel. They fill whole pages:
 * neighbours of what is lent would be slow. */
static uint8_t blocks[16][512] __attribute__((aligned(4096)));
static uint8_t *const lent = blocks[3];
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

static void set_up(void)
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
        expect_okay(mvServerLoggingInit(lent, sizeof blocks[3]));
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

static const char *tried_field = ""; /* the field of a structure that is being tried */

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
        ck_assert_uint_le(arg->size, ROOM);
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

static uint8_t room[MVT_ARGS_MAX][ROOM] __attribute__((aligned(512)));

static bool good_cell(const struct mvt_call *call, unsigned index, uintptr_t *ret)
{
        const struct mvt_arg *arg = &call->args[index];
        switch (arg->kind) {
        case MVT_ARG_VALUE: return good_value(arg, call, ret);
        case MVT_ARG_REGISTER: *ret = 0x46020c8c; return true; /* RCC_AHB2ENR1 */
        case MVT_ARG_HANDLE: return good_handle(call, ret);
        case MVT_ARG_IN:
        case MVT_ARG_INOUT: *ret = (uintptr_t)room[index]; return good_struct(arg, call, room[index]);
        default: *ret = (uintptr_t)room[index]; return true;
        }
}

static void good_cells(const struct mvt_call *call, uintptr_t cells[MVT_ARGS_MAX])
{
        memset(room, CANARY, sizeof room);
        memset(pointees, CANARY, sizeof pointees);
        for (unsigned i = 0; i < call->arg_count; i++)
                ck_assert_msg(good_cell(call, i, &cells[i]), "this test knows no good %s for %s: tell it one",
                              call->args[i].name, call->name);
}

/* ---- bad pointers ---- */

static bool is_pointer(const struct mvt_arg *arg)
{
        return arg->kind != MVT_ARG_VALUE && arg->kind != MVT_ARG_REGISTER && arg->kind != MVT_ARG_HANDLE;
}

static bool is_written(enum mvt_arg_kind kind)
{
        return kind == MVT_ARG_OUT || kind == MVT_ARG_INOUT || kind == MVT_ARG_BUFFER_OUT || kind == MVT_ARG_LEND;
}

/* How many bytes the call reads or writes through the argument. */
static size_t reach(const struct mvt_call *call, unsigned index, const uintptr_t cells[MVT_ARGS_MAX])
{
        const struct mvt_arg *arg = &call->args[index];
        for (unsigned i = 0; arg->size == 0 && i < call->arg_count; i++) {
                if (strcmp(call->args[i].name, arg->length) == 0)
                        return cells[i];
        }
        return arg->size;
}

/* What may be wrong with `len` bytes; the address of bytes that are. */
struct wrong {
        const char *what;
        const char *reason; /* a word of the message */
        uintptr_t (*address)(size_t len);
        bool only_written; /* wrong only where Microvisor writes */
        bool lendable;     /* memory that is lent has a status of its own in calls that lend */
};

static uint8_t *read_only, *mapped;

static uintptr_t null_address(size_t len)
{
        (void)len;
        return 0;
}

static uintptr_t unmapped_address(size_t len)
{
        (void)len;
        return MVT_UNMAPPED;
}

static uintptr_t read_only_address(size_t len)
{
        (void)len;
        return (uintptr_t)read_only;
}

static uintptr_t secure_address(size_t len)
{
        (void)len;
        return (uintptr_t)mvsim_last_reject();
}

static uintptr_t lent_address(size_t len)
{
        (void)len;
        return (uintptr_t)lent;
}

static uintptr_t lent_with_its_last_byte(size_t len)
{
        return (uintptr_t)lent - len + 1;
}

static uintptr_t straddling_address(size_t len)
{
        return (uintptr_t)mapped + mvt_page_size() - len + 1;
}

/* Where the device has TIM3; and secure SRAM. */
static uintptr_t peripheral_address(size_t len)
{
        (void)len;
        return 0x40000400;
}

static uintptr_t secure_memory_address(size_t len)
{
        (void)len;
        return 0x30000000;
}

static uintptr_t overflowing_address(size_t len)
{
        return (uintptr_t)0 - len / 2;
}

static const struct wrong wrongs[] = {
        {"NULL", "is NULL", null_address, false, false},
        {"an address at which nothing is", "is not mapped", unmapped_address, false, false},
        {"a read-only page", "is read-only", read_only_address, true, false},
        {"memory of the simulator", "belongs to the secure world", secure_address, false, false},
        {"memory that is lent", "is lent to Microvisor", lent_address, false, true},
        {"memory of which the last byte is lent", "is lent to Microvisor", lent_with_its_last_byte, false, true},
        {"memory that ends one byte too soon", "is not mapped", straddling_address, false, false},
        {"a peripheral", "is a peripheral's register, not memory (TIM3)", peripheral_address, false, false},
        {"the device's secure memory", "is secure memory, which belongs to Microvisor", secure_memory_address, false,
         false},
        {"a range that overflows", "overflows the address space", overflowing_address, false, false},
};

#define WRONGS ((int)(sizeof wrongs / sizeof wrongs[0]))

static void map(void)
{
        read_only = mvt_pages(MVT_PAGES_READ_ONLY, 2);
        mapped = mvt_pages(MVT_PAGES_RW, 1);
        memset(mapped, CANARY, mvt_page_size());
}

static void unmap(void)
{
        mvt_pages_free(read_only, 2);
        mvt_pages_free(mapped, 1);
}

static void set_up_with_pages(void)
{
        set_up();
        map();
}

static void tear_down(void)
{
        unmap();
        mvt_device_end();
        close(listener);
}

/* ---- the matrix ---- */

static void check_refusal(enum MvStatus status, enum MvStatus wanted, const char *call, const char *field,
                          const struct wrong *wrong)
{
        const struct mvsim_reject *reject = mvsim_last_reject();
        ck_assert_msg(status == wanted, "%s, %s: %s is answered with 0x%x", call, field, wrong->what, status);
        ck_assert_str_eq(reject->call, call);
        ck_assert_int_eq(reject->status, wanted);
        ck_assert_msg(strcmp(reject->field, field) == 0, "%s blames \"%s\" for %s in %s", call, reject->field,
                      wrong->what, field);
        ck_assert_msg(strstr(reject->message, wrong->reason) != NULL, "%s: not \"%s\": %s", call, wrong->reason,
                      reject->message);
}

/* Counts that a call which did anything would move. */
static void check_nothing_done(const struct mvsim_statistics *before)
{
        const struct mvsim_statistics after = mvt_statistics();
        ck_assert_uint_eq(after.calls, before->calls + 1);
        ck_assert_uint_eq(after.refused, before->refused + 1);
        ck_assert_uint_eq(after.notifications, before->notifications);
        ck_assert_uint_eq(after.log_entries, before->log_entries);
        ck_assert_uint_eq(after.open_handles, before->open_handles);
}

static bool is_untouched(const uint8_t *bytes, size_t len)
{
        size_t i = 0;
        while (i < len && bytes[i] == CANARY)
                i++;
        return i == len;
}

static void try_argument(const struct mvt_call *call, unsigned index, const struct wrong *wrong)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        uint8_t good[MVT_ARGS_MAX][ROOM];
        good_cells(call, cells);
        cells[index] = wrong->address(reach(call, index, cells));
        memcpy(good, room, sizeof good);
        const struct mvsim_statistics before = mvt_statistics();
        enum MvStatus status = call->make(cells);
        check_refusal(status, MV_STATUS_PARAMETERFAULT, call->name, call->args[index].name, wrong);
        check_nothing_done(&before);
        ck_assert_mem_eq(room, good, sizeof good);
        ck_assert(is_untouched(mapped, mvt_page_size()));
}

/* Memory lent already is BUFFERALREADYINUSE where it was to be lent again; the calls' own tests say so. */
static bool applies(const struct wrong *wrong, const struct mvt_call *call, const struct mvt_arg *arg)
{
        /* Where LATEFAULT is in the list, what can be read and not written is found when it is stored. */
        bool late = call->statuses >> MV_STATUS_LATEFAULT & 1;
        return !(wrong->only_written && (late || !is_written(arg->kind))) &&
               !(wrong->lendable && arg->kind == MVT_ARG_LEND);
}

START_TEST(bad_pointer_is_refused_by_name_and_nothing_is_done)
{
        const struct mvt_call *call = &mvt_calls[_i];
        if (call->later)
                return;
        for (unsigned index = 0; index < call->arg_count; index++) {
                if (!is_pointer(&call->args[index]))
                        continue;
                for (int i = 0; i < WRONGS; i++) {
                        if (applies(&wrongs[i], call, &call->args[index]))
                                try_argument(call, index, &wrongs[i]);
                }
        }
}
END_TEST

static bool has_pointer(const struct mvt_call *call)
{
        for (unsigned index = 0; index < call->arg_count; index++) {
                if (is_pointer(&call->args[index]) || call->args[index].kind == MVT_ARG_HANDLE)
                        return true;
        }
        return false;
}

START_TEST(good_pointers_are_not_refused)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        const struct mvt_call *call = &mvt_calls[_i];
        if (call->later || !has_pointer(call)) /* mvRestart, given good arguments, does not return */
                return;
        good_cells(call, cells);
        enum MvStatus status = call->make(cells);
        ck_assert_msg(status != MV_STATUS_PARAMETERFAULT && status != MV_STATUS_INVALIDHANDLE, "%s: %s", call->name,
                      mvsim_last_reject()->message);
}
END_TEST

START_TEST(pointers_of_a_prototype_are_tried_or_are_handles)
{
        const struct mvt_call *call = &mvt_calls[_i];
        for (unsigned i = 0; i < call->arg_count; i++) {
                const struct mvt_arg *arg = &call->args[i];
                bool tried = is_pointer(arg) || arg->kind == MVT_ARG_HANDLE;
                ck_assert_msg(arg->is_pointer == tried, "%s: %s is not tried", call->name, arg->name);
        }
}
END_TEST

/* ---- pointers in structures ---- */

#define ONE_ELEMENT   SIZE_MAX
#define DEPTH_MAX     4
#define ELEMENTS_SIZE 256

struct nested {
        const char *call;
        const char *field;
        const char *below;
        size_t offset;
        size_t unit;
        size_t count_offset;
        bool written;
        bool lent; /* memory lent already has a status of its own */
        bool may_be_null;
        enum MvStatus refusal;
};

#define WRITTEN_READ                 false
#define WRITTEN_WRITE                true
#define WRITTEN_LEND                 true
#define LENT_READ                    false
#define LENT_WRITE                   false
#define LENT_LEND                    true
#define UNIT_BYTES(type, member)     1
#define UNIT_ITEMS(type, member)     (sizeof *((type *)0)->member)
#define UNIT_ONE(type, member)       (sizeof *((type *)0)->member)
#define UNIT_OPTIONAL(type, member)  (sizeof *((type *)0)->member)
#define COUNT_BYTES(type, length)    offsetof(type, length)
#define COUNT_ITEMS(type, length)    offsetof(type, length)
#define COUNT_ONE(type, length)      ONE_ELEMENT
#define COUNT_OPTIONAL(type, length) ONE_ELEMENT
#define MAY_BE_NULL_BYTES            false
#define MAY_BE_NULL_ITEMS            false
#define MAY_BE_NULL_ONE              false
#define MAY_BE_NULL_OPTIONAL         true
#define MVS_POINTER(call_, field_, below_, structure, member, access, kind, length, refusal_) \
        {#call_,                                                                              \
         field_,                                                                              \
         below_,                                                                              \
         offsetof(struct structure, member),                                                  \
         UNIT_##kind(struct structure, member),                                               \
         COUNT_##kind(struct structure, length),                                              \
         WRITTEN_##access,                                                                    \
         LENT_##access,                                                                       \
         MAY_BE_NULL_##kind,                                                                  \
         MV_STATUS_##refusal_},
static const struct nested nested[] = {
#include "src/pointers.def"
};

#define NESTED ((int)(sizeof nested / sizeof nested[0]))

static size_t nested_len(const struct nested *at, const uint8_t *structure)
{
        uint32_t count = 1;
        if (at->count_offset != ONE_ELEMENT)
                memcpy(&count, structure + at->count_offset, sizeof count);
        ck_assert_msg(count > 0, "%s of %s is empty: tell good_struct() of one that is not", at->field, at->call);
        return count * at->unit;
}

static const struct nested *find_nested(const char *call, const char *field)
{
        const struct nested *at = nested;
        while (strcmp(at->call, call) != 0 || strcmp(at->field, field) != 0)
                ck_assert_msg(++at < nested + NESTED, "pointers.def: %s has no %s", call, field);
        return at;
}

/* The structure that has the pointer: the argument itself, or the last of the elements in which it stands. Those on the
 * way are copied first, since it is to be spoilt. */
static uint8_t *holder(const struct nested *at, uint8_t *argument, unsigned depth)
{
        static uint8_t elements[DEPTH_MAX][ELEMENTS_SIZE] __attribute__((aligned(16)));
        if (!at->below)
                return argument;
        const struct nested *outer = find_nested(at->call, at->below);
        uint8_t *structure = holder(outer, argument, depth + 1);
        const void *source;
        const void *copy = elements[depth];
        size_t len = nested_len(outer, structure);
        ck_assert(depth < DEPTH_MAX && len <= ELEMENTS_SIZE);
        memcpy(&source, structure + outer->offset, sizeof source);
        memcpy(elements[depth], source, len);
        memcpy(structure + outer->offset, &copy, sizeof copy);
        return elements[depth] + len - outer->unit;
}

static unsigned structure_of(const struct mvt_call *call)
{
        unsigned index = 0;
        while (call->args[index].kind != MVT_ARG_IN)
                ck_assert_uint_lt(++index, call->arg_count);
        return index;
}

/* A request of which something could not be read ends its channel; the next one needs another. */
static void replace_channel(MvChannelHandle handle)
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

static void try_nested(const struct mvt_call *call, const struct nested *at, const struct wrong *wrong)
{
        uintptr_t cells[MVT_ARGS_MAX] = {0};
        uint8_t good[MVT_ARGS_MAX][ROOM];
        tried_field = at->field;
        good_cells(call, cells);
        uint8_t *structure = holder(at, room[structure_of(call)], 0);
        size_t len = nested_len(at, structure);
        if (len == 1 && wrong->address == overflowing_address) /* a byte has no end to overflow */
                return;
        uintptr_t address = wrong->address(len);
        memcpy(structure + at->offset, &address, sizeof address);
        memcpy(good, room, sizeof good);
        const struct mvsim_statistics before = mvt_statistics();
        enum MvStatus status = call->make(cells);
        check_refusal(status, at->refusal, at->call, at->field, wrong);
        check_nothing_done(&before);
        ck_assert_mem_eq(room, good, sizeof good);
        ck_assert(is_untouched(mapped, mvt_page_size()));
        ck_assert(at->refusal == MV_STATUS_LATEFAULT || is_untouched(&pointees[0][0], sizeof pointees));
        if (at->refusal == MV_STATUS_LATEFAULT && !at->written)
                replace_channel((MvChannelHandle)cells[0]);
}

static bool applies_nested(const struct wrong *wrong, const struct nested *at)
{
        return !(wrong->only_written && !at->written) && !(wrong->lendable && at->lent) &&
               !(wrong->address == null_address && at->may_be_null);
}

/* There has to be something to read: test_mqtt_refusals.c tries these. */
static bool reads_an_item(const struct nested *at)
{
        return strncmp(at->call, "mvMqttRe", 8) == 0 && at->written;
}

START_TEST(bad_pointer_in_a_structure_is_refused_by_name)
{
        const struct nested *at = &nested[_i];
        if (reads_an_item(at))
                return;
        const struct mvt_call *call = mvt_calls;
        while (strcmp(call->name, at->call) != 0)
                ck_assert(++call < mvt_calls + mvt_call_count);
        for (int i = 0; i < WRONGS && !call->later; i++) {
                if (applies_nested(&wrongs[i], at))
                        try_nested(call, at, &wrongs[i]);
        }
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("pointers");
        TCase *tests = tcase_create("pointers");
        tcase_add_checked_fixture(tests, set_up_with_pages, tear_down);
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, bad_pointer_is_refused_by_name_and_nothing_is_done, 0, mvt_call_count);
        tcase_add_loop_test(tests, good_pointers_are_not_refused, 0, mvt_call_count);
        tcase_add_loop_test(tests, pointers_of_a_prototype_are_tried_or_are_handles, 0, mvt_call_count);
        tcase_add_loop_test(tests, bad_pointer_in_a_structure_is_refused_by_name, 0, NESTED);
        suite_add_tcase(suite, tests);
        return suite;
}
