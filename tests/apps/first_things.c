#include <string.h>

#include "app.h"

static uint8_t log_buffer[1024] __attribute__((aligned(512)));

static enum MvStatus log_text(const char *text)
{
        return mvServerLog((const uint8_t *)text, (uint16_t)strlen(text));
}

static int identity(void)
{
        uint8_t id[35] = {0};
        struct {
                uint8_t before, bare[34], after;
        } places = {.before = '#', .after = '#'};
        MUST(mvGetDeviceId(id, 34) == MV_STATUS_OKAY);
        MUST(strlen((char *)id) == 34 && id[0] == 'U' && id[1] == 'V');
        MUST(mvGetDeviceId(places.bare, sizeof places.bare) == MV_STATUS_OKAY);
        MUST(memcmp(places.bare, id, 34) == 0 && places.before == '#' && places.after == '#');
        memset(id, '#', sizeof id);
        MUST(mvGetDeviceId(id, 34) == MV_STATUS_OKAY);
        MUST(id[34] == '#');
        return 0;
}

/* Handles that were never opened, as an error path that closes everything leaves them. */
static int zero_handles(void)
{
        MvChannelHandle channel = 0;
        MvNetworkHandle network = 0;
        enum MvNetworkStatus status = MV_NETWORKSTATUS_DELIBERATELYOFFLINE;
        enum MvClosureReason reason = MV_CLOSUREREASON_NONE;
        MUST(mvGetNetworkStatus(0, &status) == MV_STATUS_INVALIDHANDLE);
        MUST(status == MV_NETWORKSTATUS_DELIBERATELYOFFLINE);
        MUST(mvCloseChannel(&channel) == MV_STATUS_INVALIDHANDLE && channel == 0);
        MUST(mvReleaseNetwork(&network) == MV_STATUS_INVALIDHANDLE && network == 0);
        MUST(mvGetChannelClosureReason(0, &reason) == MV_STATUS_INVALIDHANDLE);
        MUST(reason == MV_CLOSUREREASON_NONE);
        return 0;
}

static int first_things_main(void)
{
        MUST(log_text("too early") == MV_STATUS_UNAVAILABLE);
        MUST(mvServerLoggingInit(log_buffer, sizeof log_buffer) == MV_STATUS_OKAY);
        MUST(log_text("hello") == MV_STATUS_OKAY);
        int line = identity();
        if (line == 0)
                line = zero_handles();
        if (line == 0)
                MUST(mvTestingComplete(0) == MV_STATUS_UNAVAILABLE); /* it passed; in the factory it ends here */
        return line;
}

static void never(void)
{
}

const struct mvt_app app_first_things = {.irq = TIM2_IRQn, .handler = never, .main = first_things_main};
