/* A network of the test's own, which can be cut: a network namespace whose loopback interface is all there is. */
#ifndef MVT_NETNS_H
#define MVT_NETNS_H

#include <stdbool.h>

#include "tempdir.h"

/* From now on this process and its children have a network of their own. False where the host does not allow it. Before
 * the test has threads. */
bool mvt_netns_enter(void);

/* After that: what /etc/hosts says to this process and its children, a file in that directory. */
void mvt_netns_set_hosts(const struct mvt_tempdir *dir, const char *lines);

/* Nothing reaches anybody any more, and nobody hears that; until it is mended. */
void mvt_netns_cut(void);
void mvt_netns_mend(void);

#endif
