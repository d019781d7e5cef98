/* A device of whose event log a test looks at the text. */
#ifndef MVT_TRACED_H
#define MVT_TRACED_H

#include "device.h"

/* mvt_device_boot() with a log, and mvt_device_end(), which gives it back: valid until the next one. */
void mvt_traced_boot(const struct mvt_device *options);
const char *mvt_traced_end(void);

#endif
