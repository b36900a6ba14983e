/*
 * The connection of the floor: a non-blocking socket and OpenSSL's TLS if it is there, which takes
 * up the session of the connection before, if the server lets it.
 */
#ifndef ANYWS_BENCH_FLOOR_CONNECTION_H
#define ANYWS_BENCH_FLOOR_CONNECTION_H

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

struct connection {
    int descriptor;
    int is_drained; /* the last read was a short one */
#ifdef WITH_OPENSSL
    SSL *ssl;
#endif
};

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

/* The last one; TLS 1.3 uses each once. */
static SSL_SESSION *session;

static int keep_session(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
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
        SSL_CTX_set_session_cache_mode(context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
    connection->ssl = SSL_new(context);
    if (session && SSL_SESSION_is_resumable(session))
        SSL_set_session(connection->ssl, session);
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

/* To the task's path, with TLS or without. */
static struct connection open_connection(const struct task *task, int is_secure)
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
    if (is_secure) {
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

/* Without a word: what a closing handshake costs is nobody's business here. */
static void close_connection(struct connection *connection)
{
#ifdef WITH_OPENSSL
    if (connection->ssl) {
        /* Else the session would count as broken. */
        SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(connection->ssl);
    }
#endif
    close(connection->descriptor);
}

#endif
