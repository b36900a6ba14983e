/*
 * 02-game-loop: sixty frames a second, two sockets, one thread.
 *
 * Each frame dispatches with timeout 0, so the network never makes a frame
 * wait, and with a budget of events, so a burst never makes a frame long: what
 * is left over stays in the queue for the next one. Callbacks touch the game's
 * data without locks, because they run here, in the middle of the frame.
 *
 *   usage: 02-game-loop ws://host:port/burst/1000/64 ws://host:port/echo
 *
 * Prints:
 *   chat: good luck, have fun
 *   world: 1000 updates, never more than 32 events in a frame
 *   both sockets closed: yes
 */
#include <anyws.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <time.h>

enum { FRAMES_PER_SECOND = 60, EVENTS_PER_FRAME = 32, UPDATES = 1000, MAX_FRAMES = 1800 };

struct game {
    unsigned updates;
    int chat_answered;
    int open_sockets;
    size_t most_events_in_a_frame;
};

static void on_connected(ws_socket *socket, ws_operation operation, ws_result result,
                         uint64_t bytes, void *user_data)
{
    struct game *game = user_data;

    if (WS_SUCCEEDED(result))
        game->open_sockets++;
    else
        printf("could not connect: %s\n", ws_result_name(result));
}

static void on_world_update(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct game *game = user_data;

    game->updates++; /* a game would read positions out of message->data here */
}

static void on_chat(ws_socket *socket, const ws_message *message, void *user_data)
{
    struct game *game = user_data;

    game->chat_answered = 1;
    printf("chat: %s\n", (const char *)message->data);
}

static void on_closed(ws_socket *socket, const ws_closed *closed, void *user_data)
{
    struct game *game = user_data;

    game->open_sockets--;
}

static ws_socket *join(const char *uri, ws_message_received_fn on_message, ws_event_queue *queue,
                       struct game *game)
{
    ws_socket *socket = ws_message_socket_new();

    ws_set_event_queue(socket, queue);
    ws_on_message_received(socket, on_message, game);
    ws_on_closed(socket, on_closed, game);
    if (WS_FAILED(ws_connect(socket, uri, on_connected, game)))
        fprintf(stderr, "%s: %s\n", uri, ws_last_error_message());
    return socket;
}

/* The network's share of a frame; then drawing, and the wait for the display. */
static void run_frame(ws_event_queue *queue, struct game *game)
{
    size_t events = 0;

    ws_event_queue_dispatch(queue, EVENTS_PER_FRAME, 0, &events);
    if (events > game->most_events_in_a_frame)
        game->most_events_in_a_frame = events;
    thrd_sleep(&(struct timespec){.tv_nsec = 1000000000L / FRAMES_PER_SECOND}, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s WORLD-URI CHAT-URI\n", argv[0]);
        return 1;
    }
    struct game game = {0};
    ws_event_queue *queue = ws_event_queue_new();
    ws_socket *world = join(argv[1], on_world_update, queue, &game);
    ws_socket *chat = join(argv[2], on_chat, queue, &game);
    const char *greeting = "good luck, have fun";
    int greeted = 0, frame = 0;

    for (; frame < MAX_FRAMES && !(game.updates == UPDATES && game.chat_answered); frame++) {
        run_frame(queue, &game);
        if (!greeted && game.open_sockets == 2)
            greeted = WS_SUCCEEDED(ws_send_text(chat, greeting, strlen(greeting)));
    }
    printf("world: %u updates, never more than %u events in a frame\n", game.updates,
           (unsigned)game.most_events_in_a_frame);

    /* The closing handshakes go on while the last frames are shown. */
    ws_close(chat, 1000, "");
    ws_close(world, 1000, "");
    for (; frame < MAX_FRAMES && game.open_sockets > 0; frame++)
        run_frame(queue, &game);
    printf("both sockets closed: %s\n", game.open_sockets == 0 ? "yes" : "no");

    ws_socket_free(chat);
    ws_socket_free(world);
    ws_event_queue_free(queue);
    ws_shutdown(5000);
    return 0;
}
