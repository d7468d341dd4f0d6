/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_report.c: what came out, as tables and as a JSON document. Main thread. */
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "forecast.h"
#include "study.h"

static const char *const forecast_level_keys[FORECAST_LEVELS] = { "0.9", "0.99", "0.999" };

/* ---- means over series ---- */

/* Means over the series that have the model; a horizon no series is long enough for
 * has no samples. */
struct forecast_mean {
    int32_t series, samples, unseen;
    double base_rate;
    int32_t there[FORECAST_MODELS];
    struct forecast_score score[FORECAST_MODELS], half[FORECAST_MODELS];
    double cost_ns[FORECAST_MODELS];
};

/* A mean of those that are numbers; NAN if none is. */
struct forecast_sum {
    double sum;
    int32_t count;
};

static void forecast_sum_add(struct forecast_sum *s, double x)
{
    if (isfinite(x)) {
        s->sum += x;
        s->count++;
    }
}

#define FORECAST_SCORE_NUMBERS 12

/* The members of a score that are averaged. */
static void forecast_score_members(struct forecast_score *s,
                                   double *ret[FORECAST_SCORE_NUMBERS + 2 * FORECAST_LEVELS])
{
    double *const members[FORECAST_SCORE_NUMBERS] = {
        &s->mae,    &s->mae_range_pct, &s->u99_range_pct,      &s->skill,
        &s->margin, &s->margin_equal,  &s->precision,          &s->recall,
        &s->f1,     &s->lead_ms,       &s->false_alarms_per_h, &s->coverage_worst_10s
    };

    memcpy(ret, members, sizeof members);
    for (int l = 0; l < FORECAST_LEVELS; l++) {
        ret[FORECAST_SCORE_NUMBERS + l] = &s->pinball[l];
        ret[FORECAST_SCORE_NUMBERS + FORECAST_LEVELS + l] = &s->coverage[l];
    }
}

static void forecast_score_mean(const struct forecast_result *result, int32_t count, int32_t h,
                                enum forecast_model m, bool half, struct forecast_score *ret)
{
    double *to[FORECAST_SCORE_NUMBERS + 2 * FORECAST_LEVELS],
        *from[FORECAST_SCORE_NUMBERS + 2 * FORECAST_LEVELS];
    struct forecast_sum sum[FORECAST_SCORE_NUMBERS + 2 * FORECAST_LEVELS] = { { .count = 0 } };

    *ret = (struct forecast_score){ .there = false };
    for (int32_t i = 0; i < count; i++) {
        const struct forecast_outcome *at = &result[i].at[h];
        struct forecast_score s = half ? at->half[m] : at->score[m];

        if (at->samples == 0 || !s.there)
            continue;
        ret->there = true;
        ret->samples += s.samples;
        for (int l = 0; l < FORECAST_LEVELS; l++)
            ret->missed[l] += s.missed[l];
        forecast_score_members(&s, from);
        for (size_t k = 0; k < sizeof sum / sizeof sum[0]; k++)
            forecast_sum_add(&sum[k], *from[k]);
    }
    forecast_score_members(ret, to);
    for (size_t k = 0; k < sizeof sum / sizeof sum[0]; k++)
        *to[k] = sum[k].count ? sum[k].sum / sum[k].count : NAN;
}

static void forecast_mean(const struct forecast_result *result, int32_t count, int32_t h,
                          struct forecast_mean *ret)
{
    struct forecast_sum rate = { .count = 0 };

    *ret = (struct forecast_mean){ .series = 0 };
    for (int32_t i = 0; i < count; i++) {
        const struct forecast_outcome *at = &result[i].at[h];

        if (at->samples == 0)
            continue;
        ret->series++;
        ret->samples += at->samples;
        ret->unseen += at->unseen;
        forecast_sum_add(&rate, at->base_rate);
    }
    ret->base_rate = rate.count ? rate.sum / rate.count : NAN;
    for (int m = 0; m < FORECAST_MODELS; m++) {
        struct forecast_sum cost = { .count = 0 };

        for (int32_t i = 0; i < count; i++) {
            const struct forecast_outcome *at = &result[i].at[h];

            if (at->samples == 0 || !at->score[m].there)
                continue;
            ret->there[m]++;
            forecast_sum_add(&cost, at->cost_ns[m]);
        }
        ret->cost_ns[m] = cost.count ? cost.sum / cost.count : NAN;
        forecast_score_mean(result, count, h, (enum forecast_model)m, false, &ret->score[m]);
        forecast_score_mean(result, count, h, (enum forecast_model)m, true, &ret->half[m]);
    }
}

/* ---- text ---- */

static void forecast_cell(struct study_table *table, const char *format, double x)
{
    char text[32];

    (void)snprintf(text, sizeof text, format, x); /* a constant of the caller */
    study_table_put(table, "%s", isfinite(x) ? text : "-");
}

static void forecast_text_row(struct study_table *table, enum forecast_model m,
                              const struct forecast_score *s)
{
    bool forecasts = m != FORECAST_ALWAYS_NO;

    study_table_put(table, "%s%s", forecast_model_name(m), forecast_base_fitted(m) ? " (2nd half)" : "");
    forecast_cell(table, "%.2f", forecasts ? s->mae_range_pct : NAN);
    forecast_cell(table, "%.1f", forecasts ? s->u99_range_pct : NAN);
    forecast_cell(table, "%.3f", forecasts ? s->skill : NAN);
    forecast_cell(table, "%.4f", forecasts ? s->coverage[1] : NAN);
    forecast_cell(table, "%.3f", forecasts ? s->coverage_worst_10s : NAN);
    forecast_cell(table, "%.3f", forecasts ? s->margin : NAN);
    forecast_cell(table, "%.3f", forecasts ? s->margin_equal : NAN);
    forecast_cell(table, "%.5f", forecasts ? s->pinball[1] : NAN);
    forecast_cell(table, "%.3f", s->precision);
    forecast_cell(table, "%.3f", s->recall);
    forecast_cell(table, "%.3f", s->f1);
}

void forecast_report_text(const struct forecast_study *study, const struct forecast_result *result,
                          int32_t count, FILE *to)
{
    static const char *const head[] = { "model",     "MAE %",      "u99 %",  "skill",
                                        "held 99 %", "worst 10 s", "margin", "at 99 %",
                                        "pinball",   "precision",  "recall", "F1" };
    const int32_t columns = (int32_t)(sizeof head / sizeof head[0]);

    (void)fprintf(to, "%s: %d series of %d samples of %g ms; forecaster of %zu bytes\n", study->source.path,
                  count, result->series->count, result->step_s * 1e3, result->bytes);
    for (int32_t h = 0; h < study->horizon_count; h++) {
        struct forecast_mean mean;
        struct study_table table;

        forecast_mean(result, count, h, &mean);
        if (mean.samples == 0) {
            (void)fprintf(to, "\n%g ms ahead: the series is too short\n", result->at[h].horizon_s * 1e3);
            continue;
        }
        (void)fprintf(to, "\n%g ms ahead: %d samples scored, %.2f %% of them before a spike\n",
                      result->at[h].horizon_s * 1e3, mean.samples, 100.0 * mean.base_rate);
        study_table_init(&table, columns);
        for (int32_t c = 0; c < columns; c++)
            study_table_put(&table, "%s", head[c]);
        for (int m = 0; m < FORECAST_MODELS; m++)
            if (mean.score[m].there)
                forecast_text_row(&table, (enum forecast_model)m, &mean.score[m]);
        study_table_print(&table, to);
        study_table_done(&table);
    }
}

/* ---- JSON ---- */

static struct json_object *forecast_number(double x)
{
    char text[40];

    if (!isfinite(x))
        return NULL;
    (void)snprintf(text, sizeof text, "%.9g", x);
    return json_object_new_double_s(x, text);
}

static struct json_object *forecast_levels_json(const double value[FORECAST_LEVELS], bool said)
{
    struct json_object *out = json_object_new_object();

    for (int l = 0; l < FORECAST_LEVELS; l++)
        json_object_object_add(out, forecast_level_keys[l], forecast_number(said ? value[l] : NAN));
    return out;
}

static struct json_object *forecast_score_json(enum forecast_model m, const struct forecast_score *s)
{
    struct json_object *out = json_object_new_object();
    bool forecasts = m != FORECAST_ALWAYS_NO;
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        { "mae", forecasts ? s->mae : NAN },
        { "mae_range_pct", forecasts ? s->mae_range_pct : NAN },
        { "u99_range_pct", forecasts ? s->u99_range_pct : NAN },
        { "skill", forecasts ? s->skill : NAN },
        { "coverage_worst_10s", forecasts ? s->coverage_worst_10s : NAN },
        { "margin", forecasts ? s->margin : NAN },
        { "margin_equal", forecasts ? s->margin_equal : NAN },
        { "precision", s->precision },
        { "recall", s->recall },
        { "f1", s->f1 },
        { "lead_ms", s->lead_ms },
        { "false_alarms_per_h", s->false_alarms_per_h },
    };

    json_object_object_add(out, "samples", json_object_new_int(s->samples));
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
        json_object_object_add(out, numbers[k].key, forecast_number(numbers[k].value));
    json_object_object_add(out, "pinball", forecast_levels_json(s->pinball, forecasts));
    json_object_object_add(out, "coverage", forecast_levels_json(s->coverage, forecasts));
    json_object_object_add(out, "missed_99", json_object_new_int(s->missed[1]));
    return out;
}

static struct json_object *forecast_horizon_json(const struct forecast_result *result, int32_t count,
                                                 int32_t h)
{
    struct json_object *out = json_object_new_object(), *models = json_object_new_object();
    struct forecast_mean mean;

    forecast_mean(result, count, h, &mean);
    json_object_object_add(out, "horizon_ms", forecast_number(result->at[h].horizon_s * 1e3));
    json_object_object_add(out, "samples", json_object_new_int(mean.samples));
    json_object_object_add(out, "series", json_object_new_int(mean.series));
    json_object_object_add(out, "base_rate", forecast_number(mean.base_rate));
    json_object_object_add(out, "unseen", json_object_new_int(mean.unseen));
    for (int m = 0; m < FORECAST_MODELS; m++) {
        struct json_object *one;

        if (!mean.score[m].there) {
            json_object_object_add(models, forecast_model_name((enum forecast_model)m), NULL);
            continue;
        }
        one = forecast_score_json((enum forecast_model)m, &mean.score[m]);
        json_object_object_add(one, "series", json_object_new_int(mean.there[m]));
        json_object_object_add(one, "fitted",
                               json_object_new_boolean(forecast_base_fitted((enum forecast_model)m)));
        json_object_object_add(one, "cost_ns", forecast_number(mean.cost_ns[m]));
        json_object_object_add(one, "second_half",
                               forecast_score_json((enum forecast_model)m, &mean.half[m]));
        json_object_object_add(models, forecast_model_name((enum forecast_model)m), one);
    }
    json_object_object_add(out, "models", models);
    return out;
}

static struct json_object *forecast_horizons_json(const struct forecast_study *study,
                                                  const struct forecast_result *result, int32_t count)
{
    struct json_object *out = json_object_new_array();

    for (int32_t h = 0; h < study->horizon_count; h++)
        json_object_array_add(out, forecast_horizon_json(result, count, h));
    return out;
}

void forecast_report_json(const struct forecast_study *study, const struct forecast_result *result,
                          int32_t count, FILE *to)
{
    struct json_object *out = json_object_new_object();

    json_object_object_add(out, "trace", json_object_new_string(study->source.path));
    json_object_object_add(out, "sample_ms", forecast_number(result->step_s * 1e3));
    json_object_object_add(out, "cap_w", forecast_number(study->cap_w > 0.0 ? study->cap_w : NAN));
    json_object_object_add(out, "state_bytes", json_object_new_int64((int64_t)result->bytes));
    json_object_object_add(out, "horizons", forecast_horizons_json(study, result, count));
    if (count > 1) {
        struct json_object *series = json_object_new_array();

        for (int32_t i = 0; i < count; i++) {
            struct json_object *one = json_object_new_object();

            json_object_object_add(one, "name", json_object_new_string(result[i].series->name));
            json_object_object_add(one, "horizons", forecast_horizons_json(study, &result[i], 1));
            json_object_array_add(series, one);
        }
        json_object_object_add(out, "series", series);
    }
    (void)fprintf(to, "%s\n", json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));
    json_object_put(out);
}
