/* SPDX-License-Identifier: Apache-2.0 */
/* cli_profile.c: checks device profiles; needs no daemon.
 *
 * Every error of every file is shown, one a line, with its line and column.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/conf.h"
#include "cli_hand.h"
#include "cli_table.h"
#include "cli_value.h"

struct cli_profiles {
    struct cli *cli;
    struct json_object *list;
    bool bad;
};

static void cli_profile_good(struct cli_profiles *profiles, const char *file, const struct profile *profile)
{
    struct cli *cli = profiles->cli;
    struct json_object *made = json_object_new_object();
    int32_t writable = 0;

    for (int32_t i = 0; i < profile->row_count; i++)
        writable += profile->rows[i].writable;
    if (!cli->json)
        cli_say(cli, CLI_PLAIN, "%s: %s, %d rows, %d of them writable\n", file, profile->model, (int)profile->row_count,
                (int)writable);
    json_object_object_add(made, "file", json_object_new_string(file));
    json_object_object_add(made, "name", json_object_new_string(profile->name));
    json_object_object_add(made, "model", json_object_new_string(profile->model));
    json_object_object_add(made, "protocol", json_object_new_string(profile_is_pmbus(profile) ? "pmbus" : "modbus"));
    json_object_object_add(made, "rows", json_object_new_int(profile->row_count));
    json_object_object_add(made, "writable", json_object_new_int(writable));
    json_object_array_add(profiles->list, made);
}

static void cli_profile_file(struct cli_profiles *profiles, const char *file)
{
    struct conf_errors errors = { .count = 0 };
    struct profile profile;
    enum status st = profile_load(file, &profile, &errors);

    if (st == ST_OK) {
        cli_profile_good(profiles, file, &profile);
        profile_done(&profile);
    } else {
        profiles->bad = true;
        if (errors.count > 0)
            conf_errors_print(&errors, profiles->cli->err);
        else
            (void)cli_fail(profiles->cli, "%s: cannot be read (%s)", file, status_label(st));
    }
    conf_errors_done(&errors);
}

static int cli_profile_all(struct cli_profiles *profiles)
{
    char **names = NULL, path[CONF_PATH_MAX];
    int32_t count = profile_names(profiles->cli->profiles, &names);

    if (count < 0)
        return cli_fail(profiles->cli, "out of memory");
    for (int32_t i = 0; i < count; i++)
        if (profile_path(profiles->cli->profiles, names[i], path))
            cli_profile_file(profiles, path);
    profile_names_done(names, count);
    return count > 0 ? CLI_DONE : cli_fail(profiles->cli, "there is no profile in any of the folders");
}

/* One document: of one file what it always was, of several a list. */
static int cli_profile_print(struct cli_profiles *profiles, bool one)
{
    struct json_object *to;
    int rc;

    if (!profiles->cli->json)
        return CLI_DONE;
    if (one)
        return cli_print_json(profiles->cli, json_object_array_get_idx(profiles->list, 0));
    to = json_object_new_object();
    json_object_object_add(to, "profiles", json_object_get(profiles->list));
    rc = cli_print_json(profiles->cli, to);
    json_object_put(to);
    return rc;
}

int cli_profile(struct cli *cli)
{
    struct cli_profiles profiles = { .cli = cli };
    bool all = cli->word_count == 2 && strcmp(cli->words[1], "all") == 0;
    int rc = CLI_DONE;

    if (strcmp(cli->words[0], "check") != 0)
        return cli_fail(cli, "it is: busbarctl profile check FILE...|all");
    if (cli_hand_folder(cli) != CLI_DONE)
        return CLI_FAILED;
    profiles.list = json_object_new_array();
    if (all)
        rc = cli_profile_all(&profiles);
    for (int i = 1; i < cli->word_count && !all; i++)
        cli_profile_file(&profiles, cli->words[i]);
    if (profiles.bad)
        rc = CLI_FAILED;
    if (rc == CLI_DONE)
        rc = cli_profile_print(&profiles, cli->word_count == 2 && !all);
    json_object_put(profiles.list);
    return rc;
}
