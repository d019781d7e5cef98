#include "life.h"

#include <check.h>

#include "device.h"
#include "stm32u5xx.h"

void mvt_network_turn_off(void)
{
        static struct MvNotification ring[2];
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 2);
        NVIC_DisableIRQ(TIM2_IRQn);
        MvNetworkHandle network = mvt_network_request(centre, 1);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
        mvsim_run_for(1000);
}

void mvt_life_restarts(void *unused)
{
        (void)unused;
        expect_okay(mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE));
        ck_abort_msg("mvRestart came back");
}

void mvt_life_sleeps(void *mode)
{
        mvt_network_turn_off();
        expect_okay(mvDeepSleep(*(enum MvDeepSleepMode *)mode));
        ck_abort_msg("mvDeepSleep came back");
}

void mvt_fall_asleep(enum MvDeepSleepMode mode)
{
        ck_assert(mvsim_catch(mvt_life_sleeps, &mode, NULL));
}

enum MvWakeReason mvt_wake_reason(void)
{
        enum MvWakeReason reason;
        expect_okay(mvGetWakeReason(&reason));
        return reason;
}

uint8_t mvt_use_flash(uint8_t value)
{
        MvExternalFlashHandle flash;
        uint8_t found;
        expect_okay(mvExternalFlashOpen(&flash));
        expect_okay(mvExternalFlashReadBlocking(flash, 0, 1, &found));
        expect_okay(mvExternalFlashWriteBlocking(flash, 0, 1, &value));
        expect_okay(mvExternalFlashClose(&flash));
        return found;
}
