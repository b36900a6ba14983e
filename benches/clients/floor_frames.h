/*
 * The frames of the floor: read in place, checked as long as they are ASCII, framed and masked in one
 * pass, written together when there is nothing left to read.
 */
#ifndef ANYWS_BENCH_FLOOR_FRAMES_H
#define ANYWS_BENCH_FLOOR_FRAMES_H

#include "floor_connection.h"

enum { BUFFER_BYTES = 64 * 1024, HEADER_BYTES = 14 };
/* The first bytes of frames: final, RSV1, opcode. */
enum { TEXT = 0x81, BINARY = 0x82, COMPRESSED_TEXT = 0xC1 };

typedef void (*message_fn)(const uint8_t *data, size_t length, void *user_data);

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

static inline size_t write_header(uint8_t *out, uint8_t first, size_t length, uint32_t key)
{
    size_t at = 2;

    out[0] = first;
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

static uint8_t waiting[BUFFER_BYTES + HEADER_BYTES];
static size_t waiting_bytes;

static void flush(struct connection *connection)
{
    write_all(connection, waiting, waiting_bytes);
    waiting_bytes = 0;
}

static void write_message(struct connection *connection, uint8_t first, const char *payload,
                          size_t length)
{
    const uint8_t *from = (const uint8_t *)payload;
    uint32_t key = next_key();

    if (waiting_bytes + HEADER_BYTES + length > BUFFER_BYTES)
        flush(connection);
    waiting_bytes += write_header(waiting + waiting_bytes, first, length, key);
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

/* What was written leaves before anybody waits for an answer. */
static inline size_t read_after_flush(struct connection *connection, void *buffer, size_t room)
{
    if (waiting_bytes > 0)
        flush(connection);
    return read_some(connection, buffer, room);
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
            if (from[0] == TEXT)
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
            if (from[0] == TEXT)
                check_ascii(large, length);
            at = end = 0;
            count--;
            on_message(large, length, user_data);
        } else {
            memmove(buffer, from, there);
            at = 0;
            end = there + read_after_flush(connection, buffer + there, sizeof buffer - there);
        }
    }
}

/* Reads `count` messages in many frames, each much smaller than the buffer. */
static void read_fragmented(struct connection *connection, long count, size_t length,
                            message_fn on_message, void *user_data)
{
    static uint8_t buffer[BUFFER_BYTES];
    uint8_t *message = malloc(length);
    size_t at = 0, end = 0, left = 0, done = 0;
    int is_final = 0;

    if (!message)
        fail("no memory");
    while (count > 0) {
        size_t there = end - at;

        if (left > 0) {
            size_t piece = there < left ? there : left;

            memcpy(message + done, buffer + at, piece);
            done += piece;
            at += piece;
            left -= piece;
        } else if (there >= 4) {
            is_final = buffer[at] & 0x80;
            left = buffer[at + 1];
            at += 2;
            if (left == 126) {
                left = (size_t)buffer[at] << 8 | buffer[at + 1];
                at += 2;
            }
            if (left > length - done)
                fail("floor: a message of the wrong size");
        }
        if (left == 0 && is_final) {
            on_message(message, done, user_data);
            done = 0;
            is_final = 0;
            count--;
        } else if (end - at < 4) {
            memmove(buffer, buffer + at, end - at);
            end -= at;
            at = 0;
            end += read_some(connection, buffer + end, sizeof buffer - end);
        }
    }
    free(message);
}

/* Reads as many bytes as there is payload, as an application might that has 1 MiB to fill. */
static void read_raw(struct connection *connection, uint64_t left)
{
    static uint8_t buffer[1024 * 1024];

    while (left > 0) {
        size_t room = left < sizeof buffer ? (size_t)left : sizeof buffer;

        left -= read_some(connection, buffer, room);
    }
}

#endif
