/*
 * Takes the Autobahn TestSuite's fuzzing server through its cases, with callbacks on the library's
 * own thread: connect, send every message back with its own type until the end, the next case. It
 * judges nothing: the server writes down what it saw when all cases are over.
 *
 *   usage: driver [--compress] [--partial] [--ca FILE] URL AGENT [FIRST [LAST]]
 *
 *   --compress   offer permessage-deflate
 *   --partial    take messages in portions, and send each back as a frame
 *   --ca FILE    the authority of a wss server, in PEM
 *   FIRST, LAST  numbers in the server's own list, from 1; without them all of it
 *
 * Ends with 1 when a case could not be connected, echoed or ended in time.
 */
#include <anyws.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>

enum {
    ANSWER_MS = 30000,   /* for what the server knows at once */
    REPORT_MS = 300000,  /* for the reports to be written */
    CASE_SECONDS = 480,  /* the suite's own largest limit */
    RELEASE_SECONDS = 10 /* for the callbacks to be over after that */
};

struct settings {
    const char *url;
    const char *agent;
    bool compress;
    bool partial;
    char *authority;
    size_t authority_length;
};

/* One case. Under the lock once it is connecting; the main thread reads it when it is released. */
struct conversation {
    mtx_t lock;
    cnd_t changed;
    bool partial;
    bool inside; /* a message that goes back in portions; of the library's thread alone */
    bool released;
    const char *trouble;
    ws_result result;
};

static bool read_authority(struct settings *settings, const char *path)
{
    enum { CAPACITY = 64 * 1024 };
    FILE *file = fopen(path, "rb");

    free(settings->authority);
    settings->authority = malloc(CAPACITY);
    if (file && settings->authority)
        settings->authority_length = fread(settings->authority, 1, CAPACITY, file);
    if (file)
        fclose(file);
    if (!settings->authority_length)
        fprintf(stderr, "driver: %s cannot be read\n", path);
    return settings->authority_length > 0;
}

static ws_result set(ws_socket *socket, ws_control control, uint64_t value)
{
    ws_result result = ws_set_control(socket, control, value);

    if (WS_FAILED(result))
        fprintf(stderr, "driver: control %" PRIu32 ": %s\n", control, ws_last_error_message());
    return result;
}

static ws_socket *new_socket(const struct settings *settings)
{
    ws_socket *socket = ws_message_socket_new();
    bool good = socket != NULL;

    /* An echo is never refused for want of room: what is sent back was received before. */
    good = good && WS_SUCCEEDED(set(socket, WS_CONTROL_SEND_QUEUE_LIMIT, UINT32_MAX));
    if (good && settings->compress)
        good = WS_SUCCEEDED(set(socket, WS_CONTROL_COMPRESSION, 1));
    if (good && settings->partial)
        good = WS_SUCCEEDED(set(socket, WS_CONTROL_RECEIVE_MODE, WS_RECEIVE_MODE_PARTIAL_MESSAGE));
    if (good && settings->authority) {
        good = WS_SUCCEEDED(set(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0)) &&
               WS_SUCCEEDED(ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES,
                                                 settings->authority,
                                                 settings->authority_length));
    }
    if (good)
        return socket;
    fprintf(stderr, "driver: no socket: %s\n", ws_last_error_message());
    ws_socket_free(socket);
    return NULL;
}

static ws_result echo_message(ws_socket *socket, const ws_message *message)
{
    if (message->type == WS_MESSAGE_TYPE_UTF8)
        return ws_send_text(socket, (const char *)message->data, message->len);
    return ws_send_binary(socket, message->data, message->len);
}

/* Each portion is a frame of its own, so text is also cut inside characters. */
static ws_result echo_portion(ws_socket *socket, const ws_message *portion,
                              struct conversation *conversation)
{
    ws_result result = WS_OK;

    if (!conversation->inside)
        result = set(socket, WS_CONTROL_MESSAGE_TYPE, portion->type);
    conversation->inside = !portion->is_complete;
    if (WS_FAILED(result))
        return result;
    if (portion->is_complete)
        return ws_send_final_frame(socket, portion->data, portion->len);
    return ws_send_nonfinal_frame(socket, portion->data, portion->len);
}

static void note(struct conversation *conversation, const char *trouble, ws_result result)
{
    mtx_lock(&conversation->lock);
    if (!conversation->trouble) {
        conversation->trouble = trouble;
        conversation->result = result;
    }
    mtx_unlock(&conversation->lock);
}

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    (void)operation;
    (void)bytes;
    if (WS_FAILED(result)) {
        note(user_data, "could not connect", result);
        ws_socket_free(socket);
    }
}

static void on_message(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct conversation *conversation = user_data;
    ws_result result = conversation->partial ? echo_portion(socket, message, conversation)
                                             : echo_message(socket, message);

    /* A server that breaks the protocol right behind its message may be noticed first. */
    if (WS_FAILED(result) && result != WS_E_CLOSED)
        note(conversation, "could not send back", result);
}

/* How it ended is for the server to judge. */
static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    (void)closed;
    (void)user_data;
    ws_socket_free(socket);
}

static void on_released(ws_socket *socket, void *user_data)
{
    struct conversation *conversation = user_data;

    (void)socket;
    mtx_lock(&conversation->lock);
    conversation->released = true;
    cnd_signal(&conversation->changed);
    mtx_unlock(&conversation->lock);
}

static bool wait_for_release(struct conversation *conversation, time_t seconds)
{
    struct timespec deadline;
    bool released;

    timespec_get(&deadline, TIME_UTC);
    deadline.tv_sec += seconds;
    mtx_lock(&conversation->lock);
    while (!conversation->released &&
           cnd_timedwait(&conversation->changed, &conversation->lock, &deadline) == thrd_success) {
    }
    released = conversation->released;
    mtx_unlock(&conversation->lock);
    return released;
}

static bool run_case(const struct settings *settings, struct conversation *conversation,
                     long number)
{
    char uri[512];
    ws_socket *socket = new_socket(settings);

    if (!socket)
        return false;
    conversation->inside = false;
    conversation->released = false;
    conversation->trouble = NULL;
    snprintf(uri, sizeof uri, "%s/runCase?case=%ld&agent=%s", settings->url, number,
             settings->agent);
    ws_on_message_received(socket, on_message, conversation);
    ws_on_closed(socket, on_closed, conversation);
    ws_on_released(socket, on_released, conversation);

    ws_result result = ws_connect(socket, uri, on_connected, conversation);
    if (WS_FAILED(result)) {
        note(conversation, "could not begin to connect", result);
        ws_socket_free(socket);
    }
    if (!wait_for_release(conversation, CASE_SECONDS)) {
        note(conversation, "did not end in time", WS_E_TIMEOUT);
        ws_socket_free(socket); /* a stale handle by now is an answer, not an accident */
        if (!wait_for_release(conversation, RELEASE_SECONDS)) {
            fprintf(stderr, "driver: number %ld: released was never called\n", number);
            abort();
        }
    }
    if (conversation->trouble)
        fprintf(stderr, "driver: number %ld %s: %s\n", number, conversation->trouble,
                ws_result_name(conversation->result));
    return !conversation->trouble;
}

/* Asks for `path` and hands over the last message that came before the end; 0 for none. */
static bool ask(const struct settings *settings, const char *path, uint32_t timeout_ms,
                long *answer)
{
    char uri[512];
    ws_message *message = NULL;
    ws_socket *socket = new_socket(settings);

    if (!socket)
        return false;
    snprintf(uri, sizeof uri, "%s%s", settings->url, path);
    *answer = 0;
    ws_result result = ws_connect_wait(socket, uri, ANSWER_MS);
    while (WS_SUCCEEDED(result)) {
        result = ws_receive(socket, &message, timeout_ms);
        if (WS_SUCCEEDED(result)) {
            *answer = strtol((const char *)message->data, NULL, 10);
            ws_message_release(message);
        }
    }
    if (result != WS_E_CLOSED)
        fprintf(stderr, "driver: %s: %s, %s\n", uri, ws_result_name(result),
                ws_last_error_message());
    ws_socket_free(socket);
    return result == WS_E_CLOSED;
}

static bool run(const struct settings *settings, long first, long last)
{
    struct conversation conversation = {.partial = settings->partial};
    char path[256];
    bool good = true;
    long count, none;
    time_t begun = time(NULL);

    if (!ask(settings, "/getCaseCount", ANSWER_MS, &count))
        return false;
    if (last == 0 || last > count)
        last = count;
    if (mtx_init(&conversation.lock, mtx_plain) != thrd_success ||
        cnd_init(&conversation.changed) != thrd_success)
        return false;
    for (long number = first; number <= last; ++number)
        good &= run_case(settings, &conversation, number);
    cnd_destroy(&conversation.changed);
    mtx_destroy(&conversation.lock);

    snprintf(path, sizeof path, "/updateReports?agent=%s", settings->agent);
    good &= ask(settings, path, REPORT_MS, &none);
    printf("%ld cases, %.0f seconds\n", last - first + 1, difftime(time(NULL), begun));
    return good;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    bool good = true;
    int at = 1;

    for (; good && at < argc && strncmp(argv[at], "--", 2) == 0; ++at) {
        if (strcmp(argv[at], "--compress") == 0)
            settings.compress = true;
        else if (strcmp(argv[at], "--partial") == 0)
            settings.partial = true;
        else if (strcmp(argv[at], "--ca") == 0 && at + 1 < argc)
            good = read_authority(&settings, argv[++at]);
        else
            good = false;
    }
    if (good && argc - at >= 2 && argc - at <= 4) {
        settings.url = argv[at];
        settings.agent = argv[at + 1];
        long first = argc - at > 2 ? strtol(argv[at + 2], NULL, 10) : 1;
        long last = argc - at > 3 ? strtol(argv[at + 3], NULL, 10) : argc - at > 2 ? first : 0;
        good = run(&settings, first, last);
    } else {
        fprintf(stderr, "usage: %s [--compress] [--partial] [--ca FILE] URL AGENT [FIRST [LAST]]\n",
                argv[0]);
        good = false;
    }
    free(settings.authority);
    if (ws_shutdown(5000) != WS_OK)
        good = false;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
