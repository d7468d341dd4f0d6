/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: well-formed, escaped, round ticks, thinned lines that keep every peak. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/svg.h"
#include "sim/svg_parts.h"

struct page {
    FILE *to;
    char *text;
    size_t size;
};

static void page_open(struct page *page)
{
    *page = (struct page){ .to = NULL };
    page->to = open_memstream(&page->text, &page->size);
    assert_non_null(page->to);
    svg_begin(page->to, 800, 600, "A title", "About it");
}

static void page_close(struct page *page)
{
    svg_end(page->to);
    assert_int_equal(fclose(page->to), 0);
}

static int occurrences(const char *text, const char *what)
{
    int count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

/* Every tag is closed by its own name, attributes are quoted, and no bare '&' or
 * '<' stands in a text. False: it is no XML. */
static bool well_formed(const char *text)
{
    char open[32][16];
    int depth = 0;

    for (const char *at = text; *at; at++) {
        if (*at == '&' && strncmp(at, "&amp;", 5) != 0 && strncmp(at, "&lt;", 4) != 0 &&
            strncmp(at, "&gt;", 4) != 0)
            return false;
        if (*at != '<')
            continue;
        const char *end = strchr(at, '>');
        char name[16] = "";
        int quotes = 0;

        if (!end || sscanf(at[1] == '/' ? at + 2 : at + 1, "%15[a-z]", name) != 1)
            return false;
        for (const char *in = at + 1; in < end; in++) {
            quotes += *in == '"';
            if (*in == '<')
                return false;
        }
        if (quotes % 2 != 0)
            return false;
        if (at[1] == '/') {
            if (depth == 0 || strcmp(open[--depth], name) != 0)
                return false;
        } else if (end[-1] != '/') {
            if (depth == 32)
                return false;
            (void)strcpy(open[depth++], name);
        }
        at = end;
    }
    return depth == 0;
}

static void the_checker_of_this_test_refuses_what_is_no_xml(void **state)
{
    (void)state;
    assert_true(well_formed("<svg><a b=\"1\"/><text>x &lt; y</text></svg>"));
    assert_false(well_formed("<svg><text>x</svg></text>"));
    assert_false(well_formed("<svg>&</svg>"));
    assert_false(well_formed("<svg a=\"1></svg>"));
    assert_false(well_formed("<svg>"));
}

static void texts_may_hold_anything(void **state)
{
    (void)state;
    struct page page;

    page_open(&page);
    svg_text(page.to, 10, 10, 12, "R < 0.5 & C > \"2\" mΩ\x01\xff\xc0\x80 end");
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_non_null(strstr(page.text, "R &lt; 0.5 &amp; C &gt; \"2\" mΩ???? end"));
    free(page.text);
}

static void a_picture_names_itself_and_knows_dark_screens(void **state)
{
    (void)state;
    struct page page;

    page_open(&page);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_non_null(strstr(page.text, "<title>A title</title>"));
    assert_non_null(strstr(page.text, "<desc>About it</desc>"));
    assert_non_null(strstr(page.text, "@media screen and (prefers-color-scheme: dark)"));
    assert_non_null(strstr(page.text, "viewBox=\"0 0 800 600\""));
    free(page.text);
}

static void ticks_are_round_and_inside(void **state)
{
    (void)state;
    static const double ranges[][2] = { { 0, 1 },      { 45.9, 51.3 },   { -3, 7 },
                                        { 0, 132000 }, { 1e-3, 1.7e-3 }, { -0.2, 0.2 } };
    double tick[SVG_TICKS_MAX];

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        int count = svg_ticks(ranges[i][0], ranges[i][1], 5, tick);
        double span = ranges[i][1] - ranges[i][0];

        assert_in_range(count, 2, SVG_TICKS_MAX);
        for (int k = 0; k < count; k++) {
            double digits = tick[k] / pow(10.0, floor(log10(tick[1] - tick[0])));

            assert_true(tick[k] >= ranges[i][0] - 1e-9 * span && tick[k] <= ranges[i][1] + 1e-9 * span);
            assert_true(fabs(digits - round(digits)) < 1e-6);
        }
    }
    assert_int_equal(svg_ticks(0, 1, 5, tick), 6);
    assert_float_equal(tick[1], 0.2, 1e-12);
    assert_true(svg_ticks(0, 1, 1000, tick) <= SVG_TICKS_MAX);
    assert_int_equal(svg_ticks(1, 1, 5, tick), 0);
    assert_int_equal(svg_ticks_log(0.001, 100, tick), 6);
    assert_float_equal(tick[0], 0.001, 1e-15);
    assert_float_equal(tick[5], 100, 1e-9);
}

static void axes_map_ends_to_edges(void **state)
{
    (void)state;
    struct svg_frame f = { .left = 100,
                           .right = 500,
                           .top = 50,
                           .bottom = 250,
                           .x_low = 0.001,
                           .x_high = 10,
                           .y_low = 44,
                           .y_high = 52,
                           .x_log = true };

    assert_float_equal(svg_frame_x(&f, 0.001), 100, 1e-9);
    assert_float_equal(svg_frame_x(&f, 0.1), 300, 1e-9);
    assert_float_equal(svg_frame_x(&f, 10), 500, 1e-9);
    assert_float_equal(svg_frame_y(&f, 44), 250, 1e-9);
    assert_float_equal(svg_frame_y(&f, 50), 100, 1e-9);
    assert_true(isfinite(svg_frame_x(&f, 0)) && isfinite(svg_frame_y(&f, 1e300)));
}

/* 100 000 points, one of them a peak of one sample: the path is short, the peak
 * is in it. */
static void a_long_line_is_thinned_and_keeps_its_peaks(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = calloc(N, sizeof *x), *y = calloc(N, sizeof *y);
    struct svg_panel panel = { .title = "T",
                               .x_low = 0,
                               .x_high = 100,
                               .y_low = 0,
                               .y_high = 100,
                               .line_count = 1,
                               .line = { { .label = "a", .x = x, .y = y, .count = N } } };
    struct page page;

    for (int i = 0; i < N; i++) {
        x[i] = i / 1000.0;
        y[i] = i == 43210 ? 100.0 : i == 77777 ? 0.0 : 50.0;
    }
    page_open(&page);
    svg_panel(page.to, 0, 100, 500, 200, &panel);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_true(page.size < 30000);
    const char *path = strstr(page.text, "class=\"line s1\" d=\"M48");

    assert_non_null(path);
    assert_non_null(strstr(path, " 122.0L")); /* top of the frame: 100 + 22 */
    assert_non_null(strstr(path, " 266.0L")); /* and its bottom: 300 - 34 */
    free(page.text);
    free(x);
    free(y);
}

static void a_gap_breaks_the_line_and_steps_are_held(void **state)
{
    (void)state;
    double x[] = { 0, 1, 2, 3, 4 }, y[] = { 0, 1, NAN, 1, 0 };
    struct svg_panel panel = { .line_count = 1, .line = { { .x = x, .y = y, .count = 5 } } };
    struct page page;

    page_open(&page);
    svg_panel(page.to, 0, 100, 400, 200, &panel);
    panel.line[0].steps = true;
    svg_panel(page.to, 0, 300, 400, 200, &panel);
    page_close(&page);
    assert_true(well_formed(page.text));
    const char *path = strstr(page.text, "class=\"line s1\" d=\"");
    char points[200];

    assert_non_null(path);
    assert_int_equal(sscanf(path, "class=\"line s1\" d=\"%199[^\"]", points), 1);
    assert_int_equal(occurrences(points, "M"), 2);
    path = strstr(path + 1, "class=\"line s1\" d=\"");
    assert_non_null(path);
    assert_int_equal(sscanf(path, "class=\"line s1\" d=\"%199[^\"]", points), 1);
    assert_int_equal(occurrences(points, "L"), 0);
    assert_int_equal(occurrences(points, "H"), 2);
    free(page.text);
}

static void ranges_come_from_the_lines_where_none_is_given(void **state)
{
    (void)state;
    double x[] = { 10, 20 }, y[] = { 48, 50 };
    struct svg_panel panel = { .x_low = NAN,
                               .x_high = NAN,
                               .y_low = NAN,
                               .y_high = NAN,
                               .line_count = 1,
                               .line = { { .x = x, .y = y, .count = 2 } } };
    struct page page;

    page_open(&page);
    svg_panel(page.to, 0, 100, 400, 200, &panel);
    panel.line_count = 0; /* nothing to draw is no reason to fail */
    svg_panel(page.to, 0, 300, 400, 200, &panel);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_non_null(strstr(page.text, ">48.5</text>"));
    assert_non_null(strstr(page.text, ">20</text>"));
    assert_null(strstr(page.text, "nan"));
    assert_null(strstr(page.text, "inf"));
    free(page.text);
}

static void panels_show_shade_marks_and_legend(void **state)
{
    (void)state;
    double x[] = { 0, 10 }, y[] = { 0, 10 }, mark[] = { 5.0, 99.0 };
    struct svg_panel panel = { .title = "Power",
                               .x_label = "time (s)",
                               .y_label = "kW",
                               .shade_low = 1,
                               .shade_high = 2,
                               .mark = mark,
                               .mark_count = 2,
                               .line_count = 2,
                               .line = { { .label = "supplies", .x = x, .y = y, .count = 2 },
                                         { .label = "batteries", .x = x, .y = y, .count = 2, .style = 4 } } };
    struct page page;

    page_open(&page);
    svg_panel(page.to, 0, 100, 600, 200, &panel);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_int_equal(occurrences(page.text, "class=\"shade\""), 1);
    assert_int_equal(occurrences(page.text, "class=\"mark\""), 1); /* the other lies outside */
    assert_int_equal(occurrences(page.text, "class=\"line s4\""), 2);
    assert_non_null(strstr(page.text, ">batteries</text>"));
    assert_non_null(strstr(page.text, ">time (s)</text>"));
    free(page.text);
}

static void a_map_colours_cells_and_draws_curves_over_them(void **state)
{
    (void)state;
    double x[] = { 0.001, 0.01, 0.1, 1 }, y[] = { 0, 0.5, 1 };
    double value[] = { 0, 0, 2, NAN, 1, 9 };
    double cx[] = { 0.001, 1 }, cy[] = { 0, 1 };
    struct svg_map map = { .title = "Map",
                           .x_label = "duration (s)",
                           .y_label = "pu",
                           .value_label = "s",
                           .x = x,
                           .y = y,
                           .value = value,
                           .columns = 3,
                           .rows = 2,
                           .nan_label = "never",
                           .value_low = 0,
                           .value_high = 2,
                           .x_log = true,
                           .line_count = 1,
                           .line = { { .label = "a curve, not certified", .x = cx, .y = cy, .count = 2 } } };
    struct page page;

    page_open(&page);
    svg_map(page.to, 0, 64, 600, 400, &map);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_int_equal(occurrences(page.text, "fill=\"url(#never)\""), 2); /* the cell and its legend */
    assert_non_null(strstr(page.text, "fill=\"#ffea46\""));              /* low is light */
    assert_non_null(strstr(page.text, "fill=\"#00204d\""));              /* high, and beyond, is dark */
    assert_int_equal(occurrences(page.text, "class=\"line m1\""), 2);
    assert_non_null(strstr(page.text, ">a curve, not certified</text>"));
    assert_non_null(strstr(page.text, ">0.001</text>"));
    free(page.text);
}

static void a_table_marks_what_is_bad(void **state)
{
    (void)state;
    static const char *const cells[] = { "vector", "none", "busbar", "e-1",   "!fails",
                                         "0.31 s", "e-2",  NULL,     "0.30 s" };
    struct page page;

    page_open(&page);
    svg_table(page.to, 16, 100, 500, cells, 3, 3);
    page_close(&page);
    assert_true(well_formed(page.text));
    assert_int_equal(occurrences(page.text, "class=\"bad\""), 1);
    assert_non_null(strstr(page.text, ">fails</text>"));
    assert_null(strstr(page.text, "!fails"));
    free(page.text);
}

/* Measured in DejaVu Sans, the widest of the fonts that a picture asks for. */
static void no_text_is_wider_than_its_room(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double wide;
    } cases[] = {
        { "99 % bound of the peak until then", 188.5 },
        { "power", 34.0 },
        { "forecast for that moment", 138.9 },
        { "supplies", 45.3 },
        { "batteries", 49.2 },
        { "lowest phase", 72.3 },
        { "grid (AC)", 48.8 },
        { "Overshoot: highest 20 ms mean of AC power after the return, over the power before.", 469.4 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (svg_width(cases[i].text, SVG_TEXT) < 0.99 * cases[i].wide)
            fail_msg("\"%s\" is %.1f wide, not %.1f", cases[i].text, cases[i].wide,
                     svg_width(cases[i].text, SVG_TEXT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checker_of_this_test_refuses_what_is_no_xml),
        cmocka_unit_test(texts_may_hold_anything),
        cmocka_unit_test(a_picture_names_itself_and_knows_dark_screens),
        cmocka_unit_test(ticks_are_round_and_inside),
        cmocka_unit_test(axes_map_ends_to_edges),
        cmocka_unit_test(a_long_line_is_thinned_and_keeps_its_peaks),
        cmocka_unit_test(a_gap_breaks_the_line_and_steps_are_held),
        cmocka_unit_test(ranges_come_from_the_lines_where_none_is_given),
        cmocka_unit_test(panels_show_shade_marks_and_legend),
        cmocka_unit_test(a_map_colours_cells_and_draws_curves_over_them),
        cmocka_unit_test(a_table_marks_what_is_bad),
        cmocka_unit_test(no_text_is_wider_than_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
