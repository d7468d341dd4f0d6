/* SPDX-License-Identifier: Apache-2.0 */
/* serve_modbus_parts.h: what the files of the Modbus server share. Private to
 * serve_modbus*.c, and to their tests for the pure calls.
 */
#ifndef BUSBAR_SIM_SERVE_MODBUS_PARTS_H
#define BUSBAR_SIM_SERVE_MODBUS_PARTS_H

#include <stddef.h>

#include "serve_modbus.h"
#include "serve_registers.h"
#include "serve_wire.h"

#define SERVE_MODBUS_FRAME_MAX   256 /* of the serial line standard              */
#define SERVE_MODBUS_PDU_MAX     253
#define SERVE_MODBUS_UNITS_MAX   14 /* six supplies, six batteries, two PMMs    */
#define SERVE_MODBUS_PATH_MAX    256
#define SERVE_MODBUS_PENDING_MAX 4
#define SERVE_MODBUS_CHAR_BITS   11.0
#define SERVE_MODBUS_CHUNK       16 /* characters handed over at once           */

/* Exceptions of a gateway, beside those of serve_registers.h. */
#define SERVE_MODBUS_GATEWAY_SILENT 0x0B
#define SERVE_MODBUS_GATEWAY_FULL   0x06

struct serve_modbus_gateway;

/* A request that a unit is working on: it acts when its answer is due. */
struct serve_modbus_pending {
    struct serve_registers_unit *unit;
    int64_t due_us; /* the answer's first bit                   */
    uint8_t request[SERVE_MODBUS_FRAME_MAX];
    size_t request_size;
};

struct serve_modbus_line {
    struct serve_modbus *modbus;
    int32_t shelf;
    struct serve_registers_unit units[SERVE_MODBUS_UNITS_MAX];
    int32_t unit_count;
    int master_fd, slave_fd; /* both ends: with no client it stays open  */
    char path[SERVE_MODBUS_PATH_MAX];
    bool linked;
    struct serve_wire_watch *watch;
    struct serve_wire_timer *receive_timer, *send_timer;
    /* receiving */
    uint8_t received[SERVE_MODBUS_FRAME_MAX];
    size_t received_size;
    bool discarding;           /* until the line is quiet                  */
    int64_t first_us, last_us; /* of the frame being received              */
    /* units at work, then one of them sending */
    struct serve_modbus_pending pending[SERVE_MODBUS_PENDING_MAX];
    int32_t pending_count;
    uint8_t answer[SERVE_MODBUS_FRAME_MAX + 2];
    size_t answer_size, answer_sent; /* equal: nothing is being sent             */
    int64_t answer_us;               /* its first bit                            */
    int64_t free_us;                 /* when the last answer's last bit is through */
    struct serve_modbus_counts counts;
};

struct serve_modbus {
    struct serve_modbus_options opt;
    char run_dir[SERVE_MODBUS_PATH_MAX];
    struct rng rng;
    struct serve_wire_timer *refresh_timer;
    int64_t refresh_us; /* the next one                             */
    struct serve_modbus_gateway *gateway;
    int32_t line_count;
    struct serve_modbus_line lines[PLANT_SHELVES_MAX];
};

/* ---- serve_modbus_pdu.c: pure ---- */

uint16_t serve_modbus_crc(const uint8_t *bytes, size_t size);

/* Bytes of the RTU frame that begins so: 0: too early to say; -1: only silence
 * tells (a function this server does not know). */
int32_t serve_modbus_frame_size(const uint8_t *bytes, size_t size);

/* Does what a PDU asks for; `answer` has room for SERVE_MODBUS_PDU_MAX bytes.
 * `ignore_writes`: accept them and keep the old values. Returns the answer's size. */
size_t serve_modbus_execute(struct serve_registers_unit *unit, int64_t now_us, const uint8_t *pdu,
                            size_t size, bool ignore_writes, uint8_t *answer);
size_t serve_modbus_exception(uint8_t function, uint8_t code, uint8_t *answer);

/* ---- serve_modbus_unit.c: what breaks ---- */

/* The fault of a unit, or of its whole line. Counts one question of each. */
struct fault *serve_modbus_fault(const struct serve_modbus_line *line,
                                 const struct serve_registers_unit *unit, enum fault_kind kind);
bool serve_modbus_stuck(const struct serve_modbus_line *line, const struct serve_registers_unit *unit);
struct serve_registers_unit *serve_modbus_unit(struct serve_modbus_line *line, uint8_t address);
void serve_modbus_units(struct serve_modbus_line *line, int64_t now_us);

/* How long a unit works on a request before its answer begins. */
int64_t serve_modbus_turnaround_us(struct serve_modbus_line *line, const struct serve_registers_unit *unit);

/* Executes with the faults of the moment. 0: the unit stays silent. *ret_corrupt:
 * its answer will not survive the line. */
size_t serve_modbus_answer(struct serve_modbus_line *line, struct serve_registers_unit *unit, int64_t now_us,
                           const uint8_t *pdu, size_t size, uint8_t *answer, bool *ret_corrupt);

int64_t serve_modbus_wire_us(const struct serve_modbus *modbus, size_t characters);

/* ---- serve_modbus_line.c, serve_modbus_tcp.c ---- */

NODISCARD enum status serve_modbus_line_open(struct serve_modbus_line *line);
void serve_modbus_line_close(struct serve_modbus_line *line);

NODISCARD enum status serve_modbus_gateway_new(struct serve_modbus *modbus,
                                               struct serve_modbus_gateway **ret);
struct serve_modbus_gateway *serve_modbus_gateway_free(struct serve_modbus_gateway *gateway);
int serve_modbus_gateway_port(const struct serve_modbus_gateway *gateway);

#endif
