/* What is chosen when the application is built: -DCONNECTIONS=2, say. */
#ifndef APP_H
#define APP_H

#define APP_NAME "opaque-echo"

/* The endpoint's name, which the device's profile (or the cloud) knows. */
#define APP_ENDPOINT "echo"

/* How many connections to serve before the application ends; 0: for ever. */
#ifndef CONNECTIONS
#define CONNECTIONS 0
#endif

/* From a connection that cannot be made to the next try; doubles, up to the longest. */
#define RETRY_MS     1000
#define RETRY_MAX_MS 60000

#endif
