/* SPDX-License-Identifier: Apache-2.0 */
/* conf_pmi.c: what is served upstream: shelves, writers and rights against the rest of
 * the file, and as struct pmi_options.
 *
 * Owns what a writer may be given: never more than the file's own limits. Any thread.
 * Reads key files, nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_build.h"

#define CONF_PMI_KEY_DIGITS 16

/* ---- shelves ---- */

/* Does the device tell of a module N? One whose profile is wrong has been named already. */
static bool conf_pmi_has_module(const struct conf_check *check, int32_t device, int32_t index)
{
    int32_t at = CONF_ITEM(struct raw_device, &check->raw->devices, device)->profile_at;

    if (at == CORE_NONE)
        return true;
    for (int32_t r = 0; r < check->profiles.list[at].row_count; r++)
        if (check->profiles.list[at].rows[r].index == index)
            return true;
    return false;
}

/* "-", "DEVICE" or "DEVICE:N". */
static void conf_pmi_module(struct conf_check *check, struct raw_shelf *shelf, int32_t slot)
{
    const struct conf_text *text = CONF_ITEM(struct conf_text, &shelf->modules, slot);
    struct pmi_module *module = &shelf->module[slot];
    const char *colon = strchr(text->text, ':');
    char name[CONF_PATH_MAX], *end = NULL;
    long index = colon ? strtol(colon + 1, &end, 10) : 0;

    *module = (struct pmi_module){ .device = CORE_NONE };
    if (strcmp(text->text, "-") == 0)
        return;
    memcpy(name, text->text, sizeof name);
    if (colon)
        name[colon - text->text] = '\0';
    module->device = conf_check_find(&check->raw->devices, sizeof(struct raw_device), name);
    module->index = (int32_t)index;
    if (module->device == CORE_NONE)
        conf_wrong_text(check->report, &shelf->item, "modules", &shelf->modules, slot,
                        "is no device, allowed a device, DEVICE:N or -");
    else if (colon && (end == colon + 1 || *end || index < 1 || index > 255))
        conf_wrong_text(check->report, &shelf->item, "modules", &shelf->modules, slot,
                        "has no number 1 to 255 after the colon");
    else if (colon && !conf_pmi_has_module(check, module->device, module->index))
        conf_wrong_text(check->report, &shelf->item, "modules", &shelf->modules, slot,
                        "has a number that no row of the device's profile has as its index");
}

static void conf_pmi_shelves(struct conf_check *check)
{
    const struct conf_list *shelves = &check->raw->pmi.shelves;

    conf_check_unique(check->report, shelves, sizeof(struct raw_shelf), NULL, 0);
    for (int32_t s = 0; s < shelves->count; s++) {
        struct raw_shelf *shelf = CONF_ITEM(struct raw_shelf, shelves, s);

        for (int32_t k = 0; k < s; k++)
            if (shelf->unit != 0 && CONF_ITEM(struct raw_shelf, shelves, k)->unit == shelf->unit)
                conf_wrong(check->report, &shelf->item, "unit", "%d is shelf \"%s\" already",
                           (int)shelf->unit, CONF_ITEM(struct raw_shelf, shelves, k)->name);
        for (int32_t m = 0; m < shelf->modules.count && m < PMI_SLOTS; m++)
            conf_pmi_module(check, shelf, m);
    }
}

/* ---- writers ---- */

static void conf_pmi_key(struct conf_check *check, struct raw_writer *writer)
{
    char line[CONF_PMI_KEY_DIGITS + 2] = "", *end;

    if (!conf_check_first_line(writer->key_file, line, sizeof line)) {
        conf_wrong(check->report, &writer->item, "key_file", "\"%s\" cannot be read: %s", writer->key_file,
                   strerror(errno));
        return;
    }
    errno = 0;
    writer->core.key = strtoull(line, &end, 16);
    if (strlen(line) != CONF_PMI_KEY_DIGITS ||
        strspn(line, "0123456789abcdefABCDEF") != CONF_PMI_KEY_DIGITS || writer->core.key == 0)
        conf_wrong(check->report, &writer->item, "key_file",
                   "\"%s\" has no key in its first line, allowed 16 hexadecimal digits, not all 0",
                   writer->key_file);
    explicit_bzero(line, sizeof line);
}

static void conf_pmi_writers(struct conf_check *check)
{
    const struct conf_list *writers = &check->raw->pmi.writers;

    conf_check_unique(check->report, writers, sizeof(struct raw_writer), NULL, 0);
    for (int32_t w = 0; w < writers->count; w++) {
        struct raw_writer *writer = CONF_ITEM(struct raw_writer, writers, w);

        memcpy(writer->core.name, writer->name, sizeof writer->core.name);
        writer->core.serial = strcmp(writer->from, "serial") == 0;
        if (writer->from[0] && !writer->core.serial && !netmask_read(writer->from, &writer->core.from))
            conf_wrong(check->report, &writer->item, "from",
                       "\"%s\" is no address, allowed 10.1.2.3, a prefix as 10.1.0.0/16, or serial",
                       writer->from);
        if (writer->key_file[0])
            conf_pmi_key(check, writer);
        for (int32_t k = 0; k < w; k++)
            if (writer->core.key != 0 &&
                CONF_ITEM(struct raw_writer, writers, k)->core.key == writer->core.key)
                conf_wrong(check->report, &writer->item, "key_file", "holds the key of writer \"%s\"",
                           CONF_ITEM(struct raw_writer, writers, k)->name);
    }
}

/* ---- rights ---- */

static int32_t conf_pmi_first_root(const struct raw_conf *raw)
{
    for (int32_t n = 0; n < raw->tree.count; n++)
        if (CONF_ITEM(struct raw_node, &raw->tree, n)->parent_count == 0)
            return n;
    return CORE_NONE;
}

static void conf_pmi_budget(struct conf_check *check)
{
    const struct conf_item *item = &check->raw->item;
    struct raw_pmi *pmi = &check->raw->pmi;
    const struct raw_node *node;

    pmi->budget_at = conf_has(item, "pmi.budget_node")
                         ? conf_check_named(check->report, item, "pmi.budget_node", pmi->budget_node,
                                            &check->raw->tree, sizeof(struct raw_node), "node")
                         : conf_pmi_first_root(check->raw);
    if (!pmi->may_budget || pmi->budget_at == CORE_NONE)
        return;
    node = CONF_ITEM(struct raw_node, &check->raw->tree, pmi->budget_at);
    if (node->limits.count == 0)
        conf_wrong(check->report, item, "pmi.may_budget",
                   "node \"%s\" has no limits: they are the most that can be leased, and standing_w what "
                   "applies without a lease",
                   node->name);
    if (isnan(pmi->budget_min_w))
        conf_wrong(check->report, item, "pmi.may_budget",
                   "needs pmi.budget_min_w: the least that a writer may lower the rack to");
    for (int32_t l = 0; l < node->limits.count; l++) {
        const struct raw_limit *limit = CONF_ITEM(struct raw_limit, &node->limits, l);

        if (!isnan(pmi->budget_min_w) &&
            pmi->budget_min_w > (isnan(limit->standing_w) ? limit->limit_w : limit->standing_w))
            conf_wrong(check->report, item, "pmi.budget_min_w",
                       "%.12g is above what stands at \"%s\" without a lease", pmi->budget_min_w, node->name);
    }
}

static void conf_pmi_texts(struct conf_check *check)
{
    const struct conf_item *item = &check->raw->item;
    struct raw_pmi *pmi = &check->raw->pmi;

    for (int32_t r = 0; r < pmi->readers.count && r < PMI_READERS_MAX; r++)
        if (!netmask_read(CONF_ITEM(struct conf_text, &pmi->readers, r)->text, &pmi->reader[r]))
            conf_wrong_text(check->report, item, "pmi.readers", &pmi->readers, r,
                            "is no address, allowed 10.1.2.3 or a prefix as 10.1.0.0/16");
    for (int32_t n = 0; n < pmi->nodes.count && n < PMI_NODES_MAX; n++) {
        pmi->node_at[n] = conf_check_find(&check->raw->tree, sizeof(struct raw_node),
                                          CONF_ITEM(struct conf_text, &pmi->nodes, n)->text);
        if (pmi->node_at[n] == CORE_NONE)
            conf_wrong_text(check->report, item, "pmi.token_nodes", &pmi->nodes, n, "is no node of the tree");
    }
}

static void conf_pmi_rights(struct conf_check *check)
{
    static const char *const rights[] = { "pmi.may_budget", "pmi.may_mode", "pmi.may_ride",
                                          "pmi.may_tokens" };
    const struct conf_item *item = &check->raw->item;
    const struct raw_pmi *pmi = &check->raw->pmi;
    const bool given[] = { pmi->may_budget, pmi->may_mode, pmi->may_ride, pmi->may_tokens };

    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (given[i] && pmi->writers.count == 0)
            conf_wrong(check->report, item, rights[i], "is a right of nobody: there is no writer");
    if (pmi->may_ride && !check->raw->ride.enabled)
        conf_wrong(check->report, item, "pmi.may_ride", "needs ride_through.enabled");
    if (pmi->may_tokens && (check->raw->zones.count == 0 || pmi->nodes.count == 0))
        conf_wrong(check->report, item, "pmi.may_tokens", "needs tokens.zones and pmi.token_nodes");
}

static bool conf_pmi_speed(int32_t baud)
{
    return baud == 9600 || baud == 19200 || baud == 38400 || baud == 57600 || baud == 115200;
}

void conf_check_pmi(struct conf_check *check)
{
    const struct conf_item *item = &check->raw->item;
    struct raw_pmi *pmi = &check->raw->pmi;
    struct netmask mask;

    pmi->budget_at = CORE_NONE;
    conf_pmi_shelves(check);
    conf_pmi_writers(check);
    conf_pmi_texts(check);
    conf_pmi_budget(check);
    conf_pmi_rights(check);
    if (pmi->host[0] && (strchr(pmi->host, '/') || !netmask_read(pmi->host, &mask)))
        conf_wrong(check->report, item, "pmi.host",
                   "\"%s\" is no address, allowed 127.0.0.1, 0.0.0.0, ::", pmi->host);
    if (conf_has(item, "pmi.baud") && !conf_pmi_speed(pmi->baud))
        conf_wrong(check->report, item, "pmi.baud",
                   "%d is no speed it has, allowed 9600, 19200, 38400, 57600, 115200", (int)pmi->baud);
    if (pmi->enabled && !pmi->host[0] && !pmi->serial_path[0])
        conf_wrong(check->report, item, "pmi.enabled", "needs pmi.host, pmi.serial_path or both");
    if (pmi->enabled && pmi->shelves.count == 0)
        conf_wrong(check->report, item, "pmi.enabled", "needs pmi.shelves: each is a unit that answers");
}

/* ---- as options ---- */

static void conf_pmi_build_shelf(const struct raw_shelf *raw, struct pmi_shelf *to)
{
    *to = (struct pmi_shelf){ .unit = (uint8_t)raw->unit,
                              .kind = (enum pmi_shelf_kind)raw->kind,
                              .module_count = raw->modules.count };
    memcpy(to->maker, raw->maker, sizeof to->maker);
    memcpy(to->name, raw->name, sizeof to->name);
    memcpy(to->module, raw->module, sizeof to->module); /* devices stay in the file's order */
}

static void conf_pmi_build_budget(const struct conf_check *check, struct conf *conf, struct pmi_options *to)
{
    const struct conf_node *node;

    if (check->raw->pmi.budget_at == CORE_NONE)
        return;
    to->budget_node = CONF_ITEM(struct raw_node, &check->raw->tree, check->raw->pmi.budget_at)->index;
    node = &conf->nodes[to->budget_node];
    to->budget_min_w = isnan(check->raw->pmi.budget_min_w) ? 0.0 : check->raw->pmi.budget_min_w;
    for (int32_t l = 0; l < node->plan_limit_count; l++) {
        to->budget_max_w = fmin(to->budget_max_w, node->plan_limit[l].limit_w);
        to->standing_w = fmin(to->standing_w, node->plan_limit[l].limit_standing_w);
    }
}

void conf_pmi_build(const struct conf_check *check, struct conf *conf)
{
    static const char parities[] = { 'E', 'N', 'O' };
    const struct raw_pmi *raw = &check->raw->pmi;
    struct pmi_options *to = &conf->pmi;

    memcpy(conf->pmi_host, raw->host, sizeof conf->pmi_host);
    memcpy(conf->pmi_serial_path, raw->serial_path, sizeof conf->pmi_serial_path);
    *to = (struct pmi_options){ .enabled = raw->enabled,
                                .host = conf->pmi_host,
                                .port = raw->port,
                                .connections_max = raw->connections_max,
                                .serial_path = conf->pmi_serial_path,
                                .baud = raw->baud,
                                .stop_bits = raw->stop_bits,
                                .parity = parities[raw->parity],
                                .reader_count = raw->readers.count,
                                .writer_count = raw->writers.count,
                                .may_budget = raw->enabled && raw->may_budget,
                                .may_mode = raw->may_mode,
                                .may_ride = raw->may_ride,
                                .may_tokens = raw->may_tokens,
                                .lease_max_us = raw->lease_max_us,
                                .budget_node = CORE_NONE,
                                .budget_max_w = INFINITY,
                                .standing_w = INFINITY,
                                .reserve_min_s = check->raw->ride.reserve_s,
                                .node_count = raw->nodes.count,
                                .shelf_count = raw->shelves.count };
    memcpy(to->readers, raw->reader, sizeof to->readers);
    for (int32_t w = 0; w < to->writer_count; w++)
        to->writers[w] = CONF_ITEM(struct raw_writer, &raw->writers, w)->core;
    for (int32_t n = 0; n < to->node_count; n++)
        to->nodes[n] = CONF_ITEM(struct raw_node, &check->raw->tree, raw->node_at[n])->index;
    for (int32_t s = 0; s < to->shelf_count; s++)
        conf_pmi_build_shelf(CONF_ITEM(struct raw_shelf, &raw->shelves, s), &to->shelves[s]);
    conf_pmi_build_budget(check, conf, to);
}
