/*
 * Floor b: what a client costs that is written by hand for one socket and one workload. It is the
 * yardstick of the table: non-blocking, 64 KiB buffers, messages delivered where they lie, framed
 * and masked in one pass, text checked as long as it is ASCII, a large message read straight into
 * its own buffer. No close, no ping, no fragments, no limits, no errors but giving up.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#ifdef WITH_OPENSSL
#include <openssl/ssl.h>
#endif

enum { BUFFER_BYTES = 64 * 1024, HEADER_BYTES = 14 };

struct connection {
    int descriptor;
    int is_drained; /* the last read was a short one */
#ifdef WITH_OPENSSL
    SSL *ssl;
#endif
};

typedef void (*message_fn)(const uint8_t *data, size_t length, void *user_data);

static void wait_for(struct connection *connection, short events)
{
    struct pollfd entry = {.fd = connection->descriptor, .events = events};

    if (poll(&entry, 1, 10000) != 1)
        fail("floor: nothing came for 10 s");
}

#ifdef WITH_OPENSSL
static int must_wait(struct connection *connection, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        wait_for(connection, POLLIN);
        return 1;
    case SSL_ERROR_WANT_WRITE:
        wait_for(connection, POLLOUT);
        return 1;
    }
    return 0;
}

static void start_tls(struct connection *connection, const struct task *task)
{
    static SSL_CTX *context;
    int result;

    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        if (SSL_CTX_load_verify_locations(context, task->authority, NULL) != 1)
            fail("floor: the authority cannot be read");
    }
    connection->ssl = SSL_new(context);
    SSL_set_fd(connection->ssl, connection->descriptor);
    while ((result = SSL_connect(connection->ssl)) != 1)
        if (!must_wait(connection, result))
            fail("floor: the TLS handshake failed");
}
#endif

static size_t read_some(struct connection *connection, void *buffer, size_t room)
{
#ifdef WITH_OPENSSL
    if (connection->ssl) {
        for (;;) {
            int got = SSL_read(connection->ssl, buffer, (int)room);

            if (got > 0)
                return (size_t)got;
            if (!must_wait(connection, got))
                fail("floor: the connection ended");
        }
    }
#endif
    for (;;) {
        ssize_t got;

        if (connection->is_drained)
            wait_for(connection, POLLIN);
        connection->is_drained = 0;
        got = recv(connection->descriptor, buffer, room, 0);
        if (got > 0) {
            connection->is_drained = (size_t)got < room;
            return (size_t)got;
        }
        if (got == 0 || errno != EAGAIN)
            fail("floor: the connection ended");
        connection->is_drained = 1;
    }
}

static void write_all(struct connection *connection, const void *data, size_t length)
{
    const char *from = data;

    while (length > 0) {
        ssize_t taken;

#ifdef WITH_OPENSSL
        if (connection->ssl) {
            taken = SSL_write(connection->ssl, from, (int)length);
            if (taken <= 0) {
                if (!must_wait(connection, (int)taken))
                    fail("floor: the connection ended");
                continue;
            }
        } else
#endif
        {
            taken = send(connection->descriptor, from, length, MSG_NOSIGNAL);
            if (taken < 0) {
                if (errno != EAGAIN)
                    fail("floor: the connection ended");
                wait_for(connection, POLLOUT);
                continue;
            }
        }
        from += taken;
        length -= (size_t)taken;
    }
}

static struct connection open_connection(const struct task *task)
{
    struct connection connection = {.descriptor = socket(AF_INET, SOCK_STREAM, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)task->port)};
    char head[1024];
    int length, on = 1;
    size_t held = 0;

    inet_pton(AF_INET, task->host, &address.sin_addr);
    if (connect(connection.descriptor, (struct sockaddr *)&address, sizeof address) != 0)
        fail("floor: cannot connect");
    setsockopt(connection.descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection.descriptor, F_SETFL, O_NONBLOCK);
    if (task->is_secure) {
#ifdef WITH_OPENSSL
        start_tls(&connection, task);
#else
        fail("floor: built without OpenSSL");
#endif
    }
    length = snprintf(head, sizeof head,
                      "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                      task->path, task->host, task->port);
    write_all(&connection, head, (size_t)length);
    /* The server says nothing behind its answer until it is asked to. */
    while (held < 4 || memcmp(head + held - 4, "\r\n\r\n", 4) != 0)
        held += read_some(&connection, head + held, sizeof head - held);
    return connection;
}

/* Masks while copying. */
static inline void copy_masked(uint8_t *to, const uint8_t *from, size_t length, uint32_t key)
{
    uint64_t wide = (uint64_t)key << 32 | key, word;
    size_t at = 0;

    for (; at + 8 <= length; at += 8) {
        memcpy(&word, from + at, 8);
        word ^= wide;
        memcpy(to + at, &word, 8);
    }
    for (; at < length; at++)
        to[at] = from[at] ^ (uint8_t)(key >> (at % 4 * 8));
}

static uint32_t next_key(void)
{
    static uint64_t state = 0x9E3779B97F4A7C15u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)state;
}

static inline size_t write_header(uint8_t *out, int is_text, size_t length, uint32_t key)
{
    size_t at = 2;

    out[0] = is_text ? 0x81 : 0x82;
    if (length < 126) {
        out[1] = (uint8_t)(0x80 | length);
    } else if (length < 65536) {
        out[1] = 0x80 | 126;
        out[2] = (uint8_t)(length >> 8), out[3] = (uint8_t)length;
        at = 4;
    } else {
        out[1] = 0x80 | 127;
        for (int byte = 0; byte < 8; byte++)
            out[2 + byte] = (uint8_t)((uint64_t)length >> (56 - 8 * byte));
        at = 10;
    }
    memcpy(out + at, &key, 4);
    return at + 4;
}

static inline void check_ascii(const uint8_t *text, size_t length)
{
    uint64_t seen = 0, word;
    size_t at = 0;

    for (; at + 8 <= length; at += 8) {
        memcpy(&word, text + at, 8);
        seen |= word;
    }
    for (; at < length; at++)
        seen |= text[at];
    if (seen & 0x8080808080808080u)
        fail("floor: the text is not ASCII");
}

/* Reads `count` messages. */
static void read_messages(struct connection *connection, long count, message_fn on_message,
                          void *user_data)
{
    static uint8_t buffer[BUFFER_BYTES];
    static uint8_t *large;
    static size_t at, end, large_room; /* what was read behind the last message stays */

    while (count > 0) {
        size_t there = end - at, header = 2;
        const uint8_t *from = buffer + at;
        uint64_t length = there >= 2 ? from[1] : 0;

        if (length == 126)
            header = 4;
        else if (length == 127)
            header = 10;
        if (there >= header && header > 2) {
            length = 0;
            for (size_t byte = 2; byte < header; byte++)
                length = length << 8 | from[byte];
        }
        if (there >= 2 && there >= header && length <= there - header) {
            if (from[0] == 0x81)
                check_ascii(from + header, length);
            at += header + length;
            count--;
            on_message(from + header, length, user_data);
        } else if (there >= header && header + length > sizeof buffer) {
            size_t done = there - header;

            if (length > large_room) {
                free(large);
                large = malloc(length);
                large_room = length;
            }
            memcpy(large, from + header, done);
            while (done < length)
                done += read_some(connection, large + done, length - done);
            at = end = 0;
            count--;
            on_message(large, length, user_data);
        } else {
            memmove(buffer, from, there);
            at = 0;
            end = there + read_some(connection, buffer + there, sizeof buffer - there);
        }
    }
}

static uint8_t waiting[BUFFER_BYTES + HEADER_BYTES];
static size_t waiting_bytes;

static void flush(struct connection *connection)
{
    write_all(connection, waiting, waiting_bytes);
    waiting_bytes = 0;
}

static void write_message(struct connection *connection, int is_text, const char *payload,
                          size_t length)
{
    const uint8_t *from = (const uint8_t *)payload;
    uint32_t key = next_key();

    if (waiting_bytes + HEADER_BYTES + length > BUFFER_BYTES)
        flush(connection);
    waiting_bytes += write_header(waiting + waiting_bytes, is_text, length, key);
    while (length > 0) {
        /* Pieces after the first begin at a multiple of four: the key need not be turned. */
        size_t room = (BUFFER_BYTES - waiting_bytes) & ~(size_t)3;
        size_t piece = length < room ? length : room;

        copy_masked(waiting + waiting_bytes, from, piece, key);
        waiting_bytes += piece;
        from += piece;
        length -= piece;
        if (length > 0)
            flush(connection);
    }
}

struct conversation {
    struct connection *connection;
    const struct task *task;
    const char *payload;
};

static void on_pong(const uint8_t *data, size_t length, void *user_data)
{
    struct conversation *conversation = user_data;

    (void)data, (void)length;
    write_message(conversation->connection, 1, conversation->payload, conversation->task->bytes);
    flush(conversation->connection);
}

static void on_flood(const uint8_t *data, size_t length, void *user_data)
{
    struct conversation *conversation = user_data;

    (void)data;
    if (length != conversation->task->bytes)
        fail("floor: a message of the wrong size");
}

static void on_answer(const uint8_t *data, size_t length, void *user_data)
{
    (void)data, (void)length, (void)user_data;
}

static void measure_memory(const struct task *task)
{
    long before = 0, number;

    for (number = -1; number < task->count; number++) {
        struct connection connection = open_connection(task);

        if (task_is(task, "idle-used")) {
            write_message(&connection, 1, "hello", 5);
            flush(&connection);
            read_messages(&connection, 1, on_answer, NULL);
        }
        if (number == -1)
            before = resident_bytes();
    }
    print_memory(before, task->count);
}

int main(int argc, char **argv)
{
    struct task task = task_parse(argc, argv);
    struct conversation conversation = {.task = &task, .payload = task_payload(&task)};
    struct connection connection;
    struct reading begin;
    /* Through a pointer the compiler cannot see behind, as in a library. */
    message_fn volatile on_message = task_is(&task, "ping-pong") ? on_pong : on_flood;

    if (strncmp(task.workload, "idle", 4) == 0) {
        measure_memory(&task);
        _exit(0);
    }
    connection = open_connection(&task);
    conversation.connection = &connection;
    begin = reading_now();
    if (task_is(&task, "send")) {
        for (long left = task.count; left > 0; left--)
            write_message(&connection, task_is_text(&task), conversation.payload, task.bytes);
        flush(&connection);
        read_messages(&connection, 1, on_answer, NULL);
    } else {
        write_message(&connection, 1, conversation.payload,
                      task_is(&task, "ping-pong") ? task.bytes : 1);
        flush(&connection);
        read_messages(&connection, task.count, on_message, &conversation);
    }
    print_since(begin, task.count);
    _exit(0);
}
