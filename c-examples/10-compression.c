/*
 * 10-compression: offer permessage-deflate, see what was agreed, and what it saves.
 *
 * It is off unless asked for: it costs memory per connection and time per
 * byte, and pays where messages are long or resemble each other, as JSON does.
 * The server decides; without its consent messages go as they are. Those
 * below COMPRESSION_THRESHOLD always do.
 *
 *   usage: 10-compression ws://host:port/deflate
 *
 * Prints:
 *   agreed: permessage-deflate
 *   before: 0 bytes to send, 0 bytes compressed
 *   200 messages came back as they were
 *   after: 20144 bytes to send, 20144 of them compressed
 *   on the wire less than a quarter of it: yes
 *   and back: yes
 *   closed: WS_OK
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGES = 200, TIMEOUT_MS = 10000 };

/* A line of a game's chatter with its server. Returns its length. */
static size_t write_message(char *text, size_t capacity, int number)
{
    return (size_t)snprintf(text, capacity,
                            "{\"type\":\"player_moved\",\"player\":%d,\"position\":{\"x\":%d,"
                            "\"y\":%d,\"z\":0},\"health\":100,\"weapon\":\"longbow\"}",
                            number % 7, number * 37 % 1000, number * 91 % 1000);
}

static int is_quarter(uint64_t wire, uint64_t payload)
{
    fprintf(stderr, "%llu of %llu bytes\n", (unsigned long long)wire,
            (unsigned long long)payload);
    return wire > 0 && wire < payload / 4;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/deflate\n", argv[0]);
        return 1;
    }
    ws_socket *socket = ws_message_socket_new();
    ws_statistics statistics = {.struct_size = sizeof statistics};
    char agreed[256] = "", text[256];
    int same = 0;

    ws_set_control(socket, WS_CONTROL_COMPRESSION, 1);
    ws_set_control(socket, WS_CONTROL_COMPRESSION_LEVEL, 6);      /* as it is by default, and */
    ws_set_control(socket, WS_CONTROL_COMPRESSION_THRESHOLD, 64); /* also while it is connected */

    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        return 1;
    }
    ws_get_information_string(socket, WS_INFORMATION_EXTENSIONS, agreed, sizeof agreed, NULL);
    printf("agreed: %s\n", agreed[0] != '\0' ? agreed : "nothing");

    ws_get_statistics(socket, &statistics);
    printf("before: %u bytes to send, %u bytes compressed\n",
           (unsigned)statistics.payload_bytes_sent, (unsigned)statistics.compressed_bytes_sent);

    for (int number = 0; number < MESSAGES; number++)
        ws_send_text(socket, text, write_message(text, sizeof text, number));

    for (int number = 0; number < MESSAGES; number++) {
        ws_message *message;

        if (WS_FAILED(ws_receive(socket, &message, TIMEOUT_MS)))
            break;
        size_t len = write_message(text, sizeof text, number);
        same += message->len == len && memcmp(message->data, text, len) == 0;
        ws_message_release(message);
    }
    printf("%d messages came back as they were\n", same);

    result = ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    ws_get_statistics(socket, &statistics);
    printf("after: %u bytes to send, %u of them compressed\n",
           (unsigned)statistics.payload_bytes_sent, (unsigned)statistics.uncompressed_bytes_sent);
    printf("on the wire less than a quarter of it: %s\n",
           is_quarter(statistics.bytes_sent, statistics.payload_bytes_sent) ? "yes" : "no");
    printf("and back: %s\n",
           is_quarter(statistics.bytes_received, statistics.payload_bytes_received) ? "yes" : "no");
    printf("closed: %s\n", ws_result_name(result));

    ws_socket_free(socket);
    ws_shutdown(5000);
    return 0;
}
