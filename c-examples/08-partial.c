/*
 * 08-partial: messages in pieces, both ways.
 *
 * A message may be sent frame by frame: begun with ws_send_nonfinal_frame(),
 * ended with ws_send_final_frame(). In the receive mode "partial" it is also
 * handed over as it arrives, and only the last portion says that it is
 * complete, so that nobody has to hold all of it. A piece of text may end in
 * the middle of a character; its bytes are then completed by the next one.
 *
 *   usage: 08-partial ws://host:port/frames
 *
 * Prints:
 *   Partial, text, 11 bytes: "A message, "
 *   Partial, text, 18 bytes: "and a price of 5 "
 *   Partial, text, 4 bytes: "€, "
 *   a whole message now: WS_E_ILLEGAL_METHOD_CALL
 *   not UTF-8: WS_E_NO_UNICODE_TRANSLATION
 *   Complete, text, 10 bytes: "in pieces."
 *   Complete, text, 16 bytes: "And a whole one."
 *   closed: WS_OK
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 10000 };

/* The bytes at the end of a text that are the beginning of a character. */
static size_t begun(const char *text, size_t len)
{
    size_t back = 0;

    while (back < 3 && back < len && ((unsigned char)text[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == len)
        return 0;

    unsigned char lead = (unsigned char)text[len - 1 - back];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;

    return back + 1 < wanted ? back + 1 : 0;
}

/* Prints the whole characters, and keeps what is left for the next portion. */
static void print_portion(const ws_message *message)
{
    static char text[256];
    static size_t held;
    size_t room = sizeof text - held;
    size_t len = message->len < room ? message->len : room;

    memcpy(text + held, message->data, len);
    len += held;
    held = begun(text, len);
    printf("%s, %s, %u bytes: \"%.*s\"\n", message->is_complete ? "Complete" : "Partial",
           message->type == WS_MESSAGE_TYPE_UTF8 ? "text" : "binary", (unsigned)message->len,
           (int)(len - held), text);
    memmove(text, text + len - held, held);
}

/* Sends a piece, and prints what comes back. */
static ws_result exchange(ws_socket *socket, const char *piece, int is_final)
{
    ws_message *message;
    size_t len = strlen(piece);

    ws_result result = is_final ? ws_send_final_frame(socket, piece, len)
                                : ws_send_nonfinal_frame(socket, piece, len);
    if (WS_FAILED(result))
        return result;
    result = ws_receive(socket, &message, TIMEOUT_MS);
    if (WS_FAILED(result))
        return result;
    print_portion(message);
    ws_message_release(message);
    return WS_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/frames\n", argv[0]);
        return 1;
    }
    ws_socket *socket = ws_message_socket_new();

    ws_set_control(socket, WS_CONTROL_MESSAGE_TYPE, WS_MESSAGE_TYPE_UTF8);
    ws_set_control(socket, WS_CONTROL_RECEIVE_MODE, WS_RECEIVE_MODE_PARTIAL_MESSAGE);

    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        return 1;
    }
    exchange(socket, "A message, ", 0);
    exchange(socket, "and a price of 5 \xE2", 0); /* the first byte of the euro sign */
    exchange(socket, "\x82\xAC, ", 0);

    result = ws_send_text(socket, "another", 7); /* would come between the frames */
    printf("a whole message now: %s\n", ws_result_name(result));
    result = exchange(socket, "\xFF", 0); /* this byte is in no UTF-8 */
    printf("not UTF-8: %s\n", ws_result_name(result));

    exchange(socket, "in pieces.", 1); /* what was refused has left no trace */
    exchange(socket, "And a whole one.", 1);

    result = ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    printf("closed: %s\n", ws_result_name(result));
    ws_socket_free(socket);
    ws_shutdown(5000);
    return 0;
}
