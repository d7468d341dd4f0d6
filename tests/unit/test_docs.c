/* SPDX-License-Identifier: Apache-2.0 */
/* test_docs.c: docs/signals.md, docs/events.md and the keys in docs/man/busbar.yaml.5.scd
 * are what the code says.
 *
 * `test_docs --write` writes them anew.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "busbar/conf.h"
#include "busbar/events.h"
#include "busbar/signals.h"
#include "source_dir.h"

#define DOCS_SIGNALS "docs/signals.md"
#define DOCS_EVENTS "docs/events.md"
#define DOCS_MANUAL "docs/man/busbar.yaml.5.scd"
#define DOCS_KEYS_BEGIN "; The keys: made from the table in src/conf by test_docs --write.\n"
#define DOCS_KEYS_END "; End of the keys.\n"
#define DOCS_COLUMNS 7

static void docs_signals(FILE *to)
{
    (void)fprintf(to,
                  "# Signals\n\n"
                  "Every quantity that is measured or commanded, by its one name: device profiles, the configuration, the\n"
                  "API and this page use it; a metric has it with the unit in full (`docs/api.md`). A reading outside the\n"
                  "plausible range is refused.\n\n"
                  "Made from `include/busbar/signals.h` by `test_docs --write`; a test keeps it current.\n\n"
                  "| signal | unit | plausible | what it is |\n"
                  "| --- | --- | --- | --- |\n");
    for (int s = 0; s < SIGNAL_COUNT; s++) {
        enum signal signal = (enum signal)s;

        (void)fprintf(to, "| `%s` | %s | ", signal_name(signal), signal_unit(signal));
        if (strcmp(signal_unit(signal), "text") == 0)
            (void)fprintf(to, "| %s |\n", signal_help(signal));
        else
            (void)fprintf(to, "%.10g to %.10g | %s |\n", signal_min(signal), signal_max(signal), signal_help(signal));
    }
}

static const char *docs_severity(int severity)
{
    return severity <= 3 ? "error" : severity == 4 ? "warning" : severity == 5 ? "notice" : "info";
}

static void docs_events(FILE *to)
{
    (void)fprintf(to,
                  "# Events\n\n"
                  "Everything an operator may act on: in the journal (`journalctl -u busbard EVENT=mode_changed`), in\n"
                  "`busbarctl events` and in `GET /v1/events`.\n\n"
                  "Made from `include/busbar/events.h` by `test_docs --write`; a test keeps it current.\n\n"
                  "| event | severity | what to do |\n"
                  "| --- | --- | --- |\n");
    for (int e = 0; e < EV_COUNT; e++) {
        enum ev event = (enum ev)e;

        (void)fprintf(to, "| `%s` | %s | %s |\n", ev_id(event), docs_severity(ev_severity(event)),
                      ev_advice(event));
    }
}

/* ---- the manual page's keys ---- */

/* The table's columns, as conf_print_keys() has them. */
enum docs_column { DOCS_KEY, DOCS_TYPE, DOCS_UNIT, DOCS_MIN, DOCS_MAX, DOCS_PRESET, DOCS_HELP };

/* scdoc's own characters with a backslash. */
static void docs_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\*_[<", *text))
            (void)fputc('\\', to);
        (void)fputc(*text, to);
    }
}

static void docs_range(FILE *to, char *const columns[DOCS_COLUMNS])
{
    const char *type = columns[DOCS_TYPE], *unit = columns[DOCS_UNIT];

    if (strcmp(type, "number") == 0 || strcmp(type, "integer") == 0) {
        docs_escaped(to, columns[DOCS_MIN]);
        (void)fputs(" to ", to);
        docs_escaped(to, columns[DOCS_MAX]);
        if (strcmp(unit, "-") != 0 && strcmp(unit, "ratio") != 0)
            (void)fprintf(to, " %s", unit);
    } else if (strcmp(type, "word") == 0) {
        docs_escaped(to, columns[DOCS_MIN]);
    } else {
        (void)fprintf(to, "%s", type);
        if (strcmp(type, "list") == 0)
            (void)fprintf(to, ", at most %s", columns[DOCS_MAX]);
    }
}

static void docs_key(FILE *to, char *const columns[DOCS_COLUMNS])
{
    (void)fputc('*', to);
    docs_escaped(to, columns[DOCS_KEY]);
    (void)fputs("*\n\t", to);
    docs_escaped(to, columns[DOCS_HELP]);
    (void)fputs(" (", to);
    docs_range(to, columns);
    if (strcmp(columns[DOCS_PRESET], "required") == 0)
        (void)fputs("; required", to);
    else if (strcmp(columns[DOCS_PRESET], "-") != 0) {
        (void)fputs("; by default ", to);
        docs_escaped(to, columns[DOCS_PRESET]);
    }
    (void)fputs(")\n\n", to);
}

static void docs_keys(FILE *to)
{
    char *table = NULL, *rest;
    size_t size;
    FILE *from = open_memstream(&table, &size);
    int keys = 0;

    assert_non_null(from);
    conf_print_keys(from);
    assert_int_equal(fclose(from), 0);
    rest = table;
    (void)strsep(&rest, "\n"); /* the table's head */
    while (rest && *rest) {
        char *line = strsep(&rest, "\n"), *columns[DOCS_COLUMNS];

        for (int c = 0; c < DOCS_COLUMNS; c++) {
            columns[c] = strsep(&line, "\t");
            assert_non_null(columns[c]);
        }
        docs_key(to, columns);
        keys++;
    }
    assert_true(keys > 50);
    free(table);
}

/* The page as it is, with the keys anew. */
static void docs_manual(FILE *to)
{
    char *page = source_read(DOCS_MANUAL), *begin = strstr(page, DOCS_KEYS_BEGIN), *end = strstr(page, DOCS_KEYS_END);

    assert_non_null(begin);
    assert_non_null(end);
    assert_true(begin < end);
    (void)fprintf(to, "%.*s\n", (int)(begin - page + (int)strlen(DOCS_KEYS_BEGIN)), page);
    docs_keys(to);
    (void)fputs(end, to);
    free(page);
}

/* ---- made and kept ---- */

static char *docs_make(void (*make)(FILE *to))
{
    char *made = NULL;
    size_t size;
    FILE *to = open_memstream(&made, &size);

    assert_non_null(to);
    make(to);
    assert_int_equal(fclose(to), 0);
    return made;
}

static void docs_check(const char *file, void (*make)(FILE *to))
{
    char *made = docs_make(make), *kept = source_read(file);

    if (strcmp(made, kept) != 0)
        fail_msg("%s is not what the code says: run test_docs --write", file);
    free(made);
    free(kept);
}

static int docs_write(const char *file, void (*make)(FILE *to))
{
    char path[1024], *made = docs_make(make);
    FILE *to;
    int rc = 2;

    source_path(file, path, sizeof path);
    to = fopen(path, "w");
    if (to && fputs(made, to) >= 0 && fclose(to) == 0)
        rc = 0;
    else
        perror(path);
    free(made);
    return rc;
}

static void the_page_of_signals_is_current(void **state)
{
    (void)state;
    docs_check(DOCS_SIGNALS, docs_signals);
}

static void the_page_of_events_is_current(void **state)
{
    (void)state;
    docs_check(DOCS_EVENTS, docs_events);
}

static void the_manual_page_has_the_keys_there_are(void **state)
{
    (void)state;
    docs_check(DOCS_MANUAL, docs_manual);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_signals_is_current),
        cmocka_unit_test(the_page_of_events_is_current),
        cmocka_unit_test(the_manual_page_has_the_keys_there_are),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0)
        return docs_write(DOCS_SIGNALS, docs_signals) | docs_write(DOCS_EVENTS, docs_events) |
               docs_write(DOCS_MANUAL, docs_manual);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
