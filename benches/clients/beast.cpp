/*
 * Boost.Beast, synchronous: what it does best. Its defaults: a write buffer of 4 KiB, no automatic
 * fragments. Compression is set to what the others do: level 6 and zlib's usual memory. Its TLS is
 * OpenSSL's, which takes up no session unless the application keeps it.
 */
#include "client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <memory>
#include <type_traits>
#include <vector>
#ifdef WITH_OPENSSL
#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl.hpp>
#endif

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using Plain = websocket::stream<tcp::socket>;

static asio::io_context context;

static tcp::socket &socket_of(Plain &stream)
{
    return stream.next_layer();
}

static void start_tls(Plain &) {}

static std::unique_ptr<Plain> unconnected(Plain *)
{
    return std::make_unique<Plain>(context);
}

#ifdef WITH_OPENSSL
using Secure = websocket::stream<asio::ssl::stream<tcp::socket>>;

static asio::ssl::context tls(asio::ssl::context::tls_client);

static tcp::socket &socket_of(Secure &stream)
{
    return stream.next_layer().next_layer();
}

static void start_tls(Secure &stream)
{
    stream.next_layer().handshake(asio::ssl::stream_base::client);
}

static std::unique_ptr<Secure> unconnected(Secure *)
{
    return std::make_unique<Secure>(context, tls);
}
#endif

template <class Stream>
static std::unique_ptr<Stream> connected(const task &task, const char *path)
{
    auto stream = unconnected(static_cast<Stream *>(nullptr));
    tcp::endpoint server(asio::ip::make_address(task.host), (unsigned short)task.port);

    socket_of(*stream).connect(server);
    socket_of(*stream).set_option(tcp::no_delay(true));
    start_tls(*stream);
    stream->read_message_max(0);
    if (task.messages) {
        websocket::permessage_deflate deflate;

        deflate.client_enable = true;
        deflate.client_no_context_takeover = deflate.server_no_context_takeover = !task.takes_over;
        deflate.compLevel = 6;
        deflate.memLevel = 8;
        stream->set_option(deflate);
    }
    stream->handshake(task.host, path);
    return stream;
}

template <class Stream> static void read_one(Stream &stream, beast::flat_buffer &buffer)
{
    stream.read(buffer);
    buffer.consume(buffer.size());
}

template <class Stream> static void use_connection(Stream &stream, const task &task, char *payload)
{
    beast::flat_buffer buffer;

    stream.write(asio::buffer(payload, memory_message_bytes(&task)));
    read_one(stream, buffer);
}

template <class Stream> static void measure_memory(const task &task)
{
    std::vector<std::unique_ptr<Stream>> streams((size_t)task.count + 1);
    char *payload = task_payload(&task);

    streams[0] = connected<Stream>(task, task.path);
    use_connection(*streams[0], task, payload);
    long before = resident_bytes();
    for (long number = 1; number <= task.count; number++)
        streams[(size_t)number] = connected<Stream>(task, task.path);
    long idle = resident_bytes();
    for (long number = 1; number <= task.count; number++)
        use_connection(*streams[(size_t)number], task, payload);
    print_memory(before, idle, task.count);
    _exit(0);
}

template <class Stream> static void connect_all(const task &task)
{
    std::vector<std::unique_ptr<Plain>> others;

    for (size_t number = 0; number < task.bytes; number++)
        others.push_back(connected<Plain>(task, "/echo"));
    connected<Stream>(task, task.path); /* reads what is read once */
    reading begin = reading_now();
    for (long number = 0; number < task.count; number++)
        connected<Stream>(task, task.path);
    print_since(begin, task.count);
    _exit(0);
}

/* Each answer lets the next one go. */
template <class Stream>
static void talk(Stream &stream, const task &task, char *payload, long window)
{
    beast::flat_buffer buffer;
    long unsent = task.count;

    for (; unsent > 0 && window > 0; unsent--, window--)
        stream.write(asio::buffer(payload, task.bytes));
    for (long left = task.count; left > 0; left--) {
        read_one(stream, buffer);
        if (trips.nanoseconds)
            trip_ends();
        if (unsent > 0) {
            unsent--;
            stream.write(asio::buffer(payload, task.bytes));
        }
    }
}

template <class Stream> static void run(const task &task)
{
    if (task_is(&task, "idle"))
        measure_memory<Stream>(task);
    if (task_is(&task, "connect"))
        connect_all<Stream>(task);

    auto stream = connected<Stream>(task, task.path);
    char *payload = task_payload(&task);
    beast::flat_buffer buffer;

    stream->text(task_is_text(&task));
    if (task_is(&task, "ping-pong"))
        trips_begin(&task);
    reading begin = reading_now();
    if (task_is(&task, "send")) {
        for (long left = task.count; left > 0; left--)
            stream->write(asio::buffer(task_message(&task, payload, left), task.bytes));
        read_one(*stream, buffer);
    } else if (task_is(&task, "receive")) {
        stream->write(asio::buffer(payload, 1));
        for (long left = task.count; left > 0; left--)
            read_one(*stream, buffer);
    } else {
        talk(*stream, task, payload, task_is(&task, "echo") ? ECHO_WINDOW : 1);
    }
    print_since(begin, task.count);
}

int main(int argc, char **argv)
{
    try {
        task task = task_parse(argc, argv);

        if (!task.is_secure) {
            run<Plain>(task);
        } else {
#ifdef WITH_OPENSSL
            tls.load_verify_file(task.authority);
            tls.set_verify_mode(asio::ssl::verify_peer);
            run<Secure>(task);
#else
            fail("Boost.Beast: built without OpenSSL");
#endif
        }
    } catch (const std::exception &failure) {
        fail(failure.what());
    }
    _exit(0);
}
