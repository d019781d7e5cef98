/* What the applications do alike: in the order, and with the arguments, that published ones have. */
#include <string.h>

#include "app.h"

uint64_t app_now_us(void)
{
        uint64_t now = 0;
        mvGetMicroseconds(&now);
        return now;
}

uint32_t HAL_GetTick(void)
{
        return (uint32_t)(app_now_us() / 1000);
}

bool app_wait_for(const volatile bool *flag)
{
        for (unsigned ms = 0; !*flag && ms < APP_PATIENCE_MS; ms++)
                HAL_Delay(1);
        return *flag;
}

bool app_open_centre(IRQn_Type irq, volatile struct MvNotification *ring, uint32_t size, MvNotificationHandle *ret)
{
        const struct MvNotificationSetup setup = {(uint32_t)irq, (struct MvNotification *)(uintptr_t)ring, size};
        if (mvSetupNotifications(&setup, ret) != MV_STATUS_OKAY)
                return false;
        NVIC_ClearPendingIRQ(irq);
        NVIC_EnableIRQ(irq);
        return true;
}

bool app_request_network(struct app_link *link, uint32_t tag)
{
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {link->centre, tag}};
        return mvRequestNetwork(&params, &link->network) == MV_STATUS_OKAY;
}

bool app_is_connected(const struct app_link *link)
{
        enum MvNetworkStatus status;
        return mvGetNetworkStatus(link->network, &status) == MV_STATUS_OKAY && status == MV_NETWORKSTATUS_CONNECTED;
}

bool app_release(struct app_link *link)
{
        return mvReleaseNetwork(&link->network) == MV_STATUS_OKAY && link->network == 0 &&
               mvCloseNotifications(&link->centre) == MV_STATUS_OKAY && link->centre == 0;
}

enum MvStatus app_open(const struct app_link *link, enum MvChannelType type, const char *endpoint, uint32_t tag,
                       const struct app_buffers *buffers, MvChannelHandle *ret_channel)
{
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 =
                        {
                                .notification_handle = link->centre,
                                .notification_tag = tag,
                                .network_handle = link->network,
                                .receive_buffer = buffers->receive,
                                .receive_buffer_len = buffers->receive_len,
                                .send_buffer = buffers->send,
                                .send_buffer_len = buffers->send_len,
                                .channel_type = type,
                                .endpoint = app_text(endpoint),
                        },
        };
        return mvOpenChannel(&params, ret_channel);
}

bool app_is_small(const void *handle)
{
        uint32_t kept = (uint32_t)(uintptr_t)handle;
        return kept != 0 && (const void *)(uintptr_t)kept == handle;
}

int app_read_item(MvChannelHandle channel, uint32_t index, uint8_t *ret_text, uint32_t size, uint32_t *ret_len)
{
        enum MvConfigKeyFetchResult result = MV_CONFIGKEYFETCHRESULT_SERVERERROR;
        const struct MvConfigResponseReadItemParams params = {index, &result, {ret_text, size - 1, ret_len}};
        memset(ret_text, '~', size);
        MUST(mvReadConfigResponseItem(channel, &params) == MV_STATUS_OKAY);
        MUST(result == MV_CONFIGKEYFETCHRESULT_OK && *ret_len < size);
        for (uint32_t i = *ret_len; i < size; i++)
                MUST(ret_text[i] == '~');
        ret_text[*ret_len] = '\0';
        return 0;
}
