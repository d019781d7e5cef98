/* The log that Microvisor sends to the cloud. */
#ifndef LOG_H
#define LOG_H

/* Once, before the first line. */
void log_start(void);

/* A line, as printf makes it. It waits in the log's buffer while the device is offline. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
