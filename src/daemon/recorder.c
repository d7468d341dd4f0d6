/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c: a byte ring of records, and a file made from its newest part.
 *
 * Main thread alone; the tick thread's side is tap.c. Never writes a file
 * itself. What leaves the ring is forgotten, but for the last configuration and
 * plan before it: every saved file begins with those.
 */
#include "recorder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "busbar/clock.h"
#include "busbar/log.h"
#include "busbar/record.h"

#define RECORDER_TEXT_MAX ((size_t)1 << 20)   /* of the configuration file            */

struct recorder_head {            /* of a record in the ring                          */
    uint32_t type, size;
};

struct recorder_kept {
    unsigned char *data;
    size_t size, room;
};

struct recorder {
    unsigned char *ring;
    size_t size, tail, used;
    int64_t newest_us;            /* of the newest tick                               */
    struct conf_head {
        char rack[CONF_NAME_MAX], file[CONF_PATH_MAX];
        int64_t period_us;
    } about;
    struct recorder_kept kept[RECORD_TYPE_COUNT];
    unsigned char *scratch;
    size_t scratch_room;
};

enum status recorder_new(size_t ring_bytes, struct recorder **ret)
{
    struct recorder *recorder = calloc(1, sizeof *recorder);

    if (!recorder)
        return ST_NOMEM;
    recorder->size = ring_bytes;
    recorder->ring = malloc(ring_bytes);
    if (!recorder->ring) {
        recorder_free(recorder);
        return ST_NOMEM;
    }
    *ret = recorder;
    return ST_OK;
}

struct recorder *recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return NULL;
    for (size_t i = 0; i < RECORD_TYPE_COUNT; i++)
        free(recorder->kept[i].data);
    free(recorder->scratch);
    free(recorder->ring);
    free(recorder);
    return NULL;
}

/* ---- the ring: positions are offsets from its oldest record ---- */

static void recorder_in(struct recorder *recorder, size_t at, const void *from, size_t size)
{
    size_t start = (recorder->tail + at) % recorder->size;
    size_t first = recorder->size - start < size ? recorder->size - start : size;

    if (size == 0)
        return;
    memcpy(recorder->ring + start, from, first);
    memcpy(recorder->ring, (const unsigned char *)from + first, size - first);
}

static void recorder_out(const struct recorder *recorder, size_t at, void *to, size_t size)
{
    size_t start = (recorder->tail + at) % recorder->size;
    size_t first = recorder->size - start < size ? recorder->size - start : size;

    if (size == 0)
        return;
    memcpy(to, recorder->ring + start, first);
    memcpy((unsigned char *)to + first, recorder->ring, size - first);
}

static bool recorder_is_kept(uint32_t type)
{
    return type == RECORD_TEXT || type == RECORD_NAMES || type == RECORD_CONFIG || type == RECORD_PLAN;
}

static bool recorder_grow(unsigned char **data, size_t *room, size_t size)
{
    unsigned char *more;

    if (size <= *room)
        return true;
    more = realloc(*data, size);
    if (!more)
        return false;
    *data = more;
    *room = size;
    return true;
}

/* The oldest record goes; what later ones need of it is kept aside. */
static void recorder_evict(struct recorder *recorder)
{
    struct recorder_head head;
    struct recorder_kept *kept;

    recorder_out(recorder, 0, &head, sizeof head);
    kept = &recorder->kept[head.type];
    if (recorder_is_kept(head.type)) {
        /* Without memory the file lacks it, and replay says so. */
        kept->size = recorder_grow(&kept->data, &kept->room, head.size) ? head.size : 0;
        recorder_out(recorder, sizeof head, kept->data, kept->size);
    }
    recorder->tail = (recorder->tail + sizeof head + head.size) % recorder->size;
    recorder->used -= sizeof head + head.size;
}

static void recorder_append(struct recorder *recorder, enum record_type type, const void *payload,
                            size_t size)
{
    struct recorder_head head = { .type = (uint32_t)type, .size = (uint32_t)size };

    if (size > recorder->size - sizeof head)
        return; /* recorder_config() has said that the ring is too small */
    while (recorder->size - recorder->used < sizeof head + size)
        recorder_evict(recorder);
    recorder_in(recorder, recorder->used, &head, sizeof head);
    recorder_in(recorder, recorder->used + sizeof head, payload, size);
    recorder->used += sizeof head + size;
}

/* ---- what a configuration and a plan look like in a record ---- */

static bool recorder_writer(struct recorder *recorder, size_t room, struct bytes_writer *ret)
{
    if (!recorder_grow(&recorder->scratch, &recorder->scratch_room, room))
        return false;
    *ret = (struct bytes_writer){ .at = recorder->scratch, .room = room };
    return true;
}

static void recorder_put_config(struct recorder *recorder, const struct core_config *config)
{
    struct bytes_writer writer;
    size_t room = bytes_struct_size(BYTES_TABLE(record_config_fields)) +
                  (size_t)config->node_count * bytes_struct_size(BYTES_TABLE(record_node_fields)) +
                  (size_t)config->point_count * bytes_struct_size(BYTES_TABLE(record_point_fields)) +
                  (size_t)config->lever_count * bytes_struct_size(BYTES_TABLE(record_lever_fields)) +
                  (size_t)config->source_count * bytes_struct_size(BYTES_TABLE(record_source_fields));

    if (!recorder_writer(recorder, room, &writer))
        return;
    bytes_put_struct(&writer, BYTES_TABLE(record_config_fields), config);
    for (int32_t i = 0; i < config->node_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_node_fields), &config->nodes[i]);
    for (int32_t i = 0; i < config->point_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_point_fields), &config->points[i]);
    for (int32_t i = 0; i < config->lever_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_lever_fields), &config->levers[i]);
    for (int32_t i = 0; i < config->source_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_source_fields), &config->sources[i]);
    recorder_append(recorder, RECORD_CONFIG, writer.at, writer.size);
}

static void recorder_put_names(struct recorder *recorder, const struct names *names)
{
    const struct operator_names *op = &names->operator;
    struct bytes_writer writer;
    size_t count = (size_t)(op->node_count + names->point_count + op->lever_count + op->device_count);

    if (!recorder_writer(recorder, 16 + count * (4 + RECORD_TEXT_MAX), &writer))
        return;
    bytes_put_u32(&writer, (uint32_t)op->node_count);
    bytes_put_u32(&writer, (uint32_t)names->point_count);
    bytes_put_u32(&writer, (uint32_t)op->lever_count);
    bytes_put_u32(&writer, (uint32_t)op->device_count);
    for (int32_t i = 0; i < op->node_count; i++)
        bytes_put_text(&writer, names_node(names, i));
    for (int32_t i = 0; i < names->point_count; i++)
        bytes_put_text(&writer, names->points[i]);
    for (int32_t i = 0; i < op->lever_count; i++)
        bytes_put_text(&writer, names_lever(names, i));
    for (int32_t i = 0; i < op->device_count; i++)
        bytes_put_text(&writer, names_device(names, i));
    recorder_append(recorder, RECORD_NAMES, writer.at, writer.size);
}

static void recorder_put_text(struct recorder *recorder, const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct bytes_writer writer;
    ssize_t got = 0;

    if (fd >= 0 && recorder_writer(recorder, RECORDER_TEXT_MAX, &writer)) {
        while (writer.size < writer.room &&
               (got = read(fd, writer.at + writer.size, writer.room - writer.size)) > 0)
            writer.size += (size_t)got;
        recorder_append(recorder, RECORD_TEXT, writer.at, writer.size);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* The accessors of core.h take a plan that may be written; these do not. */
static const void *recorder_at(const struct core_plan *plan, size_t offset)
{
    return (const unsigned char *)plan + offset;
}

static void recorder_put_plan(struct recorder *recorder, const struct core_plan *plan)
{
    const struct core_plan_node *nodes = recorder_at(plan, plan->nodes_at);
    const struct core_plan_lever *levers = recorder_at(plan, plan->levers_at);
    const struct core_plan_group *groups = recorder_at(plan, plan->groups_at);
    const int32_t *members = recorder_at(plan, plan->members_at);
    struct bytes_writer writer;
    size_t room = bytes_struct_size(BYTES_TABLE(record_plan_fields)) +
                  (size_t)plan->node_count * bytes_struct_size(BYTES_TABLE(record_plan_node_fields)) +
                  (size_t)plan->lever_count * bytes_struct_size(BYTES_TABLE(record_plan_lever_fields)) +
                  (size_t)plan->group_count * bytes_struct_size(BYTES_TABLE(record_plan_group_fields)) +
                  (size_t)plan->member_count * 4;

    if (!recorder_writer(recorder, room, &writer))
        return;
    bytes_put_struct(&writer, BYTES_TABLE(record_plan_fields), plan);
    for (int32_t i = 0; i < plan->node_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_plan_node_fields), &nodes[i]);
    for (int32_t i = 0; i < plan->lever_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_plan_lever_fields), &levers[i]);
    for (int32_t i = 0; i < plan->group_count; i++)
        bytes_put_struct(&writer, BYTES_TABLE(record_plan_group_fields), &groups[i]);
    for (int32_t i = 0; i < plan->member_count; i++)
        bytes_put_u32(&writer, (uint32_t)members[i]);
    recorder_append(recorder, RECORD_PLAN, writer.at, writer.size);
}

void recorder_config(struct recorder *recorder, const struct conf *conf, const struct names *names)
{
    size_t core_bytes = core_size(&conf->core);

    memcpy(recorder->about.rack, conf->rack_name, sizeof recorder->about.rack);
    memcpy(recorder->about.file, conf->file, sizeof recorder->about.file);
    recorder->about.period_us = conf->period_us;
    recorder_put_text(recorder, conf->file);
    recorder_put_names(recorder, names);
    recorder_put_config(recorder, &conf->core);
    if (core_bytes >= recorder->size / 2)
        LOG(WARNING, "recorder", "record.ring_mib is too small: one copy of the core alone takes %zu bytes",
            core_bytes);
}

void recorder_drain(struct recorder *recorder, struct tap *tap)
{
    const void *payload;
    size_t size;

    for (;;) {
        enum record_type type = tap_get(tap, &payload, &size);

        if (type == RECORD_NONE)
            return;
        if (type == RECORD_TICK) {
            struct bytes_reader reader = { .at = payload, .left = size };

            recorder->newest_us = (int64_t)bytes_get_u64(&reader);
        }
        if (type == RECORD_PLAN)
            recorder_put_plan(recorder, payload);
        else
            recorder_append(recorder, type, payload, size);
    }
}

/* ---- saving ---- */

struct recorder_file {
    unsigned char *data;
    size_t size;
    uint64_t records;
};

/* Room for a payload of `size` bytes; its head is written when it is closed. */
static unsigned char *recorder_open(struct recorder_file *file)
{
    return file->data + file->size + RECORD_HEAD_SIZE;
}

static void recorder_close(struct recorder_file *file, uint32_t type, size_t size)
{
    struct bytes_writer writer = { .at = file->data + file->size, .room = RECORD_HEAD_SIZE };

    bytes_put_u32(&writer, type);
    bytes_put_u32(&writer, (uint32_t)size);
    bytes_put_u32(&writer, (uint32_t)crc32(0, recorder_open(file), (uInt)size));
    file->size += RECORD_HEAD_SIZE + size;
    file->records++;
}

static void recorder_write_head(const struct recorder *recorder, struct recorder_file *file)
{
    struct bytes_writer writer = { .at = file->data, .room = RECORD_FILE_HEAD_SIZE };

    bytes_put(&writer, RECORD_MAGIC, RECORD_MAGIC_SIZE);
    bytes_put_u32(&writer, RECORD_VERSION);
    bytes_put_u32(&writer, 0);
    file->size = writer.size;
    writer = (struct bytes_writer){ .at = recorder_open(file), .room = 4096 };
    bytes_put_text(&writer, RECORD_BUILD);
    bytes_put_text(&writer, BUSBAR_COMMIT);
    bytes_put_text(&writer, recorder->about.rack);
    bytes_put_text(&writer, recorder->about.file);
    bytes_put_u64(&writer, (uint64_t)clock_wall_us());
    bytes_put_u64(&writer, (uint64_t)recorder->about.period_us);
    recorder_close(file, RECORD_HEAD, writer.size);
}

static void recorder_copy(const struct recorder *recorder, size_t at, struct recorder_file *file)
{
    struct recorder_head head;

    recorder_out(recorder, at, &head, sizeof head);
    recorder_out(recorder, at + sizeof head, recorder_open(file), head.size);
    recorder_close(file, head.type, head.size);
}

struct recorder_window {
    size_t start;                         /* the first CORE that is wanted            */
    size_t latest[RECORD_TYPE_COUNT];     /* kept types: the last one before it       */
    size_t records;
};

/* The last copy of the core at or before `from_us`, else the first there is. */
static bool recorder_find(const struct recorder *recorder, int64_t from_us, struct recorder_window *ret)
{
    size_t latest[RECORD_TYPE_COUNT];
    struct recorder_head head;
    bool found = false;

    memset(latest, 0xff, sizeof latest);
    *ret = (struct recorder_window){ .start = 0 };
    for (size_t at = 0; at < recorder->used; at += sizeof head + head.size) {
        unsigned char raw[RECORD_CORE_HEAD_SIZE];
        struct bytes_reader reader = { .at = raw, .left = sizeof raw };

        recorder_out(recorder, at, &head, sizeof head);
        ret->records++;
        if (recorder_is_kept(head.type))
            latest[head.type] = at;
        if (head.type != RECORD_CORE)
            continue;
        recorder_out(recorder, at + sizeof head, raw, sizeof raw);
        if (found && (int64_t)bytes_get_u64(&reader) > from_us)
            continue;
        found = true;
        ret->start = at;
        memcpy(ret->latest, latest, sizeof latest);
    }
    return found;
}

enum status recorder_save(const struct recorder *recorder, int64_t last_us, void **ret, size_t *ret_size)
{
    static const enum record_type first[] = { RECORD_TEXT, RECORD_NAMES, RECORD_CONFIG, RECORD_PLAN };
    int64_t from_us = last_us > 0 ? recorder->newest_us - last_us : INT64_MIN;
    struct recorder_file file = { .size = 0 };
    struct recorder_window window;
    struct recorder_head head;
    struct bytes_writer writer;
    size_t room = 8192 + recorder->used;

    if (!recorder_find(recorder, from_us, &window))
        return ST_NONE;
    room += window.records * RECORD_HEAD_SIZE;
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        room += RECORD_HEAD_SIZE + recorder->kept[first[i]].size;
    file.data = malloc(room);
    if (!file.data)
        return ST_NOMEM;
    recorder_write_head(recorder, &file);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        const struct recorder_kept *kept = &recorder->kept[first[i]];

        if (window.latest[first[i]] != SIZE_MAX) {
            recorder_copy(recorder, window.latest[first[i]], &file);
        } else if (kept->size > 0) {
            memcpy(recorder_open(&file), kept->data, kept->size);
            recorder_close(&file, (uint32_t)first[i], kept->size);
        }
    }
    for (size_t at = window.start; at < recorder->used; at += sizeof head + head.size) {
        recorder_out(recorder, at, &head, sizeof head);
        recorder_copy(recorder, at, &file);
    }
    writer = (struct bytes_writer){ .at = recorder_open(&file), .room = 8 };
    bytes_put_u64(&writer, file.records);
    recorder_close(&file, RECORD_END, writer.size);
    *ret = file.data;
    *ret_size = file.size;
    return ST_OK;
}
