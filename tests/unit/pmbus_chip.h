/* SPDX-License-Identifier: Apache-2.0 */
/* pmbus_chip.h: some PMBus chips behind the frames of docs/protocols.md, in a thread.
 *
 * With pages, process calls, long blocks, group writes, an alert line and another master.
 * Their packet error code is a table made by long division, so that ours is checked by
 * another's. Everything that went over the wire is kept in order. For tests alone.
 */
#ifndef BUSBAR_TEST_PMBUS_CHIP_H
#define BUSBAR_TEST_PMBUS_CHIP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "busbar/conf.h"

#define CHIPS        3
#define CHIP_ADDRESS 0x58 /* of the first                                    */
#define CHIP_PAGES   3
#define CHIP_LOG     256
#define CHIP_BYTES   200

struct chip_command {
    bool there, block;
    uint8_t size;
    uint8_t bytes[CHIP_BYTES];
};

struct chip {
    bool present, alert, deaf_to_codes; /* the last: answers as if it had no codes */
    uint8_t page;
    uint8_t refuse_write; /* of this command; 0: none                            */
    bool has_coefficients[256];
    uint8_t coefficients[256][5];
    struct chip_command commands[CHIP_PAGES][256];
    uint8_t held[40]; /* written in a group, until the stop                  */
    int held_count;
};

struct chip_entry {
    uint8_t address, result, write_count, read_count;
    uint8_t bytes[44];
    bool goes_on;
};

static struct {
    pthread_mutex_t lock;
    pthread_t thread;
    int listen_fd;
    char folder[64], path[108];
    uint8_t table[256];
    struct chip units[CHIPS];
    int lost;                           /* the next so many lose the arbitration                 */
    int refuse_page_after, refuse_page; /* so many writes of PAGE from then on are not acknowledged */
    int count;
    struct chip_entry log[CHIP_LOG];
    struct conf_bus bus;
    atomic_bool stop;
} chips;

static uint8_t chip_crc(uint8_t crc, const uint8_t *bytes, size_t count)
{
    while (count-- > 0)
        crc = chips.table[crc ^ *bytes++];
    return crc;
}

static bool chip_get(int fd, uint8_t *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t n = recv(fd, bytes + done, count - done, 0);

        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static struct chip *chip_of(uint8_t address)
{
    if (address < CHIP_ADDRESS || address >= CHIP_ADDRESS + CHIPS ||
        !chips.units[address - CHIP_ADDRESS].present)
        return NULL;
    return &chips.units[address - CHIP_ADDRESS];
}

static const struct chip_command *chip_command(const struct chip *unit, uint8_t page, uint8_t command)
{
    const struct chip_command *c = &unit->commands[page < CHIP_PAGES ? page : 0][command];

    return c->there ? c : &unit->commands[0][command];
}

/* Data as it leaves the chip, its count included; 0: it refuses. */
static size_t chip_data(struct chip *unit, const uint8_t *bytes, size_t count, uint8_t *data)
{
    const struct chip_command *c = chip_command(unit, unit->page, bytes[0]);
    size_t size = 0;

    if (bytes[0] == 0x00) {
        data[0] = unit->page;
        return 1;
    }
    if (bytes[0] == 0x30 && count == 4 && bytes[1] == 2 && unit->has_coefficients[bytes[2]]) {
        data[0] = 5;
        memcpy(data + 1, unit->coefficients[bytes[2]], 5);
        return 6;
    }
    if (bytes[0] == 0x06 && count == 4 && bytes[1] == 2) {
        c = chip_command(unit, bytes[2], bytes[3]);
        data[size++] = c->size;
    } else if (count != 1) {
        return 0;
    }
    if (!c->there)
        return 0;
    if (c->block)
        data[size++] = c->size;
    memcpy(data + size, c->bytes, c->size);
    return size + c->size;
}

static size_t chip_read(struct chip *unit, const uint8_t *request, uint8_t *answer, uint8_t *result)
{
    uint8_t to = (uint8_t)(request[1] << 1), from = (uint8_t)(to | 1), data[256];
    bool pec = request[2] & 1;
    size_t count = chip_data(unit, request + 5, request[3], data), wanted = request[4];

    if (count == 0) {
        *result = 1;
        return 0;
    }
    if (wanted == 0xFF)
        wanted = count;
    memset(answer, 0xFF, 255);
    memcpy(answer, data, count);
    if (!unit->deaf_to_codes)
        answer[count] =
            chip_crc(chip_crc(chip_crc(chip_crc(0, &to, 1), request + 5, request[3]), &from, 1), data, count);
    return wanted + pec;
}

static void chip_write(struct chip *unit, const uint8_t *bytes, int count)
{
    uint8_t page = unit->page < CHIP_PAGES ? unit->page : 0, command = bytes[0];
    struct chip_command *c = &unit->commands[page][command];

    if (command == 0x00) {
        unit->page = bytes[1];
        return;
    }
    if (command == 0x05) { /* count, page, command, data */
        c = &unit->commands[bytes[2] < CHIP_PAGES ? bytes[2] : 0][bytes[3]];
        memcpy(c->bytes, bytes + 4, (size_t)bytes[1] - 2);
        return;
    }
    if (!c->there)
        c = &unit->commands[0][command];
    memcpy(c->bytes, bytes + 1, (size_t)count - 1);
}

/* The write, its code checked and taken off; kept until the stop. */
static uint8_t chip_take(struct chip *unit, const uint8_t *request)
{
    uint8_t to = (uint8_t)(request[1] << 1);
    size_t count = request[3];

    if (request[5] == 0x00 && chips.refuse_page > 0 && chips.refuse_page_after-- <= 0) {
        chips.refuse_page--;
        return 1;
    }
    if (unit->refuse_write != 0 && request[5] == unit->refuse_write)
        return 1;
    if (request[5] != 0x00 && request[5] != 0x05 && !chip_command(unit, unit->page, request[5])->there)
        return 1;
    if (request[2] & 1 && chip_crc(chip_crc(0, &to, 1), request + 5, count - 1) != request[5 + count - 1])
        return 1;
    unit->held_count = (int)count - (request[2] & 1);
    memcpy(unit->held, request + 5, (size_t)unit->held_count);
    return 0;
}

static void chip_stop(void)
{
    for (int i = 0; i < CHIPS; i++) {
        if (chips.units[i].held_count > 0)
            chip_write(&chips.units[i], chips.units[i].held, chips.units[i].held_count);
        chips.units[i].held_count = 0;
    }
}

static size_t chip_alert(uint8_t *answer, uint8_t *result)
{
    for (int i = 0; i < CHIPS; i++) {
        if (!chips.units[i].present || !chips.units[i].alert)
            continue;
        chips.units[i].alert = false;
        answer[0] = (uint8_t)((CHIP_ADDRESS + i) << 1);
        return 1;
    }
    *result = 1;
    return 0;
}

static bool chip_serve(int fd)
{
    uint8_t request[256] = { 0 }, answer[512];
    struct chip_entry *e;
    struct chip *unit;
    size_t count = 0;

    if (!chip_get(fd, request, 1) || !chip_get(fd, request + 1, request[0]))
        return false;
    pthread_mutex_lock(&chips.lock);
    unit = chip_of(request[1]);
    answer[1] = 0;
    if (chips.lost > 0) {
        chips.lost--;
        answer[1] = 4;
    } else if (request[1] == 0x0C && request[3] == 0) {
        count = chip_alert(answer + 2, &answer[1]);
    } else if (!unit) {
        answer[1] = 1;
    } else if (request[4] > 0) {
        count = chip_read(unit, request, answer + 2, &answer[1]);
    } else if (request[3] > 0) {
        answer[1] = chip_take(unit, request);
    }
    if (!(request[2] & 2) || answer[1] != 0)
        chip_stop();
    e = &chips.log[chips.count < CHIP_LOG - 1 ? chips.count++ : CHIP_LOG - 1];
    *e = (struct chip_entry){ .address = request[1],
                              .result = answer[1],
                              .write_count = request[3],
                              .read_count = request[4],
                              .goes_on = (request[2] & 2) != 0 };
    memcpy(e->bytes, request + 5, request[3] < sizeof e->bytes ? request[3] : sizeof e->bytes);
    pthread_mutex_unlock(&chips.lock);
    answer[0] = (uint8_t)(1 + count);
    return send(fd, answer, 2 + count, MSG_NOSIGNAL) == (ssize_t)(2 + count);
}

static void *chip_run(void *arg)
{
    (void)arg;
    while (!atomic_load(&chips.stop)) {
        int fd = accept(chips.listen_fd, NULL, NULL);

        while (fd >= 0 && chip_serve(fd))
            continue;
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

/* ---- for the tests, between transactions ---- */

static void chip_set(int unit, int page, uint8_t command, bool block, const void *bytes, uint8_t size)
{
    struct chip_command *c = &chips.units[unit].commands[page][command];

    pthread_mutex_lock(&chips.lock);
    *c = (struct chip_command){ .there = true, .block = block, .size = size };
    memcpy(c->bytes, bytes, size);
    pthread_mutex_unlock(&chips.lock);
}

static void chip_set_word(int unit, int page, uint8_t command, uint16_t word)
{
    uint8_t bytes[] = { (uint8_t)word, (uint8_t)(word >> 8) };

    chip_set(unit, page, command, false, bytes, 2);
}

static uint16_t chip_word(int unit, int page, uint8_t command)
{
    const uint8_t *bytes = chips.units[unit].commands[page][command].bytes;
    uint16_t word;

    pthread_mutex_lock(&chips.lock);
    word = (uint16_t)(bytes[0] | bytes[1] << 8);
    pthread_mutex_unlock(&chips.lock);
    return word;
}

static void chip_forget(void)
{
    pthread_mutex_lock(&chips.lock);
    chips.count = 0;
    pthread_mutex_unlock(&chips.lock);
}

/* Transactions of one kind since the last chip_forget(). */
static int chip_count(uint8_t address, uint8_t command, bool write)
{
    int count = 0;

    pthread_mutex_lock(&chips.lock);
    for (int i = 0; i < chips.count; i++)
        count += chips.log[i].address == address && chips.log[i].write_count > 0 &&
                 chips.log[i].bytes[0] == command && (chips.log[i].read_count == 0) == write;
    pthread_mutex_unlock(&chips.lock);
    return count;
}

static int chip_make(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    (void)state;
    memset(&chips, 0, sizeof chips);
    (void)strcpy(chips.folder, "/tmp/busbar-chips-XXXXXX");
    if (!mkdtemp(chips.folder) || pthread_mutex_init(&chips.lock, NULL) != 0)
        return -1;
    for (unsigned i = 0; i < 256; i++) {
        unsigned rest = i << 8; /* i * x^8 divided by x^8 + x^2 + x + 1 */

        for (unsigned bit = 15; bit >= 8; bit--)
            if (rest & (1u << bit))
                rest ^= 0x107u << (bit - 8);
        chips.table[i] = (uint8_t)rest;
    }
    (void)snprintf(chips.path, sizeof chips.path, "%s/smbus", chips.folder);
    memcpy(at.sun_path, chips.path, strlen(chips.path) + 1);
    chips.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (chips.listen_fd < 0 || bind(chips.listen_fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(chips.listen_fd, 4) != 0)
        return -1;
    for (int i = 0; i < CHIPS; i++)
        chips.units[i].present = true;
    (void)strcpy(chips.bus.name, "smbus-1");
    memcpy(chips.bus.path, chips.path, strlen(chips.path) + 1);
    chips.bus.kind = CONF_BUS_SMBUS_SOCKET;
    chips.bus.timeout_us = 5000000;
    chips.bus.fast_us = 10000;
    chips.bus.slow_us = 50000;
    return pthread_create(&chips.thread, NULL, chip_run, NULL);
}

/* Whoever held a connection has closed it by now. */
static int chip_end(void **state)
{
    char command[96];

    (void)state;
    atomic_store(&chips.stop, true);
    (void)shutdown(chips.listen_fd, SHUT_RDWR);
    (void)pthread_join(chips.thread, NULL);
    close(chips.listen_fd);
    pthread_mutex_destroy(&chips.lock);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", chips.folder);
    return system(command);
}

#endif
