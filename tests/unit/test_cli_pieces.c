/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_pieces.c: busbarctl's pure pieces: words for values, tables, the frame
 * of `top`, the length of a recording. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/record.h"
#include "cli/cli_client.h"
#include "cli/cli_frame.h"
#include "cli/cli_record.h"
#include "cli/cli_status.h"
#include "cli/cli_table.h"
#include "cli/cli_top.h"
#include "cli/cli_value.h"

/* ---- words ---- */

static void quantities_are_grouped_and_carry_their_unit(void **state)
{
    (void)state;
    assert_string_equal(cli_quantity(104000.4, "W").text, "104 000 W");
    assert_string_equal(cli_quantity(-1500, "W").text, "-1 500 W");
    assert_string_equal(cli_quantity(999, "W").text, "999 W");
    assert_string_equal(cli_quantity(50.249, "V").text, "50.25 V");
    assert_string_equal(cli_quantity(0.823, "").text, "0.823");
    assert_string_equal(cli_quantity(41.5, "C").text, "41.5 C");
    assert_string_equal(cli_quantity(NAN, "W").text, "-");
    assert_string_equal(cli_quantity(INFINITY, "").text, "-");
    assert_string_equal(cli_quantity(1e300, "W").text, "1e+300 W");
    assert_string_equal(cli_grouped(INT64_MIN).text, "-9 223 372 036 854 775 808");
    assert_string_equal(cli_grouped(0).text, "0");
    assert_string_equal(cli_grouped(1000).text, "1 000");
}

static void spans_take_the_unit_one_would_say(void **state)
{
    (void)state;
    assert_string_equal(cli_span(0.12).text, "120 us");
    assert_string_equal(cli_span(1.5).text, "1.5 ms");
    assert_string_equal(cli_span(35.2).text, "35 ms");
    assert_string_equal(cli_span(1200).text, "1.2 s");
    assert_string_equal(cli_span(59000).text, "59 s");
    assert_string_equal(cli_span(185000).text, "3 min 5 s");
    assert_string_equal(cli_span(3600000 * 26.0).text, "1 d 2 h");
    assert_string_equal(cli_span(NAN).text, "-");
}

static void absent_keys_have_fallbacks(void **state)
{
    struct json_object *json = json_tokener_parse("{\"a\": 1, \"b\": null, \"c\": \"x\", \"d\": [1, 2], \"e\": 1.5}");

    (void)state;
    assert_true(cli_number(json, "a") == 1);
    assert_true(cli_number(json, "e") == 1.5);
    assert_true(isnan(cli_number(json, "b")));
    assert_true(isnan(cli_number(json, "c")));
    assert_true(isnan(cli_number(NULL, "a")));
    assert_int_equal(cli_count(json, "c"), 0);
    assert_string_equal(cli_text(json, "c", "-"), "x");
    assert_string_equal(cli_text(json, "a", "-"), "-");
    assert_int_equal(cli_length(json, "d"), 2);
    assert_int_equal(cli_length(json, "c"), 0);
    assert_null(cli_item(json, "d", 2));
    assert_null(cli_item(json, "nothing", 0));
    assert_false(cli_bool(json, "a"));
    json_object_put(json);
}

static void names_are_made_fit_for_a_query(void **state)
{
    char *path = cli_path("/v1/why?lever=", "a b&c=d%/\xc3\xa4.gpu-1");

    (void)state;
    assert_string_equal(path, "/v1/why?lever=a%20b%26c%3Dd%25%2F%C3%A4.gpu-1");
    free(path);
}

/* ---- tables ---- */

static char *printed(struct cli_table *table, bool colour)
{
    char *text = NULL;
    size_t size;
    struct cli cli = { .out = open_memstream(&text, &size), .err = stderr, .colour = colour };

    assert_non_null(cli.out);
    cli_table_print(&cli, table);
    assert_int_equal(fclose(cli.out), 0);
    return text;
}

static const struct cli_column columns[] = { { "NAME", false }, { "W", true }, { "LAST", false }, { NULL, false } };

static struct cli_table *filled(void)
{
    struct cli_table *table = cli_table_new(columns);

    assert_non_null(table);
    cli_cell(table, CLI_PLAIN, "a");
    cli_cell(table, CLI_BAD, "%d", 1000);
    cli_cell(table, CLI_PLAIN, "x");
    cli_cell(table, CLI_PLAIN, "gr\xc3\xbc\xc3\x9f" "e"); /* five characters */
    cli_cell(table, CLI_PLAIN, "%d", 7);
    cli_cell(table, CLI_PLAIN, "\033[2Jy");
    return table;
}

static void a_table_is_aligned_and_cannot_steer_the_terminal(void **state)
{
    char *text = printed(filled(), false);

    (void)state;
    assert_string_equal(text, "NAME      W  LAST\n"
                              "a      1000  x\n"
                              "gr\xc3\xbc\xc3\x9f" "e     7  ?[2Jy\n");
    free(text);
}

static void colours_do_not_move_columns(void **state)
{
    char *text = printed(filled(), true);

    (void)state;
    assert_non_null(strstr(text, "a      \033[1;31m1000\033[0m  x\n"));
    free(text);
}

/* ---- status ---- */

static bool holds(const char *text)
{
    struct json_object *json = json_tokener_parse(text);
    bool held;

    assert_non_null(json);
    held = cli_status_holds(json);
    json_object_put(json);
    return held;
}

static void a_status_holds_only_when_everything_does(void **state)
{
    (void)state;
    assert_true(holds("{\"mode\": \"normal\", \"mode_wanted\": \"control\"}"));
    assert_true(holds("{\"mode\": \"emergency\", \"mode_wanted\": \"emergency\"}"));
    assert_false(holds("{\"mode\": \"degraded\", \"mode_wanted\": \"control\"}"));
    assert_false(holds("{\"mode\": \"emergency\", \"mode_wanted\": \"control\"}"));
    assert_false(holds("{\"mode\": \"observe\", \"mode_wanted\": \"restore\"}"));
    assert_false(holds("{}"));
    assert_false(holds("{\"mode\": \"normal\", \"mode_wanted\": \"control\", \"exceeded\": 1}"));
    assert_false(holds("{\"mode\": \"normal\", \"mode_wanted\": \"control\", \"devices\": {\"stale\": 1}}"));
    assert_false(holds("{\"mode\": \"normal\", \"mode_wanted\": \"control\", \"reasons\": [\"operator\", \"infeasible\"]}"));
}

/* ---- the frame ---- */

static char *framed(const struct cli_frame *frame)
{
    char *text = NULL;
    size_t size;
    struct cli cli = { .out = open_memstream(&text, &size), .err = stderr };

    assert_non_null(cli.out);
    cli_frame_print(&cli, frame);
    assert_int_equal(fclose(cli.out), 0);
    return text;
}

static void what_does_not_fit_a_frame_is_cut(void **state)
{
    struct cli_frame frame = cli_frame_new(2, 6);
    char *text;

    (void)state;
    assert_non_null(frame.cells);
    assert_int_equal(cli_frame_put(&frame, 0, 2, CLI_PLAIN, "a\xc3\xa4\x1b%s", "longer"), 11);
    assert_int_equal(cli_frame_put(&frame, 2, 0, CLI_PLAIN, "below"), 5);
    assert_int_equal(cli_frame_put(&frame, -1, 0, CLI_PLAIN, "above"), 5);
    text = framed(&frame);
    assert_string_equal(text, "  a??l\n");
    free(text);
    cli_frame_done(&frame);
}

static void a_bar_is_full_in_its_share(void **state)
{
    struct cli_frame frame = cli_frame_new(5, 8);
    char *text;

    (void)state;
    cli_frame_bar(&frame, 0, 0, 8, 0.5);
    cli_frame_bar(&frame, 1, 0, 8, NAN);
    cli_frame_bar(&frame, 2, 0, 8, 7.0);
    cli_frame_bar(&frame, 3, 0, 8, -1.0);
    cli_frame_bar(&frame, 4, 0, 8, 0.01);
    assert_int_equal(frame.cells[2 * 8].colour, CLI_BAD);
    assert_int_equal(frame.cells[4 * 8].character, 0x258f); /* an eighth */
    text = framed(&frame);                                  /* the C locale: ASCII */
    assert_string_equal(text, "####....\n........\n########\n........\n#.......\n");
    free(text);
    cli_frame_done(&frame);
}

/* A terminal may be of any size, and an answer of any shape. */
static void a_view_is_drawn_on_any_terminal_from_any_answer(void **state)
{
    static const char *const answers[] = {
        "{}", "[]", "{\"nodes\": [{}], \"limits\": [{}], \"levers\": [{}], \"devices\": [{}], \"events\": [{}], \"envelope\": {}}",
        ("{\"nodes\": [{\"name\": \"a.b\", \"power_w\": 1e300}, {\"name\": \"c\"}], \"levers\": [{\"lever\": \"a.b\", \"unit\": \"W\","
        " \"in_force\": -1e300}, {\"lever\": \"c\", \"unit\": \"W\", \"in_force\": 0}], \"envelope\": {\"limit_w\": 0, \"power_w\": 5}}"),
    };

    (void)state;
    for (size_t a = 0; a < sizeof answers / sizeof *answers; a++) {
        for (int size = 0; size < 4; size++) {
            struct cli_top_view view = { .status = { .json = NULL } };
            struct cli_answer *others[] = { &view.nodes, &view.limits, &view.levers, &view.devices, &view.events };
            struct cli_frame frame = cli_frame_new(1 + 20 * size, 1 + 40 * size);

            view.status.json = json_tokener_parse(answers[a]);
            for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                others[i]->json = json_object_get(view.status.json);
            assert_non_null(frame.cells);
            cli_top_draw(&frame, &view);
            assert_true(frame.used >= 1);
            cli_frame_done(&frame);
            cli_top_done(&view);
        }
    }
}

static void many_nodes_of_a_kind_without_limits_share_a_row(void **state)
{
    struct cli_top_view view = { .status = { .json = NULL } };
    struct cli_frame frame = cli_frame_new(40, 100);
    char *text;

    (void)state;
    view.nodes.json = json_tokener_parse(
        "{\"nodes\": [{\"name\": \"rack\", \"kind\": \"rack\", \"power_w\": 700, \"counted_w\": 900},"
        "{\"name\": \"t1\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110},"
        "{\"name\": \"t2\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110},"
        "{\"name\": \"gpu\", \"kind\": \"load\", \"power_w\": 60, \"counted_w\": 70},"
        "{\"name\": \"t3\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110},"
        "{\"name\": \"t4\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110},"
        "{\"name\": \"t5\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110},"
        "{\"name\": \"t6\", \"kind\": \"tray\", \"power_w\": 100, \"counted_w\": 110}]}");
    view.limits.json = json_tokener_parse("{\"limits\": [{\"node\": \"t6\", \"group\": false, \"limit_w\": 200}]}");
    view.levers.json = json_tokener_parse("{\"levers\": [{\"lever\": \"gpu\", \"unit\": \"W\", \"in_force\": 65}]}");
    assert_non_null(frame.cells);
    cli_top_draw(&frame, &view);
    text = framed(&frame);
    assert_non_null(strstr(text, "5 x tray                  500 W        550 W            -\n"));
    assert_non_null(strstr(text, "t6                        100 W        110 W        200 W  ###############..............."));
    assert_null(strstr(text, "t3"));
    assert_non_null(strstr(text, "60/65"));
    free(text);
    cli_frame_done(&frame);
    cli_top_done(&view);
}

/* ---- recordings ---- */

static size_t put(unsigned char *to, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        to[i] = (unsigned char)(value >> (8 * i));
    return (size_t)size;
}

static size_t put_record(unsigned char *to, uint64_t type, uint64_t payload, uint64_t now_us)
{
    size_t used = put(to, type, 4);

    used += put(to + used, payload, 4);
    used += put(to + used, 0, 4);
    memset(to + used, 0, payload);
    (void)put(to + used, now_us, 8);
    return used + payload;
}

static void the_length_of_a_recording_is_from_its_first_to_its_last_tick(void **state)
{
    unsigned char block[512] = RECORD_MAGIC;
    size_t used = RECORD_FILE_HEAD_SIZE, whole;

    (void)state;
    (void)put(block + RECORD_MAGIC_SIZE, RECORD_VERSION, 4);
    used += put_record(block + used, RECORD_HEAD, 20, 0);
    assert_true(isnan(cli_record_seconds(block, used)));
    used += put_record(block + used, RECORD_TICK, RECORD_TICK_HEAD_SIZE, 5000000);
    used += put_record(block + used, RECORD_CORE, 40, 99000000);
    used += put_record(block + used, RECORD_TICK, RECORD_TICK_HEAD_SIZE, 6000000);
    whole = used;
    assert_true(cli_record_seconds(block, whole) == 1.0);
    used += put_record(block + used, RECORD_TICK, RECORD_TICK_HEAD_SIZE, 7500000);
    assert_true(cli_record_seconds(block, used) == 2.5);
    for (size_t cut = 0; cut < used; cut++) {
        double seconds = cli_record_seconds(block, cut);

        assert_true(isnan(seconds) || seconds == 0.0 || (seconds == 1.0 && cut >= whole));
    }
    block[0] ^= 1;
    assert_true(isnan(cli_record_seconds(block, used)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_grouped_and_carry_their_unit),
        cmocka_unit_test(spans_take_the_unit_one_would_say),
        cmocka_unit_test(absent_keys_have_fallbacks),
        cmocka_unit_test(names_are_made_fit_for_a_query),
        cmocka_unit_test(a_table_is_aligned_and_cannot_steer_the_terminal),
        cmocka_unit_test(colours_do_not_move_columns),
        cmocka_unit_test(a_status_holds_only_when_everything_does),
        cmocka_unit_test(what_does_not_fit_a_frame_is_cut),
        cmocka_unit_test(a_bar_is_full_in_its_share),
        cmocka_unit_test(a_view_is_drawn_on_any_terminal_from_any_answer),
        cmocka_unit_test(many_nodes_of_a_kind_without_limits_share_a_row),
        cmocka_unit_test(the_length_of_a_recording_is_from_its_first_to_its_last_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
