/* The profile's rewriting of URLs (http.rewrite): another server stands in for the one the application names. */
#ifndef MVS_LINK_REWRITE_H
#define MVS_LINK_REWRITE_H

#include "sim/link/http.h"
#include "sim/profile/profile.h"

/*
 * The first rule whose `from` is a prefix of the URL, byte for byte, that ends where a part of the URL ends: at its
 * end, before '/', '?' or '#', or with a '/' of its own. NULL when there is none.
 */
const struct mvs_profile_rewrite *mvs_http_rewrite_find(const struct mvs_profile_http *http,
                                                        const struct mvs_bytes *url);

/*
 * What is fetched in place of the URL: `to` and the rest of the URL, as a string that the caller frees. The rule must
 * match. NULL when memory is short.
 */
char *mvs_http_rewrite_apply(const struct mvs_profile_rewrite *rule, const struct mvs_bytes *url)
        __attribute__((warn_unused_result));

#endif
