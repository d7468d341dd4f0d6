/* SPDX-License-Identifier: Apache-2.0 */
/* conf_value.h: one scalar into one member, by the row of its key. Private to src/conf. */
#ifndef BUSBAR_CONF_VALUE_H
#define BUSBAR_CONF_VALUE_H

#include "conf_bind.h"

/* Stores the preset of a key; CONF_REQUIRED and CONF_UNSET as 0, NAN or "". */
void conf_value_preset(struct conf_item *item, const struct conf_key *key);

/* Reads, checks and stores; `label` is for messages. False: refused. */
bool conf_value_set(struct conf_report *report, struct conf_document *document, struct conf_item *item,
                    const struct conf_key *key, const char *label, const yaml_node_t *node);

/* One item of a list of texts or paths into ret[CONF_PATH_MAX]; refused ones stay "". */
void conf_value_text(struct conf_report *report, struct conf_pos at, const char *label, enum conf_type type,
                     const yaml_node_t *node, char *ret);

/* Letters, digits, - _ . and not first a dot or a dash. */
bool conf_value_is_name(const char *text);

/* `path` itself when absolute, else beside `file`. False: over CONF_PATH_MAX. */
bool conf_value_path(const char *file, const char *path, char *ret);

#endif
