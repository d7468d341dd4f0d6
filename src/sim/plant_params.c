/* SPDX-License-Identifier: Apache-2.0 */
/* plant_params.c: the table of the plant's numbers, their presets by kind of
 * hardware, and the words of kinds and start profiles. Pure; any thread. */
#include "plant_params.h"

#include <stdint.h>
#include <string.h>

static const struct plant_param plant_params_rows[] = {
#define PLANT_PARAMS_ROW(member_, key_, unit_, orv3_, hpr_, hpr_v2_, low_, high_, basis_, text_)             \
    { .key = (key_),                                                                                         \
      .unit = (unit_),                                                                                       \
      .basis = (basis_),                                                                                     \
      .text = (text_),                                                                                       \
      .low = (low_),                                                                                         \
      .high = (high_),                                                                                       \
      .offset = offsetof(struct plant_params, member_) },
    PLANT_PARAM_LIST(PLANT_PARAMS_ROW)
#undef PLANT_PARAMS_ROW
};
#define PLANT_PARAMS_ROWS ((int)(sizeof plant_params_rows / sizeof plant_params_rows[0]))

static const double plant_params_presets[][PLANT_KIND_COUNT] = {
#define PLANT_PARAMS_PRESET(member_, key_, unit_, orv3_, hpr_, hpr_v2_, low_, high_, basis_, text_)          \
    { [PLANT_ORV3] = (orv3_), [PLANT_HPR] = (hpr_), [PLANT_HPR_V2] = (hpr_v2_) },
    PLANT_PARAM_LIST(PLANT_PARAMS_PRESET)
#undef PLANT_PARAMS_PRESET
};

static const char *const plant_params_kinds[PLANT_KIND_COUNT] = {
    [PLANT_ORV3] = "orv3",
    [PLANT_HPR] = "hpr",
    [PLANT_HPR_V2] = "hpr-v2",
};

static const char *const plant_params_starts[PLANT_START_COUNT] = {
    [PLANT_START_STOCK] = "stock",
    [PLANT_START_SHORT_BOOT] = "short-boot",
    [PLANT_START_KEPT_ALIVE] = "kept-alive",
};

void plant_params_preset(struct plant_params *ret, enum plant_kind kind, enum plant_start_kind start)
{
    memset(ret, 0, sizeof *ret); /* padding too: runs are compared byte by byte */
    ret->kind = kind;
    ret->start = start;
    for (int i = 0; i < PLANT_PARAMS_ROWS; i++)
        plant_param_set(ret, &plant_params_rows[i], plant_params_presets[i][kind]);
    /* Hypothetical hardware: none is sold so. */
    if (start == PLANT_START_SHORT_BOOT) {
        ret->psu_boot_low_s = ret->psu_boot_high_s = 0.3;
        ret->psu_walk_in_s = 0.5;
    } else if (start == PLANT_START_KEPT_ALIVE) {
        ret->psu_boot_low_s = ret->psu_boot_high_s = 0.05;
        ret->psu_walk_in_s = 0.2;
    }
}

const struct plant_param *plant_param_find(const char *key)
{
    for (int i = 0; i < PLANT_PARAMS_ROWS; i++)
        if (strcmp(plant_params_rows[i].key, key) == 0)
            return &plant_params_rows[i];
    return NULL;
}

const struct plant_param *plant_param_at(int row)
{
    return row >= 0 && row < PLANT_PARAMS_ROWS ? &plant_params_rows[row] : NULL;
}

int plant_param_count(void)
{
    return PLANT_PARAMS_ROWS;
}

double plant_param_get(const struct plant_params *params, const struct plant_param *row)
{
    double value;

    memcpy(&value, (const char *)params + row->offset, sizeof value);
    return value;
}

void plant_param_set(struct plant_params *params, const struct plant_param *row, double value)
{
    memcpy((char *)params + row->offset, &value, sizeof value);
}

enum plant_start_kind plant_start_find(const char *word)
{
    for (int i = 0; i < PLANT_START_COUNT; i++)
        if (strcmp(plant_params_starts[i], word) == 0)
            return (enum plant_start_kind)i;
    return PLANT_START_COUNT;
}

const char *plant_start_word(enum plant_start_kind start)
{
    return plant_params_starts[start];
}

enum plant_kind plant_kind_find(const char *word)
{
    for (int i = 0; i < PLANT_KIND_COUNT; i++)
        if (strcmp(plant_params_kinds[i], word) == 0)
            return (enum plant_kind)i;
    return PLANT_KIND_COUNT;
}

const char *plant_kind_word(enum plant_kind kind)
{
    return plant_params_kinds[kind];
}
