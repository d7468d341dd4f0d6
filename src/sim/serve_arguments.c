/* SPDX-License-Identifier: Apache-2.0 */
/* serve_arguments.c: reads the command line's values and the files they name.
 * Main thread, at start. */
#include "serve_arguments.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVE_ARGUMENTS_MADE_UP_S 600.0

bool serve_arguments_number(const char *option, const char *text, double min, double max, double *ret)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        (void)fprintf(stderr, "busbarsim: %s: '%s' is not a number from %g to %g\n", option, text, min, max);
        return false;
    }
    *ret = value;
    return true;
}

bool serve_arguments_seed(const char *text, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 0);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        (void)fprintf(stderr, "busbarsim: --seed: '%s' is not a whole number\n", text);
        return false;
    }
    return true;
}

bool serve_arguments_word(const char *option, const char *text, const char *first, const char *second,
                          bool *ret)
{
    *ret = strcmp(text, second) == 0;
    if (*ret || strcmp(text, first) == 0)
        return true;
    (void)fprintf(stderr, "busbarsim: %s: '%s' is neither %s nor %s\n", option, text, first, second);
    return false;
}

/* Supplies of 12 kW do not fit the scales of the HPR register map, and their own is not published. */
static enum status serve_arguments_has_registers(const char *rack_path, const struct rack *rack, char *error,
                                                 size_t room)
{
    if (strcmp(rack->kind, "orv3") == 0 || strcmp(rack->kind, "hpr") == 0)
        return ST_OK;
    (void)snprintf(error, room, "%.200s: hardware of kind %s is played in virtual time only (run, compare, sweep): "
                   "no register map of it is known", rack_path, rack->kind);
    return ST_REFUSED;
}

enum status serve_arguments_load(const char *rack_path, const char *trace_path, bool training, uint64_t seed,
                                 struct rack *ret, struct trace **ret_trace)
{
    char error[RACK_ERROR_MAX > TRACE_ERROR_MAX ? RACK_ERROR_MAX : TRACE_ERROR_MAX];
    enum status st = rack_load(rack_path, ret, error);

    if (st == ST_OK)
        st = serve_arguments_has_registers(rack_path, ret, error, sizeof error);
    if (st == ST_OK && trace_path) {
        st = trace_load(trace_path, ret_trace, error);
    } else if (st == ST_OK) {
        const struct trace_generate made = {
            .training = training,
            .node_count = (int32_t)ret->node_count,
            .gpus_per_node = (int32_t)ret->node_gpus,
            .duration_s = SERVE_ARGUMENTS_MADE_UP_S,
            .seed = seed,
        };

        (void)snprintf(error, sizeof error, "out of memory");
        st = trace_generate(&made, ret_trace);
    }
    if (st != ST_OK)
        (void)fprintf(stderr, "busbarsim: %s\n", error);
    return st;
}
