/* SPDX-License-Identifier: Apache-2.0 */
/* fc.h: a forecaster of one power: what it will be, how high it may get, how soon.
 *
 * A struct fc is one block of memory that the caller gives, sized once by
 * fc_size(); it holds no pointer, so a copy of it is a second forecaster. Nothing
 * here reads a clock, allocates or fails: readings that are no numbers, come
 * late, twice or never are part of the job.
 *
 * FC_RACK looks for periods of up to 1023 samples and costs a few microseconds a
 * sample; FC_GPU is the light variant: up to 63 samples and well under one.
 *
 * A forecast carries no guarantee. Its bounds hold for the share of time they
 * name in the long run, not at any one moment; nothing safe may depend on them.
 */
#ifndef BUSBAR_FC_H
#define BUSBAR_FC_H

#include <stddef.h>
#include <stdint.h>

#define FC_HORIZONS_MAX 6

enum fc_kind { FC_RACK, FC_GPU };

/* Levels of the bounds: the share of time that the peak stays under them. */
enum fc_level { FC_90, FC_99, FC_999, FC_LEVELS };

/* What a workload may say of itself. A mark means that something just happened; the
 * last two carry a value instead, as the serving stack's metrics have it, and may be
 * given as often as it is read. */
enum fc_mark {
    FC_MARK_STEP,  /* an iteration ended                             */
    FC_MARK_PART,  /* a part of a phase ended: a batch of an evaluation */
    FC_MARK_STOP,  /* an evaluation, a checkpoint or a phase begins  */
    FC_MARK_GO,    /* it is over, and work goes on                   */
    FC_MARK_START, /* a job starts                                   */
    FC_MARK_END,   /* a job is over                                  */
    FC_MARK_QUEUE,   /* requests that wait                           */
    FC_MARK_RUNNING, /* requests that run                            */
    FC_MARKS
};

struct fc_options {
    enum fc_kind kind;
    int64_t grid_us;                     /* 1 000 (1 kHz) and up: one sample a slot            */
    int32_t horizon_count;               /* 1 to FC_HORIZONS_MAX; FC_GPU: up to 2              */
    int64_t horizon_us[FC_HORIZONS_MAX]; /* rising; up to 1 000 000 slots                      */
    double event_w;                      /* a spike: the peak exceeds now by this              */
    /* What a reading is. Both 0: the power of its slot. A window shorter than the
     * period sees only part of the time; a longer one is a mean that lags. The grid
     * is never finer than the period. */
    int64_t sensor_window_us, sensor_period_us;
};

struct fc_ahead {
    double expected_w;         /* at the horizon                                       */
    double peak_w;             /* until the horizon: as likely exceeded as not         */
    double upper_w[FC_LEVELS]; /* of the peak; never falling, never above the cap      */
    double spike_probability;  /* that the peak exceeds now by event_w                 */
    int64_t peak_us;           /* from now until the peak is expected                  */
    int32_t alarm;             /* a spike is likely enough to act on                   */
};

struct fc_forecast {
    int32_t known;              /* 0: no reading yet, and nothing below means anything  */
    int64_t at_us;              /* of the newest sample                                 */
    double now_w;               /* what the power is taken for                          */
    double confidence;          /* 0: nothing is known; 1: the bounds hold as they should */
    double coverage[FC_LEVELS]; /* share of late that stayed under the bound            */
    int64_t period_us;          /* of periodic load; 0: none found                      */
    int32_t stuck;              /* the sensor does not move although it used to         */
    struct fc_ahead ahead[FC_HORIZONS_MAX];
};

struct fc;

/* Bytes of a forecaster; a multiple of 16. */
size_t fc_size(const struct fc_options *opt);

/* `fc` points to fc_size() bytes, aligned for a double. Also forgets everything. */
void fc_init(struct fc *fc, const struct fc_options *opt);

/* A new reading. `cap_w`: what the power cannot exceed for as long as a horizon
 * lasts (limits in force or in flight with their overshoot); INFINITY: unknown. While
 * little was seen of a load, a rack's bounds of 99 and 99.9 % are it.
 * A second reading in one slot, an older one, and what is no number are ignored. */
void fc_put(struct fc *fc, int64_t at_us, double power_w, double cap_w);

/* A hint, when it arrives and not earlier. `at_us`: when it happens or happened.
 * Before the first reading, and an hour away from the newest, it is ignored. */
void fc_hint(struct fc *fc, int64_t at_us, enum fc_mark mark, double value);

/* The newest forecast as of `now_us`: one that is old is worth less. */
void fc_get(const struct fc *fc, int64_t now_us, struct fc_forecast *ret);

#endif
