/* SPDX-License-Identifier: Apache-2.0 */
/* conf_bind.h: tables of keys, and filling a struct from a mapping by its table.
 *
 * A section is one kind of mapping: its keys, and the struct they fill. That
 * struct starts with a struct conf_item, which remembers where each value stood,
 * so that later checks can point at it. Private to src/conf.
 */
#ifndef BUSBAR_CONF_BIND_H
#define BUSBAR_CONF_BIND_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf_read.h"
#include "conf_report.h"

#define CONF_BIND_KEYS_MAX  96
#define CONF_ITEM_LABEL_MAX 144

/* Presets that are no number. */
#define CONF_REQUIRED (-INFINITY) /* the key must be there                        */
#define CONF_UNSET    NAN         /* absent: 0, NAN or ""; checks ask conf_has()  */

enum conf_type {
    CONF_MAP,          /* a mapping of its own: keys "path.*"                      */
    CONF_LIST,         /* struct conf_list of `section`; max: items                */
    CONF_TEXTS,        /* struct conf_list of struct conf_text; max: items         */
    CONF_PATHS,        /* the same; relative to the file                           */
    CONF_TEXT,         /* char[max + 1]                                            */
    CONF_NAME,         /* the same, letters, digits, - _ .                         */
    CONF_PATH,         /* char[CONF_PATH_MAX]; relative to the file                */
    CONF_BOOL,         /* bool                                                     */
    CONF_INT,          /* int32_t                                                  */
    CONF_NUMBER,       /* double                                                   */
    CONF_MS_AS_US,     /* int64_t microseconds of a number of milliseconds         */
    CONF_S_AS_US,      /* int64_t microseconds of a number of seconds              */
    CONF_MIB_AS_BYTES, /* int64_t bytes of a number of MiB                         */
    CONF_WORD,         /* int32_t: position in `words`                             */
    CONF_BITS,         /* uint32_t: mask of a list of bit numbers                  */
    CONF_PAIR          /* int32_t[2] of a list of two whole numbers                */
};

struct conf_key {
    const char *path;                   /* "control.period_ms": the unit is in the name */
    enum conf_type type;                /* what is read and stored                 */
    size_t offset;                      /* of the member in the section's struct   */
    double min, max;                    /* in the key's own unit; text: characters */
    double preset;                      /* or CONF_REQUIRED, CONF_UNSET            */
    const char *preset_text;            /* of texts and words; "by kind" for people */
    const char *const *words;           /* CONF_WORD: ended by NULL                */
    const struct conf_section *section; /* CONF_LIST                               */
    const char *help;                   /* becomes the manual page's entry         */
};

struct conf_section {
    const char *path;     /* as in messages and the manual: "devices" */
    const char *identity; /* the key that names an item, or NULL     */
    const struct conf_key *keys;
    int32_t key_count;
    size_t size; /* of the struct                           */
};

/* First member of every section's struct. */
struct conf_item {
    const struct conf_section *section;
    struct conf_pos at;                        /* of the mapping                  */
    struct conf_pos value[CONF_BIND_KEYS_MAX]; /* of each key's value; line 0: absent */
    bool bad[CONF_BIND_KEYS_MAX];              /* the key's value was refused    */
    char label[CONF_ITEM_LABEL_MAX];           /* "devices[psu-1-1]"; "" for a file */
};

struct conf_list {
    char *items; /* count structs, one after another        */
    int32_t count, room;
};

struct conf_text {
    struct conf_pos at;
    char text[CONF_PATH_MAX];
};

/* Presets, and no value read yet. */
void conf_bind_init(struct conf_item *item, const struct conf_section *section);

/* Adds what a document says. A second document overrides scalars and adds to
 * lists; a key twice in one mapping is an error. */
void conf_bind(struct conf_report *report, struct conf_document *document, struct conf_item *item);

/* Reports keys that are required and absent. Lists' items have had theirs. */
void conf_bind_required(struct conf_report *report, const struct conf_item *item);

/* Frees lists, theirs too. */
void conf_bind_done(struct conf_item *item);

/* Was a key of this path there? Was its value taken? */
bool conf_has(const struct conf_item *item, const char *path);
bool conf_good(const struct conf_item *item, const char *path);

/* The place of a value, else of its item. The path must exist. */
struct conf_pos conf_at(const struct conf_item *item, const char *path);

/* An error about one key of an item, at its value: "label.path: ...". */
__attribute__((format(printf, 4, 5))) void conf_wrong(struct conf_report *report,
                                                      const struct conf_item *item, const char *path,
                                                      const char *format, ...);

/* An error about one text of a CONF_TEXTS. */
void conf_wrong_text(struct conf_report *report, const struct conf_item *item, const char *path,
                     const struct conf_list *list, int32_t index, const char *what);

/* What a key takes, in words: "1 to 1000", "true or false"; `ret` gets at most
 * CONF_LABEL_MAX bytes. */
const char *conf_allowed(const struct conf_key *key, char ret[CONF_LABEL_MAX]);

/* Item `index` of a list whose items are `type`. */
#define CONF_ITEM(type, list, index) (&((type *)(void *)(list)->items)[index])

#endif
