/* SPDX-License-Identifier: Apache-2.0 */
/* source_dir.h: files of the source tree, for tests that hold documents to code. */
#ifndef TEST_SOURCE_DIR_H
#define TEST_SOURCE_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a file of the source tree. */
static inline void source_path(const char *file, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%s/%s", BUSBAR_SOURCE_DIR, file);
}

/* Its whole text, malloc'ed; stops the test where it cannot be read. */
static inline char *source_read(const char *file)
{
    char path[1024];
    FILE *from;
    char *text;
    size_t used;

    source_path(file, path, sizeof path);
    from = fopen(path, "r");
    if (!from)
        fail_msg("cannot read %s", path);
    text = calloc(1, 1 << 20);
    assert_non_null(text);
    used = fread(text, 1, (1 << 20) - 1, from);
    assert_true(used > 0);
    assert_int_equal(fclose(from), 0);
    return text;
}

#endif
