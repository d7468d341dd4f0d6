/* SPDX-License-Identifier: Apache-2.0 */
/* busbarsim forecast: series from files, the forecasts that ours is held against,
 * and scores worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "sim/forecast.h"

static void assert_near(double is, double should, double within)
{
    if (!(fabs(is - should) <= within))
        fail_msg("%.9g should be %.9g", is, should);
}

static void file_make(char path[], const char *text, bool gzip)
{
    int fd;

    (void)strcpy(path, "/tmp/busbar-forecast-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    if (gzip) {
        gzFile file = gzdopen(fd, "wb");

        assert_non_null(file);
        assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
        assert_int_equal(gzclose(file), Z_OK);
        return;
    }
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static enum status load(const char *text, struct forecast_source *source, struct forecast_set *set,
                        char *error)
{
    char path[64];
    enum status st;

    file_make(path, text, false);
    source->path = path;
    st = forecast_series_load(source, set, error);
    source->path = NULL;
    (void)unlink(path);
    return st;
}

/* ---- series ---- */

static void a_sample_is_the_mean_of_its_slot_or_the_last_one(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "a+b", .time = "t_ms", .resample_s = 0.01 };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX];
    const char *text =
        "t_ms,a,x,b\n0,1,9,10\n5,3,9,20\n12,5,9,30\n31,7,9,40\n40,7,9,40\n50,8,9,40\n60,8,9,40\n"
        "70,8,9,40\n85,9,9,41\n";

    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.series[0].count, 8);
    assert_near(set.series[0].w[0], 17.0, 1e-9); /* (11 + 23) / 2 */
    assert_near(set.series[0].w[1], 35.0, 1e-9);
    assert_near(set.series[0].w[2], 35.0, 1e-9); /* nothing came: as before */
    assert_near(set.series[0].w[3], 47.0, 1e-9);
    forecast_series_done(&set);
}

/* Its first reading is the file's last, after the last whole sample: there is nothing to forecast of it. */
static void a_group_that_comes_too_late_is_left_out(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "w", .time = "t_s", .group = "node", .resample_s = 1.0 };
    char text[256] = "t_s,node,w\n", error[FORECAST_ERROR_MAX];
    struct forecast_set set;

    for (int i = 0; i < 10; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d,a,%d\n", i, 100 + i);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "10,b,7\n");
    for (int each = 0; each < 2; each++) {
        source.each = each;
        assert_int_equal(load(text, &source, &set, error), ST_OK);
        assert_int_equal(set.count, 1);
        assert_int_equal(set.series[0].count, 10);
        for (int i = 0; i < 10; i++)
            assert_near(set.series[0].w[i], 100.0 + i, 1e-9);
        forecast_series_done(&set);
    }
}

static void groups_are_added_up_or_kept_apart(void **state)
{
    (void)state;
    const char *text =
        "t_s,node,w\n0,0,1\n0.5,1,10\n1,0,2\n1.5,1,20\n2,0,3\n2.5,1,30\n3,0,4\n3.5,1,40\n4,0,5\n4.5,1,50\n"
        "5,0,6\n5.5,1,60\n6,0,7\n6.5,1,70\n7,0,8\n7.5,1,80\n8,0,9\n8.5,1,90\n";
    struct forecast_source source = { .column = "w", .time = "t_s", .group = "node", .resample_s = 1.0 };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX];

    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_int_equal(set.count, 1);
    assert_near(set.series[0].w[3], 44.0, 1e-9);
    forecast_series_done(&set);
    source.each = true;
    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_int_equal(set.count, 2);
    assert_string_equal(set.series[1].name, "1");
    assert_near(set.series[1].w[3], 40.0, 1e-9);
    forecast_series_done(&set);
}

/* A ramp of 1 W a millisecond, seen as 25 ms every 100. */
static void a_sensor_shows_its_window_and_holds_it(void **state)
{
    (void)state;
    struct forecast_source source = {
        .column = "w", .time = "t_ms", .resample_s = 0.01, .sensor_window_s = 0.025, .sensor_period_s = 0.1
    };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX], *text = malloc(40000);
    size_t at = 0;

    assert_non_null(text);
    at += (size_t)sprintf(text, "t_ms,w\n");
    for (int ms = 0; ms <= 1000; ms++)
        at += (size_t)sprintf(text + at, "%d,%d\n", ms, ms);
    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_near(set.series[0].seen[29], 288.0, 1e-9); /* at 300 ms: mean of 276 to 300 */
    assert_true(set.series[0].fresh[29]);
    assert_near(set.series[0].seen[35], 288.0, 1e-9);
    assert_false(set.series[0].fresh[35]);
    assert_near(set.series[0].w[35], 354.5, 1e-9);
    forecast_series_done(&set);
    source.sensor_age_s = 0.13; /* what was seen at 200 ms is there at 330 */
    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_near(set.series[0].seen[31], 88.0, 1e-9);
    assert_false(set.series[0].fresh[31]);
    assert_near(set.series[0].seen[32], 188.0, 1e-9);
    assert_true(set.series[0].fresh[32]);
    for (int32_t i = 0; i < 12; i++)
        assert_false(set.series[0].fresh[i]);      /* nothing has arrived yet */
    assert_near(set.series[0].w[32], 324.5, 1e-9); /* scored is the power itself */
    forecast_series_done(&set);
    free(text);
}

static void what_is_wrong_with_a_file_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text, *column, *time, *told;
    } cases[] = {
        { "t_s,w\n1,2\n", "v", "t_s", ":1: there is no column \"v\"; there are: t_s, w" },
        { "t_s,w\n1,2\n", "w", "time", "must end in _us, _ms or _s" },
        { "t_s,w\n1,two\n", "w", "t_s", ":2: \"two\" is not a number" },
        { "t_s,w\n1,2\n", "w", "t_s", "only 1 readings" },
        { "t_s,w\nx,2\n", "w", "t_s", ":2: \"x\" is not a time" },
        { "t_s,w\n1\n", "w", "t_s", ":2: only 1 columns" },
        { "", "w", "t_s", "only 0 readings" },
        { "t_s,w\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n1,1\n", "w", "t_s", "samples" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct forecast_source source = { .column = cases[i].column, .time = cases[i].time };
        struct forecast_set set;
        char error[FORECAST_ERROR_MAX];

        assert_int_not_equal(load(cases[i].text, &source, &set, error), ST_OK);
        if (!strstr(error, cases[i].told))
            fail_msg("\"%s\" does not say \"%s\"", error, cases[i].told);
        assert_int_equal(set.count, 0);
    }
}

/* In a double seconds since 1970 are 0.24 us apart: no reading may change its slot by that. */
static void the_time_of_day_changes_nothing(void **state)
{
    (void)state;
    static const double base_s[] = { 0.0, 1700000000.0 };
    struct forecast_set set[2];
    char error[FORECAST_ERROR_MAX], *text = malloc(64 * 1000);

    assert_non_null(text);
    for (int k = 0; k < 2; k++) {
        struct forecast_source source = { .column = "w", .time = "t_s" };
        int used = sprintf(text, "t_s,w\n");

        for (int i = 0; i < 1000; i++)
            used += sprintf(text + used, "%.1f,%d\n", base_s[k] + 0.1 * i, i);
        assert_int_equal(load(text, &source, &set[k], error), ST_OK);
        assert_near(set[k].step_s, 0.1, 1e-12);
    }
    assert_int_equal(set[0].series[0].count, 999);
    assert_int_equal(set[1].series[0].count, 999);
    for (int i = 0; i < 999; i++)
        assert_near(set[1].series[0].w[i], i, 0.0);
    forecast_series_done(&set[0]);
    forecast_series_done(&set[1]);
    free(text);
}

/* A meter of 5 kHz: its own step is finer than what a forecaster takes. */
static void a_step_is_a_millisecond_at_least(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "w", .time = "t_ms" };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX], text[8192];
    int used = sprintf(text, "t_ms,w\n");

    for (int i = 0; i <= 500; i++)
        used += sprintf(text + used, "%.1f,%d\n", 0.2 * i, i / 5);
    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_near(set.step_s, 1e-3, 1e-12);
    assert_int_equal(set.series[0].count, 100);
    assert_near(set.series[0].w[7], 7.0, 1e-9);
    forecast_series_done(&set);
}

static void a_rack_of_accelerators_is_one_row(void **state)
{
    (void)state;
    enum { COLUMNS = 72, ROWS = 10 };
    char name[COLUMNS * 8] = "", error[FORECAST_ERROR_MAX];
    struct forecast_source source = { .column = name, .time = "t_s" };
    struct forecast_set set;
    char text[COLUMNS * 8 * (ROWS + 1)];
    int used = sprintf(text, "t_s"), named = 0;

    for (int c = 0; c < COLUMNS; c++) {
        used += sprintf(text + used, ",gpu-%d", c);
        named += sprintf(name + named, "%sgpu-%d", c ? "+" : "", c);
    }
    for (int i = 0; i < ROWS; i++) {
        used += sprintf(text + used, "\n%d", i);
        for (int c = 0; c < COLUMNS; c++)
            used += sprintf(text + used, ",%d", 100 + i);
    }
    assert_int_equal(load(text, &source, &set, error), ST_OK);
    assert_near(set.series[0].w[3], 72.0 * 103.0, 1e-9);
    forecast_series_done(&set);
}

/* A byte order mark, quotes, blanks, CR LF. */
static void a_spreadsheets_file_is_a_file(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "w", .time = "t_s", .resample_s = 1.0 };
    struct forecast_set set;
    char error[FORECAST_ERROR_MAX];

    assert_int_equal(load("\xef\xbb\xbf\"t_s\", \"w\" \r\n0, \"1\"\r\n\"1\",2\r\n2 "
                          ",3\r\n3,\t4\r\n4,5\r\n5,\"\"\r\n6,7\r\n7,8\r\n"
                          "8,9\r\n9,10\r\n",
                          &source, &set, error),
                     ST_OK);
    assert_near(set.series[0].w[0], 1.0, 0.0);
    assert_near(set.series[0].w[3], 4.0, 0.0);
    assert_near(set.series[0].w[5], 5.0, 0.0); /* no reading */
    forecast_series_done(&set);
}

static void a_file_that_is_cut_short_is_told(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "w", .time = "t_s" };
    struct forecast_events events;
    struct forecast_set set;
    char path[64], error[FORECAST_ERROR_MAX], *text = malloc(200000);
    int used = sprintf(text, "t_s,event,w\n");

    assert_non_null(text);
    for (int i = 0; i < 5000; i++)
        used += sprintf(text + used, "%d,step,%d\n", i, i * 7919 % 10007);
    file_make(path, text, true);
    assert_int_equal(truncate(path, 8000), 0);
    source.path = path;
    assert_int_equal(forecast_series_load(&source, &set, error), ST_CORRUPT);
    assert_non_null(strstr(error, "cut short"));
    assert_int_equal(forecast_events_load(path, &events, error), ST_CORRUPT);
    assert_non_null(strstr(error, "cut short"));
    (void)unlink(path);
    free(text);
}

static void a_gzip_file_is_a_file(void **state)
{
    (void)state;
    struct forecast_source source = { .column = "w", .time = "t_s", .resample_s = 1.0 };
    struct forecast_set set;
    char path[64], error[FORECAST_ERROR_MAX];

    file_make(path, "t_s,w\n0,1\n1,2\n2,3\n3,4\n4,5\n5,6\n6,7\n7,8\n8,9\n", true);
    source.path = path;
    assert_int_equal(forecast_series_load(&source, &set, error), ST_OK);
    assert_near(set.series[0].w[4], 5.0, 1e-9);
    forecast_series_done(&set);
    (void)unlink(path);
}

static void a_log_is_read_as_marks(void **state)
{
    (void)state;
    struct forecast_events events;
    char path[64], error[FORECAST_ERROR_MAX];

    file_make(path,
              "t_s,event,value\n3.5,train_step_timing_s,10.6\n-0.1,run_start,\n4,epoch_num,3\n9,queue,17\n",
              false);
    assert_int_equal(forecast_events_load(path, &events, error), ST_OK);
    assert_int_equal(events.count, 3);
    assert_int_equal(events.event[0].mark, FC_MARK_START);
    assert_int_equal(events.event[1].mark, FC_MARK_STEP);
    assert_near(events.event[2].value, 17.0, 0.0);
    forecast_events_done(&events);
    (void)unlink(path);
    file_make(path, "t_s,event\n1,nobody_knows\n", false);
    assert_int_equal(forecast_events_load(path, &events, error), ST_RANGE);
    assert_non_null(strstr(error, "no event has a known name"));
    (void)unlink(path);
    for (int k = 0; k < 3; k++) { /* how many wait is what such a line is for */
        static const char *const values[] = { "", ",", ",many" };
        char text[64];

        (void)snprintf(text, sizeof text, "t_s,event,value\n1,step\n2,queue%s\n", values[k]);
        file_make(path, text, false);
        assert_int_equal(forecast_events_load(path, &events, error), ST_CORRUPT);
        assert_non_null(strstr(error, ":3: \"queue\" needs the number of requests"));
        (void)unlink(path);
    }
}

/* ---- what ours is held against ---- */

#define COUNT 3000

struct rig {
    double w[COUNT], top[COUNT], point[COUNT], peak[COUNT], upper[FORECAST_LEVELS][COUNT];
    signed char alarm[COUNT];
    struct forecast_track track;
    struct forecast_base_task task;
};

static void rig_ready(struct rig *r, int32_t steps)
{
    forecast_base_top(r->w, COUNT, steps, r->top);
    r->track = (struct forecast_track){ .point = r->point,
                                        .peak = r->peak,
                                        .alarm = r->alarm,
                                        .upper = { r->upper[0], r->upper[1], r->upper[2] } };
    r->task = (struct forecast_base_task){
        .seen = r->w, .top = r->top, .count = COUNT, .steps = steps, .event_w = 20.0
    };
}

static void each_simple_forecast_is_what_its_name_says(void **state)
{
    (void)state;
    static struct rig r;

    for (int32_t i = 0; i < COUNT; i++)
        r.w[i] = i < 300 ? 100.0 : 100.0 + 2.0 * (i - 299);
    rig_ready(&r, 5);
    assert_true(forecast_base_run(FORECAST_PERSISTENCE, &r.task, &r.track));
    assert_near(r.point[400], r.w[400], 1e-9);
    assert_true(forecast_base_run(FORECAST_LINEAR, &r.task, &r.track));
    assert_near(r.point[100], 100.0, 1e-9);
    assert_near(r.point[400], r.w[400], 1e-9); /* clipped: nothing higher was seen */
    assert_true(forecast_base_run(FORECAST_MAX_LAST_N, &r.task, &r.track));
    assert_near(r.point[400], r.w[400], 1e-9);
    assert_true(forecast_base_run(FORECAST_EWMA, &r.task, &r.track));
    assert_true(r.point[400] < r.w[400] && r.point[400] > r.w[390]);
    assert_true(forecast_base_run(FORECAST_ALWAYS_NO, &r.task, &r.track));
    for (int32_t i = 0; i < COUNT; i++)
        assert_false(r.alarm[i]);
}

static void a_season_is_found_and_repeated(void **state)
{
    (void)state;
    static struct rig r;
    uint32_t seed = 1;

    for (int32_t i = 0; i < COUNT; i++)
        r.w[i] = i % 30 < 15 ? 200.0 : 100.0;
    rig_ready(&r, 12);
    assert_true(forecast_base_run(FORECAST_SEASONAL, &r.task, &r.track));
    assert_true(isnan(r.point[100]));
    for (int32_t i = COUNT / 2; i + 12 < COUNT; i++)
        assert_near(r.point[i], r.w[i + 12], 1e-9);
    assert_true(forecast_base_run(FORECAST_TEMPLATE, &r.task, &r.track));
    for (int32_t i = COUNT / 2; i + 12 < COUNT; i++)
        assert_near(r.point[i], r.w[i + 12], 1e-9);
    for (int32_t i = 0; i < COUNT; i++) {
        seed = seed * 1664525U + 1013904223U;
        r.w[i] = (double)(seed >> 16);
    }
    rig_ready(&r, 12);
    assert_false(forecast_base_run(FORECAST_SEASONAL, &r.task, &r.track));
}

/* w = 0.9 of the last + noise: five ahead 0.9^5 of it is best. */
static void autoregressions_find_the_law(void **state)
{
    (void)state;
    static struct rig r;
    uint32_t seed = 2;
    double error[3] = { 0.0, 0.0, 0.0 };
    static const enum forecast_model models[2] = { FORECAST_AR, FORECAST_AR_RLS };

    for (int32_t i = 0; i < COUNT; i++) {
        seed = seed * 1664525U + 1013904223U;
        r.w[i] = 500.0 + (i ? 0.9 * (r.w[i - 1] - 500.0) : 0.0) + (double)(seed >> 16) / 6553.6 - 5.0;
    }
    rig_ready(&r, 5);
    for (int m = 0; m < 2; m++) {
        assert_true(forecast_base_run(models[m], &r.task, &r.track));
        for (int32_t i = COUNT / 2; i + 5 < COUNT; i++)
            error[m] += fabs(r.point[i] - r.w[i + 5]);
    }
    for (int32_t i = COUNT / 2; i + 5 < COUNT; i++)
        error[2] += fabs(r.w[i] - r.w[i + 5]);
    print_message("errors: fitted %.0f, recursive %.0f, persistence %.0f\n", error[0], error[1], error[2]);
    assert_true(error[0] < error[2]);
    assert_true(error[1] < 1.05 * error[2]);
}

static void their_bounds_hold_about_as_often_as_they_say(void **state)
{
    (void)state;
    static struct rig r;
    uint32_t seed = 3;
    int32_t held = 0;

    for (int32_t i = 0; i < COUNT; i++) {
        seed = seed * 1664525U + 1013904223U;
        r.w[i] = 500.0 + (double)(seed >> 16) / 6553.6;
    }
    rig_ready(&r, 3);
    assert_true(forecast_base_run(FORECAST_PERSISTENCE, &r.task, &r.track));
    for (int32_t i = 60; i + 3 < COUNT; i++) {
        held += r.top[i] <= r.upper[0][i];
        assert_true(r.upper[1][i] >= r.upper[0][i] && r.upper[2][i] >= r.upper[1][i]);
    }
    assert_in_range(held, 0.8 * (COUNT - 63), 0.97 * (COUNT - 63));
}

/* ---- scores ---- */

static void a_score_worked_out_by_hand(void **state)
{
    (void)state;
    double w[10] = { 0, 0, 0, 100, 100, 0, 0, 100, 100, 0 }, top[10], scratch[10], point[10], peak[10],
           upper[3][10];
    signed char alarm[10] = { 0, 1, 1, 0, 1, 0, 0, 0, 0, 0 };
    struct forecast_track track = {
        .point = point, .peak = peak, .alarm = alarm, .upper = { upper[0], upper[1], upper[2] }
    };
    struct forecast_judge judge = { .seen = w,
                                    .truth = w,
                                    .top = top,
                                    .count = 10,
                                    .steps = 2,
                                    .first = 0,
                                    .last = 10,
                                    .step_s = 0.01,
                                    .range = 100.0,
                                    .event_w = 20.0,
                                    .scratch = scratch };
    struct forecast_score s;
    int32_t samples;

    forecast_base_top(w, 10, 2, top);
    for (int i = 0; i < 10; i++) {
        point[i] = peak[i] = 50.0;
        for (int l = 0; l < 3; l++)
            upper[l][i] = i == 6 ? 10.0 : 100.0;
    }
    /* before a spike: i = 1, 2 (rise at 3), 5, 6 (rise at 7) of the 8 scored */
    assert_near(forecast_score_base_rate(&judge, &samples), 0.5, 1e-9);
    assert_int_equal(samples, 8);
    assert_int_equal(forecast_score_unseen(&judge), 2); /* at 7 it has been there before */
    judge.first = 3;
    assert_int_equal(forecast_score_unseen(&judge), 0);
    judge.first = 0;
    forecast_score(&judge, &track, NULL, &s);
    assert_near(s.mae_range_pct, 50.0, 1e-9);
    assert_near(s.u99_range_pct, 50.0, 1e-9);
    assert_near(s.coverage[1], 7.0 / 8.0, 1e-9);
    assert_int_equal(s.missed[1], 1);
    assert_near(s.precision, 2.0 / 3.0, 1e-9); /* alarms at 1, 2 and, wrongly, 4 */
    assert_near(s.recall, 0.5, 1e-9);
    assert_near(s.lead_ms, 20.0, 1e-9); /* first alarm at 1, power up at 3 */
    assert_near(s.false_alarms_per_h, 1.0 / (8 * 0.01 / 3600.0), 1e-6);
    alarm[4] = 0; /* one that still stands at the end is one, too */
    alarm[7] = 1;
    forecast_score(&judge, &track, NULL, &s);
    assert_near(s.precision, 2.0 / 3.0, 1e-9);
    assert_near(s.false_alarms_per_h, 1.0 / (8 * 0.01 / 3600.0), 1e-6);
    /* bounds less now: 100 at four lows, 10 at the fifth, 0 at three highs */
    assert_near(s.margin, (4 * 100.0 + 10.0) / 8.0 / 100.0, 1e-9);
    /* raised by 90 all would hold */
    assert_near(s.margin_equal, s.margin + 0.9, 1e-9);
}

/* ---- all together ---- */

static void every_model_is_scored_and_the_forecaster_sees_no_future(void **state)
{
    (void)state;
    struct forecast_study study = { .source = { .path = "made up", .column = "w" },
                                    .horizon_count = 2,
                                    .horizon_s = { 0.05, 0.1 },
                                    .event_ratio = 0.2,
                                    .score_from_s = NAN,
                                    .score_to_s = NAN };
    struct forecast_events none = { .count = 0 };
    static double w[4000];
    static bool fresh[4000];
    struct forecast_series series = { .name = "all", .count = 4000, .w = w, .seen = w, .fresh = fresh };
    struct forecast_set set = { .step_s = 0.01, .count = 1, .series = &series };
    struct forecast_result a, b;

    for (int32_t i = 0; i < 4000; i++) {
        w[i] = i % 13 < 6 ? 300.0 : 100.0;
        fresh[i] = true;
    }
    assert_int_equal(forecast_run(&study, &set, &series, &none, &a), ST_OK);
    for (int m = 0; m < FORECAST_MODELS; m++)
        assert_true(a.at[0].score[m].there);
    assert_int_equal(a.first, 300);
    for (int m = 0; m < FORECAST_MODELS;
         m++) /* what is fitted is held against persistence on the same half */
        if (forecast_base_fitted((enum forecast_model)m))
            assert_near(a.at[0].score[m].skill, a.at[0].half[m].skill, 0.0);
    assert_true(a.at[0].score[FORECAST_BUSBAR].mae_range_pct < 1.0);
    for (int32_t i = 2000; i < 4000; i++) /* another future */
        w[i] = 5000.0;
    assert_int_equal(forecast_run(&study, &set, &series, &none, &b), ST_OK);
    for (int32_t i = 0; i < 2000; i++) {
        assert_near(a.at[1].track.point[i], b.at[1].track.point[i], 0.0);
        assert_near(a.at[1].track.upper[2][i], b.at[1].track.upper[2][i], 0.0);
    }
    forecast_run_done(&a);
    forecast_run_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_the_mean_of_its_slot_or_the_last_one),
        cmocka_unit_test(groups_are_added_up_or_kept_apart),
        cmocka_unit_test(a_group_that_comes_too_late_is_left_out),
        cmocka_unit_test(a_sensor_shows_its_window_and_holds_it),
        cmocka_unit_test(what_is_wrong_with_a_file_is_told),
        cmocka_unit_test(the_time_of_day_changes_nothing),
        cmocka_unit_test(a_step_is_a_millisecond_at_least),
        cmocka_unit_test(a_rack_of_accelerators_is_one_row),
        cmocka_unit_test(a_spreadsheets_file_is_a_file),
        cmocka_unit_test(a_file_that_is_cut_short_is_told),
        cmocka_unit_test(a_gzip_file_is_a_file),
        cmocka_unit_test(a_log_is_read_as_marks),
        cmocka_unit_test(each_simple_forecast_is_what_its_name_says),
        cmocka_unit_test(a_season_is_found_and_repeated),
        cmocka_unit_test(autoregressions_find_the_law),
        cmocka_unit_test(their_bounds_hold_about_as_often_as_they_say),
        cmocka_unit_test(a_score_worked_out_by_hand),
        cmocka_unit_test(every_model_is_scored_and_the_forecaster_sees_no_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
