/*
 * 14-cancel-after-timeout: a connect that the player no longer wants.
 *
 * CONNECT_TIMEOUT_MS is for networks. This is for people: the program goes on
 * drawing its frames, and when its own patience ends, or somebody presses
 * Escape, it cancels the connect. The completion comes all the same, once, and
 * the socket can be used again.
 *
 *   usage: 14-cancel-after-timeout ws://host:port/never-answers ws://host:port/echo
 *
 * Prints:
 *   connecting
 *   cancelled
 *   the connect ended: WS_E_ABORT
 *   state: created
 *   the connect ended: WS_OK
 *   state: open
 */
#include <anyws.h>
#include <stdio.h>

enum { FRAME_MS = 16, PATIENCE_FRAMES = 20 };

static int connecting;

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    printf("the connect ended: %s\n", ws_result_name(result));
    connecting = 0;
}

static void print_state(ws_socket *socket)
{
    ws_state state = ws_get_state(socket);
    const char *name = state == WS_STATE_CREATED ? "created"
                       : state == WS_STATE_OPEN  ? "open"
                                                 : "something else";
    printf("state: %s\n", name);
}

static int begin(ws_socket *socket, const char *uri)
{
    connecting = 1;
    if (WS_SUCCEEDED(ws_connect(socket, uri, on_connected, NULL)))
        return 1;
    fprintf(stderr, "%s\n", ws_last_error_message());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s NEVER-ANSWERS ECHO\n", argv[0]);
        return 1;
    }
    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *socket = ws_message_socket_new();

    ws_set_event_queue(socket, queue);
    printf("connecting\n");
    if (!begin(socket, argv[1]))
        return 1;

    for (int frame = 0; connecting; frame++) {
        /* A frame is drawn here. */
        ws_event_queue_dispatch(queue, 0, FRAME_MS, NULL);
        if (connecting && frame == PATIENCE_FRAMES) {
            printf("cancelled\n");
            ws_cancel(socket, WS_OPERATION_CONNECT); /* returns at once; the rest is on_connected */
        }
    }
    print_state(socket);

    /* The socket and its settings are as they were before the connect. */
    if (!begin(socket, argv[2]))
        return 1;
    while (connecting)
        ws_event_queue_dispatch(queue, 0, WS_INFINITE, NULL);
    print_state(socket);

    ws_socket_free(socket); /* ends the connection at once */
    ws_event_queue_free(queue);
    ws_shutdown(5000);
    return 0;
}
