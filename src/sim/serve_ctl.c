/* SPDX-License-Identifier: Apache-2.0 */
/* serve_ctl.c: the control socket: one line in, one line of JSON out.
 *
 * On the event base's thread. Owns the listener and its connections; changes
 * plant, faults, load and meter only as a command asks. Never waits.
 */
#include "serve_ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve.h"
#include "serve_read.h"

#define SERVE_CTL_LINE_MAX  512
#define SERVE_CTL_WORDS_MAX 12

struct serve_ctl_client {
    TAILQ_ENTRY(serve_ctl_client) entry;
    struct serve_ctl *ctl;
    struct bufferevent *stream;
    bool closing; /* the peer sends no more: hang up once it has its answers */
};
TAILQ_HEAD(serve_ctl_clients, serve_ctl_client);

struct serve_ctl {
    struct serve *serve;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct evconnlistener *listener;
    struct serve_ctl_clients clients;
};

/* ---- commands ---- */

struct serve_ctl_words {
    int count;
    char *word[SERVE_CTL_WORDS_MAX];
};

struct serve_ctl_verb {
    const char *word;
    int words_min, words_max; /* this one included */
    const char *usage;
    struct json_object *(*run)(struct serve *serve, const struct serve_ctl_words *words);
};

__attribute__((format(printf, 1, 2))) static struct json_object *serve_ctl_refuse(const char *format, ...)
{
    struct json_object *to = json_object_new_object();
    char text[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_object_object_add(to, "ok", json_object_new_boolean(false));
    json_object_object_add(to, "error", json_object_new_string(text));
    return to;
}

static struct json_object *serve_ctl_done(void)
{
    struct json_object *to = json_object_new_object();

    json_object_object_add(to, "ok", json_object_new_boolean(true));
    return to;
}

static bool serve_ctl_number(const char *text, double min, double max, double *ret)
{
    char *end;

    *ret = strtod(text, &end);
    return end != text && *end == '\0' && *ret >= min && *ret <= max;
}

static void serve_ctl_reset(struct serve *serve, struct faults_target target)
{
    if (target.class == FAULT_PSU || target.class == FAULT_PSU_SMBUS)
        plant_psu_reset(&serve->plant, target.index);
    else if (target.class == FAULT_BBU)
        plant_bbu_reset(&serve->plant, target.index);
    else if (target.class == FAULT_BMC)
        plant_bmc_reset(&serve->plant, target.index);
}

static struct json_object *serve_ctl_fault(struct serve *serve, const struct serve_ctl_words *words)
{
    double every = 1.0, seconds = 0.0, value = NAN;
    struct faults_target target;
    enum fault_kind kind = faults_kind_find(words->word[2]);

    if (faults_find(&serve->plant, words->word[1], &target) != ST_OK)
        return serve_ctl_refuse("there is no device '%.60s'", words->word[1]);
    if (kind == FAULT_KIND_COUNT)
        return serve_ctl_refuse("there is no fault '%.60s'", words->word[2]);
    for (int i = 3; i < words->count; i += 2) {
        const char *key = words->word[i], *text = i + 1 < words->count ? words->word[i + 1] : "";
        bool good = false;

        if (strcmp(key, "every") == 0)
            good = serve_ctl_number(text, 1.0, 1e6, &every);
        else if (strcmp(key, "seconds") == 0)
            good = serve_ctl_number(text, 0.001, 1e6, &seconds);
        else if (strcmp(key, "value") == 0)
            good = serve_ctl_number(text, 0.0, 1e6, &value);
        if (!good)
            return serve_ctl_refuse("'%.40s %.40s' is not every N, seconds S or value V", key, text);
    }
    if (kind != FAULT_RESET)
        faults_set(&serve->faults, target, kind, (uint32_t)every, seconds, value);
    else if (target.class == FAULT_PMM_PSU || target.class == FAULT_PMM_BBU || target.class == FAULT_LINE ||
             target.class == FAULT_SMBUS)
        return serve_ctl_refuse("'%.60s' has nothing to reset", words->word[1]);
    else
        serve_ctl_reset(serve, target);
    return serve_ctl_done();
}

static struct json_object *serve_ctl_clear(struct serve *serve, const struct serve_ctl_words *words)
{
    struct faults_target target;

    if (words->count == 1) {
        faults_clear(&serve->faults, NULL);
        return serve_ctl_done();
    }
    if (faults_find(&serve->plant, words->word[1], &target) != ST_OK)
        return serve_ctl_refuse("there is no device '%.60s'", words->word[1]);
    faults_clear(&serve->faults, &target);
    return serve_ctl_done();
}

/* Another device in its place, as it comes out of its box. False: a text is too long. */
static bool serve_ctl_swap_module(char *serial, char *model, size_t room, const struct serve_ctl_words *words)
{
    const char *new_model = words->count > 3 ? words->word[3] : "";

    if (strlen(words->word[2]) >= room || strlen(new_model) >= room)
        return false;
    memcpy(serial, words->word[2], strlen(words->word[2]) + 1);
    memcpy(model, new_model, strlen(new_model) + 1);
    return true;
}

static struct json_object *serve_ctl_swap(struct serve *serve, const struct serve_ctl_words *words)
{
    struct plant *plant = &serve->plant;
    struct faults_target target;
    bool good = false;

    if (faults_find(plant, words->word[1], &target) != ST_OK)
        return serve_ctl_refuse("there is no device '%.60s'", words->word[1]);
    if (target.class == FAULT_PSU || target.class == FAULT_PSU_SMBUS) {
        struct plant_psu *psu = &plant->psus[target.index];

        good = serve_ctl_swap_module(psu->serial, psu->model, sizeof psu->serial, words);
    } else if (target.class == FAULT_BBU) {
        struct plant_bbu *bbu = &plant->bbus[target.index];

        good = serve_ctl_swap_module(bbu->serial, bbu->model, sizeof bbu->serial, words);
    } else if (target.class == FAULT_BMC && words->count == 3) {
        char *uuid = plant->bmc_uuid[target.index];

        good = strlen(words->word[2]) < sizeof plant->bmc_uuid[0];
        if (good)
            memcpy(uuid, words->word[2], strlen(words->word[2]) + 1);
    } else {
        return serve_ctl_refuse("'%.60s' is no module, and a BMC has a UUID alone", words->word[1]);
    }
    if (!good)
        return serve_ctl_refuse("a serial number or a model has 16 characters at most, a UUID 39");
    serve_ctl_reset(serve, target);
    return serve_ctl_done();
}

static struct json_object *serve_ctl_load(struct serve *serve, const struct serve_ctl_words *words)
{
    double start_s = 0.0;

    if (strcmp(words->word[1], "idle") == 0) {
        workload_stop(&serve->workload);
        return serve_ctl_done();
    }
    if (strcmp(words->word[1], "trace") != 0)
        return serve_ctl_refuse("'%.40s' is not idle or trace", words->word[1]);
    if (words->count > 2 && !serve_ctl_number(words->word[2], 0.0, 1e9, &start_s))
        return serve_ctl_refuse("'%.40s' is not a time in seconds", words->word[2]);
    workload_play(&serve->workload, start_s);
    return serve_ctl_done();
}

static struct json_object *serve_ctl_envelope(struct serve *serve, const struct serve_ctl_words *words)
{
    double envelope_w;

    if (!serve_ctl_number(words->word[1], 1.0, 1e8, &envelope_w))
        return serve_ctl_refuse("'%.40s' is not a power in W", words->word[1]);
    serve_set_envelope(serve, envelope_w);
    return serve_ctl_done();
}

static struct json_object *serve_ctl_meter(struct serve *serve, const struct serve_ctl_words *words)
{
    struct json_object *to;
    struct meter_total total;

    if (words->count > 1) {
        if (strcmp(words->word[1], "reset") != 0)
            return serve_ctl_refuse("'%.40s' is not reset", words->word[1]);
        meter_reset(serve->meter);
        return serve_ctl_done();
    }
    to = json_object_new_object();
    meter_total(serve->meter, &total);
    json_object_object_add(to, "limits", serve_read_limits(serve->meter));
    json_object_object_add(to, "measured_ms", json_object_new_int64(total.measured_ms));
    json_object_object_add(to, "mean_power_w", serve_read_number(total.mean_w, 1));
    json_object_object_add(to, "peak_power_w", serve_read_number(total.peak_w, 1));
    json_object_object_add(to, "energy_j", serve_read_number(total.energy_j, 1));
    return to;
}

static struct json_object *serve_ctl_read(struct serve *serve, const struct serve_ctl_words *words)
{
    struct json_object *all = serve_read_all(&serve->plant, words->word[1]);
    struct faults_target target;

    if (all)
        return all;
    if (faults_find(&serve->plant, words->word[1], &target) != ST_OK)
        return serve_ctl_refuse("there is no device '%.60s'", words->word[1]);
    return serve_read_device(&serve->plant, target);
}

static struct json_object *serve_ctl_spans(struct serve *serve, const struct serve_ctl_words *words)
{
    (void)words;
    return serve_spans_take(&serve->spans, &serve->plant);
}

static struct json_object *serve_ctl_status(struct serve *serve, const struct serve_ctl_words *words)
{
    struct json_object *to = json_object_new_object();
    struct workload_result work;

    (void)words;
    workload_result(&serve->workload, &work);
    json_object_object_add(to, "rack", json_object_new_string(serve->rack.name));
    json_object_object_add(to, "plant_s", serve_read_number((double)serve->plant.now_us / 1e6, 3));
    json_object_object_add(to, "load", json_object_new_string(serve->workload.playing ? "trace" : "idle"));
    json_object_object_add(to, "trace", json_object_new_string(serve->workload.trace->name));
    json_object_object_add(to, "envelope_w", serve_read_number(serve->envelope_w, 1));
    json_object_object_add(to, "ac_w", serve_read_number(serve->plant.ac_w, 1));
    json_object_object_add(to, "dc_w", serve_read_number(serve->plant.dc_w, 1));
    json_object_object_add(to, "bus_v", serve_read_number(serve->plant.bus_v, 4));
    json_object_object_add(to, "elapsed_s", serve_read_number(work.elapsed_s, 3));
    json_object_object_add(to, "served_work", serve_read_number(work.served_work, 3));
    json_object_object_add(to, "offered_work", serve_read_number(work.offered_work, 3));
    json_object_object_add(to, "slowdown_p95", serve_read_number(work.slowdown_p95, 4));
    json_object_object_add(to, "faulty_devices", json_object_new_int64(serve->faults.active_count));
    return to;
}

static const struct serve_ctl_verb serve_ctl_verbs[] = {
    { "fault", 3, 9, "fault DEVICE KIND [every N] [seconds S] [value V]", serve_ctl_fault },
    { "clear", 1, 2, "clear [DEVICE]", serve_ctl_clear },
    { "swap", 3, 4, "swap DEVICE SERIAL [MODEL] | swap bmc-N UUID", serve_ctl_swap },
    { "load", 2, 3, "load idle | load trace [START_S]", serve_ctl_load },
    { "envelope", 2, 2, "envelope W", serve_ctl_envelope },
    { "meter", 1, 2, "meter [reset]", serve_ctl_meter },
    { "read", 2, 2, "read DEVICE | read gpus | read psus | read bbus", serve_ctl_read },
    { "spans", 1, 1, "spans", serve_ctl_spans },
    { "status", 1, 1, "status", serve_ctl_status },
};

struct json_object *serve_ctl_command(struct serve *serve, char *line)
{
    struct serve_ctl_words words = { .count = 0 };
    char *rest = NULL;

    for (char *word = strtok_r(line, " \t\r\n", &rest); word; word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (words.count == SERVE_CTL_WORDS_MAX)
            return serve_ctl_refuse("too many words");
        words.word[words.count++] = word;
    }
    if (words.count == 0)
        return serve_ctl_refuse("a command is needed");
    for (size_t i = 0; i < sizeof serve_ctl_verbs / sizeof serve_ctl_verbs[0]; i++) {
        const struct serve_ctl_verb *verb = &serve_ctl_verbs[i];

        if (strcmp(words.word[0], verb->word) != 0)
            continue;
        if (words.count < verb->words_min || words.count > verb->words_max)
            return serve_ctl_refuse("usage: %s", verb->usage);
        return verb->run(serve, &words);
    }
    return serve_ctl_refuse("there is no command '%.40s'", words.word[0]);
}

/* ---- connections ---- */

static void serve_ctl_hang_up(struct serve_ctl_client *client)
{
    TAILQ_REMOVE(&client->ctl->clients, client, entry);
    bufferevent_free(client->stream);
    free(client);
}

static void serve_ctl_event(struct bufferevent *stream, short what, void *arg)
{
    struct serve_ctl_client *client = arg;

    if (what & BEV_EVENT_ERROR || evbuffer_get_length(bufferevent_get_output(stream)) == 0)
        serve_ctl_hang_up(client);
    else if (what & BEV_EVENT_EOF)
        client->closing = true;
}

static void serve_ctl_written(struct bufferevent *stream, void *arg)
{
    struct serve_ctl_client *client = arg;

    (void)stream; /* called when nothing is left to send */
    if (client->closing)
        serve_ctl_hang_up(client);
}

static void serve_ctl_readable(struct bufferevent *stream, void *arg)
{
    struct serve_ctl_client *client = arg;
    struct evbuffer *in = bufferevent_get_input(stream);
    char *line;

    while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF)) != NULL) {
        struct json_object *answer = serve_ctl_command(client->ctl->serve, line);

        (void)evbuffer_add_printf(bufferevent_get_output(stream), "%s\n",
                                  json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
        json_object_put(answer);
        free(line);
    }
    if (evbuffer_get_length(in) > SERVE_CTL_LINE_MAX)
        serve_ctl_hang_up(client);
}

static void serve_ctl_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                             int length, void *arg)
{
    struct serve_ctl *ctl = arg;
    struct serve_ctl_client *client = calloc(1, sizeof *client);

    (void)address;
    (void)length;
    if (!client) {
        (void)close((int)fd);
        return;
    }
    client->ctl = ctl;
    client->stream = bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client->stream) {
        (void)close((int)fd);
        free(client);
        return;
    }
    TAILQ_INSERT_TAIL(&ctl->clients, client, entry);
    bufferevent_setcb(client->stream, serve_ctl_readable, serve_ctl_written, serve_ctl_event, client);
    (void)bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* A socket that a dead simulator left behind is taken over, a live one is not. */
static bool serve_ctl_is_stale(const struct sockaddr_un *address)
{
    struct stat st;
    bool stale = false;
    int fd;

    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    stale = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return stale;
}

enum status serve_ctl_new(struct serve *serve, const char *path, struct serve_ctl **ret)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct serve_ctl *ctl = calloc(1, sizeof *ctl);

    if (!ctl)
        return ST_NOMEM;
    TAILQ_INIT(&ctl->clients);
    ctl->serve = serve;
    if (strlen(path) >= sizeof address.sun_path) {
        (void)fprintf(stderr, "busbarsim: %s: too long for a socket's path\n", path);
        goto fail;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (serve_ctl_is_stale(&address))
        (void)unlink(path);
    ctl->listener = evconnlistener_new_bind(serve->base, serve_ctl_accept, ctl,
                                            LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
                                            (struct sockaddr *)&address, sizeof address);
    if (!ctl->listener) {
        (void)fprintf(stderr, "busbarsim: %s: %s\n", path, strerror(errno));
        goto fail;
    }
    memcpy(ctl->path, path, strlen(path) + 1);
    *ret = ctl;
    return ST_OK;

fail:
    serve_ctl_free(ctl);
    return ST_SYS;
}

struct serve_ctl *serve_ctl_free(struct serve_ctl *ctl)
{
    if (!ctl)
        return NULL;
    while (!TAILQ_EMPTY(&ctl->clients))
        serve_ctl_hang_up(TAILQ_FIRST(&ctl->clients));
    if (ctl->listener)
        evconnlistener_free(ctl->listener);
    if (ctl->path[0])
        (void)unlink(ctl->path);
    free(ctl);
    return NULL;
}
