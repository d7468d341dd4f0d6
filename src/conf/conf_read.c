/* SPDX-License-Identifier: Apache-2.0 */
/* conf_read.c: YAML to typed values, with line and column of everything.
 *
 * Owns the reading of files and every limit on their form. One pass over
 * libyaml's events refuses what we do not take (the document API resolves
 * aliases and forgets anchors), a second one makes the document. Any thread.
 * Never writes, never knows a key.
 */
#include "conf_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busbar/check.h"

static struct conf_pos conf_read_mark(int32_t file, const yaml_mark_t *mark)
{
    return (struct conf_pos){ .file = file,
                              .line = (int32_t)mark->line + 1,
                              .column = (int32_t)mark->column + 1 };
}

/* ---- bytes ---- */

static unsigned char *conf_read_bytes(int fd, size_t *ret_size)
{
    size_t size = 0, room = 64 * 1024;
    unsigned char *bytes = malloc(room);

    while (bytes) {
        ssize_t got = read(fd, bytes + size, room - size);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return NULL;
        }
        size += (size_t)got;
        if (got == 0 || size > CONF_READ_BYTES_MAX)
            break;
        if (size == room) {
            unsigned char *more = realloc(bytes, room *= 2);

            if (!more)
                free(bytes);
            bytes = more;
        }
    }
    *ret_size = size;
    return bytes;
}

static unsigned char *conf_read_file(struct conf_report *report, int32_t file, size_t *ret_size)
{
    const struct conf_pos whole = { .file = file };
    int fd = open(conf_report_path(report, file), O_RDONLY | O_CLOEXEC);
    struct stat info;
    unsigned char *bytes = NULL;

    errno = fd >= 0 ? 0 : errno;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
        errno = EISDIR;
    else if (fd >= 0)
        bytes = conf_read_bytes(fd, ret_size);
    if (!bytes) {
        report->unreadable = true;
        conf_report_add(report, whole, NULL, "cannot be read: %s", strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    if (bytes && *ret_size > CONF_READ_BYTES_MAX) {
        conf_report_add(report, whole, NULL, "is over 16 MiB, allowed at most 16 MiB");
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

/* Length of the UTF-8 character that starts here; 0: it is none, or a control
 * character that no text file holds. */
static size_t conf_read_character(const unsigned char *at, size_t left)
{
    static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : 4;
    uint32_t code = length == 1 ? at[0] : at[0] & (0x7fu >> length);

    if (length == 1)
        return (at[0] >= ' ' && at[0] != 127) || at[0] == '\t' || at[0] == '\n' || at[0] == '\r';
    if ((at[0] & 0xc0) == 0x80 || at[0] >= 0xf8 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    return length;
}

/* Walks to the byte at `offset`, or to the first that is wrong; its place. */
static bool conf_read_utf8(const unsigned char *bytes, size_t size, size_t offset, struct conf_pos *at)
{
    at->line = 1;
    at->column = 1;
    for (size_t i = 0; i < size && i < offset;) {
        size_t length = conf_read_character(bytes + i, size - i);

        if (length == 0)
            return false;
        at->column++;
        if (bytes[i] == '\n') {
            at->line++;
            at->column = 1;
        }
        i += length;
    }
    return true;
}

/* ---- the form of the file ---- */

struct conf_read_scan {
    struct conf_report *report;
    int32_t file;
    const unsigned char *bytes;
    size_t size;
    int32_t depth, documents;
    bool refused;
};

static void conf_read_syntax(struct conf_read_scan *scan, const yaml_parser_t *parser)
{
    struct conf_pos at = conf_read_mark(scan->file, &parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "unknown trouble";

    scan->refused = true;
    if (parser->error == YAML_MEMORY_ERROR)
        scan->report->no_memory = true;
    else if (parser->error == YAML_READER_ERROR)
        conf_read_utf8(scan->bytes, scan->size, parser->problem_offset, &at);
    if (parser->context && parser->context_mark.line != parser->problem_mark.line)
        conf_report_add(scan->report, at, NULL, "not YAML: %s (%s from line %zu on)", problem,
                        parser->context, parser->context_mark.line + 1);
    else
        conf_report_add(scan->report, at, NULL, "not YAML: %s", problem);
}

static void conf_read_refuse(struct conf_read_scan *scan, const yaml_event_t *event, const char *what)
{
    conf_report_add(scan->report, conf_read_mark(scan->file, &event->start_mark), NULL, "%s", what);
    scan->refused = true;
}

static void conf_read_properties(struct conf_read_scan *scan, const yaml_event_t *event,
                                 const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        conf_read_refuse(scan, event, "an anchor (&name) is not allowed: write the value out");
    if (tag)
        conf_read_refuse(scan, event, "a tag (!name) is not allowed");
}

/* False: no further. */
static bool conf_read_event(struct conf_read_scan *scan, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++scan->documents < 2)
            return true;
        conf_read_refuse(scan, event, "a second document, allowed one a file");
        return false;
    case YAML_ALIAS_EVENT:
        conf_read_refuse(scan, event, "an alias (*name) is not allowed: write the value out");
        return true;
    case YAML_SCALAR_EVENT:
        conf_read_properties(scan, event, event->data.scalar.anchor, event->data.scalar.tag);
        return true;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (event->type == YAML_SEQUENCE_START_EVENT)
            conf_read_properties(scan, event, event->data.sequence_start.anchor,
                                 event->data.sequence_start.tag);
        else
            conf_read_properties(scan, event, event->data.mapping_start.anchor,
                                 event->data.mapping_start.tag);
        if (++scan->depth <= CONF_READ_DEPTH_MAX)
            return true;
        conf_read_refuse(scan, event, "nested too deep, allowed 32 levels");
        return false;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        scan->depth--;
        return true;
    default:
        return event->type != YAML_STREAM_END_EVENT;
    }
}

static bool conf_read_form(struct conf_read_scan *scan)
{
    yaml_parser_t parser;
    bool more = true;

    if (!yaml_parser_initialize(&parser)) {
        scan->report->no_memory = true;
        return false;
    }
    yaml_parser_set_input_string(&parser, scan->bytes, scan->size);
    while (more && !scan->report->full) {
        yaml_event_t event;

        if (!yaml_parser_parse(&parser, &event)) {
            conf_read_syntax(scan, &parser);
            break;
        }
        more = conf_read_event(scan, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return !scan->refused;
}

static bool conf_read_document(struct conf_report *report, const unsigned char *bytes, size_t size,
                               struct conf_document *ret)
{
    yaml_parser_t parser;

    if (yaml_parser_initialize(&parser)) {
        yaml_parser_set_input_string(&parser, bytes, size);
        ret->loaded = yaml_parser_load(&parser, &ret->yaml) != 0;
        yaml_parser_delete(&parser);
    }
    if (!ret->loaded)
        report->no_memory = true; /* its form was found good: nothing else is left */
    else
        ret->root = yaml_document_get_root_node(&ret->yaml);
    return ret->loaded;
}

bool conf_read(struct conf_report *report, const char *path, struct conf_document *ret)
{
    struct conf_pos at = { .file = conf_report_file(report, path) };
    struct conf_read_scan scan = { .report = report, .file = at.file };
    unsigned char *bytes;
    bool good = false;

    *ret = (struct conf_document){ .file = at.file };
    if (at.file < 0)
        return false;
    bytes = conf_read_file(report, at.file, &scan.size);
    if (!bytes)
        return false;
    scan.bytes = bytes;
    if (!conf_read_utf8(bytes, scan.size, scan.size, &at))
        conf_report_add(report, at, NULL, "not UTF-8 text without control characters");
    else
        good = conf_read_form(&scan) && conf_read_document(report, bytes, scan.size, ret);
    free(bytes);
    return good;
}

void conf_read_done(struct conf_document *document)
{
    if (document->loaded)
        yaml_document_delete(&document->yaml);
    document->loaded = false;
    document->root = NULL;
}

yaml_node_t *conf_read_node(struct conf_document *document, int index)
{
    yaml_node_t *node = yaml_document_get_node(&document->yaml, index);

    CHECK(node);
    return node;
}

struct conf_pos conf_read_pos(const struct conf_document *document, const yaml_node_t *node)
{
    return conf_read_mark(document->file, &node->start_mark);
}

/* ---- scalars ---- */

static bool conf_read_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* Digits from *at on; how many. */
static int32_t conf_read_digits(const char **at)
{
    int32_t count = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++)
        count++;
    return count;
}

/* Decimal, without what strtod() takes beside: spaces, inf, nan, hexadecimal
 * fractions; and without a leading zero, which YAML 1.1 reads as octal. */
static bool conf_read_decimal(const char *text)
{
    const char *at = text + (*text == '-' || *text == '+');
    bool zero = *at == '0';
    int32_t whole = conf_read_digits(&at);

    if (whole == 0 || (zero && whole > 1))
        return false;
    if (*at == '.') {
        at++;
        if (conf_read_digits(&at) == 0)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '-' || *at == '+';
        if (conf_read_digits(&at) == 0)
            return false;
    }
    return *at == '\0';
}

static bool conf_read_hex(const char *text, double *ret)
{
    if (text[0] != '0' || text[1] != 'x' || text[2] == '\0' || strlen(text) > 18)
        return false;
    if (strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
        return false;
    *ret = (double)strtoull(text + 2, NULL, 16);
    return true;
}

bool conf_read_number(const yaml_node_t *node, double *ret)
{
    const char *text = conf_read_plain(node) ? conf_read_text(node) : NULL;
    double value;

    if (!text)
        return false;
    if (conf_read_hex(text, ret))
        return true;
    if (!conf_read_decimal(text))
        return false;
    value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *ret = value;
    return true;
}

bool conf_read_bool(const yaml_node_t *node, bool *ret)
{
    const char *text = conf_read_plain(node) ? conf_read_text(node) : NULL;

    if (!text || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
        return false;
    *ret = text[0] == 't';
    return true;
}

const char *conf_read_text(const yaml_node_t *node)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE)
        return NULL;
    text = (const char *)node->data.scalar.value;
    for (size_t i = 0; i < node->data.scalar.length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            return NULL;
    return text;
}

bool conf_read_empty(const yaml_node_t *node)
{
    const char *text = conf_read_plain(node) ? conf_read_text(node) : NULL;

    return text && (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}
