/* SPDX-License-Identifier: Apache-2.0 */
/* test_conf_broken.c: every file of tests/conf is refused with exactly the lines
 * of its .expect file: where, which key, what is wrong, what is allowed.
 *
 * broken-profile-*.yaml are profiles, the others configurations. A line of the
 * file itself is written without the file's name; other paths keep theirs, with
 * @SOURCE@ for the source folder and @PROFILES@ for the installed profiles'.
 * `test_conf_broken --write` makes the .expect files anew, to be read before
 * they are kept.
 */
#include "busbar/conf.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER    BUSBAR_SOURCE_DIR "/tests/conf"
#define FILES_MIN 20
#define FILES_MAX 64
#define TEXT_MAX  65536

static char test_names[FILES_MAX][64];
static struct CMUnitTest test_list[FILES_MAX];
static int test_count;

/* Every `from` becomes `to`. */
static void replace(char *text, const char *from, const char *to)
{
    for (char *at = strstr(text, from); at; at = strstr(at, from)) {
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
        memcpy(at, to, strlen(to));
    }
}

static const char *installed_profiles(const char *text)
{
    static char folder[256];
    const char *at = strstr(text, "/etc/busbar/profiles, ");

    snprintf(folder, sizeof folder, "%.200s", at ? at + strlen("/etc/busbar/profiles, ") : "");
    folder[strcspn(folder, "\n")] = '\0';
    return folder;
}

/* What loading this file says, in the form of the .expect file. */
static void load(const char *name, char *ret)
{
    char path[512], prefix[600];
    struct conf_errors errors = { .count = 0 };
    struct profile profile;
    struct conf *conf = NULL;
    enum status st;
    size_t used = 0;

    snprintf(path, sizeof path, FOLDER "/%.60s.yaml", name);
    if (strncmp(name, "broken-profile", 14) == 0)
        st = profile_load(path, &profile, &errors);
    else
        st = conf_load(path, &conf, &errors);
    assert_int_equal(st, ST_REFUSED);
    assert_null(conf);
    assert_true(errors.count > 0);
    snprintf(prefix, sizeof prefix, "%s:", path);
    ret[0] = '\0';
    for (int32_t i = 0; i < errors.count; i++) {
        const char *text = errors.list[i].text;
        bool own = strncmp(text, prefix, strlen(prefix)) == 0;

        used += (size_t)snprintf(ret + used, TEXT_MAX - used, "%s\n", own ? text + strlen(prefix) : text);
        assert_true(used < TEXT_MAX);
    }
    conf_errors_done(&errors);
    if (strstr(ret, "/etc/busbar/profiles, "))
        replace(ret, installed_profiles(ret), "@PROFILES@");
    replace(ret, BUSBAR_SOURCE_DIR, "@SOURCE@");
}

static void refused_with_these_lines(void **state)
{
    static char got[TEXT_MAX + 4096], want[TEXT_MAX + 4096];
    const char *name = *state;
    char path[512];
    FILE *file;
    size_t size;

    load(name, got);
    snprintf(path, sizeof path, FOLDER "/%.60s.expect", name);
    file = fopen(path, "re");
    assert_non_null(file);
    size = fread(want, 1, TEXT_MAX, file);
    want[size] = '\0';
    fclose(file);
    assert_string_equal(got, want);
}

static void there_are_enough_of_them(void **state)
{
    (void)state;
    assert_true(test_count >= FILES_MIN);
}

static void write_all(void)
{
    static char got[TEXT_MAX + 4096];

    for (int i = 0; i < test_count; i++) {
        char path[512];
        FILE *file;

        load(test_names[i], got);
        snprintf(path, sizeof path, FOLDER "/%.60s.expect", test_names[i]);
        file = fopen(path, "we");
        if (file) {
            fputs(got, file);
            fclose(file);
        }
    }
}

static int is_broken(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return strncmp(entry->d_name, "broken-", 7) == 0 && length > 5 && length < 60 &&
           strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count = scandir(FOLDER, &entries, is_broken, alphasort);

    for (int i = 0; i < count; i++) {
        if (test_count < FILES_MAX - 1) {
            snprintf(test_names[test_count], sizeof test_names[0], "%.*s",
                     (int)strlen(entries[i]->d_name) - 5, entries[i]->d_name);
            test_list[test_count] = (struct CMUnitTest){ .name = test_names[test_count],
                                                         .test_func = refused_with_these_lines,
                                                         .initial_state = test_names[test_count] };
            test_count++;
        }
        free(entries[i]);
    }
    free(entries);
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        write_all();
        return 0;
    }
    test_list[test_count] = (struct CMUnitTest)cmocka_unit_test(there_are_enough_of_them);
    return _cmocka_run_group_tests("test_conf_broken", test_list, (size_t)test_count + 1, NULL, NULL);
}
