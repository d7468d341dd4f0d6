/* SPDX-License-Identifier: Apache-2.0 */
/* scenario_yaml.h: values of a YAML document with their places. Of scenario_read.c. */
#ifndef BUSBAR_SIM_SCENARIO_YAML_H
#define BUSBAR_SIM_SCENARIO_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "scenario_parts.h"

struct scenario_yaml {
    yaml_document_t doc;
    struct scenario_report *report;
};

/* One error, at a node of the document. */
#define scenario_yaml_wrong(yaml, node, key, ...)                                                            \
    scenario_report_add((yaml)->report, (node)->start_mark.line + 1, (node)->start_mark.column + 1, key,     \
                        __VA_ARGS__)

/* Parses the file into *ret; false: it cannot be read or is not YAML, which is said.
 * yaml_document_delete() it. */
bool scenario_yaml_document(const char *path, struct scenario_report *report, yaml_document_t *ret);

/* A scalar's text; "" for anything else. */
const char *scenario_yaml_scalar(const yaml_node_t *node);

/* False: it is not one, or out of range, which is said; *ret stays. `word`: without spaces. */
bool scenario_yaml_number(struct scenario_yaml *y, const yaml_node_t *node, const char *key, double min,
                          double max, double *ret);
bool scenario_yaml_bool(struct scenario_yaml *y, const yaml_node_t *node, const char *key, bool *ret);
bool scenario_yaml_string(struct scenario_yaml *y, const yaml_node_t *node, const char *key, bool word,
                          char *ret, size_t room);

/* The items of a list; NULL: it is none, which is said. */
const yaml_node_item_t *scenario_yaml_items(struct scenario_yaml *y, const yaml_node_t *node, const char *key,
                                            size_t most, size_t *ret_count);

/* One row of numbers, `least` to `most` of them; 0: wrong, which is said. */
size_t scenario_yaml_row(struct scenario_yaml *y, const yaml_node_t *node, const char *key, size_t least,
                         size_t most, double *ret);

/* One field of a mapping in a list: where its value goes. */
struct scenario_yaml_field {
    const char *key;
    char *word; /* or: */
    size_t room;
    double *number;
    double min, max;
    bool needed;
};

/* A mapping of these fields and no others; false: something is wrong, which is said. */
bool scenario_yaml_fields(struct scenario_yaml *y, const yaml_node_t *node, const char *list,
                          const struct scenario_yaml_field *fields, int count);

#endif
