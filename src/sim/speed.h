/* SPDX-License-Identifier: Apache-2.0 */
/* speed.h: how fast a job runs on less power than it asks for. Pure. */
#ifndef BUSBAR_SIM_SPEED_H
#define BUSBAR_SIM_SPEED_H

enum speed_knee { SPEED_V100, SPEED_A40, SPEED_KNEE_COUNT };

/* `ratio` is power given over power asked for. 1 and above give 1; never below
 * SPEED_MIN, so that a job always ends. */
#define SPEED_MIN 0.02
double speed_at(enum speed_knee knee, double ratio);

/* "v100", "a40"; SPEED_KNEE_COUNT: no such word. */
enum speed_knee speed_find(const char *word);

#endif
