/* SPDX-License-Identifier: Apache-2.0 */
/* conf_read.h: one YAML file as a libyaml document, and its scalars as typed values.
 *
 * Private to src/conf.
 */
#ifndef BUSBAR_CONF_READ_H
#define BUSBAR_CONF_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "conf_report.h"

#define CONF_READ_BYTES_MAX (16 * 1024 * 1024)
#define CONF_READ_DEPTH_MAX 32

struct conf_document {
    int32_t file; /* index in the report                                */
    bool loaded;  /* `yaml` is to be deleted                            */
    yaml_document_t yaml;
    yaml_node_t *root; /* NULL: the file says nothing                        */
};

/* Reads and parses a file. Refuses, with a line in the report: what is not UTF-8,
 * over 16 MiB, nested over 32 deep, anchors, aliases, tags, a second document.
 * False: nothing to go on with. conf_read_done() either way. */
bool conf_read(struct conf_report *report, const char *path, struct conf_document *ret);
void conf_read_done(struct conf_document *document);

yaml_node_t *conf_read_node(struct conf_document *document, int index);
struct conf_pos conf_read_pos(const struct conf_document *document, const yaml_node_t *node);

/* What a scalar holds. `text` needs no quotes to be text; the others must stand
 * without them. False: it is not that. */
bool conf_read_number(const yaml_node_t *node, double *ret); /* 5, -0.5, 1e3, 0x1f  */
bool conf_read_bool(const yaml_node_t *node, bool *ret);     /* true, false         */
const char *conf_read_text(const yaml_node_t *node);         /* NULL: control characters */
bool conf_read_empty(const yaml_node_t *node);               /* nothing after the colon, ~ or null */

#endif
