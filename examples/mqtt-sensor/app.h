/* What is chosen when the application is built: -DREPORTS=10, say. */
#ifndef APP_H
#define APP_H

#define APP_NAME    "mqtt-sensor"
#define APP_VERSION "1.0.0"

/* How many reports to make; 0: for ever. */
#ifndef REPORTS
#define REPORTS 0
#endif

/* From one report to the next, until a command changes it. */
#ifndef REPORT_MS
#define REPORT_MS 2000
#endif

/* From a failure to the next try; doubles with each further failure, up to the longest. */
#ifndef RETRY_MS
#define RETRY_MS 1000
#endif
#define RETRY_MAX_MS 60000

#define DEVICE_ID_LEN 34

/* What the cloud knows under these keys: where the broker is, and who we are to it. Certificates and keys are DER,
 * written as hexadecimal digits, and may be missing. */
#define KEY_HOST        "broker-host" /* device, config */
#define KEY_PORT        "broker-port" /* device, config */
#define KEY_CA          "broker-ca"   /* account, config */
#define KEY_CERTIFICATE "certificate" /* device, secret */
#define KEY_KEY         "private-key" /* device, secret */

#endif
