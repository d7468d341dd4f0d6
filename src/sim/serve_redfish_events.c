/* SPDX-License-Identifier: Apache-2.0 */
/* serve_redfish_events.c: keeps the streams, and writes events to them. */
#include "serve_redfish_events.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <json-c/json.h>
#include <stdio.h>

#include "serve_redfish_extra.h"
#include "serve_redfish_make.h"

#define EVENTS_REPORT_US ((int64_t)1000000)

static void serve_redfish_events_send(struct serve_redfish_bmc *bmc, struct json_object *object)
{
    const char *text =
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

    bmc->event_id++;
    for (size_t i = 0; i < SERVE_REDFISH_STREAMS; i++) {
        struct evbuffer *chunk = bmc->streams[i] ? evbuffer_new() : NULL;

        if (!chunk)
            continue;
        evbuffer_add_printf(chunk, ": alive\nid: %u\ndata: %s\n\n", bmc->event_id, text);
        evhttp_send_reply_chunk(bmc->streams[i], chunk);
        evbuffer_free(chunk);
    }
}

bool serve_redfish_events_begin(struct serve_redfish_bmc *bmc, struct evhttp_request *request)
{
    for (size_t i = 0; i < SERVE_REDFISH_STREAMS; i++) {
        if (bmc->streams[i])
            continue;
        bmc->streams[i] = request;
        bmc->stream_connections[i] = evhttp_request_get_connection(request);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "text/event-stream");
        evhttp_send_reply_start(request, 200, "OK");
        bmc->counts.streams++;
        bmc->report_us = 0;
        bmc->told_limits = bmc->counts.limits_set;
        return true;
    }
    return false;
}

void serve_redfish_events_closed(struct serve_redfish_bmc *bmc, const struct evhttp_connection *connection)
{
    for (size_t i = 0; i < SERVE_REDFISH_STREAMS; i++) {
        if (!bmc->streams[i] || bmc->stream_connections[i] != connection)
            continue;
        if (!evhttp_request_get_connection(bmc->streams[i])) /* the client left: nobody else frees it */
            evhttp_send_reply_end(bmc->streams[i]);
        bmc->streams[i] = NULL;
    }
}

static void serve_redfish_events_limits(struct serve_redfish_bmc *bmc)
{
    struct json_object *object = json_object_new_object(), *events = json_object_new_array();
    char path[SERVE_REDFISH_TEXT];

    for (int32_t n = 0; n < bmc->gpu_count; n++) {
        struct json_object *entry = json_object_new_object();

        (void)snprintf(path, sizeof path,
                       "/redfish/v1/Systems/HGX_Baseboard_0/Processors/GPU_%d/EnvironmentMetrics", (int)n);
        serve_redfish_make_text(entry, "MessageId", "ResourceEvent.1.3.ResourceChanged");
        serve_redfish_make_link(entry, "OriginOfCondition", path);
        json_object_array_add(events, entry);
    }
    serve_redfish_make_text(object, "@odata.type", "#Event.v1_7_0.Event");
    json_object_object_add(object, "Events", events);
    serve_redfish_events_send(bmc, object);
    json_object_put(object);
}

void serve_redfish_events_run(struct serve_redfish_bmc *bmc, int64_t now_us)
{
    struct json_object *report;
    bool some = false;

    for (size_t i = 0; i < SERVE_REDFISH_STREAMS; i++)
        some |= bmc->streams[i] != NULL;
    if (!some)
        return;
    if (bmc->told_limits != bmc->counts.limits_set) {
        bmc->told_limits = bmc->counts.limits_set;
        serve_redfish_events_limits(bmc);
    }
    if (now_us < bmc->report_us)
        return;
    bmc->report_us = now_us + EVENTS_REPORT_US;
    report = serve_redfish_extra_get(bmc, SERVE_REDFISH_REPORT);
    serve_redfish_events_send(bmc, report);
    json_object_put(report);
}
