/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device.h: `busbarctl device`: one device on one bus, by hand. */
#ifndef CLI_CLI_DEVICE_H
#define CLI_CLI_DEVICE_H

#include "cli_client.h"
#include "cli_hand.h"

struct json_object;
struct redfish_probe;

#define CLI_DEVICE_TEXT                                                                                      \
    "scan                 what answers on a bus, by the model registers of all profiles; reads only\n"       \
    "read                 every row of a profile, or of a BMC, once\n"                                       \
    "watch                the same again and again, --every MS (1000), for --seconds N or until "            \
    "interrupted\n"                                                                                          \
    "write SIGNAL VALUE   one row, within its limits: the original is recorded first and the write is "      \
    "read\n"                                                                                                 \
    "                     back; VALUE `original` puts the recorded one back. Of a BMC: write PATH VALUE, "   \
    "a\n"                                                                                                    \
    "                     path of `limits` in what read shows\n"                                             \
    "file NUMBER          a file of records, as a module keeps its black box: Modbus function 20\n\n"        \
    "--link LINK          where it is:\n"                                                                    \
    "                       i2c:/dev/i2c-0@0x40           an i2c-dev node\n"                                 \
    "                       rtu:/dev/ttyUSB0,115200,8E1@0x90   a serial line\n"                              \
    "                       tcp:HOST:502@1                a Modbus gateway\n"                                \
    "                       redfish:https://HOST          a BMC\n"                                           \
    "                       smbus:PATH@0x58               the simulator's socket\n"                          \
    "                     scan takes a range, @0x40-0x5f, or none: all addresses\n"                          \
    "--profile NAME|FILE  its registers; without it the one whose pattern its model text fits\n"             \
    "--profiles DIR       profiles are looked for here first\n"                                              \
    "--signal SIGNAL      read, watch: this one alone\n"                                                     \
    "--speeds LIST|all    scan: a serial line at each of these, as 19200E,115200N, and whoever answers at\n" \
    "                     all; a device is only read, and stays at its speed\n"                              \
    "--records FIRST-LAST file: which of its records (0-99), until the device refuses one\n"                 \
    "--words N            file: registers of one record (8); --step N: from one record's number to the\n"    \
    "                     next (1)\n"                                                                        \
    "--timeout MS         of one transaction\n"                                                              \
    "--yes                write: the word for a supply's settings (psu_...), which the busbar hangs on\n"    \
    "--for MS             write: the device's own time-out, where the row has one (60000)\n"                 \
    "--state-dir DIR      write: where originals are kept (/var/lib/busbar)\n"                               \
    "--config FILE        write: finds the device's name there, so that busbard knows its originals\n"       \
    "--name NAME          write: the name its original is kept under, instead\n"                             \
    "--user NAME --password-file FILE   a BMC that wants to know who asks\n"                                  \
    "--ca-file FILE       who may have signed its certificate\n"                                             \
    "--pin sha256//HASH   of its public key: besides, or alone instead of a chain\n\n"                       \
    "Works without a daemon; where one holds the bus, through it. Exits 1 where a reading failed, a\n"       \
    "scan found nothing, or a write does not hold. What the device does not implement is in `absent`."

/* A command's document in a hurry: {link, profile, ...}. */
struct json_object *cli_device_document(struct cli *cli, const char *profile);

/* One pass over a device: readings and absent rows into `to`, with the count of errors. */
void cli_device_add(struct json_object *to, const struct probe_reading *list, int32_t count,
                    const char *signal);

/* Such a pass as a table. */
void cli_device_print(struct cli *cli, struct json_object *pass);

/* Does a daemon hold this bus, and which device does it know at the link's address ("":
 * none)? cli_device_daemon() fails, and says so, where it holds the bus and knows none. */
struct cli_device_daemon {
    bool holds;
    char name[CONF_NAME_MAX];
    char profile[PROFILE_TEXT_MAX];
};
void cli_device_daemon_bus(struct cli_hand *hand, struct cli_device_daemon *ret);
int cli_device_daemon(struct cli_hand *hand, struct cli_device_daemon *ret);

/* One pass through the daemon. CLI_FAILED: said. */
int cli_device_daemon_read(struct cli_hand *hand, const struct cli_device_daemon *daemon,
                           struct json_object *to);

/* What writes have in common. A number, or the word `original`; the configuration of the line, or the
 * installed one, or NULL; that file read (CLI_FAILED: said; the caller frees *ret); where
 * originals are without one; the end of a write: `to` (taken) is shown, its status is ours. */
#define CLI_DEVICE_STATE_DIR "/var/lib/busbar"
int cli_device_number(struct cli *cli, const char *text, double *ret, bool *ret_original);
const char *cli_device_config(const struct cli *cli);
int cli_device_conf(struct cli *cli, const char *path, struct conf **ret);
int cli_device_kept(struct cli *cli); /* are --name and --state-dir what they can be? CLI_FAILED: said */
int cli_device_write_finish(struct cli *cli, struct json_object *to);

int cli_device_scan(struct cli *cli);
int cli_device_read(struct cli *cli);
int cli_device_watch(struct cli *cli);
int cli_device_write(struct cli *cli);
int cli_device_file(struct cli *cli);
/* Is the link a BMC that is asked itself: no daemon has it, or a login is given to do so? One that the
 * daemon has is asked nothing more otherwise: connections and sessions of BMCs are few. */
bool cli_device_redfish_itself(struct cli_hand *hand);
int cli_device_redfish(struct cli_hand *hand);
int cli_device_redfish_write(struct cli_hand *hand);

/* One pass over a BMC into `to`. *probe is NULL before the first, then the caller's to free.
 * CLI_FAILED: said. */
int cli_device_redfish_pass(struct cli_hand *hand, struct redfish_probe **probe, struct json_object *to);

#endif
