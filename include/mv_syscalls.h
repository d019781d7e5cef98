/*
 * The system calls of Microvisor, as of SDK 0.7.0: names, values, structures and prototypes are the vendor's, so that
 * the same sources build for the device and for the simulator, and call the device's binary interface unchanged.
 *
 * Sources. Behind each rule stands where it comes from:
 *   [header]      what the vendor's header documents
 *   [guide]       what the vendor's guides and reference pages document
 *   [decision N]  nobody outside the vendor knows; what the simulator assumes (the manual lists the decisions). Numbers
 *                 that are guesses are defaults, which the device profile's `limits:` section changes
 *   [rule N]      one of the rules below
 * Statuses are named without their MV_STATUS_. OKAY applies to every call and is left out where it says nothing more.
 *
 * Rules for all calls
 *
 * 1. Call model. A call returns a status, and everything else through pointers. OKAY from a request whose work is done
 *    elsewhere means "accepted": the outcome comes as a notification and is fetched with the matching read call. A
 *    refused call causes no notification. [guide] No completion is delivered inside the call that asked for it.
 *    [decision 13] A call that fails writes nothing through its pointers, LATEFAULT excepted. [decision 6]
 *
 * 2. Order of checks. The first thing found wrong is what is returned [guide], in this order [decision 1]: the calling
 *    context; the parameters as declared, within a structure `version` first and then its fields as declared; the state
 *    of the object (CHANNELCLOSED, REQUESTALREADYSENT, RATELIMITED); counts and required elements; nested data while
 *    they are copied; room.
 *
 * 3. Handles are pointer-typed but never dereferenced: 32-bit numbers other than 0, chosen at random. A handle that is
 *    0, stale, or stands for another kind of object (or a channel of another type) is INVALIDHANDLE. Closing and
 *    releasing store 0 through the pointer given. All handles end when the application restarts. [header, guide] Values
 *    are not used again until the device restarts. [decision 5]
 *
 * 4. Pointers, in parameters and in structures, must refer to memory of the application's, all of it readable where
 *    Microvisor reads and writable where it writes; NULL never does. Otherwise PARAMETERFAULT, or LATEFAULT if the call
 *    had taken effect when the bad pointer was met. [header] Structures and strings of a request are copied: they are
 *    the application's again when the call returns. [guide]
 *
 * 5. Buffers lent to Microvisor (send buffers, log buffers, and the receive buffers of HTTP, CONFIGFETCH and MQTT
 *    channels) belong to the secure world from the call that lends them until the object is closed: touching one is a
 *    secure fault. When it comes back it is filled with 0xA5. Receive buffers of opaque channels stay readable,
 *    notification buffers readable and writable. [decision 3] A range that overlaps one lent already is
 *    BUFFERALREADYINUSE in every call that lends memory. [decision 4]
 *
 * 6. Interrupt handlers. "ISR: no" marks a call that returns UNAVAILABLE from an interrupt handler. "ISR: tolerated"
 *    marks one that the vendor's samples warn against but nothing refuses; it is counted and traced. From a fast
 *    interrupt's handler that pre-empted Microvisor every call returns UNAVAILABLE. [decision 2] On a Linux host
 *    the thread that stands for the processor calls: the one that runs the application.
 *
 * 7. Versioned structures: set `version` to 1, the only one there is, and fill in `v1`; else
 *    UNSUPPORTEDSTRUCTUREVERSION. [header]
 *
 * 8. Width of enums. On the device (arm-none-eabi, short enums) the five enums that end in 0xff are one byte: an
 *    application must be built with the compiler's default there. On a 64-bit Linux host all enums are four bytes, and
 *    -fshort-enums would make out-parameters the wrong width; the end of this file refuses to compile then.
 */
#ifndef MV_SYSCALLS_H
#define MV_SYSCALLS_H

#include <stdint.h>

/* The library hides all that is not API; the target's build, where these are veneers, has nothing to hide. */
#ifdef __linux__
#pragma GCC visibility push(default)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Handles ---------------------------------------------------------------------------------------------------- */

/* A notification centre: mvSetupNotifications to mvCloseNotifications. */
typedef struct MvNotificationHandleOpaque *MvNotificationHandle;
/* A request for the network: mvRequestNetwork to mvReleaseNetwork. */
typedef struct MvNetworkHandleOpaque *MvNetworkHandle;
/* A channel of any type: mvOpenChannel to mvCloseChannel. */
typedef struct MvChannelHandleOpaque *MvChannelHandle;
/* A stream of system-wide events: mvOpenSystemNotification to mvCloseSystemNotification. */
typedef struct MvSystemEventHandleOpaque *MvSystemEventHandle;
/* Access to the external flash: mvExternalFlashOpen to mvExternalFlashClose. */
typedef struct MvExternalFlashHandleOpaque *MvExternalFlashHandle;

/* ---- Enumerations ------------------------------------------------------------------------------------------------
 * The last enumerator of each only fixes its width (rule 8). Values of 0xffffffff do not fit ISO C's int, hence
 * __extension__, which keeps -Wpedantic quiet where it stands and nowhere else. */

/* What every call returns. */
__extension__ enum MvStatus {
        MV_STATUS_OKAY = 0x0,                        /* done, or accepted */
        MV_STATUS_TIMENOTSET = 0x1,                  /* no wall time from the cloud yet */
        MV_STATUS_PARAMETERFAULT = 0x2,              /* memory the application may not use so, or an unknown value */
        MV_STATUS_INVALIDBUFFERSIZE = 0x3,           /* a buffer's size breaks its rule, or the data does not fit */
        MV_STATUS_PERIPHERALACCESSFAULT = 0x4,       /* not a register that peek and poke give access to */
        MV_STATUS_BUFFERALREADYINUSE = 0x5,          /* overlaps memory that another object uses */
        MV_STATUS_INVALIDINTERRUPT = 0x6,            /* not an interrupt the application has, or used otherwise */
        MV_STATUS_INVALIDHANDLE = 0x7,               /* rule 3 */
        MV_STATUS_TOOMANYNOTIFICATIONBUFFERS = 0x8,  /* 32 centres exist */
        MV_STATUS_INVALIDVECTOR = 0x9,               /* the vector table or the vector is not the application's */
        MV_STATUS_UNAVAILABLE = 0xa,                 /* not now, not here: see the call */
        MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION = 0xb, /* rule 7 */
        MV_STATUS_TOOMANYCHANNELS = 0xc,             /* 4 channels, or 32 flash handles, are open */
        MV_STATUS_UNKNOWNCHANNELENDPOINT = 0xd,      /* no such endpoint for an opaque channel */
        MV_STATUS_UNKNOWNCHANNELTYPE = 0xe,          /* not a value of MvChannelType */
        MV_STATUS_CHANNELCLOSED = 0xf,               /* the channel has ended; its handle is still to be closed */
        MV_STATUS_NETWORKNOTCONNECTED = 0x10,        /* needs the status CONNECTED */
        MV_STATUS_RATELIMITED = 0x11,                /* too many at once or too soon; try later */
        MV_STATUS_INVALIDBUFFERALIGNMENT = 0x12,     /* an address or size is off its grid */
        MV_STATUS_LATEFAULT = 0x13,                  /* a bad pointer, met after the call had taken effect */
        MV_STATUS_RESPONSENOTPRESENT = 0x14,         /* the answer has not arrived */
        MV_STATUS_INDEXINVALID = 0x15,               /* no header or item of this index */
        MV_STATUS_OFFSETINVALID = 0x16,              /* beyond the end of the body */
        MV_STATUS_REQUESTALREADYSENT = 0x17,         /* a channel of this type carries one request */
        MV_STATUS_REQUESTUNSUCCESSFUL = 0x18,        /* the request failed, so there is nothing of it to read */
        MV_STATUS_LOGMESSAGETOOLONG = 0x19,          /* longer than any log entry may be */
        MV_STATUS_LOGGINGDISABLEDBYSERVER = 0x1a,    /* the cloud has put logging on hold */
        MV_STATUS_TOOMANYCONFIGKEYS = 0x1b,          /* more keys than a fetch may ask for */
        MV_STATUS_UNKNOWNCONFIGSTORE = 0x1c,         /* not a value of MvConfigKeyFetchStore */
        MV_STATUS_UNKNOWNCONFIGSCOPE = 0x1d,         /* not a value of MvConfigKeyFetchScope */
        MV_STATUS_INVALIDCONFIGKEY = 0x1e,           /* a key is not printable ASCII of a legal length */
        MV_STATUS_INVALIDAUTHENTICATION = 0x1f,      /* unknown, or two methods of authentication at once */
        MV_STATUS_WRONGDATAREQUESTED = 0x20,         /* the next item waiting is of another type */
        MV_STATUS_INTERNALERROR = 0x21,              /* something failed inside Microvisor; no call documents it */
        MV_STATUS_TOOMANYELEMENTS = 0x22,            /* an array is longer than its limit */
        MV_STATUS_REQUIREDELEMENTMISSING = 0x23,     /* something that may not be empty is */
        MV_STATUS_MICROVISORBUSY = 0x24,             /* would interrupt work of Microvisor's own */
        MV_STATUS_ADDRESSOUTOFRANGE = 0x25,          /* outside the application's part of the external flash */
        MV_STATUS_INPUTTOOLONG = 0x26,               /* a string is longer than its limit */
        MV_STATUS__MAX = 0xffffffff,
};

/* What a notification record reports. Which handle it comes from, the record's tag says. */
__extension__ enum MvEventType {
        MV_EVENTTYPE_NOEVENT = 0x0,               /* marks a slot that holds no record; Microvisor posts none */
        MV_EVENTTYPE_NETWORKSTATUSCHANGED = 0x1,  /* ask mvGetNetworkStatus for the status it has now */
        MV_EVENTTYPE_CHANNELDATAREADABLE = 0x2,   /* a response, message or bytes can be read */
        MV_EVENTTYPE_CHANNELDATAWRITESPACE = 0x3, /* room again after a write that came up short; opaque only */
        MV_EVENTTYPE_CHANNELNOTCONNECTED = 0x4,   /* the channel ended by itself; ask mvGetChannelClosureReason */
        MV_EVENTTYPE_UPDATEDOWNLOADED = 0x5,      /* an update waits for mvRestart */
        MV_EVENTTYPE__MAX = 0xffffffff,
};

/* The state of the one link to the cloud. The names hold, not the vendor's comments, which swap 1 and 2. */
__extension__ enum MvNetworkStatus {
        MV_NETWORKSTATUS_DELIBERATELYOFFLINE = 0x0,    /* nobody wants the link */
        MV_NETWORKSTATUS_CONNECTED = 0x1,              /* channels can be opened */
        MV_NETWORKSTATUS_CONNECTING = 0x2,             /* being made, or waiting to try again */
        MV_NETWORKSTATUS_DISCONNECTEDWITHLINKUP = 0x3, /* the cloud is lost, the network below it is not */
        MV_NETWORKSTATUS__MAX = 0xffffffff,
};

/* Why Microvisor connects, or refrains: bits, OR-ed. 0x400 is unused. [header] */
__extension__ enum MvNetworkReason {
        MV_NETWORKREASON_NOTCONNECTING = 0x0,         /* no bit: neither connecting nor kept from it */
        MV_NETWORKREASON_USINGNETWORK = 0x1,          /* the application holds a network handle */
        MV_NETWORKREASON_NEVERUSEDNETWORKAPI = 0x2,   /* mvRequestNetwork was not called since the start */
        MV_NETWORKREASON_MINIMUMCHECKINEXPIRED = 0x4, /* the bundle's check-in time has passed */
        MV_NETWORKREASON_RTCNOTSET = 0x8,             /* the wall time is wanted */
        MV_NETWORKREASON_KERNELERROR = 0x10,          /* Microvisor has a fault of its own to report */
        MV_NETWORKREASON_APPLICATIONERROR = 0x20,     /* a crash of the application is to be reported */
        MV_NETWORKREASON_COLDBOOTCONNECTION = 0x40,   /* looks for updates after a cold boot */
        MV_NETWORKREASON_FETCHINGUPDATE = 0x80,       /* an update is being downloaded */
        MV_NETWORKREASON_DEBUGGERATTACHED = 0x100,    /* a remote debugger is connected */
        MV_NETWORKREASON_NOAPPLICATIONCODE = 0x200,   /* there is no application to run */
        MV_NETWORKREASON_ENHANCECALM = 0x800,         /* backing off: the one bit that keeps from connecting */
        MV_NETWORKREASON__MAX = 0xffffffff,
};

/* What a channel carries, and so which calls it takes. */
__extension__ enum MvChannelType {
        MV_CHANNELTYPE_OPAQUEBYTES = 0x0, /* bytes both ways, to a named endpoint */
        MV_CHANNELTYPE_MQTT = 0x1,        /* one connection to a broker */
        MV_CHANNELTYPE_HTTP = 0x2,        /* one request and its response */
        MV_CHANNELTYPE_CONFIGFETCH = 0x3, /* one fetch of configuration items */
        MV_CHANNELTYPE__MAX = 0xffffffff,
};

/* Why a channel ended. */
__extension__ enum MvClosureReason {
        MV_CLOSUREREASON_NONE = 0x0,                   /* it is open, or the reason is not known */
        MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER = 0x1,  /* the other side ended it in order */
        MV_CLOSUREREASON_CHANNELRESETBYSERVER = 0x2,   /* the other side broke it off */
        MV_CLOSUREREASON_NETWORKDISCONNECTED = 0x3,    /* the link was lost or given up; channels do not survive that */
        MV_CLOSUREREASON_CONNECTIONTERMINATED = 0x4,   /* an error, such as a LATEFAULT */
        MV_CLOSUREREASON_NOTYETOPEN = 0x5,             /* an opaque channel is not connected yet, or cannot be */
        MV_CLOSUREREASON_CLOSEDBYAPPLICATION = 0x6,    /* mvCloseChannel; seen through a saved copy of the handle */
        MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED = 0x7, /* it ended and nothing more is known */
        MV_CLOSUREREASON__MAX = 0xffffffff,
};

/* How the exchange of an HTTP channel went. An HTTP error status is an exchange that went well. */
__extension__ enum MvHttpResult {
        MV_HTTPRESULT_OK = 0x0,                   /* a response came; its status_code says what kind */
        MV_HTTPRESULT_UNSUPPORTEDURISCHEME = 0x1, /* the URL is not https: */
        MV_HTTPRESULT_UNSUPPORTEDMETHOD = 0x2,    /* not one of the methods of MvHttpRequest, in capitals */
        MV_HTTPRESULT_INVALIDHEADERS = 0x3,       /* a header line is malformed, or repeats what may stand once */
        MV_HTTPRESULT_INVALIDTIMEOUT = 0x4,       /* outside 5000 to 10000 ms */
        MV_HTTPRESULT_REQUESTFAILED = 0x5,        /* unreachable, timed out, TLS refused, reply malformed */
        MV_HTTPRESULT_RESPONSETOOLARGE = 0x6,     /* more than the receive buffer holds */
        MV_HTTPRESULT__MAX = 0xffffffff,
};

/* Whose value is wanted; the device's does not fall back to the account's. */
__extension__ enum MvConfigKeyFetchScope {
        MV_CONFIGKEYFETCHSCOPE_ACCOUNT = 0x0, /* shared by all devices of the account */
        MV_CONFIGKEYFETCHSCOPE_DEVICE = 0x1,  /* this device's own */
        MV_CONFIGKEYFETCHSCOPE__MAX = 0xffffffff,
};

/* Which of the two stores is meant; the same key in both is two values. */
__extension__ enum MvConfigKeyFetchStore {
        MV_CONFIGKEYFETCHSTORE_SECRET = 0x0, /* can be written but not read over the cloud's REST interface */
        MV_CONFIGKEYFETCHSTORE_CONFIG = 0x1, /* can be written and read there */
        MV_CONFIGKEYFETCHSTORE__MAX = 0xffffffff,
};

/* How a fetch went as a whole. */
__extension__ enum MvConfigFetchResult {
        MV_CONFIGFETCHRESULT_OK = 0x0,               /* items can be read, each with its own result */
        MV_CONFIGFETCHRESULT_RESPONSETOOLARGE = 0x1, /* more than the receive buffer holds */
        MV_CONFIGFETCHRESULT__MAX = 0xffffffff,
};

/* How one item of a fetch went. */
__extension__ enum MvConfigKeyFetchResult {
        MV_CONFIGKEYFETCHRESULT_OK = 0x0,          /* the value was written */
        MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND = 0x1, /* no such key in that store and scope; length 0 */
        MV_CONFIGKEYFETCHRESULT_SERVERERROR = 0x2, /* the cloud could not look */
        MV_CONFIGKEYFETCHRESULT__MAX = 0xffffffff,
};

/* What waits next on an MQTT channel, and so which call reads it. */
__extension__ enum MvMqttReadableDataType {
        MV_MQTTREADABLEDATATYPE_NONE = 0x0,                /* nothing */
        MV_MQTTREADABLEDATATYPE_MESSAGERECEIVED = 0x1,     /* mvMqttReceiveMessage */
        MV_MQTTREADABLEDATATYPE_MESSAGELOST = 0x2,         /* mvMqttReceiveLostMessageInfo */
        MV_MQTTREADABLEDATATYPE_CONNECTRESPONSE = 0x3,     /* mvMqttReadConnectResponse */
        MV_MQTTREADABLEDATATYPE_SUBSCRIBERESPONSE = 0x4,   /* mvMqttReadSubscribeResponse */
        MV_MQTTREADABLEDATATYPE_UNSUBSCRIBERESPONSE = 0x5, /* mvMqttReadUnsubscribeResponse */
        MV_MQTTREADABLEDATATYPE_PUBLISHRESPONSE = 0x6,     /* mvMqttReadPublishResponse */
        MV_MQTTREADABLEDATATYPE_DISCONNECTRESPONSE = 0x7,  /* mvMqttReadDisconnectResponse */
        MV_MQTTREADABLEDATATYPE__MAX = 0xffffffff,
};

/* The protocol spoken with the broker. */
__extension__ enum MvMqttProtocolVersion {
        MV_MQTTPROTOCOLVERSION_V3_1_1 = 0x0, /* MQTT 3.1.1 */
        MV_MQTTPROTOCOLVERSION_V5 = 0x1,     /* MQTT 5 */
        MV_MQTTPROTOCOLVERSION__MAX = 0xffffffff,
};

/* How the device proves who it is, apart from a client certificate. One byte on the target (rule 8). */
enum MvMqttAuthenticationMethod {
        MV_MQTTAUTHENTICATIONMETHOD_NONE = 0x0,             /* not, or by the client certificate alone */
        MV_MQTTAUTHENTICATIONMETHOD_USERNAMEPASSWORD = 0x1, /* the header says MQTT 5 only; samples use 3.1.1 too */
        MV_MQTTAUTHENTICATIONMETHOD__MAX = 0xff,
};

/* How an MQTT request went. What the broker then thought of it is the reason code beside it. */
__extension__ enum MvMqttRequestState {
        MV_MQTTREQUESTSTATE_REQUESTCOMPLETED = 0x0,         /* the broker answered; see the reason code */
        MV_MQTTREQUESTSTATE_INVALIDPARAMETERS = 0x1,        /* something in the request is illegal in MQTT */
        MV_MQTTREQUESTSTATE_ALREADYCONNECTED = 0x2,         /* a connection was tried on this channel before */
        MV_MQTTREQUESTSTATE_NOTCONNECTED = 0x3,             /* there was no connection when the request was made */
        MV_MQTTREQUESTSTATE_NXDOMAIN = 0x4,                 /* connect: the host's name does not resolve */
        MV_MQTTREQUESTSTATE_UNKNOWNCA = 0x5,                /* connect: the broker's certificate is not trusted */
        MV_MQTTREQUESTSTATE_CERTIFICATEEXPIRED = 0x6,       /* connect: the broker's certificate is out of date */
        MV_MQTTREQUESTSTATE_SOCKETERROR = 0x7,              /* connect: refused, reset or timed out */
        MV_MQTTREQUESTSTATE_CONNECTIONCIRCUITBREAKER = 0x8, /* the cloud cut a broker that sent too much too fast */
        MV_MQTTREQUESTSTATE__MAX = 0xffffffff,
};

/* Why a message was lost. */
__extension__ enum MvMqttLostMessageReason {
        MV_MQTTLOSTMESSAGEREASON_DEVICERECEIVEBUFFERTOOSMALL = 0x0, /* it is larger than the whole receive buffer */
        MV_MQTTLOSTMESSAGEREASON__MAX = 0xffffffff,
};

/* Sleep that keeps memory, by the names of the STM32U5's modes, each deeper than the last. One byte on the target. */
enum MvPowerSavingMode {
        MV_POWERSAVINGMODE_SLEEP = 0x0, /* core clock off */
        MV_POWERSAVINGMODE_STOP0 = 0x1,
        MV_POWERSAVINGMODE_STOP1 = 0x2,
        MV_POWERSAVINGMODE_STOP2 = 0x3,
        MV_POWERSAVINGMODE_STOP3 = 0x4,
        MV_POWERSAVINGMODE__MAX = 0xff,
};

/* Which system-wide events a stream delivers. */
__extension__ enum MvSystemNotificationSource {
        MV_SYSTEMNOTIFICATIONSOURCE_NETWORK = 0x0, /* NETWORKSTATUSCHANGED */
        MV_SYSTEMNOTIFICATIONSOURCE_UPDATE = 0x1,  /* UPDATEDOWNLOADED */
        MV_SYSTEMNOTIFICATIONSOURCE__MAX = 0xffffffff,
};

/* Sleep that loses memory: the application starts anew. One byte on the target. */
enum MvDeepSleepMode {
        MV_DEEPSLEEPMODE_STANDBY = 0x0,  /* wakes with a DEEPSLEEP reason */
        MV_DEEPSLEEPMODE_SHUTDOWN = 0x1, /* wakes as from a cold boot */
        MV_DEEPSLEEPMODE__MAX = 0xff,
};

/* Why the application was started. One byte on the target. */
enum MvWakeReason {
        MV_WAKEREASON_COLDBOOT = 0x0,                 /* power came on, or the device left shutdown */
        MV_WAKEREASON_REMOTEMICROVISORRESTART = 0x1,  /* the cloud restarted the device */
        MV_WAKEREASON_REMOTEAPPLICATIONRESTART = 0x2, /* the cloud, or mvRestart, restarted the application */
        MV_WAKEREASON_DEBUGGERRESTART = 0x3,          /* the debugger did */
        MV_WAKEREASON_MICROVISORCRASH = 0x4,          /* Microvisor crashed */
        MV_WAKEREASON_MICROVISORWATCHDOG = 0x5,       /* Microvisor hung */
        MV_WAKEREASON_MICROVISOROUTOFMEMORY = 0x6,    /* Microvisor ran out of memory */
        MV_WAKEREASON_MICROVISORERROR = 0x7,          /* some other failure of Microvisor's */
        MV_WAKEREASON_APPLICATIONCRASH = 0x8,         /* the application faulted, or its fast handlers misbehaved */
        MV_WAKEREASON_APPLICATIONUPDATE = 0x9,        /* a new application was installed */
        MV_WAKEREASON_MICROVISORUPDATE = 0xa,         /* a new Microvisor was installed */
        MV_WAKEREASON_OPTIONBYTES = 0xb,              /* the option bytes were reloaded */
        MV_WAKEREASON_DEEPSLEEPCHECKIN = 0xc,         /* standby ended: the check-in time passed */
        MV_WAKEREASON_DEEPSLEEPAPPLICATION = 0xd,     /* standby ended: a wake-up source of the application's */
        MV_WAKEREASON_DEEPSLEEPMODEM = 0xe,           /* standby ended: the modem */
        MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC = 0xf,  /* standby ended: the application's real-time clock alarm */
        MV_WAKEREASON_DEEPSLEEPOTHER = 0x10,          /* standby ended: anything else */
        MV_WAKEREASON__MAX = 0xff,
};

/* How to restart. */
__extension__ enum MvRestartMode {
        MV_RESTARTMODE_AUTOAPPLYUPDATE = 0x0, /* install what waits; application or device, as that needs */
        MV_RESTARTMODE__MAX = 0xffffffff,
};

/* What mvSetWifiConfig does with the stored settings. One byte on the target. */
enum MvWifiConfigMode {
        MV_WIFICONFIGMODE_APPLYNOW = 0x0, /* replace them; later connections use the new ones */
        MV_WIFICONFIGMODE_CLEARNOW = 0x1, /* erase them; no later connection over Wi-Fi */
        MV_WIFICONFIGMODE__MAX = 0xff,
};

/* ---- Structures --------------------------------------------------------------------------------------------------
 * Filled in by the application unless "written" stands there. Lengths and sizes are bytes unless said otherwise. What
 * follows `version` is an unnamed union, so that later versions take the same place; to C++ that is an extension. */

/* One record of a notification buffer, 16 bytes on every ABI. Written by Microvisor; the application may clear it. */
struct MvNotification {
        uint64_t microseconds;       /* when it was issued, on the clock of mvGetMicroseconds */
        enum MvEventType event_type; /* what happened; set it to NOEVENT when the record has been dealt with */
        uint32_t tag;                /* the number given when the source was set up */
};

/* A notification centre: a ring of records, and the interrupt that announces them. */
struct MvNotificationSetup {
        uint32_t irq;                  /* interrupt number, 0 to 124, that Microvisor does not keep for itself */
        struct MvNotification *buffer; /* shared with Microvisor until the centre is closed; any alignment */
        uint32_t buffer_size;          /* bytes: a multiple of 16, at least 32 */
};

/* A request for the network. Versioned (rule 7). */
struct MvRequestNetworkParams {
        uint32_t version;
        __extension__ union {
                struct {
                        MvNotificationHandle notification_handle; /* where changes of the status are posted */
                        uint32_t notification_tag;                /* the tag of these records; any number */
                } v1;
        };
};

/* Bytes to be read, not terminated. */
struct MvSizedString {
        const uint8_t *data;
        uint32_t length;
};

/* A channel to be opened. Versioned (rule 7). */
struct MvOpenChannelParams {
        uint32_t version;
        __extension__ union {
                struct {
                        MvNotificationHandle notification_handle; /* where the channel's events are posted */
                        uint32_t notification_tag;                /* the tag of these records; any number */
                        MvNetworkHandle network_handle;           /* whose release closes the channel */
                        uint8_t *receive_buffer;                  /* lent (rule 5); any alignment [decision 17] */
                        uint32_t receive_buffer_len;              /* >= 16 for OPAQUEBYTES, else >= 512 [decision 17] */
                        uint8_t *send_buffer;                     /* lent; on a 512-byte boundary */
                        uint32_t send_buffer_len;                 /* a multiple of 512, at least 512 */
                        enum MvChannelType channel_type;
                        struct MvSizedString endpoint; /* looked up for OPAQUEBYTES only; data may not be NULL */
                } v1;
        };
};

/* One header line, "Name: value", without CR, LF or terminator. */
struct MvHttpHeader {
        uint32_t length;
        const uint8_t *data;
};

/* An HTTP request. Its contents are judged by the cloud: what is wrong comes back as MvHttpResult. */
struct MvHttpRequest {
        struct MvSizedString method; /* GET, HEAD, POST, PUT, DELETE, PATCH or OPTIONS, in capitals */
        struct MvSizedString url;    /* https:// */
        uint32_t num_headers;        /* at most 32 */
        const struct MvHttpHeader *headers;
        struct MvSizedString body; /* length 0 for none */
        uint32_t timeout_ms;       /* milliseconds: 5000 to 10000 */
};

/* Written: what came of an HTTP request. Everything but `result` is 0 unless that is OK. [decision 22] */
struct MvHttpResponseData {
        enum MvHttpResult result;
        uint32_t status_code; /* as the server gave it: 200, 404... */
        uint32_t num_headers; /* header lines there are to read; the status line is not one */
        uint32_t body_length; /* 0 for the answer to HEAD */
};

/* One item to fetch. */
struct MvConfigKeyToFetch {
        enum MvConfigKeyFetchScope scope;
        enum MvConfigKeyFetchStore store;
        struct MvSizedString key; /* printable ASCII, 1 to 100 bytes */
};

/* A fetch of configuration items. */
struct MvConfigKeyFetchParams {
        uint32_t num_items; /* 1 to 8 [decision 23] */
        const struct MvConfigKeyToFetch *keys_to_fetch;
};

/* Written: what came of a fetch. */
struct MvConfigResponseData {
        enum MvConfigFetchResult result;
        uint32_t num_items; /* as many as were asked for, found or not, in the same order */
};

/* Room for bytes to be written, without a terminator. */
struct MvSizedStringBuffer {
        uint8_t *data;
        uint32_t size;    /* the room at `data` */
        uint32_t *length; /* written: how many bytes were stored */
};

/* Where one item of a fetch goes. */
struct MvConfigResponseReadItemParams {
        uint32_t item_index;                 /* from 0, in the order of the request */
        enum MvConfigKeyFetchResult *result; /* written */
        struct MvSizedStringBuffer buf;      /* written: the value, which may have up to 4096 characters */
};

/* Credentials; both are ignored where the method is NONE and may then be NULL and 0. */
struct MvUsernamePassword {
        struct MvSizedString username;
        struct MvSizedString password;
};

/* How the device authenticates itself to the broker. */
struct MvMqttAuthentication {
        enum MvMqttAuthenticationMethod method;
        struct MvUsernamePassword username_password;
};

/* Certificates, X.509 in DER, each a string. None: 0. */
struct MvTlsCertificateChain {
        uint32_t num_certs; /* at most 8 */
        const struct MvSizedString *certs;
};

/* The device's own certificates and the key to them. */
struct MvOwnTlsCertificateChain {
        struct MvTlsCertificateChain chain;
        struct MvSizedString key; /* PKCS#8 in DER, not encrypted; needed where there is a chain */
};

/* What TLS is to use; either may be empty. */
struct MvTlsCredentials {
        struct MvTlsCertificateChain cacert;        /* trust these instead of the public roots */
        struct MvOwnTlsCertificateChain clientcert; /* not together with a user name and password */
};

/* The message the broker publishes when the device disappears. */
struct MvMqttWill {
        struct MvSizedString topic;   /* required */
        struct MvSizedString payload; /* required */
        uint32_t qos;                 /* 0 to 2 */
        uint8_t retain;               /* 0 or 1 */
};

/* A connection to a broker. */
struct MvMqttConnectRequest {
        enum MvMqttProtocolVersion protocol_version;
        struct MvSizedString host;     /* a name; required */
        uint16_t port;                 /* not 0; TLS brokers mostly use 8883 */
        struct MvSizedString clientid; /* required, though MQTT itself lets it be empty */
        struct MvMqttAuthentication authentication;
        const struct MvTlsCredentials *tls_credentials; /* NULL: public roots, no client certificate */
        uint32_t keepalive;                             /* seconds; 0 for none */
        uint8_t clean_start;                            /* 1: forget the earlier session; 0: take it up again */
        const struct MvMqttWill *will;                  /* NULL: none */
};

/* Written: the answer to a connect request. */
struct MvMqttConnectResponse {
        enum MvMqttRequestState request_state;
        uint32_t reason_code; /* the broker's: 0 is accepted */
};

/* One topic to subscribe to; the last three are MQTT 5's. */
struct MvMqttSubscription {
        struct MvSizedString topic; /* a topic filter */
        uint32_t desired_qos;       /* 0 to 2 */
        uint32_t nl;                /* no local: 0 or 1 */
        uint32_t rap;               /* retain as published: 0 or 1 */
        uint32_t rh;                /* retain handling: 0 to 2 */
};

/* A subscription to several topics at once. */
struct MvMqttSubscribeRequest {
        uint32_t correlation_id; /* any number; comes back in the response */
        const struct MvMqttSubscription *subscriptions;
        uint32_t num_subscriptions; /* 1 to 8 */
};

/* Where the answer to a subscription goes: all that is pointed at is written. */
struct MvMqttSubscribeResponse {
        enum MvMqttRequestState *request_state;
        uint32_t *correlation_id;
        uint32_t *reason_codes;     /* one a topic, in the order of the request */
        uint32_t reason_codes_size; /* room at `reason_codes`, in elements [decision 27]; the header says bytes */
        uint32_t *reason_codes_len; /* elements that were stored */
};

/* The end of subscriptions to several topics at once. */
struct MvMqttUnsubscribeRequest {
        uint32_t correlation_id; /* any number; comes back in the response */
        const struct MvSizedString *topics;
        uint32_t num_topics; /* 1 to 8 */
};

/* Where the answer to an unsubscription goes: all that is pointed at is written. */
struct MvMqttUnsubscribeResponse {
        enum MvMqttRequestState *request_state;
        uint32_t *correlation_id;
        uint32_t *reason_codes;     /* one a topic; MQTT 3.1.1, which has none, gives zeros [decision 27] */
        uint32_t reason_codes_size; /* room at `reason_codes`, in elements [decision 27]; the header says bytes */
        uint32_t *reason_codes_len; /* elements that were stored */
};

/* A message to publish. */
struct MvMqttPublishRequest {
        uint32_t correlation_id; /* any number; comes back in the response */
        struct MvSizedString topic;
        struct MvSizedString payload; /* may be empty [decision 29] */
        uint32_t desired_qos;         /* 0 to 2 */
        uint32_t retain;              /* 0 or 1 */
};

/* Written: the answer to a publication; there is one for QoS 0 too. */
struct MvMqttPublishResponse {
        enum MvMqttRequestState request_state;
        uint32_t correlation_id;
        uint32_t reason_code; /* 0 with MQTT 3.1.1 */
};

/* Where a received message goes: all that is pointed at is written. */
struct MvMqttMessage {
        uint32_t *correlation_id; /* for mvMqttAcknowledgeMessage */
        struct MvSizedStringBuffer topic;
        struct MvSizedStringBuffer payload;
        uint32_t *qos;
        uint8_t *retain;
};

/* Where word of a lost message goes: all that is pointed at is written. */
struct MvMqttLostMessageInfo {
        enum MvMqttLostMessageReason *reason;
        struct MvSizedStringBuffer topic;
        uint32_t *message_len; /* the receive buffer that the message would have needed, bytes */
};

/* Written: the end of a connection, asked for or not. */
struct MvMqttDisconnectResponse {
        enum MvMqttRequestState request_state;
        uint32_t disconnect_code; /* the broker's; 0 where it gave none [decision 28] */
};

/* A stream of system-wide events. */
struct MvOpenSystemNotificationParams {
        MvNotificationHandle notification_handle; /* where the events are posted */
        uint32_t notification_tag;                /* the tag of these records; any number */
        enum MvSystemNotificationSource notification_source;
};

/* What the external flash is. Versioned (rule 7): the application sets `version`, the rest is written. */
struct MvExternalFlashInfo {
        uint32_t version;
        __extension__ union {
                struct {
                        uint32_t chip_id;     /* the chip's JEDEC identification */
                        uint32_t size;        /* bytes that are the application's, from address 0 */
                        uint32_t num_handles; /* handles open now */
                } v1;
        };
};

/* Settings to store for Wi-Fi. Versioned (rule 7). */
struct MvWifiConfig {
        uint32_t version;
        __extension__ union {
                struct {
                        enum MvWifiConfigMode config_mode;
                        struct MvSizedString wifi_ssid;     /* 1 to 32 bytes [decision 35] */
                        struct MvSizedString wifi_password; /* 0 to 64 bytes; empty for an open network [decision 35] */
                } v1;
        };
};

/* Where the stored settings go. Versioned (rule 7). The password is never given out. */
struct MvWifiConfigOut {
        uint32_t version;
        __extension__ union {
                struct {
                        struct MvSizedStringBuffer ssid; /* written; length 0: nothing is stored */
                        uint8_t *has_encryption;         /* written: 1 if there is a password, else 0 */
                } v1;
        };
};

/* ---- General ----------------------------------------------------------------------------------------------------- */

/* Does nothing: a way to the secure world and back. Always OKAY. [header] ISR: tolerated. */
enum MvStatus mvNoOp(void);

/* ---- Time and clocks --------------------------------------------------------------------------------------------- */

/*
 * Stores the time since the device booted, in microseconds (the parameter's name is the vendor's slip): it only grows,
 * and may drift from wall time. [header] It runs on through sleep and restarts of the application. [decision 8]
 * ISR: tolerated.
 * PARAMETERFAULT  `ms` cannot be written [header]
 */
enum MvStatus mvGetMicroseconds(uint64_t *ms);

/*
 * Stores the processor's clock in Hz: 160 MHz unless the profile says otherwise. [decision 8] ISR: tolerated.
 * PARAMETERFAULT  `hz` cannot be written [header]
 */
enum MvStatus mvGetSysClk(uint32_t *hz);

/*
 * Stores the AHB clock in Hz, from which applications set SystemCoreClock: 160 MHz by default. [decision 8]
 * ISR: tolerated.
 * PARAMETERFAULT  `hz` cannot be written [header]
 */
enum MvStatus mvGetHClk(uint32_t *hz);

/*
 * Stores the clock of peripheral bus APB1 in Hz: 160 MHz by default. [decision 8] ISR: tolerated.
 * PARAMETERFAULT  `hz` cannot be written [header]
 */
enum MvStatus mvGetPClk1(uint32_t *hz);

/*
 * Stores the clock of peripheral bus APB2 in Hz: 160 MHz by default. [decision 8] ISR: tolerated.
 * PARAMETERFAULT  `hz` cannot be written [header]
 */
enum MvStatus mvGetPClk2(uint32_t *hz);

/*
 * Stores the wall time: microseconds since 1970-01-01 00:00 UTC, without leap seconds. It may jump either way whenever
 * the cloud sends it anew. [header] It outlives a restart of the application, not of the device. [decision 8]
 * ISR: tolerated.
 * PARAMETERFAULT  `usec` cannot be written [header]
 * TIMENOTSET      the cloud has not sent the time yet, which it does at the first connection [header, decision 8]
 */
enum MvStatus mvGetWallTime(uint64_t *usec);

/* ---- The device -------------------------------------------------------------------------------------------------- */

/*
 * Stores the device's identifier: 34 characters, "UV" and 32 hexadecimal digits, no terminator. [header]
 * ISR: tolerated.
 * PARAMETERFAULT     `buf` cannot be written for `len` bytes [header]
 * INVALIDBUFFERSIZE  `len` is not exactly 34; more is refused like less [header]
 */
enum MvStatus mvGetDeviceId(uint8_t *buf, uint32_t len);

/*
 * Stores the value of a register that Microvisor keeps but lets look at: those of RCC, FLASH_ACR, PWR_VOSR, PWR_DBPR
 * and CRS. [guide, decision 9] ISR: tolerated.
 * PERIPHERALACCESSFAULT  `reg`, an address, is not one of them, not a multiple of 4, or a secure alias
 *                        [header, decision 9]
 * PARAMETERFAULT         `output` cannot be written; looked at after the address [decision 9]
 */
enum MvStatus mvPeriphPeek32(uint32_t reg, uint32_t *output);

/*
 * Changes such a register to (old & ~mask) ^ xorvalue: under a mask bit of 1 the bit of `xorvalue` is stored, elsewhere
 * it toggles. Bits that are not the application's stay as they are, and that is OKAY. [header] Its own are those of the
 * enable, sleep-enable and reset registers, CCIPR1 to 3 and SRDAMR. [decision 9] ISR: tolerated.
 * PERIPHERALACCESSFAULT  as for mvPeriphPeek32 [header, decision 9]
 */
enum MvStatus mvPeriphPoke32(uint32_t reg, uint32_t mask, uint32_t xorvalue);

/* ---- Notifications ----------------------------------------------------------------------------------------------- */

/*
 * Makes a notification centre. Records go into its buffer one after the other from index 0 and round again, each
 * complete before the interrupt is pended; enabling and prioritizing that is the application's work. [header, guide]
 * A slot is written whether or not its record was consumed; overwriting one whose `event_type` is not NOEVENT counts
 * as an overrun. The buffer is not touched here. [decision 10] The next record waits until the interrupt of the last
 * has been taken. [decision 13]
 * The buffer must live until mvCloseNotifications. ISR: tolerated.
 * PARAMETERFAULT              `notifications` cannot be read, `handle_out` or the buffer cannot be written [header]
 * INVALIDBUFFERSIZE           not a multiple of 16, or less than 32 [header]
 * BUFFERALREADYINUSE          the buffer overlaps another centre's [header] or memory lent otherwise [decision 4]
 * INVALIDINTERRUPT            another centre's, a fast one [header], above 124, or Microvisor's: 3, 7, 8, 10, 28, 46,
 *                             and in test mode 15, 33, 34, 68 [decision 11]
 * TOOMANYNOTIFICATIONBUFFERS  32 centres exist [header]
 */
enum MvStatus mvSetupNotifications(const struct MvNotificationSetup *notifications, MvNotificationHandle *handle_out);

/*
 * Ends a centre and stores 0 through the pointer. No record is written and no interrupt pended from then on; one that
 * is pending stays so. What still refers to the centre goes on working, unheard. [header] The buffer is the
 * application's again. ISR: tolerated.
 * PARAMETERFAULT  the pointer cannot be read and written [header]
 * INVALIDHANDLE   no such centre [header]
 */
enum MvStatus mvCloseNotifications(MvNotificationHandle *handle_in_out);

/*
 * Posts a record of the given type and tag, for tests. [header] Any type goes, known or not. [decision 12]
 * ISR: tolerated.
 * INVALIDHANDLE  no such centre [header]
 */
enum MvStatus mvTempTriggerNotification(MvNotificationHandle handle, enum MvEventType type, uint32_t tag);

/* ---- Fast interrupts ---------------------------------------------------------------------------------------------
 * A fast interrupt is taken even while Microvisor runs. A handler that runs longer than 100 ms, or more than 100 000
 * entries in a second, get the application shut down and restarted. [decision 36] */

/*
 * Marks an interrupt fast, and leaves it disabled. [header, guide] Once more is OKAY. [decision 36] ISR: tolerated.
 * INVALIDINTERRUPT  `irqn` is not one the application may use [header], or a centre uses it [decision 36]
 * INVALIDVECTOR     the vector table or the vector is not in the application's memory [header]; here: no handler is
 *                   installed [decision 36]
 * UNAVAILABLE       the application is being shut down over its fast handlers [header]
 */
enum MvStatus mvSetFastInterrupt(uint32_t irqn);

/*
 * Makes a fast interrupt an ordinary one again. [header] ISR: tolerated.
 * INVALIDINTERRUPT  not available [header], or not marked fast [decision 36]
 * UNAVAILABLE       as for mvSetFastInterrupt [header]
 */
enum MvStatus mvClearFastInterrupt(uint32_t irqn);

/*
 * Lets a fast interrupt through. [header] ISR: tolerated.
 * INVALIDINTERRUPT  not available [header], or not marked fast [decision 36]
 * UNAVAILABLE       as for mvSetFastInterrupt [header]
 */
enum MvStatus mvEnableFastInterrupt(uint32_t irqn);

/*
 * Holds a fast interrupt back. [header] ISR: tolerated.
 * INVALIDINTERRUPT  not available [header], or not marked fast [decision 36]
 * UNAVAILABLE       as for mvSetFastInterrupt [header]
 */
enum MvStatus mvDisableFastInterrupt(uint32_t irqn);

/* Holds all fast interrupts back, whatever each one's own setting, which is kept. [header] OKAY. ISR: tolerated. */
enum MvStatus mvDisableAllFastInterrupts(void);

/* Undoes mvDisableAllFastInterrupts and nothing else. [header, decision 36] OKAY. ISR: tolerated. */
enum MvStatus mvEnableAllFastInterrupts(void);

/* ---- Network ----------------------------------------------------------------------------------------------------- */

/*
 * Asks for the network, and for it to be kept: returns at once, and Microvisor connects unless it is connected. Every
 * change of the status is posted as NETWORKSTATUSCHANGED with the tag given; where there is nothing to change, nothing
 * comes. Requests are counted. With the first one since the start Microvisor hands over the decision to stay connected.
 * [header, guide] ISR: tolerated.
 * PARAMETERFAULT               `params` cannot be read or `handle` written [header]; no such notification centre
 *                              [guide, decision 16]; 32 requests are held [guide, decision 7]
 * UNSUPPORTEDSTRUCTUREVERSION  `version` is not 1 [header]
 */
enum MvStatus mvRequestNetwork(const struct MvRequestNetworkParams *params, MvNetworkHandle *handle);

/*
 * Takes a request back and stores 0 through the pointer. [header] Channels opened on it are closed, reason
 * NETWORKDISCONNECTED. [decision 18] After the last request the link goes down, unless Microvisor needs it.
 * [guide, decision 14] ISR: tolerated.
 * PARAMETERFAULT               the pointer cannot be read and written [header]
 * INVALIDHANDLE                no such request [header]
 * UNSUPPORTEDSTRUCTUREVERSION  by fault injection only: a slip of the header, there is no structure [decision 6]
 */
enum MvStatus mvReleaseNetwork(MvNetworkHandle *handle);

/*
 * Stores the status that the link has at this moment; statuses in between are not kept. [guide] ISR: tolerated.
 * PARAMETERFAULT  `status` cannot be written [header]
 * INVALIDHANDLE   no such request; 0 is a harmless question [header]
 */
enum MvStatus mvGetNetworkStatus(MvNetworkHandle handle, enum MvNetworkStatus *status);

/*
 * Stores why Microvisor connects or not, bits of MvNetworkReason, and how many requests are held. [header]
 * ISR: tolerated.
 * PARAMETERFAULT  a pointer cannot be written [header]
 */
enum MvStatus mvGetNetworkReasons(enum MvNetworkReason *reasons, uint32_t *request_ref_count);

/* ---- Channels ---------------------------------------------------------------------------------------------------- */

/*
 * Opens a channel; requests may follow at once. Both buffers are lent until it is closed (rule 5), and the events of
 * the channel are posted with the tag given. [header, guide] ISR: tolerated.
 * UNSUPPORTEDSTRUCTUREVERSION  `version` is not 1 [rule 7]
 * PARAMETERFAULT               `params` or the endpoint cannot be read, a buffer or `handle` not be written [header];
 *                              the endpoint's data is NULL, even with length 0 [decision 17]
 * INVALIDHANDLE                no such notification centre, or no such network request [header]
 * INVALIDBUFFERALIGNMENT       the send buffer is off the 512-byte grid [header, decision 17]
 * INVALIDBUFFERSIZE            the send buffer is not a multiple of 512 of at least 512, or the receive buffer has
 *                              less than 512 (16 for OPAQUEBYTES) [header, decision 17]
 * BUFFERALREADYINUSE           a buffer overlaps the other, or memory lent already [decision 4]
 * UNKNOWNCHANNELENDPOINT       no such endpoint, OPAQUEBYTES only [header, decision 17]
 * UNKNOWNCHANNELTYPE           `channel_type` is not a value of the enum [header]
 * NETWORKNOTCONNECTED          the network's status is not CONNECTED [header]
 * RATELIMITED                  8 were opened within the last second: try again after one [header, decision 17]
 * UNAVAILABLE                  none can be opened now [header]: a restart or an update is under way [decision 20]
 * TOOMANYCHANNELS              4 are open [header]
 */
enum MvStatus mvOpenChannel(const struct MvOpenChannelParams *params, MvChannelHandle *handle);

/*
 * Opaque channels: stores where the next bytes lie in the application's own receive buffer, and how many; they may be
 * read until mvReadChannelComplete. [header] Nothing to read: OKAY, length 0, pointer NULL. [decision 21]
 * ISR: tolerated.
 * PARAMETERFAULT  a pointer cannot be written [header]
 * INVALIDHANDLE   no such channel [header], or of another type [decision 21]
 * CHANNELCLOSED   it ended [header]; what was unread is gone [decision 18]
 */
enum MvStatus mvReadChannel(MvChannelHandle handle, uint8_t **read_pointer_out, uint32_t *length_out);

/*
 * Opaque channels: gives `consumed` bytes of the receive buffer back. [header] More than there are: all, and counted as
 * a misuse. [decision 21] ISR: tolerated.
 * INVALIDHANDLE  no such channel [header], or of another type [decision 21]
 * CHANNELCLOSED  it ended [header]
 */
enum MvStatus mvReadChannelComplete(MvChannelHandle handle, uint32_t consumed);

/*
 * Opaque channels: takes as many of the `len` bytes as there is room for, and stores how many. `data` is copied.
 * [header] After a short one WRITESPACE is posted once, when there is room again. [decision 21] ISR: tolerated.
 * INVALIDHANDLE   no such channel [header], or of another type [decision 21]
 * PARAMETERFAULT  `data` cannot be read, or `written` is no memory: nothing was sent [header, decision 6]
 * LATEFAULT       `written` cannot be written: the data went all the same [header, decision 6]
 * CHANNELCLOSED   it ended [header]
 */
enum MvStatus mvWriteChannelStream(MvChannelHandle handle, const uint8_t *data, uint32_t len, uint32_t *written);

/*
 * Opaque channels: takes all of the `len` bytes or none. `data` is copied; length 0 only asks for the room. [header]
 * `available` gets the room there is after the call. WRITESPACE is posted as for mvWriteChannelStream. [decision 21]
 * ISR: tolerated.
 * INVALIDBUFFERSIZE  there is not that much room [header]
 * INVALIDHANDLE      no such channel [header], or of another type [decision 21]
 * PARAMETERFAULT     `data` cannot be read, or `available` is no memory: nothing was sent [header, decision 6]
 * LATEFAULT          `available` cannot be written: the data went all the same [header, decision 6]
 * CHANNELCLOSED      it ended [header]
 */
enum MvStatus mvWriteChannel(MvChannelHandle handle, const uint8_t *data, uint32_t len, uint32_t *available);

/*
 * Closes a channel, ended or not, and stores 0 through the pointer. Its buffers are the application's again at once.
 * [header, guide] No event is posted; what was unread is gone. [decision 18] ISR: tolerated.
 * PARAMETERFAULT  the pointer cannot be read and written [header]
 * INVALIDHANDLE   no such channel [header]
 */
enum MvStatus mvCloseChannel(MvChannelHandle *handle);

/*
 * Stores why a channel ended. [header] The last 32 closed handles are remembered too: CLOSEDBYAPPLICATION.
 * [decision 19] ISR: tolerated.
 * PARAMETERFAULT  `reason_out` cannot be written [header]
 * INVALIDHANDLE   no such channel, nor one remembered [header, decision 19]
 */
enum MvStatus mvGetChannelClosureReason(MvChannelHandle handle, enum MvClosureReason *reason_out);

/* ---- HTTP --------------------------------------------------------------------------------------------------------
 * One request a channel: send, wait for CHANNELDATAREADABLE, read, close. The cloud performs the request. Redirects are
 * not followed, compression is not asked for, cookies are not kept. [decision 22] */

/*
 * Sends the channel's request; how it went comes as CHANNELDATAREADABLE. All of the request is copied, and fits the
 * send buffer if method, URL, body, header lines, 4 bytes for each of these and 16 more do. [header, decision 22]
 * ISR: tolerated.
 * PARAMETERFAULT      `request` cannot be read [header]
 * LATEFAULT           something it points to cannot be read: close the channel, it is dead [header]
 * INVALIDHANDLE       no such channel, or not HTTP [header]
 * INVALIDBUFFERSIZE   does not fit the send buffer [header]; nothing was sent [decision 1]
 * TOOMANYELEMENTS     more than 32 headers [header]
 * CHANNELCLOSED       it ended [header]
 * REQUESTALREADYSENT  the channel has had its request [header]
 */
enum MvStatus mvSendHttpRequest(MvChannelHandle handle, const struct MvHttpRequest *request);

/*
 * Stores what came of the request. May be repeated, and polled. [header, guide] ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be written [header]
 * INVALIDHANDLE       no such channel, or not HTTP [header]
 * RESPONSENOTPRESENT  nothing has come yet [header]
 * CHANNELCLOSED       it ended [header]
 */
enum MvStatus mvReadHttpResponseData(MvChannelHandle handle, struct MvHttpResponseData *response_data);

/*
 * Copies one header line, counted from 0, as far as `size` bytes go. Neither a length nor a terminator is given: fill
 * the buffer with zeros first. [header] Lines are as received, in order. [decision 22] May be repeated. ISR: tolerated.
 * PARAMETERFAULT       `buf` cannot be written for `size` bytes [header]
 * INVALIDHANDLE        no such channel, or not HTTP [header]
 * RESPONSENOTPRESENT   nothing has come yet [header]
 * CHANNELCLOSED        it ended [header]
 * INDEXINVALID         there is no such line [header]
 * REQUESTUNSUCCESSFUL  the result is not OK [decision 22]
 */
enum MvStatus mvReadHttpResponseHeader(MvChannelHandle handle, uint32_t header_index, uint8_t *buf, uint32_t size);

/*
 * Copies the body from `offset` on, as far as it or `size` bytes go; the rest of the buffer is left alone. [header] At
 * the very end nothing is copied, OKAY. [decision 22] May be repeated. ISR: tolerated.
 * PARAMETERFAULT       `buf` cannot be written for `size` bytes [header]
 * INVALIDHANDLE        no such channel, or not HTTP [header]
 * RESPONSENOTPRESENT   nothing has come yet [header]
 * CHANNELCLOSED        it ended [header]
 * OFFSETINVALID        `offset` is beyond the end [header]
 * REQUESTUNSUCCESSFUL  the result is not OK [decision 22]
 */
enum MvStatus mvReadHttpResponseBody(MvChannelHandle handle, uint32_t offset, uint8_t *buf, uint32_t size);

/* ---- Logging ----------------------------------------------------------------------------------------------------- */

/*
 * Lends a buffer in which log entries wait for the cloud; may be the first call of all. [header, guide] A second buffer
 * takes the first one's place and what waits in it. [decision 31] ISR: tolerated.
 * PARAMETERFAULT          `buffer` cannot be written for `length_bytes` [header]
 * INVALIDBUFFERALIGNMENT  off the 512-byte grid [header, decision 31]
 * INVALIDBUFFERSIZE       not a multiple of 512 of at least 512 [header, decision 31]
 * BUFFERALREADYINUSE      overlaps memory lent already [decision 4]
 */
enum MvStatus mvServerLoggingInit(uint8_t *buffer, uint32_t length_bytes);

/*
 * Leaves a log entry of `length_bytes` bytes of text, 0 to 1024; it needs no line end. It is copied, and sent when the
 * cloud is connected; it may be lost, as in a restart. [header, guide, decision 31] ISR: tolerated.
 * UNAVAILABLE              there was no mvServerLoggingInit [header]
 * PARAMETERFAULT           `message` cannot be read [header]
 * INVALIDBUFFERSIZE        no room for it and 8 bytes more [header, decision 31]: too many, or too long offline
 * LOGMESSAGETOOLONG        more than 1024 bytes [header, decision 31]
 * LOGGINGDISABLEDBYSERVER  the cloud has put this device's logging on hold [header]
 */
enum MvStatus mvServerLog(const uint8_t *message, uint16_t length_bytes);

/* ---- Configuration -----------------------------------------------------------------------------------------------
 * One fetch a channel: send, wait for CHANNELDATAREADABLE, read, close. [header, guide] */

/*
 * Asks the cloud for items. All of the request is copied. [header] ISR: tolerated.
 * PARAMETERFAULT          `request` cannot be read [header]
 * LATEFAULT               something it points to cannot be read: close the channel, it is dead [header]
 * INVALIDHANDLE           no such channel, or not CONFIGFETCH [header]
 * INVALIDBUFFERSIZE       does not fit the send buffer [header]; nothing was sent [decision 1]
 * CHANNELCLOSED           it ended [header]
 * REQUESTALREADYSENT      the channel has had its fetch [header]
 * TOOMANYCONFIGKEYS       more than 8 items [decision 23]
 * REQUIREDELEMENTMISSING  no items [decision 23]
 * INVALIDCONFIGKEY        a key is empty, over 100 bytes, or not printable ASCII [header, decision 23]
 * UNKNOWNCONFIGSTORE      `store` is not a value of its enum [header, by the status's meaning]
 * UNKNOWNCONFIGSCOPE      `scope` is not a value of its enum [header, by the status's meaning]
 */
enum MvStatus mvSendConfigFetchRequest(MvChannelHandle handle, const struct MvConfigKeyFetchParams *request);

/*
 * Stores what came of the fetch. The answer fits the receive buffer if the values, 8 bytes for each of them and 16 more
 * do. [header, decision 23] May be repeated. ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be written [header]
 * CHANNELCLOSED       it ended [header]
 * INVALIDHANDLE       no such channel, or not CONFIGFETCH [rule 3]
 * RESPONSENOTPRESENT  nothing has come yet [decision 23]
 */
enum MvStatus mvReadConfigFetchResponseData(MvChannelHandle handle, struct MvConfigResponseData *response_data);

/*
 * Stores one item: its result, and its value without terminator. OKAY also where the result is KEYNOTFOUND; the length
 * is 0 then. May be repeated, in any order. [header, decision 23] ISR: tolerated.
 * PARAMETERFAULT      `params` cannot be read [header], or something it points to not be written [decision 1]
 * INVALIDHANDLE       no such channel, or not CONFIGFETCH [header]
 * RESPONSENOTPRESENT  nothing has come yet [header]
 * CHANNELCLOSED       it ended [header]
 * INDEXINVALID        there is no such item [header]
 * INVALIDBUFFERSIZE   the value is longer than the buffer; it can be read with a larger one [decision 23]
 */
enum MvStatus mvReadConfigResponseItem(MvChannelHandle handle, const struct MvConfigResponseReadItemParams *params);

/* ---- MQTT --------------------------------------------------------------------------------------------------------
 * One connection a channel. The cloud speaks with the broker, over TLS. All requests are answered later: each answer
 * and each message is an item in the receive buffer, announced by one CHANNELDATAREADABLE, the next one's when the one
 * before has been read. Items are read in the order they came. [header, guide, decision 30]
 * Whatever MQTT itself forbids is accepted by the call and answered INVALIDPARAMETERS; requests without a connection
 * are answered NOTCONNECTED. [decisions 25, 29] */

/*
 * Stores the type of the item waiting next, or NONE; it stays there. [header] ISR: tolerated.
 * PARAMETERFAULT  `data_type` cannot be written [header]
 * INVALIDHANDLE   no such channel, or not MQTT [header]
 * CHANNELCLOSED   it ended [header]
 */
enum MvStatus mvMqttGetNextReadableDataType(MvChannelHandle handle, enum MvMqttReadableDataType *data_type);

/*
 * Connects to a broker, once a channel. All of the request is copied. [header] ISR: tolerated.
 * PARAMETERFAULT          `request` cannot be read [header]
 * LATEFAULT               something it points to cannot be read: close the channel, it is dead [header]
 * INVALIDHANDLE           no such channel, or not MQTT [header]
 * CHANNELCLOSED           it ended [header]
 * REQUESTALREADYSENT      a connection was tried before [header]
 * INVALIDAUTHENTICATION   unknown method, or a user name and password together with a client's key [header]
 * TOOMANYELEMENTS         more than 8 certificates in a chain [header]
 * REQUIREDELEMENTMISSING  host, client id, the key to a client's certificate, or a will's topic or payload is empty
 *                         [header]
 * INVALIDBUFFERSIZE       does not fit the send buffer [decision 25]
 */
enum MvStatus mvMqttRequestConnect(MvChannelHandle handle, const struct MvMqttConnectRequest *request);

/*
 * Stores the answer to the connect request. Connected is REQUESTCOMPLETED with reason code 0. [header, guide]
 * ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           `response_data` cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReadConnectResponse(MvChannelHandle handle, struct MvMqttConnectResponse *response_data);

/*
 * Subscribes to 1 to 8 topics. All of the request is copied. [header] ISR: tolerated.
 * PARAMETERFAULT          `request` or something it points to cannot be read [header]
 * LATEFAULT               part of it was sent when that was met: close the channel, it is dead [header]
 * INVALIDHANDLE           no such channel, or not MQTT [header]
 * CHANNELCLOSED           it ended [header]
 * RATELIMITED             too many unanswered [header]: one is [decision 24]
 * TOOMANYELEMENTS         more than 8 topics [header]
 * REQUIREDELEMENTMISSING  no topics [decision 29]
 * INVALIDBUFFERSIZE       does not fit the send buffer [decision 25]
 */
enum MvStatus mvMqttRequestSubscribe(MvChannelHandle handle, const struct MvMqttSubscribeRequest *request);

/*
 * Stores the answer to a subscription: a reason code for each topic, the QoS granted or an error from 0x80 on.
 * [header] ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           something it points to cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * INVALIDBUFFERSIZE   more codes than there is room for [header]: the item stays [decision 27]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReadSubscribeResponse(MvChannelHandle handle, const struct MvMqttSubscribeResponse *response_data);

/*
 * Ends 1 to 8 subscriptions. All of the request is copied. [header] ISR: tolerated.
 * PARAMETERFAULT          `request` or something it points to cannot be read [header]
 * LATEFAULT               part of it was sent when that was met: close the channel, it is dead [header]
 * INVALIDHANDLE           no such channel, or not MQTT [header]
 * CHANNELCLOSED           it ended [header]
 * RATELIMITED             too many unanswered [header]: one is [decision 24]
 * TOOMANYELEMENTS         more than 8 topics [header]
 * REQUIREDELEMENTMISSING  no topics [decision 29]
 * INVALIDBUFFERSIZE       does not fit the send buffer [decision 25]
 */
enum MvStatus mvMqttRequestUnsubscribe(MvChannelHandle handle, const struct MvMqttUnsubscribeRequest *request);

/*
 * Stores the answer to an unsubscription: a reason code for each topic. [header] ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           something it points to cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * INVALIDBUFFERSIZE   more codes than there is room for [header]: the item stays [decision 27]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReadUnsubscribeResponse(MvChannelHandle handle,
                                            const struct MvMqttUnsubscribeResponse *response_data);

/*
 * Publishes a message. All of the request is copied. [header] ISR: tolerated.
 * PARAMETERFAULT     `request` cannot be read [header]
 * LATEFAULT          something it points to cannot be read: close the channel, it is dead [header]
 * INVALIDHANDLE      no such channel, or not MQTT [header]
 * CHANNELCLOSED      it ended [header]
 * RATELIMITED        too many unanswered [header]: 8 are [decision 24]
 * INVALIDBUFFERSIZE  does not fit the send buffer [decision 25]
 */
enum MvStatus mvMqttRequestPublish(MvChannelHandle handle, const struct MvMqttPublishRequest *request);

/*
 * Stores the answer to a publication. [header] ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           `response_data` cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReadPublishResponse(MvChannelHandle handle, struct MvMqttPublishResponse *response_data);

/*
 * Stores the message waiting next. Those of QoS 1 and 2 are to be acknowledged. [header] ISR: tolerated.
 * PARAMETERFAULT      `message_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           something it points to cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * INVALIDBUFFERSIZE   topic or payload is longer than its buffer [header]: the item stays [decision 27]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReceiveMessage(MvChannelHandle handle, const struct MvMqttMessage *message_data);

/*
 * Stores word of a message that was larger than the whole receive buffer. [header, decision 26] ISR: tolerated.
 * PARAMETERFAULT      `lost_message_info` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           something it points to cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * INVALIDBUFFERSIZE   the topic is longer than its buffer [header]: the item stays [decision 27]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReceiveLostMessageInfo(MvChannelHandle handle,
                                           const struct MvMqttLostMessageInfo *lost_message_info);

/*
 * Acknowledges a message by the id it came with; nothing answers. [header] Of QoS 0, or unknown: OKAY, counted as a
 * misuse. [decision 29] What is not acknowledged comes again after a reconnect that keeps the session. [decision 30]
 * ISR: tolerated.
 * INVALIDHANDLE  no such channel, or not MQTT [header]
 * CHANNELCLOSED  it ended [header]
 * RATELIMITED    too many under way [header]: 16 are [decision 24]
 */
enum MvStatus mvMqttAcknowledgeMessage(MvChannelHandle handle, uint32_t correlation_id);

/*
 * Asks the broker to part. [header] The channel stays to be closed. ISR: tolerated.
 * INVALIDHANDLE  no such channel, or not MQTT [header]
 * CHANNELCLOSED  it ended [header]
 * RATELIMITED    asked already [header, decision 24]
 */
enum MvStatus mvMqttRequestDisconnect(MvChannelHandle handle);

/*
 * Stores how the connection ended, by request [header] or by the broker. [decision 28] ISR: tolerated.
 * PARAMETERFAULT      `response_data` cannot be read: the item stays [header, decision 6]
 * LATEFAULT           `response_data` cannot be written: the item is gone [header, decision 6]
 * INVALIDHANDLE       no such channel, or not MQTT [header]
 * CHANNELCLOSED       it ended [header]
 * WRONGDATAREQUESTED  the next item is another [decision 25]
 * RESPONSENOTPRESENT  no item waits [decision 25]
 */
enum MvStatus mvMqttReadDisconnectResponse(MvChannelHandle handle, struct MvMqttDisconnectResponse *response_data);

/* ---- Factory test ------------------------------------------------------------------------------------------------
 * These work in the factory's test mode only, which the profile chooses. [header, decision 32] */

/*
 * Ends the test: 0 passed, anything else failed. Does not return, except: [header] the process ends with exit status 0
 * or 1. [decision 32] ISR: tolerated.
 * UNAVAILABLE  not in test mode; nothing happened [header]
 */
enum MvStatus mvTestingComplete(uint32_t status);

/*
 * Lends a buffer in which lines wait for the test console, standard error here. [header, decision 32] ISR: tolerated.
 * PARAMETERFAULT          `buffer` cannot be written for `length_bytes` [header]
 * INVALIDBUFFERALIGNMENT  off the 512-byte grid [header, decision 31]
 * INVALIDBUFFERSIZE       not a multiple of 512 of at least 512 [header, decision 31]
 * UNAVAILABLE             not in test mode [header]
 * BUFFERALREADYINUSE      overlaps memory lent already [decision 4]
 */
enum MvStatus mvTestLoggingInit(uint8_t *buffer, uint32_t length_bytes);

/*
 * Writes a line of 0 to 1024 bytes to the test console. It is copied. [header, decisions 31, 32] ISR: tolerated.
 * UNAVAILABLE        there was no mvTestLoggingInit [header], as never outside test mode
 * PARAMETERFAULT     `message` cannot be read [header]
 * INVALIDBUFFERSIZE  no room for it and 8 bytes more [header, decision 31]
 * LOGMESSAGETOOLONG  more than 1024 bytes [header, decision 31]
 */
enum MvStatus mvTestLog(const uint8_t *message, uint16_t length_bytes);

/* ---- Power, wake and restart ------------------------------------------------------------------------------------- */

/*
 * Sleeps, and returns OKAY when an enabled interrupt is pending. [header, decision 33] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * PARAMETERFAULT  `mode` is not a value of its enum [header]
 * MICROVISORBUSY  the network is in use [header]; SLEEP is allowed all the same [decision 33]
 */
enum MvStatus mvPowerSave(enum MvPowerSavingMode mode);

/*
 * Turns the status LED on (1) or off (0), which saves power; other values are reserved. [header] On at every boot.
 * [decision 33] ISR: no.
 * UNAVAILABLE  called from an interrupt handler [header]
 */
enum MvStatus mvSystemLedEnable(uint32_t enable);

/*
 * Subscribes a notification centre to system-wide events. [header] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header], or 32 streams are open [decision 7]
 * PARAMETERFAULT  `params` cannot be read or `handle` written [header]
 * INVALIDHANDLE   no such notification centre, or `notification_source` is not a value of its enum [header]
 */
enum MvStatus mvOpenSystemNotification(const struct MvOpenSystemNotificationParams *params,
                                       MvSystemEventHandle *handle);

/*
 * Ends such a subscription and stores 0 through the pointer. [header, guide] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * INVALIDHANDLE   no such stream [header]
 * PARAMETERFAULT  the pointer cannot be read and written [rule 4]
 */
enum MvStatus mvCloseSystemNotification(MvSystemEventHandle *handle);

/*
 * Sleeps without memory: does not return when it succeeds, the application starts anew. [header] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * PARAMETERFAULT  `mode` is not a value of its enum [header]
 * MICROVISORBUSY  the network is in use [header]: a request is held, or the status is not DELIBERATELYOFFLINE
 *                 [decision 33]
 */
enum MvStatus mvDeepSleep(enum MvDeepSleepMode mode);

/*
 * Stores why the application was started; the same for as long as it runs. [header] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * PARAMETERFAULT  `mode` cannot be written [header]
 */
enum MvStatus mvGetWakeReason(enum MvWakeReason *mode);

/*
 * Restarts the application or the device, as the updates that wait need; also where none does. Does not return when it
 * succeeds. [header, decision 33] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * PARAMETERFAULT  `mode` is not a value of its enum [header]
 * MICROVISORBUSY  it would interrupt work of Microvisor's, such as a download: try again later [header, guide]
 */
enum MvStatus mvRestart(enum MvRestartMode mode);

/* ---- External flash ----------------------------------------------------------------------------------------------
 * The part of it that is the application's, from address 0: 4 MiB by default. It keeps its contents in the profile's
 * file, or for as long as the process lives. Length 0 is OKAY everywhere. [header, decision 34] */

/*
 * Gives access; several handles share the one flash. [header] ISR: no.
 * UNAVAILABLE      called from an interrupt handler [header]
 * PARAMETERFAULT   `handle` cannot be written [header]
 * TOOMANYCHANNELS  32 handles are open [header]
 */
enum MvStatus mvExternalFlashOpen(MvExternalFlashHandle *handle);

/*
 * Ends access and stores 0 through the pointer. [header, guide] ISR: no.
 * UNAVAILABLE     called from an interrupt handler [header]
 * INVALIDHANDLE   no such handle [header]
 * PARAMETERFAULT  the pointer cannot be read and written [rule 4]
 */
enum MvStatus mvExternalFlashClose(MvExternalFlashHandle *handle);

/*
 * Copies `length` bytes from `address` on; returns when done. No alignment is asked for. [header] ISR: no.
 * UNAVAILABLE        called from an interrupt handler [header]
 * PARAMETERFAULT     `buffer` cannot be written for `length` bytes [header]
 * INVALIDHANDLE      no such handle [header]
 * ADDRESSOUTOFRANGE  reaches past the end [header], or overflows [decision 34]
 */
enum MvStatus mvExternalFlashReadBlocking(MvExternalFlashHandle handle, uint32_t address, uint32_t length,
                                          uint8_t *buffer);

/*
 * Erases whole sectors of 4096 bytes; returns when done. [header] They read 0xFF then. [decision 34] ISR: no.
 * UNAVAILABLE             called from an interrupt handler [header]
 * PARAMETERFAULT          by fault injection only: a slip of the header, there is no buffer [decision 6]
 * INVALIDHANDLE           no such handle [header]
 * ADDRESSOUTOFRANGE       reaches past the end [header], or overflows [decision 34]
 * INVALIDBUFFERALIGNMENT  `address` or `length` is not a multiple of 4096 [header]
 */
enum MvStatus mvExternalFlashEraseBlocking(MvExternalFlashHandle handle, uint32_t address, uint32_t length);

/*
 * Programs `length` bytes from `address` on; returns when done. No alignment is asked for. [header] Bits can only be
 * cleared: what is stored is old AND new, OKAY, and a bit to be set is counted as a misuse. [decision 34] ISR: no.
 * UNAVAILABLE        called from an interrupt handler [header]
 * PARAMETERFAULT     `buffer` cannot be read for `length` bytes [header]
 * INVALIDHANDLE      no such handle [header]
 * ADDRESSOUTOFRANGE  reaches past the end [header], or overflows [decision 34]
 */
enum MvStatus mvExternalFlashWriteBlocking(MvExternalFlashHandle handle, uint32_t address, uint32_t length,
                                           const uint8_t *buffer);

/*
 * Stores what the flash is; `info->version` must be set before. [header] ISR: no.
 * UNAVAILABLE                  called from an interrupt handler [header]
 * PARAMETERFAULT               `info` cannot be read and written [header]
 * INVALIDHANDLE                no such handle [header]
 * UNSUPPORTEDSTRUCTUREVERSION  `version` is not 1 [header]
 */
enum MvStatus mvExternalFlashGetInfo(MvExternalFlashHandle handle, struct MvExternalFlashInfo *info);

/* ---- Wi-Fi -------------------------------------------------------------------------------------------------------
 * The header lists no status for these two. Neither touches the connection there is. [decision 35] */

/*
 * Stores or erases the settings for Wi-Fi; they outlive restarts. Strings are copied, and not looked at when erasing.
 * [header, decision 35] ISR: no.
 * UNAVAILABLE                  called from an interrupt handler [decision 35]
 * PARAMETERFAULT               `params` or a string cannot be read, or `config_mode` is not a value of its enum
 *                              [decision 35]
 * UNSUPPORTEDSTRUCTUREVERSION  `version` is not 1 [decision 35]
 * INPUTTOOLONG                 SSID over 32 bytes, password over 64 [decision 35]
 * REQUIREDELEMENTMISSING       APPLYNOW with an empty SSID [decision 35]
 */
enum MvStatus mvSetWifiConfig(const struct MvWifiConfig *params);

/*
 * Stores the SSID and whether there is a password; nothing stored gives length 0 and 0, OKAY. [header, decision 35]
 * ISR: no.
 * UNAVAILABLE                  called from an interrupt handler [decision 35]
 * PARAMETERFAULT               `params` cannot be read, or something it points to not be written [decision 35]
 * UNSUPPORTEDSTRUCTUREVERSION  `version` is not 1 [decision 35]
 * INVALIDBUFFERSIZE            the SSID is longer than its buffer [decision 35]
 */
enum MvStatus mvGetWifiConfig(const struct MvWifiConfigOut *params);

#ifdef __cplusplus
}
#endif

#ifdef __linux__
#pragma GCC visibility pop
#endif

/* Rule 8: what was compiled with short enums cannot be linked with the library of a 64-bit host. */
#if defined(__linux__) && defined(__LP64__)
#ifdef __cplusplus
static_assert(sizeof(enum MvWakeReason) == 4, "compile without -fshort-enums on a Linux host");
#else
_Static_assert(sizeof(enum MvWakeReason) == 4, "compile without -fshort-enums on a Linux host");
#endif
#endif

#endif
