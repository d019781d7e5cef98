/*
 * A small application for the host and for the device: it links on both from this one source. It has Microvisor send it
 * a notification, waits for the interrupt, and returns 0 if the record is there.
 */
#include "stm32u5xx.h"
#include "mv_syscalls.h"

#define TAG 7

uint32_t SystemCoreClock;

static struct MvNotification ring[4] __attribute__((aligned(8)));
static volatile uint32_t taken;

void TIM8_BRK_IRQHandler(void);

void TIM8_BRK_IRQHandler(void)
{
        taken++;
}

static enum MvStatus open_centre(MvNotificationHandle *ret_centre)
{
        const struct MvNotificationSetup setup = {
                .irq = TIM8_BRK_IRQn,
                .buffer = ring,
                .buffer_size = sizeof ring,
        };
        enum MvStatus status = mvSetupNotifications(&setup, ret_centre);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        return status;
}

/* Masked while it looks: an interrupt between the look and the wait would else be slept through. */
static void wait_for_interrupt(void)
{
        __disable_irq();
        while (taken == 0) {
                __WFI();
                __enable_irq();
                __disable_irq();
        }
        __enable_irq();
}

int main(void)
{
        uint64_t now_us = 0;
        MvNotificationHandle centre;
        if (mvGetHClk(&SystemCoreClock) != MV_STATUS_OKAY || mvGetMicroseconds(&now_us) != MV_STATUS_OKAY)
                return 1;
        if (open_centre(&centre) != MV_STATUS_OKAY)
                return 2;
        if (mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELDATAREADABLE, TAG) != MV_STATUS_OKAY)
                return 3;
        wait_for_interrupt();
        return ring[0].tag == TAG && ring[0].event_type == MV_EVENTTYPE_CHANNELDATAREADABLE ? 0 : 4;
}
