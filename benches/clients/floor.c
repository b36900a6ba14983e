/*
 * Floor b: what a client costs that is written by hand for one socket and one workload. It is the
 * yardstick of the table: non-blocking, 64 KiB buffers, messages delivered where they lie, framed
 * and masked in one pass, text checked as long as it is ASCII, a large message read straight into
 * its own buffer, the payload of fragments copied behind each other. No close, no ping, no limits,
 * no errors but giving up. `receive-raw` is less than that: bytes that nobody looks at.
 */
#include "floor_deflate.h"
#include "floor_frames.h"

struct conversation {
    struct connection *connection;
    const struct task *task;
    const char *payload;
    long left; /* to be sent yet */
    struct codec *codec;
};

static void write_task_message(struct conversation *conversation)
{
    const struct task *task = conversation->task;

    write_message(conversation->connection, task_is_text(task) ? TEXT : BINARY,
                  conversation->payload, task->bytes);
}

/* It leaves when the next message is to be read. */
static void on_echo(const uint8_t *data, size_t length, void *user_data)
{
    struct conversation *conversation = user_data;

    (void)data, (void)length;
    if (conversation->left > 0) {
        conversation->left--;
        write_task_message(conversation);
    }
}

static void on_pong(const uint8_t *data, size_t length, void *user_data)
{
    trip_ends();
    on_echo(data, length, user_data);
}

static void on_flood(const uint8_t *data, size_t length, void *user_data)
{
    struct conversation *conversation = user_data;

    (void)data;
    if (length != conversation->task->bytes)
        fail("floor: a message of the wrong size");
}

static void on_compressed(const uint8_t *data, size_t length, void *user_data)
{
    struct conversation *conversation = user_data;
    struct coded message =
        inflate_message(conversation->codec, data, length, conversation->task->takes_over);

    check_ascii(message.data, message.length);
    on_flood(message.data, message.length, user_data);
}

static void on_answer(const uint8_t *data, size_t length, void *user_data)
{
    (void)data, (void)length, (void)user_data;
}

static void write_compressed(struct conversation *conversation, const char *payload)
{
    struct coded message = deflate_message(conversation->codec, payload, conversation->task->bytes,
                                           conversation->task->takes_over);

    write_message(conversation->connection, COMPRESSED_TEXT, (const char *)message.data,
                  message.length);
}

/* A message each way. */
static void use_connection(struct conversation *conversation, struct codec *shared)
{
    const struct task *task = conversation->task;

    if (task->messages) {
        conversation->codec = task->takes_over ? calloc(1, sizeof *shared) : shared;
        write_compressed(conversation, conversation->payload);
        flush(conversation->connection);
        read_messages(conversation->connection, 1, on_compressed, conversation);
    } else {
        write_message(conversation->connection, TEXT, "hello", memory_message_bytes(task));
        flush(conversation->connection);
        read_messages(conversation->connection, 1, on_answer, NULL);
    }
}

static void measure_memory(const struct task *task)
{
    struct codec *shared = calloc(1, sizeof *shared);
    struct connection *connections = calloc((size_t)task->count + 1, sizeof *connections);
    struct conversation conversation = {.task = task, .payload = task_payload(task)};
    long before = 0, idle, number;

    memset(connections, 1, ((size_t)task->count + 1) * sizeof *connections);
    for (number = 0; number <= task->count; number++) {
        connections[number] = open_connection(task, task->is_secure);
        if (number > 0)
            continue;
        /* The first one pays for the buffers. */
        conversation.connection = &connections[0];
        use_connection(&conversation, shared);
        before = resident_bytes();
    }
    idle = resident_bytes();
    for (number = 1; number <= task->count; number++) {
        conversation.connection = &connections[number];
        use_connection(&conversation, shared);
    }
    print_memory(before, idle, task->count);
}

static void connect_all(const struct task *task)
{
    struct connection connection;
    struct reading begin;
    long number;

    for (number = 0; number < (long)task->bytes; number++)
        open_connection(task, 0);
    /* The first has no session to take up, and reads the authority. */
    connection = open_connection(task, task->is_secure);
    close_connection(&connection);
    begin = reading_now();
    for (number = 0; number < task->count; number++) {
        connection = open_connection(task, task->is_secure);
        close_connection(&connection);
    }
    print_since(begin, task->count);
}

static void send_all(struct conversation *conversation)
{
    const struct task *task = conversation->task;
    long left;

    if (task->messages)
        for (left = task->count; left > 0; left--)
            write_compressed(conversation, task_message(task, conversation->payload, left));
    else
        for (left = task->count; left > 0; left--)
            write_task_message(conversation);
    flush(conversation->connection);
    read_messages(conversation->connection, 1, on_answer, NULL);
}

/* Each answer lets the next one go. */
static void talk(struct conversation *conversation, long window, message_fn volatile on_message)
{
    long count = conversation->task->count;

    conversation->left = count - (window < count ? window : count);
    for (long left = count - conversation->left; left > 0; left--)
        write_task_message(conversation);
    read_messages(conversation->connection, count, on_message, conversation);
}

static void receive_all(struct conversation *conversation)
{
    const struct task *task = conversation->task;
    /* Through a pointer the compiler cannot see behind, as in a library. */
    message_fn volatile on_message = task->messages ? on_compressed : on_flood;

    write_message(conversation->connection, TEXT, conversation->payload, 1);
    flush(conversation->connection);
    if (task_is(task, "receive-fragments"))
        read_fragmented(conversation->connection, task->count, task->bytes, on_message,
                        conversation);
    else if (task_is(task, "receive-raw"))
        read_raw(conversation->connection, (uint64_t)task->count * task->bytes);
    else
        read_messages(conversation->connection, task->count, on_message, conversation);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);
    static struct codec codec;
    struct conversation conversation = {.task = &task, .codec = &codec};
    struct connection connection;
    struct reading begin;

    if (task_is(&task, "idle") || task_is(&task, "connect")) {
        task_is(&task, "idle") ? measure_memory(&task) : connect_all(&task);
        _exit(0);
    }
    conversation.payload = task_payload(&task);
    connection = open_connection(&task, task.is_secure);
    conversation.connection = &connection;
    if (task_is(&task, "ping-pong"))
        trips_begin(&task);
    begin = reading_now();
    if (task_is(&task, "send"))
        send_all(&conversation);
    else if (task_is(&task, "ping-pong"))
        talk(&conversation, 1, on_pong);
    else if (task_is(&task, "echo"))
        talk(&conversation, ECHO_WINDOW, on_echo);
    else
        receive_all(&conversation);
    print_since(begin, task.count);
    _exit(0);
}
