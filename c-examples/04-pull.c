/*
 * 04-pull: no callbacks at all.
 *
 * With neither a message callback nor an event queue the socket waits to be
 * asked. For tools, tests, and languages whose functions C cannot call. Every
 * call that may wait has a timeout in milliseconds, and its result is the
 * network's own answer.
 *
 *   usage: 04-pull ws://host:port/echo
 *
 * Prints:
 *   connect: WS_OK
 *   received text, 5 bytes: "alpha"
 *   received text, 4 bytes: "beta"
 *   received text, 0 bytes: ""
 *   received binary, 3 bytes
 *   nothing more for now: WS_E_TIMEOUT
 *   close: WS_OK
 *   after the end: WS_E_CLOSED
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

static ws_result send_text(ws_socket *socket, const char *text)
{
    return ws_send_wait(socket, WS_MESSAGE_TYPE_UTF8, text, strlen(text), TIMEOUT_MS);
}

static void print_message(const ws_message *message)
{
    unsigned len = (unsigned)message->len;

    if (message->type == WS_MESSAGE_TYPE_UTF8)
        printf("received text, %u bytes: \"%s\"\n", len, (const char *)message->data);
    else
        printf("received binary, %u bytes\n", len);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }

    ws_socket *socket = ws_message_socket_new();
    ws_message *message = NULL;

    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    printf("connect: %s\n", ws_result_name(result));
    if (WS_FAILED(result))
        return 1;

    send_text(socket, "alpha");
    send_text(socket, "beta");
    send_text(socket, ""); /* empty messages are messages */
    ws_send_wait(socket, WS_MESSAGE_TYPE_BINARY, "\x01\x00\x02", 3, TIMEOUT_MS);

    for (int i = 0; i < 4; i++) {
        result = ws_receive(socket, &message, TIMEOUT_MS);
        if (WS_FAILED(result)) {
            printf("receive: %s\n", ws_result_name(result));
            return 1;
        }
        print_message(message);
        ws_message_release(message); /* what ws_receive() hands out is ours to release */
    }

    result = ws_receive(socket, &message, 0); /* 0 polls */
    printf("nothing more for now: %s\n", ws_result_name(result));

    result = ws_close_wait(socket, 1000, "done", TIMEOUT_MS);
    printf("close: %s\n", ws_result_name(result));

    result = ws_receive(socket, &message, TIMEOUT_MS);
    printf("after the end: %s\n", ws_result_name(result));

    ws_socket_free(socket);
    ws_shutdown(5000);
    return 0;
}
