/*
 * 06-errors: what a connect that fails can tell.
 *
 * Programs decide by the numbers: the HRESULT, the coarser WebErrorStatus, the
 * phase it happened in, and the HTTP status of a refusal. People read the text,
 * which may change between versions: it goes to the log (here stderr).
 *
 *   usage: 06-errors REFUSED WRONG-NAME EXPIRED NOT-FOUND SILENT authority.pem
 *
 * Prints:
 *   nobody listens: WS_E_CANNOT_CONNECT
 *     WS_WEB_ERROR_STATUS_CANNOT_CONNECT
 *     WS_ERROR_PHASE_TCP
 *   wrong name: WS_E_SEC_CERT_CN_INVALID
 *     WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT
 *     WS_ERROR_PHASE_TLS
 *   expired: WS_E_SEC_CERT_DATE_INVALID
 *     WS_WEB_ERROR_STATUS_CERTIFICATE_EXPIRED
 *     WS_ERROR_PHASE_TLS
 *   page not found: WS_E_HTTP_STATUS_NOT_FOUND
 *     WS_WEB_ERROR_STATUS_NOT_FOUND
 *     WS_ERROR_PHASE_HTTP, HTTP 404
 *   never answers: WS_E_TIMEOUT
 *     WS_WEB_ERROR_STATUS_TIMEOUT
 *     WS_ERROR_PHASE_HTTP
 *   unknown host: WS_E_NAME_NOT_RESOLVED
 *     WS_WEB_ERROR_STATUS_HOST_NAME_NOT_RESOLVED
 *     WS_ERROR_PHASE_NAME
 *   not a URI: WS_E_INVALIDARG
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>

static char authority[64 * 1024];
static size_t authority_length;

static void try_to_connect(const char *label, const char *uri, uint64_t connect_timeout_ms)
{
    ws_socket *socket = ws_message_socket_new();
    ws_error error = {.struct_size = sizeof error};

    ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, authority, authority_length);
    ws_set_control(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0);
    ws_set_control(socket, WS_CONTROL_CONNECT_TIMEOUT_MS, connect_timeout_ms);

    ws_connect_wait(socket, uri, WS_INFINITE); /* the control above is the limit */
    ws_get_error(socket, &error);              /* stays readable until the socket is freed */

    printf("%s: %s\n", label, ws_result_name(error.result));
    printf("  %s\n", ws_web_error_status_name(error.web_error_status));
    printf("  %s", ws_error_phase_name(error.phase));
    if (error.http_status != 0)
        printf(", HTTP %u", (unsigned)error.http_status);
    printf("\n");
    fprintf(stderr, "%s: %s\n", label, error.text);

    ws_socket_free(socket);
}

/* A mistake in the call itself is answered at once, and explained per thread. */
static void try_nonsense(void)
{
    ws_socket *socket = ws_message_socket_new();
    ws_result result = ws_connect(socket, "http://not a WebSocket", NULL, NULL);

    printf("not a URI: %s\n", ws_result_name(result));
    fprintf(stderr, "not a URI: %s\n", ws_last_error_message());
    ws_socket_free(socket);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: %s REFUSED WRONG-NAME EXPIRED NOT-FOUND SILENT authority.pem\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    FILE *file = fopen(argv[6], "rb");
    if (file == NULL) {
        perror(argv[6]);
        return EXIT_FAILURE;
    }
    authority_length = fread(authority, 1, sizeof authority, file);
    fclose(file);

    try_to_connect("nobody listens", argv[1], 60000);
    try_to_connect("wrong name", argv[2], 60000);
    try_to_connect("expired", argv[3], 60000);
    try_to_connect("page not found", argv[4], 60000);
    try_to_connect("never answers", argv[5], 300);
    try_to_connect("unknown host", "ws://does-not-exist.invalid/", 60000);
    try_nonsense();

    ws_shutdown(5000);
    return EXIT_SUCCESS;
}
