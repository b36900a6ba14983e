/*
 * 12-stream-echo: reading and writing at the same time, on one thread.
 *
 * The second scenario of the original's sample: a writer sends the same ten
 * bytes again and again and counts them, a reader takes up to 1000 bytes of
 * whatever has come and counts those. Both are loops without a loop: each
 * completion begins the next operation. The buffers belong to the library until
 * then. With an event queue the completions come while we dispatch, so that
 * nothing here needs a lock. Closing is what ends the reader.
 *
 *   usage: 12-stream-echo ws://host:port/echo
 *
 * Prints:
 *   writer: 1000 bytes in 100 writes
 *   a second read: WS_E_INVALID_OPERATION
 *   closing
 *   reader: 1000 bytes, then canceled
 *   closed: 1000
 */
#include <anyws.h>
#include <stdio.h>

enum { WRITES = 100, TIMEOUT_MS = 10000 };

static const unsigned char data[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

struct transfer {
    unsigned char room[1000];
    unsigned writes, bytes_written, bytes_read;
    int is_closed;
};

static void on_written(ws_socket *socket, ws_operation operation, ws_result result,
                       uint64_t bytes, void *user_data)
{
    struct transfer *transfer = user_data;

    if (WS_FAILED(result)) {
        printf("writer: %s\n", ws_result_name(result));
        return;
    }
    transfer->bytes_written += (unsigned)bytes;
    if (++transfer->writes < WRITES)
        ws_write(socket, data, sizeof data, on_written, transfer);
    else
        printf("writer: %u bytes in %u writes\n", transfer->bytes_written, transfer->writes);
}

static void on_read(ws_socket *socket, ws_operation operation, ws_result result, uint64_t bytes,
                    void *user_data)
{
    struct transfer *transfer = user_data;

    transfer->bytes_read += (unsigned)bytes;
    if (result == WS_E_ABORT) { /* we have closed, or cancelled the read */
        printf("reader: %u bytes, then canceled\n", transfer->bytes_read);
    } else if (WS_FAILED(result)) {
        printf("reader: %s\n", ws_web_error_status_name(ws_get_web_error_status(result)));
    } else if (bytes == 0) {
        printf("reader: %u bytes, then the server closed\n", transfer->bytes_read);
    } else {
        ws_read(socket, transfer->room, sizeof transfer->room, WS_READ_PARTIAL, on_read, transfer);
    }
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    struct transfer *transfer = user_data;

    printf("closed: %u\n", (unsigned)closed->code);
    transfer->is_closed = 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }

    static struct transfer transfer; /* until the last completion it must stay where it is */
    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *socket = ws_stream_socket_new();

    ws_set_event_queue(socket, queue);
    ws_on_closed(socket, on_closed, &transfer);
    if (WS_FAILED(ws_connect_wait(socket, argv[1], TIMEOUT_MS))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        return 1;
    }

    ws_read(socket, transfer.room, sizeof transfer.room, WS_READ_PARTIAL, on_read, &transfer);
    ws_write(socket, data, sizeof data, on_written, &transfer);
    while (!transfer.is_closed &&
           (transfer.writes < WRITES || transfer.bytes_read < WRITES * sizeof data))
        if (WS_FAILED(ws_event_queue_dispatch(queue, 1, TIMEOUT_MS, NULL)))
            return 1;

    /* One read and one write at a time. */
    printf("a second read: %s\n",
           ws_result_name(ws_read(socket, transfer.room, 1, WS_READ_NONE, NULL, NULL)));

    printf("closing\n");
    ws_close(socket, 1000, "Closed due to user request.");
    while (!transfer.is_closed)
        if (WS_FAILED(ws_event_queue_dispatch(queue, 1, TIMEOUT_MS, NULL)))
            return 1;

    ws_socket_free(socket);
    ws_event_queue_free(queue);
    ws_shutdown(5000);
    return 0;
}
