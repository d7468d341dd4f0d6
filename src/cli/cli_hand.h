/* SPDX-License-Identifier: Apache-2.0 */
/* cli_hand.h: one bus and one profile in the hand of a command: opened, chosen, given back.
 *
 * What src/field logs goes here instead of standard error: the worst of it becomes the
 * one line a failure has, the rest the `notes` of the answer.
 */
#ifndef CLI_CLI_HAND_H
#define CLI_CLI_HAND_H

#include "busbar/probe.h"
#include "cli.h"
#include "cli_link.h"

#define CLI_HAND_NOTES_MAX 8
#define CLI_HAND_NOTE_MAX  240

struct json_object;

struct cli_hand {
    struct cli *cli;
    struct cli_link link;
    struct probe *probe;
    struct profile profile;
    bool profiled; /* `profile` is loaded                       */
    bool chosen;   /* ... by the device's model                 */
    bool guest;    /* a BMC that a daemon has as well           */
    int note_count;
    char notes[CLI_HAND_NOTES_MAX][CLI_HAND_NOTE_MAX];
    char error[CLI_HAND_NOTE_MAX]; /* the last line of severity error           */
    char broken[CLI_HAND_NOTE_MAX]; /* a profile that has errors and was left out, or "" */
};

/* Which addresses a command takes. */
enum cli_hand_address { CLI_HAND_ONE, CLI_HAND_MANY };

/* Reads --link, --timeout and --profile; nothing is opened. CLI_FAILED: said. In any
 * case cli_hand_done() is the caller's. */
int cli_hand_init(struct cli_hand *hand, struct cli *cli, enum cli_hand_address address);
void cli_hand_done(struct cli_hand *hand);

/* Is --profiles, where it is given, a folder? CLI_FAILED: said. */
int cli_hand_folder(struct cli *cli);

/* A profile by its name or its file; every error of it is said, one a line. */
int cli_hand_load(struct cli *cli, const char *name, struct profile *ret);

/* Opens the bus. CLI_FAILED: said. */
int cli_hand_open(struct cli_hand *hand);

/* Before or after cli_hand_open(): a serial line without settings takes the profile's. */
void cli_hand_serial(struct cli_hand *hand, const struct profile *profile);

/* Opens the bus and chooses the profile by the model of the device, unless --profile
 * named one. CLI_FAILED: said. For reading a model that none names is read by the profile
 * that fits any, where there is one: of PMBus, which is a standard. */
enum cli_hand_purpose { CLI_HAND_READ, CLI_HAND_WRITE };
int cli_hand_choose(struct cli_hand *hand, enum cli_hand_purpose purpose);

/* All profiles of the link's protocol; malloc'ed. -1: said. */
int32_t cli_hand_candidates(struct cli_hand *hand, struct profile **ret);
void cli_hand_candidates_done(struct profile *list, int32_t count);

/* How much of a model text a profile names; 0: nothing, "*" alone. */
int cli_hand_letters(const struct profile *profile);
bool cli_hand_fits(const struct profile *profile, const char *model);

/* What was noted, as an array; the caller puts it. */
void cli_hand_note(struct cli_hand *hand, const char *text);
struct json_object *cli_hand_notes(const struct cli_hand *hand);

/* "psu_fan_rpm", or "psu_fan_rpm.2" of several alike. */
struct cli_signal {
    char text[64];
};
struct cli_signal cli_hand_signal(enum signal signal, int32_t index);

/* The row of such a name; ROW_NONE. */
int32_t cli_hand_row(const struct profile *profile, const char *name);

#endif
