/*
 * Every pointer that an application can hand over, in every way that it can be wrong: refused with PARAMETERFAULT, the
 * pointer named, and nothing done. Made from the list of calls; a call that is added is tried without another word
 * here, or fails the test that wants good arguments for it.
 */
#include <string.h>

#include "stm32u5xx.h"

#include "lib/calls.h"
#include "lib/device.h"
#include "suite.h"

#define ROOM   4096 /* what one good argument may point to */
#define CANARY 0xc3

/* ---- a device on which every call's other arguments can be good ---- */

static struct MvNotification ring[4];
static uint8_t blocks[6][512] __attribute__((aligned(512))); /* receive, send, free, lent, two of config_channel */
static uint8_t *const lent = blocks[3];
static MvNotificationHandle centre;
static MvNetworkHandle network;
static MvChannelHandle channel, config_channel;
static MvExternalFlashHandle flash;
static const uint8_t text[] = "text";

static struct MvOpenChannelParams channel_params(uint8_t *receive, uint8_t *send)
{
        const struct MvSizedString endpoint = {text, 0};
        return (struct MvOpenChannelParams){
                .version = 1,
                .v1 = {centre, 2, network, receive, 512, send, 512, MV_CHANNELTYPE_HTTP, endpoint},
        };
}

static void open_config_channel(void)
{
        struct MvOpenChannelParams params = channel_params(blocks[4], blocks[5]);
        params.v1.channel_type = MV_CHANNELTYPE_CONFIGFETCH;
        expect_okay(mvOpenChannel(&params, &config_channel));
}

static void set_up(void)
{
        mvt_device_boot(&(struct mvt_device){.leaves_handles = true,
                                             .profile = "log: {level: error}\ndevice: {test_mode: true}\n"});
        centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        NVIC_DisableIRQ(TIM2_IRQn);
        network = mvt_network_connect(centre, 1);
        const struct MvOpenChannelParams params = channel_params(blocks[0], blocks[1]);
        expect_okay(mvOpenChannel(&params, &channel));
        open_config_channel();
        expect_okay(mvServerLoggingInit(lent, sizeof blocks[3]));
        expect_okay(mvExternalFlashOpen(&flash));
}

/* ---- good arguments: what the call is given where it is not being tried ---- */

static const struct MvConfigKeyToFetch config_key = {
        MV_CONFIGKEYFETCHSCOPE_DEVICE, MV_CONFIGKEYFETCHSTORE_CONFIG, {text, 4}};
static enum MvConfigKeyFetchResult item_result;
static uint8_t item_bytes[16];
static uint32_t item_length;

static struct MvWifiConfigOut good_wifi_out(void)
{
        static uint8_t ssid[32], has_encryption;
        static uint32_t length;
        return (struct MvWifiConfigOut){.version = 1, .v1 = {{ssid, sizeof ssid, &length}, &has_encryption}};
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
        else if (strcmp(call->name, "mvOpenChannel") == 0)
                *(struct MvOpenChannelParams *)bytes = channel_params(other_blocks[0], other_blocks[1]);
        else if (strcmp(call->name, "mvSendHttpRequest") == 0)
                *(struct MvHttpRequest *)bytes = (struct MvHttpRequest){.method = {text, 4}, .url = {text, 4}};
        else if (strcmp(call->name, "mvSendConfigFetchRequest") == 0)
                *(struct MvConfigKeyFetchParams *)bytes = (struct MvConfigKeyFetchParams){1, &config_key};
        else if (strcmp(call->name, "mvReadConfigResponseItem") == 0)
                *(struct MvConfigResponseReadItemParams *)bytes =
                        (struct MvConfigResponseReadItemParams){0, &item_result, {item_bytes, 16, &item_length}};
        else if (strcmp(call->name, "mvSetWifiConfig") == 0)
                *(struct MvWifiConfig *)bytes =
                        (struct MvWifiConfig){.version = 1, .v1 = {MV_WIFICONFIGMODE_APPLYNOW, {text, 4}, {text, 4}}};
        else if (strcmp(call->name, "mvGetWifiConfig") == 0)
                *(struct MvWifiConfigOut *)bytes = good_wifi_out();
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
        else
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
static bool applies(const struct wrong *wrong, const struct mvt_arg *arg)
{
        return !(wrong->only_written && !is_written(arg->kind)) && !(wrong->lendable && arg->kind == MVT_ARG_LEND);
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
                        if (applies(&wrongs[i], &call->args[index]))
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

struct nested {
        const char *call;
        const char *field;
        size_t len; /* how many bytes are to be accessed there */
        bool written;
        bool lend;             /* memory lent already has a status of its own */
        enum MvStatus refusal; /* PARAMETERFAULT, or LATEFAULT where the header says so */
        enum MvStatus (*make)(uintptr_t address);
};

#define NESTED_LEN 32

static enum MvStatus setup_buffer(uintptr_t address)
{
        MvNotificationHandle handle = NULL;
        const struct MvNotificationSetup setup = {TIM8_BRK_IRQn, (struct MvNotification *)address, NESTED_LEN};
        enum MvStatus status = mvSetupNotifications(&setup, &handle);
        ck_assert_ptr_null(handle);
        return status;
}

static enum MvStatus open_channel(const struct MvOpenChannelParams *params)
{
        MvChannelHandle handle = NULL;
        enum MvStatus status = mvOpenChannel(params, &handle);
        ck_assert_ptr_null(handle);
        return status;
}

static enum MvStatus receive_buffer(uintptr_t address)
{
        const struct MvOpenChannelParams params = channel_params((uint8_t *)address, blocks[2]);
        return open_channel(&params);
}

static enum MvStatus send_buffer(uintptr_t address)
{
        const struct MvOpenChannelParams params = channel_params(blocks[2], (uint8_t *)address);
        return open_channel(&params);
}

static enum MvStatus endpoint_data(uintptr_t address)
{
        static uint8_t free_block[512] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = channel_params(blocks[2], free_block);
        params.v1.endpoint = (struct MvSizedString){(const uint8_t *)address, NESTED_LEN};
        return open_channel(&params);
}

/* A request that is fine but for what is set afterwards. */
static struct MvHttpRequest good_request(void)
{
        static const struct MvHttpHeader header = {4, text};
        return (struct MvHttpRequest){
                .method = {text, 4}, .url = {text, 4}, .num_headers = 1, .headers = &header, .body = {text, 4}};
}

/* A late fault ends the channel, as the header says; the next one needs another. */
static enum MvStatus send_request(const struct MvHttpRequest *request)
{
        enum MvStatus status = mvSendHttpRequest(channel, request);
        const struct mvsim_reject reject = *mvsim_last_reject();
        enum MvClosureReason reason = MV_CLOSUREREASON_NONE;
        expect_okay(mvGetChannelClosureReason(channel, &reason));
        ck_assert_int_eq(reason, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        expect_okay(mvCloseChannel(&channel));
        mvsim_run_for(1000000); /* not more than 8 in a second */
        const struct MvOpenChannelParams params = channel_params(blocks[0], blocks[1]);
        expect_okay(mvOpenChannel(&params, &channel));
        ck_assert_ptr_eq(mvsim_last_reject()->call, reject.call);
        return status;
}

static enum MvStatus method_data(uintptr_t address)
{
        struct MvHttpRequest request = good_request();
        request.method = (struct MvSizedString){(const uint8_t *)address, NESTED_LEN};
        return send_request(&request);
}

static enum MvStatus url_data(uintptr_t address)
{
        struct MvHttpRequest request = good_request();
        request.url = (struct MvSizedString){(const uint8_t *)address, NESTED_LEN};
        return send_request(&request);
}

static enum MvStatus headers(uintptr_t address)
{
        struct MvHttpRequest request = good_request();
        request.num_headers = NESTED_LEN / sizeof(struct MvHttpHeader);
        request.headers = (const struct MvHttpHeader *)address;
        return send_request(&request);
}

static enum MvStatus headers_data(uintptr_t address)
{
        struct MvHttpRequest request = good_request();
        const struct MvHttpHeader bad[] = {{4, text}, {NESTED_LEN, (const uint8_t *)address}};
        request.num_headers = 2;
        request.headers = bad;
        return send_request(&request);
}

static enum MvStatus body_data(uintptr_t address)
{
        struct MvHttpRequest request = good_request();
        request.body = (struct MvSizedString){(const uint8_t *)address, NESTED_LEN};
        return send_request(&request);
}

/* A late fault ends this channel too. */
static enum MvStatus fetch(const struct MvConfigKeyToFetch *keys)
{
        const struct MvConfigKeyFetchParams params = {1, keys};
        enum MvStatus status = mvSendConfigFetchRequest(config_channel, &params);
        enum MvClosureReason reason = MV_CLOSUREREASON_NONE;
        expect_okay(mvGetChannelClosureReason(config_channel, &reason));
        ck_assert_int_eq(reason, MV_CLOSUREREASON_CONNECTIONTERMINATED);
        expect_okay(mvCloseChannel(&config_channel));
        mvsim_run_for(1000000);
        open_config_channel();
        return status;
}

static enum MvStatus keys_to_fetch(uintptr_t address)
{
        return fetch((const struct MvConfigKeyToFetch *)address);
}

static enum MvStatus key_data(uintptr_t address)
{
        struct MvConfigKeyToFetch key = config_key;
        key.key = (struct MvSizedString){(const uint8_t *)address, NESTED_LEN};
        return fetch(&key);
}

static enum MvStatus read_item(struct MvConfigResponseReadItemParams params)
{
        item_result = MV_CONFIGKEYFETCHRESULT_SERVERERROR;
        item_length = 77;
        enum MvStatus status = mvReadConfigResponseItem(config_channel, &params);
        ck_assert_int_eq(item_result, MV_CONFIGKEYFETCHRESULT_SERVERERROR);
        ck_assert_uint_eq(item_length, 77);
        return status;
}

static enum MvStatus item_result_at(uintptr_t address)
{
        return read_item((struct MvConfigResponseReadItemParams){
                0, (enum MvConfigKeyFetchResult *)address, {item_bytes, 16, &item_length}});
}

static enum MvStatus item_data(uintptr_t address)
{
        return read_item((struct MvConfigResponseReadItemParams){
                0, &item_result, {(uint8_t *)address, NESTED_LEN, &item_length}});
}

static enum MvStatus item_length_at(uintptr_t address)
{
        return read_item(
                (struct MvConfigResponseReadItemParams){0, &item_result, {item_bytes, 16, (uint32_t *)address}});
}

static enum MvStatus wifi_ssid_data(uintptr_t address)
{
        const struct MvSizedString bad = {(const uint8_t *)address, NESTED_LEN}, good = {text, 4};
        const struct MvWifiConfig config = {.version = 1, .v1 = {MV_WIFICONFIGMODE_APPLYNOW, bad, good}};
        return mvSetWifiConfig(&config);
}

static enum MvStatus wifi_password_data(uintptr_t address)
{
        const struct MvSizedString bad = {(const uint8_t *)address, NESTED_LEN}, good = {text, 4};
        const struct MvWifiConfig config = {.version = 1, .v1 = {MV_WIFICONFIGMODE_APPLYNOW, good, bad}};
        return mvSetWifiConfig(&config);
}

static enum MvStatus ssid_data(uintptr_t address)
{
        struct MvWifiConfigOut out = good_wifi_out();
        out.v1.ssid.data = (uint8_t *)address;
        return mvGetWifiConfig(&out);
}

static enum MvStatus ssid_length(uintptr_t address)
{
        struct MvWifiConfigOut out = good_wifi_out();
        out.v1.ssid.length = (uint32_t *)address;
        return mvGetWifiConfig(&out);
}

static enum MvStatus has_encryption(uintptr_t address)
{
        struct MvWifiConfigOut out = good_wifi_out();
        out.v1.has_encryption = (uint8_t *)address;
        return mvGetWifiConfig(&out);
}

static const struct nested nested[] = {
        {"mvSetupNotifications", "buffer", NESTED_LEN, true, true, MV_STATUS_PARAMETERFAULT, setup_buffer},
        {"mvOpenChannel", "receive_buffer", 512, true, true, MV_STATUS_PARAMETERFAULT, receive_buffer},
        {"mvOpenChannel", "send_buffer", 512, true, true, MV_STATUS_PARAMETERFAULT, send_buffer},
        {"mvOpenChannel", "endpoint.data", NESTED_LEN, false, false, MV_STATUS_PARAMETERFAULT, endpoint_data},
        {"mvSendHttpRequest", "method.data", NESTED_LEN, false, false, MV_STATUS_LATEFAULT, method_data},
        {"mvSendHttpRequest", "url.data", NESTED_LEN, false, false, MV_STATUS_LATEFAULT, url_data},
        {"mvSendHttpRequest", "headers", NESTED_LEN, false, false, MV_STATUS_LATEFAULT, headers},
        {"mvSendHttpRequest", "headers[].data", NESTED_LEN, false, false, MV_STATUS_LATEFAULT, headers_data},
        {"mvSendHttpRequest", "body.data", NESTED_LEN, false, false, MV_STATUS_LATEFAULT, body_data},
        {"mvSendConfigFetchRequest", "keys_to_fetch", sizeof(struct MvConfigKeyToFetch), false, false,
         MV_STATUS_LATEFAULT, keys_to_fetch},
        {"mvSendConfigFetchRequest", "keys_to_fetch[].key.data", NESTED_LEN, false, false, MV_STATUS_LATEFAULT,
         key_data},
        {"mvReadConfigResponseItem", "result", sizeof(enum MvConfigKeyFetchResult), true, false,
         MV_STATUS_PARAMETERFAULT, item_result_at},
        {"mvReadConfigResponseItem", "buf.data", NESTED_LEN, true, false, MV_STATUS_PARAMETERFAULT, item_data},
        {"mvReadConfigResponseItem", "buf.length", sizeof(uint32_t), true, false, MV_STATUS_PARAMETERFAULT,
         item_length_at},
        {"mvSetWifiConfig", "wifi_ssid.data", NESTED_LEN, false, false, MV_STATUS_PARAMETERFAULT, wifi_ssid_data},
        {"mvSetWifiConfig", "wifi_password.data", NESTED_LEN, false, false, MV_STATUS_PARAMETERFAULT,
         wifi_password_data},
        {"mvGetWifiConfig", "ssid.data", NESTED_LEN, true, false, MV_STATUS_PARAMETERFAULT, ssid_data},
        {"mvGetWifiConfig", "ssid.length", 4, true, false, MV_STATUS_PARAMETERFAULT, ssid_length},
        {"mvGetWifiConfig", "has_encryption", 1, true, false, MV_STATUS_PARAMETERFAULT, has_encryption},
};

START_TEST(bad_pointer_in_a_structure_is_refused_by_name)
{
        const struct nested *at = &nested[_i];
        for (int i = 0; i < WRONGS; i++) {
                const struct wrong *wrong = &wrongs[i];
                bool fits = at->len == 1 && wrong->address == overflowing_address; /* a byte has no end to overflow */
                if ((wrong->only_written && !at->written) || (wrong->lendable && at->lend) || fits)
                        continue;
                const struct mvsim_statistics before = mvt_statistics();
                check_refusal(at->make(wrong->address(at->len)), at->refusal, at->call, at->field, wrong);
                ck_assert_uint_eq(mvt_open_handles(), before.open_handles);
                ck_assert_uint_eq(mvt_statistics().refused, before.refused + 1);
                ck_assert(is_untouched(mapped, mvt_page_size()));
        }
}
END_TEST

/* A structure of the library's that has a pointer, in a call that this version has: are its pointers in the table? */
START_TEST(every_call_with_pointers_in_its_structure_is_in_the_table)
{
        static const char *const without[] = {"mvRequestNetwork"};
        const struct mvt_call *call = &mvt_calls[_i];
        bool has_structure = false, known = false;
        for (unsigned i = 0; i < call->arg_count; i++)
                has_structure = has_structure || call->args[i].kind == MVT_ARG_IN;
        for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++)
                known = known || strcmp(nested[i].call, call->name) == 0;
        for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
                known = known || strcmp(without[i], call->name) == 0;
        ck_assert_msg(call->later || !has_structure || known, "%s: add its structure's pointers to the table",
                      call->name);
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
        tcase_add_loop_test(tests, bad_pointer_in_a_structure_is_refused_by_name, 0, sizeof nested / sizeof nested[0]);
        tcase_add_loop_test(tests, every_call_with_pointers_in_its_structure_is_in_the_table, 0, mvt_call_count);
        suite_add_tcase(suite, tests);
        return suite;
}
