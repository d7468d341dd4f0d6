/* SPDX-License-Identifier: Apache-2.0 */
/* conf_keys_pmi.c: the keys of what is served upstream: shelves and writers. Constant
 * data, as conf_keys.c.
 */
#include "conf_raw.h"

#define KEYS(array)      .keys = (array), .key_count = (int32_t)(sizeof(array) / sizeof *(array))
#define AT(type, member) .offset = offsetof(struct type, member)

/* Positions are values of pmi_shelf_kind. */
static const char *const conf_keys_shelf_kinds[] = { "psu", "bbu", "cbu", NULL };

/* clang-format off */
static const struct conf_key conf_keys_shelf[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_shelf, name), .min = 1, .max = PMI_NAME_MAX - 1,
      .preset = CONF_REQUIRED, .help = "Unique among shelves; what it gives as its serial number." },
    { .path = "unit", .type = CONF_INT, AT(raw_shelf, unit), .min = 1, .max = 247, .preset = CONF_REQUIRED,
      .help = "Modbus unit it answers as." },
    { .path = "kind", .type = CONF_WORD, AT(raw_shelf, kind), .words = conf_keys_shelf_kinds,
      .preset = CONF_REQUIRED, .help = "Which mirror it shows." },
    { .path = "maker", .type = CONF_TEXT, AT(raw_shelf, maker), .min = 1, .max = 16,
      .preset_text = "Busbar", .help = "What it gives as its maker, which clients choose a map by." },
    { .path = "modules", .type = CONF_TEXTS, AT(raw_shelf, modules), .max = PMI_SLOTS, .preset = CONF_REQUIRED,
      .help = "Devices by slot; DEVICE:N is module N of a mirror; - leaves a slot empty." },
};

static const struct conf_key conf_keys_writer[] = {
    { .path = "name", .type = CONF_NAME, AT(raw_writer, name), .min = 1, .max = PMI_NAME_MAX - 1,
      .preset = CONF_REQUIRED, .help = "Unique among writers; as in events." },
    { .path = "from", .type = CONF_TEXT, AT(raw_writer, from), .min = 1, .max = CONF_NAME_MAX - 1,
      .preset = CONF_REQUIRED, .help = "Its address, a prefix as 10.0.0.0/8, or serial." },
    { .path = "key_file", .type = CONF_PATH, AT(raw_writer, key_file), .min = 1, .max = CONF_PATH_MAX - 1,
      .preset = CONF_REQUIRED, .help = "A file whose first line is its key: 16 hexadecimal digits." },
};
/* clang-format on */

const struct conf_section conf_keys_shelves = {
    .path = "pmi.shelves", .identity = "name", KEYS(conf_keys_shelf), .size = sizeof(struct raw_shelf)
};
const struct conf_section conf_keys_writers = {
    .path = "pmi.writers", .identity = "name", KEYS(conf_keys_writer), .size = sizeof(struct raw_writer)
};
