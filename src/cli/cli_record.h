/* SPDX-License-Identifier: Apache-2.0 */
/* cli_record.h: pieces of `record save`, for tests. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <stdbool.h>
#include <stddef.h>

/* From the first to the last tick of a recording (record.h), s; NAN: it has none. */
double cli_record_seconds(const void *block, size_t size);

/* False with errno set: nothing of that name was made or changed. */
bool cli_record_save(const char *file, const char *body, size_t size);

#endif
