/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_mask.c: masks as words of 32 bits, and as hex text. Pure. */
#include "redfish_mask.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define REDFISH_MASK_DIGITS (REDFISH_SURVEY_MASK_WORDS * 8)

void redfish_mask_parse(const char *text, struct redfish_survey_mask *ret)
{
    size_t size;

    memset(ret, 0, sizeof *ret);
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    while (text[0] == '0' && text[1])
        text++;
    size = strlen(text);
    if (size == 0 || size > REDFISH_MASK_DIGITS)
        return;
    for (size_t i = 0; i < size; i++)
        if (!isxdigit((unsigned char)text[i]))
            return;
    for (size_t i = 0; i < size; i++) {
        int c = tolower((unsigned char)text[size - 1 - i]);
        uint32_t digit = (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');

        ret->word[i / 8] |= digit << (4 * (i % 8));
    }
    ret->known = true;
}

void redfish_mask_print(const struct redfish_survey_mask *mask, char *to, size_t room)
{
    char digits[REDFISH_MASK_DIGITS + 1];
    const char *at = digits;

    for (int w = 0; w < REDFISH_SURVEY_MASK_WORDS; w++)
        (void)snprintf(digits + (size_t)w * 8, 9, "%08x", mask->word[REDFISH_SURVEY_MASK_WORDS - 1 - w]);
    while (at[0] == '0' && at[1])
        at++;
    (void)snprintf(to, room, "0x%s", at);
}

bool redfish_mask_equal(const struct redfish_survey_mask *a, const struct redfish_survey_mask *b)
{
    return a->known && b->known && memcmp(a->word, b->word, sizeof a->word) == 0;
}

bool redfish_mask_empty(const struct redfish_survey_mask *mask)
{
    for (int w = 0; w < REDFISH_SURVEY_MASK_WORDS; w++)
        if (mask->word[w])
            return false;
    return true;
}

struct redfish_survey_mask redfish_mask_less(const struct redfish_survey_mask *a,
                                             const struct redfish_survey_mask *b)
{
    struct redfish_survey_mask rest = *a;

    for (int w = 0; w < REDFISH_SURVEY_MASK_WORDS; w++)
        rest.word[w] &= ~b->word[w];
    return rest;
}
