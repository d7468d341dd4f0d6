/* SPDX-License-Identifier: Apache-2.0 */
/* conf_bind.c: fills a section's struct from a mapping, by the section's table.
 *
 * Owns unknown, doubled and missing keys, and lists. Values themselves are
 * conf_value.c's. Any thread. Knows no single key.
 */
#include "conf_bind.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "conf_value.h"

#define CONF_BIND_MAPPING_MAX 1000

/* Looked up for every error and every check: one place for the search. */
static int32_t conf_bind_find(const struct conf_section *section, const char *path)
{
    for (int32_t k = 0; k < section->key_count; k++)
        if (strcmp(section->keys[k].path, path) == 0)
            return k;
    return -1;
}

bool conf_has(const struct conf_item *item, const char *path)
{
    int32_t k = conf_bind_find(item->section, path);

    CHECK(k >= 0);
    return item->value[k].line > 0;
}

bool conf_good(const struct conf_item *item, const char *path)
{
    int32_t k = conf_bind_find(item->section, path);

    CHECK(k >= 0);
    return item->value[k].line > 0 && !item->bad[k];
}

struct conf_pos conf_at(const struct conf_item *item, const char *path)
{
    int32_t k = conf_bind_find(item->section, path);

    CHECK(k >= 0);
    return item->value[k].line > 0 ? item->value[k] : item->at;
}

static void conf_bind_label(const struct conf_item *item, const char *path, char ret[CONF_LABEL_MAX])
{
    snprintf(ret, CONF_LABEL_MAX, "%s%s%.100s", item->label, item->label[0] && path[0] ? "." : "", path);
}

void conf_wrong(struct conf_report *report, const struct conf_item *item, const char *path,
                const char *format, ...)
{
    char label[CONF_LABEL_MAX], *what = NULL;
    va_list list;

    va_start(list, format);
    if (vasprintf(&what, format, list) < 0)
        what = NULL;
    va_end(list);
    conf_bind_label(item, path, label);
    if (what)
        conf_report_add(report, conf_at(item, path), label, "%s", what);
    else
        report->no_memory = true;
    free(what);
}

void conf_wrong_text(struct conf_report *report, const struct conf_item *item, const char *path,
                     const struct conf_list *list, int32_t index, const char *what)
{
    char label[CONF_LABEL_MAX], full[CONF_LABEL_MAX + 16];

    conf_bind_label(item, path, label);
    snprintf(full, sizeof full, "%s[%d]", label, (int)index);
    conf_report_add(report, CONF_ITEM(struct conf_text, list, index)->at, full, "%s", what);
}

/* ---- presets and lists ---- */

void conf_bind_init(struct conf_item *item, const struct conf_section *section)
{
    CHECK(section->key_count <= CONF_BIND_KEYS_MAX);
    memset(item, 0, section->size);
    item->section = section;
    for (int32_t k = 0; k < section->key_count; k++)
        conf_value_preset(item, &section->keys[k]);
}

void conf_bind_done(struct conf_item *item)
{
    for (int32_t k = 0; k < item->section->key_count; k++) {
        const struct conf_key *key = &item->section->keys[k];
        struct conf_list *list = (void *)((char *)item + key->offset);

        if (key->type != CONF_LIST && key->type != CONF_TEXTS && key->type != CONF_PATHS)
            continue;
        for (int32_t i = 0; key->type == CONF_LIST && i < list->count; i++)
            conf_bind_done((void *)(list->items + (size_t)i * key->section->size));
        free(list->items);
        *list = (struct conf_list){ .items = NULL };
    }
}

/* Room for one more; NULL without memory. */
static void *conf_bind_grow(struct conf_report *report, struct conf_list *list, size_t size)
{
    if (list->count == list->room) {
        int32_t room = list->room ? list->room * 2 : 4;
        char *items = realloc(list->items, (size_t)room * size);

        if (!items) {
            report->no_memory = true;
            return NULL;
        }
        list->items = items;
        list->room = room;
    }
    return list->items + (size_t)list->count * size;
}

/* ---- mappings ---- */

struct conf_bind {
    struct conf_report *report;
    struct conf_document *document;
};

static void conf_bind_mapping(const struct conf_bind *bind, struct conf_item *item, yaml_node_t *node,
                              const char *prefix);

/* "devices[psu-1-1]" where the item says its name, else "devices[3]". */
static void conf_bind_name(const struct conf_bind *bind, struct conf_item *item, yaml_node_t *node,
                           const char *outer, int32_t index)
{
    const char *identity = item->section->identity;

    snprintf(item->label, sizeof item->label, "%.80s[%d]", outer, (int)index);
    if (!identity || node->type != YAML_MAPPING_NODE)
        return;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const char *key = conf_read_text(conf_read_node(bind->document, pair->key));
        const char *text = conf_read_text(conf_read_node(bind->document, pair->value));

        if (key && text && strcmp(key, identity) == 0 && conf_value_is_name(text) &&
            strlen(text) < CONF_NAME_MAX) {
            snprintf(item->label, sizeof item->label, "%.80s[%.47s]", outer, text);
            return;
        }
    }
}

static void conf_bind_list(const struct conf_bind *bind, struct conf_item *item, const struct conf_key *key,
                           yaml_node_t *node)
{
    struct conf_list *list = (void *)((char *)item + key->offset);
    char outer[CONF_LABEL_MAX];

    conf_bind_label(item, key->path, outer);
    for (yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top; at++) {
        yaml_node_t *child = conf_read_node(bind->document, *at);
        struct conf_item *one;

        if (list->count >= (int32_t)key->max) {
            conf_report_add(bind->report, conf_read_pos(bind->document, child), outer,
                            "too many items, allowed at most %g", key->max);
            return;
        }
        one = conf_bind_grow(bind->report, list, key->section->size);
        if (!one)
            return;
        list->count++;
        conf_bind_init(one, key->section);
        one->at = conf_read_pos(bind->document, child);
        conf_bind_name(bind, one, child, outer, list->count - 1);
        if (child->type == YAML_MAPPING_NODE) {
            conf_bind_mapping(bind, one, child, "");
            conf_bind_required(bind->report, one);
        } else {
            conf_report_add(bind->report, one->at, one->label, "not a mapping (key: value)");
        }
    }
}

static void conf_bind_texts(const struct conf_bind *bind, struct conf_item *item, const struct conf_key *key,
                            yaml_node_t *node)
{
    struct conf_list *list = (void *)((char *)item + key->offset);
    struct conf_text *one;
    char outer[CONF_LABEL_MAX], label[CONF_LABEL_MAX + 16];

    conf_bind_label(item, key->path, outer);
    for (yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top; at++) {
        yaml_node_t *child = conf_read_node(bind->document, *at);
        struct conf_pos pos = conf_read_pos(bind->document, child);

        snprintf(label, sizeof label, "%s[%d]", outer, (int)list->count);
        if (list->count >= (int32_t)key->max) {
            conf_report_add(bind->report, pos, outer, "too many items, allowed at most %g", key->max);
            return;
        }
        one = conf_bind_grow(bind->report, list, sizeof *one);
        if (!one)
            return;
        list->count++;
        *one = (struct conf_text){ .at = pos };
        conf_value_text(bind->report, pos, label, key->type, child, one->text);
    }
}

/* One value of a known key. */
static void conf_bind_value(const struct conf_bind *bind, struct conf_item *item, int32_t k,
                            yaml_node_t *node)
{
    const struct conf_key *key = &item->section->keys[k];
    bool list = key->type == CONF_LIST || key->type == CONF_TEXTS || key->type == CONF_PATHS;
    char label[CONF_LABEL_MAX], allowed[CONF_LABEL_MAX];

    item->value[k] = conf_read_pos(bind->document, node);
    item->bad[k] = false;
    conf_bind_label(item, key->path, label);
    if (list && conf_read_empty(node))
        return; /* all its items are commented out */
    if (key->type == CONF_MAP && node->type == YAML_MAPPING_NODE) {
        conf_bind_mapping(bind, item, node, key->path);
    } else if (key->type == CONF_MAP) {
        conf_report_add(bind->report, item->value[k], label, "not a mapping (key: value)");
        item->bad[k] = true;
    } else if (list && node->type != YAML_SEQUENCE_NODE) {
        conf_report_add(bind->report, item->value[k], label, "not a list, allowed %s",
                        conf_allowed(key, allowed));
        item->bad[k] = true;
    } else if (key->type == CONF_LIST) {
        conf_bind_list(bind, item, key, node);
    } else if (list) {
        conf_bind_texts(bind, item, key, node);
    } else if (!conf_value_set(bind->report, bind->document, item, key, label, node)) {
        item->bad[k] = true;
    }
}

static bool conf_bind_under(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);

    if (length == 0)
        return !strchr(path, '.');
    return strncmp(path, prefix, length) == 0 && path[length] == '.' && !strchr(path + length + 1, '.');
}

static void conf_bind_unknown(const struct conf_bind *bind, const struct conf_item *item, const char *prefix,
                              const char *full, struct conf_pos at)
{
    const char *best = NULL, *dot;
    char shown[CONF_SHOWN_MAX], label[CONF_LABEL_MAX];

    for (int32_t k = 0; k < item->section->key_count; k++)
        if (conf_bind_under(item->section->keys[k].path, prefix))
            conf_report_nearest(full, item->section->keys[k].path, &best);
    conf_bind_label(item, prefix, label);
    dot = label[0] ? "." : "";
    strncat(label, dot, CONF_LABEL_MAX - strlen(label) - 1);
    strncat(label, conf_report_shown(full + (prefix[0] ? strlen(prefix) + 1 : 0), shown),
            CONF_LABEL_MAX - strlen(label) - 1);
    if (best)
        conf_report_add(bind->report, at, label, "unknown key, did you mean \"%s\"?",
                        best + (prefix[0] ? strlen(prefix) + 1 : 0));
    else
        conf_report_add(bind->report, at, label, "unknown key");
}

/* Was this key there before, in the same mapping? */
static const yaml_node_t *conf_bind_before(const struct conf_bind *bind, const yaml_node_t *mapping,
                                           const yaml_node_pair_t *here, const char *name)
{
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start; pair < here; pair++) {
        const yaml_node_t *key = conf_read_node(bind->document, pair->key);
        const char *text = conf_read_text(key);

        if (text && strcmp(text, name) == 0)
            return key;
    }
    return NULL;
}

static void conf_bind_pair(const struct conf_bind *bind, struct conf_item *item, const yaml_node_t *mapping,
                           const yaml_node_pair_t *pair, const char *prefix)
{
    const yaml_node_t *key = conf_read_node(bind->document, pair->key), *before;
    struct conf_pos at = conf_read_pos(bind->document, key);
    const char *name = conf_read_text(key);
    char full[CONF_LABEL_MAX], label[CONF_LABEL_MAX], shown[CONF_SHOWN_MAX];
    int32_t k;

    if (!name || strchr(name, '.') || strlen(name) > 100) {
        conf_report_add(bind->report, at, item->label[0] ? item->label : NULL, "\"%s\" is not a key",
                        name ? conf_report_shown(name, shown) : "?");
        return;
    }
    snprintf(full, sizeof full, "%.80s%s%s", prefix, prefix[0] ? "." : "", name);
    before = conf_bind_before(bind, mapping, pair, name);
    k = conf_bind_find(item->section, full);
    if (before) {
        conf_bind_label(item, full, label);
        conf_report_add(bind->report, at, label, "here twice, first on line %d",
                        (int)conf_read_pos(bind->document, before).line);
    } else if (k < 0) {
        conf_bind_unknown(bind, item, prefix, full, at);
    } else {
        conf_bind_value(bind, item, k, conf_read_node(bind->document, pair->value));
    }
}

static void conf_bind_mapping(const struct conf_bind *bind, struct conf_item *item, yaml_node_t *node,
                              const char *prefix)
{
    yaml_node_pair_t *pair = node->data.mapping.pairs.start;

    if (node->data.mapping.pairs.top - pair > CONF_BIND_MAPPING_MAX) {
        conf_report_add(bind->report, conf_read_pos(bind->document, node),
                        item->label[0] ? item->label : NULL, "too many keys in one mapping, allowed %d",
                        CONF_BIND_MAPPING_MAX);
        return;
    }
    for (; pair < node->data.mapping.pairs.top; pair++)
        conf_bind_pair(bind, item, node, pair, prefix);
}

void conf_bind(struct conf_report *report, struct conf_document *document, struct conf_item *item)
{
    const struct conf_bind bind = { .report = report, .document = document };

    if (!document->root || conf_read_empty(document->root))
        return;
    if (document->root->type != YAML_MAPPING_NODE) {
        conf_report_add(report, conf_read_pos(document, document->root), NULL, "not a mapping (key: value)");
        return;
    }
    conf_bind_mapping(&bind, item, document->root, "");
}

void conf_bind_required(struct conf_report *report, const struct conf_item *item)
{
    const struct conf_section *section = item->section;
    char label[CONF_LABEL_MAX], allowed[CONF_LABEL_MAX], parent[CONF_LABEL_MAX];

    for (int32_t k = 0; k < section->key_count; k++) {
        const struct conf_key *key = &section->keys[k];
        const char *dot = strrchr(key->path, '.');
        struct conf_pos at = item->at;

        if (key->preset != CONF_REQUIRED || item->value[k].line > 0)
            continue;
        if (dot) {
            snprintf(parent, sizeof parent, "%.*s", (int)(dot - key->path), key->path);
            if (!conf_good(item, parent))
                continue; /* said of the parent, if that is required */
            at = conf_at(item, parent);
        }
        conf_bind_label(item, key->path, label);
        conf_report_add(report, at, label, "missing, allowed %s", conf_allowed(key, allowed));
    }
}
