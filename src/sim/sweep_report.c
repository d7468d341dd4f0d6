/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_report.c: what a sweep found, as text, JSON and CSV. Main thread. */
#include <inttypes.h>
#include <math.h>

#include <json-c/json.h>

#include "sweep.h"

static double sweep_report_part(uint64_t count, uint64_t of)
{
    return of > 0 ? (double)count / (double)of : (double)NAN;
}

/* 0 of n gives no more than this at 95 %; NAN where something was found. */
static double sweep_report_bound(uint64_t found, uint64_t of)
{
    return found == 0 && of > 0 ? 1.0 - pow(0.05, 1.0 / (double)of) : (double)NAN;
}

/* ---- text ---- */

static void sweep_report_percent(const char *text, uint64_t count, uint64_t of)
{
    (void)printf("  %-58s %8" PRIu64 " of %" PRIu64, text, count, of);
    if (of > 0)
        (void)printf(" (%.2f %%)", 100.0 * sweep_report_part(count, of));
    (void)printf("\n");
}

static const char *sweep_report_why(const struct sweep_rack *rack)
{
    const struct sweep_side *busbar = &rack->side[VIRTUAL_BUSBAR];

    if (rack->feasible && !sweep_kept(busbar))
        return "feasible, and not kept";
    if (!rack->feasible && !sweep_kept(busbar) && !sweep_reported(rack))
        return "neither lowered nor reported";
    if (!sweep_agrees(rack))
        return rack->carries ? "the rule says carried" : "the rule says lost";
    return "lowest busbar";
}

static void sweep_report_worst(const struct sweep_report *report)
{
    struct study_table table;

    if (report->worst.count == 0)
        return;
    study_table_init(&table, 9);
    (void)printf("\nworst racks:\n");
    for (int c = 0; c < 9; c++)
        study_table_put(&table, "%s",
                        (const char *const[]){ "why", "rack", "load", "margin", "R", "C", "busbar min",
                                               "without", "again" }[c]);
    for (int32_t i = 0; i < report->worst.count; i++) {
        const struct sweep_rack *r = &report->worst.rack[i];

        study_table_put(&table, "%s", sweep_report_why(r));
        study_table_put(&table, "%s x%d %g V", plant_kind_word((enum plant_kind)r->kind), r->shelves,
                        r->nominal_v);
        study_table_put(&table, "%.0f %%", 100.0 * r->load_ratio);
        study_table_put(&table, "%.2f ms", 1e3 * r->margin_s);
        study_table_put(&table, "%.2f mOhm", 1e3 * r->resistance_ohm);
        study_table_put(&table, "%.3f F", r->capacitance_f);
        study_table_put(&table, "%.2f V", r->side[VIRTUAL_BUSBAR].bus_min_v);
        study_table_put(&table, "%.2f V", r->side[VIRTUAL_NONE].bus_min_v);
        study_table_put(&table, "busbarsim sweep %s --racks 1 --seed %" PRIu64, report->scenario, r->seed);
    }
    study_table_print(&table, stdout);
    study_table_done(&table);
}

bool sweep_print(const struct sweep_report *report)
{
    const struct sweep_sum *sum = &report->sum;

    (void)printf("%s on %" PRIu64 " random racks (stock supplies), seeds from %" PRIu64 ", in %.1f s\n",
                 report->scenario, sum->racks, report->seed, report->wall_s);
    sweep_report_percent("feasible", sum->feasible, sum->racks);
    sweep_report_percent("feasible, with Busbar: IT kept and busbar at least 46 V", sum->feasible_kept,
                         sum->feasible);
    if (isfinite(sweep_report_bound(sum->feasible - sum->feasible_kept, sum->feasible)))
        (void)printf("  %-58s %8.4f %%\n", "no more than so many are lost, at 95 %",
                     100.0 * sweep_report_bound(sum->feasible - sum->feasible_kept, sum->feasible));
    if (sum->feasible > 0)
        (void)printf("  %-58s %8.2f V\n", "lowest busbar among them", sum->bus_min_v);
    sweep_report_percent("without Busbar the rule says what happens", sum->rule_agrees, sum->rule_cases);
    sweep_report_percent("outside: load lowered in time", sum->lowered, sum->outside);
    sweep_report_percent("outside: reported as not ride-through capable", sum->reported, sum->outside);
    sweep_report_percent("outside: not kept, and neither", sum->neither, sum->outside);
    sweep_report_percent("all racks: kept without Busbar", sum->none_kept, sum->racks);
    sweep_report_percent("all racks: kept with Busbar", sum->busbar_kept, sum->racks);
    if (sum->died > 0)
        (void)printf("  %" PRIu64 " racks could not be run\n", sum->died);
    sweep_report_worst(report);
    return (sweep_holds(sum) ? puts("\nall of it holds") : puts("\nnot all of it holds")) != EOF;
}

/* ---- JSON ---- */

static struct json_object *sweep_report_number(double value)
{
    return isfinite(value) ? json_object_new_double(value) : NULL;
}

static struct json_object *sweep_report_json_rack(const struct sweep_report *report,
                                                  const struct sweep_rack *r)
{
    struct json_object *rack = json_object_new_object();
    char command[256];

    (void)snprintf(command, sizeof command, "busbarsim sweep %.100s --racks 1 --seed %" PRIu64,
                   report->scenario, r->seed);
    json_object_object_add(rack, "why", json_object_new_string(sweep_report_why(r)));
    json_object_object_add(rack, "seed", json_object_new_uint64(r->seed));
    json_object_object_add(rack, "kind", json_object_new_string(plant_kind_word((enum plant_kind)r->kind)));
    json_object_object_add(rack, "shelves", json_object_new_int(r->shelves));
    json_object_object_add(rack, "nominal_v", json_object_new_double(r->nominal_v));
    json_object_object_add(rack, "load_w", json_object_new_double(r->load_w));
    json_object_object_add(rack, "margin_s", sweep_report_number(r->margin_s));
    json_object_object_add(rack, "bus_min_v", sweep_report_number(r->side[VIRTUAL_BUSBAR].bus_min_v));
    json_object_object_add(rack, "command", json_object_new_string(command));
    return rack;
}

bool sweep_json(const struct sweep_report *report)
{
    const struct sweep_sum *sum = &report->sum;
    struct json_object *out = json_object_new_object(), *worst = json_object_new_array();

    json_object_object_add(out, "scenario", json_object_new_string(report->scenario));
    json_object_object_add(out, "racks", json_object_new_uint64(sum->racks));
    json_object_object_add(out, "seed", json_object_new_uint64(report->seed));
    json_object_object_add(out, "feasible", json_object_new_uint64(sum->feasible));
    json_object_object_add(out, "it_kept",
                           sweep_report_number(sweep_report_part(sum->feasible_kept, sum->feasible)));
    json_object_object_add(
        out, "it_lost_bound_95",
        sweep_report_number(sweep_report_bound(sum->feasible - sum->feasible_kept, sum->feasible)));
    json_object_object_add(out, "busbar_min_v",
                           sweep_report_number(sum->feasible > 0 ? sum->bus_min_v : (double)NAN));
    json_object_object_add(out, "rule_agreement",
                           sweep_report_number(sweep_report_part(sum->rule_agrees, sum->rule_cases)));
    json_object_object_add(out, "rule_cases", json_object_new_uint64(sum->rule_cases));
    json_object_object_add(out, "reported_incapable", json_object_new_uint64(sum->reported));
    json_object_object_add(out, "infeasible", json_object_new_uint64(sum->outside));
    json_object_object_add(out, "load_lowered", json_object_new_uint64(sum->lowered));
    json_object_object_add(out, "lost_unreported", json_object_new_uint64(sum->neither));
    json_object_object_add(out, "kept_none", json_object_new_uint64(sum->none_kept));
    json_object_object_add(out, "kept_busbar", json_object_new_uint64(sum->busbar_kept));
    json_object_object_add(out, "died", json_object_new_uint64(sum->died));
    json_object_object_add(out, "wall_s", json_object_new_double(report->wall_s));
    for (int32_t i = 0; i < report->worst.count; i++)
        json_object_array_add(worst, sweep_report_json_rack(report, &report->worst.rack[i]));
    json_object_object_add(out, "worst", worst);
    int written = puts(json_object_to_json_string_ext(out, JSON_C_TO_STRING_PRETTY));

    json_object_put(out);
    return written != EOF;
}

/* ---- CSV ---- */

void sweep_csv_head(FILE *to)
{
    (void)fputs(
        "seed,kind,shelves,nominal_v,load_w,load_ratio,resistance_ohm,capacitance_f,holdup_j,health_ratio,"
        "margin_s,bridge_f,pfc_trips_rule,rule_speaks,carries_rule,steady_rule,feasible",
        to);
    for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++) {
        const char *word = study_controller_word((enum virtual_controller)c);

        (void)fprintf(to, ",%s_it_lost,%s_bus_min_v,%s_before_w,%s_recovery_s", word, word, word, word);
    }
    (void)fputs(",capable\n", to);
}

void sweep_csv_rack(FILE *to, const struct sweep_rack *r)
{
    (void)fprintf(to, "%" PRIu64 ",%s,%d,%g,%.1f,%.4f,%.7f,%.5f,%.2f,%.4f,%.6f,%.5f,%d,%d,%d,%d,%d", r->seed,
                  plant_kind_word((enum plant_kind)r->kind), r->shelves, r->nominal_v, r->load_w,
                  r->load_ratio, r->resistance_ohm, r->capacitance_f, r->holdup_j, r->health_ratio,
                  r->margin_s, r->bridge_f, r->trips, r->speaks, r->carries, r->steady, r->feasible);
    for (int c = 0; c < VIRTUAL_CONTROLLER_COUNT; c++)
        (void)fprintf(to, ",%g,%.3f,%.1f,%.4f", r->side[c].it_lost, r->side[c].bus_min_v, r->side[c].before_w,
                      r->side[c].recovery_s);
    (void)fprintf(to, ",%g\n", r->side[VIRTUAL_BUSBAR].capable);
}
