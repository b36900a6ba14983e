/*
 * 13-reader-writer: numbers and texts in binary messages.
 *
 * A data writer puts values behind each other and stores them as one message;
 * a data reader takes them out again, in a byte order that both ends agree on
 * and that is the same on every machine. A read past the end takes nothing, so
 * a message that is too short is found out. A writer that is freed without
 * being detached closes the output of its socket.
 *
 *   usage: 13-reader-writer ws://host:port/echo
 *
 * Prints:
 *   stored 14 bytes
 *   received: 01 02 00 00 00 c0 3f 05 c3 a9 63 68 6f 01
 *   kind 1, player 2, speed 1.50, name "écho", alive 1
 *   a byte more: WS_E_BOUNDS
 *   after the writer was freed: WS_E_CLOSED
 *   received: ca fe ba be
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

/* Failures are negative, and stay so when they are put together with |. */
static ws_result store_player(ws_data_writer *writer, uint16_t player, float speed,
                              const char *name)
{
    size_t length = 0, stored = 0;
    ws_result result = ws_data_writer_measure_string(writer, name, strlen(name), &length);

    result |= ws_data_writer_set_byte_order(writer, WS_BYTE_ORDER_LITTLE_ENDIAN);
    result |= ws_data_writer_write_u8(writer, 1);
    result |= ws_data_writer_write_u16(writer, player);
    result |= ws_data_writer_write_f32(writer, speed);
    result |= ws_data_writer_write_u8(writer, (uint8_t)length);
    result |= ws_data_writer_write_string(writer, name, strlen(name));
    result |= ws_data_writer_write_boolean(writer, 1);
    if (WS_SUCCEEDED(result))
        result = ws_data_writer_store(writer, &stored); /* one message; never blocks */
    printf("stored %u bytes\n", (unsigned)stored);
    return result;
}

static ws_result print_player(ws_data_reader *reader)
{
    uint8_t kind = 0, length = 0, alive = 0;
    uint16_t player = 0;
    float speed = 0;
    char name[256] = ""; /* as long as any length of one byte, and the NUL */
    ws_result result = ws_data_reader_set_byte_order(reader, WS_BYTE_ORDER_LITTLE_ENDIAN);

    result |= ws_data_reader_read_u8(reader, &kind);
    result |= ws_data_reader_read_u16(reader, &player);
    result |= ws_data_reader_read_f32(reader, &speed);
    result |= ws_data_reader_read_u8(reader, &length);
    result |= ws_data_reader_read_string(reader, length, name, sizeof name, NULL);
    result |= ws_data_reader_read_boolean(reader, &alive);
    printf("kind %u, player %u, speed %.2f, name \"%s\", alive %u\n", kind, player, (double)speed,
           name, alive);
    return result;
}

static ws_data_reader *receive(ws_socket *socket)
{
    ws_message *message = NULL;

    if (WS_FAILED(ws_receive(socket, &message, TIMEOUT_MS)))
        return NULL;
    printf("received:");
    for (size_t i = 0; i < message->len; i++)
        printf(" %02x", message->data[i]);
    printf("\n");

    ws_data_reader *reader = ws_data_reader_from_message(message); /* no copy */
    ws_message_release(message); /* the reader keeps what it needs */
    return reader;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }

    ws_socket *socket = ws_message_socket_new();
    ws_data_writer *writer = ws_data_writer_new(socket); /* owns the socket's output */
    uint8_t byte = 0;

    if (WS_FAILED(ws_connect_wait(socket, argv[1], TIMEOUT_MS)) ||
        WS_FAILED(store_player(writer, 2, 1.5f, "\xc3\xa9" "cho"))) {
        fprintf(stderr, "%s\n", ws_last_error_message());
        return 1;
    }

    ws_data_reader *reader = receive(socket);
    if (WS_FAILED(print_player(reader)))
        return 1;
    printf("a byte more: %s\n", ws_result_name(ws_data_reader_read_u8(reader, &byte)));
    ws_data_reader_free(reader);

    ws_data_writer_set_byte_order(writer, WS_BYTE_ORDER_BIG_ENDIAN); /* the default */
    ws_data_writer_write_u32(writer, 0xcafebabe);
    ws_data_writer_store(writer, NULL);
    ws_data_writer_free(writer); /* without ws_data_writer_detach_stream() */
    printf("after the writer was freed: %s\n", ws_result_name(ws_send(socket, "x", 1)));
    ws_data_reader_free(receive(socket)); /* what was stored has left, and receiving goes on */

    ws_close_wait(socket, 1000, NULL, TIMEOUT_MS);
    ws_socket_free(socket);
    ws_shutdown(5000);
    return 0;
}
