/* SPDX-License-Identifier: Apache-2.0 */
/* serve_read.c: true values as JSON. Reads the plant and the meter, changes
 * neither; the event base's thread. */
#include "serve_read.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* decimals */
#define READ_W    1
#define READ_FINE 4

struct json_object *serve_read_number(double value, int decimals)
{
    char text[64];

    if (!isfinite(value))
        return NULL;
    (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    return json_object_new_double_s(value, text);
}

static void serve_read_add(struct json_object *to, const char *key, double value, int decimals)
{
    json_object_object_add(to, key, serve_read_number(value, decimals));
}

static struct json_object *serve_read_gpu(const struct plant_gpu *g)
{
    struct json_object *to = json_object_new_object();

    serve_read_add(to, "limit_w", g->limit_w, READ_W);
    serve_read_add(to, "limit_active_w", g->limit_active_w, READ_W);
    serve_read_add(to, "demand_w", g->demand_w, READ_W);
    serve_read_add(to, "power_w", g->power_w, READ_W);
    serve_read_add(to, "reading_w", g->reading_w, READ_W);
    serve_read_add(to, "energy_j", g->energy_j, READ_W);
    serve_read_add(to, "speed", g->speed, READ_FINE);
    return to;
}

static struct json_object *serve_read_bmc(const struct plant *plant, int32_t node)
{
    struct json_object *to = json_object_new_object();
    struct json_object *gpus = json_object_new_array();

    serve_read_add(to, "node_power_w", plant->node_w[node], READ_W);
    for (int32_t i = 0; i < plant->gpu_count; i++)
        if (plant->gpus[i].node == node)
            json_object_array_add(gpus, serve_read_gpu(&plant->gpus[i]));
    json_object_object_add(to, "gpus", gpus);
    return to;
}

static struct json_object *serve_read_psu(const struct plant_psu *p)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "present", json_object_new_boolean(p->present));
    json_object_object_add(to, "on", json_object_new_boolean(p->on));
    serve_read_add(to, "output_v", p->output_v, READ_FINE);
    serve_read_add(to, "output_w", p->output_w, READ_W);
    serve_read_add(to, "input_w", p->input_w, READ_W);
    json_object_object_add(to, "write_enable", json_object_new_boolean(p->write_enable));
    json_object_object_add(to, "setting", json_object_new_int(p->setting));
    serve_read_add(to, "setpoint_v", p->setpoint_v, READ_FINE);
    serve_read_add(to, "setpoint_low_v", p->setpoint_low_v, READ_FINE);
    serve_read_add(to, "input_warn_w", p->input_warn_w, READ_W);
    serve_read_add(to, "output_warn_w", p->output_warn_w, READ_W);
    json_object_object_add(to, "resets", json_object_new_int64(p->resets));
    json_object_object_add(to, "serial", json_object_new_string(p->serial));
    return to;
}

static struct json_object *serve_read_bbu(const struct plant_bbu *b)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "present", json_object_new_boolean(b->present));
    json_object_object_add(to, "charging", json_object_new_boolean(b->charging));
    json_object_object_add(to, "discharging", json_object_new_boolean(b->discharging));
    serve_read_add(to, "soc_ratio", b->energy_full_j > 0.0 ? b->energy_j / b->energy_full_j : 0.0, READ_FINE);
    serve_read_add(to, "pack_v", b->pack_v, READ_FINE);
    serve_read_add(to, "charge_a", b->charge_a, READ_FINE);
    serve_read_add(to, "charge_default_a", b->charge_default_a, READ_FINE);
    json_object_object_add(to, "override_on", json_object_new_boolean(b->override_on));
    serve_read_add(to, "override_a", b->override_a, READ_FINE);
    serve_read_add(to, "override_timeout_s", b->override_timeout_s, 3);
    serve_read_add(to, "override_left_s", b->override_left_s, 3);
    json_object_object_add(to, "resets", json_object_new_int64(b->resets));
    json_object_object_add(to, "serial", json_object_new_string(b->serial));
    return to;
}

static struct json_object *serve_read_shelf(const struct plant_shelf *s)
{
    struct json_object *to = json_object_new_object();

    serve_read_add(to, "output_w", s->output_w, READ_W);
    serve_read_add(to, "input_w", s->input_w, READ_W);
    serve_read_add(to, "charge_w", s->charge_w, READ_W);
    return to;
}

struct json_object *serve_read_device(const struct plant *plant, struct faults_target target)
{
    switch (target.class) {
    case FAULT_BMC:
        return serve_read_bmc(plant, target.index);
    case FAULT_PSU:
    case FAULT_PSU_SMBUS:
        return serve_read_psu(&plant->psus[target.index]);
    case FAULT_BBU:
        return serve_read_bbu(&plant->bbus[target.index]);
    case FAULT_PMM_PSU:
    case FAULT_PMM_BBU:
    case FAULT_LINE:
    case FAULT_SMBUS:
        return serve_read_shelf(&plant->shelves[target.index]);
    case FAULT_CLASS_COUNT:
        break;
    }
    return NULL;
}

void serve_read_gpu_name(const struct plant *plant, int32_t gpu, char ret[SERVE_READ_NAME_MAX])
{
    int32_t node = plant->gpus[gpu].node, first = gpu;

    while (first > 0 && plant->gpus[first - 1].node == node)
        first--;
    (void)snprintf(ret, SERVE_READ_NAME_MAX, "bmc-%d.gpu-%d", node + 1, gpu - first);
}

void serve_read_module_name(bool psu, int32_t shelf, int32_t slot, char ret[SERVE_READ_NAME_MAX])
{
    (void)snprintf(ret, SERVE_READ_NAME_MAX, "%s-%d-%d", psu ? "psu" : "bbu", shelf + 1, slot + 1);
}

static void serve_read_all_gpus(const struct plant *plant, struct json_object *to)
{
    char name[SERVE_READ_NAME_MAX];

    for (int32_t i = 0; i < plant->gpu_count; i++) {
        serve_read_gpu_name(plant, i, name);
        json_object_object_add(to, name, serve_read_gpu(&plant->gpus[i]));
    }
}

static void serve_read_all_modules(const struct plant *plant, bool psus, struct json_object *to)
{
    char name[SERVE_READ_NAME_MAX];

    for (int32_t s = 0; s < plant->shelf_count; s++) {
        const struct plant_shelf *shelf = &plant->shelves[s];

        for (int32_t i = 0; i < (psus ? shelf->psu_count : shelf->bbu_count); i++) {
            serve_read_module_name(psus, s, i, name);
            json_object_object_add(to, name,
                                   psus ? serve_read_psu(&plant->psus[shelf->psu_first + i])
                                        : serve_read_bbu(&plant->bbus[shelf->bbu_first + i]));
        }
    }
}

struct json_object *serve_read_all(const struct plant *plant, const char *kind)
{
    bool gpus = strcmp(kind, "gpus") == 0, psus = strcmp(kind, "psus") == 0;
    struct json_object *doc, *to;

    if (!gpus && !psus && strcmp(kind, "bbus") != 0)
        return NULL;
    doc = json_object_new_object();
    to = json_object_new_object();
    if (gpus)
        serve_read_all_gpus(plant, to);
    else
        serve_read_all_modules(plant, psus, to);
    json_object_object_add(doc, kind, to);
    return doc;
}

struct json_object *serve_read_limits(const struct meter *meter)
{
    struct json_object *to = json_object_new_array();

    for (int32_t i = 0; i < meter_limit_count(meter); i++) {
        struct json_object *row = json_object_new_object();
        struct meter_result r;

        meter_result(meter, i, &r);
        json_object_object_add(row, "node", json_object_new_string(r.node));
        json_object_object_add(row, "window_ms", json_object_new_int(r.limit.window_ms));
        serve_read_add(row, "limit_w", r.limit.limit_w, READ_W);
        serve_read_add(row, "worst_w", r.worst_w, READ_W);
        json_object_object_add(row, "violations", json_object_new_int64(r.violations));
        json_object_object_add(row, "partial", json_object_new_boolean(r.partial));
        json_object_array_add(to, row);
    }
    return to;
}
