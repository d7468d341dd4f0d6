/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_window.c: the window of a rack, as registers. Pure.
 *
 * Numbers of two registers have the high word first, as the maps of shelves do.
 */
#include "pmi_window.h"

#include <math.h>
#include <string.h>

enum {
    PMI_AT_KEY = 0x4040,
    PMI_AT_LEASE = 0x4044,
    PMI_AT_REFRESH = 0x4045,
    PMI_AT_BUDGET = 0x4046,
    PMI_AT_MODE = 0x4048,
    PMI_AT_RESERVE = 0x4049,
    PMI_AT_SUPPORT = 0x404A,
    PMI_AT_AFTER = 0x404B,
    PMI_AT_TOKEN = 0x404C
};

#define PMI_VERSION     1
#define PMI_TOKEN_WORDS 5
#define PMI_KEY_WORDS   4

/* ---- what may be read ---- */

static void pmi_put_u32(uint16_t *words, int32_t at, uint32_t value)
{
    words[at] = (uint16_t)(value >> 16);
    words[at + 1] = (uint16_t)(value & 0xFFFFu);
}

static uint32_t pmi_watts(double value)
{
    if (!isfinite(value))
        return PMI_NO_WATTS;
    return value <= 0.0 ? 0 : value >= 4294967294.0 ? 4294967294u : (uint32_t)llround(value);
}

static uint16_t pmi_seconds(int64_t seconds)
{
    return seconds <= 0 ? 0 : seconds >= 65534 ? 65534 : (uint16_t)seconds;
}

static uint16_t pmi_permille(double ratio)
{
    return isfinite(ratio) && ratio >= 0.0 && ratio < 65.0 ? (uint16_t)lround(ratio * 1000.0) : PMI_NO_VALUE;
}

static void pmi_window_show(const struct pmi_state_image *i, uint16_t words[PMI_WINDOW_SIZE])
{
    words[0x00] = PMI_VERSION;
    words[0x01] = i->features;
    pmi_put_u32(words, 0x02, pmi_watts(i->power_w));
    pmi_put_u32(words, 0x04, pmi_watts(i->budget_w));
    pmi_put_u32(words, 0x06, pmi_watts(i->standing_w));
    pmi_put_u32(words, 0x08, pmi_watts(i->leased_w));
    words[0x0A] = pmi_seconds(i->lease_left_s);
    words[0x0B] = i->authority;
    words[0x0C] = i->mode;
    words[0x0D] = i->mode_wanted;
    words[0x0E] = i->reasons;
    words[0x0F] = i->ride;
    words[0x10] = i->capable;
    pmi_put_u32(words, 0x11, pmi_watts(i->energy_j));
    pmi_put_u32(words, 0x13, pmi_watts(i->reserve_j));
    words[0x15] = pmi_permille(i->input_ratio);
    words[0x16] = i->good;
    words[0x17] = i->stale;
    words[0x18] = i->unread;
    words[0x19] = i->exceeded;
    words[0x1A] = i->accepted;
    words[0x1B] = i->refused;
    words[0x1C] = i->result;
    words[0x1D] = i->token_state;
    words[0x1E] = i->token_reason;
    pmi_put_u32(words, 0x1F, pmi_watts(i->token_w));
    words[0x21] = pmi_seconds(i->token_left_s);
    pmi_put_u32(words, 0x22, pmi_watts(i->alternative_w));
    words[0x24] = pmi_seconds(i->retry_s);
    pmi_put_u32(words, 0x25, (uint32_t)(i->wall_s & 0xFFFFFFFF));
}

/* What was last written; the key reads as 0. */
static void pmi_window_show_writes(const struct pmi_state_image *i, uint16_t words[PMI_WRITES_SIZE])
{
    words[0x04] = i->lease_s;
    words[0x05] = i->refreshes;
    pmi_put_u32(words, 0x06, pmi_watts(i->wanted_w));
    words[0x08] = i->mode_wanted;
    words[0x09] = i->reserve_s;
    words[0x0A] = i->support_permille;
    words[0x0B] = i->support_after_ms;
    words[0x0C] = i->token_node;
    pmi_put_u32(words, 0x0D, pmi_watts(i->token_wanted_w));
    words[0x0F] = i->token_duration_s;
    words[0x10] = i->token_priority;
}

bool pmi_window_read(const struct pmi_state_image *image, int32_t address, uint16_t *ret)
{
    uint16_t words[PMI_WINDOW_SIZE] = { 0 };

    if (address >= PMI_WINDOW && address < PMI_WINDOW + PMI_WINDOW_SIZE) {
        pmi_window_show(image, words);
        *ret = words[address - PMI_WINDOW];
        return true;
    }
    if (address >= PMI_WRITES && address < PMI_WRITES + PMI_WRITES_SIZE) {
        pmi_window_show_writes(image, words);
        *ret = words[address - PMI_WRITES];
        return true;
    }
    return false;
}

/* ---- what may be written ---- */

/* Is this item written whole, not at all, or in half? */
static enum pmi_exception pmi_covers(const struct pmi_request *request, int32_t at, int32_t words, bool *ret)
{
    int32_t first = request->address > at ? request->address : at;
    int32_t end =
        request->address + request->count < at + words ? request->address + request->count : at + words;

    *ret = end - first == words;
    return *ret || end <= first ? PMI_FINE : PMI_ILLEGAL_VALUE;
}

static uint16_t pmi_written(const struct pmi_request *request, int32_t at)
{
    return request->words[at - request->address];
}

static uint32_t pmi_written_u32(const struct pmi_request *request, int32_t at)
{
    return (uint32_t)pmi_written(request, at) << 16 | pmi_written(request, at + 1);
}

static void pmi_take_key(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->key =
        (uint64_t)pmi_written_u32(request, PMI_AT_KEY) << 32 | pmi_written_u32(request, PMI_AT_KEY + 2);
}

static void pmi_take_lease(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->lease_s = pmi_written(request, PMI_AT_LEASE);
}

static void pmi_take_budget(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->budget_w = pmi_written_u32(request, PMI_AT_BUDGET);
}

static void pmi_take_mode(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->mode = pmi_written(request, PMI_AT_MODE);
}

static void pmi_take_reserve(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->ride |= 1;
    ret->reserve_s = pmi_written(request, PMI_AT_RESERVE);
}

static void pmi_take_support(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->ride |= 2;
    ret->support_permille = pmi_written(request, PMI_AT_SUPPORT);
}

static void pmi_take_after(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->ride |= 4;
    ret->support_after_ms = pmi_written(request, PMI_AT_AFTER);
}

static void pmi_take_token(const struct pmi_request *request, struct pmi_wish *ret)
{
    ret->token_node = pmi_written(request, PMI_AT_TOKEN);
    ret->token_w = pmi_written_u32(request, PMI_AT_TOKEN + 1);
    ret->token_duration_s = pmi_written(request, PMI_AT_TOKEN + 3);
    ret->token_priority = pmi_written(request, PMI_AT_TOKEN + 4);
}

static void pmi_take_refresh(const struct pmi_request *request, struct pmi_wish *ret)
{
    (void)request; /* whatever it is: the client is there */
    (void)ret;
}

static const struct {
    int32_t at, words;
    enum pmi_item item;
    void (*take)(const struct pmi_request *request, struct pmi_wish *ret);
} pmi_items[] = {
    { PMI_AT_KEY, PMI_KEY_WORDS, PMI_KEY, pmi_take_key },
    { PMI_AT_LEASE, 1, PMI_LEASE, pmi_take_lease },
    { PMI_AT_REFRESH, 1, PMI_REFRESH, pmi_take_refresh },
    { PMI_AT_BUDGET, 2, PMI_BUDGET, pmi_take_budget },
    { PMI_AT_MODE, 1, PMI_MODE, pmi_take_mode },
    { PMI_AT_RESERVE, 1, PMI_RIDE, pmi_take_reserve },
    { PMI_AT_SUPPORT, 1, PMI_RIDE, pmi_take_support },
    { PMI_AT_AFTER, 1, PMI_RIDE, pmi_take_after },
    { PMI_AT_TOKEN, PMI_TOKEN_WORDS, PMI_TOKEN, pmi_take_token },
};

enum pmi_exception pmi_window_write(const struct pmi_request *request, struct pmi_wish *ret)
{
    memset(ret, 0, sizeof *ret);
    if (request->address < PMI_WRITES || request->address + request->count > PMI_WRITES + PMI_WRITES_SIZE)
        return PMI_ILLEGAL_ADDRESS;
    for (size_t i = 0; i < sizeof pmi_items / sizeof *pmi_items; i++) {
        bool whole;
        enum pmi_exception wrong = pmi_covers(request, pmi_items[i].at, pmi_items[i].words, &whole);

        if (wrong != PMI_FINE)
            return wrong;
        if (!whole)
            continue;
        ret->items |= pmi_items[i].item;
        pmi_items[i].take(request, ret);
    }
    return PMI_FINE;
}
