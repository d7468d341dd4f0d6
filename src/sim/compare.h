/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h: columns of a comparison, from compare.c to its picture. */
#ifndef BUSBAR_SIM_COMPARE_H
#define BUSBAR_SIM_COMPARE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scenario.h"
#include "study.h"

#define COMPARE_COLUMNS_MAX 24

struct compare_column {
    char setting[64]; /* the one that differs, "start=stock"; empty: none   */
    struct scenario scenario;
    struct scenario_result result;
};

struct compare {
    int32_t count;
    uint64_t seed;
    char settings[256]; /* those of all columns, as typed                     */
    struct compare_column *column;
};

/* Heading of a column, and what is the same in all, in words. */
void compare_name(const struct compare_column *column, char *ret, size_t room);
void compare_about(const struct compare *compare, char *ret, size_t room);

/* The figures of a column, each as text; of jobs they are others than of grid events. */
#define COMPARE_FIGURES 6
const char *compare_figure_name(const struct compare *compare, int figure);
void compare_figure(const struct compare_column *column, int figure, char *ret, size_t room);

/* The picture; what could not be written shows in ferror(to). ST_NOMEM. */
NODISCARD enum status compare_svg(FILE *to, const struct compare *compare);

#endif
