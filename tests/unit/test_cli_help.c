/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli_help.c: options, help, and the completion and manual page held to both. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "cli/cli_options.h"
#include "source_dir.h"

struct run {
    char *out, *err;
    int rc;
};

static struct run ctl(const char *const *words)
{
    char *argv[16] = { strdup("busbarctl") };
    struct run run = { .out = NULL };
    size_t out_size, err_size;
    FILE *out = open_memstream(&run.out, &out_size), *err = open_memstream(&run.err, &err_size);
    int argc = 1;

    assert_non_null(out);
    assert_non_null(err);
    for (; *words; words++)
        argv[argc++] = strdup(*words);
    run.rc = cli_main(argc, argv, out, err);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(err), 0);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return run;
}

#define CTL(...) ctl((const char *const[]){ __VA_ARGS__, NULL })

static void done(struct run *run)
{
    free(run->out);
    free(run->err);
}

static void help_names_every_command(void **state)
{
    struct run run = CTL("--help");

    (void)state;
    assert_int_equal(run.rc, CLI_DONE);
    assert_string_equal(run.err, "");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        char line[128];

        (void)snprintf(line, sizeof line, "\n  %s", c->name);
        assert_non_null(strstr(run.out, line));
        assert_non_null(strstr(run.out, c->help));
    }
    done(&run);
}

static void each_command_has_help_of_its_own(void **state)
{
    (void)state;
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        struct run run = CTL(c->name, "--help"), before = CTL("-h", c->name);

        assert_int_equal(run.rc, CLI_DONE);
        assert_non_null(strstr(run.out, c->name));
        assert_non_null(strstr(run.out, c->help));
        assert_non_null(strstr(run.out, c->text));
        assert_string_equal(run.out, before.out);
        done(&run);
        done(&before);
    }
}

/* No lease is lost by it: docs/api.md. */
static void a_priority_is_said_to_be_what_it_is(void **state)
{
    struct run run = CTL("token", "--help");

    (void)state;
    assert_null(strstr(run.out, "lose"));
    assert_non_null(strstr(run.out, "answered first"));
    done(&run);
}

static void the_version_is_one_line(void **state)
{
    struct run run = CTL("--version");

    (void)state;
    assert_int_equal(run.rc, CLI_DONE);
    assert_int_equal(strncmp(run.out, "busbarctl ", 10), 0);
    done(&run);
}

static void what_is_not_understood_is_2_and_one_line(void **state)
{
    static const char *const wrong[][5] = {
        { "nothing" }, { "--nothing", "status" }, { "status", "extra" }, { "status", "--follow" }, { "status", "--seconds", "3" },
        { "why" }, { "why", "a", "b" }, { "record" }, { "record", "save" }, { "record", "lose", "x" }, { "mode", "x" },
        { "top", "--seconds", "0" }, { "top", "--seconds", "1.5" }, { "top", "--seconds", "86401" }, { "top", "--seconds", "" },
        { "top", "--seconds" }, { "status", "--socket" }, { "profile", "check" }, { "profile", "drop", "x" },
        { "events", "--once" }, { "devices", "a", "b" }, { "token" }, { "token", "hold" }, { "token", "request" },
        { "token", "request", "rack" }, { "token", "request", "rack", "0" }, { "token", "request", "rack", "5kW" },
        { "token", "request", "rack", "nan" }, { "token", "list", "x" }, { "token", "return", "rack" },
        { "token", "--for", "0" }, { "token", "list", "--priority", "8" }, { "token", "list", "--for", "5" },
        { "token", "list", "--client", "x" }, { "status", "--client", "x" }, { "status", "--priority", "1" },
        { "device" }, { "device", "read" }, { "device", "look" }, { "device", "read", "--link", "x" },
        { "device", "read", "--link", "i2c:/dev/i2c-0" }, { "device", "read", "--link", "i2c:/dev/i2c-0@0x40-0x41" },
        { "device", "read", "--yes" }, { "device", "write", "a" }, { "device", "scan", "x" }, { "status", "--link", "x" },
        { "device", "read", "--timeout", "0" }, { "profile", "check", "--yes" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct run run = ctl(wrong[i]);

        if (run.rc != CLI_FAILED || run.out[0] || strncmp(run.err, "busbarctl: ", 11) != 0 ||
            strchr(run.err, '\n') != run.err + strlen(run.err) - 1)
            fail_msg("%s ...: %d, '%s', '%s'", wrong[i][0], run.rc, run.out, run.err);
        done(&run);
    }
}

static void without_a_command_the_help_is_an_error(void **state)
{
    static const char *const none[] = { NULL };
    struct run run = ctl(none);

    (void)state;
    assert_int_equal(run.rc, CLI_FAILED);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "busbarctl COMMAND"));
    done(&run);
}

static void a_profile_that_cannot_be_read_is_2(void **state)
{
    struct run run = CTL("profile", "check", "/nonexistent/profile.yaml");

    (void)state;
    assert_int_equal(run.rc, CLI_FAILED);
    assert_string_equal(run.out, "");
    assert_non_null(strstr(run.err, "/nonexistent/profile.yaml"));
    done(&run);
}

/* ---- the completion ---- */

/* What bash offers for these words (the last one may be unfinished), sorted. */
static void complete(const char *words, char *ret, size_t size)
{
    char path[1024], command[2048];
    FILE *from;
    size_t used;

    source_path("docs/completion/busbarctl.bash", path, sizeof path);
    (void)snprintf(command, sizeof command,
                   "bash -c 'source \"%s\" && COMP_WORDS=(busbarctl %s) && COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) && "
                   "_busbarctl && printf \"%%s\\n\" \"${COMPREPLY[@]}\" | LC_ALL=C sort'",
                   path, words);
    from = popen(command, "r");
    assert_non_null(from);
    used = fread(ret, 1, size - 1, from);
    ret[used] = '\0';
    assert_int_equal(pclose(from), 0);
}

static bool have_bash(void)
{
    if (access("/bin/bash", X_OK) == 0)
        return true;
    print_message("skip: no bash here\n");
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void bash_offers_every_command(void **state)
{
    const char *names[32];
    char offered[4096], expected[4096] = "";
    size_t count = 0, used = 0;

    (void)state;
    if (!have_bash())
        skip();
    for (const struct cli_command *c = cli_commands; c->name; c++)
        names[count++] = c->name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s\n", names[i]);
    complete("\"\"", offered, sizeof offered);
    assert_string_equal(offered, expected);
}

static void bash_offers_each_commands_options(void **state)
{
    const char *name;
    unsigned option;

    (void)state;
    if (!have_bash())
        skip();
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        char words[64], offered[4096];

        (void)snprintf(words, sizeof words, "%s --", c->name);
        complete(words, offered, sizeof offered);
        assert_non_null(strstr(offered, "--json\n"));
        assert_non_null(strstr(offered, "--socket\n"));
        assert_non_null(strstr(offered, "--help\n"));
        for (int i = 0; cli_options_row(i, &option, &name); i++) {
            char line[64];

            (void)snprintf(line, sizeof line, "%s\n", name);
            if (option != 0 && (strstr(offered, line) != NULL) != ((c->options & option) != 0))
                fail_msg("%s: %s: the completion and the table differ", c->name, name);
        }
    }
}

static void bash_offers_words_where_there_are_few(void **state)
{
    char offered[4096];

    (void)state;
    if (!have_bash())
        skip();
    complete("mode \"\"", offered, sizeof offered);
    assert_string_equal(offered, "control\nemergency\nobserve\n");
    complete("--json --socket /x mode e", offered, sizeof offered);
    assert_string_equal(offered, "emergency\n");
    complete("record \"\"", offered, sizeof offered);
    assert_string_equal(offered, "save\n");
    complete("token \"\"", offered, sizeof offered);
    assert_string_equal(offered, "list\nrequest\nreturn\n");
    complete("token --for 5 --client x r", offered, sizeof offered);
    assert_string_equal(offered, "request\nreturn\n");
    complete("hint s", offered, sizeof offered);
    assert_string_equal(offered, "scrape\nstart\nstep\nstop\n");
    complete("device \"\"", offered, sizeof offered);
    assert_string_equal(offered, "file\nread\nscan\nwatch\nwrite\n");
    complete("st", offered, sizeof offered);
    assert_string_equal(offered, "stats\nstatus\n");
}

/* ---- the manual page ---- */

static void the_manual_page_has_every_command_and_option(void **state)
{
    char *page = source_read("docs/man/busbarctl.1.scd");
    const char *name;
    unsigned option;

    (void)state;
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        char title[64];

        (void)snprintf(title, sizeof title, "\n*%s*", c->name);
        if (!strstr(page, title))
            fail_msg("busbarctl.1.scd does not describe %s", c->name);
    }
    for (int i = 0; cli_options_row(i, &option, &name); i++) {
        if (!strstr(page, name))
            fail_msg("busbarctl.1.scd does not describe %s", name);
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_command),
        cmocka_unit_test(each_command_has_help_of_its_own),
        cmocka_unit_test(a_priority_is_said_to_be_what_it_is),
        cmocka_unit_test(the_version_is_one_line),
        cmocka_unit_test(what_is_not_understood_is_2_and_one_line),
        cmocka_unit_test(without_a_command_the_help_is_an_error),
        cmocka_unit_test(a_profile_that_cannot_be_read_is_2),
        cmocka_unit_test(bash_offers_every_command),
        cmocka_unit_test(bash_offers_each_commands_options),
        cmocka_unit_test(bash_offers_words_where_there_are_few),
        cmocka_unit_test(the_manual_page_has_every_command_and_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
