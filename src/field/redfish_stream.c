/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_stream.c: opens the stream, feeds what comes to the parser, opens it again. */
#include "redfish_stream.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_sse.h"
#include "redfish_value.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_STREAM_EVENT_MAX ((size_t)1 << 20)
#define REDFISH_STREAM_AGAIN_US  ((int64_t)25000000) /* some want 20 to 30 s before another     */
#define REDFISH_STREAM_DOUBLINGS 5
#define REDFISH_STREAM_LOOK_US   ((int64_t)1000000) /* for the login that it needs              */
#define REDFISH_STREAM_IDLE_US   ((int64_t)300000000)

struct redfish_stream {
    struct redfish *bmc;
    struct redfish_sse sse;
    struct event *timer;
    char path[REDFISH_SURVEY_PATH_MAX]; /* "": not known                                  */
    bool open, complained;
    int32_t failures;
};

static void redfish_stream_again(struct redfish *bmc)
{
    struct redfish_stream *stream = bmc->stream;
    int32_t doublings =
        stream->failures < REDFISH_STREAM_DOUBLINGS ? stream->failures : REDFISH_STREAM_DOUBLINGS;
    int64_t wait_us = REDFISH_STREAM_AGAIN_US << doublings;

    if (stream->sse.retry_ms > 0 && stream->failures == 0)
        wait_us = (int64_t)stream->sse.retry_ms * 1000;
    stream->failures++;
    redfish_timer(stream->timer, redfish_jitter_us(bmc, wait_us, 0.2));
}

/* ---- what comes ---- */

/* {"Events":[{"OriginOfCondition":{"@odata.id":...}}]}: that resource changed. */
static void redfish_stream_touched(struct redfish *bmc, const char *body, size_t size)
{
    struct json_object *object = redfish_value_parse(body, size);
    struct json_object *events = redfish_value_member(object, "Events");
    char path[REDFISH_SURVEY_PATH_MAX];

    for (size_t i = 0; i < redfish_value_count(events); i++)
        if (redfish_value_link(redfish_value_member(redfish_value_at(events, i), "OriginOfCondition"), path,
                               sizeof path))
            redfish_place_touch(bmc, path);
    json_object_put(object);
}

static void redfish_stream_on_event(const struct redfish_sse_event *event, void *arg)
{
    struct redfish *bmc = arg;

    bmc->stats.events++;
    bmc->stream->failures = 0;
    if (redfish_bulk_event(bmc, event->data, event->size, clock_now_us()))
        return;
    redfish_stream_touched(bmc, event->data, event->size);
    if (!bmc->waiting) /* not from here: libcurl is at work */
        redfish_timer(bmc->poll_timer, 0);
}

static bool redfish_stream_on_data(const char *bytes, size_t size, void *arg)
{
    struct redfish_stream *stream = arg;

    if (stream->complained)
        LOG(NOTICE, stream->bmc->device->name, "its event stream is open again");
    stream->complained = false;
    return redfish_sse_feed(&stream->sse, bytes, size, redfish_stream_on_event, stream->bmc);
}

/* ---- opening and closing ---- */

static void redfish_stream_on_end(const struct http_response *response, void *arg)
{
    struct redfish_stream *stream = arg;

    stream->open = false;
    if (!stream->complained)
        LOG(NOTICE, stream->bmc->device->name, "its event stream ended: %s, HTTP %d",
            status_label(response->status), response->code);
    stream->complained = true;
    redfish_sse_reset(&stream->sse);
    if (!stream->bmc->stopping)
        redfish_stream_again(stream->bmc);
}

/* Opens it, or waits for the login that it needs. */
static void redfish_stream_open(struct redfish *bmc)
{
    struct redfish_stream *stream = bmc->stream;
    const char *identity = redfish_link_login_header(bmc);
    char *url = identity ? redfish_link_target(bmc, stream->path) : NULL, last[REDFISH_SSE_ID_MAX + 24];
    const char *headers[5] = { "Accept: text/event-stream" };
    size_t count = 1;
    struct http_request request = {
        .method = "GET",
        .url = url,
        .headers = headers,
        .ca_file = bmc->device->ca_file[0] ? bmc->device->ca_file : NULL,
        .pin = bmc->device->pin[0] ? bmc->device->pin : NULL,
        .timeout_us = REDFISH_STREAM_IDLE_US,
        .on_data = redfish_stream_on_data,
    };

    if (!url) {
        redfish_timer(stream->timer, REDFISH_STREAM_LOOK_US);
        return;
    }
    if (identity[0])
        headers[count++] = identity;
    if (stream->sse.id[0]) {
        (void)snprintf(last, sizeof last, "Last-Event-ID: %s", stream->sse.id);
        headers[count++] = last;
    }
    stream->open = http_client_send(bmc->opt.client, &request, redfish_stream_on_end, stream) == ST_OK;
    free(url);
    if (!stream->open)
        redfish_stream_again(bmc);
}

static void redfish_stream_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redfish_stream *stream = arg;

    (void)fd;
    (void)what;
    if (!stream->open && !stream->bmc->stopping && stream->path[0])
        redfish_stream_open(stream->bmc);
}

void redfish_stream_offer(struct redfish *bmc, const char *path)
{
    struct redfish_stream *stream = bmc->stream;

    (void)snprintf(stream->path, sizeof stream->path, "%s", path);
    if (!stream->open)
        redfish_timer(stream->timer, 0);
}

void redfish_stream_stop(struct redfish *bmc)
{
    struct redfish_stream *stream = bmc->stream;

    if (!stream)
        return;
    (void)event_del(stream->timer);
    http_client_cancel(bmc->opt.client, stream);
    stream->open = false;
}

enum status redfish_stream_init(struct redfish *bmc)
{
    struct redfish_stream *stream;

    if (!bmc->device->use_events || bmc->place_count == 0)
        return ST_OK;
    stream = bmc->stream = calloc(1, sizeof *stream);
    if (!stream)
        return ST_NOMEM;
    stream->bmc = bmc;
    redfish_sse_init(&stream->sse, REDFISH_STREAM_EVENT_MAX);
    stream->timer = evtimer_new(bmc->opt.base, redfish_stream_on_timer, stream);
    return stream->timer ? ST_OK : ST_NOMEM;
}

void redfish_stream_done(struct redfish *bmc)
{
    struct redfish_stream *stream = bmc->stream;

    if (!stream)
        return;
    http_client_cancel(bmc->opt.client, stream);
    if (stream->timer)
        event_free(stream->timer);
    redfish_sse_done(&stream->sse);
    free(stream);
    bmc->stream = NULL;
}
