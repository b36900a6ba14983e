/*
 * A stream socket of anyws, as one would send a file or fetch one: reads into a buffer of 1 MiB and
 * writes of a message's size, each begun when the one before has completed, on the I/O thread, or
 * waited for by the application's.
 */
#include "anyws_controls.h"

#include <threads.h>

enum { READ_BYTES = 1024 * 1024 };

struct client {
    const struct task *task;
    ws_socket *socket;
    ws_read_options options;
    char *payload;
    char *buffer;
    uint64_t left; /* bytes to be read yet, or messages to be written */
    struct reading begin;

    mtx_t lock;
    cnd_t finished;
    int is_finished;
};

static void finish(struct client *client)
{
    print_since(client->begin, client->task->count);
    mtx_lock(&client->lock);
    client->is_finished = 1;
    cnd_signal(&client->finished);
    mtx_unlock(&client->lock);
}

static size_t next_read_bytes(const struct client *client)
{
    return client->left < READ_BYTES ? (size_t)client->left : READ_BYTES;
}

static void on_read(ws_socket *socket, ws_operation operation, ws_result result, uint64_t bytes,
                    void *user_data)
{
    struct client *client = user_data;

    (void)operation;
    if (WS_FAILED(result) || bytes == 0)
        fail("a read failed");
    client->left -= bytes;
    if (client->left == 0)
        finish(client);
    else if (WS_FAILED(ws_read(socket, client->buffer, next_read_bytes(client), client->options,
                               on_read, client)))
        fail("a read in a completion failed");
}

static void read_waiting(struct client *client)
{
    while (client->left > 0) {
        size_t bytes = 0;

        if (WS_FAILED(ws_read_wait(client->socket, client->buffer, next_read_bytes(client),
                                   client->options, TIMEOUT_MS, &bytes)) ||
            bytes == 0)
            fail(ws_last_error_message());
        client->left -= bytes;
    }
    finish(client);
}

static void read_all(struct client *client)
{
    client->left = (uint64_t)client->task->count * client->task->bytes;
    if (WS_FAILED(ws_write_wait(client->socket, "a", 1, TIMEOUT_MS, NULL)))
        fail(ws_last_error_message());
    if (task_is(client->task, "read-wait"))
        read_waiting(client);
    else if (WS_FAILED(ws_read(client->socket, client->buffer, next_read_bytes(client),
                               client->options, on_read, client)))
        fail(ws_last_error_message());
}

/* The server answers once it has everything. */
static void wait_for_answer(struct client *client)
{
    if (WS_FAILED(ws_read_wait(client->socket, client->buffer, 1, WS_READ_NONE, WS_INFINITE, NULL)))
        fail(ws_last_error_message());
    finish(client);
}

static void on_written(ws_socket *socket, ws_operation operation, ws_result result, uint64_t bytes,
                       void *user_data)
{
    struct client *client = user_data;

    (void)operation, (void)bytes;
    if (WS_FAILED(result))
        fail("a write failed");
    if (--client->left > 0 &&
        WS_FAILED(ws_write(socket, client->payload, client->task->bytes, on_written, client)))
        fail("a write in a completion failed");
}

static void write_all(struct client *client)
{
    client->left = (uint64_t)client->task->count;
    if (task_is(client->task, "write")) {
        if (WS_FAILED(ws_write(client->socket, client->payload, client->task->bytes, on_written,
                               client)))
            fail(ws_last_error_message());
    } else {
        for (; client->left > 0; client->left--)
            if (WS_FAILED(ws_write_wait(client->socket, client->payload, client->task->bytes,
                                        TIMEOUT_MS, NULL)))
                fail(ws_last_error_message());
    }
    wait_for_answer(client);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);
    struct client client = {.task = &task, .payload = task_payload(&task)};

    mtx_init(&client.lock, mtx_plain);
    cnd_init(&client.finished);
    client.buffer = malloc(READ_BYTES);
    if (!client.buffer)
        fail("no memory");
    client.options = task_is(&task, "read-partial") ? WS_READ_PARTIAL : WS_READ_NONE;
    client.socket = ws_stream_socket_new();
    set_controls(client.socket, &task);
    if (WS_FAILED(ws_connect_wait(client.socket, task.uri, TIMEOUT_MS)))
        fail(ws_last_error_message());
    client.begin = reading_now();
    if (strncmp(task.workload, "read", 4) == 0)
        read_all(&client);
    else
        write_all(&client);
    mtx_lock(&client.lock);
    while (!client.is_finished)
        cnd_wait(&client.finished, &client.lock);
    mtx_unlock(&client.lock);
    _exit(0);
}
