/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c: xoshiro256** (Blackman and Vigna, public domain algorithm). Pure; any
 * thread, one struct each. */
#include "rng.h"

#include <math.h>

static uint64_t rng_rotl(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t rng_splitmix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void rng_init(struct rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed ^ (stream * UINT64_C(0xd1342543de82ef95));

    for (int i = 0; i < 4; i++)
        rng->s[i] = rng_splitmix(&state);
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t ret = rng_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return ret;
}

double rng_uniform(struct rng *rng, double low, double high)
{
    return low + (high - low) * ((double)(rng_u64(rng) >> 11) * 0x1.0p-53);
}

double rng_exponential(struct rng *rng, double mean)
{
    return -mean * log(1.0 - rng_uniform(rng, 0.0, 1.0));
}
