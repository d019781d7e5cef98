#include "device.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "stm32u5xx.h"

static struct MvNotification ring[16];
static MvNotificationHandle centre;
static MvNetworkHandle network;
volatile unsigned bench_events;

void TIM8_BRK_IRQHandler(void);

void TIM8_BRK_IRQHandler(void)
{
        bench_events = bench_events + 1;
}

static void connect_device(void)
{
        const struct MvNotificationSetup setup = {.irq = TIM8_BRK_IRQn, .buffer = ring, .buffer_size = sizeof ring};
        bench_need(mvSetupNotifications(&setup, &centre) == MV_STATUS_OKAY);
        const struct MvRequestNetworkParams params = {.version = 1, .v1 = {.notification_handle = centre}};
        bench_need(mvRequestNetwork(&params, &network) == MV_STATUS_OKAY);
        enum MvNetworkStatus status;
        do {
                mvGetNetworkStatus(network, &status);
        } while (status != MV_NETWORKSTATUS_CONNECTED);
        mvsim_run_for(100000); /* what there was to say about that has been said */
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
}

void bench_device_boot(const char *profile, enum mvsim_time_mode time)
{
        char path[32];
        int fd = memfd_create("profile", MFD_CLOEXEC);
        bench_need(fd >= 0);
        bench_need(dprintf(fd,
                           "network: {connect_ms: 0}\ntime: {completion_us: 1}\n"
                           "limits: {channel_opens_per_s: 1000000}\n%s",
                           profile) > 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        bench_need(mvsim_boot(&(struct mvsim_options){.profile = path, .time = time}) == 0);
        close(fd);
        connect_device();
}

MvChannelHandle bench_channel_open(enum MvChannelType type, const char *endpoint, const struct bench_buffers *buffers)
{
        const struct MvOpenChannelParams params = {
                .version = 1,
                .v1 = {.notification_handle = centre,
                       .network_handle = network,
                       .receive_buffer = buffers->receive,
                       .receive_buffer_len = buffers->receive_len,
                       .send_buffer = buffers->send,
                       .send_buffer_len = buffers->send_len,
                       .channel_type = type,
                       .endpoint = bench_sized(endpoint)},
        };
        MvChannelHandle channel;
        bench_need(mvOpenChannel(&params, &channel) == MV_STATUS_OKAY);
        return channel;
}

void bench_wait_beyond(unsigned events)
{
        __disable_irq();
        while (bench_events == events) {
                __WFI();
                __enable_irq();
                __disable_irq();
        }
        __enable_irq();
}

struct MvSizedString bench_sized(const char *text)
{
        return (struct MvSizedString){.data = (const uint8_t *)text, .length = (uint32_t)strlen(text)};
}
