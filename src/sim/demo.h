/* SPDX-License-Identifier: Apache-2.0 */
/* demo.h: `busbarsim demo`: one load, twice, in front of the real daemon. */
#ifndef BUSBAR_SIM_DEMO_H
#define BUSBAR_SIM_DEMO_H

int demo_main(int argc, char **argv);

#endif
