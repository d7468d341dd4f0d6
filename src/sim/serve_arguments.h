/* SPDX-License-Identifier: Apache-2.0 */
/* serve_arguments.h: what `serve` and `demo` take alike. False and any status
 * but ST_OK: one line on standard error has said what is wrong. */
#ifndef BUSBAR_SIM_SERVE_ARGUMENTS_H
#define BUSBAR_SIM_SERVE_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"
#include "rack.h"
#include "trace.h"

bool serve_arguments_number(const char *option, const char *text, double min, double max, double *ret);
bool serve_arguments_seed(const char *text, uint64_t *ret);
/* One of two words; *ret: it was the second. */
bool serve_arguments_word(const char *option, const char *text, const char *first, const char *second,
                          bool *ret);

/* The rack file and the trace; without a path a made-up one. *ret_trace is the caller's. */
NODISCARD enum status serve_arguments_load(const char *rack_path, const char *trace_path, bool training,
                                           uint64_t seed, struct rack *ret, struct trace **ret_trace);

#endif
