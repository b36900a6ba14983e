/*
 * 00-demo: what `make demo` runs. A tour in one page: connect over TLS,
 * exchange a text and a binary message, print them, close with a code and a
 * reason. The other examples take the parts one at a time.
 *
 *   usage: 00-demo wss://host:port/echo authority.pem
 *
 * Prints:
 *   connected over TLS, HTTP status 101
 *   sent a text:        Hello from C!
 *   received a text:    Hello from C!
 *   sent binary:        00 01 02 fd fe ff
 *   received binary:    00 01 02 fd fe ff
 *   closed:             1000 "that was all" (clean)
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TEXT[] = "Hello from C!";
static const unsigned char BINARY[] = {0x00, 0x01, 0x02, 0xfd, 0xfe, 0xff};

static int running = 1;
static int exit_code = EXIT_FAILURE;

static void print_bytes(const char *label, const unsigned char *data, size_t len)
{
    printf("%-20s", label);
    for (size_t i = 0; i < len; i++)
        printf("%02x%s", data[i], i + 1 < len ? " " : "\n");
}

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    uint64_t status = 0;

    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        running = 0; /* no `closed` follows a connect that failed */
        return;
    }
    ws_get_information(socket, WS_INFORMATION_HTTP_STATUS, &status);
    printf("connected over TLS, HTTP status %u\n", (unsigned)status);

    printf("%-20s%s\n", "sent a text:", TEXT);
    ws_send_text(socket, TEXT, strlen(TEXT));
}

static void on_message(ws_socket *socket, const ws_message *message, void *user_data)
{
    if (message->type == WS_MESSAGE_TYPE_UTF8) {
        printf("%-20s%s\n", "received a text:", (const char *)message->data);
        print_bytes("sent binary:", BINARY, sizeof BINARY);
        ws_send_binary(socket, BINARY, sizeof BINARY);
    } else {
        print_bytes("received binary:", message->data, message->len);
        ws_close(socket, 1000, "that was all");
    }
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    printf("%-20s%u \"%s\" (%s)\n", "closed:", closed->code, closed->reason,
           closed->was_clean ? "clean" : ws_result_name(closed->result));
    running = 0;
    exit_code = closed->was_clean ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The test server has its own authority; a public server needs none of this. */
static void trust_authority(ws_socket *socket, const char *path)
{
    static char pem[64 * 1024];
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(pem, 1, sizeof pem, file) : 0;

    if (file)
        fclose(file);
    ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, pem, length);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s wss://host:port/echo authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }

    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *socket = ws_message_socket_new();

    trust_authority(socket, argv[2]);
    ws_set_event_queue(socket, queue);
    ws_on_message_received(socket, on_message, NULL);
    ws_on_closed(socket, on_closed, NULL);

    if (WS_FAILED(ws_connect(socket, argv[1], on_connected, NULL))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        running = 0;
    }
    while (running)
        ws_event_queue_dispatch(queue, 0, WS_INFINITE, NULL);

    ws_socket_free(socket);
    ws_event_queue_free(queue);
    ws_shutdown(5000);
    return exit_code;
}
