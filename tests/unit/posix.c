/* The POSIX adapter over real sockets: loopback, Unix sockets, signals. */
#define _XOPEN_SOURCE 700
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Stand-ins for the resolver and the machine's name, while they are set. */
static int lookup_result;              /* an EAI_ code, or 0 */
static const struct addrinfo *lookup_list;
static const char *machine_name;

static int test_getaddrinfo(const char *host, const char *service,
                            const struct addrinfo *hints,
                            struct addrinfo **list)
{
    if (lookup_result)
        return lookup_result;
    if (!lookup_list)
        return getaddrinfo(host, service, hints, list);
    *list = (struct addrinfo *)malloc(sizeof **list);
    if (!*list)
        return EAI_MEMORY;
    **list = *lookup_list;
    return 0;
}

static void test_freeaddrinfo(struct addrinfo *list)
{
    if (lookup_list)
        free(list);
    else
        freeaddrinfo(list);
}

static int test_gethostname(char *name, size_t size)
{
    if (!machine_name)
        return -1;
    strncpy(name, machine_name, size);
    return 0;
}

/* A negative time would be a wait without end. */
static int polls, endless_polls;

static int test_poll(struct pollfd *fds, nfds_t count, int ms)
{
    polls++;
    endless_polls += ms < 0;
    return poll(fds, count, ms);
}

#define poll(fds, count, ms) test_poll(fds, count, ms)
#define getaddrinfo test_getaddrinfo
#define freeaddrinfo test_freeaddrinfo
#define gethostname test_gethostname
#define SMTP_POSIX
#define SMTP_IMPLEMENTATION
#include "smtp.h"
#include "check.h"

enum { SLACK = 1500 };                 /* ms that a busy machine may add */

static char folder[] = "/tmp/smtp-posix-XXXXXX";
static volatile sig_atomic_t signals;

static void on_alarm(int number)
{
    (void)number;
    signals++;
}

/* A signal after `ms` and then each `again` milliseconds; 0: none. System
   calls are not restarted. */
static void tick(int ms, int again)
{
    struct sigaction act;
    struct itimerval each;

    memset(&act, 0, sizeof act);
    memset(&each, 0, sizeof each);
    act.sa_handler = on_alarm;
    sigaction(SIGALRM, &act, 0);
    each.it_value.tv_usec = ms * 1000;
    each.it_interval.tv_usec = again * 1000;
    setitimer(ITIMER_REAL, &each, 0);
    signals = 0;
}

static unsigned long now(void)
{
    return smtp__posix_clock(0);
}

/* The lowest free descriptor: unchanged when nothing leaks. */
static int lowest(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static smtp__posix_address local(int family)
{
    smtp__posix_address a;

    memset(&a, 0, sizeof a);
    a.any.sa_family = (sa_family_t)family;
    if (family == AF_INET6)
        a.v6.sin6_addr = in6addr_loopback;
    else
        a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/* Binds a free port and listens, unless `backlog` is negative: the port is
   then held, and refuses. */
static int bound(int family, int backlog, char *port)
{
    smtp__posix_address a = local(family);
    socklen_t size = sizeof a;
    int fd = socket(family, SOCK_STREAM, 0);

    if (bind(fd, &a.any, family == AF_INET ? sizeof a.v4 : sizeof a.v6) != 0
        || (backlog >= 0 && listen(fd, backlog) != 0)
        || getsockname(fd, &a.any, &size) != 0) {
        perror("bound");
        exit(1);
    }
    sprintf(port, "%u", (unsigned)ntohs(family == AF_INET ? a.v4.sin_port
                                                         : a.v6.sin6_port));
    return fd;
}

static int bound_path(const char *path, int backlog)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    memset(&a, 0, sizeof a);
    a.sun_family = AF_UNIX;
    strcpy(a.sun_path, path);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0
        || (backlog >= 0 && listen(fd, backlog) != 0)) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void check_flags(int fd, int tcp)
{
    int on = 0;
    socklen_t size = sizeof on;

    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    if (tcp) {
        CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
        CHECK(on);
    }
}

/* Bytes go both ways and the end is seen, over what `host` names. */
static void check_stream(const char *host, const char *port, int listener)
{
    smtp_posix p;
    smtp_io io;
    char text[8];
    int fd;

    CHECK_NUMBER(smtp_posix_connect(&p, host, port, 0, 2000), SMTP_OK);
    CHECK_NUMBER(p.error, 0);
    check_flags(p.fd, *host != '/');
    CHECK(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
    fd = accept(listener, 0, 0);
    CHECK(fd >= 0);
    io = smtp_posix_io(&p, 1);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), SMTP_AGAIN);
    CHECK_NUMBER(io.send(io.ctx, "ping", 4), 4);
    CHECK_NUMBER(read(fd, text, 4), 4);
    CHECK(memcmp(text, "ping", 4) == 0);
    CHECK_NUMBER(write(fd, "pong", 4), 4);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 2000), SMTP_OK);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), 4);
    CHECK(memcmp(text, "pong", 4) == 0);
    CHECK_NUMBER(shutdown(fd, SHUT_WR), 0);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 2000), SMTP_OK);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), SMTP_EOF);
    CHECK_NUMBER(p.error, 0);
    errno = EDOM;
    io.close(io.ctx);
    smtp_posix_close(&p);
    CHECK_NUMBER(errno, EDOM);
    CHECK_NUMBER(p.fd, -1);
    CHECK_NUMBER(read(fd, text, 1), 0);
    close(fd);
}

static void streams(void)
{
    char port[16], path[64];
    int fd = bound(AF_INET, 4, port), free_fd;

    free_fd = lowest();
    check_stream("127.0.0.1", port, fd);
    check_stream("localhost", port, fd);
    close(fd);
    fd = bound(AF_INET6, 4, port);
    check_stream("::1", port, fd);
    close(fd);
    sprintf(path, "%s/sock", folder);
    fd = bound_path(path, 4);
    check_stream(path, 0, fd);
    CHECK_NUMBER(lowest(), free_fd);
    close(fd);
    unlink(path);
}

static void check_fails(const char *host, const char *port,
                        const char *source, smtp_status want, int error)
{
    int free_fd = lowest();
    smtp_posix p;

    errno = 0;
    CHECK_NUMBER(smtp_posix_connect(&p, host, port, source, 2000), want);
    CHECK_NUMBER(p.error, error);
    if (error)
        CHECK_NUMBER(errno, error);
    CHECK_NUMBER(p.fd, -1);
    CHECK_NUMBER(lowest(), free_fd);
}

static void refusals(void)
{
    char port[16], path[300];
    int fd = bound(AF_INET, -1, port);

    check_fails("127.0.0.1", port, 0, SMTP_E_CONNECT, ECONNREFUSED);
    check_fails("localhost", port, 0, SMTP_E_CONNECT, ECONNREFUSED);
    close(fd);
    check_fails(0, "25", 0, SMTP_E_ARGUMENT, 0);
    check_fails("", "25", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", 0, 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "0", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "65536", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "+65561", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", " 65561", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "18446744073709551641", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "no-such-service", 0, SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "25", "localhost", SMTP_E_ARGUMENT, 0);
    check_fails("127.0.0.1", "25", "no address", SMTP_E_ARGUMENT, 0);
    sprintf(path, "%s/none", folder);
    check_fails(path, 0, 0, SMTP_E_CONNECT, ENOENT);
    fd = bound_path(path, -1);
    check_fails(path, 0, 0, SMTP_E_CONNECT, ECONNREFUSED);
    close(fd);
    unlink(path);
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = 0;
    check_fails(path, 0, 0, SMTP_E_CONNECT, ENAMETOOLONG);
}

/* Just as long as a path may be, and one byte more. */
static void longest_path(void)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path + 1];
    size_t used;
    int fd;

    sprintf(path, "%s/", folder);
    used = strlen(path);
    memset(path + used, 'y', sizeof path - used);
    path[sizeof path - 2] = 0;
    fd = bound_path(path, 1);
    check_stream(path, 0, fd);
    close(fd);
    unlink(path);
    path[sizeof path - 2] = 'y';
    path[sizeof path - 1] = 0;
    check_fails(path, 0, 0, SMTP_E_CONNECT, ENAMETOOLONG);
}

static void sources(void)
{
    smtp__posix_address peer;
    socklen_t size = sizeof peer;
    smtp_posix p;
    char port[16];
    int fd = bound(AF_INET, 4, port), other;

    memset(&peer, 0, sizeof peer);
    CHECK_NUMBER(smtp_posix_connect(&p, "127.0.0.1", port, "127.0.0.9", 0),
                 SMTP_OK);
    other = accept(fd, &peer.any, &size);
    CHECK_TEXT(inet_ntoa(peer.v4.sin_addr), "127.0.0.9");
    smtp_posix_close(&p);
    close(other);
    check_fails("127.0.0.1", port, "::1", SMTP_E_CONNECT, EAFNOSUPPORT);
    check_fails("127.0.0.1", port, "192.0.2.1", SMTP_E_CONNECT,
                EADDRNOTAVAIL);
    close(fd);
    fd = bound(AF_INET6, 4, port);
    check_fails("::1", port, "127.0.0.1", SMTP_E_CONNECT, EAFNOSUPPORT);
    close(fd);
}

static void lookups(void)
{
    static const struct {
        int result;
        smtp_status want;
    } cases[] = {{EAI_NONAME, SMTP_E_HOST},    {EAI_FAIL, SMTP_E_HOST},
                 {EAI_AGAIN, SMTP_E_LOOKUP},   {EAI_MEMORY, SMTP_E_LOOKUP},
                 {EAI_SYSTEM, SMTP_E_LOOKUP},  {EAI_FAMILY, SMTP_E_HOST},
                 {EAI_SERVICE, SMTP_E_ARGUMENT}};
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        lookup_result = cases[i].result;
        check_fails("host.example", "25", 0, cases[i].want, 0);
    }
    lookup_result = 0;
    check_fails("no-such-host.invalid.", "25", "::1 ", SMTP_E_ARGUMENT, 0);
}

/* Without a free descriptor the resolver can read no file and ask nobody. What
   glibc says then is that there is no such host, or service. */
static void no_descriptor(void)
{
    struct rlimit most, none;
    char port[16];
    int fd = bound(AF_INET, -1, port);

    CHECK_NUMBER(getrlimit(RLIMIT_NOFILE, &most), 0);
    none = most;
    none.rlim_cur = (rlim_t)lowest();
    CHECK_NUMBER(setrlimit(RLIMIT_NOFILE, &none), 0);
    check_fails("localhost", port, 0, SMTP_E_LOOKUP, 0);
    check_fails("localhost", "smtp", 0, SMTP_E_LOOKUP, 0);
    check_fails("127.0.0.1", port, 0, SMTP_E_CONNECT, EMFILE);
    CHECK_NUMBER(setrlimit(RLIMIT_NOFILE, &most), 0);
    check_fails("localhost", port, 0, SMTP_E_CONNECT, ECONNREFUSED);
    close(fd);
}

/* Several addresses of one name: `count` of `list`, in order. */
static struct addrinfo *several(struct addrinfo *list,
                                smtp__posix_address *addresses, int count)
{
    int i;

    memset(list, 0, (size_t)count * sizeof *list);
    for (i = 0; i < count; i++) {
        list[i].ai_family = addresses[i].any.sa_family;
        list[i].ai_addr = &addresses[i].any;
        list[i].ai_addrlen = addresses[i].any.sa_family == AF_INET6
                                 ? sizeof addresses[i].v6
                                 : sizeof addresses[i].v4;
        list[i].ai_next = i + 1 < count ? &list[i + 1] : 0;
    }
    return list;
}

static smtp__posix_address address_of(int fd)
{
    smtp__posix_address a;
    socklen_t size = sizeof a;

    memset(&a, 0, sizeof a);
    (void)getsockname(fd, &a.any, &size);
    return a;
}

static void every_address(void)
{
    struct addrinfo list[4];
    smtp__posix_address at[4];
    char port[16];
    int refused = bound(AF_INET, -1, port);
    int refused6 = bound(AF_INET6, -1, port);
    int good = bound(AF_INET, 4, port);
    smtp_posix p;

    at[0] = address_of(refused6);
    at[1] = address_of(refused);
    at[2] = address_of(good);
    at[3] = local(AF_INET);            /* of a family that there is not */
    at[3].any.sa_family = 250;
    lookup_list = several(list, at, 4);
    CHECK_NUMBER(smtp_posix_connect(&p, "many.example", port, 0, 2000),
                 SMTP_OK);
    CHECK_NUMBER(p.error, 0);
    smtp_posix_close(&p);

    at[2] = at[3];                     /* does not hide that it was refused */
    check_fails("many.example", port, 0, SMTP_E_CONNECT, ECONNREFUSED);
    lookup_list = several(list, at + 2, 1);
    check_fails("many.example", port, 0, SMTP_E_CONNECT, EAFNOSUPPORT);
    lookup_list = 0;
    close(good);
    close(refused);
    close(refused6);
}

/* Connects until the listener has no room: SMTP_E_TIMEOUT in `ms`. */
static void check_full(const char *host, const char *port, unsigned long ms)
{
    smtp_posix p[64];
    smtp_status st = SMTP_OK;
    unsigned long start = 0;
    int n;

    for (n = 0; n < 64 && st == SMTP_OK; n++) {
        start = now();
        st = smtp_posix_connect(&p[n], host, port, 0, ms);
    }
    CHECK_NUMBER(st, SMTP_E_TIMEOUT);
    CHECK(now() - start >= ms);
    CHECK(now() - start < ms + SLACK);
    CHECK_NUMBER(p[n - 1].error, ETIMEDOUT);
    CHECK_NUMBER(errno, ETIMEDOUT);
    while (n-- > 0)
        smtp_posix_close(&p[n]);
}

static void never_accepts(void)
{
    char port[16], path[64];
    int fd = bound(AF_INET, 0, port);

    tick(3, 3);
    check_full("127.0.0.1", port, 300);
    CHECK(signals > 20);
    tick(0, 0);
    close(fd);
    sprintf(path, "%s/full", folder);
    fd = bound_path(path, 0);
    tick(3, 3);
    check_full(path, 0, 300);
    CHECK(signals > 20);
    tick(0, 0);
    close(fd);
    unlink(path);
}

static void waits(void)
{
    smtp_posix p;
    smtp_io io;
    unsigned long start;
    int pair[2];

    CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_NUMBER(smtp_posix_attach(&p, pair[0]), SMTP_OK);
    io = smtp_posix_io(&p, 1);
    tick(3, 3);
    start = now();
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 200), SMTP_E_TIMEOUT);
    CHECK(now() - start >= 200);
    CHECK(now() - start < 200 + SLACK);
    CHECK(signals > 10);
    CHECK_NUMBER(p.error, 0);
    start = now();
    CHECK_NUMBER(io.wait(io.ctx, 0, 100), SMTP_OK);
    CHECK(now() - start >= 100);
    tick(0, 0);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 0), SMTP_E_TIMEOUT);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_WRITE, ULONG_MAX), SMTP_OK);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ | SMTP_WRITE, 1000), SMTP_OK);
    CHECK_NUMBER(write(pair[1], "x", 1), 1);
    start = now();
    CHECK_NUMBER(io.wait(io.ctx, 0, 50), SMTP_OK);
    CHECK(now() - start >= 50);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 1000), SMTP_OK);
    close(pair[1]);
    start = now();
    CHECK_NUMBER(io.wait(io.ctx, 0, 50), SMTP_OK);
    CHECK(now() - start >= 50);
    io = smtp_posix_io(&p, 0);
    CHECK(!io.wait);
    CHECK(io.wants && io.clock && io.close && !io.starttls);
    CHECK_NUMBER(io.wants(io.ctx, SMTP_READ), SMTP_READ);
    smtp_posix_close(&p);
}

/* As a session waits for an answer; *took gets the milliseconds. */
static ptrdiff_t wait_and_recv(const smtp_io *io, unsigned long ms,
                               unsigned long *took)
{
    unsigned long start = now();
    ptrdiff_t n = SMTP_AGAIN;
    char byte;

    *took = 0;
    while (n == SMTP_AGAIN && *took < ms) {
        int st = io->wait(io->ctx, SMTP_READ, ms - *took);
        n = st == SMTP_OK ? io->recv(io->ctx, &byte, 1) : st;
        *took = now() - start;
    }
    return n;
}

/* A second or more is waited for in recv() itself, without poll(); and only in
   the first recv() behind a wait, if nothing is sent between them. */
static void recv_waits(void)
{
    smtp_posix p;
    smtp_io io;
    unsigned long took, start;
    int pair[2], before = polls, status;
    pid_t child;
    char byte;

    CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_NUMBER(smtp_posix_attach(&p, pair[0]), SMTP_OK);
    io = smtp_posix_io(&p, 1);
    child = fork();
    if (child == 0) {
        (void)poll(NULL, 0, 300);
        _exit(write(pair[1], "xyz", 3) == 3 ? 0 : 1);
    }
    tick(3, 3);
    CHECK_NUMBER(wait_and_recv(&io, 20000, &took), 1);
    CHECK(signals > 10);
    tick(0, 0);
    CHECK(took >= 200);
    CHECK(took < 300 + SLACK);
    CHECK_NUMBER(waitpid(child, &status, 0), child);
    CHECK_NUMBER(status, 0);
    CHECK_NUMBER(wait_and_recv(&io, 20000, &took), 1);
    CHECK_NUMBER(polls, before);
    CHECK_NUMBER(wait_and_recv(&io, 999, &took), 1);
    tick(3, 3);
    CHECK_NUMBER(wait_and_recv(&io, 2500, &took), SMTP_E_TIMEOUT);
    tick(0, 0);
    CHECK(took >= 2500);
    CHECK(took < 2500 + SLACK);
    start = now();
    CHECK_NUMBER(io.recv(io.ctx, &byte, 1), SMTP_AGAIN);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 9000), SMTP_OK);
    CHECK_NUMBER(io.send(io.ctx, "x", 1), 1);
    CHECK_NUMBER(io.recv(io.ctx, &byte, 1), SMTP_AGAIN);
    CHECK(now() - start < 900);
    CHECK_NUMBER(p.error, 0);
    CHECK_NUMBER(read(pair[1], &byte, 1), 1);
    close(pair[1]);
    CHECK_NUMBER(wait_and_recv(&io, 5000, &took), SMTP_EOF);
    smtp_posix_close(&p);
}

/* One late signal does not start the wait anew. */
static void late_signal(void)
{
    unsigned long start;

    tick(500, 0);
    start = now();
    CHECK_NUMBER(smtp__posix_poll(-1, 0, 600), SMTP_E_TIMEOUT);
    CHECK_NUMBER(signals, 1);
    CHECK(now() - start >= 600);
    CHECK(now() - start < 1000);
    tick(0, 0);
}

/* Fills the socket up, then gets every byte across with signals meanwhile. */
static void backpressure(void)
{
    static char block[10000], got[10000];
    smtp_posix p;
    smtp_io io;
    int pair[2];
    size_t i, sent = 0, seen = 0, wrong = 0;
    ptrdiff_t n;

    for (i = 0; i < sizeof block; i++)
        block[i] = (char)(i % 251);
    CHECK_NUMBER(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_NUMBER(smtp_posix_attach(&p, pair[0]), SMTP_OK);
    io = smtp_posix_io(&p, 1);
    while ((n = io.send(io.ctx, block + sent % 251, 5020)) > 0)
        sent += (size_t)n;
    CHECK_NUMBER(n, SMTP_AGAIN);
    CHECK_NUMBER(p.error, 0);
    CHECK(sent > 5020);
    tick(3, 3);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_WRITE, 50), SMTP_E_TIMEOUT);
    while (seen < sent && (n = read(pair[1], got, sizeof got)) != 0)
        for (i = 0; n > 0 && i < (size_t)n; i++, seen++)
            wrong += got[i] != (char)(seen % 251);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_WRITE, 1000), SMTP_OK);
    tick(0, 0);
    CHECK_NUMBER(seen, sent);
    CHECK_NUMBER(wrong, 0);
    smtp_posix_close(&p);
    close(pair[1]);
}

/* SIGPIPE has its default action here: it would end the program. */
static void peer_is_gone(void)
{
    static char block[65536];
    struct linger abort_it = {1, 0};
    smtp_posix p;
    smtp_io io;
    char port[16], text[8];
    int fd = bound(AF_INET, 4, port), other;
    ptrdiff_t n;

    CHECK_NUMBER(smtp_posix_connect(&p, "127.0.0.1", port, 0, 0), SMTP_OK);
    other = accept(fd, 0, 0);
    CHECK_NUMBER(write(other, "421", 3), 3);
    close(other);
    io = smtp_posix_io(&p, 1);
    while ((n = io.send(io.ctx, block, sizeof block)) >= 0
           || (n == SMTP_AGAIN
               && io.wait(io.ctx, SMTP_WRITE, 2000) == SMTP_OK))
        continue;
    CHECK_NUMBER(n, SMTP_EOF);
    CHECK(p.error == EPIPE || p.error == ECONNRESET);
    CHECK_NUMBER(io.send(io.ctx, block, sizeof block), SMTP_EOF);
    CHECK_NUMBER(p.error, EPIPE);
    CHECK_NUMBER(errno, EPIPE);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), 3);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), SMTP_EOF);
    smtp_posix_close(&p);
    CHECK_NUMBER(errno, EPIPE);

    CHECK_NUMBER(smtp_posix_connect(&p, "127.0.0.1", port, 0, 0), SMTP_OK);
    other = accept(fd, 0, 0);
    setsockopt(other, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
    close(other);
    io = smtp_posix_io(&p, 1);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 2000), SMTP_OK);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), SMTP_EOF);
    CHECK_NUMBER(p.error, ECONNRESET);
    smtp_posix_close(&p);
    CHECK_NUMBER(io.recv(io.ctx, text, sizeof text), SMTP_E_IO);
    CHECK_NUMBER(p.error, EBADF);
    close(fd);
}

/* A socket of the given kind, with connect() just called. */
static int connecting(const char *port)
{
    smtp__posix_address to = local(AF_INET);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.v4.sin_port = htons((uint16_t)atoi(port));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)connect(fd, &to.any, sizeof to.v4);
    return fd;
}

static void attach_connecting(void)
{
    smtp_posix p, filler[8];
    smtp_io io;
    char port[16], text[8];
    int fd = bound(AF_INET, 0, port), other, i;

    for (i = 0; i < 8; i++) {
        (void)smtp_posix_connect(&filler[i], "127.0.0.1", port, 0, 50);
        if (filler[i].error == ETIMEDOUT)
            break;
    }
    CHECK(i < 8);
    other = connecting(port);          /* no room: stays under way */
    CHECK_NUMBER(smtp_posix_attach(&p, other), SMTP_OK);
    check_flags(p.fd, 1);
    io = smtp_posix_io(&p, 0);
    CHECK_NUMBER(io.recv(io.ctx, text, 1), SMTP_AGAIN);
    CHECK_NUMBER(io.send(io.ctx, "x", 1), SMTP_AGAIN);
    CHECK_NUMBER(io.wants(io.ctx, SMTP_READ), SMTP_WRITE);
    CHECK_NUMBER(io.wants(io.ctx, 0), 0);
    io = smtp_posix_io(&p, 1);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 50), SMTP_E_TIMEOUT);
    while (i-- > 0) {                  /* makes room: TCP tries again */
        close(accept(fd, 0, 0));
        smtp_posix_close(&filler[i]);
    }
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ, 8000), SMTP_OK);
    CHECK_NUMBER(io.recv(io.ctx, text, 1), SMTP_AGAIN);
    CHECK_NUMBER(io.wants(io.ctx, SMTP_READ), SMTP_READ);
    CHECK_NUMBER(io.send(io.ctx, "x", 1), 1);
    close(fd);
    smtp_posix_close(&p);
}

static void attach_succeeds(void)
{
    smtp_posix p;
    smtp_io io;
    char port[16], text[8];
    int fd = bound(AF_INET, 4, port), other;

    CHECK_NUMBER(smtp_posix_attach(&p, connecting(port)), SMTP_OK);
    io = smtp_posix_io(&p, 1);
    CHECK_NUMBER(io.wait(io.ctx, SMTP_READ | SMTP_WRITE, 2000), SMTP_OK);
    CHECK_NUMBER(io.send(io.ctx, "x", 1), 1);
    CHECK_NUMBER(io.wants(io.ctx, SMTP_READ), SMTP_READ);
    other = accept(fd, 0, 0);
    CHECK_NUMBER(read(other, text, sizeof text), 1);
    smtp_posix_close(&p);
    close(other);
    close(fd);
}

static void attach_fails(void)
{
    smtp_posix p;
    smtp_io io;
    char port[16], text[8];
    int fd = bound(AF_INET, -1, port), pipes[2];

    CHECK_NUMBER(smtp_posix_attach(&p, connecting(port)), SMTP_OK);
    io = smtp_posix_io(&p, 1);
    (void)io.wait(io.ctx, SMTP_WRITE, 2000);
    CHECK_NUMBER(io.recv(io.ctx, text, 1), SMTP_E_CONNECT);
    CHECK_NUMBER(p.error, ECONNREFUSED);
    CHECK_NUMBER(errno, ECONNREFUSED);
    smtp_posix_close(&p);
    close(fd);

    CHECK_NUMBER(smtp_posix_attach(&p, socket(AF_INET, SOCK_STREAM, 0)),
                 SMTP_OK);             /* connect() was forgotten */
    CHECK_NUMBER(io.send(io.ctx, "x", 1), SMTP_E_CONNECT);
    CHECK_NUMBER(p.error, ENOTCONN);
    smtp_posix_close(&p);

    CHECK_NUMBER(pipe(pipes), 0);
    CHECK_NUMBER(smtp_posix_attach(&p, pipes[1]), SMTP_E_IO);
    CHECK_NUMBER(p.error, ENOTSOCK);
    CHECK_NUMBER(p.fd, -1);
    close(pipes[0]);
    close(pipes[1]);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_NUMBER(smtp_posix_attach(&p, fd), SMTP_E_IO);
    CHECK_NUMBER(p.error, EPROTOTYPE);
    close(fd);
    CHECK_NUMBER(smtp_posix_attach(&p, -1), SMTP_E_IO);
    CHECK_NUMBER(p.error, EBADF);
}

static void check_domain(const smtp_posix *p, const char *machine,
                         const char *want)
{
    char name[256];

    machine_name = machine;
    memset(name, 'x', sizeof name);
    CHECK_NUMBER(smtp_posix_domain(p, name, sizeof name), SMTP_OK);
    CHECK_TEXT(name, want);
}

static void domains(void)
{
    smtp_posix p, none;
    char port[16], name[256];
    int fd = bound(AF_INET, 4, port);

    smtp__posix_clear(&none);
    check_domain(&none, "box.example.org", "box.example.org");
    check_domain(&none, "box", "[127.0.0.1]");
    check_domain(&none, 0, "[127.0.0.1]");
    check_domain(&none, "", "[127.0.0.1]");
    check_domain(&none, "box.example.", "[127.0.0.1]");
    check_domain(&none, ".box.example", "[127.0.0.1]");
    check_domain(&none, "my box.example", "[127.0.0.1]");
    check_domain(&none, "box.example\r\nQUIT", "[127.0.0.1]");
    check_domain(&none, "localhost.localdomain", "[127.0.0.1]");
    CHECK_NUMBER(smtp_posix_connect(&p, "127.0.0.1", port, "127.1.2.3", 0),
                 SMTP_OK);
    check_domain(&p, "box", "[127.1.2.3]");
    check_domain(&p, "box.example.org", "box.example.org");
    CHECK_NUMBER(smtp_posix_domain(&p, name, 255), SMTP_E_ARGUMENT);
    smtp_posix_close(&p);
    close(fd);
    fd = bound(AF_INET6, 4, port);
    CHECK_NUMBER(smtp_posix_connect(&p, "::1", port, 0, 0), SMTP_OK);
    check_domain(&p, "box", "[IPv6:::1]");
    smtp_posix_close(&p);
    close(fd);
}

static void clocks(void)
{
    smtp_posix p;
    smtp_io io = smtp_posix_io(&p, 1);
    unsigned long first = io.clock(io.ctx), last;

    smtp__posix_clear(&p);
    CHECK_NUMBER(io.wait(io.ctx, 0, 30), SMTP_OK);
    last = io.clock(io.ctx);
    CHECK(last - first >= 30);
    CHECK(last - first < 30 + SLACK);
}

int main(void)
{
    int free_fd;

    check_begin();
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    free_fd = lowest();
    no_descriptor();               /* before the resolver is initialised */
    streams();
    refusals();
    longest_path();
    sources();
    lookups();
    every_address();
    never_accepts();
    waits();
    recv_waits();
    late_signal();
    backpressure();
    peer_is_gone();
    attach_connecting();
    attach_succeeds();
    attach_fails();
    domains();
    clocks();
    CHECK_NUMBER(lowest(), free_fd);
    CHECK_NUMBER(endless_polls, 0);
    rmdir(folder);
    return check_end();
}
