/* Streams of system-wide events (mvOpenSystemNotification). Device lock held everywhere. */
#ifndef MVS_SYSTEM_H
#define MVS_SYSTEM_H

#include "src/call.h"

#define MVS_STREAMS_MAX 32

struct mvs_stream {
        struct mvs_object object; /* first */
        uint32_t centre;          /* the notification centre's handle; it may be closed meanwhile */
        uint32_t tag;
        enum MvSystemNotificationSource source;
};

struct mvs_streams {
        struct mvs_stream streams[MVS_STREAMS_MAX];
        unsigned open;
};

/* The fields of MvOpenSystemNotificationParams. */
enum MvStatus mvs_system_check_params(struct mvs_call *call, const struct MvOpenSystemNotificationParams *params)
        __attribute__((warn_unused_result));

/* Something has happened that streams of the source tell: to each its record. */
void mvs_system_post(struct mvs_device *device, enum MvSystemNotificationSource source, enum MvEventType type);

#endif
