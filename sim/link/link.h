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

/* Cancels everything that is under way, ends the thread, frees all. No callback runs after it returns. NULL is fine. */
void mvs_link_destroy(struct mvs_link *link);

#endif
