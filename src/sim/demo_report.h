/* SPDX-License-Identifier: Apache-2.0 */
/* demo_report.h: what the demo measured, judged and printed. */
#ifndef BUSBAR_SIM_DEMO_REPORT_H
#define BUSBAR_SIM_DEMO_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "demo_stats.h"
#include "meter.h"
#include "workload.h"

struct demo_half {
    int32_t limit_count;
    struct meter_result limits[METER_LIMITS_MAX];
    char names[METER_LIMITS_MAX][METER_NAME_MAX]; /* what limits[].node points to    */
    struct meter_total total;
    struct workload_result work;
    struct demo_stats stats; /* of this half alone                              */
    int32_t devices_good, devices_stale;
};

struct demo_report {
    const char *rack, *trace;
    double seconds, start_s;       /* start_s: of the stretch in the trace            */
    double envelope_w, uncapped_w; /* uncapped_w: highest 1 s mean without limits    */
    double arming_ms;
    struct demo_half observe, control;
};

/* Copies the meter's and the load's figures. */
void demo_report_half(struct demo_half *half, const struct meter *meter, const struct workload *workload);

/* True: everything the demo promises holds. Otherwise `why` names what does not. */
bool demo_report_holds(const struct demo_report *report, char *why, size_t room);

void demo_report_json(const struct demo_report *report, FILE *to);
void demo_report_table(const struct demo_report *report, FILE *to);

#endif
