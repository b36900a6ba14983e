/*
 * Many connections of anyws: what each takes of memory, and what it costs to make one, waiting for
 * it, or from the callback that told of the one before.
 */
#include "anyws_controls.h"

#include <threads.h>

struct connecting {
    const struct task *task;
    long left;

    mtx_t lock;
    cnd_t finished;
    int is_finished;
};

static ws_socket *new_socket(const struct task *task)
{
    ws_socket *socket = ws_message_socket_new();

    set_controls(socket, task);
    return socket;
}

static ws_socket *connected(const struct task *task, const char *uri)
{
    ws_socket *socket = new_socket(task);

    if (WS_FAILED(ws_connect_wait(socket, uri, TIMEOUT_MS)))
        fail(ws_last_error_message());
    return socket;
}

/* A message each way. */
static void use_connection(ws_socket *socket, const struct task *task, const char *payload)
{
    ws_message *message = NULL;

    if (WS_FAILED(ws_send_text(socket, payload, memory_message_bytes(task))) ||
        WS_FAILED(ws_receive(socket, &message, TIMEOUT_MS)))
        fail(ws_last_error_message());
    ws_message_release(message);
}

static void measure_memory(const struct task *task)
{
    size_t size = ((size_t)task->count + 1) * sizeof(ws_socket *);
    ws_socket **sockets = malloc(size);
    const char *payload = task_payload(task);
    long before, idle, number;

    if (!sockets)
        fail("no memory");
    memset(sockets, 1, size);
    /* The first one pays for the library's threads and buffers. */
    sockets[0] = connected(task, task->uri);
    use_connection(sockets[0], task, payload);
    before = resident_bytes();
    for (number = 1; number <= task->count; number++)
        sockets[number] = connected(task, task->uri);
    idle = resident_bytes();
    for (number = 1; number <= task->count; number++)
        use_connection(sockets[number], task, payload);
    print_memory(before, idle, task->count);
}

static void connect_next(struct connecting *connecting);

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    struct connecting *connecting = user_data;

    (void)operation, (void)bytes;
    if (WS_FAILED(result))
        fail(ws_result_name(result));
    ws_socket_free(socket);
    if (--connecting->left > 0) {
        connect_next(connecting);
        return;
    }
    mtx_lock(&connecting->lock);
    connecting->is_finished = 1;
    cnd_signal(&connecting->finished);
    mtx_unlock(&connecting->lock);
}

static void connect_next(struct connecting *connecting)
{
    ws_socket *socket = new_socket(connecting->task);

    if (WS_FAILED(ws_connect(socket, connecting->task->uri, on_connected, connecting)))
        fail(ws_last_error_message());
}

static void connect_from_callbacks(const struct task *task)
{
    struct connecting connecting = {.task = task, .left = task->count};

    mtx_init(&connecting.lock, mtx_plain);
    cnd_init(&connecting.finished);
    connect_next(&connecting);
    mtx_lock(&connecting.lock);
    while (!connecting.is_finished)
        cnd_wait(&connecting.finished, &connecting.lock);
    mtx_unlock(&connecting.lock);
}

static void connect_all(const struct task *task)
{
    struct task plain = *task;
    struct reading begin;
    long number;

    plain.authority = NULL;
    for (number = 0; number < (long)task->bytes; number++)
        connected(&plain, task->plain_uri);
    /* The first starts the threads, reads the authority, and has no session to take up. */
    ws_socket_free(connected(task, task->uri));
    begin = reading_now();
    if (task_is(task, "connect"))
        connect_from_callbacks(task);
    else
        for (number = 0; number < task->count; number++)
            ws_socket_free(connected(task, task->uri));
    print_since(begin, task->count);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);

    if (task_is(&task, "idle"))
        measure_memory(&task);
    else
        connect_all(&task);
    _exit(0);
}
