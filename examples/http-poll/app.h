/* What is chosen when the application is built: -DPOLLS=10, say. */
#ifndef APP_H
#define APP_H

#define APP_NAME    "http-poll"
#define APP_VERSION "1.0.0"

#define APP_URL "https://api.example.com/v1/weather"

/* How many polls to make; 0: for ever. */
#ifndef POLLS
#define POLLS 0
#endif

/* From one poll to the next. */
#ifndef POLL_MS
#define POLL_MS 3000
#endif

/* From a failure to the next try; doubles with each further failure, up to the longest. */
#define RETRY_MS     1000
#define RETRY_MAX_MS 60000

#endif
