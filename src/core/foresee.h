/* SPDX-License-Identifier: Apache-2.0 */
/* foresee.h: the forecasters of the rack and of every measured lever. */
#ifndef BUSBAR_CORE_FORESEE_H
#define BUSBAR_CORE_FORESEE_H

#include "block.h"

/* Forecasters that a configuration asks for, and the bytes of so many. */
int32_t foresee_count(const struct core_config *config);
size_t foresee_bytes(int32_t count);

/* Once the configuration is in the block. */
void foresee_init(struct block *b);

/* What the same leaves' forecasters have learned. */
void foresee_adopt(struct block *b, const struct block *from, const struct core_map *map);

/* Takes new readings, a few leaves a step, and judges what was said before. */
void foresee_step(struct block *b);

/* What may be listened to now; NULL: nobody has a vote. */
const struct foresee *foresee_lever(const struct block *b, int32_t lever);
const struct foresee *foresee_zone(const struct block *b, int32_t zone);

#endif
