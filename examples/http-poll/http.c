#include "http.h"

#include <string.h>
#include <strings.h>

#include "centre.h"
#include "channels.h"
#include "clock.h"
#include "log.h"

#define HTTP_IRQ        TIM1_BRK_IRQn
#define REQUEST_MS      10000
#define ANSWER_LIMIT_MS 15000 /* Microvisor answers in REQUEST_MS; this is for the case that it does not */

static struct {
        struct centre centre;
        MvChannelHandle channel;
} http;

/* Lent to Microvisor while a channel is open. */
static uint8_t send_buffer[512] CHANNEL_BUFFER;
static uint8_t receive_buffer[2048] CHANNEL_BUFFER;

static volatile bool answered; /* the answer, or word that none will come */

void TIM1_BRK_IRQHandler(void);

void TIM1_BRK_IRQHandler(void)
{
        struct MvNotification record;
        while (centre_take(&http.centre, &record)) {
                if (record.event_type == MV_EVENTTYPE_CHANNELDATAREADABLE ||
                    record.event_type == MV_EVENTTYPE_CHANNELNOTCONNECTED)
                        answered = true;
        }
}

bool http_start(void)
{
        return centre_open(&http.centre, HTTP_IRQ, "HTTP");
}

void http_stop(void)
{
        centre_close(&http.centre, HTTP_IRQ);
}

static struct MvSizedString text(const char *string)
{
        return (struct MvSizedString){.data = (const uint8_t *)string, .length = (uint32_t)strlen(string)};
}

static enum MvStatus send_request(const char *url)
{
        const struct MvHttpRequest request = {
                .method = text("GET"),
                .url = text(url),
                .body = text(""),
                .timeout_ms = REQUEST_MS,
        };
        return mvSendHttpRequest(http.channel, &request);
}

/* The line of that name ("Date:"), or what of it fits. Lines come without a terminator, hence the zeros. */
static void find_header(uint32_t count, const char *name, char *ret_value, size_t size)
{
        char line[128];
        ret_value[0] = '\0';
        for (uint32_t i = 0; i < count; i++) {
                memset(line, 0, sizeof line);
                if (mvReadHttpResponseHeader(http.channel, i, (uint8_t *)line, sizeof line - 1) != MV_STATUS_OKAY)
                        return;
                if (strncasecmp(line, name, strlen(name)) != 0)
                        continue;
                const char *value = line + strlen(name);
                strncpy(ret_value, value + strspn(value, " "), size - 1);
                ret_value[size - 1] = '\0';
                return;
        }
}

static enum MvStatus read_body(uint32_t len, char *ret_body, size_t size)
{
        if (len > size - 1)
                len = (uint32_t)(size - 1);
        memset(ret_body, 0, size);
        return mvReadHttpResponseBody(http.channel, 0, (uint8_t *)ret_body, len);
}

static bool read_answer(struct http_answer *ret_answer)
{
        struct MvHttpResponseData data;
        enum MvStatus status = mvReadHttpResponseData(http.channel, &data);
        if (status != MV_STATUS_OKAY) {
                log_line("the answer cannot be read: status 0x%02x", (unsigned)status);
                return false;
        }
        if (data.result != MV_HTTPRESULT_OK) {
                log_line("the request failed: result %u", (unsigned)data.result);
                return false;
        }
        ret_answer->status_code = data.status_code;
        ret_answer->body_len = data.body_length;
        find_header(data.num_headers, "Content-Type:", ret_answer->content_type, sizeof ret_answer->content_type);
        status = read_body(data.body_length, ret_answer->body, sizeof ret_answer->body);
        if (status != MV_STATUS_OKAY)
                log_line("the body cannot be read: status 0x%02x", (unsigned)status);
        return status == MV_STATUS_OKAY;
}

static bool was_closed(void)
{
        enum MvClosureReason reason;
        if (mvGetChannelClosureReason(http.channel, &reason) != MV_STATUS_OKAY || reason == MV_CLOSUREREASON_NONE)
                return false;
        log_line("the channel was closed: reason %u", (unsigned)reason);
        return true;
}

static bool exchange(const char *url, struct http_answer *ret_answer)
{
        answered = false;
        enum MvStatus status = send_request(url);
        if (status != MV_STATUS_OKAY) {
                log_line("the request cannot be sent: status 0x%02x", (unsigned)status);
                return false;
        }
        if (!clock_wait_for(&answered, ANSWER_LIMIT_MS)) {
                log_line("no answer in %u ms", (unsigned)ANSWER_LIMIT_MS);
                return false;
        }
        return !was_closed() && read_answer(ret_answer);
}

bool http_get(const char *url, struct http_answer *ret_answer)
{
        const struct channel_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        if (!channels_open(MV_CHANNELTYPE_HTTP, "", &buffers, &http.centre, &http.channel))
                return false;
        bool done = exchange(url, ret_answer);
        mvCloseChannel(&http.channel);
        return done;
}
