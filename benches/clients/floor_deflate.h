/*
 * permessage-deflate of the floor: zlib as it is to be had, at level 6, with its usual memory. One
 * state for each direction, of each connection where contexts are taken over, of all where not.
 */
#ifndef ANYWS_BENCH_FLOOR_DEFLATE_H
#define ANYWS_BENCH_FLOOR_DEFLATE_H

#include "client.h"

enum { CODED_BYTES = 64 * 1024 };

struct coded {
    const uint8_t *data;
    size_t length;
};

#ifdef WITH_ZLIB
#include <zlib.h>

/* All zeroes: nothing has been coded yet. */
struct codec {
    int has_inflater, has_deflater;
    z_stream inflater, deflater;
};

static inline struct coded inflate_message(struct codec *codec, const uint8_t *from, size_t length,
                                           int takes_over)
{
    static uint8_t TAIL[4] = {0x00, 0x00, 0xFF, 0xFF}; /* RFC 7692, 7.2.2 */
    static uint8_t buffer[CODED_BYTES];
    z_stream *state = &codec->inflater;

    if (!codec->has_inflater && inflateInit2(state, -15) != Z_OK)
        fail("floor: no memory to inflate");
    codec->has_inflater = 1;
    state->next_out = buffer;
    state->avail_out = sizeof buffer;
    state->next_in = (Bytef *)from;
    state->avail_in = (uInt)length;
    if (inflate(state, Z_SYNC_FLUSH) != Z_OK)
        fail("floor: a message cannot be inflated");
    state->next_in = TAIL;
    state->avail_in = sizeof TAIL;
    if (inflate(state, Z_SYNC_FLUSH) != Z_OK || state->avail_in > 0 || state->avail_out == 0)
        fail("floor: a message cannot be inflated");
    if (!takes_over)
        inflateReset(state);
    return (struct coded){buffer, sizeof buffer - state->avail_out};
}

static inline struct coded deflate_message(struct codec *codec, const char *from, size_t length,
                                           int takes_over)
{
    static uint8_t buffer[CODED_BYTES];
    z_stream *state = &codec->deflater;

    if (!codec->has_deflater &&
        deflateInit2(state, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        fail("floor: no memory to deflate");
    codec->has_deflater = 1;
    state->next_out = buffer;
    state->avail_out = sizeof buffer;
    state->next_in = (Bytef *)from;
    state->avail_in = (uInt)length;
    if (deflate(state, Z_SYNC_FLUSH) != Z_OK || state->avail_out == 0)
        fail("floor: a message cannot be deflated");
    if (!takes_over)
        deflateReset(state);
    return (struct coded){buffer, sizeof buffer - state->avail_out - 4};
}

#else

struct codec {
    int is_missing;
};

static inline struct coded inflate_message(struct codec *codec, const uint8_t *from, size_t length,
                                           int takes_over)
{
    (void)codec, (void)takes_over;
    fail("floor: built without zlib");
    return (struct coded){from, length};
}

static inline struct coded deflate_message(struct codec *codec, const char *from, size_t length,
                                           int takes_over)
{
    (void)codec, (void)takes_over;
    fail("floor: built without zlib");
    return (struct coded){(const uint8_t *)from, length};
}

#endif
#endif
