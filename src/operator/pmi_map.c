/* SPDX-License-Identifier: Apache-2.0 */
/* pmi_map.c: a shelf as today's clients read it. Pure.
 *
 * The layout is that of an HPR shelf controller: identity, module bits, alarms, then a
 * mirror of six modules at a pitch of 16 registers from 0x100. A register that no public
 * map has does not exist here either.
 */
#include "pmi_map.h"

#include <math.h>
#include <string.h>

#define PMI_MIRROR   0x100
#define PMI_PITCH    0x10
#define PMI_KELVIN   273.15
#define PMI_MAP_SIZE 0x7D

struct pmi_text {
    int32_t address, words;
    const char *(*get)(const struct pmi_image *image);
};

static const char *pmi_part(const struct pmi_image *image)
{
    (void)image;
    return "BUSBAR-PMI";
}

static const char *pmi_maker(const struct pmi_image *image)
{
    return image->shelf->maker;
}

static const char *pmi_model(const struct pmi_image *image)
{
    static const char *const models[] = { "PMI-PSU-SHELF", "PMI-BBU-SHELF", "PMI-CBU-SHELF" };

    return models[image->shelf->kind];
}

static const char *pmi_nothing(const struct pmi_image *image)
{
    (void)image;
    return "";
}

static const char *pmi_serial(const struct pmi_image *image)
{
    return image->shelf->name;
}

static const char *pmi_rack(const struct pmi_image *image)
{
    return image->rack;
}

static const char *pmi_version(const struct pmi_image *image)
{
    return image->version;
}

static const struct pmi_text pmi_texts[] = {
    { 0x00, 8, pmi_part },     { 0x08, 8, pmi_maker }, { 0x10, 8, pmi_model },   { 0x18, 8, pmi_nothing },
    { 0x20, 16, pmi_serial },  { 0x30, 4, pmi_rack },  { 0x34, 4, pmi_nothing }, { 0x38, 4, pmi_version },
    { 0x188, 8, pmi_maker },   { 0x190, 8, pmi_part }, { 0x198, 8, pmi_model },  { 0x1A8, 16, pmi_serial },
    { 0x1B8, 8, pmi_nothing },
};

/* Registers that exist, mean something of a controller's own, and are 0 here. */
static const struct {
    int32_t first, last;
} pmi_zeros[] = {
    { 0x54, 0x54 },
    { 0x5C, 0x5C },
    { 0x5E, 0x6B },
    { 0x72, 0x7C },
};

/* Two characters a register, filled up with zeros. */
static uint16_t pmi_text_word(const char *text, int32_t at)
{
    size_t length = strlen(text), first = 2 * (size_t)at;
    unsigned high = first < length ? (unsigned char)text[first] : 0;
    unsigned low = first + 1 < length ? (unsigned char)text[first + 1] : 0;

    return (uint16_t)(high << 8 | low);
}

/* Rounded, and held inside what a register takes. */
static uint16_t pmi_unsigned(double value)
{
    if (!(value > 0.0))
        return 0;
    return value >= 65535.0 ? 65535 : (uint16_t)lround(value);
}

static uint16_t pmi_signed(double value)
{
    if (isnan(value))
        return 0;
    value = fmin(fmax(value, -32768.0), 32767.0);
    return (uint16_t)(int16_t)lround(value);
}

static uint16_t pmi_bits(const struct pmi_image *image, bool (*of)(const struct pmi_values *values))
{
    unsigned bits = 0;

    for (int32_t i = 0; i < PMI_SLOTS; i++)
        bits |= of(&image->module[i]) ? 1u << i : 0;
    return (uint16_t)bits;
}

static bool pmi_is_present(const struct pmi_values *values)
{
    return values->there && values->present;
}

static bool pmi_is_alert(const struct pmi_values *values)
{
    return values->there && values->present && values->alert;
}

static bool pmi_is_planned(const struct pmi_values *values)
{
    return values->there;
}

static bool pmi_is_missing(const struct pmi_values *values)
{
    return values->there && !values->present;
}

/* General alarms: b0 missing modules, b4 one does not answer, b8 module alerts. */
static uint16_t pmi_alarms(const struct pmi_image *image)
{
    unsigned missing = pmi_bits(image, pmi_is_missing) != 0, alert = pmi_bits(image, pmi_is_alert) != 0;

    return (uint16_t)(missing | missing << 4 | alert << 8);
}

static bool pmi_own(const struct pmi_image *image, int32_t address, uint16_t *ret)
{
    switch (address) {
    case 0x4C:
    case 0x4E:
        *ret = (uint16_t)(image->uptime_s >> 16 & 0xFFFF);
        return true;
    case 0x4D:
    case 0x4F:
        *ret = (uint16_t)(image->uptime_s & 0xFFFF);
        return true;
    case 0x50:
        *ret = (uint16_t)(image->wall_s >> 16 & 0xFFFF);
        return true;
    case 0x51:
        *ret = (uint16_t)(image->wall_s & 0xFFFF);
        return true;
    case 0x52:
        *ret = PMI_MAP_SIZE;
        return true;
    case 0x53:
        *ret = (uint16_t)(image->shelf->kind + 1);
        return true;
    case 0x55:
    case 0x70:
        *ret = (uint16_t)image->number;
        return true;
    case 0x56:
        *ret = 1; /* the share cable: nothing shows that it is missing */
        return true;
    case 0x57:
        *ret = pmi_bits(image, pmi_is_present);
        return true;
    case 0x58:
        *ret = pmi_bits(image, pmi_is_alert);
        return true;
    case 0x59:
        *ret = pmi_alarms(image);
        return true;
    case 0x5A:
        *ret = pmi_bits(image, pmi_is_planned);
        return true;
    case 0x5D:
        *ret = (uint16_t)(pmi_bits(image, pmi_is_missing) << 1);
        return true;
    case 0x71:
        *ret = image->shelf->unit;
        return true;
    default:
        return false;
    }
}

static bool pmi_mirror_psu(const struct pmi_values *v, int32_t at, uint16_t *ret)
{
    if (at == 1)
        *ret = pmi_unsigned(v->input_v * 64.0);
    else if (at == 2)
        *ret = pmi_unsigned(v->input_a * 1024.0);
    return at == 1 || at == 2;
}

static bool pmi_mirror_battery(const struct pmi_values *v, int32_t at, uint16_t *ret)
{
    switch (at) {
    case 1:
    case 2:
    case 3:
    case 4:
        *ret = pmi_unsigned((v->temp_c[at - 1] + PMI_KELVIN) * 10.0);
        return true;
    case 5:
    case 6:
        *ret = pmi_unsigned(v->soc_ratio * 100.0);
        return true;
    case 7:
        *ret = pmi_unsigned(v->pack_v * 1000.0);
        return true;
    case 8:
    case 9:
        *ret = pmi_signed(v->pack_a * 100.0);
        return true;
    case 10:
        *ret = pmi_unsigned(v->remaining_ah * 1000.0);
        return true;
    case 11:
        *ret = pmi_unsigned(v->full_ah * 1000.0);
        return true;
    default:
        return false;
    }
}

static bool pmi_mirror(const struct pmi_image *image, int32_t address, uint16_t *ret)
{
    int32_t slot = (address - PMI_MIRROR) / PMI_PITCH, at = (address - PMI_MIRROR) % PMI_PITCH;

    if (address < PMI_MIRROR || slot >= PMI_SLOTS)
        return false;
    return image->shelf->kind == PMI_SHELF_PSU ? pmi_mirror_psu(&image->module[slot], at, ret)
                                               : pmi_mirror_battery(&image->module[slot], at, ret);
}

bool pmi_map_read(const struct pmi_image *image, int32_t address, uint16_t *ret)
{
    for (size_t i = 0; i < sizeof pmi_texts / sizeof *pmi_texts; i++) {
        const struct pmi_text *text = &pmi_texts[i];

        if (address < text->address || address >= text->address + text->words)
            continue;
        *ret = pmi_text_word(text->get(image), address - text->address);
        return true;
    }
    for (size_t i = 0; i < sizeof pmi_zeros / sizeof *pmi_zeros; i++)
        if (address >= pmi_zeros[i].first && address <= pmi_zeros[i].last) {
            *ret = 0;
            return true;
        }
    return pmi_own(image, address, ret) || pmi_mirror(image, address, ret);
}
