/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.c: the Prometheus text format, version 0.0.4. Pure but for its stream. */
#include "exposition.h"

#include <inttypes.h>
#include <math.h>

#include "busbar/check.h"

#define EXPOSITION_PER_OCTAVE 8

void exposition_family(struct exposition *ex, const char *name, const char *type, const char *help)
{
    ex->name = name;
    ex->type = type;
    ex->help = help;
    ex->announced = 0;
}

static void exposition_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\\' || c == '"')
            (void)fprintf(to, "\\%c", c);
        else if (c == '\n')
            (void)fputs("\\n", to);
        else
            (void)fputc(c < 0x20 || c >= 0x7f ? '?' : c, to);
    }
}

/* NAME[SUFFIX]{labels, le="..."} and the space after it. */
static void exposition_begin(struct exposition *ex, const char *suffix, const char *const *labels, const char *le)
{
    const char *between = "{";

    if (!ex->announced) {
        (void)fprintf(ex->to, "# HELP %s %s\n# TYPE %s %s\n", ex->name, ex->help, ex->name, ex->type);
        ex->announced = 1;
    }
    (void)fprintf(ex->to, "%s%s", ex->name, suffix);
    for (; labels[0]; labels += 2) {
        (void)fprintf(ex->to, "%s%s=\"", between, labels[0]);
        exposition_escaped(ex->to, labels[1] ? labels[1] : "");
        (void)fputc('"', ex->to);
        between = ",";
    }
    if (le) {
        (void)fprintf(ex->to, "%sle=\"%s\"", between, le);
        between = ",";
    }
    (void)fputs(between[0] == ',' ? "} " : " ", ex->to);
}

void exposition_number(struct exposition *ex, const char *const *labels, double value)
{
    if (!isfinite(value))
        return;
    exposition_begin(ex, "", labels, NULL);
    (void)fprintf(ex->to, "%.15g\n", value == 0.0 ? 0.0 : value);
}

void exposition_count(struct exposition *ex, const char *const *labels, uint64_t value)
{
    exposition_begin(ex, "", labels, NULL);
    (void)fprintf(ex->to, "%" PRIu64 "\n", value);
}

void exposition_histogram(struct exposition *ex, const char *const *labels, const struct histogram *h,
                          struct exposition_octaves octaves)
{
    uint64_t below = 0;
    int bucket = 0;
    char le[32];

    CHECK(octaves.first >= 0 && octaves.last * EXPOSITION_PER_OCTAVE < HISTOGRAM_BUCKETS && octaves.step > 0);
    for (int octave = octaves.first; octave <= octaves.last; octave += octaves.step) {
        for (; bucket <= octave * EXPOSITION_PER_OCTAVE; bucket++)
            below += h->bucket[bucket];
        (void)snprintf(le, sizeof le, "%.9g", (double)(INT64_C(1) << octave) / 1e6);
        exposition_begin(ex, "_bucket", labels, le);
        (void)fprintf(ex->to, "%" PRIu64 "\n", below);
    }
    exposition_begin(ex, "_bucket", labels, "+Inf");
    (void)fprintf(ex->to, "%" PRIu64 "\n", h->count);
    exposition_begin(ex, "_sum", labels, NULL);
    (void)fprintf(ex->to, "%.15g\n", h->sum_us / 1e6);
    exposition_begin(ex, "_count", labels, NULL);
    (void)fprintf(ex->to, "%" PRIu64 "\n", h->count);
}
