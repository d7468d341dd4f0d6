/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_redfish_http.c: whatever stands in a header (Retry-After, Location, a timestamp) or
 * in a stream of events, or in a metric report, it is read within bounds. The first byte
 * chooses how a stream is cut.
 */
#include "field/redfish_clock.h"
#include "field/redfish_mask.h"
#include "field/redfish_report.h"
#include "field/redfish_retry.h"
#include "field/redfish_sse.h"
#include "field/redfish_value.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_US ((int64_t)3600000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void headers(const char *text, size_t size)
{
    char path[256], printed[REDFISH_MASK_TEXT_MAX];
    struct redfish_survey_mask mask, again;
    int64_t wait_us = redfish_retry_us(text, text, size, 1700000000000000, MOST_US);
    double seconds = redfish_value_duration_s(text);

    must(wait_us >= 0 && wait_us <= MOST_US);
    must(isnan(seconds) || seconds >= 0.0);
    (void)redfish_value_time_us(text);
    if (redfish_value_path(text, path, sizeof path))
        must(path[0] == '/' && !strchr(path, '#') && !strchr(path, '\n') && strlen(path) < sizeof path);
    redfish_mask_parse(text, &mask);
    redfish_mask_print(&mask, printed, sizeof printed);
    redfish_mask_parse(printed, &again);
    must(!mask.known || redfish_mask_equal(&mask, &again));
}

static void on_event(const struct redfish_sse_event *event, void *arg)
{
    must(strlen(event->data) == event->size && strlen(event->id) < REDFISH_SSE_ID_MAX);
    *(size_t *)arg += event->size + 1;
}

static void stream(const char *bytes, size_t size, size_t piece)
{
    struct redfish_sse sse;
    size_t total = 0;

    redfish_sse_init(&sse, 256);
    for (size_t at = 0; at < size; at += piece)
        must(redfish_sse_feed(&sse, bytes + at, size - at < piece ? size - at : piece, on_event, &total));
    must(total <= 2 * size);
    redfish_sse_done(&sse);
}

static void on_value(const struct redfish_report_value *value, void *arg)
{
    struct redfish_clock *clock = arg;

    must(!isinf(value->value) && value->property);
    if (value->at_us > 0) {
        redfish_clock_see(clock, value->at_us, 1000000);
        must(redfish_clock_local_us(clock, value->at_us) <= 1000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redfish_clock clock = { .known = false };
    struct redfish_report_head head;
    char *text = malloc(size + 1);

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    headers(text, size);
    if (size > 1)
        stream(text + 1, size - 1, 1 + data[0] % 16);
    if (redfish_report_scan(text, size, on_value, &clock, &head) == ST_OK)
        must(head.stale <= head.values);
    free(text);
    return 0;
}
