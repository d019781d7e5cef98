/*
 * The link thread: one thread, one libuv loop, every socket of the simulated world.
 *
 * The thread and the loop start with the first use; protocol engines (curl) are private modules, loaded when the first
 * request of their kind is made. Signals that interrupt the application are blocked on the thread.
 */
#ifndef MVS_LINK_H
#define MVS_LINK_H

struct mvs_profile;
struct mvs_link;

/*
 * Makes the link. No thread is started yet. `profile` is read until mvs_link_destroy().
 * NULL when memory is short.
 */
struct mvs_link *mvs_link_create(const struct mvs_profile *profile) __attribute__((warn_unused_result));

/* Before the first use: what mvs_link_tell() leads to, on the link thread with no lock held. */
void mvs_link_set_told(struct mvs_link *link, void (*told)(void *context), void *context);

/* Link thread only: something came that the application has to see. It is woken once for all that comes in a turn of
 * the loop, before the thread sleeps. */
void mvs_link_tell(struct mvs_link *link);

/* Waits until what was asked of the link before is on its way, a second at the most. Any thread but the link's, no lock
 * held. */
void mvs_link_drain(struct mvs_link *link);

/* What was asked of it is begun; then cancels everything that is under way, ends the thread, frees all. No callback
 * runs after it returns. NULL is fine. */
void mvs_link_destroy(struct mvs_link *link);

#endif
