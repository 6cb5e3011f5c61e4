/* tls_other.c - sends a mail through a TLS library that is not BearSSL (for
   `tls_other`)

   tls_other PORT NAME TRUST starttls|implicit wait|loop|choppy BYTES
   TLS is OpenSSL's, with -DMBEDTLS that of Mbed TLS. `choppy`: the transport
   moves some bytes at each second call. The mail has about BYTES and many
   recipients, so that the session adds to what is under way. Prints the
   status of the mail, and that of the end. */
#define _POSIX_C_SOURCE 200809L
#define SMTP_POSIX
#define SMTP_IMPLEMENTATION
#include "../../smtp.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

static smtp_session session;
static smtp_posix sock;

/* ---- transport ----------------------------------------------------------- */

static smtp_io below, choppy;

static ptrdiff_t choppy_recv(void *ctx, void *buffer, size_t size)
{
    static unsigned turn;

    if (++turn % 2)
        return SMTP_AGAIN;
    return below.recv(ctx, buffer, size < 50 ? size : 50);
}

static ptrdiff_t choppy_send(void *ctx, const void *data, size_t size)
{
    static unsigned turn;

    if (++turn % 2)
        return SMTP_AGAIN;
    return below.send(ctx, data, size < 5 ? size : 5);
}

static int choppy_wait(void *ctx, int wants, unsigned long ms)
{
    (void)wants;
    return below.wait(ctx, SMTP_READ | SMTP_WRITE, ms);
}

static const smtp_io *transport(const char *way)
{
    below = smtp_posix_io(&sock, strcmp(way, "loop") != 0);
    choppy = below;
    choppy.recv = choppy_recv;
    choppy.send = choppy_send;
    choppy.wait = choppy_wait;
    return strcmp(way, "choppy") == 0 ? &choppy : &below;
}

/* ---- TLS ----------------------------------------------------------------- */

#ifdef MBEDTLS
#include "../../examples/mbedtls.h"
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>

static void secured(const char *name, const char *trust, int starttls,
                    const smtp_io *lower, smtp_io *io, smtp_status *st)
{
    static mbed_tls tls;
    static mbedtls_ssl_config conf;
    static mbedtls_entropy_context entropy;
    static mbedtls_ctr_drbg_context random;
    static mbedtls_x509_crt roots;

    mbedtls_ssl_config_init(&conf);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_x509_crt_init(&roots);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL,
                              0) ||
        mbedtls_x509_crt_parse_file(&roots, trust) ||
        mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT,
                                    MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        exit(2);
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_ca_chain(&conf, &roots, NULL);
    mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    *st = mbed_open(&tls, lower, &conf, name, starttls, io);
}
#else
#include "../../examples/openssl.h"

static void secured(const char *name, const char *trust, int starttls,
                    const smtp_io *lower, smtp_io *io, smtp_status *st)
{
    static openssl_tls tls;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    if (!context || !SSL_CTX_load_verify_locations(context, trust, NULL))
        exit(2);
    *st = openssl_open(&tls, lower, context, name, starttls, io);
    SSL_CTX_free(context);         /* the connection holds one more */
}
#endif

/* ---- the mail ------------------------------------------------------------ */

static smtp_status finish(smtp_status st)
{
    while (st == SMTP_AGAIN) {
        int wants = smtp_wants(&session);
        struct pollfd on = {sock.fd, 0, 0};

        if (wants & SMTP_READ)
            on.events |= POLLIN;
        if (wants & SMTP_WRITE)
            on.events |= POLLOUT;
        if (poll(&on, 1, 20000) == 0)
            return SMTP_E_TIMEOUT;
        st = smtp_run(&session);
    }
    return st;
}

static char *text_of(size_t size)
{
    char *text = (char *)malloc(size + 40);
    size_t i, n = (size_t)sprintf(text, "Subject: other\r\n\r\n");

    for (i = 0; i < size; i++)
        text[n++] = (char)(i % 71 == 69 ? '\r' : i % 71 == 70 ? '\n'
                                               : 'a' + (int)(i % 26));
    strcpy(text + n, "\r\n");
    return text;
}

int main(int argc, char **argv)
{
    static char buffer[4000];
    smtp_config config = {0};
    smtp_recipient to[100] = {{0}};
    smtp_mail mail = {0};
    smtp_io io;
    smtp_status st;
    char *text;
    int starttls, i;

    if (argc != 7)
        return 2;
    starttls = strcmp(argv[4], "starttls") == 0;
    config.tls = starttls ? SMTP_TLS_STARTTLS : SMTP_TLS_IMPLICIT;
    config.window = 4;
    for (i = 0; i < 100; i++)
        to[i].address = "ops@example.net";
    mail.from = "box@example.org";
    mail.to = to;
    mail.to_count = 100;
    text = text_of((size_t)atol(argv[6]));
    mail.body = smtp_text(text);
    st = smtp_posix_connect(&sock, "127.0.0.1", argv[1], 0, 0);
    if (st == SMTP_OK)
        secured(argv[2], argv[3], starttls, transport(argv[5]), &io, &st);
    if (st == SMTP_OK)
        st = smtp_open(&session, &io, &config, buffer, sizeof buffer);
    if (st == SMTP_OK)
        st = finish(smtp_send(&session, &mail));
    puts(smtp_status_text(st));
    if (st == SMTP_OK)
        puts(smtp_status_text(finish(smtp_quit(&session))));
    smtp_close(&session);
    free(text);
    return 0;
}
