/* SPDX-License-Identifier: Apache-2.0 */
/* test_http_peers.c: the HTTP client against peers that behave badly, and its connections. */
#include "unit/http_bench.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

/* ---- peers that behave badly ---- */

static void a_silent_peer_is_a_timeout_after_the_request_left(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    peer_ask(&bench, NULL, false, 500000, &answer); /* longer than a machine stalls: it must have left */
    assert_int_equal(answer.status, ST_TIMEOUT);
    assert_int_equal(answer.code, 0);
    assert_true(answer.dispatched_us >= answer.sent_us);
    assert_true(answer.done_us - answer.sent_us >= 490000);
    peer_ask(&bench, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, 50000, &answer);
    assert_int_equal(answer.status, ST_TIMEOUT);
    bench_done(&bench);
}

static void nobody_there_is_a_nack_and_nothing_left(void **state)
{
    struct http_request request = {.method = "GET", .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    struct peer peer;

    (void)state;
    bench_init(&bench, false, 2);
    peer_init(&peer, &bench, NULL, false);
    peer_done(&peer);
    request.url = peer.url;
    bench_ask(&bench, &request, &answer);
    assert_int_equal(answer.status, ST_NACK);
    assert_int_equal(answer.dispatched_us, 0);
    assert_non_null(strstr(answer.body, "connect")); /* says why, in words */
    request.url = "gopher://127.0.0.1/";
    bench_ask(&bench, &request, &answer);
    assert_int_equal(answer.status, ST_REFUSED);
    bench_done(&bench);
}

static void an_http_1_0_answer_without_a_length_ends_at_the_close(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    peer_ask(&bench, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>all of it", true, LONG_US,
             &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_int_equal(answer.code, 200);
    assert_string_equal(answer.body, "<p>all of it");
    bench_done(&bench);
}

static void answers_cut_short_are_corrupt(void **state)
{
    static const char *const cut[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "SSH-2.0-OpenSSH_9.2p1\r\n",
    };
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
        peer_ask(&bench, cut[i], true, LONG_US, &answer);
        assert_int_equal(answer.status, ST_CORRUPT);
    }
    bench_done(&bench);
}

static void a_connection_dropped_without_a_word_leaves_the_outcome_unknown(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    peer_ask(&bench, "", true, LONG_US, &answer);
    assert_int_equal(answer.status, ST_TIMEOUT);
    assert_true(answer.dispatched_us > 0);
    bench_done(&bench);
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
    struct answer answer;
    struct bench bench;

    (void)state;
    bench_init(&bench, false, 2);
    peer_ask(&bench, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
             false, LONG_US, &answer);
    assert_int_equal(answer.status, ST_OK);
    assert_int_equal(answer.code, 302);
    bench_done(&bench);
}

/* ---- connections ---- */

static const char short_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void one_connection_is_kept_and_a_fresh_one_is_not_shared(void **state)
{
    struct http_request request = {.method = "GET", .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    struct peer peer;

    (void)state;
    bench_init(&bench, false, 2);
    peer_init(&peer, &bench, short_answer, false);
    request.url = peer.url;
    for (int i = 0; i < 5; i++)
        bench_ask(&bench, &request, &answer);
    assert_int_equal(peer.connections, 1);
    request.fresh_connection = true;
    bench_ask(&bench, &request, &answer);
    assert_int_equal(peer.connections, 2);
    request.fresh_connection = false;
    bench_ask(&bench, &request, &answer);
    assert_int_equal(peer.connections, 2);
    peer_done(&peer);
    bench_done(&bench);
}

/* Says something without being asked; returns when it lies in the other end. */
static void peer_say_unasked(struct bench *bench, struct bufferevent *connection, const char *what)
{
    int unread = 1;

    assert_int_equal(bufferevent_write(connection, what, strlen(what)), 0);
    while (evbuffer_get_length(bufferevent_get_output(connection)) > 0)
        event_base_loop(bench->base, EVLOOP_ONCE);
    while (unread > 0) /* not acknowledged by the other end's kernel */
        assert_int_equal(ioctl(bufferevent_getfd(connection), SIOCOUTQ, &unread), 0);
}

/* Keep-alive without numbers: an answer too many would make each one the next question's. */
static void an_answer_that_nobody_asked_for_is_never_the_next_ones(void **state)
{
    struct http_request request = {.method = "PATCH", .body = "{}", .timeout_us = LONG_US};
    struct answer answer;
    struct bench bench;
    struct peer peer;

    (void)state;
    bench_init(&bench, false, 2);
    peer_init(&peer, &bench, short_answer, false);
    request.url = peer.url;
    for (int i = 1; i <= 3; i++) {
        peer.say = short_answer;
        bench_ask(&bench, &request, &answer);
        assert_string_equal(answer.body, "ok");
        assert_int_equal(peer.connections, i);
        peer_say_unasked(&bench, peer.open[i - 1], short_answer);
        peer.say = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew";
        bench_ask(&bench, &request, &answer);
        assert_int_equal(answer.status, ST_OK);
        assert_string_equal(answer.body, "new");
        assert_int_equal(peer.connections, i + 1);
    }
    peer_done(&peer);
    bench_done(&bench);
}

static void two_exchanges_run_side_by_side_and_a_third_waits_for_a_connection(void **state)
{
    struct http_request request = {.method = "GET", .timeout_us = LONG_US};
    struct answer answers[3];
    struct bench bench;
    struct peer peer;

    (void)state;
    bench_init(&bench, false, 2);
    peer_init(&peer, &bench, short_answer, false);
    peer.quiet = true;
    request.url = peer.url;
    for (int i = 0; i < 3; i++)
        bench_start(&bench, &request, &answers[i]);
    while (peer.connections < 2 || evbuffer_get_length(bufferevent_get_input(peer.open[0])) == 0 ||
           evbuffer_get_length(bufferevent_get_input(peer.open[1])) == 0)
        event_base_loop(bench.base, EVLOOP_ONCE);
    assert_int_equal(bench.waiting, 3); /* both requests arrived before either was answered */
    peer.quiet = false;
    peer_on_read(peer.open[0], &peer);
    peer_on_read(peer.open[1], &peer);
    bench_run(&bench);
    assert_int_equal(peer.connections, 2);
    for (int i = 0; i < 3; i++)
        assert_string_equal(answers[i].body, "ok");
    /* The third was queued: it left when one of the others was done. */
    assert_true(answers[2].dispatched_us >= answers[0].done_us ||
                answers[2].dispatched_us >= answers[1].done_us);
    peer_done(&peer);
    bench_done(&bench);
}

static void freeing_the_client_cuts_exchanges_without_a_callback(void **state)
{
    struct http_request request = {.method = "GET", .timeout_us = LONG_US};
    struct answer answers[3];
    struct bench bench;
    struct peer peer;

    (void)state;
    bench_init(&bench, false, 2);
    peer_init(&peer, &bench, NULL, false);
    request.url = peer.url;
    for (int i = 0; i < 3; i++)
        bench_start(&bench, &request, &answers[i]);
    while (peer.connections < 2)
        event_base_loop(bench.base, EVLOOP_ONCE);
    bench.client = http_client_free(bench.client);
    event_base_loop(bench.base, EVLOOP_NONBLOCK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(answers[i].calls, 0);
    peer_done(&peer);
    bench_done(&bench);
}

static void on_chain(const struct http_response *response, void *arg)
{
    struct bench *bench = arg;
    char url[96];
    struct http_request request = {.method = "GET", .url = url, .timeout_us = LONG_US};

    assert_int_equal(response->status, ST_OK);
    if (--bench->waiting > 0) {
        (void)snprintf(url, sizeof url, "%s/hello", bench->url);
        assert_int_equal(http_client_send(bench->client, &request, on_chain, bench), ST_OK);
    }
}

static void a_callback_may_start_the_next_exchange(void **state)
{
    struct http_request request = {.method = "GET", .timeout_us = LONG_US};
    struct bench bench;
    char url[96];

    (void)state;
    bench_init(&bench, false, 1);
    (void)snprintf(url, sizeof url, "%s/hello", bench.url);
    request.url = url;
    bench.waiting = 20;
    assert_int_equal(http_client_send(bench.client, &request, on_chain, &bench), ST_OK);
    bench_run(&bench);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_peer_is_a_timeout_after_the_request_left),
        cmocka_unit_test(nobody_there_is_a_nack_and_nothing_left),
        cmocka_unit_test(an_http_1_0_answer_without_a_length_ends_at_the_close),
        cmocka_unit_test(answers_cut_short_are_corrupt),
        cmocka_unit_test(a_connection_dropped_without_a_word_leaves_the_outcome_unknown),
        cmocka_unit_test(a_redirect_is_an_answer_and_is_not_followed),
        cmocka_unit_test(one_connection_is_kept_and_a_fresh_one_is_not_shared),
        cmocka_unit_test(an_answer_that_nobody_asked_for_is_never_the_next_ones),
        cmocka_unit_test(two_exchanges_run_side_by_side_and_a_third_waits_for_a_connection),
        cmocka_unit_test(freeing_the_client_cuts_exchanges_without_a_callback),
        cmocka_unit_test(a_callback_may_start_the_next_exchange),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours: libevent writes to closed sockets */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
