/*
 * Boost.Beast, synchronous: what it does best. Its defaults: a write buffer of 4 KiB, no automatic
 * fragments. Compression is set to what the others do: level 6 and zlib's usual memory.
 */
#include "client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <memory>
#include <vector>

namespace beast = boost::beast;
using tcp = boost::asio::ip::tcp;
using Socket = beast::websocket::stream<tcp::socket>;

static std::unique_ptr<Socket> connected(boost::asio::io_context &context, const task &task)
{
    auto socket = std::make_unique<Socket>(context);
    tcp::endpoint server(boost::asio::ip::make_address(task.host), (unsigned short)task.port);

    socket->next_layer().connect(server);
    socket->next_layer().set_option(tcp::no_delay(true));
    socket->read_message_max(0);
    if (task.messages) {
        beast::websocket::permessage_deflate deflate;

        deflate.client_enable = true;
        deflate.client_no_context_takeover = deflate.server_no_context_takeover = !task.takes_over;
        deflate.compLevel = 6;
        deflate.memLevel = 8;
        socket->set_option(deflate);
    }
    socket->handshake(task.host, task.path);
    return socket;
}

static void read_one(Socket &socket, beast::flat_buffer &buffer)
{
    socket.read(buffer);
    buffer.consume(buffer.size());
}

static void measure_memory(boost::asio::io_context &context, const task &task)
{
    std::vector<std::unique_ptr<Socket>> sockets;
    const char *payload = task_payload(&task);
    size_t bytes = task.messages ? task.bytes : 5;
    long before = 0;

    for (long number = -1; number < task.count; number++) {
        sockets.push_back(connected(context, task));
        if (task_is(&task, "idle-used")) {
            beast::flat_buffer buffer;
            sockets.back()->write(boost::asio::buffer(payload, bytes));
            read_one(*sockets.back(), buffer);
        }
        if (number == -1)
            before = resident_bytes();
    }
    print_memory(before, task.count);
}

static void run(const task &task)
{
    boost::asio::io_context context;

    if (strncmp(task.workload, "idle", 4) == 0)
        return measure_memory(context, task);

    auto socket = connected(context, task);
    char *payload = task_payload(&task);
    beast::flat_buffer buffer;
    reading begin = reading_now();

    if (task_is(&task, "send")) {
        socket->text(task_is_text(&task));
        for (long left = task.count; left > 0; left--)
            socket->write(boost::asio::buffer(task_message(&task, payload, left), task.bytes));
        read_one(*socket, buffer);
    } else if (task_is(&task, "receive")) {
        socket->write(boost::asio::buffer(payload, 1));
        for (long left = task.count; left > 0; left--)
            read_one(*socket, buffer);
    } else {
        for (long left = task.count; left > 0; left--) {
            socket->write(boost::asio::buffer(payload, task.bytes));
            read_one(*socket, buffer);
        }
    }
    print_since(begin, task.count);
}

int main(int argc, char **argv)
{
    try {
        run(task_parse(argc, argv));
    } catch (const std::exception &failure) {
        fail(failure.what());
    }
    _exit(0);
}
