/* SPDX-License-Identifier: Apache-2.0 */
/* forecast.h: the load ahead of every leaf and zone. */
#ifndef BUSBAR_CORE_FORECAST_H
#define BUSBAR_CORE_FORECAST_H

#include "block.h"

void forecast_step(struct block *b);

#endif
