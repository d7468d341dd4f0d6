/* SPDX-License-Identifier: Apache-2.0 */
/* test_http.c: the HTTP client against our own server. */
#include "unit/http_bench.h"

#include <sys/resource.h>

#include "busbar/log.h"

static void an_answer_comes_over_tcp_with_its_headers(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    bench_get(&bench, "/hello?x=1&name=rack%207", &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_int_equal(answer.code, 200);
    assert_string_equal(answer.body, "hello rack 7");
    assert_int_equal(answer.body_size, 12);
    assert_string_equal(answer.type, "text/plain");
    assert_false(answer.has_nonsense);
    assert_true(answer.sent_us <= answer.dispatched_us && answer.dispatched_us <= answer.done_us);
    bench_get(&bench, "/peer", &answer);
    assert_string_equal(answer.body, "-1 -1 -1");
    bench_get(&bench, "/a%20b", &answer);
    assert_string_equal(answer.body, "hello nobody spaced");
    bench_done(&bench);
}

static void a_unix_socket_names_its_peer_and_is_closed_to_others(void **state)
{
    struct answer answer;
    struct bench bench;
    struct stat st;
    char want[64];

    (void)state;
    bench_init(&bench, true, 2);
    assert_int_equal(stat(bench.socket, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(http_server_port(bench.server), 0);
    (void)snprintf(want, sizeof want, "%d %d %d", (int)getpid(), (int)getuid(), (int)getgid());
    bench_get(&bench, "/peer", &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_string_equal(answer.body, want);
    bench_done(&bench);
}

static void bodies_go_both_ways_with_patch_and_post(void **state)
{
    const char *const headers[] = {"X-Auth-Token: secret", NULL};
    struct http_request request = {.headers = headers, .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    char url[96];

    (void)state;
    bench_init(&bench, false, 2);
    (void)snprintf(url, sizeof url, "%s/echo", bench.url);
    request.url = url;
    request.method = "PATCH";
    request.body = "{\"SetPoint\":700}";
    bench_ask(&bench, &request, &answer);
    assert_int_equal(answer.code, 202);
    assert_string_equal(answer.body, request.body);
    assert_string_equal(answer.type, "application/json");
    request.method = "POST";
    request.body = NULL;
    bench_ask(&bench, &request, &answer);
    assert_int_equal(answer.code, 202);
    assert_int_equal(answer.body_size, 0);
    bench_done(&bench);
}

static void unknown_paths_and_methods_get_json_errors(void **state)
{
    struct http_request request = {.method = "DELETE", .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    char url[96];

    (void)state;
    bench_init(&bench, false, 2);
    bench_get(&bench, "/nothing", &answer);
    assert_int_equal(answer.code, 404);
    assert_string_equal(answer.type, "application/json");
    assert_string_equal(answer.body, "{\"error\":\"no such path\"}\n");
    (void)snprintf(url, sizeof url, "%s/echo", bench.url);
    request.url = url;
    bench_ask(&bench, &request, &answer);
    assert_int_equal(answer.code, 405);
    assert_string_equal(answer.allow, "PATCH, POST");
    assert_non_null(strstr(answer.body, "\"error\""));
    bench_get(&bench, "/hello%00x", &answer);
    assert_int_equal(answer.code, 400);
    bench_get(&bench, "/silent", &answer);
    assert_int_equal(answer.code, 500);
    bench_done(&bench);
}

struct plain_answer {
    char text[2048];
    size_t size;
};

static void on_plain(struct bufferevent *bev, void *arg)
{
    struct plain_answer *plain = arg;

    plain->size += bufferevent_read(bev, plain->text + plain->size, sizeof plain->text - 1 - plain->size);
    if (strstr(plain->text, "hello rack"))
        waiter->waiting--;
}

/* A body there would be taken for the beginning of the next answer. */
static void head_is_answered_with_the_length_and_no_body(void **state)
{
    static const char asked[] = "HEAD /hello?name=rack HTTP/1.1\r\nHost: x\r\n\r\n"
                                "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                "GET /hello?name=rack HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct plain_answer plain = {.size = 0};
    struct bufferevent *bev;
    struct bench bench;
    const char *second, *third;

    (void)state;
    bench_init(&bench, false, 2);
    to.sin_port = htons((uint16_t)http_server_port(bench.server));
    bev = bufferevent_socket_new(bench.base, -1, BEV_OPT_CLOSE_ON_FREE);
    assert_non_null(bev);
    assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof to), 0);
    bufferevent_setcb(bev, on_plain, NULL, NULL, &plain);
    assert_int_equal(bufferevent_enable(bev, EV_READ | EV_WRITE), 0);
    assert_int_equal(bufferevent_write(bev, asked, sizeof asked - 1), 0);
    waiter = &bench;
    bench.waiting = 1;
    bench_run(&bench);
    second = strstr(plain.text, "\r\n\r\n");
    assert_non_null(second);
    assert_int_equal(strncmp(second + 4, "HTTP/1.1 404", 12), 0);
    third = strstr(second + 4, "\r\n\r\n");
    assert_non_null(third);
    assert_int_equal(strncmp(third + 4, "HTTP/1.1 200", 12), 0);
    assert_non_null(strstr(plain.text, "Content-Length: 10\r\n"));
    assert_true(strstr(plain.text, "Content-Length: 10\r\n") < second);
    bufferevent_free(bev);
    bench_done(&bench);
}

static void count_line(enum log_level level, const char *who, const char *line, void *arg)
{
    (void)level;
    (void)who;
    (void)line;
    ++*(int *)arg;
}

/* A listener that nothing can be accepted from is ready for ever: whoever looks again at once does nothing else. */
static void without_descriptors_it_waits_and_goes_on_when_there_are_some(void **state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct rlimit before, none;
    struct answer answer;
    struct bench bench;
    int fd, turns = 0, lines = 0, spare;
    int64_t end_us;

    (void)state;
    bench_init(&bench, true, 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    copy(to.sun_path, sizeof to.sun_path, bench.socket);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    spare = dup(fd); /* the lowest that is free: nothing below it is */
    assert_true(spare >= 0);
    none = before;
    none.rlim_cur = (rlim_t)spare + 1;
    log_set_line_sink(count_line, &lines);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (end_us = clock_now_us() + 250000; clock_now_us() < end_us; turns++)
        (void)event_base_loop(bench.base, EVLOOP_ONCE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    log_set_line_sink(NULL, NULL);
    assert_in_range(turns, 1, 10);
    assert_int_equal(lines, 1);
    assert_int_equal(close(spare), 0);
    assert_int_equal(close(fd), 0);
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.code, 200);
    bench_done(&bench);
}

static void a_peer_that_is_not_admitted_gets_403(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, true, 2);
    admitted = false;
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_int_equal(answer.code, 403);
    admitted = true;
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.code, 200);
    bench_done(&bench);
}

static void an_answer_above_the_cap_is_corrupt_and_one_at_the_cap_is_not(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    bench_get(&bench, "/fits", &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_int_equal(answer.body_size, BODY_MAX);
    bench_get(&bench, "/big", &answer);
    assert_int_equal(answer.status, ST_CORRUPT);
    bench_done(&bench);
}

static void a_request_above_the_servers_cap_never_reaches_its_handler(void **state)
{
    static char body[2000];
    struct http_request request = {.method = "POST", .body = body, .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    char url[96];

    (void)state;
    memset(body, 'x', sizeof body - 1);
    bench_init(&bench, false, 2);
    (void)snprintf(url, sizeof url, "%s/echo", bench.url);
    request.url = url;
    bench_ask(&bench, &request, &answer);
    assert_true(answer.status != ST_OK || answer.code == 413 || answer.code == 400);
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.code, 200);
    bench_done(&bench);
}

static void a_stale_socket_is_replaced_but_a_living_one_and_a_file_are_not(void **state)
{
    struct http_server_options options = {.body_max = 256, .timeout_us = LONG_US};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct http_server *second = NULL;
    struct answer answer;
    struct bench bench;
    char file[96];
    int fd;

    (void)state;
    bench_init(&bench, true, 2);
    options.base = bench.base;
    options.unix_socket = bench.socket;
    assert_int_equal(http_server_new(&options, &second), ST_BUSY);
    assert_null(second);
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.code, 200);

    http_server_free(bench.server);
    assert_int_not_equal(access(bench.socket, F_OK), 0);
    copy(address.sun_path, sizeof address.sun_path, bench.socket);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* the file stays, nobody listens */
    assert_int_equal(http_server_new(&options, &bench.server), ST_OK);

    (void)snprintf(file, sizeof file, "%s/file", bench.folder);
    fd = open(file, O_CREAT | O_WRONLY, 0600);
    close(fd);
    options.unix_socket = file;
    assert_int_equal(http_server_new(&options, &second), ST_REFUSED);
    assert_int_equal(unlink(file), 0);
    bench_done(&bench);
}

/* Runs the base until the handler has held an exchange. */
static void wait_held(struct bench *bench)
{
    while (!held)
        assert_true(event_base_loop(bench->base, EVLOOP_ONCE) >= 0);
}

static void a_held_exchange_is_answered_later(void **state)
{
    struct http_request request = {.method = "PUT", .body = "{}", .timeout_us = LONG_US};
    struct http_request hello = {.method = "GET", .timeout_us = LONG_US};
    struct answer answer, other;
    struct bench bench;
    char url[96], hello_url[96];
    const char *body;
    size_t size;

    (void)state;
    bench_init(&bench, false, 2);
    (void)snprintf(url, sizeof url, "%s/held/job%%207/x?name=n", bench.url);
    request.url = url;
    held = NULL;
    bench_start(&bench, &request, &answer);
    wait_held(&bench);
    assert_string_equal(held_rest, "job 7/x");
    (void)snprintf(hello_url, sizeof hello_url, "%s/hello", bench.url);
    hello.url = hello_url;
    bench_start(&bench, &hello, &other); /* others do not wait */
    while (other.calls == 0)
        assert_true(event_base_loop(bench.base, EVLOOP_ONCE) >= 0);
    assert_int_equal(other.code, 200);
    assert_int_equal(answer.calls, 0);
    body = http_exchange_body(held, &size);
    assert_int_equal(size, 2);
    assert_string_equal(body, "{}");
    assert_string_equal(http_exchange_query(held, "name"), "n");
    assert_int_equal(http_exchange_peer(held)->uid, -1);
    http_exchange_reply(held, 200, "text/plain", "done", 4);
    bench_run(&bench);
    assert_int_equal(answer.code, 200);
    assert_string_equal(answer.body, "done");
    bench_get(&bench, "/held/", &answer); /* nothing goes on after it */
    assert_int_equal(answer.code, 404);
    bench_get(&bench, "/held", &answer);
    assert_int_equal(answer.code, 404);
    bench_get(&bench, "/held/x", &answer);
    assert_int_equal(answer.code, 405);
    bench_done(&bench);
}

static void a_held_exchange_outlives_its_peer(void **state)
{
    struct http_request request = {.method = "PUT", .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    char url[96];

    (void)state;
    bench_init(&bench, false, 2);
    (void)snprintf(url, sizeof url, "%s/held/x", bench.url);
    request.url = url;
    held = NULL;
    bench_start(&bench, &request, &answer);
    wait_held(&bench);
    http_client_cancel(bench.client, &answer);
    bench.waiting--;
    bench_get(&bench, "/hello", &answer); /* meanwhile the server may have seen it go */
    assert_int_equal(answer.code, 200);
    http_exchange_reply(held, 200, "text/plain", "too late", 8);
    bench_get(&bench, "/hello", &answer);
    assert_int_equal(answer.code, 200);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_over_tcp_with_its_headers),
        cmocka_unit_test(a_unix_socket_names_its_peer_and_is_closed_to_others),
        cmocka_unit_test(bodies_go_both_ways_with_patch_and_post),
        cmocka_unit_test(unknown_paths_and_methods_get_json_errors),
        cmocka_unit_test(head_is_answered_with_the_length_and_no_body),
        cmocka_unit_test(without_descriptors_it_waits_and_goes_on_when_there_are_some),
        cmocka_unit_test(a_peer_that_is_not_admitted_gets_403),
        cmocka_unit_test(an_answer_above_the_cap_is_corrupt_and_one_at_the_cap_is_not),
        cmocka_unit_test(a_request_above_the_servers_cap_never_reaches_its_handler),
        cmocka_unit_test(a_stale_socket_is_replaced_but_a_living_one_and_a_file_are_not),
        cmocka_unit_test(a_held_exchange_is_answered_later),
        cmocka_unit_test(a_held_exchange_outlives_its_peer),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
