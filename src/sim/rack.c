/* SPDX-License-Identifier: Apache-2.0 */
/* rack.c: reads a rack file by a table of keys and builds the plant from it.
 *
 * Main thread, at start. Every value is checked against the table and against
 * the plant's room; the first error ends it with FILE:LINE.
 */
#include "rack.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "busbar/check.h"

enum rack_type { RACK_NUMBER, RACK_COUNT, RACK_WORD, RACK_NUMBERS };

struct rack_key {
    const char *path;
    enum rack_type type;
    size_t offset;
    double min, max;
    bool optional;
};

#define RACK_GPU_W      4000.0 /* a reading of more than 5 kW is refused, and boards are off and overshoot */
#define RACK_AT(member) offsetof(struct rack, member)

static const struct rack_key rack_keys[] = {
    { .path = "rack.name", .type = RACK_WORD, .offset = RACK_AT(name) },
    { .path = "rack.kind", .type = RACK_WORD, .offset = RACK_AT(kind) },
    { .path = "rack.start", .type = RACK_WORD, .offset = RACK_AT(start), .optional = true },
    { .path = "rack.nominal_v", .type = RACK_NUMBER, .offset = RACK_AT(nominal_v), .min = 180, .max = 305 },
    { .path = "rack.envelope_w", .type = RACK_NUMBER, .offset = RACK_AT(envelope_w), .min = 1, .max = 1e7 },
    { .path = "rack.windows_ms",
      .type = RACK_NUMBERS,
      .offset = RACK_AT(windows_ms),
      .min = 1,
      .max = 60000 },
    { .path = "nodes.count",
      .type = RACK_COUNT,
      .offset = RACK_AT(node_count),
      .min = 1,
      .max = PLANT_NODES_MAX },
    { .path = "nodes.gpus", .type = RACK_COUNT, .offset = RACK_AT(node_gpus), .min = 1, .max = 16 },
    { .path = "nodes.static_w", .type = RACK_NUMBER, .offset = RACK_AT(node_static_w), .max = 1e5 },
    { .path = "switches_w", .type = RACK_NUMBER, .offset = RACK_AT(switches_w), .max = 1e6 },
    { .path = "gpu.idle_w", .type = RACK_NUMBER, .offset = RACK_AT(gpu_idle_w), .max = RACK_GPU_W },
    { .path = "gpu.rated_w",
      .type = RACK_NUMBER,
      .offset = RACK_AT(gpu_rated_w),
      .min = 1,
      .max = RACK_GPU_W },
    { .path = "gpu.limit_min_w",
      .type = RACK_NUMBER,
      .offset = RACK_AT(gpu_limit_min_w),
      .min = 1,
      .max = RACK_GPU_W },
    { .path = "gpu.limit_max_w",
      .type = RACK_NUMBER,
      .offset = RACK_AT(gpu_limit_max_w),
      .min = 1,
      .max = RACK_GPU_W },
    { .path = "gpu.overshoot_ratio", .type = RACK_NUMBER, .offset = RACK_AT(gpu_overshoot_ratio), .max = 1 },
    { .path = "gpu.limit_delay_ms",
      .type = RACK_NUMBER,
      .offset = RACK_AT(gpu_limit_delay_ms),
      .max = 10000 },
    { .path = "gpu.knee", .type = RACK_WORD, .offset = RACK_AT(gpu_knee), .optional = true },
    { .path = "shelves.count",
      .type = RACK_COUNT,
      .offset = RACK_AT(shelf_count),
      .min = 1,
      .max = PLANT_SHELVES_MAX },
    { .path = "shelves.psus", .type = RACK_COUNT, .offset = RACK_AT(shelf_psus), .min = 1, .max = 6 },
    { .path = "shelves.psu_rated_w",
      .type = RACK_NUMBER,
      .offset = RACK_AT(psu_rated_w),
      .min = 1,
      .max = 1e5 },
    { .path = "shelves.psu_efficiency_ratio",
      .type = RACK_NUMBER,
      .offset = RACK_AT(psu_efficiency_ratio),
      .min = 0.5,
      .max = 1 },
    { .path = "shelves.bbus", .type = RACK_COUNT, .offset = RACK_AT(shelf_bbus), .max = 6 },
    { .path = "shelves.bbu_energy_j",
      .type = RACK_NUMBER,
      .offset = RACK_AT(bbu_energy_j),
      .min = 1,
      .max = 1e9 },
    { .path = "shelves.bbu_health_ratio",
      .type = RACK_NUMBER,
      .offset = RACK_AT(bbu_health_ratio),
      .min = 0.2,
      .max = 1,
      .optional = true },
    { .path = "shelves.cap_energy_j",
      .type = RACK_NUMBER,
      .offset = RACK_AT(cap_energy_j),
      .max = 1e6,
      .optional = true },
    { .path = "shelves.cap_power_w",
      .type = RACK_NUMBER,
      .offset = RACK_AT(cap_power_w),
      .max = 2e5,
      .optional = true },
    { .path = "bus.capacitance_f",
      .type = RACK_NUMBER,
      .offset = RACK_AT(bus_capacitance_f),
      .min = 0.02,
      .max = 2.5,
      .optional = true },
    { .path = "bus.resistance_ohm",
      .type = RACK_NUMBER,
      .offset = RACK_AT(bus_resistance_ohm),
      .min = 0.00005,
      .max = 0.0006,
      .optional = true },
    { .path = "links.modbus.baud",
      .type = RACK_COUNT,
      .offset = RACK_AT(modbus_baud),
      .min = 1200,
      .max = 1e6 },
    { .path = "links.modbus.turnaround_ms",
      .type = RACK_NUMBERS,
      .offset = RACK_AT(modbus_turnaround_ms),
      .max = 10000 },
    { .path = "links.smbus_shelf",
      .type = RACK_COUNT,
      .offset = RACK_AT(smbus_shelf),
      .max = PLANT_SHELVES_MAX },
    { .path = "links.smbus_hz",
      .type = RACK_COUNT,
      .offset = RACK_AT(smbus_hz),
      .min = 10000,
      .max = 1000000 },
    { .path = "links.mirror",
      .type = RACK_COUNT,
      .offset = RACK_AT(mirror),
      .max = 2,
      .optional = true },
    { .path = "links.redfish_extras",
      .type = RACK_COUNT,
      .offset = RACK_AT(redfish_extras),
      .max = 1,
      .optional = true },
    { .path = "links.redfish_ms.p50", .type = RACK_NUMBER, .offset = RACK_AT(redfish_p50_ms), .max = 60000 },
    { .path = "links.redfish_ms.p95", .type = RACK_NUMBER, .offset = RACK_AT(redfish_p95_ms), .max = 60000 },
    { .path = "links.redfish_ms.p99", .type = RACK_NUMBER, .offset = RACK_AT(redfish_p99_ms), .max = 60000 },
};
#define RACK_KEYS ((int)(sizeof rack_keys / sizeof rack_keys[0]))

struct rack_reader {
    const char *file;
    yaml_document_t doc;
    struct rack *rack;
    bool seen[RACK_KEYS];
    char *error;
};

__attribute__((format(printf, 3, 4))) static enum status
rack_refuse(struct rack_reader *r, const yaml_node_t *at, const char *format, ...)
{
    char what[300];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (at)
        (void)snprintf(r->error, RACK_ERROR_MAX, "%.150s:%zu:%zu: %s", r->file, at->start_mark.line + 1,
                       at->start_mark.column + 1, what);
    else
        (void)snprintf(r->error, RACK_ERROR_MAX, "%.150s: %s", r->file, what);
    return ST_RANGE;
}

static enum status rack_read_number(struct rack_reader *r, const struct rack_key *key,
                                    const yaml_node_t *node, double *ret)
{
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value))
        return rack_refuse(r, node, "%s: \"%.40s\" is not a number, allowed %g to %g", key->path, text,
                           key->min, key->max);
    if (value < key->min || value > key->max || (key->type == RACK_COUNT && value != floor(value)))
        return rack_refuse(r, node, "%s: %.40s is not allowed: %s%g to %g", key->path, text,
                           key->type == RACK_COUNT ? "whole numbers " : "", key->min, key->max);
    *ret = value;
    return ST_OK;
}

static enum status rack_read_numbers(struct rack_reader *r, const struct rack_key *key,
                                     const yaml_node_t *node, struct rack_number_list *ret)
{
    ret->count = 0;
    if (node->type != YAML_SEQUENCE_NODE)
        return rack_refuse(r, node, "%s: a list of numbers is needed", key->path);
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top;
         item++) {
        const yaml_node_t *value = yaml_document_get_node(&r->doc, *item);
        enum status st;

        if (ret->count == RACK_WINDOWS_MAX)
            return rack_refuse(r, value, "%s: more than %d numbers", key->path, RACK_WINDOWS_MAX);
        st = rack_read_number(r, key, value, &ret->value[ret->count]);
        if (st != ST_OK)
            return st;
        ret->count++;
    }
    return ST_OK;
}

static enum status rack_read_value(struct rack_reader *r, int index, const yaml_node_t *node)
{
    const struct rack_key *key = &rack_keys[index];
    char *at = (char *)r->rack + key->offset;

    if (r->seen[index])
        return rack_refuse(r, node, "%s: given twice", key->path);
    r->seen[index] = true;
    switch (key->type) {
    case RACK_NUMBER:
    case RACK_COUNT:
        return rack_read_number(r, key, node, (double *)(void *)at);
    case RACK_NUMBERS:
        return rack_read_numbers(r, key, node, (struct rack_number_list *)(void *)at);
    case RACK_WORD:
        if (node->type != YAML_SCALAR_NODE || node->data.scalar.length == 0 ||
            node->data.scalar.length >= RACK_WORD_MAX)
            return rack_refuse(r, node, "%s: a word of 1 to %d letters is needed", key->path,
                               RACK_WORD_MAX - 1);
        memcpy(at, node->data.scalar.value, node->data.scalar.length + 1);
        return ST_OK;
    }
    return ST_OK;
}

/* A key of the table, or the beginning of one: then what is under it is read. */
static enum status rack_read_mapping(struct rack_reader *r, const yaml_node_t *node, const char *prefix,
                                     int depth)
{
    if (node->type != YAML_MAPPING_NODE)
        return rack_refuse(r, node, "%s: keys are needed here", *prefix ? prefix : "the file");
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(&r->doc, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&r->doc, pair->value);
        enum status st = ST_RANGE;
        char path[128];
        size_t length;
        bool begins = false;

        (void)snprintf(path, sizeof path, "%s%s%.40s", prefix, *prefix ? "." : "",
                       key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "?");
        length = strlen(path);
        int found = -1;
        for (int i = 0; i < RACK_KEYS && found < 0; i++) {
            if (strcmp(rack_keys[i].path, path) == 0)
                found = i;
            begins =
                begins || (strncmp(rack_keys[i].path, path, length) == 0 && rack_keys[i].path[length] == '.');
        }
        if (found >= 0)
            st = rack_read_value(r, found, value);
        else if (begins && depth < 3)
            st = rack_read_mapping(r, value, path, depth + 1);
        else
            st = rack_refuse(r, key, "%s: there is no such key", path);
        if (st != ST_OK)
            return st;
    }
    return ST_OK;
}

static enum status rack_check(struct rack_reader *r)
{
    const struct rack *rack = r->rack;

    for (int i = 0; i < RACK_KEYS; i++)
        if (!r->seen[i] && !rack_keys[i].optional)
            return rack_refuse(r, NULL, "%s: is missing", rack_keys[i].path);
    if (plant_kind_find(rack->kind) == PLANT_KIND_COUNT)
        return rack_refuse(r, NULL, "rack.kind: \"%s\" is not known, allowed: hpr, orv3, hpr-v2", rack->kind);
    if (plant_start_find(rack->start) == PLANT_START_COUNT)
        return rack_refuse(r, NULL, "rack.start: \"%s\" is not known, allowed: stock, short-boot, kept-alive",
                           rack->start);
    if (speed_find(rack->gpu_knee) == SPEED_KNEE_COUNT)
        return rack_refuse(r, NULL, "gpu.knee: \"%s\" is not known, allowed: v100, a40", rack->gpu_knee);
    if (rack->node_count * rack->node_gpus > PLANT_GPUS_MAX)
        return rack_refuse(r, NULL, "nodes: more than %d GPUs", PLANT_GPUS_MAX);
    if (rack->gpu_idle_w >= rack->gpu_rated_w || rack->gpu_limit_min_w > rack->gpu_limit_max_w)
        return rack_refuse(r, NULL, "gpu: idle_w is below rated_w and limit_min_w not above limit_max_w");
    if (rack->windows_ms.count == 0)
        return rack_refuse(r, NULL, "rack.windows_ms: at least one window is needed");
    if (rack->modbus_turnaround_ms.count != 2 ||
        rack->modbus_turnaround_ms.value[0] > rack->modbus_turnaround_ms.value[1])
        return rack_refuse(r, NULL, "links.modbus.turnaround_ms: [least, most] is needed");
    if (rack->smbus_shelf > rack->shelf_count)
        return rack_refuse(r, NULL, "links.smbus_shelf: there are %g shelves", rack->shelf_count);
    if (rack->redfish_p50_ms > rack->redfish_p95_ms || rack->redfish_p95_ms > rack->redfish_p99_ms)
        return rack_refuse(r, NULL, "links.redfish_ms: p50, p95 and p99 must rise");
    return ST_OK;
}

static enum status rack_parse(struct rack_reader *r, FILE *file)
{
    enum status st = ST_RANGE;
    yaml_parser_t parser;
    const yaml_node_t *root;

    if (!yaml_parser_initialize(&parser)) {
        (void)snprintf(r->error, RACK_ERROR_MAX, "%.200s: out of memory", r->file);
        return ST_NOMEM;
    }
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &r->doc)) {
        (void)snprintf(r->error, RACK_ERROR_MAX, "%.200s:%zu:%zu: %.200s", r->file,
                       parser.problem_mark.line + 1, parser.problem_mark.column + 1,
                       parser.problem ? parser.problem : "not YAML");
        goto done;
    }
    root = yaml_document_get_root_node(&r->doc);
    st = root ? rack_read_mapping(r, root, "", 0) : rack_refuse(r, NULL, "the file is empty");
    if (st == ST_OK)
        st = rack_check(r);
    yaml_document_delete(&r->doc);
done:
    yaml_parser_delete(&parser);
    return st;
}

enum status rack_load(const char *path, struct rack *ret, char error[RACK_ERROR_MAX])
{
    struct rack rack = { .gpu_knee = "v100", .start = "stock", .bbu_health_ratio = 1.0 };
    struct rack_reader reader = { .file = path, .rack = &rack, .error = error };
    FILE *file = fopen(path, "rbe");
    enum status st;

    if (!file) {
        (void)snprintf(error, RACK_ERROR_MAX, "%.300s: %s", path, strerror(errno));
        return ST_SYS;
    }
    st = rack_parse(&reader, file);
    (void)fclose(file);
    if (st == ST_OK)
        *ret = rack;
    return st;
}

static void rack_fill_shelves(const struct rack *rack, struct plant *plant)
{
    int32_t psus = (int32_t)rack->shelf_psus, bbus = (int32_t)rack->shelf_bbus;

    for (int32_t s = 0; s < plant->shelf_count; s++) {
        plant->shelves[s] = (struct plant_shelf){
            .kind = plant_kind_find(rack->kind),
            .psu_first = s * psus,
            .psu_count = psus,
            .bbu_first = s * bbus,
            .bbu_count = bbus,
            .psu_rated_w = rack->psu_rated_w,
        };
        for (int32_t i = 0; i < psus; i++)
            plant->psus[s * psus + i].shelf = s;
        for (int32_t i = 0; i < bbus; i++)
            plant->bbus[s * bbus + i].shelf = s;
    }
}

void rack_params(const struct rack *rack, struct plant_params *ret)
{
    plant_params_preset(ret, plant_kind_find(rack->kind), plant_start_find(rack->start));
    ret->nominal_v = rack->nominal_v;
    ret->psu_efficiency_ratio = rack->psu_efficiency_ratio;
    ret->bbu_energy_j = rack->bbu_energy_j;
    ret->bbu_health_ratio = rack->bbu_health_ratio;
    ret->cap_energy_j = rack->cap_energy_j;
    ret->cap_power_w = rack->cap_power_w;
    if (rack->bus_capacitance_f > 0.0)
        ret->bus_capacitance_f = rack->bus_capacitance_f;
    if (rack->bus_resistance_ohm > 0.0)
        ret->bus_resistance_ohm = rack->bus_resistance_ohm;
}

void rack_plant(const struct rack *rack, uint64_t seed, struct plant *ret)
{
    int32_t per_node = (int32_t)rack->node_gpus;

    memset(ret, 0, sizeof *ret);
    ret->node_count = (int32_t)rack->node_count;
    ret->gpu_count = ret->node_count * per_node;
    ret->shelf_count = (int32_t)rack->shelf_count;
    ret->psu_count = ret->shelf_count * (int32_t)rack->shelf_psus;
    ret->bbu_count = ret->shelf_count * (int32_t)rack->shelf_bbus;
    CHECK(ret->psu_count <= PLANT_MODULES_MAX && ret->bbu_count <= PLANT_MODULES_MAX);
    for (int32_t i = 0; i < ret->node_count; i++)
        ret->node_static_w[i] = rack->node_static_w;
    for (int32_t i = 0; i < ret->gpu_count; i++)
        ret->gpus[i] = (struct plant_gpu){
            .node = i / per_node,
            .idle_w = rack->gpu_idle_w,
            .rated_w = rack->gpu_rated_w,
            .limit_min_w = rack->gpu_limit_min_w,
            .limit_max_w = rack->gpu_limit_max_w,
            .overshoot_ratio = rack->gpu_overshoot_ratio,
        };
    rack_fill_shelves(rack, ret);
    ret->switch_w = rack->switches_w;
    rack_params(rack, &ret->params);
    ret->limit_delay_us = (int64_t)(rack->gpu_limit_delay_ms * 1000.0);
    ret->knee = speed_find(rack->gpu_knee);
    plant_start(ret, seed);
}

double rack_tree_loss_ratio(const struct rack *rack)
{
    /* 0.3 % of the load more than the truth, in whole steps of 0.1 % */
    return ceil((1.0 / rack->psu_efficiency_ratio - 1.0 + 0.003) * 1000.0) / 1000.0;
}

double rack_floor_ac_w(const struct rack *rack)
{
    double charge_w = rack->shelf_count * rack->shelf_bbus * 5.7 * 44.0;
    double gpu_w = rack->gpu_limit_min_w * (1.0 + rack->gpu_overshoot_ratio);
    double dc_w =
        rack->node_count * (rack->node_static_w + rack->node_gpus * gpu_w) + rack->switches_w + charge_w;

    return dc_w * (1.0 + rack_tree_loss_ratio(rack));
}

int32_t rack_shelf_limits(const struct rack *rack, struct rack_limit ret[RACK_SHELF_LIMITS_MAX])
{
    double rated_w = rack->psu_rated_w * rack->shelf_psus;

    if (plant_kind_find(rack->kind) != PLANT_ORV3) {
        /* The shortest window that 1 ms steps can see stands for the 0.4 ms of
         * the newer shelves' pulse limit. */
        ret[0] = (struct rack_limit){ .window_ms = 1, .limit_w = 1.60 * rated_w };
        ret[1] = (struct rack_limit){ .window_ms = 50, .limit_w = 1.40 * rated_w };
        ret[2] = (struct rack_limit){ .window_ms = 1000, .limit_w = rated_w };
    } else {
        ret[0] = (struct rack_limit){ .window_ms = 10, .limit_w = 1.55 * rated_w };
        ret[1] = (struct rack_limit){ .window_ms = 100, .limit_w = 1.20 * rated_w };
        ret[2] = (struct rack_limit){ .window_ms = 10000, .limit_w = 1.15 * rated_w };
    }
    return 3;
}
