/* An application built against an installed tree: one request, then which files of the simulator it has loaded. */
#include <mv_syscalls.h>
#include <mvsim/mvsim.h>
#include <stdio.h>
#include <string.h>
#include <stm32u5xx.h>

static struct MvNotification ring[4] __attribute__((aligned(8)));
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[512];
static volatile unsigned events;

void TIM8_BRK_IRQHandler(void);

void TIM8_BRK_IRQHandler(void)
{
        events++;
}

static struct MvSizedString text(const char *string)
{
        return (struct MvSizedString){(const uint8_t *)string, (uint32_t)strlen(string)};
}

static void wait_for_event(void)
{
        __disable_irq();
        for (unsigned before = events; events == before;) {
                __WFI();
                __enable_irq();
                __disable_irq();
        }
        __enable_irq();
}

static enum MvStatus request(MvNotificationHandle centre, MvNetworkHandle network, struct MvHttpResponseData *ret_data)
{
        MvChannelHandle channel;
        struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {.notification_handle = centre,
                       .network_handle = network,
                       .receive_buffer = receive_buffer,
                       .receive_buffer_len = sizeof receive_buffer,
                       .send_buffer = send_buffer,
                       .send_buffer_len = sizeof send_buffer,
                       .channel_type = MV_CHANNELTYPE_HTTP,
                       .endpoint = text("")},
        };
        struct MvHttpRequest get = {
                .method = text("GET"), .url = text("https://api.example.com/"), .body = text(""), .timeout_ms = 5000};
        enum MvStatus status = mvOpenChannel(&params, &channel);
        if (status == MV_STATUS_OKAY)
                status = mvSendHttpRequest(channel, &get);
        if (status != MV_STATUS_OKAY)
                return status;
        wait_for_event();
        return mvReadHttpResponseData(channel, ret_data);
}

static void show_loaded(void)
{
        char line[4096];
        FILE *maps = fopen("/proc/self/maps", "r");
        while (maps && fgets(line, sizeof line, maps)) {
                const char *path = strchr(line, '/');
                if (path && (strstr(path, "/libmvsim.so") || strstr(path, "/mvsim-http.so")))
                        printf("loaded: %s", path);
        }
        if (maps)
                fclose(maps);
}

int main(void)
{
        MvNotificationHandle centre;
        MvNetworkHandle network;
        struct MvHttpResponseData data;
        struct MvNotificationSetup setup = {.irq = TIM8_BRK_IRQn, .buffer = ring, .buffer_size = sizeof ring};
        if (mvSetupNotifications(&setup, &centre) != MV_STATUS_OKAY)
                return 1;
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        struct MvRequestNetworkParams wish = {.version = 1, .v1 = {.notification_handle = centre}};
        if (mvRequestNetwork(&wish, &network) != MV_STATUS_OKAY)
                return 1;
        wait_for_event();
        if (request(centre, network, &data) != MV_STATUS_OKAY) {
                printf("%s\n", mvsim_last_reject()->message);
                return 1;
        }
        printf("result %d\n", (int)data.result);
        show_loaded();
        return 0;
}
