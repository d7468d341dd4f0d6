/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_scan.h: what the ways of scanning a bus share. */
#ifndef CLI_CLI_DEVICE_SCAN_H
#define CLI_CLI_DEVICE_SCAN_H

#include "cli_device.h"

struct cli_scan {
    struct cli_hand *hand;
    struct profile *list; /* whose model registers are asked for          */
    int32_t count;
    int32_t asked, to_ask;
    bool seen[256];
    struct json_object *found;
};

/* One line on a terminal, drawn anew. */
void cli_scan_progress(const struct cli_scan *scan, int32_t address);

/* The name of the best fit of a model text that stood where `asked` has it; NULL: none that names
 * one, or several. */
const char *cli_scan_name(const struct cli_scan *scan, const struct profile *asked, const char *model);

/* Somebody answered, at the link's settings of now. `profile` may be NULL, `model` "". */
void cli_scan_add(struct cli_scan *scan, int32_t address, const char *model, const char *profile,
                  enum status st);

/* A serial line at each speed of --speeds. CLI_FAILED: said. */
int cli_scan_speeds(struct cli_scan *scan);

#endif
