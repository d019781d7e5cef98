/* A test that uses the network: connects, in virtual time, and makes a request, which nobody answers. */
#include <string.h>

#include "mv_syscalls.h"
#include "mvsim/mvsim.h"

static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[512] __attribute__((aligned(512)));
static struct MvNotification ring[4];

static struct MvSizedString sized(const char *text)
{
        return (struct MvSizedString){.data = (const uint8_t *)text, .length = (uint32_t)strlen(text)};
}

static enum MvStatus connect_device(MvNotificationHandle *ret_centre, MvNetworkHandle *ret_network)
{
        const struct MvNotificationSetup setup = {.irq = 50, .buffer = ring, .buffer_size = sizeof ring};
        enum MvStatus status = mvSetupNotifications(&setup, ret_centre);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {.notification_handle = *ret_centre}};
        if (status == MV_STATUS_OKAY)
                status = mvRequestNetwork(&params, ret_network);
        mvsim_run_for(1000000);
        return status;
}

static enum MvStatus send_request(MvNotificationHandle centre, MvNetworkHandle network, MvChannelHandle *ret_channel)
{
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {.notification_handle = centre,
                       .network_handle = network,
                       .receive_buffer = receive_buffer,
                       .receive_buffer_len = sizeof receive_buffer,
                       .send_buffer = send_buffer,
                       .send_buffer_len = sizeof send_buffer,
                       .channel_type = MV_CHANNELTYPE_HTTP,
                       .endpoint = sized("")},
        };
        const struct MvHttpRequest request = {
                .method = sized("GET"), .url = sized("https://127.0.0.1:1/"), .body = sized(""), .timeout_ms = 10000};
        enum MvStatus status = mvOpenChannel(&params, ret_channel);
        return status == MV_STATUS_OKAY ? mvSendHttpRequest(*ret_channel, &request) : status;
}

int main(void)
{
        MvNotificationHandle centre = 0;
        MvNetworkHandle network = 0;
        MvChannelHandle channel = 0;
        struct MvHttpResponseData data;
        enum MvStatus status = MV_STATUS_OKAY;
        if (mvsim_boot(&(struct mvsim_options){.time = MVSIM_TIME_VIRTUAL}) != 0 ||
            connect_device(&centre, &network) != MV_STATUS_OKAY ||
            send_request(centre, network, &channel) != MV_STATUS_OKAY)
                return 1;
        do {
                mvsim_run_for(1000);
                status = mvReadHttpResponseData(channel, &data);
        } while (status == MV_STATUS_RESPONSENOTPRESENT);
        return status == MV_STATUS_OKAY && data.result == MV_HTTPRESULT_REQUESTFAILED ? 0 : 2;
}
