/* SPDX-License-Identifier: Apache-2.0 */
/* test_redfish_sse.c: server-sent events, however they are cut into pieces. */
#include "field/redfish_sse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    int count;
    char data[4][64], id[4][32];
};

static void on_event(const struct redfish_sse_event *event, void *arg)
{
    struct seen *seen = arg;

    assert_int_equal(strlen(event->data), event->size);
    if (seen->count < 4) {
        (void)snprintf(seen->data[seen->count], sizeof seen->data[0], "%s", event->data);
        (void)snprintf(seen->id[seen->count], sizeof seen->id[0], "%s", event->id);
    }
    seen->count++;
}

/* In pieces of so many bytes. */
static struct seen feed(struct redfish_sse *sse, const char *text, size_t piece)
{
    struct seen seen = { .count = 0 };

    for (size_t at = 0; at < strlen(text); at += piece) {
        size_t left = strlen(text) - at;

        assert_true(redfish_sse_feed(sse, text + at, left < piece ? left : piece, on_event, &seen));
    }
    return seen;
}

static void events_come_whole_however_they_are_cut(void **state)
{
    static const char text[] =
        "\xef\xbb\xbf: hello\nid: 7\ndata: {\"a\":\ndata:1}\n\n:\r\n\r\ndata: b\r\rid\ndata:  c\nnonsense\n\n"
        "data: cut";

    (void)state;
    for (size_t piece = 3; piece < sizeof text; piece++) {
        struct redfish_sse sse;
        struct seen seen;

        redfish_sse_init(&sse, 1000);
        seen = feed(&sse, text, piece);
        assert_int_equal(seen.count, 3);
        assert_string_equal(seen.data[0], "{\"a\":\n1}");
        assert_string_equal(seen.id[0], "7");
        assert_string_equal(seen.data[1], "b");
        assert_string_equal(seen.data[2], " c");
        assert_string_equal(seen.id[2], "");
        redfish_sse_done(&sse);
    }
}

static void what_is_too_long_is_dropped_and_the_next_is_read(void **state)
{
    struct redfish_sse sse;
    struct seen seen;
    char text[400];

    (void)state;
    redfish_sse_init(&sse, 64);
    (void)snprintf(text, sizeof text, "data: %0100d\n\ndata: ok\n\n", 0);
    seen = feed(&sse, text, 7);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.data[0], "ok");
    assert_int_equal(sse.dropped, 1);
    (void)snprintf(text, sizeof text, "data: %040d\ndata: %040d\n\ndata: ok\n\n", 0, 0);
    seen = feed(&sse, text, 1);
    assert_int_equal(seen.count, 1);
    assert_int_equal(sse.dropped, 2);
    redfish_sse_done(&sse);
}

static void a_new_connection_forgets_what_was_half_read_and_keeps_the_id(void **state)
{
    struct redfish_sse sse;
    struct seen seen;

    (void)state;
    redfish_sse_init(&sse, 1000);
    seen = feed(&sse, "retry: 3000\nid: 9\ndata: half\nda", 100);
    redfish_sse_reset(&sse);
    seen = feed(&sse, "data: new\n\n", 100);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.data[0], "new");
    assert_string_equal(seen.id[0], "9");
    assert_int_equal(sse.retry_ms, 3000);
    (void)feed(&sse, "retry: never\nretry: -1\nretry: 99999999999\n\n", 100);
    assert_int_equal(sse.retry_ms, 3000);
    redfish_sse_done(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_whole_however_they_are_cut),
        cmocka_unit_test(what_is_too_long_is_dropped_and_the_next_is_read),
        cmocka_unit_test(a_new_connection_forgets_what_was_half_read_and_keeps_the_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
