#include "sensor.h"

#include "clock.h"

#define US_PER_MINUTE 60000000U

/* In the place of a sensor, of which every board has another: half a degree warmer each minute, then from the start. */
int32_t sensor_read(void)
{
        return 180 + (int32_t)(clock_us() / US_PER_MINUTE % 20) * 5;
}
