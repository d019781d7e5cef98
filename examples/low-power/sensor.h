/* The sensor on the board. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdint.h>

/* The temperature now, in tenths of a degree. */
int32_t sensor_read(void);

#endif
