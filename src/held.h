/* The end of an application one of whose handlers waits for a lock that nobody will give back. */
#ifndef MVS_HELD_H
#define MVS_HELD_H

struct mvs_device;

void mvs_held_init(struct mvs_device *device);

#endif
