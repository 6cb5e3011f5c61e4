/* A server that takes mail and throws it away, as fast as that can be done:
   where smtp-sink is what limits, this is not. It has PIPELINING and CHUNKING,
   one connection at a time, answers when it has worked through what it has
   read, and ends with its standard input - MIT-0 or Unlicense */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMMAND, DATA, CHUNK };

typedef struct sink {
    int fd, state, quit;
    size_t chunk;                  /* bytes left of it */
    size_t in_size, out_size;
    char in[1 << 18], out[1 << 18];
} sink;

static void say(sink *s, const char *text)
{
    size_t size = strlen(text);
    if (size <= sizeof s->out - s->out_size) {
        memcpy(s->out + s->out_size, text, size);
        s->out_size += size;
    }
}

static void on_command(sink *s, const char *line)
{
    if (strncasecmp(line, "EHLO", 4) == 0) {
        say(s, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
               "250-SIZE 0\r\n250 CHUNKING\r\n");
    } else if (strncasecmp(line, "DATA", 4) == 0) {
        s->state = DATA;
        say(s, "354 go on\r\n");
    } else if (strncasecmp(line, "BDAT", 4) == 0) {
        s->chunk = strtoul(line + 5, NULL, 10);
        s->state = s->chunk ? CHUNK : COMMAND;
        if (s->chunk == 0)
            say(s, "250 taken\r\n");
    } else if (strncasecmp(line, "QUIT", 4) == 0) {
        s->quit = 1;
        say(s, "221 bye\r\n");
    } else {
        say(s, "250 fine\r\n");
    }
}

/* Each returns how many of the `size` bytes at `text` it has used up; 0: it
   needs more. */
static size_t take_command(sink *s, const char *text, size_t size)
{
    const char *end = (const char *)memchr(text, '\n', size);
    if (!end)
        return 0;
    on_command(s, text);
    return (size_t)(end - text) + 1;
}

static size_t take_data(sink *s, const char *text, size_t size)
{
    const char *end = (const char *)memmem(text, size, "\r\n.\r\n", 5);
    if (!end)
        return size > 4 ? size - 4 : 0;
    s->state = COMMAND;
    say(s, "250 taken\r\n");
    return (size_t)(end - text) + 5;
}

static size_t take_chunk(sink *s, size_t size)
{
    size_t n = size < s->chunk ? size : s->chunk;
    s->chunk -= n;
    if (s->chunk == 0) {
        s->state = COMMAND;
        say(s, "250 taken\r\n");
    }
    return n;
}

static void work(sink *s)
{
    size_t at = 0, used = 1;
    while (at < s->in_size && used > 0) {
        const char *text = s->in + at;
        size_t size = s->in_size - at;
        used = s->state == COMMAND ? take_command(s, text, size)
             : s->state == DATA ? take_data(s, text, size)
             : take_chunk(s, size);
        at += used;
    }
    memmove(s->in, s->in + at, s->in_size - at);
    s->in_size -= at;
}

static int answer(sink *s)
{
    int sent = s->out_size == 0 ||
               send(s->fd, s->out, s->out_size, MSG_NOSIGNAL) > 0;
    s->out_size = 0;
    return sent && !s->quit;
}

static void converse(sink *s)
{
    say(s, "220 sink\r\n");
    while (answer(s)) {
        ssize_t got = recv(s->fd, s->in + s->in_size,
                           sizeof s->in - s->in_size, 0);
        if (got <= 0)
            return;
        s->in_size += (size_t)got;
        work(s);
    }
}

static int listen_at_any_port(void)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, size) ||
        listen(fd, 16) || getsockname(fd, (struct sockaddr *)&name, &size))
        exit(EXIT_FAILURE);
    printf("port %u\n", (unsigned)ntohs(name.sin_port));
    fflush(stdout);
    return fd;
}

int main(void)
{
    static sink s;
    int on = 1, fd = listen_at_any_port();
    for (;;) {
        struct pollfd wait[2] = {{fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        poll(wait, 2, -1);
        if (wait[1].revents)
            return EXIT_SUCCESS;
        memset(&s, 0, offsetof(sink, in));
        s.fd = accept(fd, NULL, NULL);
        setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        converse(&s);
        close(s.fd);
    }
}
