/* SPDX-License-Identifier: Apache-2.0 */
/* regmap.h: raw register words to values and back, by the rows of a profile. Pure.
 *
 * A row's raw form is words of 16 bits in the order they come from the device:
 * Modbus registers; for PMBus one word for a byte or word command, and a block
 * packed two bytes a word, first byte high.
 */
#ifndef BUSBAR_FIELD_REGMAP_H
#define BUSBAR_FIELD_REGMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "busbar/device.h"
#include "busbar/status.h"

#define REGMAP_WORDS_MAX 125            /* the longest Modbus read                */
#define REGMAP_NO_EXPONENT INT32_MIN    /* the device's VOUT_MODE is not known    */

struct regmap_raw {
    int32_t count;
    uint16_t words[REGMAP_WORDS_MAX];
};

/* Words a row takes, 1 to REGMAP_WORDS_MAX. */
int32_t regmap_words(const struct profile_row *row);

/* Holds the row bytes, not a number? Then its words are them, the first one high. */
bool regmap_is_bytes(const struct profile_row *row);

/* The bytes of such a row; `ret` has room for 2 * REGMAP_WORDS_MAX. Returns how many. */
int32_t regmap_bytes(const struct profile_row *row, const uint16_t *words, uint8_t *ret);

/* The value of a row that is no text. `vout_exponent` counts for ROW_ULINEAR16
 * and ROW_SLINEAR16 without an exponent of their own. ST_RANGE: not a number, not plausible
 * for the row's signal, or of a type that says nothing alone (ROW_VOUT, ROW_ENERGY). ST_ABSENT: an IEEE single that is
 * no number, which is how a meter says that it has none. */
NODISCARD enum status regmap_decode(const struct profile_row *row, const uint16_t *words,
                                    int32_t vout_exponent, double *ret);

/* A text row, cut to `room` - 1 characters, without what fills it up; what cannot be
 * printed becomes '?'. A block row: its bytes in hexadecimal. */
void regmap_text(const struct profile_row *row, const uint16_t *words, char *ret, size_t room);

/* What to write for `value`, rounded down to the row's step and to what its raw
 * form can hold. For a bit row the field alone: see regmap_merge(). ST_REFUSED:
 * the row may not be written. ST_RANGE: below its minimum or above its maximum. */
NODISCARD enum status regmap_encode(const struct profile_row *row, double value, int32_t vout_exponent,
                                    struct regmap_raw *ret);

/* The same without the row's own limits and step: for putting back what was there. */
NODISCARD enum status regmap_encode_any(const struct profile_row *row, double value,
                                        int32_t vout_exponent, struct regmap_raw *ret);

/* A bit row's word as it must be written: `current` with the row's bits from
 * `field`, and every bit of `self_clearing` 0. In place. */
void regmap_merge(const struct profile_row *row, const struct regmap_raw *field, uint32_t self_clearing,
                  uint16_t *current);

/* The smallest difference the row can show near `value`, in the signal's unit. */
double regmap_resolution(const struct profile_row *row, double value, int32_t vout_exponent);

/* Is what was read the value that was sent, as far as both rows can tell? */
bool regmap_same(const struct profile_row *sent_row, double sent, const struct profile_row *read_row,
                 double read, int32_t vout_exponent);

#endif
