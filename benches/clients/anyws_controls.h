/*
 * What a task says of a socket's controls: whom to trust, and whether to compress.
 */
#ifndef ANYWS_BENCH_CONTROLS_H
#define ANYWS_BENCH_CONTROLS_H

#include "client.h"

#include <anyws.h>

enum { TIMEOUT_MS = 10000 };

static inline void set_control(ws_socket *socket, ws_control control, uint64_t value)
{
    if (WS_FAILED(ws_set_control(socket, control, value)))
        fail(ws_last_error_message());
}

static inline void set_trust(ws_socket *socket, const char *path)
{
    static char pem[64 * 1024];
    static size_t length; /* read once, as the other clients do */

    if (length == 0) {
        FILE *file = fopen(path, "rb");

        length = file ? fread(pem, 1, sizeof pem, file) : 0;
        if (file)
            fclose(file);
    }
    set_control(socket, WS_CONTROL_TRUST_SYSTEM_STORE, 0);
    if (WS_FAILED(ws_set_control_bytes(socket, WS_CONTROL_TRUSTED_CERTIFICATES, pem, length)))
        fail(ws_last_error_message());
}

static inline void set_controls(ws_socket *socket, const struct task *task)
{
    if (task->authority)
        set_trust(socket, task->authority);
    if (task->messages) {
        set_control(socket, WS_CONTROL_COMPRESSION, 1);
        set_control(socket, WS_CONTROL_COMPRESSION_CLIENT_NO_CONTEXT_TAKEOVER, !task->takes_over);
        set_control(socket, WS_CONTROL_COMPRESSION_SERVER_NO_CONTEXT_TAKEOVER, !task->takes_over);
    }
}

#endif
