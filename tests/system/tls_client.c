/* tls_client.c - says a line over TLS and hears it reversed (for `tls`)

   tls_client PORT NAME=VALUE...
   Prints the status of the connection, of the line, of the end. */
#define _POSIX_C_SOURCE 200809L
#define SMTP_POSIX
#define SMTP_BEARSSL
#define SMTP_IMPLEMENTATION
#include "../../smtp.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned char buffer[SMTP_TLS_BUFFER_FAST];

typedef struct options {
    smtp_tls_config tls;
    const char *port;
    const char *session;           /* file to resume from and to store to */
    long lines, length;            /* to say */
    int starttls;
    const char *last;              /* line that makes the server end */
} options;

static void option(options *o, const char *name, const char *value)
{
    if (strcmp(name, "name") == 0)
        o->tls.server_name = value;
    else if (strcmp(name, "trust") == 0)
        o->tls.trust_file = value;
    else if (strcmp(name, "cert") == 0)
        o->tls.cert_file = value;
    else if (strcmp(name, "key") == 0)
        o->tls.key_file = value;
    else if (strcmp(name, "session") == 0)
        o->session = value;
    else if (strcmp(name, "last") == 0)
        o->last = value;
    else if (strcmp(name, "buffer") == 0)
        o->tls.buffer_size = (size_t)atol(value);
    else if (strcmp(name, "lines") == 0)
        o->lines = atol(value);
    else if (strcmp(name, "length") == 0)
        o->length = atol(value);
    else if (strcmp(name, "unsafe") == 0)
        o->tls.unsafe_no_verify = 1;
    else
        exit(2);
}

static ptrdiff_t patient_send(smtp_io *io, const char *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ptrdiff_t n = io->send(io->ctx, data + done, size - done);

        if (n == SMTP_AGAIN && io->wait(io->ctx, SMTP_WRITE, 20000) == SMTP_OK)
            continue;
        if (n < 0)
            return n;
        done += (size_t)n;
    }
    return SMTP_OK;
}

static ptrdiff_t patient_recv(smtp_io *io, char *data, size_t size)
{
    for (;;) {
        ptrdiff_t n = io->recv(io->ctx, data, size);

        if (n != SMTP_AGAIN || io->wait(io->ctx, SMTP_READ, 20000) != SMTP_OK)
            return n;
    }
}

static ptrdiff_t one_line(smtp_io *io, char *said, char *heard, size_t length)
{
    ptrdiff_t n = patient_send(io, said, length);
    size_t done = 0, i;

    while (n >= 0 && done < length) {
        n = patient_recv(io, heard + done, length - done);
        done += n > 0 ? (size_t)n : 0;
    }
    for (i = 0; n >= 0 && i + 1 < length; i++)
        if (heard[i] != said[length - 2 - i])
            return SMTP_E_PROTOCOL;
    return n < 0 ? n : SMTP_OK;
}

static ptrdiff_t all_lines(smtp_io *io, const options *o)
{
    static char said[20000], heard[20000];
    ptrdiff_t status = SMTP_OK;
    long i, j;

    for (i = 0; i < o->lines && status == SMTP_OK; i++) {
        for (j = 0; j < o->length - 1; j++)
            said[j] = (char)('a' + (i + j * 7) % 26);
        said[j] = '\n';
        status = one_line(io, said, heard, (size_t)o->length);
    }
    return status;
}

static int handshake(smtp_io *io)
{
    int status;

    do
        status = io->starttls(io->ctx);
    while (status == SMTP_AGAIN
           && io->wait(io->ctx, SMTP_READ, 20000) == SMTP_OK);
    return status;
}

static void session_file(const char *path, const char *mode,
                         br_ssl_session_parameters *session)
{
    FILE *f = fopen(path, mode);
    size_t n = 1;

    if (f && *mode == 'r')
        n = fread(session, sizeof *session, 1, f);
    else if (f)
        n = fwrite(session, sizeof *session, 1, f);
    if (f)
        fclose(f);
    if (n != 1)
        memset(session, 0, sizeof *session);
}

static void run(options *o)
{
    static smtp_tls tls;
    static br_ssl_session_parameters session, before;
    smtp_posix socket;
    smtp_io lower, io;
    char c;
    ptrdiff_t status = smtp_posix_connect(&socket, "127.0.0.1", o->port, 0, 0);

    if (o->session)
        session_file(o->session, "rb", &session);
    before = session;
    o->tls.session = o->session ? &session : NULL;
    io = lower = smtp_posix_io(&socket, 1);   /* what there is to be closed */
    if (status == SMTP_OK)
        status = smtp_tls_open(&tls, &lower, &o->tls, 1, &io);
    if (status == SMTP_OK)
        status = handshake(&io);
    printf("%s\n", smtp_status_text((int)status));
    if (status == SMTP_OK)
        printf("%s\n", smtp_status_text((int)(status = all_lines(&io, o))));
    if (status == SMTP_OK && o->last) {
        patient_send(&io, o->last, strlen(o->last));
        patient_send(&io, "\n", 1);
        while ((status = patient_recv(&io, &c, 1)) > 0)
            continue;
        printf("%s\n", smtp_status_text((int)status));
    }
    if (o->session) {
        session_file(o->session, "wb", &session);
        printf("%s\n", memcmp(session.master_secret, before.master_secret,
                              sizeof session.master_secret) == 0
                       ? "resumed" : "new session");
    }
    io.close(io.ctx);
}

int main(int argc, char **argv)
{
    static options o;
    int i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    o.tls.buffer = buffer;
    o.tls.buffer_size = sizeof buffer;
    o.tls.server_name = "mail.example.org";
    o.port = argv[1];
    o.lines = 3;
    o.length = 1000;
    for (i = 2; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (!value)
            return 2;
        *value++ = 0;
        option(&o, argv[i], value);
    }
    run(&o);
    return 0;
}
