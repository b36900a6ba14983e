/*
 * 01-echo: the shortest honest program.
 *
 * Everything happens on this thread. The event queue keeps what the network
 * did until we ask for it, as the message loop of a window does; the callbacks
 * run inside ws_event_queue_dispatch() and nowhere else.
 *
 *   usage: 01-echo ws://host:port/echo
 *
 * Prints:
 *   connected
 *   received: Hello, world!
 *   closed: 1000 goodbye
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>

static int running = 1;

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    const char *text = "Hello, world!";

    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        running = 0; /* no `closed` follows a connect that failed */
        return;
    }
    printf("connected\n");
    ws_send_text(socket, text, strlen(text)); /* copied and queued; never blocks */
}

static void on_message(ws_socket *socket, const ws_message *message, void *user_data)
{
    /* The data is ours until we return. A NUL that len does not count follows it. */
    printf("received: %s\n", (const char *)message->data);
    ws_close(socket, 1000, "goodbye");
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    printf("closed: %u %s\n", closed->code, closed->reason); /* as the server answered */
    running = 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }

    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *socket = ws_message_socket_new();

    /* All of this comes before connect; after it, nothing here may change. */
    ws_set_event_queue(socket, queue);
    ws_on_message_received(socket, on_message, NULL);
    ws_on_closed(socket, on_closed, NULL);

    /* Only a mistake in the call fails here, such as a URI that is none.
       What the network does arrives in on_connected and on_closed. */
    if (WS_FAILED(ws_connect(socket, argv[1], on_connected, NULL))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        return 1;
    }

    while (running)
        ws_event_queue_dispatch(queue, 0, WS_INFINITE, NULL); /* 0: all that are there */

    ws_socket_free(socket);
    ws_event_queue_free(queue);
    ws_shutdown(5000); /* joins the library's thread; a program that just ends may skip it */
    return 0;
}
