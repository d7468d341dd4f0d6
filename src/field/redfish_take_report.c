/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_take_report.c: a MetricReport as a survey sees it: how much of what is known
 * otherwise it brings in one answer, and how fresh. Pure.
 */
#include "redfish_report.h"
#include "redfish_take.h"

#include <math.h>
#include <stdio.h>

struct redfish_take_report {
    const struct redfish_take *take;
    int32_t sensors;
};

static void redfish_take_report_value(const struct redfish_report_value *value, void *arg)
{
    struct redfish_take_report *report = arg;

    report->sensors += redfish_model_find_reading(report->take->model, value->property) != NULL;
    report->take->model->survey->properties_understood++;
}

void redfish_take_report(const struct redfish_take *take)
{
    struct redfish_take_report report = { .take = take };
    struct redfish_survey_report *own = REDFISH_MODEL_EXTEND(take->model, reports, report_count);
    struct redfish_report_head head;

    if (!own)
        return;
    (void)snprintf(own->path, sizeof own->path, "%s", take->path);
    own->whole = redfish_report_scan(take->doc->body, take->doc->size, redfish_take_report_value, &report,
                                     &head) == ST_OK;
    own->values = head.values;
    own->sensors = report.sensors;
    own->stale = head.stale;
    own->interval_s = head.interval_s;
    own->newest_us = head.newest_us;
    own->oldest_us = head.oldest_us;
    own->bytes = take->doc->size;
}

void redfish_take_report_name(const struct redfish_take *take, const char *path)
{
    struct redfish_survey_report *own = REDFISH_MODEL_EXTEND(take->model, reports, report_count);

    if (own) {
        (void)snprintf(own->path, sizeof own->path, "%s", path);
        own->interval_s = NAN;
    }
}
