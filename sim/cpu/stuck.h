/* A wait that nothing scheduled and nothing from outside will end. */
#ifndef MVS_STUCK_H
#define MVS_STUCK_H

struct mvs_machine;

/*
 * Inside enter/leave, with nothing scheduled and nothing awaited. Where another thread of the process could still do
 * something, waits for it for a moment and returns, for the caller to look again; where there is none, it is a
 * deadlock.
 */
void mvs_cpu_stuck(struct mvs_machine *machine);

#endif
