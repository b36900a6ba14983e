/*
 * 11-file-transfer: a file goes up and comes back, of any size, through one buffer.
 *
 * A stream socket carries bytes, not messages. Each write is one message and is
 * sent from where it lies, without a copy of the whole; a read sees bytes as
 * they arrive, also inside a message, so that the other end decides how large
 * its messages are and nobody has to hold one. The server of this example
 * expects a length (eight bytes, the highest first) and so many bytes, answers
 * with their checksum in eight bytes, and sends the file back.
 *
 *   usage: 11-file-transfer ws://host:port/store
 *
 * Prints:
 *   upload   [####################] 12345678 bytes
 *   the server has computed the same checksum
 *   download [####################] 12345678 bytes
 *   the file that came back is the same
 *   close: WS_OK
 *   a read after the end: WS_E_ABORT
 */
#include <anyws.h>
#include <stdio.h>

enum { FILE_BYTES = 12345678, BUFFER_BYTES = 64 * 1024, BAR_MARKS = 20, TIMEOUT_MS = 10000 };

static unsigned char buffer[BUFFER_BYTES];

static size_t at_most(size_t limit, size_t count) { return count < limit ? count : limit; }

/* FNV-1a; begins with 14695981039346656037. */
static uint64_t add_to_sum(uint64_t sum, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
}

/* Draws the marks between `before` and `after` of FILE_BYTES. */
static void draw_progress(size_t before, size_t after)
{
    size_t from = before * BAR_MARKS / FILE_BYTES, to = after * BAR_MARKS / FILE_BYTES;

    for (size_t mark = from; mark < to; mark++)
        putchar('#');
    fflush(stdout);
}

static FILE *make_file(void)
{
    FILE *file = tmpfile();
    uint32_t state = 1;

    for (size_t i = 0; file != NULL && i < FILE_BYTES; i++) {
        state = state * 1664525u + 1013904223u;
        putc((int)(state >> 24), file);
    }
    if (file != NULL)
        rewind(file);
    return file;
}

static void store_number(unsigned char bytes[8], uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        bytes[i] = (unsigned char)(number & 0xff);
}

static ws_result upload(ws_socket *socket, FILE *file, uint64_t *sum)
{
    unsigned char length[8];
    size_t done = 0, count = 0;
    ws_result result;

    store_number(length, FILE_BYTES);
    result = ws_write_wait(socket, length, sizeof length, TIMEOUT_MS, NULL);
    printf("upload   [");
    while (WS_SUCCEEDED(result) && (count = fread(buffer, 1, sizeof buffer, file)) > 0) {
        result = ws_write_wait(socket, buffer, count, TIMEOUT_MS, NULL); /* one message */
        *sum = add_to_sum(*sum, buffer, count);
        draw_progress(done, done + count);
        done += count;
    }
    printf("] %u bytes\n", (unsigned)done);
    return result;
}

static ws_result download(ws_socket *socket, FILE *file, uint64_t *sum)
{
    size_t done = 0, count = 0;
    ws_result result = WS_OK;

    printf("download [");
    while (WS_SUCCEEDED(result) && done < FILE_BYTES) {
        size_t wanted = at_most(sizeof buffer, FILE_BYTES - done);

        /* As much as is there; WS_READ_NONE would wait until all of it is. */
        result = ws_read_wait(socket, buffer, wanted, WS_READ_PARTIAL, TIMEOUT_MS, &count);
        if (WS_SUCCEEDED(result) && count == 0)
            return WS_E_CLOSED; /* the server closed, which is no failure of the read */
        if (fwrite(buffer, 1, count, file) != count)
            return WS_E_FAIL;
        *sum = add_to_sum(*sum, buffer, count);
        draw_progress(done, done + count);
        done += count;
    }
    printf("] %u bytes\n", (unsigned)done);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/store\n", argv[0]);
        return 1;
    }

    ws_socket *socket = ws_stream_socket_new();
    FILE *sent = make_file(), *received = tmpfile();
    uint64_t sum = 14695981039346656037u, sum_of_received = sum, sum_of_server = 0;
    unsigned char answer[8];

    if (sent == NULL || received == NULL)
        return 1;
    if (WS_FAILED(ws_connect_wait(socket, argv[1], TIMEOUT_MS)) ||
        WS_FAILED(upload(socket, sent, &sum)) ||
        WS_FAILED(ws_read_wait(socket, answer, 8, WS_READ_NONE, TIMEOUT_MS, NULL))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        return 1;
    }
    for (int i = 0; i < 8; i++)
        sum_of_server = sum_of_server << 8 | answer[i];
    printf("the server has computed %s checksum\n", sum_of_server == sum ? "the same" : "another");

    if (WS_FAILED(download(socket, received, &sum_of_received)))
        return 1;
    printf("the file that came back is %s\n", sum_of_received == sum ? "the same" : "another");

    printf("close: %s\n", ws_result_name(ws_close_wait(socket, 1000, NULL, TIMEOUT_MS)));
    printf("a read after the end: %s\n",
           ws_result_name(ws_read_wait(socket, buffer, 1, WS_READ_NONE, TIMEOUT_MS, NULL)));

    ws_socket_free(socket);
    fclose(sent);
    fclose(received);
    ws_shutdown(5000);
    return 0;
}
