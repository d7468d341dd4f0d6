/* SPDX-License-Identifier: Apache-2.0 */
/* cli_device_file.c: `busbarctl device file`: the records that a module keeps of itself.
 *
 * Reads only, over Modbus function 20. What the words mean is the maker's: they are shown
 * as they are, and as the characters they may be.
 */
#include "cli_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/mbtool.h"
#include "cli_table.h"

#define CLI_FILE_LAST    99
#define CLI_FILE_WORDS   8
#define CLI_FILE_A_LINE  8 /* words of a record in one line                    */
#define CLI_FILE_NUMBERS 65535

/* A whole number up to 65535 at the front of a text; false: there is none. */
static bool cli_file_number(const char *text, const char **ret_end, int32_t *ret)
{
    char *end;
    long value;

    if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
        return false; /* 010 is eight to some and ten to others */
    errno = 0;
    value = strtol(text, &end, 0);
    if (errno != 0 || value > CLI_FILE_NUMBERS)
        return false;
    *ret = (int32_t)value;
    *ret_end = end;
    return true;
}

/* "0-9", "3" or nothing. */
static bool cli_file_records(const char *text, int32_t step, struct mbtool_file *ret)
{
    int32_t last = CLI_FILE_LAST;
    const char *end;

    ret->step = step;
    if (text) {
        if (!cli_file_number(text, &end, &ret->first))
            return false;
        last = ret->first;
        if (*end == '-' && !cli_file_number(end + 1, &end, &last))
            return false;
        if (*end != '\0' || last < ret->first)
            return false;
    }
    ret->most = (last - ret->first) / step + 1;
    return true;
}

static int cli_file_line(struct cli_hand *hand, struct mbtool_file *ret)
{
    struct cli *cli = hand->cli;
    const char *end = "";

    ret->unit = hand->link.first;
    ret->words = cli->file_words > 0 ? (int32_t)cli->file_words : CLI_FILE_WORDS;
    if (!cli_file_number(cli->words[1], &end, &ret->file) || *end != '\0' || ret->file < 1)
        return cli_fail(cli, "'%s' is no file's number, 1 to %d", cli->words[1], CLI_FILE_NUMBERS);
    if (!cli_file_records(cli->records, cli->step > 0 ? (int32_t)cli->step : 1, ret))
        return cli_fail(cli, "--records %s: it is FIRST-LAST, 0 to %d", cli->records, CLI_FILE_NUMBERS);
    return CLI_DONE;
}

/* A record's words, so many a line, and the same as characters. */
static void cli_file_record(struct cli_table *table, const struct mbtool_record *record)
{
    for (int32_t at = 0; at < record->count; at += CLI_FILE_A_LINE) {
        char words[CLI_FILE_A_LINE * 5 + 1] = "", text[CLI_FILE_A_LINE * 2 + 1] = "";
        int32_t here = record->count - at < CLI_FILE_A_LINE ? record->count - at : CLI_FILE_A_LINE;

        for (int32_t i = 0; i < here; i++) {
            uint16_t word = record->words[at + i];

            (void)snprintf(words + 5 * i, sizeof words - 5 * (size_t)i, "%04x ", word);
            for (int32_t b = 0; b < 2; b++) {
                int c = b == 0 ? word >> 8 : word & 0xFF;

                text[2 * i + b] = (char)(c >= 0x20 && c < 0x7F ? c : '.');
            }
        }
        words[5 * here - 1] = '\0';
        if (at == 0)
            cli_cell(table, CLI_PLAIN, "%d", (int)record->record);
        else
            cli_cell(table, CLI_PLAIN, " ");
        cli_cell(table, CLI_PLAIN, "%s", words);
        cli_cell(table, CLI_DIM, "%s", text);
    }
}

static int cli_file_print(struct cli *cli, const struct mbtool_file *file,
                          const struct mbtool_records *records)
{
    static const struct cli_column columns[] = {
        { "RECORD", true }, { "WORDS", false }, { "TEXT", false }, { NULL, false }
    };
    struct cli_table *table;

    if (cli->json)
        return mbtool_records_json(file, records, cli->out) == ST_OK ? CLI_DONE : CLI_FAILED;
    table = cli_table_new(columns);
    for (int32_t i = 0; i < records->count; i++)
        cli_file_record(table, &records->list[i]);
    cli_table_print(cli, table);
    cli_say(cli, CLI_PLAIN, "\n");
    if (records->exception)
        cli_say(cli, CLI_DIM, "%d records; the next is refused with exception %d\n", (int)records->count,
                (int)records->exception);
    else
        cli_say(cli, CLI_DIM, "%d records\n", (int)records->count);
    return CLI_DONE;
}

static int cli_file_read(struct cli_hand *hand, const struct mbtool_file *file)
{
    char error[MBTOOL_ERROR_MAX] = "";
    struct mbtool_records records;
    struct mbtool *tool = NULL;
    enum status st = mbtool_new(&hand->link.bus, error, &tool);
    int rc;

    if (st != ST_OK)
        return cli_fail(hand->cli, "%s: %s", hand->link.bus.name, error[0] ? error : status_label(st));
    st = mbtool_read_file(tool, file, &records);
    mbtool_free(tool);
    if (st != ST_OK)
        return cli_fail(hand->cli, "%s: unit 0x%02x, file %d: %s", hand->link.bus.name, (unsigned)file->unit,
                        (int)file->file, status_label(st));
    rc = cli_file_print(hand->cli, file, &records);
    if (rc == CLI_DONE && records.count == 0)
        rc = CLI_NOT_HELD;
    mbtool_records_done(&records);
    return rc;
}

int cli_device_file(struct cli *cli)
{
    struct cli_hand hand;
    struct cli_device_daemon daemon = { .holds = false };
    struct mbtool_file file = { .unit = 0 };
    int rc = cli_hand_init(&hand, cli, CLI_HAND_ONE);

    if (rc == CLI_DONE && hand.link.bus.kind != CONF_BUS_MODBUS_RTU &&
        hand.link.bus.kind != CONF_BUS_MODBUS_TCP)
        rc = cli_fail(cli, "--link %s: only Modbus has files of records", cli->link);
    if (rc == CLI_DONE)
        rc = cli_file_line(&hand, &file);
    if (rc == CLI_DONE)
        cli_device_daemon_bus(&hand, &daemon);
    if (rc == CLI_DONE && daemon.holds)
        rc =
            cli_fail(cli, "%s: the daemon holds this bus, and reads no files: stop busbard first", cli->link);
    /* Of a serial line without settings the device's own profile knows them. */
    if (rc == CLI_DONE && hand.link.bus.kind == CONF_BUS_MODBUS_RTU && !hand.link.serial_given &&
        !hand.profiled)
        rc = cli_hand_choose(&hand, CLI_HAND_READ);
    hand.probe = probe_free(hand.probe);
    if (rc == CLI_DONE)
        rc = cli_file_read(&hand, &file);
    cli_hand_done(&hand);
    return rc;
}
