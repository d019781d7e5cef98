/* The end of an application that waits for what cannot come. */
#ifndef MVS_DEADLOCK_H
#define MVS_DEADLOCK_H

struct mvs_device;

void mvs_deadlock_init(struct mvs_device *device);

#endif
