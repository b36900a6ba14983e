/*
 * anyws through its C API, in each way an application may use it: callbacks on the I/O thread,
 * an event queue dispatched by the application's thread, sends from either.
 */
#include "anyws_controls.h"

#include <threads.h>

struct client {
    const struct task *task;
    ws_socket *socket;
    ws_event_queue *queue; /* or NULL */
    char *payload;
    long left;
    long unsent;  /* of those that wait for another one's echo */
    size_t taken; /* of a message that comes in pieces */
    struct reading begin;

    mtx_t lock;
    cnd_t changed;
    int has_room, is_finished;
};

static ws_result send_one(struct client *client)
{
    const char *payload = task_message(client->task, client->payload, client->left);

    return task_is_text(client->task) ? ws_send_text(client->socket, payload, client->task->bytes)
                                      : ws_send_binary(client->socket, payload, client->task->bytes);
}

static void finish(struct client *client)
{
    print_since(client->begin, client->task->count);
    mtx_lock(&client->lock);
    client->is_finished = 1;
    cnd_signal(&client->changed);
    mtx_unlock(&client->lock);
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    (void)socket, (void)user_data;
    if (closed->result != WS_E_ABORT)
        fail(ws_result_name(closed->result));
}

/* ping-pong and echo: each message lets the next one go. */
static void on_pong(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct client *client = user_data;

    (void)socket, (void)message;
    if (trips.nanoseconds)
        trip_ends();
    if (client->unsent > 0) {
        client->unsent--;
        if (WS_FAILED(send_one(client)))
            fail("a send in a callback failed");
    }
    if (--client->left == 0)
        finish(client);
}

/* receive: messages are counted. */
static void on_flood(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct client *client = user_data;

    (void)socket;
    if (message->len != client->task->bytes)
        fail("a message of the wrong size");
    if (--client->left == 0)
        finish(client);
}

/* receive-partial: bytes come as they arrive. */
static void on_piece(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct client *client = user_data;

    (void)socket;
    client->taken += message->len;
    if (!message->is_complete)
        return;
    if (client->taken != client->task->bytes)
        fail("a message of the wrong size");
    client->taken = 0;
    if (--client->left == 0)
        finish(client);
}

/* send: the server answers once it has them all. */
static void on_answer(ws_socket *socket, const ws_message *message, void *user_data)
{
    (void)socket, (void)message;
    finish(user_data);
}

/* Sends until the queue is full. */
static void send_on_io_thread(struct client *client)
{
    while (client->left > 0) {
        ws_result result = send_one(client);

        if (result == WS_E_WOULD_BLOCK)
            return; /* on_room goes on */
        if (WS_FAILED(result))
            fail("a send in a callback failed");
        client->left--;
    }
}

static void on_room(ws_socket *socket, void *user_data)
{
    (void)socket;
    send_on_io_thread(user_data);
}

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    struct client *client = user_data;

    (void)socket, (void)operation, (void)bytes;
    if (WS_FAILED(result))
        fail(ws_last_error_message());
    client->begin = reading_now();
    send_on_io_thread(client);
}

static void on_room_for_thread(ws_socket *socket, void *user_data)
{
    struct client *client = user_data;

    (void)socket;
    mtx_lock(&client->lock);
    client->has_room = 1;
    cnd_signal(&client->changed);
    mtx_unlock(&client->lock);
}

static void wait_for_room(struct client *client)
{
    mtx_lock(&client->lock);
    while (!client->has_room)
        cnd_wait(&client->changed, &client->lock);
    client->has_room = 0;
    mtx_unlock(&client->lock);
}

static void send_on_this_thread(struct client *client)
{
    while (client->left > 0) {
        ws_result result = send_one(client);

        if (result == WS_E_WOULD_BLOCK)
            wait_for_room(client);
        else if (WS_FAILED(result))
            fail(ws_result_name(result));
        else
            client->left--;
    }
}

enum { BATCH = 32 };

/* send-batch: so many messages with each call. */
static void send_batches(struct client *client)
{
    ws_message_type type = task_is_text(client->task) ? WS_MESSAGE_TYPE_UTF8 : WS_MESSAGE_TYPE_BINARY;
    ws_buffer messages[BATCH];

    while (client->left > 0) {
        size_t count = client->left < BATCH ? (size_t)client->left : BATCH, at, accepted;
        ws_result result;

        for (at = 0; at < count; at++) {
            messages[at].data =
                task_message(client->task, client->payload, client->left - (long)at);
            messages[at].len = client->task->bytes;
        }
        result = ws_send_batch(client->socket, type, messages, count, &accepted);
        client->left -= (long)accepted;
        if (result == WS_E_WOULD_BLOCK)
            wait_for_room(client);
        else if (WS_FAILED(result))
            fail(ws_result_name(result));
    }
}

/* Until finish(): dispatching, or waiting for the I/O thread to do it all. */
static void wait_until_finished(struct client *client)
{
    if (client->queue) {
        while (!client->is_finished) /* set by this thread */
            ws_event_queue_dispatch(client->queue, 0, WS_INFINITE, NULL);
        return;
    }
    mtx_lock(&client->lock);
    while (!client->is_finished)
        cnd_wait(&client->changed, &client->lock);
    mtx_unlock(&client->lock);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);
    struct client client = {.task = &task, .left = task.count};
    ws_message_received_fn on_message = on_answer;
    long window = 1;

    if (task_is(&task, "echo"))
        window = task.count < ECHO_WINDOW ? task.count : ECHO_WINDOW;
    mtx_init(&client.lock, mtx_plain);
    cnd_init(&client.changed);
    client.payload = task_payload(&task);
    client.socket = ws_message_socket_new();
    if (task_is(&task, "ping-pong-queue") || task_is(&task, "receive-queue")) {
        client.queue = ws_event_queue_new();
        ws_set_event_queue(client.socket, client.queue);
    }
    if (strncmp(task.workload, "ping-pong", 9) == 0 || task_is(&task, "echo"))
        on_message = on_pong;
    else if (task_is(&task, "receive-partial"))
        on_message = on_piece;
    else if (strncmp(task.workload, "receive", 7) == 0)
        on_message = on_flood;
    set_controls(client.socket, &task);
    if (on_message == on_piece)
        set_control(client.socket, WS_CONTROL_RECEIVE_MODE, WS_RECEIVE_MODE_PARTIAL_MESSAGE);
    ws_on_message_received(client.socket, on_message, &client);
    ws_on_closed(client.socket, on_closed, &client);

    if (task_is(&task, "send")) {
        ws_on_send_ready(client.socket, on_room, &client);
        if (WS_FAILED(ws_connect(client.socket, task.uri, on_connected, &client)))
            fail(ws_last_error_message());
    } else {
        ws_on_send_ready(client.socket, on_room_for_thread, &client);
        if (WS_FAILED(ws_connect_wait(client.socket, task.uri, TIMEOUT_MS)))
            fail(ws_last_error_message());
        if (on_message == on_pong && !task_is(&task, "echo"))
            trips_begin(&task);
        client.unsent = task.count - window;
        client.begin = reading_now();
        if (task_is(&task, "send-thread"))
            send_on_this_thread(&client);
        else if (task_is(&task, "send-batch"))
            send_batches(&client);
        else if (WS_FAILED(ws_send_text(client.socket, client.payload,
                                        on_message == on_pong ? task.bytes : 1)))
            fail(ws_last_error_message());
        for (; window > 1; window--)
            if (WS_FAILED(send_one(&client)))
                fail(ws_last_error_message());
    }
    wait_until_finished(&client);
    _exit(0);
}
