/*
 * 03-callbacks: the fastest way, callbacks on the library's own thread.
 *
 * Without an event queue the callbacks run where the bytes arrive: no copy, no
 * thread switch. One socket's callbacks never overlap. The price is the usual
 * one: what they share with other threads needs a lock, and while one of them
 * runs, nothing else is received. It also shows that a socket may be freed
 * inside its own callback, and when its user data may go: in `released`.
 *
 *   usage: 03-callbacks ws://host:port/echo
 *
 * Prints:
 *   connected
 *   1000 round trips
 *   closed: 1000 enough
 *   released
 */
#include <anyws.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>

enum { ROUND_TRIPS = 1000 };

/* Belongs to the callbacks: no other thread touches it after ws_connect(). */
struct session {
    int round_trips;
};

/* Shared with main(). */
static mtx_t lock;
static cnd_t changed;
static int finished = 0;

static void send_next(ws_socket *socket, int number)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%d", number);

    ws_send_text(socket, text, (size_t)length);
}

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        ws_socket_free(socket);
        return;
    }
    printf("connected\n");
    send_next(socket, 0);
}

static void on_message(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct session *session = user_data;

    if (strtol((const char *)message->data, NULL, 10) != session->round_trips)
        ws_abort(socket); /* not what we sent */
    else if (++session->round_trips < ROUND_TRIPS)
        send_next(socket, session->round_trips);
    else
        ws_close(socket, 1000, "enough");
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    struct session *session = user_data;

    printf("%d round trips\n", session->round_trips);
    printf("closed: %u %s\n", closed->code, closed->reason);
    ws_socket_free(socket); /* legal here; the handle is dead from now on */
}

/* The last callback ever. The socket's value is good for comparison only. */
static void on_released(ws_socket *socket, void *user_data)
{
    free(user_data);
    printf("released\n");

    mtx_lock(&lock);
    finished = 1;
    cnd_signal(&changed);
    mtx_unlock(&lock);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }
    mtx_init(&lock, mtx_plain);
    cnd_init(&changed);

    ws_socket *socket = ws_message_socket_new();
    struct session *session = calloc(1, sizeof *session);

    ws_on_message_received(socket, on_message, session);
    ws_on_closed(socket, on_closed, session);
    ws_on_released(socket, on_released, session);
    if (WS_FAILED(ws_connect(socket, argv[1], on_connected, session))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        ws_socket_free(socket);
    }

    /* From here on the socket belongs to its callbacks. */
    mtx_lock(&lock);
    while (!finished)
        cnd_wait(&changed, &lock);
    mtx_unlock(&lock);

    ws_shutdown(5000);
    cnd_destroy(&changed);
    mtx_destroy(&lock);
    return 0;
}
