/*
 * 09-heartbeat: noticing a server that is no longer there.
 *
 * A connection whose other end has vanished looks just like a quiet one. With
 * PING_INTERVAL_MS set, the library asks from time to time, on its own thread,
 * whatever this program does meanwhile; the answers tell the round-trip time.
 * When none comes for PONG_TIMEOUT_MS, the connection ends with WS_E_TIMEOUT.
 *
 *   usage: 09-heartbeat ws://host:port/fall-silent/3
 *
 * Prints:
 *   connected
 *   answer 1
 *   answer 2
 *   answer 3
 *   closed: WS_E_TIMEOUT, 1006
 */
#include <anyws.h>
#include <stdio.h>

static int running = 1;

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    if (WS_SUCCEEDED(result)) {
        printf("connected\n");
        return;
    }
    printf("could not connect: %s\n", ws_result_name(result));
    running = 0;
}

static void on_pong(ws_socket *socket, uint64_t round_trip_us, void *user_data)
{
    int *answers = user_data;

    printf("answer %d\n", ++*answers);
    fprintf(stderr, "after %.3f ms\n", (double)round_trip_us / 1000);
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    printf("closed: %s, %u\n", ws_result_name(closed->result), closed->code);
    running = 0; /* a game would connect again from here */
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/fall-silent/3\n", argv[0]);
        return 1;
    }
    int answers = 0;
    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *socket = ws_message_socket_new();

    /* Both may be changed at any time. Over the internet 30000 and 10000 are more like it. */
    ws_set_control(socket, WS_CONTROL_PING_INTERVAL_MS, 100);
    ws_set_control(socket, WS_CONTROL_PONG_TIMEOUT_MS, 1000);

    ws_set_event_queue(socket, queue);
    ws_on_pong(socket, on_pong, &answers);
    ws_on_closed(socket, on_closed, NULL);
    if (WS_FAILED(ws_connect(socket, argv[1], on_connected, NULL))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        return 1;
    }
    while (running)
        ws_event_queue_dispatch(queue, 0, WS_INFINITE, NULL);

    ws_socket_free(socket);
    ws_event_queue_free(queue);
    ws_shutdown(5000);
    return 0;
}
