/* SPDX-License-Identifier: Apache-2.0 */
/* serve_spans.c: the least and the most of what sensors show. Reads the plant. */
#include "serve_spans.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "serve_read.h"

#define SPANS_DECIMALS 4

static void serve_spans_add(struct serve_span *span, double value)
{
    span->low = span->noted ? fmin(span->low, value) : value;
    span->high = span->noted ? fmax(span->high, value) : value;
    span->noted = true;
}

void serve_spans_note(struct serve_spans *spans, const struct plant *plant)
{
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        serve_spans_add(&spans->gpus[i][0], plant->gpus[i].limit_w);
        serve_spans_add(&spans->gpus[i][1], plant->gpus[i].reading_w);
        serve_spans_add(&spans->gpus[i][2], plant->gpus[i].energy_j);
    }
    for (int32_t i = 0; i < plant->psu_count; i++) {
        serve_spans_add(&spans->psus[i][0], plant->psus[i].output_w);
        serve_spans_add(&spans->psus[i][1], plant->psus[i].input_w);
    }
    for (int32_t i = 0; i < plant->bbu_count; i++)
        serve_spans_add(&spans->pack_v[i], plant->bbus[i].pack_v);
}

static struct json_object *serve_spans_row(const struct serve_span *spans, const char *const *keys, int count)
{
    struct json_object *row = json_object_new_object();

    for (int i = 0; i < count; i++) {
        struct json_object *pair = json_object_new_array();

        json_object_array_add(pair, serve_read_number(spans[i].low, SPANS_DECIMALS));
        json_object_array_add(pair, serve_read_number(spans[i].high, SPANS_DECIMALS));
        json_object_object_add(row, keys[i], pair);
    }
    return row;
}

struct json_object *serve_spans_take(struct serve_spans *spans, const struct plant *plant)
{
    static const char *const gpu_keys[SERVE_SPANS_GPU] = { "limit_w", "reading_w", "energy_j" };
    static const char *const psu_keys[SERVE_SPANS_PSU] = { "output_w", "input_w" };
    static const char *const bbu_keys[] = { "pack_v" };
    struct json_object *doc = json_object_new_object(), *gpus = json_object_new_object();
    struct json_object *psus = json_object_new_object(), *bbus = json_object_new_object();
    char name[SERVE_READ_NAME_MAX];

    serve_spans_note(spans, plant);
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        serve_read_gpu_name(plant, i, name);
        json_object_object_add(gpus, name, serve_spans_row(spans->gpus[i], gpu_keys, SERVE_SPANS_GPU));
    }
    for (int32_t s = 0; s < plant->shelf_count; s++) {
        const struct plant_shelf *shelf = &plant->shelves[s];

        for (int32_t i = 0; i < shelf->psu_count; i++) {
            serve_read_module_name(true, s, i, name);
            json_object_object_add(psus, name, serve_spans_row(spans->psus[shelf->psu_first + i], psu_keys, SERVE_SPANS_PSU));
        }
        for (int32_t i = 0; i < shelf->bbu_count; i++) {
            serve_read_module_name(false, s, i, name);
            json_object_object_add(bbus, name, serve_spans_row(&spans->pack_v[shelf->bbu_first + i], bbu_keys, 1));
        }
    }
    json_object_object_add(doc, "gpus", gpus);
    json_object_object_add(doc, "psus", psus);
    json_object_object_add(doc, "bbus", bbus);
    memset(spans, 0, sizeof *spans);
    serve_spans_note(spans, plant); /* the next one begins with this moment */
    return doc;
}
