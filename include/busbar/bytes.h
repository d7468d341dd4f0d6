/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.h: numbers and plain structs to little-endian bytes and back.
 *
 * A struct is written by a table of its fields, so writing, reading, comparing
 * and explaining it can never disagree. Pure: no heap, no I/O.
 */
#ifndef BUSBAR_BYTES_H
#define BUSBAR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bytes_kind { BYTES_BOOL, BYTES_32, BYTES_64, BYTES_F64 };

/* One member: `count` values of `kind`, the first at `offset`, `stride` apart. */
struct bytes_field {
    const char *name;
    enum bytes_kind kind;
    size_t offset;
    uint32_t count;
    size_t stride;
};

/* A row of a table: of a member, of an array, of a member of an array of structs. */
#define BYTES_ONE(type, member, as)                                                                \
    {                                                                                              \
        .name = #member, .kind = (as), .offset = offsetof(type, member), .count = 1                \
    }
#define BYTES_MANY(type, member, as, length, apart)                                                \
    {                                                                                              \
        .name = #member, .kind = (as), .offset = offsetof(type, member), .count = (length),        \
        .stride = (apart)                                                                          \
    }
#define BYTES_TABLE(array) (array), (sizeof(array) / sizeof((array)[0]))

/* Writes at `at`; once something does not fit `full` stays set and nothing more
 * is written. */
struct bytes_writer {
    unsigned char *at;
    size_t room, size;
    bool full;
};

void bytes_put(struct bytes_writer *writer, const void *from, size_t size);
void bytes_put_u32(struct bytes_writer *writer, uint32_t value);
void bytes_put_u64(struct bytes_writer *writer, uint64_t value);
void bytes_put_text(struct bytes_writer *writer, const char *text); /* length (4), bytes */
void bytes_put_struct(struct bytes_writer *writer, const struct bytes_field *fields, size_t count,
                      const void *from);

/* Reads at `at`; once something is missing or wrong `broken` stays set and
 * everything read is 0. */
struct bytes_reader {
    const unsigned char *at;
    size_t left;
    bool broken;
};

const void *bytes_get(struct bytes_reader *reader, size_t size); /* NULL: not that many */
uint32_t bytes_get_u32(struct bytes_reader *reader);
uint64_t bytes_get_u64(struct bytes_reader *reader);
/* At most room - 1 characters are kept; always NUL-terminated. */
void bytes_get_text(struct bytes_reader *reader, char *text, size_t room);
void bytes_get_struct(struct bytes_reader *reader, const struct bytes_field *fields, size_t count,
                      void *to);

/* Bytes of one struct on disk. */
size_t bytes_struct_size(const struct bytes_field *fields, size_t count);

/* The first field, and which of its values, where two structs differ in a bit;
 * NULL when they are the same. */
const struct bytes_field *bytes_compare(const struct bytes_field *fields, size_t count,
                                        const void *a, const void *b, uint32_t *ret_which);

/* One value of a field as text, doubles with all their digits. */
void bytes_explain(const struct bytes_field *field, uint32_t which, const void *from, char *text,
                   size_t room);

#endif
