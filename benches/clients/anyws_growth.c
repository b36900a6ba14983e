/*
 * How the costs of anyws grow with the work: with connections (growth, growth-timers), I/O threads
 * (io-threads) and threads that send, all on one socket (senders-shared) or each on its own
 * (senders). BYTES is how many of them there are; messages are of 64 bytes.
 *
 * growth answers "connect NS message NS free NS": to open a further connection, to send a message
 * on one of them and receive its echo, and to free a connection, as CPU time, with BYTES open. With
 * growth-timers each of them has a heartbeat, whose timer never comes.
 */
#include "anyws_controls.h"

#include <threads.h>

enum { MESSAGE_BYTES = 64, SAMPLE = 500, MOST = 64, NEVER_MS = 3600 * 1000 };

static struct {
    const struct task *task;
    char payload[MESSAGE_BYTES];
    mtx_t lock;
    cnd_t changed;
    long events; /* that were waited for */
} growth;

static void tell(void)
{
    mtx_lock(&growth.lock);
    growth.events++;
    cnd_signal(&growth.changed);
    mtx_unlock(&growth.lock);
}

static void wait_for(long events)
{
    mtx_lock(&growth.lock);
    while (growth.events < events)
        cnd_wait(&growth.changed, &growth.lock);
    growth.events = 0;
    mtx_unlock(&growth.lock);
}

static void on_released(ws_socket *socket, void *user_data)
{
    (void)socket, (void)user_data;
    tell();
}

/* Of one connection. */
struct counted {
    ws_socket *socket;
    long left;
};

static void on_echo(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct counted *counted = user_data;

    (void)message;
    if (--counted->left == 0)
        tell();
    else if (WS_FAILED(ws_send_text(socket, growth.payload, MESSAGE_BYTES)))
        fail("a send in a callback failed");
}

static void on_flood(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct counted *counted = user_data;

    (void)socket, (void)message;
    if (--counted->left == 0)
        tell();
}

static ws_socket *connected_with_room(ws_message_received_fn on_message, void *user_data,
                                      ws_send_ready_fn on_room)
{
    ws_socket *socket = ws_message_socket_new();

    set_controls(socket, growth.task);
    if (task_is(growth.task, "growth-timers"))
        set_control(socket, WS_CONTROL_PING_INTERVAL_MS, NEVER_MS);
    ws_on_message_received(socket, on_message, user_data);
    ws_on_send_ready(socket, on_room, user_data);
    ws_on_released(socket, on_released, NULL);
    if (WS_FAILED(ws_connect_wait(socket, growth.task->uri, TIMEOUT_MS)))
        fail(ws_last_error_message());
    return socket;
}

static ws_socket *connected(ws_message_received_fn on_message, void *user_data)
{
    return connected_with_room(on_message, user_data, NULL);
}

static long long each(struct reading begin, long count)
{
    return (long long)(reading_now().cpu - begin.cpu) / count;
}

static void grow(const struct task *task)
{
    struct counted active = {.left = task->count};
    ws_socket *sample[SAMPLE];
    struct reading begin;
    long long connect, message;
    long number;

    /* Threads, buffers and code are there when the clock starts, however few connections are. */
    for (number = 0; number < SAMPLE; number++)
        ws_socket_free(connected(on_echo, NULL));
    wait_for(SAMPLE);
    active.socket = connected(on_echo, &active);
    for (number = 1; number < (long)task->bytes; number++)
        connected(on_echo, NULL);

    begin = reading_now();
    for (number = 0; number < SAMPLE; number++)
        sample[number] = connected(on_echo, NULL);
    connect = each(begin, SAMPLE);

    begin = reading_now();
    if (WS_FAILED(ws_send_text(active.socket, growth.payload, MESSAGE_BYTES)))
        fail(ws_last_error_message());
    wait_for(1);
    message = each(begin, task->count);

    begin = reading_now();
    for (number = 0; number < SAMPLE; number++)
        ws_socket_free(sample[number]);
    wait_for(SAMPLE);
    printf("connect %lld message %lld free %lld\n", connect, message, each(begin, SAMPLE));
    fflush(stdout);
}

/* On the same sockets, however many threads there are. */
static void receive_on_threads(const struct task *task)
{
    static struct counted counted[8];
    const int sockets = sizeof counted / sizeof counted[0];
    struct reading begin;

    if (WS_FAILED(ws_set_io_threads((uint32_t)task->bytes)))
        fail(ws_last_error_message());
    for (int number = 0; number < sockets; number++) {
        counted[number].left = task->count;
        counted[number].socket = connected(on_flood, &counted[number]);
    }
    begin = reading_now();
    for (int number = 0; number < sockets; number++)
        ws_send_text(counted[number].socket, "a", 1);
    wait_for(sockets);
    print_since(begin, task->count * sockets);
}

/* Those who send on one socket wait for its room together. */
struct lane {
    struct counted answer; /* of the server, once it has everything */
    mtx_t lock;
    cnd_t changed;
    long rooms;
};

struct sender {
    struct lane *lane;
    long left;
    thrd_t thread;
};

/* A lane begins with what its messages are counted by, so it is the same pointer. */
static void on_room(ws_socket *socket, void *user_data)
{
    struct lane *lane = user_data;

    (void)socket;
    mtx_lock(&lane->lock);
    lane->rooms++;
    cnd_broadcast(&lane->changed);
    mtx_unlock(&lane->lock);
}

static int send_share(void *user_data)
{
    struct sender *sender = user_data;
    struct lane *lane = sender->lane;
    long seen = 0;

    while (sender->left > 0) {
        ws_result result = ws_send_text(lane->answer.socket, growth.payload, MESSAGE_BYTES);

        if (result == WS_OK) {
            sender->left--;
        } else if (result == WS_E_WOULD_BLOCK) {
            mtx_lock(&lane->lock);
            while (lane->rooms == seen)
                cnd_wait(&lane->changed, &lane->lock);
            seen = lane->rooms;
            mtx_unlock(&lane->lock);
        } else {
            fail(ws_result_name(result));
        }
    }
    return 0;
}

static void send_on_threads(const struct task *task, int is_shared)
{
    static struct sender senders[MOST];
    static struct lane lanes[MOST];
    const long count = (long)task->bytes;
    const long lane_count = is_shared ? 1 : count;
    struct reading begin;

    if (count > MOST)
        fail("too many threads");
    for (long number = 0; number < lane_count; number++) {
        struct lane *lane = &lanes[number];

        mtx_init(&lane->lock, mtx_plain);
        cnd_init(&lane->changed);
        lane->answer.left = 1;
        lane->answer.socket = connected_with_room(on_flood, &lane->answer, on_room);
    }
    begin = reading_now();
    for (long number = 0; number < count; number++) {
        struct sender *sender = &senders[number];

        sender->lane = &lanes[is_shared ? 0 : number];
        sender->left = is_shared ? task->count / count + (number < task->count % count)
                                 : task->count;
        thrd_create(&sender->thread, send_share, sender);
    }
    for (long number = 0; number < count; number++)
        thrd_join(senders[number].thread, NULL);
    wait_for(lane_count);
    print_since(begin, task->count * lane_count);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);

    growth.task = &task;
    memset(growth.payload, 'a', sizeof growth.payload);
    mtx_init(&growth.lock, mtx_plain);
    cnd_init(&growth.changed);
    if (strncmp(task.workload, "growth", 6) == 0)
        grow(&task);
    else if (task_is(&task, "io-threads"))
        receive_on_threads(&task);
    else
        send_on_threads(&task, task_is(&task, "senders-shared"));
    _exit(0);
}
