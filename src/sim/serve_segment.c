/* SPDX-License-Identifier: Apache-2.0 */
/* serve_segment.c: owns the devices of one simulated SMBus segment and what a transaction
 * does to them. Pure; runs on the caller's thread.
 *
 * A transaction takes nine bits a byte and one for each start and stop.
 */
#include "serve_segment.h"

#include <string.h>

#include "serve_pmbus_status.h"

#define SEGMENT_ALERT     0x0C /* who pulls SMBALERT# answers there */
#define SEGMENT_BLOCK_MAX 32

static struct serve_pmbus *serve_segment_device(struct serve_segment *segment, uint8_t address)
{
    for (int32_t i = 0; i < segment->device_count; i++) {
        if (segment->devices[i].address == address && segment->plant->psus[segment->devices[i].psu].present)
            return &segment->devices[i];
    }
    return NULL;
}

static struct fault *serve_segment_fault(const struct serve_segment *segment,
                                         const struct serve_pmbus *device, enum fault_kind kind)
{
    struct fault *of_bus, *of_device;

    if (!segment->faults)
        return NULL;
    of_bus = faults_hit(segment->faults, FAULT_SMBUS, segment->shelf, kind);
    of_device = faults_hit(segment->faults, FAULT_PSU_SMBUS, device->psu, kind);
    return of_device ? of_device : of_bus;
}

static int64_t serve_segment_wire_us(const struct serve_segment *segment, size_t bytes, size_t conditions)
{
    return (int64_t)((double)(bytes * 9 + conditions) * 1e6 / segment->hz);
}

/* ---- one transaction ---- */

/* The bytes the master clocks out of the device: its data, its PEC, and then
 * nothing but the pulled-up line. Returns how many the master takes. */
static size_t serve_segment_clock_out(const struct serve_segment_request *request, const uint8_t *data,
                                      size_t size, uint8_t pec, uint8_t *out, enum serve_smbus_result *ret)
{
    size_t wanted = request->read_count;

    memset(out, 0xFF, SERVE_SEGMENT_FRAME_MAX);
    memcpy(out, data, size);
    out[size] = pec;
    *ret = SERVE_SMBUS_OK;
    if (wanted == SERVE_SEGMENT_READ_BLOCK) {
        wanted = (size_t)out[0] + 1;
        if (out[0] > SEGMENT_BLOCK_MAX) {
            *ret = SERVE_SMBUS_BUS;
            return 0;
        }
    }
    return wanted + (request->pec ? 1 : 0);
}

/* What the device has to say; more than a command before the repeated start is a process
 * call. `device` NULL: the hot-swap controller. */
static bool serve_segment_data(struct serve_segment *segment, struct serve_pmbus *device,
                               const struct serve_segment_request *request, uint8_t *data, size_t *ret_size)
{
    bool process = request->write_count > 1;

    if (!device)
        return process ? serve_hotswap_process(&segment->hotswap, request->bytes, request->write_count, data,
                                               ret_size)
                       : serve_hotswap_read(&segment->hotswap, request->bytes[0], data, ret_size);
    return process ? serve_pmbus_process(device, request->bytes, request->write_count, data, ret_size)
                   : serve_pmbus_read(device, request->bytes[0], data, ret_size);
}

static size_t serve_segment_read(struct serve_segment *segment, struct serve_pmbus *device,
                                 const struct serve_segment_request *request, uint8_t *out,
                                 enum serve_smbus_result *ret)
{
    uint8_t to = (uint8_t)(request->address << 1), from = (uint8_t)(to | 1);
    uint8_t data[SERVE_PMBUS_DATA_MAX];
    uint8_t pec;
    size_t size;

    *ret = SERVE_SMBUS_NAK;
    if (!serve_segment_data(segment, device, request, data, &size))
        return 0;
    pec = serve_pmbus_pec(0, &to, 1);
    pec = serve_pmbus_pec(pec, request->bytes, request->write_count);
    pec = serve_pmbus_pec(serve_pmbus_pec(pec, &from, 1), data, size);
    if (device && serve_segment_fault(segment, device, FAULT_BAD_CRC))
        pec ^= 0x55;
    return serve_segment_clock_out(request, data, size, pec, out, ret);
}

/* ---- groups ---- */

/* A write that is to wait for the stop; whether it makes sense shows at once. */
static bool serve_segment_hold(struct serve_segment *segment, struct serve_pmbus *device,
                               const struct serve_segment_request *request)
{
    struct serve_segment_held *held = &segment->held[device - segment->devices];

    if (request->write_count > SERVE_SEGMENT_HELD_MAX ||
        !serve_pmbus_write(device, request->bytes, request->write_count, true))
        return false;
    held->size = request->write_count;
    memcpy(held->bytes, request->bytes, held->size);
    return true;
}

/* The stop: every device acts. */
void serve_segment_stop(struct serve_segment *segment)
{
    for (int32_t i = 0; i < segment->device_count; i++) {
        struct serve_pmbus *device = &segment->devices[i];
        bool ignore;

        if (segment->held[i].size == 0)
            continue;
        ignore = serve_segment_fault(segment, device, FAULT_IGNORE_WRITE) != NULL;
        (void)serve_pmbus_write(device, segment->held[i].bytes, segment->held[i].size, ignore);
        segment->held[i].size = 0;
    }
    segment->group = false;
}

/* ---- a transaction ---- */

/* The lowest address of those that pull SMBALERT#; it lets go. */
static size_t serve_segment_alert(struct serve_segment *segment, uint8_t *out, enum serve_smbus_result *ret)
{
    for (int32_t i = 0; i < segment->device_count; i++) {
        struct serve_pmbus *device = serve_segment_device(segment, segment->devices[i].address);

        if (!device || !device->alert || serve_segment_fault(segment, device, FAULT_SILENT))
            continue;
        device->alert = false;
        out[0] = (uint8_t)(device->address << 1);
        *ret = SERVE_SMBUS_OK;
        return 1;
    }
    return 0;
}

static bool serve_segment_write(struct serve_segment *segment, struct serve_pmbus *device,
                                const struct serve_segment_request *request)
{
    if (request->write_count == 0)
        return true;
    if (!device)
        return serve_hotswap_write(&segment->hotswap, request->bytes, request->write_count);
    if (request->goes_on || segment->group)
        return serve_segment_hold(segment, device, request);
    return serve_pmbus_write(device, request->bytes, request->write_count,
                             serve_segment_fault(segment, device, FAULT_IGNORE_WRITE) != NULL);
}

/* With somebody who is there. */
static size_t serve_segment_speak(struct serve_segment *segment, struct serve_pmbus *device,
                                  const struct serve_segment_request *request, uint8_t *out,
                                  enum serve_smbus_result *ret, int64_t *ret_us)
{
    struct fault *slow = device ? serve_segment_fault(segment, device, FAULT_SLOW) : NULL;
    size_t size = 0;

    if (device && serve_segment_fault(segment, device, FAULT_SILENT)) {
        *ret = SERVE_SMBUS_TIMEOUT;
        *ret_us = SERVE_SEGMENT_TIMEOUT_US;
        return 0;
    }
    if (device && serve_segment_fault(segment, device, FAULT_EXCEPTION)) {
        *ret_us = serve_segment_wire_us(segment, 1, 2);
    } else if (request->read_count > 0) {
        size = serve_segment_read(segment, device, request, out, ret);
        *ret_us = serve_segment_wire_us(segment, 2 + (size_t)request->write_count + size, 3);
    } else {
        if (serve_segment_write(segment, device, request))
            *ret = SERVE_SMBUS_OK;
        if (*ret == SERVE_SMBUS_OK && request->write_count > 0)
            segment->writes++;
        *ret_us = serve_segment_wire_us(segment, 1 + (size_t)request->write_count, 2);
    }
    if (slow)
        *ret_us += (int64_t)(faults_value(slow, FAULT_SLOW) * 1000.0);
    return size;
}

static size_t serve_segment_address(struct serve_segment *segment,
                                    const struct serve_segment_request *request, uint8_t *out,
                                    enum serve_smbus_result *ret, int64_t *ret_us)
{
    struct serve_pmbus *device = serve_segment_device(segment, request->address);

    *ret = SERVE_SMBUS_NAK;
    *ret_us = serve_segment_wire_us(segment, 1, 2);
    if (faults_hit(segment->faults, FAULT_SMBUS, segment->shelf, FAULT_ARBITRATION)) {
        *ret = SERVE_SMBUS_LOST;
        return 0;
    }
    if (request->address == SEGMENT_ALERT && request->write_count == 0 && request->read_count == 1)
        return serve_segment_alert(segment, out, ret);
    if ((!device && request->address != SERVE_SMBUS_HOTSWAP) ||
        (request->write_count == 0 && request->read_count > 0))
        return 0; /* nobody there, or a receive-byte, which no supply knows */
    return serve_segment_speak(segment, device, request, out, ret, ret_us);
}

size_t serve_segment_transact(struct serve_segment *segment, const struct serve_segment_request *request,
                              uint8_t *out, enum serve_smbus_result *ret, int64_t *ret_us)
{
    size_t size = serve_segment_address(segment, request, out, ret, ret_us);

    if (request->goes_on && *ret == SERVE_SMBUS_OK)
        segment->group = true;
    else
        serve_segment_stop(segment);
    return size;
}

/* ---- the devices ---- */

/* What somebody else, or the control socket, does to a device. */
static void serve_segment_break(struct serve_segment *segment, struct serve_pmbus *device)
{
    struct fault *status = faults_get(segment->faults, FAULT_PSU_SMBUS, device->psu, FAULT_STATUS);
    struct fault *protect = faults_get(segment->faults, FAULT_PSU_SMBUS, device->psu, FAULT_PROTECT);
    unsigned value = status ? (unsigned)faults_value(status, FAULT_STATUS) & 0xFFFFu : 0;

    if (status)
        serve_pmbus_status(device, (uint8_t)(value >> 8), (uint8_t)value);
    if (protect)
        device->write_protect = (uint8_t)faults_value(protect, FAULT_PROTECT);
}

void serve_segment_refresh(struct serve_segment *segment)
{
    struct faults *faults = segment->faults;

    for (int32_t i = 0; i < segment->device_count; i++) {
        struct serve_pmbus *device = &segment->devices[i];

        serve_segment_break(segment, device);
        serve_pmbus_refresh(device,
                            faults && (faults_get(faults, FAULT_SMBUS, segment->shelf, FAULT_STUCK) ||
                                       faults_get(faults, FAULT_PSU_SMBUS, device->psu, FAULT_STUCK)));
    }
    serve_hotswap_refresh(&segment->hotswap);
}

void serve_segment_init(struct serve_segment *segment, const struct serve_smbus_options *opt)
{
    const struct plant_shelf *shelf = &opt->plant->shelves[opt->shelf];

    *segment = (struct serve_segment){
        .plant = opt->plant, .faults = opt->faults, .shelf = opt->shelf, .hz = opt->hz
    };
    for (int32_t i = 0; i < shelf->psu_count && i < SERVE_SEGMENT_DEVICES_MAX; i++)
        serve_pmbus_init(&segment->devices[segment->device_count++], segment->plant, shelf->psu_first + i,
                         (uint8_t)(SERVE_SMBUS_ADDRESS + i));
    serve_hotswap_init(&segment->hotswap, segment->plant, segment->shelf);
}
