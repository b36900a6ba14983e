/*
 * libwebsockets, in its documented style: one write for each writable callback, large messages
 * delivered in pieces. It does not check text unless asked, and is not asked. Its TLS is OpenSSL's
 * where the distribution built it so.
 */
#include "client.h"

#include <libwebsockets.h>

enum { RECEIVE_BYTES = 64 * 1024 };

static struct {
    struct task task;
    struct lws_context *context;
    struct reading begin;
    unsigned char *buffer; /* masked in place by every write */
    char *payload;
    long unsent; /* of those that wait for another one's echo, or of all */
    long owed;   /* echoes of which may be answered now */
    long left;
    long connected, answered, closed;
    int has_asked;
} client;

static void send_one(struct lws *socket, size_t length, int is_text)
{
    memcpy(client.buffer + LWS_PRE, client.payload, length);
    if (lws_write(socket, client.buffer + LWS_PRE, length,
                  is_text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY) < 0)
        fail("libwebsockets: a write failed");
}

static void finish(void)
{
    print_since(client.begin, client.task.count);
    _exit(0);
}

static int is_many(void)
{
    return task_is(&client.task, "idle") || task_is(&client.task, "connect");
}

static int is_talk(void)
{
    return task_is(&client.task, "ping-pong") || task_is(&client.task, "echo");
}

static int on_writable(struct lws *socket)
{
    const struct task *task = &client.task;

    if (is_many()) {
        /* To be used, or not wanted any more. */
        if (task_is(task, "connect"))
            return -1;
        send_one(socket, memory_message_bytes(task), 1);
    } else if (task_is(task, "receive")) {
        if (!client.has_asked)
            send_one(socket, 1, 1);
        client.has_asked = 1;
    } else if (client.unsent > 0 && client.owed > 0) {
        send_one(socket, task->bytes, task_is_text(task));
        client.unsent--;
        if (is_talk())
            client.owed--;
        if (client.unsent > 0 && client.owed > 0)
            lws_callback_on_writable(socket);
    }
    return 0;
}

static void on_message(struct lws *socket)
{
    client.answered++;
    if (is_many())
        return;
    if (trips.nanoseconds)
        trip_ends();
    if (task_is(&client.task, "send") || --client.left == 0)
        finish();
    if (is_talk()) {
        client.owed++;
        lws_callback_on_writable(socket);
    }
}

static int on_event(struct lws *socket, enum lws_callback_reasons reason, void *user, void *data,
                    size_t length)
{
    (void)user, (void)data, (void)length;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        client.connected++;
        if (is_many())
            break;
        if (task_is(&client.task, "ping-pong"))
            trips_begin(&client.task);
        client.begin = reading_now();
        lws_callback_on_writable(socket);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(socket);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (lws_is_final_fragment(socket) && lws_remaining_packet_payload(socket) == 0)
            on_message(socket);
        break;
    case LWS_CALLBACK_CLIENT_CLOSED:
        client.closed++;
        if (task_is(&client.task, "connect"))
            break;
        /* fall through */
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fail("libwebsockets: the connection ended");
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols PROTOCOLS[] = {
    {.name = "bench", .callback = on_event, .rx_buffer_size = RECEIVE_BYTES},
    {.name = NULL},
};

static const struct lws_extension EXTENSIONS[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"},
    {NULL, NULL, NULL},
};

static const struct lws_extension EXTENSIONS_ANEW[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
    {NULL, NULL, NULL},
};

/* Returns it when it is open. */
static struct lws *connected(const char *path, int is_secure)
{
    struct lws_client_connect_info info;
    long before = client.connected;
    struct lws *socket;

    memset(&info, 0, sizeof info);
    info.context = client.context;
    info.address = client.task.host;
    info.port = client.task.port;
    info.path = path;
    info.host = client.task.host;
    info.local_protocol_name = "bench";
    /* It compares names only, and this one is an address. */
    info.ssl_connection =
        is_secure ? LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : 0;
    socket = lws_client_connect_via_info(&info);
    if (!socket)
        fail("libwebsockets: cannot connect");
    while (client.connected == before)
        lws_service(client.context, 0);
    return socket;
}

/* One at a time, so that a message of `task` may be of any size. */
static void use_connection(struct lws *socket)
{
    long before = client.answered;

    lws_callback_on_writable(socket);
    while (client.answered == before)
        lws_service(client.context, 0);
}

static void measure_memory(const struct task *task)
{
    size_t size = ((size_t)task->count + 1) * sizeof(struct lws *);
    struct lws **sockets = malloc(size);
    long before, idle, number;

    memset(sockets, 1, size);
    sockets[0] = connected(task->path, task->is_secure);
    use_connection(sockets[0]);
    before = resident_bytes();
    for (number = 1; number <= task->count; number++)
        sockets[number] = connected(task->path, task->is_secure);
    idle = resident_bytes();
    for (number = 1; number <= task->count; number++)
        use_connection(sockets[number]);
    print_memory(before, idle, task->count);
}

static void connect_and_close(const struct task *task)
{
    long before = client.closed;

    lws_callback_on_writable(connected(task->path, task->is_secure));
    while (client.closed == before)
        lws_service(client.context, 0);
}

static void connect_all(const struct task *task)
{
    long number;

    for (number = 0; number < (long)task->bytes; number++)
        connected("/echo", 0);
    connect_and_close(task); /* reads what is read once */
    client.begin = reading_now();
    for (number = 0; number < task->count; number++)
        connect_and_close(task);
    print_since(client.begin, task->count);
}

int main(int argc, char **argv)
{
    struct lws_context_creation_info info;
    struct task task = task_parse(argc, argv);
    size_t bytes = task_is(&task, "connect") ? 0 : task.bytes;

    client.task = task;
    client.left = client.unsent = task.count;
    client.owed = task_is(&task, "echo") ? ECHO_WINDOW : 1;
    client.payload = task_payload(&task);
    client.buffer = malloc(LWS_PRE + bytes + 64);
    lws_set_log_level(0, NULL);
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = PROTOCOLS;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.client_ssl_ca_filepath = task.authority;
    if (task.is_secure)
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    if (task.messages)
        info.extensions = task.takes_over ? EXTENSIONS : EXTENSIONS_ANEW;
    client.context = lws_create_context(&info);
    if (!client.context)
        fail("libwebsockets: no context");
    if (is_many()) {
        task_is(&task, "idle") ? measure_memory(&task) : connect_all(&task);
        _exit(0);
    }
    connected(task.path, task.is_secure);
    for (;;)
        lws_service(client.context, 0);
}
