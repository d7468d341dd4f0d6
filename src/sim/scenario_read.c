/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_read.c: a scenario's YAML to a struct, with line and column of what is wrong.
 *
 * Main thread, or a worker process. Reads one file and nothing else; goes on after
 * an error, so that one run shows all of them. Knows the file's keys and their
 * ranges; what they mean for a rack is scenario_set.c's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario_parts.h"
#include "scenario_yaml.h"

enum scenario_read_type {
    SCENARIO_READ_NUMBER,
    SCENARIO_READ_BOOL,
    SCENARIO_READ_WORD,
    SCENARIO_READ_TEXT,
    SCENARIO_READ_SPECIAL, /* scenario_read_special() reads it */
};

struct scenario_read_key {
    const char *path;
    enum scenario_read_type type;
    size_t offset, room; /* in struct scenario_file; of a word or text */
    double min, max;
};

#define SCENARIO_READ_NUM(PATH, MEMBER, MIN, MAX)                                                            \
    {                                                                                                        \
        .path = PATH, .type = SCENARIO_READ_NUMBER, .offset = offsetof(struct scenario_file, MEMBER),        \
        .min = MIN, .max = MAX                                                                               \
    }
#define SCENARIO_READ_FLAG(PATH, MEMBER)                                                                     \
    {                                                                                                        \
        .path = PATH, .type = SCENARIO_READ_BOOL, .offset = offsetof(struct scenario_file, MEMBER)           \
    }
#define SCENARIO_READ_STRING(PATH, TYPE, MEMBER)                                                             \
    {                                                                                                        \
        .path = PATH, .type = TYPE, .offset = offsetof(struct scenario_file, MEMBER),                        \
        .room = sizeof(((struct scenario_file *)NULL)->MEMBER)                                               \
    }
#define SCENARIO_READ_OWN(PATH)                                                                              \
    {                                                                                                        \
        .path = PATH, .type = SCENARIO_READ_SPECIAL                                                          \
    }

static const struct scenario_read_key scenario_read_keys[] = {
    SCENARIO_READ_STRING("scenario.name", SCENARIO_READ_WORD, scenario.name),
    SCENARIO_READ_STRING("scenario.about", SCENARIO_READ_TEXT, scenario.about),
    SCENARIO_READ_STRING("scenario.source", SCENARIO_READ_TEXT, scenario.source),
    SCENARIO_READ_STRING("rack", SCENARIO_READ_WORD, rack),
    SCENARIO_READ_NUM("seconds", scenario.seconds, 0.1, 86400),
    SCENARIO_READ_OWN("grid.voltage"),
    SCENARIO_READ_OWN("grid.phases"),
    SCENARIO_READ_OWN("grid.wye"),
    SCENARIO_READ_OWN("grid.frequency"),
    SCENARIO_READ_OWN("load.kind"),
    SCENARIO_READ_NUM("load.envelope_ratio", envelope_ratio, 0.1, 2),
    SCENARIO_READ_NUM("load.high_ratio", scenario.load.high_ratio, 0, 1.1),
    SCENARIO_READ_NUM("load.low_ratio", low_ratio, 0, 1.1),
    SCENARIO_READ_NUM("load.period_s", scenario.load.period_s, 0.002, 3600),
    SCENARIO_READ_NUM("load.duty_ratio", scenario.load.duty_ratio, 0.01, 0.99),
    SCENARIO_READ_NUM("load.skew_s", scenario.load.skew_s, 0, 3600),
    SCENARIO_READ_NUM("load.at_s", scenario.load.at_s, -60, 86400),
    SCENARIO_READ_NUM("load.until_s", scenario.load.until_s, -60, 86400),
    SCENARIO_READ_NUM("load.rate_hz", scenario.load.rate_hz, 0.001, 1000),
    SCENARIO_READ_NUM("load.jobs", scenario.job.jobs, 1, 8),
    SCENARIO_READ_NUM("load.every_s", scenario.job.every_s, 1, 3600),
    SCENARIO_READ_NUM("load.evaluate_s", scenario.job.evaluate_s, 0, 3600),
    SCENARIO_READ_STRING("load.recorded", SCENARIO_READ_WORD, scenario.job.recorded),
    SCENARIO_READ_OWN("faults"),
    SCENARIO_READ_NUM("controller.period_ms", period_ms, 1, 1000),
    SCENARIO_READ_OWN("set"),
    SCENARIO_READ_OWN("must.checks"),
    SCENARIO_READ_FLAG("must.no_write", scenario.no_write),
    SCENARIO_READ_FLAG("must.stay_connected", scenario.stay_connected),
    SCENARIO_READ_NUM("must.overshoot_ratio", scenario.no_overshoot_ratio, 0, 10),
    SCENARIO_READ_NUM("must.current_within_s", scenario.current_within_s, 0, 600),
    SCENARIO_READ_NUM("must.current_within_slow_s", current_within_slow_s, 0, 600),
    SCENARIO_READ_NUM("must.ramp_ratio_per_s", scenario.ramp_ratio_per_s, 0, 100),
    SCENARIO_READ_NUM("must.carry_ratio", scenario.carry_ratio, 0, 1),
    SCENARIO_READ_OWN("deadlines"),
    SCENARIO_READ_FLAG("disconnect_legal", scenario.disconnect_legal),
};
#define SCENARIO_READ_KEYS ((int)(sizeof scenario_read_keys / sizeof scenario_read_keys[0]))

struct scenario_read {
    struct scenario_yaml y;
    struct scenario_file *file;
    bool seen[SCENARIO_READ_KEYS];
    const yaml_node_t *voltage, *frequency; /* read last: they need phases and wye */
    enum plant_grid_phases phases;
    bool wye;
};

/* ---- single values ---- */

static void scenario_read_load_kind(struct scenario_read *r, const yaml_node_t *node)
{
    enum load_kind kind = load_kind_find(scenario_yaml_scalar(node));

    r->file->scenario.job.plays = strcmp(scenario_yaml_scalar(node), "job") == 0;
    if (r->file->scenario.job.plays)
        r->file->scenario.load.kind = LOAD_CONSTANT; /* until time 0 */
    else if (kind == LOAD_KIND_COUNT || kind == LOAD_TRACE)
        scenario_yaml_wrong(&r->y, node, "load.kind",
                            "\"%.40s\" is not known, allowed constant, square, inference, step, job",
                            scenario_yaml_scalar(node));
    else
        r->file->scenario.load.kind = kind;
}

static void scenario_read_phases(struct scenario_read *r, const yaml_node_t *node)
{
    static const char *const words[PLANT_GRID_PHASES_COUNT] = {
        [PLANT_GRID_ABC] = "abc", [PLANT_GRID_A] = "a", [PLANT_GRID_AB] = "ab"
    };

    for (int i = 0; i < PLANT_GRID_PHASES_COUNT; i++)
        if (strcmp(scenario_yaml_scalar(node), words[i]) == 0) {
            r->phases = (enum plant_grid_phases)i;
            return;
        }
    scenario_yaml_wrong(&r->y, node, "grid.phases", "\"%.40s\" is not known, allowed abc, a, ab",
                        scenario_yaml_scalar(node));
}

/* ---- lists ---- */

static void scenario_read_voltage(struct scenario_read *r, const yaml_node_t *node)
{
    struct plant_grid *grid = &r->file->scenario.grid;
    size_t count;
    const yaml_node_item_t *items =
        scenario_yaml_items(&r->y, node, "grid.voltage", PLANT_GRID_POINTS_MAX, &count);

    for (size_t i = 0; items && i < count; i++) {
        const yaml_node_t *at = yaml_document_get_node(&r->y.doc, items[i]);
        double row[4];
        size_t numbers = scenario_yaml_row(&r->y, at, "grid.voltage", 2, 4, row);
        bool added = true;

        if (numbers == 3 ||
            (numbers > 0 && (row[1] > 2.0 || (numbers == 4 && (row[2] > 2.0 || row[3] > 2.0)))))
            scenario_yaml_wrong(&r->y, at, "grid.voltage",
                                "a row is [seconds, pu] or [seconds, pu, pu, pu], pu allowed 0 to 2");
        else if (numbers == 4)
            added = plant_grid_add_phases(grid, row[0], &row[1]);
        else if (numbers == 2)
            added = plant_grid_add(grid, row[0], row[1], r->phases, r->wye);
        if (!added)
            scenario_yaml_wrong(&r->y, at, "grid.voltage", "times must rise");
    }
}

static void scenario_read_frequency(struct scenario_read *r, const yaml_node_t *node)
{
    struct plant_grid *grid = &r->file->scenario.grid;
    size_t count;
    const yaml_node_item_t *items =
        scenario_yaml_items(&r->y, node, "grid.frequency", PLANT_GRID_POINTS_MAX, &count);

    for (size_t i = 0; items && i < count; i++) {
        const yaml_node_t *at = yaml_document_get_node(&r->y.doc, items[i]);
        double row[2];

        if (scenario_yaml_row(&r->y, at, "grid.frequency", 2, 2, row) == 0)
            continue;
        if (row[1] < 40.0 || row[1] > 70.0)
            scenario_yaml_wrong(&r->y, at, "grid.frequency", "%g Hz is not allowed, allowed 40 to 70",
                                row[1]);
        else if (!plant_grid_add_frequency(grid, row[0], row[1]))
            scenario_yaml_wrong(&r->y, at, "grid.frequency", "times must rise");
    }
}

static void scenario_read_checks(struct scenario_read *r, const yaml_node_t *node)
{
#define SCENARIO_READ_CHECK_NAME(name, id, unit, text) [name] = id,
    static const char *const names[CHECKS_COUNT] = { CHECKS_LIST(SCENARIO_READ_CHECK_NAME) };
#undef SCENARIO_READ_CHECK_NAME
    bool *check = r->file->scenario.check;
    size_t count;
    const yaml_node_item_t *items = scenario_yaml_items(&r->y, node, "must.checks", CHECKS_COUNT, &count);

    if (!items)
        return;
    /* These three hold whatever a file says. */
    for (int k = 0; k < CHECKS_COUNT; k++)
        check[k] = k == CHECKS_BUS_LOW || k == CHECKS_BUS_HIGH || k == CHECKS_IT_KEPT;
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *at = yaml_document_get_node(&r->y.doc, items[i]);
        int k = 0;

        while (k < CHECKS_COUNT && strcmp(names[k], scenario_yaml_scalar(at)) != 0)
            k++;
        if (k < CHECKS_COUNT) {
            check[k] = true;
            continue;
        }
        scenario_yaml_wrong(
            &r->y, at, "must.checks",
            "\"%.40s\" is not known, allowed limits, bus_low, bus_high, it_kept, standing, reserve, "
            "wear, leases, allowed, calm, breakers",
            scenario_yaml_scalar(at));
    }
}

/* ---- lists of small mappings ---- */

static bool scenario_read_fault_known(const char *what)
{
    static const char *const words[] = { "psu_fail", "bbu_fail", "swap",   "psu_reset",
                                         "crash",    "pause",    "reload", "second" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(what, words[i]) == 0)
            return true;
    return link_fault_find(what) != LINK_FAULT_COUNT;
}

static void scenario_read_faults(struct scenario_read *r, const yaml_node_t *node)
{
    struct scenario *s = &r->file->scenario;
    size_t count;
    const yaml_node_item_t *items = scenario_yaml_items(&r->y, node, "faults", SCENARIO_FAULTS_MAX, &count);

    for (size_t i = 0; items && i < count; i++) {
        const yaml_node_t *at = yaml_document_get_node(&r->y.doc, items[i]);
        struct scenario_fault *f = &s->fault[s->fault_count];

        *f = (struct scenario_fault){ .value = (double)NAN };
        const struct scenario_yaml_field fields[] = {
            { .key = "what", .word = f->what, .room = sizeof f->what, .needed = true },
            { .key = "device", .word = f->device, .room = sizeof f->device },
            { .key = "at_s", .number = &f->at_s, .max = 86400, .needed = true },
            { .key = "for_s", .number = &f->for_s, .max = 86400 },
            { .key = "value", .number = &f->value, .min = -1e6, .max = 1e6 },
        };

        if (!scenario_yaml_fields(&r->y, at, "faults", fields, (int)(sizeof fields / sizeof fields[0])))
            continue;
        if (scenario_read_fault_known(f->what))
            s->fault_count++;
        else
            scenario_yaml_wrong(
                &r->y, at, "faults.what",
                "\"%s\" is not known, allowed psu_fail, bbu_fail, swap, psu_reset, crash, pause, "
                "reload, second, loss, late, duplicate, stale, lie, dead, storm, ignore, late_write, "
                "meddler",
                f->what);
    }
}

static void scenario_read_deadlines(struct scenario_read *r, const yaml_node_t *node)
{
    struct scenario *s = &r->file->scenario;
    size_t count;
    const yaml_node_item_t *items =
        scenario_yaml_items(&r->y, node, "deadlines", SCENARIO_DEADLINES_MAX, &count);

    /* A file's own take the place of the usual ones. */
    s->deadline_count = 0;
    for (size_t i = 0; items && i < count; i++) {
        const yaml_node_t *at = yaml_document_get_node(&r->y.doc, items[i]);
        struct scenario_deadline *d = &s->deadline[s->deadline_count];
        char start[24] = "";
        const struct scenario_yaml_field fields[] = {
            { .key = "start", .word = start, .room = sizeof start, .needed = true },
            { .key = "under_s", .number = &d->under_s, .max = 86400, .needed = true },
            { .key = "within_s", .number = &d->within_s, .max = 86400, .needed = true },
        };

        if (!scenario_yaml_fields(&r->y, at, "deadlines", fields, (int)(sizeof fields / sizeof fields[0])))
            continue;
        d->start = plant_start_find(start);
        if (d->start == PLANT_START_COUNT)
            scenario_yaml_wrong(&r->y, at, "deadlines.start",
                                "\"%s\" is not known, allowed stock, short-boot, kept-alive", start);
        else
            s->deadline_count++;
    }
}

/* Kept as text: which keys there are is known when the rack is. */
static void scenario_read_settings(struct scenario_read *r, const yaml_node_t *node)
{
    struct scenario_file *f = r->file;

    if (node->type != YAML_MAPPING_NODE) {
        scenario_yaml_wrong(&r->y, node, "set", "keys are needed here");
        return;
    }
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->y.doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&r->y.doc, p->value);
        struct scenario_setting *set = &f->set[f->set_count];

        if (f->set_count == SCENARIO_SETS_MAX) {
            scenario_yaml_wrong(&r->y, key, "set", "more than %d settings", SCENARIO_SETS_MAX);
            return;
        }
        if (scenario_yaml_string(&r->y, key, "set", true, set->key, sizeof set->key) &&
            scenario_yaml_string(&r->y, value, set->key, true, set->value, sizeof set->value)) {
            set->line = value->start_mark.line + 1;
            set->column = value->start_mark.column + 1;
            f->set_count++;
        }
    }
}

/* ---- the file ---- */

static void scenario_read_special(struct scenario_read *r, const char *path, const yaml_node_t *node)
{
    if (strcmp(path, "grid.voltage") == 0)
        r->voltage = node;
    else if (strcmp(path, "grid.frequency") == 0)
        r->frequency = node;
    else if (strcmp(path, "grid.phases") == 0)
        scenario_read_phases(r, node);
    else if (strcmp(path, "grid.wye") == 0)
        (void)scenario_yaml_bool(&r->y, node, path, &r->wye);
    else if (strcmp(path, "load.kind") == 0)
        scenario_read_load_kind(r, node);
    else if (strcmp(path, "faults") == 0)
        scenario_read_faults(r, node);
    else if (strcmp(path, "set") == 0)
        scenario_read_settings(r, node);
    else if (strcmp(path, "must.checks") == 0)
        scenario_read_checks(r, node);
    else
        scenario_read_deadlines(r, node);
}

static void scenario_read_value(struct scenario_read *r, int index, const yaml_node_t *key,
                                const yaml_node_t *value)
{
    const struct scenario_read_key *row = &scenario_read_keys[index];
    char *at = (char *)r->file + row->offset;

    if (r->seen[index]) {
        scenario_yaml_wrong(&r->y, key, row->path, "given twice");
        return;
    }
    r->seen[index] = true;
    switch (row->type) {
    case SCENARIO_READ_NUMBER:
        (void)scenario_yaml_number(&r->y, value, row->path, row->min, row->max, (double *)(void *)at);
        if (strcmp(row->path, "load.high_ratio") == 0)
            r->file->envelope_ratio = (double)NAN;
        break;
    case SCENARIO_READ_BOOL:
        (void)scenario_yaml_bool(&r->y, value, row->path, (bool *)(void *)at);
        break;
    case SCENARIO_READ_WORD:
    case SCENARIO_READ_TEXT:
        (void)scenario_yaml_string(&r->y, value, row->path, row->type == SCENARIO_READ_WORD, at, row->room);
        break;
    case SCENARIO_READ_SPECIAL:
        scenario_read_special(r, row->path, value);
        break;
    }
    if (strcmp(row->path, "rack") == 0) {
        r->file->rack_line = value->start_mark.line + 1;
        r->file->rack_column = value->start_mark.column + 1;
    }
}

/* A key of the table, or the beginning of one: then what is under it is read. */
static void scenario_read_mapping(struct scenario_read *r, const yaml_node_t *node, const char *prefix)
{
    if (node->type != YAML_MAPPING_NODE) {
        scenario_yaml_wrong(&r->y, node, *prefix ? prefix : "the file", "keys are needed here");
        return;
    }
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->y.doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&r->y.doc, p->value);
        char path[128];
        bool begins = false;
        int found = -1;

        size_t length = (size_t)snprintf(path, sizeof path, "%s%s%.40s", prefix, *prefix ? "." : "",
                                         key->type == YAML_SCALAR_NODE ? scenario_yaml_scalar(key) : "?");
        for (int i = 0; i < SCENARIO_READ_KEYS; i++) {
            if (strcmp(scenario_read_keys[i].path, path) == 0)
                found = i;
            else if (strncmp(scenario_read_keys[i].path, path, length) == 0 &&
                     scenario_read_keys[i].path[length] == '.')
                begins = true;
        }
        if (found >= 0)
            scenario_read_value(r, found, key, value);
        else if (begins && !*prefix)
            scenario_read_mapping(r, value, path);
        else
            scenario_yaml_wrong(&r->y, key, path, "there is no such key");
    }
}

static void scenario_read_whole(struct scenario_read *r, const yaml_node_t *root)
{
    const struct scenario *s = &r->file->scenario;

    if (!root) {
        scenario_report_add(r->y.report, 0, 0, "", "the file is empty");
        return;
    }
    scenario_read_mapping(r, root, "");
    if (r->voltage)
        scenario_read_voltage(r, r->voltage);
    if (r->frequency)
        scenario_read_frequency(r, r->frequency);
    if (!*s->name)
        scenario_report_add(r->y.report, 0, 0, "scenario.name", "is missing");
    if (!*s->about)
        scenario_report_add(r->y.report, 0, 0, "scenario.about", "is missing");
    if (s->load.kind == LOAD_STEP && s->load.until_s <= s->load.at_s)
        scenario_report_add(r->y.report, 0, 0, "load", "a step needs at_s before until_s");
}

enum status scenario_read(const char *path, struct scenario_file *ret, struct scenario_report *report)
{
    struct scenario_read reader = { .file = ret, .y.report = report };

    report->file = path;
    scenario_preset(ret);
    if (!scenario_yaml_document(path, report, &reader.y.doc))
        return ST_SYS;
    scenario_read_whole(&reader, yaml_document_get_root_node(&reader.y.doc));
    yaml_document_delete(&reader.y.doc);
    return report->count > 0 ? ST_RANGE : ST_OK;
}

bool scenario_read_head(const char *path, struct scenario_listed *ret)
{
    char error[SCENARIO_ERROR_MAX] = "";
    struct scenario_report report = { .text = error };
    struct scenario_file *file = malloc(sizeof *file);
    bool good = file && scenario_read(path, file, &report) == ST_OK;

    if (good) {
        memcpy(ret->name, file->scenario.name, sizeof ret->name);
        memcpy(ret->about, file->scenario.about, sizeof ret->about);
    }
    free(file);
    return good;
}
