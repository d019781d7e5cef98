#include "network.h"

#include "centre.h"
#include "clock.h"
#include "log.h"

#define NETWORK_IRQ TIM8_BRK_IRQn
#define NETWORK_TAG 1

static struct {
        struct centre centre;
        MvNetworkHandle handle;
} network;

static volatile bool changed;

void TIM8_BRK_IRQHandler(void);

void TIM8_BRK_IRQHandler(void)
{
        struct MvNotification record;
        while (centre_take(&network.centre, &record)) {
                if (record.event_type == MV_EVENTTYPE_NETWORKSTATUSCHANGED)
                        changed = true;
        }
}

bool network_start(void)
{
        if (!centre_open(&network.centre, NETWORK_IRQ, "the network"))
                return false;
        const struct MvRequestNetworkParams params = {
                .version = 1,
                .v1 = {.notification_handle = network.centre.handle, .notification_tag = NETWORK_TAG},
        };
        enum MvStatus status = mvRequestNetwork(&params, &network.handle);
        if (status == MV_STATUS_OKAY)
                return true;
        log_line("the network cannot be asked for: status 0x%02x", (unsigned)status);
        network_stop();
        return false;
}

void network_stop(void)
{
        if (network.handle)
                mvReleaseNetwork(&network.handle);
        centre_close(&network.centre, NETWORK_IRQ);
}

MvNetworkHandle network_handle(void)
{
        return network.handle;
}

/* Where the status cannot be had, the next channel will show it: sleeping could miss a network that is there. */
static bool may_be_connected(void)
{
        enum MvNetworkStatus status;
        return mvGetNetworkStatus(network.handle, &status) != MV_STATUS_OKAY || status == MV_NETWORKSTATUS_CONNECTED;
}

/* The flag is lowered before the status is asked for: what changes from then on raises it again. */
void network_wait(void)
{
        changed = false;
        if (may_be_connected())
                return;
        log_line("waiting for the network");
        do
                clock_wait(&changed);
        while (!may_be_connected());
        log_line("the network is there");
}

void network_idle(uint32_t limit_ms)
{
        clock_wait_for(&changed, limit_ms);
}
