/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c: what signals.h's list says of each signal. Any thread; constants only. */
#include "busbar/signals.h"

#include <stddef.h>
#include <string.h>

struct signals_row {
    const char *name, *unit, *help;
    double min, max;
};

#define SIGNALS_ROW(id, text, si, least, most, what)                                                         \
    {.name = (text), .unit = (si), .help = (what), .min = (least), .max = (most)},
static const struct signals_row signals_rows[] = {SIGNAL_LIST(SIGNALS_ROW)};
#undef SIGNALS_ROW

static const struct signals_row signals_unknown = {
    .name = "unknown", .unit = "", .help = "not a signal", .min = 0.0, .max = 0.0};

static const struct signals_row *signals_find(enum signal signal)
{
    size_t at = (size_t)signal;

    return at < (size_t)SIGNAL_COUNT ? &signals_rows[at] : &signals_unknown;
}

const char *signal_name(enum signal signal)
{
    return signals_find(signal)->name;
}

const char *signal_unit(enum signal signal)
{
    return signals_find(signal)->unit;
}

const char *signal_help(enum signal signal)
{
    return signals_find(signal)->help;
}

double signal_min(enum signal signal)
{
    return signals_find(signal)->min;
}

double signal_max(enum signal signal)
{
    return signals_find(signal)->max;
}

enum signal signal_find(const char *name)
{
    for (size_t at = 0; at < (size_t)SIGNAL_COUNT; at++)
        if (strcmp(signals_rows[at].name, name) == 0)
            return (enum signal)at;
    return SIGNAL_COUNT;
}
