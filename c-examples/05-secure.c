/*
 * 05-secure: wss with a root of our own, and what was negotiated.
 *
 * A private server signs with a private authority. TRUSTED_CERTIFICATES adds
 * it; TRUST_SYSTEM_STORE 0 makes it the only one, so that no public authority
 * can vouch for this server: pinning, in two lines. The subprotocols are an
 * offer in order of preference, and the server picks one.
 *
 *   usage: 05-secure wss://host:port/protocol authority.pem
 *
 * Prints:
 *   without the authority: WS_WEB_ERROR_STATUS_CERTIFICATE_IS_INVALID
 *   with it: WS_OK
 *   HTTP status: 101
 *   subprotocol: chat.v2
 *   TLS version: TLS 1.3
 *   remote address known: yes
 *   answer: hello over TLS
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

/* Reads a whole file; the caller frees it. */
static char *read_file(const char *path, size_t *length)
{
    enum { CAPACITY = 64 * 1024 };
    FILE *file = fopen(path, "rb");
    char *contents = malloc(CAPACITY);

    *length = file && contents ? fread(contents, 1, CAPACITY, file) : 0;
    if (file)
        fclose(file);
    return contents;
}

/* Strings come out into a buffer of ours. NULL and 0 would ask for the length. */
static void print_information(ws_socket *socket, const char *label, ws_information which)
{
    char text[128];
    size_t length;

    if (WS_SUCCEEDED(ws_get_information_string(socket, which, text, sizeof text, &length)))
        printf("%s: %s\n", label, text);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s wss://host:port/protocol authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }
    ws_socket *socket = ws_message_socket_new();
    const char *text = "hello over TLS";
    uint64_t status = 0, port = 0;
    ws_message *message;
    size_t length;
    char *authority = read_file(argv[2], &length);

    ws_set_control(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0);
    ws_set_control_string(socket, WS_CONTROL_SUPPORTED_PROTOCOLS, "chat.v2, chat.v1");

    /* No root at all: nobody can be trusted. A failed connect may be tried again, with other
       controls, on the same socket. */
    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    printf("without the authority: %s\n",
           ws_web_error_status_name(ws_get_web_error_status(result)));

    result = ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, authority, length);
    free(authority); /* it was copied */
    if (WS_FAILED(result)) {
        fprintf(stderr, "%s: %s\n", argv[2], ws_last_error_message());
        return EXIT_FAILURE;
    }
    result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    printf("with it: %s\n", ws_result_name(result));
    if (WS_FAILED(result))
        return EXIT_FAILURE;

    ws_get_information(socket, WS_INFORMATION_HTTP_STATUS, &status);
    ws_get_information(socket, WS_INFORMATION_REMOTE_PORT, &port);
    printf("HTTP status: %u\n", (unsigned)status);
    print_information(socket, "subprotocol", WS_INFORMATION_PROTOCOL);
    print_information(socket, "TLS version", WS_INFORMATION_TLS_VERSION);
    printf("remote address known: %s\n", port ? "yes" : "no");

    ws_send_text(socket, text, strlen(text));
    if (WS_SUCCEEDED(ws_receive(socket, &message, TIMEOUT_MS))) {
        printf("answer: %s\n", (const char *)message->data);
        ws_message_release(message);
    }

    ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    ws_socket_free(socket);
    ws_shutdown(5000);
    return EXIT_SUCCESS;
}
