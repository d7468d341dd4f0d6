/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h: the simulator's random numbers: xoshiro256**, seeded by splitmix64.
 *
 * A plain struct: the same seed gives the same numbers everywhere. Not for
 * secrets.
 */
#ifndef BUSBAR_SIM_RNG_H
#define BUSBAR_SIM_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* `stream` makes independent generators of one seed. */
void rng_init(struct rng *rng, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *rng);
double rng_uniform(struct rng *rng, double low, double high);

/* A waiting time with this mean, above 0. */
double rng_exponential(struct rng *rng, double mean);

#endif
