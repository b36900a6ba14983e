/*
 * libwebsockets, in its documented style: one write for each writable callback, large messages
 * delivered in pieces. It does not check text unless asked, and is not asked.
 */
#include "client.h"

#include <libwebsockets.h>

enum { RECEIVE_BYTES = 64 * 1024, MAX_MESSAGE_BYTES = 1024 * 1024 };

static struct {
    struct task task;
    struct reading begin;
    unsigned char *buffer; /* masked in place by every write */
    char *payload;
    long left, connected;
    int has_asked, is_finished;
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

static void on_writable(struct lws *socket)
{
    if (task_is(&client.task, "ping-pong")) {
        send_one(socket, client.task.bytes, 1);
    } else if (task_is(&client.task, "receive")) {
        if (!client.has_asked)
            send_one(socket, 1, 1);
        client.has_asked = 1;
    } else if (task_is(&client.task, "send") && client.left > 0) {
        send_one(socket, client.task.bytes, task_is_text(&client.task));
        if (--client.left > 0)
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
        client.begin = reading_now();
        lws_callback_on_writable(socket);
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        on_writable(socket);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (!lws_is_final_fragment(socket) || lws_remaining_packet_payload(socket) > 0)
            break;
        if (task_is(&client.task, "send") || --client.left == 0)
            finish();
        if (task_is(&client.task, "ping-pong"))
            lws_callback_on_writable(socket);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
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

static void connect_one(struct lws_context *context)
{
    struct lws_client_connect_info info;

    memset(&info, 0, sizeof info);
    info.context = context;
    info.address = client.task.host;
    info.port = client.task.port;
    info.path = client.task.path;
    info.host = client.task.host;
    info.local_protocol_name = "bench";
    if (!lws_client_connect_via_info(&info))
        fail("libwebsockets: cannot connect");
}

int main(int argc, char **argv)
{
    struct lws_context_creation_info info;
    struct lws_context *context;

    client.task = task_parse(argc, argv);
    client.left = client.task.count;
    client.payload = task_payload(&client.task);
    client.buffer = malloc(LWS_PRE + MAX_MESSAGE_BYTES);
    lws_set_log_level(0, NULL);
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = PROTOCOLS;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    context = lws_create_context(&info);
    if (!context)
        fail("libwebsockets: no context");
    if (task_is(&client.task, "idle")) {
        long before = 0;

        for (long number = 0; number <= client.task.count; number++) {
            connect_one(context);
            while (client.connected <= number)
                lws_service(context, 0);
            if (number == 0)
                before = resident_bytes();
        }
        print_memory(before, client.task.count);
        _exit(0);
    }
    connect_one(context);
    for (;;)
        lws_service(context, 0);
}
