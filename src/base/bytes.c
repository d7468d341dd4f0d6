/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: numbers and plain structs to little-endian bytes and back. Any
 * thread; holds nothing, allocates nothing. */
#include "busbar/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void bytes_put(struct bytes_writer *writer, const void *from, size_t size)
{
    if (writer->full || size > writer->room - writer->size) {
        writer->full = true;
        return;
    }
    if (size > 0)
        memcpy(writer->at + writer->size, from, size);
    writer->size += size;
}

void bytes_put_u32(struct bytes_writer *writer, uint32_t value)
{
    unsigned char raw[4];

    for (int i = 0; i < 4; i++)
        raw[i] = (unsigned char)(value >> (8 * i));
    bytes_put(writer, raw, sizeof raw);
}

void bytes_put_u64(struct bytes_writer *writer, uint64_t value)
{
    unsigned char raw[8];

    for (int i = 0; i < 8; i++)
        raw[i] = (unsigned char)(value >> (8 * i));
    bytes_put(writer, raw, sizeof raw);
}

void bytes_put_text(struct bytes_writer *writer, const char *text)
{
    size_t size = strlen(text);

    bytes_put_u32(writer, (uint32_t)size);
    bytes_put(writer, text, size);
}

static size_t bytes_kind_size(enum bytes_kind kind)
{
    switch (kind) {
    case BYTES_BOOL:
        return 1;
    case BYTES_32:
        return 4;
    case BYTES_64:
    case BYTES_F64:
        break;
    }
    return 8;
}

/* The bits of one value, whatever its kind. */
static uint64_t bytes_bits(const struct bytes_field *field, uint32_t which, const void *from)
{
    const unsigned char *at = (const unsigned char *)from + field->offset + which * field->stride;
    uint64_t wide = 0;
    uint32_t word = 0;
    bool flag = false;

    switch (field->kind) {
    case BYTES_BOOL:
        memcpy(&flag, at, sizeof flag);
        return flag ? 1 : 0;
    case BYTES_32:
        memcpy(&word, at, sizeof word);
        return word;
    case BYTES_64:
    case BYTES_F64:
        memcpy(&wide, at, sizeof wide);
        break;
    }
    return wide;
}

void bytes_put_struct(struct bytes_writer *writer, const struct bytes_field *fields, size_t count,
                      const void *from)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < fields[i].count; j++) {
            uint64_t bits = bytes_bits(&fields[i], j, from);

            if (fields[i].kind == BYTES_BOOL)
                bytes_put(writer, &(unsigned char){ (unsigned char)bits }, 1);
            else if (fields[i].kind == BYTES_32)
                bytes_put_u32(writer, (uint32_t)bits);
            else
                bytes_put_u64(writer, bits);
        }
    }
}

const void *bytes_get(struct bytes_reader *reader, size_t size)
{
    const unsigned char *at = reader->at;

    if (reader->broken || size > reader->left) {
        reader->broken = true;
        return NULL;
    }
    reader->at += size;
    reader->left -= size;
    return at;
}

static uint64_t bytes_get_bits(struct bytes_reader *reader, size_t size)
{
    const unsigned char *at = bytes_get(reader, size);
    uint64_t value = 0;

    if (!at)
        return 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint32_t bytes_get_u32(struct bytes_reader *reader)
{
    return (uint32_t)bytes_get_bits(reader, 4);
}

uint64_t bytes_get_u64(struct bytes_reader *reader)
{
    return bytes_get_bits(reader, 8);
}

void bytes_get_text(struct bytes_reader *reader, char *text, size_t room)
{
    size_t size = bytes_get_u32(reader);
    const char *at = bytes_get(reader, size);

    text[0] = '\0';
    if (!at)
        return;
    if (size > room - 1)
        size = room - 1;
    memcpy(text, at, size);
    text[size] = '\0';
}

void bytes_get_struct(struct bytes_reader *reader, const struct bytes_field *fields, size_t count,
                      void *to)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < fields[i].count; j++) {
            unsigned char *at = (unsigned char *)to + fields[i].offset + j * fields[i].stride;
            uint64_t bits = bytes_get_bits(reader, bytes_kind_size(fields[i].kind));
            uint32_t word = (uint32_t)bits;
            bool flag = bits == 1;

            if (fields[i].kind == BYTES_BOOL && bits > 1)
                reader->broken = true;
            if (fields[i].kind == BYTES_BOOL)
                memcpy(at, &flag, sizeof flag);
            else if (fields[i].kind == BYTES_32)
                memcpy(at, &word, sizeof word);
            else
                memcpy(at, &bits, sizeof bits);
        }
    }
}

size_t bytes_struct_size(const struct bytes_field *fields, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += fields[i].count * bytes_kind_size(fields[i].kind);
    return size;
}

const struct bytes_field *bytes_compare(const struct bytes_field *fields, size_t count,
                                        const void *a, const void *b, uint32_t *ret_which)
{
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < fields[i].count; j++) {
            if (bytes_bits(&fields[i], j, a) == bytes_bits(&fields[i], j, b))
                continue;
            *ret_which = j;
            return &fields[i];
        }
    }
    return NULL;
}

void bytes_explain(const struct bytes_field *field, uint32_t which, const void *from, char *text,
                   size_t room)
{
    uint64_t bits = bytes_bits(field, which, from);
    double number;

    memcpy(&number, &bits, sizeof number);
    switch (field->kind) {
    case BYTES_BOOL:
        (void)snprintf(text, room, "%s", bits ? "true" : "false");
        break;
    case BYTES_32:
        (void)snprintf(text, room, "%" PRId32, (int32_t)bits);
        break;
    case BYTES_64:
        (void)snprintf(text, room, "%" PRId64, (int64_t)bits);
        break;
    case BYTES_F64:
        (void)snprintf(text, room, "%.17g", number);
        break;
    }
}
