/* SPDX-License-Identifier: Apache-2.0 */
/* ride_report.c: the ride-through table as text, JSON and picture, and its sums.
 * Main thread; runs nothing. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "ride_table.h"
#include "svg.h"

static const char *const ride_report_notes[] = {
    "Cells: what happened, and the time until the rack takes 90 % of its AC power before the event again.",
    "short-boot and kept-alive are hypothetical hardware: supplies that start in 0.3 s, or whose controller "
    "stays alive on the busbar.",
    "stock: no software keeps the PFC of a stock supply on; promised are IT gear and busbar, the time is the "
    "hardware's.",
    "With Busbar every check of the run holds where a cell says rides, or returns: the supplies left the "
    "grid all "
    "the same. Else it says which does not.",
    "Without and with Busbar the supplies of a seed draw the same boots and delays.",
    "rule: a PFC goes off after 20 ms under 175 V, 50 ms above 309 V or 20 ms above 345 V; held against the "
    "runs without Busbar.",
    "Vectors are taken from summaries of grid codes and from memory of equipment curves; not certified.",
};
#define RIDE_REPORT_NOTES (sizeof ride_report_notes / sizeof ride_report_notes[0])

/* ---- sums ---- */

static bool ride_report_agrees(const struct ride_table_cell *cell)
{
    return cell->loaded && cell->rule_trips == (cell->pfc_trips > 0.0);
}

bool ride_table_held(enum plant_start_kind start, const struct ride_table_cell *cell)
{
    return cell->loaded && (start == PLANT_START_STOCK ? cell->kept && cell->it_lost <= 0.0 : cell->ok);
}

void ride_table_sum(const struct ride_table *table, struct ride_table_summary *ret)
{
    memset(ret, 0, sizeof *ret);
    for (int32_t s = 0; s < table->starts.count; s++)
        for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++)
            ret->group[s][c].recharge_peak_w = (double)NAN; /* of runs that end before there is any */
    for (uint64_t i = 0; i < ride_table_count(table); i++) {
        const struct ride_table_cell *cell = &table->cell[i];
        struct ride_table_key key = ride_table_key(table, i);
        bool busbar = key.controller == VIRTUAL_BUSBAR;
        bool held = busbar && ride_table_held(table->start[key.start], cell);

        ret->runs++;
        ret->promised += busbar;
        ret->held += held;
        ret->other += held && !cell->ok;
        ret->rule_cases += !busbar;
        ret->rule_agrees += !busbar && ride_report_agrees(cell);
        ret->group[key.start][key.controller].runs++;
        if (!cell->loaded)
            continue;
        ret->group[key.start][key.controller].ok += cell->ok;
        ret->group[key.start][key.controller].it_kept += cell->it_lost <= 0.0;
        ret->group[key.start][key.controller].back += isfinite(cell->recovery_s);
        if (cell->recovery_s > ret->group[key.start][key.controller].recovery_worst_s)
            ret->group[key.start][key.controller].recovery_worst_s = cell->recovery_s;
        if (cell->overshoot_ratio > ret->group[key.start][key.controller].overshoot_worst)
            ret->group[key.start][key.controller].overshoot_worst = cell->overshoot_ratio;
        ret->group[key.start][key.controller].recharge_peak_w =
            fmax(ret->group[key.start][key.controller].recharge_peak_w, cell->recharge_peak_w);
    }
}

/* ---- cells as words ---- */

static const char *ride_report_verdict(const struct ride_table_cell *cell, enum virtual_controller controller)
{
    if (!cell->loaded)
        return "no run";
    if (cell->it_lost > 0.0)
        return "IT lost";
    if (controller == VIRTUAL_NONE)
        return cell->pfc_trips > 0.0 ? "trips" : "rides";
    if (!cell->ok)
        return cell->failed;
    return cell->pfc_trips > 0.0 ? "returns" : "rides";
}

static bool ride_report_bad(const struct ride_table_cell *cell, enum virtual_controller controller)
{
    return !cell->loaded || cell->it_lost > 0.0 ||
           (controller == VIRTUAL_NONE ? cell->pfc_trips > 0.0 : !cell->ok);
}

static void ride_report_cell(struct study_table *out, const struct ride_table_cell *cell,
                             enum virtual_controller controller)
{
    char seconds[32];

    study_seconds(cell->loaded ? cell->recovery_s : (double)NAN, seconds, sizeof seconds);
    study_table_put(out, "%s%s %s", ride_report_bad(cell, controller) ? "!" : "",
                    ride_report_verdict(cell, controller), seconds);
}

/* What the rule says, and of how many start profiles the runs without Busbar agree. */
static void ride_report_rule(struct study_table *out, const struct ride_table *table, int32_t vector,
                             int32_t nominal)
{
    const struct ride_table_cell *first = ride_table_at(table, vector, nominal, 0, VIRTUAL_NONE);
    int32_t agree = 0;

    for (int32_t s = 0; s < table->starts.count; s++)
        agree += ride_report_agrees(ride_table_at(table, vector, nominal, s, VIRTUAL_NONE));
    study_table_put(out, "%s", !first->loaded ? "-" : first->rule_trips ? "trips" : "rides");
    if (agree == table->starts.count)
        study_table_put(out, "yes");
    else
        study_table_put(out, "!%d of %d", agree, table->starts.count);
}

static void ride_report_fill(struct study_table *out, const struct ride_table *table)
{
    study_table_init(out, 2 + table->starts.count * VIRTUAL_CONTROLLER_COUNT + 2);
    study_table_put(out, "vector");
    study_table_put(out, "V");
    for (int32_t s = 0; s < table->starts.count; s++)
        for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++)
            study_table_put(out, "%s%s: %s", plant_start_word(table->start[s]),
                            study_hypothetical(table->start[s]) ? "*" : "",
                            study_controller_word((enum virtual_controller)c));
    study_table_put(out, "rule");
    study_table_put(out, "agrees");
    for (int32_t v = 0; v < table->vectors.count; v++)
        for (int32_t n = 0; n < table->nominals.count; n++) {
            study_table_put(out, "%s", table->vectors.word[v]);
            study_table_put(out, "%g", table->nominal_v[n]);
            for (int32_t s = 0; s < table->starts.count; s++)
                for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++)
                    ride_report_cell(out, ride_table_at(table, v, n, s, (enum virtual_controller)c),
                                     (enum virtual_controller)c);
            ride_report_rule(out, table, v, n);
        }
}

static void ride_report_sums(struct study_table *out, const struct ride_table *table,
                             const struct ride_table_summary *sum)
{
    study_table_init(out, 7);
    study_table_put(out, "supplies");
    study_table_put(out, "controller");
    study_table_put(out, "IT kept");
    study_table_put(out, "back at 90 %%");
    study_table_put(out, "worst time");
    study_table_put(out, "worst overshoot");
    study_table_put(out, "recharge peak");
    for (int32_t s = 0; s < table->starts.count; s++)
        for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++) {
            char seconds[32];

            study_seconds(sum->group[s][c].recovery_worst_s, seconds, sizeof seconds);
            study_table_put(out, "%s%s", plant_start_word(table->start[s]),
                            study_hypothetical(table->start[s]) ? "*" : "");
            study_table_put(out, "%s", study_controller_word((enum virtual_controller)c));
            study_table_put(out, "%d of %d", sum->group[s][c].it_kept, sum->group[s][c].runs);
            study_table_put(out, "%d of %d", sum->group[s][c].back, sum->group[s][c].runs);
            study_table_put(out, "%s", seconds);
            study_table_put(out, "%.3f", sum->group[s][c].overshoot_worst);
            if (isfinite(sum->group[s][c].recharge_peak_w))
                study_table_put(out, "%.1f kW", sum->group[s][c].recharge_peak_w / 1e3);
            else
                study_table_put(out, "not in these runs");
        }
}

static void ride_report_words(const struct ride_table_summary *sum, char *ret, size_t room)
{
    char other[64] = "";

    if (sum->other > 0)
        (void)snprintf(other, sizeof other, ", in %d of these another check fails", sum->other);
    (void)snprintf(ret, room,
                   "%d runs; with Busbar %d of %d hold what is promised%s; the rule is right in %d of %d",
                   sum->runs, sum->held, sum->promised, other, sum->rule_agrees, sum->rule_cases);
}

/* ---- reports ---- */

bool ride_table_print(const struct ride_table *table, const struct ride_table_summary *sum)
{
    struct study_table rows, sums;
    char words[STUDY_TEXT_MAX];
    bool good;

    ride_report_fill(&rows, table);
    ride_report_sums(&sums, table, sum);
    study_table_print(&rows, stdout);
    (void)printf("\n* hypothetical hardware\n\n");
    study_table_print(&sums, stdout);
    (void)printf("\n");
    for (size_t i = 0; i < RIDE_REPORT_NOTES; i++)
        (void)printf("%s\n", ride_report_notes[i]);
    ride_report_words(sum, words, sizeof words);
    (void)printf("\n%s\n", words);
    good = !rows.failed && !sums.failed;
    study_table_done(&rows);
    study_table_done(&sums);
    return good;
}

static struct json_object *ride_report_number(double value)
{
    return isfinite(value) ? json_object_new_double(value) : NULL;
}

static struct json_object *ride_report_json_run(const struct ride_table *table, uint64_t index)
{
    const struct ride_table_cell *cell = &table->cell[index];
    struct ride_table_key key = ride_table_key(table, index);
    struct json_object *run = json_object_new_object();
    bool none = key.controller == VIRTUAL_NONE;

    json_object_object_add(run, "scenario", json_object_new_string(table->vectors.word[key.vector]));
    json_object_object_add(run, "nominal_v", json_object_new_double(table->nominal_v[key.nominal]));
    json_object_object_add(run, "start", json_object_new_string(plant_start_word(table->start[key.start])));
    json_object_object_add(run, "hypothetical",
                           json_object_new_boolean(study_hypothetical(table->start[key.start])));
    json_object_object_add(run, "controller", json_object_new_string(study_controller_word(key.controller)));
    json_object_object_add(run, "ok", json_object_new_boolean(cell->loaded && cell->ok));
    json_object_object_add(run, "promise_held",
                           none ? NULL
                                : json_object_new_boolean(ride_table_held(table->start[key.start], cell)));
    json_object_object_add(run, "verdict", json_object_new_string(ride_report_verdict(cell, key.controller)));
    json_object_object_add(run, "time_to_90_s", cell->loaded ? ride_report_number(cell->recovery_s) : NULL);
    json_object_object_add(run, "it_lost", cell->loaded ? ride_report_number(cell->it_lost) : NULL);
    json_object_object_add(run, "pfc_trips", cell->loaded ? ride_report_number(cell->pfc_trips) : NULL);
    json_object_object_add(run, "bus_min_v", cell->loaded ? ride_report_number(cell->bus_min_v) : NULL);
    json_object_object_add(run, "overshoot_ratio",
                           cell->loaded ? ride_report_number(cell->overshoot_ratio) : NULL);
    json_object_object_add(run, "recharge_peak_w",
                           cell->loaded ? ride_report_number(cell->recharge_peak_w) : NULL);
    json_object_object_add(run, "rule_trips",
                           cell->loaded ? json_object_new_boolean(cell->rule_trips) : NULL);
    json_object_object_add(run, "rule_agrees",
                           none ? json_object_new_boolean(ride_report_agrees(cell)) : NULL);
    return run;
}

static struct json_object *ride_report_json_groups(const struct ride_table *table,
                                                   const struct ride_table_summary *sum)
{
    struct json_object *groups = json_object_new_array();

    for (int32_t s = 0; s < table->starts.count; s++)
        for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++) {
            struct json_object *group = json_object_new_object();

            json_object_object_add(group, "start", json_object_new_string(plant_start_word(table->start[s])));
            json_object_object_add(group, "hypothetical",
                                   json_object_new_boolean(study_hypothetical(table->start[s])));
            json_object_object_add(group, "controller",
                                   json_object_new_string(study_controller_word((enum virtual_controller)c)));
            json_object_object_add(group, "runs", json_object_new_int(sum->group[s][c].runs));
            json_object_object_add(group, "ok", json_object_new_int(sum->group[s][c].ok));
            json_object_object_add(group, "it_kept", json_object_new_int(sum->group[s][c].it_kept));
            json_object_object_add(group, "back_at_90", json_object_new_int(sum->group[s][c].back));
            json_object_object_add(group, "time_to_90_worst_s",
                                   ride_report_number(sum->group[s][c].recovery_worst_s));
            json_object_object_add(group, "overshoot_worst_ratio",
                                   ride_report_number(sum->group[s][c].overshoot_worst));
            json_object_object_add(group, "recharge_peak_w",
                                   ride_report_number(sum->group[s][c].recharge_peak_w));
            json_object_array_add(groups, group);
        }
    return groups;
}

bool ride_table_json(const struct ride_table *table, const struct ride_table_summary *sum)
{
    struct json_object *out = json_object_new_object(), *runs = json_object_new_array();
    struct json_object *notes = json_object_new_array();

    for (uint64_t i = 0; i < ride_table_count(table); i++)
        json_object_array_add(runs, ride_report_json_run(table, i));
    for (size_t i = 0; i < RIDE_REPORT_NOTES; i++)
        json_object_array_add(notes, json_object_new_string(ride_report_notes[i]));
    json_object_object_add(out, "seed", json_object_new_uint64(table->seed));
    json_object_object_add(out, "runs", runs);
    json_object_object_add(out, "groups", ride_report_json_groups(table, sum));
    json_object_object_add(out, "promised", json_object_new_int(sum->promised));
    json_object_object_add(out, "promised_held", json_object_new_int(sum->held));
    json_object_object_add(out, "promised_held_other_fails", json_object_new_int(sum->other));
    json_object_object_add(out, "rule_cases", json_object_new_int(sum->rule_cases));
    json_object_object_add(
        out, "rule_agreement",
        sum->rule_cases > 0 ? json_object_new_double((double)sum->rule_agrees / sum->rule_cases) : NULL);
    json_object_object_add(out, "died", json_object_new_uint64(table->died));
    json_object_object_add(out, "wall_s", json_object_new_double(table->wall_s));
    json_object_object_add(out, "notes", notes);
    int written = puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));

    json_object_put(out);
    return written != EOF;
}

bool ride_table_svg(const struct ride_table *table, const struct ride_table_summary *sum, const char *path)
{
    struct study_table rows, sums;
    char about[STUDY_TEXT_MAX], words[STUDY_TEXT_MAX];
    double width = 260.0 + 150.0 * table->starts.count * VIRTUAL_CONTROLLER_COUNT, y = SVG_HEAD;
    FILE *file;

    if (!study_file_open("ride-through", path, &file))
        return false;
    ride_report_fill(&rows, table);
    ride_report_sums(&sums, table, sum);
    ride_report_words(sum, words, sizeof words);
    (void)snprintf(about, sizeof about, "rack hpr, seed %" PRIu64 "; %.300s. * hypothetical hardware",
                   table->seed, words);
    double table_h = study_table_rows(&rows) * SVG_TABLE_ROW,
           sums_h = study_table_rows(&sums) * SVG_TABLE_ROW;
    double high = y + table_h + 24.0 + sums_h + 24.0 + 15.0 * (double)RIDE_REPORT_NOTES + SVG_MARGIN;
    bool good = !rows.failed && !sums.failed;

    if (good) {
        svg_begin(file, width, high, "Ride-through of a simulated rack, without and with Busbar", about);
        svg_table(file, SVG_MARGIN, y, width - 2.0 * SVG_MARGIN, study_table_cells(&rows),
                  study_table_rows(&rows), rows.columns);
        y += table_h + 24.0;
        svg_table(file, SVG_MARGIN, y, 0.7 * width, study_table_cells(&sums), study_table_rows(&sums),
                  sums.columns);
        y += sums_h + 24.0;
        for (size_t i = 0; i < RIDE_REPORT_NOTES; i++)
            svg_text(file, SVG_MARGIN, y + 15.0 * (double)i, SVG_TEXT, ride_report_notes[i]);
        svg_end(file);
    }
    study_table_done(&rows);
    study_table_done(&sums);
    return study_file_close("ride-through", path, file) && good;
}
