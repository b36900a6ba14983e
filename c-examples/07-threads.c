/*
 * 07-threads: eight threads, one socket.
 *
 * Every function may be called from any thread. Messages of one thread keep
 * their order, those of different threads mix, and no lock is needed. A full
 * send queue is an answer, not a wait: here the thread then sends with
 * ws_send_wait(), which waits for room. The main thread checks the echo.
 *
 *   usage: 07-threads ws://host:port/echo
 *
 * Prints:
 *   sent by 8 threads: 16000 messages
 *   received: 16000 messages
 *   every thread's messages in order: yes
 *   closed: WS_OK
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

enum { THREADS = 8, MESSAGES = 2000, TIMEOUT_MS = 30000 };

struct sender {
    ws_socket *socket;
    int number;
};

/* What travels: who sent it, and the how-manieth of that thread it is. */
struct note {
    int sender, index;
};

/* Answers how many messages were accepted. */
static int send_all(void *argument)
{
    struct sender *sender = argument;
    int accepted = 0;

    for (int index = 0; index < MESSAGES; index++) {
        struct note note = {sender->number, index};
        ws_result result = ws_send_binary(sender->socket, &note, sizeof note);

        if (result == WS_E_WOULD_BLOCK) /* nothing was queued: wait for room */
            result = ws_send_wait(sender->socket, WS_MESSAGE_TYPE_BINARY, &note, sizeof note,
                                  TIMEOUT_MS);
        if (WS_SUCCEEDED(result))
            accepted++;
    }
    return accepted;
}

/* Answers how many came back, and whether each thread's were in order. */
static int receive_all(ws_socket *socket, int *in_order)
{
    int next_index[THREADS] = {0};
    int received = 0;
    ws_message *message;

    *in_order = 1;
    while (received < THREADS * MESSAGES &&
           WS_SUCCEEDED(ws_receive(socket, &message, TIMEOUT_MS))) {
        struct note note = {-1, -1};

        if (message->len == sizeof note)
            memcpy(&note, message->data, sizeof note);
        ws_message_release(message);
        received++;
        if (note.sender < 0 || note.sender >= THREADS || note.index != next_index[note.sender]++)
            *in_order = 0;
    }
    return received;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port/echo\n", argv[0]);
        return 1;
    }
    ws_socket *socket = ws_message_socket_new();
    struct sender senders[THREADS];
    thrd_t threads[THREADS];
    int sent = 0, in_order = 0;

    ws_result result = ws_connect_wait(socket, argv[1], TIMEOUT_MS);
    if (WS_FAILED(result)) {
        printf("could not connect: %s\n", ws_result_name(result));
        return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){socket, i};
        thrd_create(&threads[i], send_all, &senders[i]);
    }
    int received = receive_all(socket, &in_order); /* while they send */
    for (int i = 0; i < THREADS; i++) {
        int accepted = 0;
        thrd_join(threads[i], &accepted);
        sent += accepted;
    }
    printf("sent by %d threads: %d messages\n", THREADS, sent);
    printf("received: %d messages\n", received);
    printf("every thread's messages in order: %s\n", in_order ? "yes" : "no");

    result = ws_close_wait(socket, 1000, "", TIMEOUT_MS);
    printf("closed: %s\n", ws_result_name(result));
    ws_socket_free(socket);
    ws_shutdown(5000);
    return 0;
}
