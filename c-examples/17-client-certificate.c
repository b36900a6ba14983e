/*
 * 17-client-certificate: a server that wants to know who connects.
 *
 * The certificate comes in PEM, with its chain behind it and its private key in
 * the same text. It is shown only to a server that asks. A server that asks and
 * gets none ends the connection: 0x80072F0C, and the same socket may try again
 * with one.
 *
 *   usage: 17-client-certificate wss://host:port/echo client.pem authority.pem
 *
 * Prints:
 *   without a certificate: WS_E_CLIENT_AUTH_CERT_NEEDED (0x80072F0C)
 *     WS_WEB_ERROR_STATUS_CERTIFICATE_CONTAINS_ERRORS
 *     WS_ERROR_PHASE_TLS, the server sent an alert
 *   a certificate without its key: WS_E_INVALIDARG
 *   with both: WS_OK
 *   answer: hello, it is me
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

/* Gives a file to the control; it is copied. */
static ws_result set_from_file(ws_socket *socket, ws_control control, const char *path)
{
    static char contents[64 * 1024];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        return WS_E_INVALIDARG;
    }
    size_t length = fread(contents, 1, sizeof contents, file);
    fclose(file);
    ws_result result = ws_set_control_bytes(socket, control, contents, length);
    memset(contents, 0, length); /* the library overwrites its copy of the key as well */
    if (WS_FAILED(result))
        fprintf(stderr, "%s: %s\n", path, ws_last_error_message());
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s wss://host:port/echo client.pem authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }
    ws_socket *socket = ws_message_socket_new();
    ws_error error = {.struct_size = sizeof error};
    const char *text = "hello, it is me";
    ws_message *message;

    if (WS_FAILED(set_from_file(socket, WS_CONTROL_TRUSTED_CERTIFICATES, argv[3])))
        return EXIT_FAILURE;

    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    ws_get_error(socket, &error);
    printf("without a certificate: %s (0x%08X)\n", ws_result_name(result), (unsigned)result);
    printf("  %s\n", ws_web_error_status_name(error.web_error_status));
    printf("  %s, %s\n", ws_error_phase_name(error.phase),
           error.tls_alert ? "the server sent an alert" : "the server was silent");

    /* What cannot be used is refused at once, not when it is needed. */
    result = set_from_file(socket, WS_CONTROL_CLIENT_CERTIFICATE, argv[3]);
    printf("a certificate without its key: %s\n", ws_result_name(result));

    if (WS_FAILED(set_from_file(socket, WS_CONTROL_CLIENT_CERTIFICATE, argv[2])))
        return EXIT_FAILURE;
    result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    printf("with both: %s\n", ws_result_name(result));
    if (WS_FAILED(result))
        return EXIT_FAILURE;

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
