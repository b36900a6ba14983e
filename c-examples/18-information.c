/*
 * 18-information: what can be read of a connection.
 *
 * Information is there from the moment it is known, and stays, also after a
 * failure, until the socket is freed. Texts and bytes are copied into a buffer
 * of ours; NULL and 0 ask how long they are.
 *
 *   usage: 18-information wss://host:port/protocol authority.pem
 *
 * Prints:
 *   status 101
 *   subprotocol "chat.v1", extensions ""
 *   Upgrade: websocket
 *   from 127.0.0.1 to 127.0.0.1
 *   TLS 1.3, cipher suite known
 *   certificate in DER: yes
 *   sent: 1 message of 5 bytes
 *   received: 1 message of 5 bytes
 *   timed: TCP, TLS, HTTP
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS = 10000 };

static const char *text(ws_socket *socket, ws_information which, char *buffer, size_t capacity)
{
    size_t length;

    if (WS_FAILED(ws_get_information_string(socket, which, buffer, capacity, &length)))
        return "?";
    return buffer;
}

static void print_connection(ws_socket *socket)
{
    char one[256], other[256];
    unsigned char *certificate;
    uint64_t status = 0;
    size_t length = 0;

    ws_get_information(socket, WS_INFORMATION_HTTP_STATUS, &status);
    printf("status %u\n", (unsigned)status);
    printf("subprotocol \"%s\", extensions \"%s\"\n",
           text(socket, WS_INFORMATION_PROTOCOL, one, sizeof one),
           text(socket, WS_INFORMATION_EXTENSIONS, other, sizeof other));
    if (WS_SUCCEEDED(ws_get_response_header(socket, "Upgrade", 0, one, sizeof one, &length)))
        printf("Upgrade: %s\n", one);
    printf("from %s to %s\n", text(socket, WS_INFORMATION_LOCAL_ADDRESS, one, sizeof one),
           text(socket, WS_INFORMATION_REMOTE_ADDRESS, other, sizeof other));
    printf("%s, cipher suite %s\n", text(socket, WS_INFORMATION_TLS_VERSION, one, sizeof one),
           text(socket, WS_INFORMATION_TLS_CIPHER_SUITE, other, sizeof other)[0] ? "known" : "?");

    /* First how long it is, then the certificate itself. */
    ws_get_information_bytes(socket, WS_INFORMATION_SERVER_CERTIFICATE, 0, NULL, 0, &length);
    certificate = malloc(length);
    if (certificate && WS_SUCCEEDED(ws_get_information_bytes(
                           socket, WS_INFORMATION_SERVER_CERTIFICATE, 0, certificate, length,
                           &length)))
        printf("certificate in DER: %s\n", certificate[0] == 0x30 ? "yes" : "no");
    free(certificate);
    fprintf(stderr, "URI: %s\n", text(socket, WS_INFORMATION_REQUEST_URI, one, sizeof one));
}

static void print_statistics(ws_socket *socket)
{
    ws_statistics all = {.struct_size = sizeof all};

    ws_get_statistics(socket, &all);
    printf("sent: %u message of %u bytes\n", (unsigned)all.messages_sent,
           (unsigned)all.payload_bytes_sent);
    printf("received: %u message of %u bytes\n", (unsigned)all.messages_received,
           (unsigned)all.payload_bytes_received);
    printf("timed:%s%s%s\n", all.tcp_us ? " TCP," : "", all.tls_us ? " TLS," : "",
           all.http_us ? " HTTP" : "");
}

int main(int argc, char **argv)
{
    static char authority[64 * 1024];
    FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: %s wss://host:port/protocol authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }
    size_t length = fread(authority, 1, sizeof authority, file);
    fclose(file);

    ws_socket *socket = ws_message_socket_new();
    ws_message *message;

    ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, authority, length);
    ws_set_control_string(socket, WS_CONTROL_SUPPORTED_PROTOCOLS, "chat.v1");
    if (WS_FAILED(ws_connect_wait(socket, argv[1], TIMEOUT_MS))) {
        fprintf(stderr, "could not connect\n");
        return EXIT_FAILURE;
    }
    print_connection(socket);

    ws_send_text(socket, "hello", 5);
    if (WS_SUCCEEDED(ws_receive(socket, &message, TIMEOUT_MS)))
        ws_message_release(message);
    ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    print_statistics(socket); /* while messages pass it may lag a little behind them */

    ws_socket_free(socket);
    ws_shutdown(5000);
    return EXIT_SUCCESS;
}
