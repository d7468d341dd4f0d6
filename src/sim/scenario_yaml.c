/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_yaml.c: single values and small lists of a YAML document, checked.
 *
 * Any thread. Knows no key of a scenario: what is wrong goes into the report with
 * line and column, and reading goes on.
 */
#include "scenario_yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is wrong ---- */

void scenario_report_add(struct scenario_report *report, size_t line, size_t column, const char *key,
                         const char *format, ...)
{
    char what[320], one[SCENARIO_ERROR_MAX];
    va_list args;
    int length;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (line > 0)
        length = snprintf(one, sizeof one, "%.160s:%zu:%zu: %s%s%s", report->file, line, column, key,
                          *key ? ": " : "", what);
    else
        length = snprintf(one, sizeof one, "%.160s: %s%s%s", report->file, key, *key ? ": " : "", what);
    /* Room is kept for a last line that counts what is left out. */
    if (report->count > 0 && report->used + (size_t)length + 40 > SCENARIO_ERROR_MAX) {
        report->left_out++;
        (void)snprintf(report->text + report->used, SCENARIO_ERROR_MAX - report->used, "\nand %d more",
                       report->left_out);
        return;
    }
    report->used += (size_t)snprintf(report->text + report->used, SCENARIO_ERROR_MAX - report->used, "%s%s",
                                     report->count > 0 ? "\n" : "", one);
    if (report->used >= SCENARIO_ERROR_MAX)
        report->used = SCENARIO_ERROR_MAX - 1;
    report->count++;
}

/* ---- single values ---- */

const char *scenario_yaml_scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

bool scenario_yaml_number(struct scenario_yaml *y, const yaml_node_t *node, const char *key, double min,
                          double max, double *ret)
{
    const char *text = scenario_yaml_scalar(node);
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(value)) {
        scenario_yaml_wrong(y, node, key, "\"%.40s\" is not a number, allowed %g to %g", text, min, max);
        return false;
    }
    if (value < min || value > max) {
        scenario_yaml_wrong(y, node, key, "%.40s is not allowed, allowed %g to %g", text, min, max);
        return false;
    }
    *ret = value;
    return true;
}

bool scenario_yaml_bool(struct scenario_yaml *y, const yaml_node_t *node, const char *key, bool *ret)
{
    const char *text = scenario_yaml_scalar(node);

    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        scenario_yaml_wrong(y, node, key, "\"%.40s\" is not allowed, allowed true or false", text);
        return false;
    }
    *ret = text[0] == 't';
    return true;
}

bool scenario_yaml_string(struct scenario_yaml *y, const yaml_node_t *node, const char *key, bool word,
                          char *ret, size_t room)
{
    const char *text = scenario_yaml_scalar(node);
    size_t length = strlen(text);

    if (node->type != YAML_SCALAR_NODE || length == 0 || length >= room) {
        scenario_yaml_wrong(y, node, key, "a text of 1 to %zu letters is needed", room - 1);
        return false;
    }
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || (word && text[i] == ' ')) {
            scenario_yaml_wrong(y, node, key, "spaces and control characters are not allowed here");
            return false;
        }
    memcpy(ret, text, length + 1);
    return true;
}

/* The items of a list; NULL: it is none, which is said. */
const yaml_node_item_t *scenario_yaml_items(struct scenario_yaml *y, const yaml_node_t *node, const char *key,
                                            size_t most, size_t *ret_count)
{
    *ret_count = 0;
    if (node->type != YAML_SEQUENCE_NODE) {
        scenario_yaml_wrong(y, node, key, "a list is needed");
        return NULL;
    }
    *ret_count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (*ret_count > most) {
        scenario_yaml_wrong(y, node, key, "has %zu entries, allowed at most %zu", *ret_count, most);
        *ret_count = most;
    }
    return node->data.sequence.items.start;
}

/* One row of numbers, `least` to `most` of them; 0: wrong, which is said. */
size_t scenario_yaml_row(struct scenario_yaml *y, const yaml_node_t *node, const char *key, size_t least,
                         size_t most, double *ret)
{
    size_t count;
    const yaml_node_item_t *items = scenario_yaml_items(y, node, key, most, &count);

    if (!items)
        return 0;
    if (count < least) {
        scenario_yaml_wrong(y, node, key, "a row needs %zu numbers", least);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        if (!scenario_yaml_number(y, yaml_document_get_node(&y->doc, items[i]), key, 0, 1e6, &ret[i]))
            return 0;
    return count;
}

bool scenario_yaml_fields(struct scenario_yaml *y, const yaml_node_t *node, const char *list,
                          const struct scenario_yaml_field *fields, int count)
{
    unsigned seen = 0;
    bool good = true;

    if (node->type != YAML_MAPPING_NODE) {
        scenario_yaml_wrong(y, node, list, "keys are needed here");
        return false;
    }
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&y->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&y->doc, p->value);
        char path[80];
        int i = 0;

        (void)snprintf(path, sizeof path, "%s.%.40s", list, scenario_yaml_scalar(key));
        while (i < count && strcmp(fields[i].key, scenario_yaml_scalar(key)) != 0)
            i++;
        if (i == count || (seen & 1u << i) != 0) {
            scenario_yaml_wrong(y, key, path, i == count ? "there is no such key" : "given twice");
            good = false;
            continue;
        }
        seen |= 1u << i;
        if (fields[i].word)
            good = scenario_yaml_string(y, value, path, true, fields[i].word, fields[i].room) && good;
        else
            good =
                scenario_yaml_number(y, value, path, fields[i].min, fields[i].max, fields[i].number) && good;
    }
    for (int i = 0; i < count; i++)
        if (fields[i].needed && (seen & 1u << i) == 0) {
            scenario_yaml_wrong(y, node, list, "%s is missing", fields[i].key);
            good = false;
        }
    return good;
}

/* Parses what the reader was made for; false: not YAML, which is said. */
bool scenario_yaml_document(const char *path, struct scenario_report *report, yaml_document_t *ret)
{
    FILE *from = fopen(path, "rbe");
    yaml_parser_t parser;
    bool good;

    if (!from) {
        scenario_report_add(report, 0, 0, "", "%s", strerror(errno));
        return false;
    }
    if (!yaml_parser_initialize(&parser)) {
        (void)fclose(from);
        scenario_report_add(report, 0, 0, "", "out of memory");
        return false;
    }
    yaml_parser_set_input_file(&parser, from);
    good = yaml_parser_load(&parser, ret) != 0;
    if (!good)
        scenario_report_add(report, parser.problem_mark.line + 1, parser.problem_mark.column + 1, "",
                            "not YAML: %.200s", parser.problem ? parser.problem : "unknown trouble");
    yaml_parser_delete(&parser);
    (void)fclose(from);
    return good;
}
