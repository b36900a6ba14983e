/*
 * 15-proxy: through an HTTP proxy that wants to know who asks.
 *
 * Without PROXY the environment decides, as with curl: https_proxy, http_proxy,
 * all_proxy, no_proxy. "direct:" is no proxy at all, "socks5h://host:port" a
 * SOCKS5 proxy that looks names up itself. The proxy sees the server's name and
 * port, and nothing else of ours; the server sees nothing meant for the proxy.
 *
 *   usage: 15-proxy wss://host:port/echo http://host:port REFUSED authority.pem
 *
 * Prints:
 *   nobody at the proxy's port: WS_E_PROXY_SERVER_UNREACHABLE
 *     WS_ERROR_PHASE_PROXY
 *   no password: WS_E_HTTP_STATUS_PROXY_AUTH_REQ
 *     WS_ERROR_PHASE_PROXY, HTTP 407
 *     Proxy-Authenticate: Basic realm="test"
 *   with it: WS_OK
 *   answer: hello through the tunnel
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

static ws_result try_to_connect(ws_socket *socket, const char *label, const char *uri,
                                const char *proxy)
{
    ws_error error = {.struct_size = sizeof error};

    ws_set_control_string(socket, WS_CONTROL_PROXY, proxy);
    ws_result result = ws_connect_wait(socket, uri, TIMEOUT_MS);

    printf("%s: %s\n", label, ws_result_name(result));
    if (WS_SUCCEEDED(result))
        return result;
    ws_get_error(socket, &error);
    printf("  %s", ws_error_phase_name(error.phase)); /* the server has not been reached */
    if (error.http_status != 0)
        printf(", HTTP %u", (unsigned)error.http_status);
    printf("\n");
    fprintf(stderr, "%s\n", error.text);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: %s URI PROXY REFUSED authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }
    static char authority[64 * 1024];
    FILE *file = fopen(argv[4], "rb");
    if (file == NULL) {
        perror(argv[4]);
        return EXIT_FAILURE;
    }
    size_t length = fread(authority, 1, sizeof authority, file);
    fclose(file);

    const char *uri = argv[1], *text = "hello through the tunnel";
    ws_socket *socket = ws_message_socket_new();
    ws_message *message;
    char header[128];

    ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, authority, length);
    try_to_connect(socket, "nobody at the proxy's port", uri, argv[3]);

    try_to_connect(socket, "no password", uri, argv[2]);
    if (WS_SUCCEEDED(ws_get_response_header(socket, "Proxy-Authenticate", 0, header,
                                            sizeof header, &length)))
        printf("  Proxy-Authenticate: %s\n", header);

    /* It leaves only in answer to a challenge. "http://user:password@host:port" does the same. */
    ws_set_credential(socket, WS_CREDENTIAL_PROXY, "user", "password");
    if (WS_FAILED(try_to_connect(socket, "with it", uri, argv[2])))
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
