/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c: the table of what is broken on purpose. No I/O, no clock, no heap;
 * one thread. Breaks nothing by itself: the protocol servers ask. */
#include "faults.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *text;
} faults_kinds[FAULT_KIND_COUNT] = {
#define FAULT_ROW(name, w, t) [name] = { .word = w, .text = t },
    FAULT_LIST(FAULT_ROW)
#undef FAULT_ROW
};

void faults_init(struct faults *faults)
{
    memset(faults, 0, sizeof *faults);
}

const char *faults_kind_word(enum fault_kind kind)
{
    return faults_kinds[kind].word;
}

const char *faults_kind_text(enum fault_kind kind)
{
    return faults_kinds[kind].text;
}

enum fault_kind faults_kind_find(const char *word)
{
    for (int i = 0; i < FAULT_KIND_COUNT; i++)
        if (strcmp(faults_kinds[i].word, word) == 0)
            return (enum fault_kind)i;
    return FAULT_KIND_COUNT;
}

double faults_value(const struct fault *fault, enum fault_kind kind)
{
    if (!isnan(fault->value))
        return fault->value;
    switch (kind) {
    case FAULT_EXCEPTION:
        return 6.0; /* busy */
    case FAULT_SLOW:
        return 1000.0;
    case FAULT_HTTP_503:
    case FAULT_TASK:
        return 1.0;
    case FAULT_STATUS:
        return 0x7B80; /* output over-current */
    case FAULT_PROTECT:
        return 128.0;
    default:
        return 0.0;
    }
}

void faults_tick(struct faults *faults, int64_t now_us)
{
    uint32_t left = 0;

    faults->now_us = now_us;
    if (faults->active_count == 0)
        return;
    for (int class = 0; class < FAULT_CLASS_COUNT; class ++) {
        for (int i = 0; i < FAULTS_INDEX_MAX; i++) {
            struct faults_device *d = &faults->devices[class][i];

            for (int k = 0; d->active != 0 && k < FAULT_KIND_COUNT; k++)
                if ((d->active & (1U << k)) && d->kind[k].until_us <= now_us)
                    d->active &= ~(1U << k);
            left += d->active != 0;
        }
    }
    faults->active_count = left;
}

struct fault *faults_get(struct faults *faults, enum fault_class class, int32_t index, enum fault_kind kind)
{
    struct faults_device *d;

    if (!faults || faults->active_count == 0 || index < 0 || index >= FAULTS_INDEX_MAX)
        return NULL;
    d = &faults->devices[class][index];
    return d->active & (1U << kind) ? &d->kind[kind] : NULL;
}

struct fault *faults_hit(struct faults *faults, enum fault_class class, int32_t index, enum fault_kind kind)
{
    struct fault *fault = faults_get(faults, class, index, kind);

    if (!fault)
        return NULL;
    fault->asked++;
    return fault->asked % fault->every == 0 ? fault : NULL;
}

void faults_set(struct faults *faults, struct faults_target target, enum fault_kind kind, uint32_t every,
                double seconds, double value)
{
    struct faults_device *d = &faults->devices[target.class][target.index];

    faults->active_count += d->active == 0;
    d->active |= 1U << kind;
    d->kind[kind] = (struct fault){
        .every = every > 0 ? every : 1,
        .value = value,
        .until_us = seconds > 0.0 && seconds < 1e9 ? faults->now_us + (int64_t)(seconds * 1e6) : INT64_MAX,
    };
}

void faults_clear(struct faults *faults, const struct faults_target *target)
{
    if (!target) {
        int64_t now_us = faults->now_us;

        faults_init(faults);
        faults->now_us = now_us;
        return;
    }
    faults->devices[target->class][target->index].active = 0;
    faults_tick(faults, faults->now_us);
}

/* ---- names ---- */

/* "-3-2" into two numbers from 1; how many there were, 0 when it is no such text. */
static int faults_numbers(const char *text, int32_t ret[2], const char **ret_rest)
{
    int count = 0;

    while (count < 2 && text[0] == '-' && text[1] >= '1' && text[1] <= '9') {
        char *end;
        long value = strtol(text + 1, &end, 10);

        if (value > 1000)
            return 0;
        ret[count++] = (int32_t)value - 1;
        text = end;
    }
    *ret_rest = text;
    return count;
}

static bool faults_find_module(const struct plant *plant, bool is_psu, const int32_t at[2], int32_t *ret)
{
    const struct plant_shelf *shelf;

    if (at[0] >= plant->shelf_count)
        return false;
    shelf = &plant->shelves[at[0]];
    if (at[1] >= (is_psu ? shelf->psu_count : shelf->bbu_count))
        return false;
    *ret = (is_psu ? shelf->psu_first : shelf->bbu_first) + at[1];
    return true;
}

enum status faults_find(const struct plant *plant, const char *name, struct faults_target *ret)
{
    static const struct {
        const char *prefix;
        enum fault_class class;
        int numbers;
    } forms[] = {
        { .prefix = "bmc", .class = FAULT_BMC, .numbers = 1 },
        { .prefix = "psu", .class = FAULT_PSU, .numbers = 2 },
        { .prefix = "bbu", .class = FAULT_BBU, .numbers = 2 },
        { .prefix = "pmm-psu", .class = FAULT_PMM_PSU, .numbers = 1 },
        { .prefix = "pmm-bbu", .class = FAULT_PMM_BBU, .numbers = 1 },
        { .prefix = "line", .class = FAULT_LINE, .numbers = 1 },
        { .prefix = "smbus", .class = FAULT_SMBUS, .numbers = 1 },
    };

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t length = strlen(forms[i].prefix);
        struct faults_target target = { .class = forms[i].class };
        int32_t at[2] = { 0, 0 };
        const char *rest = NULL;
        bool found;

        if (strncmp(name, forms[i].prefix, length) != 0 ||
            faults_numbers(name + length, at, &rest) != forms[i].numbers)
            continue;
        if (target.class == FAULT_PSU && strcmp(rest, "-smbus") == 0)
            target.class = FAULT_PSU_SMBUS;
        else if (*rest != '\0')
            return ST_ABSENT;
        target.index = at[0];
        if (forms[i].numbers == 2)
            found = faults_find_module(plant, target.class != FAULT_BBU, at, &target.index);
        else
            found = at[0] < (target.class == FAULT_BMC ? plant->node_count : plant->shelf_count);
        if (!found)
            return ST_ABSENT;
        *ret = target;
        return ST_OK;
    }
    return ST_ABSENT;
}
