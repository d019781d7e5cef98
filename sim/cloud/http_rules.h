/* What the cloud refuses by itself, before it asks any server (facts §9, decision 22). */
#ifndef MVS_CLOUD_HTTP_RULES_H
#define MVS_CLOUD_HTTP_RULES_H

#include "sim/link/http.h"
#include "sim/profile/profile.h"

#define MVS_HTTP_DETAIL_SIZE sizeof(((struct mvs_http_reply *)NULL)->detail)

/*
 * Checks, in this order: the URL's scheme (https; with http.allow_plain also http; any, if http.rewrite maps the URL),
 * the method, the headers, the time-out. Returns the first objection, with its reason in `detail` (MVS_HTTP_DETAIL_SIZE
 * bytes), or MVS_HTTP_OK and "". No state; any thread.
 */
enum mvs_http_outcome mvs_http_rules_check(const struct mvs_http_request *request,
                                           const struct mvs_profile_http *profile, char *detail)
        __attribute__((warn_unused_result));

#endif
