/*
 * 16-certificates: a server whose certificate is for another name.
 *
 * IGNORABLE_SERVER_CERTIFICATE_ERRORS names the faults that may be, and no
 * other. A fault that is ignored is still told. Ignoring alone lets anybody in:
 * so pin the server's key besides, or compare the certificate yourself with
 * one that you know, in a custom validation.
 *
 *   usage: 16-certificates wss://host:port/ sha256/PIN authority.pem
 *
 * Prints:
 *   as it is: WS_E_SEC_CERT_CN_INVALID
 *     WS_WEB_ERROR_STATUS_CERTIFICATE_COMMON_NAME_IS_INCORRECT
 *     the name is wrong, which can be ignored
 *   its dates are ignored: WS_E_SEC_CERT_CN_INVALID
 *   its name is ignored: WS_OK
 *     the name is wrong, which can be ignored
 *   and another key is pinned: WS_E_SECURITY_PROBLEM
 *   and its key is pinned: WS_OK
 *   and we want another certificate: WS_E_SECURITY_PROBLEM
 *   and we want this certificate: WS_OK
 *   revoked is to be ignored: WS_E_INVALIDARG
 */
#include <anyws.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

/* A certificate in DER. */
struct certificate {
    unsigned char bytes[4096];
    size_t length;
};

static const char *uri;
static char authority[64 * 1024];
static size_t authority_length;

static bool read_certificate(ws_socket *socket, struct certificate *certificate)
{
    ws_result result = ws_get_information_bytes(
        socket, WS_INFORMATION_SERVER_CERTIFICATE, 0, certificate->bytes,
        sizeof certificate->bytes, &certificate->length);

    return WS_SUCCEEDED(result) && certificate->length > 0; /* it may be longer than our buffer */
}

/* Asked after the library's own check has passed. Saying nothing accepts. */
static void validate(ws_socket *socket, ws_validation *validation, void *wanted_one)
{
    const struct certificate *wanted = wanted_one;
    struct certificate shown;

    if (!read_certificate(socket, &shown) || shown.length != wanted->length ||
        memcmp(shown.bytes, wanted->bytes, shown.length) != 0)
        ws_validation_reject(validation);
}

/* Answers the socket, for what else there is to know of it. */
static ws_socket *try_to_connect(const char *label, ws_certificate_errors ignorable,
                                 const char *pins, struct certificate *wanted)
{
    ws_socket *socket = ws_message_socket_new();

    ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, authority, authority_length);
    ws_set_control(socket, WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS, ignorable);
    ws_set_control_string(socket, WS_CONTROL_PINNED_PUBLIC_KEYS, pins); /* "" for any */
    if (wanted)
        ws_on_server_custom_validation_requested(socket, validate, wanted);

    ws_result result = ws_connect_wait(socket, uri, TIMEOUT_MS);
    printf("%s: %s\n", label, ws_result_name(result));
    if (WS_SUCCEEDED(result))
        ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    return socket;
}

static void print_faults(ws_socket *socket)
{
    uint64_t faults = 0, severity = 0;

    ws_get_information(socket, WS_INFORMATION_SERVER_CERTIFICATE_ERRORS, &faults);
    ws_get_information(socket, WS_INFORMATION_SERVER_CERTIFICATE_ERROR_SEVERITY, &severity);
    printf("  %s, %s\n",
           faults == WS_CERTIFICATE_ERROR_INVALID_NAME ? "the name is wrong" : "something else",
           severity == WS_SSL_ERROR_SEVERITY_IGNORABLE ? "which can be ignored" : "and stays so");
}

int main(int argc, char **argv)
{
    FILE *file = argc == 4 ? fopen(argv[3], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: %s wss://host:port/ sha256/PIN authority.pem\n", argv[0]);
        return EXIT_FAILURE;
    }
    authority_length = fread(authority, 1, sizeof authority, file);
    fclose(file);
    uri = argv[1];

    const char *pin = argv[2];
    const char *other_pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    struct certificate known;
    ws_socket *socket;

    socket = try_to_connect("as it is", 0, "", NULL);
    ws_error error = {.struct_size = sizeof error};
    ws_get_error(socket, &error); /* has the same faults in its certificate_errors */
    printf("  %s\n", ws_web_error_status_name(error.web_error_status));
    print_faults(socket);
    ws_socket_free(socket);

    ws_socket_free(
        try_to_connect("its dates are ignored", WS_CERTIFICATE_ERROR_EXPIRED, "", NULL));

    const ws_certificate_errors name = WS_CERTIFICATE_ERROR_INVALID_NAME;
    socket = try_to_connect("its name is ignored", name, "", NULL);
    print_faults(socket);
    if (!read_certificate(socket, &known)) /* at a first meeting; later it comes from a file */
        return EXIT_FAILURE;
    ws_socket_free(socket);

    ws_socket_free(try_to_connect("and another key is pinned", name, other_pin, NULL));
    ws_socket_free(try_to_connect("and its key is pinned", name, pin, NULL));

    struct certificate other = known;
    other.bytes[other.length - 1] ^= 1;
    ws_socket_free(try_to_connect("and we want another certificate", name, "", &other));
    ws_socket_free(try_to_connect("and we want this certificate", name, "", &known));

    /* What was revoked, or has a wrong signature, nobody may overlook. */
    socket = ws_message_socket_new();
    printf("revoked is to be ignored: %s\n",
           ws_result_name(ws_set_control(socket, WS_CONTROL_IGNORABLE_SERVER_CERTIFICATE_ERRORS,
                                         name | WS_CERTIFICATE_ERROR_REVOKED)));
    ws_socket_free(socket);
    ws_shutdown(5000);
    return EXIT_SUCCESS;
}
