/*
 * What every client of the benchmarks shares: how it is asked, and what it answers.
 *
 *   PROGRAM WORKLOAD URI COUNT BYTES [FILE]
 *
 * FILE is for wss whom to trust, in PEM, and for a path that ends in /deflate (permessage-deflate)
 * or /deflate-anew (without context takeover) the messages to send, each followed by a newline.
 *
 * WORKLOAD  ping-pong: one message in flight; echo: ECHO_WINDOW of them; receive; send;
 *           idle: COUNT open connections; connect: COUNT of them one after the other, while BYTES
 *           others are open, which are plain ones.
 *
 * It answers one line of names and numbers: "cpu NANOSECONDS wall NANOSECONDS messages COUNT",
 * measured from an open connection to the last message, behind it for ping-pong "p50 NANOSECONDS",
 * the median of the round trips; for connections in place of messages the same of connections; or
 * "idle BYTES used BYTES connections COUNT", memory before and after a message each way. Everything
 * is that of the client's own process: user and system time of all its threads.
 */
#ifndef ANYWS_BENCH_CLIENT_H
#define ANYWS_BENCH_CLIENT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What is to be done. */
struct task {
    const char *workload;
    const char *uri;
    char host[64];
    int port;
    char plain_uri[128]; /* the same server without TLS, for echoes */
    const char *path;
    int is_secure;
    long count;
    size_t bytes;
    const char *authority; /* a PEM file, or NULL */
    const char *messages;  /* a file, or NULL: nothing is compressed */
    int takes_over;        /* the compression's contexts, in both directions */
};

enum { MESSAGES = 64 };    /* in the file of those to be compressed */
enum { ECHO_WINDOW = 64 }; /* messages in flight */

struct reading {
    int64_t cpu, wall;
};

static inline void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    _exit(1);
}

/* Small messages are text, large ones binary: see `text` in the server's paths. */
static inline int task_is_text(const struct task *task)
{
    return task->bytes <= 1024;
}

static inline int task_is(const struct task *task, const char *workload)
{
    return strcmp(task->workload, workload) == 0;
}

static inline struct task task_parse(int argc, char **argv)
{
    struct task task;
    const char *host;
    size_t length;

    memset(&task, 0, sizeof task);
    if (argc < 5)
        fail("usage: PROGRAM WORKLOAD URI COUNT BYTES [FILE]");
    task.workload = argv[1];
    task.uri = argv[2];
    task.count = atol(argv[3]);
    task.bytes = (size_t)atol(argv[4]);
    task.is_secure = strncmp(task.uri, "wss://", 6) == 0;
    if (argc > 5)
        *(task.is_secure ? &task.authority : &task.messages) = argv[5];
    host = task.uri + (task.is_secure ? 6 : 5);
    length = strcspn(host, ":");
    if (length >= sizeof task.host || host[length] != ':')
        fail("the URI needs a short host and a port");
    memcpy(task.host, host, length);
    task.port = atoi(host + length + 1);
    snprintf(task.plain_uri, sizeof task.plain_uri, "ws://%s:%d/echo", task.host, task.port);
    task.path = strchr(host, '/');
    if (!task.path)
        fail("the URI needs a path");
    task.takes_over = !strstr(task.path, "/deflate-anew");
    return task;
}

static inline char *task_payload(const struct task *task)
{
    size_t size = (task->bytes + 1) * (task->messages ? MESSAGES : 1);
    char *payload = (char *)malloc(size);

    if (!payload)
        fail("no memory");
    memset(payload, 'a', size);
    if (task->messages) {
        FILE *file = fopen(task->messages, "rb");

        if (!file || fread(payload, 1, size, file) != size)
            fail("the messages cannot be read");
        fclose(file);
    }
    return payload;
}

/* What is to be sent as the message of this number. */
static inline const char *task_message(const struct task *task, const char *payload, long number)
{
    return task->messages ? payload + number % MESSAGES * (long)(task->bytes + 1) : payload;
}

static inline int64_t nanoseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

static inline struct reading reading_now(void)
{
    struct reading reading;
    struct rusage usage;
    struct timespec now;

    getrusage(RUSAGE_SELF, &usage);
    clock_gettime(CLOCK_MONOTONIC, &now);
    reading.cpu = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
    reading.wall = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    return reading;
}

/* How long each round trip of a ping-pong took. */
static struct {
    uint32_t *nanoseconds;
    long count;
    int64_t last;
} trips;

static inline void trips_begin(const struct task *task)
{
    size_t size = sizeof *trips.nanoseconds * (size_t)task->count;

    trips.nanoseconds = (uint32_t *)malloc(size);
    if (!trips.nanoseconds)
        fail("no memory");
    memset(trips.nanoseconds, 0, size);
    trips.last = reading_now().wall;
}

static inline void trip_ends(void)
{
    struct timespec now;
    int64_t wall;

    clock_gettime(CLOCK_MONOTONIC, &now);
    wall = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    trips.nanoseconds[trips.count++] = (uint32_t)(wall - trips.last);
    trips.last = wall;
}

static inline int trip_compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static inline void print_since(struct reading begin, long messages)
{
    struct reading end = reading_now();

    printf("cpu %lld wall %lld messages %ld", (long long)(end.cpu - begin.cpu),
           (long long)(end.wall - begin.wall), messages);
    if (trips.count > 0) {
        qsort(trips.nanoseconds, (size_t)trips.count, sizeof *trips.nanoseconds, trip_compare);
        printf(" p50 %lu", (unsigned long)trips.nanoseconds[trips.count / 2]);
    }
    printf("\n");
    fflush(stdout);
}

/* Bytes of this process that are in memory. The first look brings the code in that looks. */
static inline long resident_bytes(void)
{
    long total = 0, resident = 0;
    int look;

    for (look = 0; look < 2; look++) {
        FILE *file = fopen("/proc/self/statm", "r");

        if (file) {
            if (fscanf(file, "%ld %ld", &total, &resident) != 2)
                resident = 0;
            fclose(file);
        }
    }
    return resident * sysconf(_SC_PAGESIZE);
}

/* `before` the connections, with them idle, and after a message each way on each. */
static inline void print_memory(long before, long idle, long connections)
{
    printf("idle %ld used %ld connections %ld\n", idle - before, resident_bytes() - before,
           connections);
    fflush(stdout);
}

/* What is sent on each connection whose memory is measured. */
static inline size_t memory_message_bytes(const struct task *task)
{
    return task->messages ? task->bytes : 5;
}

#endif
