/* SPDX-License-Identifier: Apache-2.0 */
/* conf_value.c: one scalar into one member: type, range, unit.
 *
 * Owns what a value may look like and how a wrong one is worded. Any thread.
 * Stores nothing when a value is wrong.
 */
#include "conf_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "busbar/check.h"

/* Milliseconds and seconds are kept as whole microseconds. */
static double conf_value_factor(enum conf_type type)
{
    switch (type) {
    case CONF_MS_AS_US:
        return 1e3;
    case CONF_S_AS_US:
        return 1e6;
    case CONF_MIB_AS_BYTES:
        return 1024.0 * 1024.0;
    default:
        return 1.0;
    }
}

static int32_t conf_value_word(const struct conf_key *key, const char *text)
{
    for (int32_t w = 0; key->words[w]; w++)
        if (strcmp(key->words[w], text) == 0)
            return w;
    return -1;
}

void conf_value_preset(struct conf_item *item, const struct conf_key *key)
{
    void *member = (char *)item + key->offset;
    double preset = isfinite(key->preset) ? key->preset : 0.0;

    switch (key->type) {
    case CONF_BOOL:
        *(bool *)member = preset != 0.0;
        break;
    case CONF_INT:
        *(int32_t *)member = (int32_t)preset;
        break;
    case CONF_NUMBER:
        *(double *)member = isfinite(key->preset) ? preset : NAN;
        break;
    case CONF_MS_AS_US:
    case CONF_S_AS_US:
    case CONF_MIB_AS_BYTES:
        *(int64_t *)member = llround(preset * conf_value_factor(key->type));
        break;
    case CONF_WORD:
        if (key->preset_text && isfinite(key->preset))
            *(int32_t *)member = conf_value_word(key, key->preset_text);
        CHECK(*(int32_t *)member >= 0);
        break;
    case CONF_TEXT:
    case CONF_NAME:
    case CONF_PATH:
        if (key->preset_text && isfinite(key->preset))
            snprintf(member, (size_t)key->max + 1, "%s", key->preset_text);
        break;
    default: /* lists, maps, bits, pairs: all zero */
        break;
    }
}

/* ---- in words ---- */

static void conf_allowed_words(const struct conf_key *key, char *ret)
{
    size_t at = 0;

    ret[0] = '\0';
    for (int32_t w = 0; key->words[w] && at < CONF_LABEL_MAX; w++)
        at += (size_t)snprintf(ret + at, CONF_LABEL_MAX - at, "%s%s", w ? ", " : "", key->words[w]);
}

const char *conf_allowed(const struct conf_key *key, char ret[CONF_LABEL_MAX])
{
    const size_t room = CONF_LABEL_MAX;

    switch (key->type) {
    case CONF_MAP:
        snprintf(ret, room, "a mapping (key: value)");
        break;
    case CONF_LIST:
    case CONF_TEXTS:
    case CONF_PATHS:
        snprintf(ret, room, "a list of at most %g", key->max);
        break;
    case CONF_TEXT:
    case CONF_PATH:
        snprintf(ret, room, "a text of %g to %g characters", key->min, key->max);
        break;
    case CONF_NAME:
        snprintf(ret, room, "1 to %g letters, digits, - _ .", key->max);
        break;
    case CONF_BOOL:
        snprintf(ret, room, "true or false");
        break;
    case CONF_WORD:
        conf_allowed_words(key, ret);
        break;
    case CONF_BITS:
        snprintf(ret, room, "a list of whole numbers %g to %g", key->min, key->max);
        break;
    case CONF_PAIR:
        snprintf(ret, room, "a list of two whole numbers, first and count, %g to %g", key->min, key->max);
        break;
    default:
        snprintf(ret, room, "%.12g to %.12g", key->min, key->max);
    }
    return ret;
}

static const char *conf_value_what(const struct conf_key *key)
{
    switch (key->type) {
    case CONF_BOOL:
        return "true or false";
    case CONF_WORD:
    case CONF_TEXT:
    case CONF_NAME:
    case CONF_PATH:
        return "a text";
    case CONF_BITS:
    case CONF_PAIR:
        return "a list";
    default:
        return "a number";
    }
}

static void conf_value_wrong(struct conf_report *report, struct conf_pos at, const char *label,
                             const struct conf_key *key, const yaml_node_t *node)
{
    char shown[CONF_SHOWN_MAX], allowed[CONF_LABEL_MAX];
    const char *text = conf_read_text(node);
    const char *but = key->type == CONF_BOOL ? "" : ", allowed ";

    conf_allowed(key, allowed);
    if (key->type == CONF_BOOL)
        allowed[0] = '\0';
    if (conf_read_empty(node))
        conf_report_add(report, at, label, "is empty, allowed %s", conf_allowed(key, allowed));
    else if (node->type != YAML_SCALAR_NODE)
        conf_report_add(report, at, label, "%s is not %s%s%s",
                        node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping", conf_value_what(key), but,
                        allowed);
    else if (!text)
        conf_report_add(report, at, label, "has control characters, which are not allowed");
    else if (key->type == CONF_WORD)
        conf_report_add(report, at, label, "\"%s\" is not known, allowed %s", conf_report_shown(text, shown),
                        allowed);
    else
        conf_report_add(report, at, label, "\"%s\" is not %s%s%s", conf_report_shown(text, shown),
                        conf_value_what(key), but, allowed);
}

/* ---- text ---- */

bool conf_value_is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    return text[0] && text[0] != '.' && text[0] != '-' && strspn(text, letters) == strlen(text);
}

bool conf_value_path(const char *file, const char *path, char *ret)
{
    const char *slash = strrchr(file, '/');
    int32_t folder = path[0] == '/' || !slash ? 0 : (int32_t)(slash - file) + 1;

    return snprintf(ret, CONF_PATH_MAX, "%.*s%s", (int)folder, file, path) < CONF_PATH_MAX;
}

static bool conf_value_characters(struct conf_report *report, struct conf_pos at, const struct conf_key *key,
                                  const char *label, const yaml_node_t *node, char *member)
{
    const char *text = conf_read_text(node);
    char shown[CONF_SHOWN_MAX], allowed[CONF_LABEL_MAX];

    if (!text || conf_read_empty(node)) {
        conf_value_wrong(report, at, label, key, node);
    } else if ((double)strlen(text) < key->min || (double)strlen(text) > key->max) {
        conf_report_add(report, at, label, "%zu characters, allowed %g to %g", strlen(text), key->min,
                        key->max);
    } else if (key->type == CONF_NAME && !conf_value_is_name(text)) {
        conf_report_add(report, at, label, "\"%s\" is not a name, allowed %s", conf_report_shown(text, shown),
                        conf_allowed(key, allowed));
    } else if (key->type != CONF_PATH) {
        memcpy(member, text, strlen(text) + 1);
        return true;
    } else if (conf_value_path(conf_report_path(report, at.file), text, member)) {
        return true;
    } else {
        conf_report_add(report, at, label, "is too long with the file's folder, allowed %d characters",
                        CONF_PATH_MAX - 1);
    }
    return false;
}

void conf_value_text(struct conf_report *report, struct conf_pos at, const char *label, enum conf_type type,
                     const yaml_node_t *node, char *ret)
{
    const struct conf_key key = { .path = label,
                                  .type = type == CONF_PATHS ? CONF_PATH : CONF_TEXT,
                                  .min = 1,
                                  .max = type == CONF_PATHS ? CONF_PATH_MAX - 1 : CONF_NAME_MAX - 1 };

    conf_value_characters(report, at, &key, label, node, ret);
}

static bool conf_value_known(struct conf_report *report, struct conf_pos at, const struct conf_key *key,
                             const char *label, const yaml_node_t *node, int32_t *member)
{
    const char *text = conf_read_text(node);
    int32_t word = text ? conf_value_word(key, text) : -1;

    if (word < 0) {
        conf_value_wrong(report, at, label, key, node);
        return false;
    }
    *member = word;
    return true;
}

/* ---- numbers ---- */

static bool conf_value_number(struct conf_report *report, struct conf_pos at, const struct conf_key *key,
                              const char *label, const yaml_node_t *node, double *ret)
{
    char shown[CONF_SHOWN_MAX], allowed[CONF_LABEL_MAX];
    bool whole = key->type == CONF_INT || key->type == CONF_BITS || key->type == CONF_PAIR;
    double value;

    if (!conf_read_number(node, &value)) {
        const struct conf_key number = {
            .path = key->path, .type = CONF_NUMBER, .min = key->min, .max = key->max
        };

        conf_value_wrong(report, at, label, &number, node);
        return false;
    }
    conf_report_shown((const char *)node->data.scalar.value, shown);
    if (whole && value != floor(value)) {
        conf_report_add(report, at, label, "%s is not a whole number, allowed %g to %g", shown, key->min,
                        key->max);
        return false;
    }
    if (value < key->min || value > key->max) {
        struct conf_key range = *key;

        range.type = CONF_NUMBER;
        conf_report_add(report, at, label, "%s is out of range, allowed %s", shown,
                        conf_allowed(&range, allowed));
        return false;
    }
    *ret = value;
    return true;
}

static void conf_value_store(void *member, enum conf_type type, double value)
{
    if (type == CONF_INT)
        *(int32_t *)member = (int32_t)value;
    else if (type == CONF_NUMBER)
        *(double *)member = value;
    else
        *(int64_t *)member = llround(value * conf_value_factor(type));
}

/* A list of bit numbers, or of first and count. */
static bool conf_value_numbers(struct conf_report *report, struct conf_document *document,
                               const struct conf_key *key, const char *label, const yaml_node_t *node,
                               void *member)
{
    int32_t count = 0, pair[2] = { 0, 0 };
    uint32_t mask = 0;

    if (node->type == YAML_SEQUENCE_NODE)
        count = (int32_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count == 0 || count > 32 || (key->type == CONF_PAIR && count != 2)) {
        char allowed[CONF_LABEL_MAX];

        conf_report_add(report, conf_read_pos(document, node), label, "not what it must be, allowed %s",
                        conf_allowed(key, allowed));
        return false;
    }
    for (int32_t i = 0; i < count; i++) {
        const yaml_node_t *one = conf_read_node(document, node->data.sequence.items.start[i]);
        double value;

        if (!conf_value_number(report, conf_read_pos(document, one), key, label, one, &value))
            return false;
        pair[i % 2] = (int32_t)value;
        mask |= value < 32.0 ? UINT32_C(1) << (uint32_t)value : 0;
    }
    if (key->type == CONF_PAIR)
        memcpy(member, pair, sizeof pair);
    else
        *(uint32_t *)member = mask;
    return true;
}

bool conf_value_set(struct conf_report *report, struct conf_document *document, struct conf_item *item,
                    const struct conf_key *key, const char *label, const yaml_node_t *node)
{
    struct conf_pos at = conf_read_pos(document, node);
    void *member = (char *)item + key->offset;
    double value;

    switch (key->type) {
    case CONF_TEXT:
    case CONF_NAME:
    case CONF_PATH:
        return conf_value_characters(report, at, key, label, node, member);
    case CONF_BOOL:
        if (conf_read_bool(node, member))
            return true;
        conf_value_wrong(report, at, label, key, node);
        return false;
    case CONF_WORD:
        return conf_value_known(report, at, key, label, node, member);
    case CONF_BITS:
    case CONF_PAIR:
        return conf_value_numbers(report, document, key, label, node, member);
    default:
        if (!conf_value_number(report, at, key, label, node, &value))
            return false;
        conf_value_store(member, key->type, value);
        return true;
    }
}
