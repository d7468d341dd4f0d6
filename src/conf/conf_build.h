/* SPDX-License-Identifier: Apache-2.0 */
/* conf_build.h: struct conf from checked raw structs. Private to src/conf.
 *
 * Nothing here can find an error in a file: all were found before. False: no
 * memory.
 */
#ifndef BUSBAR_CONF_BUILD_H
#define BUSBAR_CONF_BUILD_H

#include "conf_check.h"

#define CONF_GPU_READINGS 3 /* power, limit, energy: in this order, GPU by GPU        */

/* Everything but points, levers and the plan; takes the profiles. */
bool conf_build(struct conf_check *check, struct conf *conf);

/* What is served upstream (conf_pmi.c); after conf_build(). */
void conf_pmi_build(const struct conf_check *check, struct conf *conf);

/* The core's arrays and the first plan; fills in the points and levers of devices. */
bool conf_core(const struct conf_check *check, struct conf *conf);

#endif
