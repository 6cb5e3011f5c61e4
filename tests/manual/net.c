/* The network of the manual's examples: mail.example.org is a server on this
   machine at PORT, and the system's trusted certificates are the file TRUST.
   Linked with --wrap, which asks for these names. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_getaddrinfo(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
int __wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);
int __real_open(const char *, int, ...);
int __wrap_open(const char *, int, ...);
FILE *__real_fopen(const char *, const char *);
FILE *__wrap_fopen(const char *, const char *);

static const char *place(const char *path)
{
    return strncmp(path, "/etc/ssl/", 9) == 0 ? getenv("TRUST") : path;
}

int __wrap_getaddrinfo(const char *host, const char *service,
                       const struct addrinfo *hints, struct addrinfo **result)
{
    if (strcmp(host, "mail.example.org") != 0 || strcmp(service, "465") != 0)
        return EAI_NONAME;
    return __real_getaddrinfo("127.0.0.1", getenv("PORT"), hints, result);
}

int __wrap_open(const char *path, int flags, ...)
{
    return __real_open(place(path), flags);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return __real_fopen(place(path), mode);
}
