/* mbedtls.h - TLS by Mbed TLS (2.16 or later, 3) for smtp.h

   To be copied. It stands between a session and any transport, as smtp_tls of
   smtp.h does with BearSSL. `conf` is an mbedtls_ssl_config of yours, for a
   client over a stream, with random numbers, trusted certificates and
   MBEDTLS_SSL_VERIFY_REQUIRED:

      mbed_tls tls;
      smtp_io io, lower = uart_io();
      smtp_status st = mbed_open(&tls, &lower, &conf, "mail.example.org", 1,
                                 &io);
      if (st == SMTP_OK)
          st = smtp_open(&s, &io, &config, buffer, sizeof buffer);

   smtp.h comes first. A callback is called as (lower->recv)(...), so that a
   macro of that name, as lwIP's sockets have, does not see it. */
#ifndef TLS_MBEDTLS_H
#define TLS_MBEDTLS_H

#include <mbedtls/ssl.h>
#include <string.h>

typedef struct mbed_tls {
    const smtp_io *lower;
    mbedtls_ssl_context ssl;
    size_t pending;                /* bytes in a record that is sent in part */
    int active;                    /* bytes are TLS */
    int waits;                     /* for what `lower` said SMTP_AGAIN last */
    int failed;                    /* what ended reading, or SMTP_OK */
    int broken;                    /* what ended writing, or SMTP_OK */
    int error;                     /* Mbed TLS's own number, 0 if none */
} mbed_tls;

/* ---- records: what Mbed TLS reads and writes ----------------------------- */

static int mbed_lower_recv(void *ctx, unsigned char *data, size_t size)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    ptrdiff_t n = (tls->lower->recv)(tls->lower->ctx, data, size);
    tls->waits &= ~SMTP_READ;
    if (n > 0)
        return (int)n;
    if (n == SMTP_AGAIN) {
        tls->waits |= SMTP_READ;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    /* At the end, too: close_notify would have come before. */
    tls->failed = n == 0 || n == SMTP_EOF ? SMTP_E_TLS_CUT : (int)n;
    return MBEDTLS_ERR_SSL_CONN_EOF;
}

static int mbed_lower_send(void *ctx, const unsigned char *data, size_t size)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    ptrdiff_t n = (tls->lower->send)(tls->lower->ctx, data, size);
    tls->waits &= ~SMTP_WRITE;
    if (n > 0)
        return (int)n;
    if (n == 0 || n == SMTP_AGAIN) {
        tls->waits |= SMTP_WRITE;
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    tls->broken = (int)n;
    return MBEDTLS_ERR_SSL_CONN_EOF;
}

/* ---- the transport ------------------------------------------------------- */

/* Why TLS failed: whose fault, or what is wrong with a certificate. */
static int mbed_verdict(const mbed_tls *tls)
{
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);
    if (tls->error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return SMTP_E_TLS_ALERT;
    if (flags == 0 || flags == (uint32_t)-1)
        return SMTP_E_TLS;
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        return SMTP_E_TLS_ISSUER;
    if (flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
        return SMTP_E_TLS_EXPIRED;
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
        return SMTP_E_TLS_NAME;
    return SMTP_E_TLS_CERT;
}

/* What an operation has come to. */
static int mbed_result(mbed_tls *tls, int n)
{
    if (n > 0)
        return n;
    if (n == MBEDTLS_ERR_SSL_WANT_READ || n == MBEDTLS_ERR_SSL_WANT_WRITE)
        return SMTP_AGAIN;
    if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return SMTP_EOF;
    tls->error = n;
    if (tls->failed == SMTP_OK && tls->broken == SMTP_OK)
        tls->failed = mbed_verdict(tls);
    return tls->failed != SMTP_OK ? tls->failed : tls->broken;
}

static ptrdiff_t mbed_recv(void *ctx, void *buffer, size_t size)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    int n;
    if (!tls->active)
        return (tls->lower->recv)(tls->lower->ctx, buffer, size);
    do
        n = mbedtls_ssl_read(&tls->ssl, (unsigned char *)buffer, size);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    while (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
#else
    while (0);
#endif
    return mbed_result(tls, n);
}

/* Once a record was made, Mbed TLS takes the size of each further call for its,
   but a session may offer more then. */
static ptrdiff_t mbed_send(void *ctx, const void *data, size_t size)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    int n;
    if (!tls->active)
        return (tls->lower->send)(tls->lower->ctx, data, size);
    if (tls->pending == 0)
        tls->pending = size;
    n = mbed_result(tls, mbedtls_ssl_write(
        &tls->ssl, (const unsigned char *)data, tls->pending));
    if (n > 0)
        tls->pending = 0;
    return n;
}

static int mbed_starttls(void *ctx)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    int n;
    tls->active = 1;
    n = mbedtls_ssl_handshake(&tls->ssl);
    return n == 0 ? SMTP_OK : mbed_result(tls, n);
}

/* What the stream below is waited for. */
static int mbed_below(const mbed_tls *tls, int wants)
{
    return tls->active && wants && tls->waits ? tls->waits : wants;
}

static int mbed_wants(void *ctx, int wants)
{
    const mbed_tls *tls = (const mbed_tls *)ctx;
    const smtp_io *lower = tls->lower;
    wants = mbed_below(tls, wants);
    return lower->wants ? (lower->wants)(lower->ctx, wants) : wants;
}

/* Bytes that are decrypted already are no longer in the stream below. */
static int mbed_wait(void *ctx, int wants, unsigned long ms)
{
    const mbed_tls *tls = (const mbed_tls *)ctx;
    const smtp_io *lower = tls->lower;
    if (tls->active && wants & SMTP_READ &&
        mbedtls_ssl_get_bytes_avail(&tls->ssl) > 0)
        return SMTP_OK;
    return (lower->wait)(lower->ctx, mbed_below(tls, wants), ms);
}

static unsigned long mbed_clock(void *ctx)
{
    const smtp_io *lower = ((const mbed_tls *)ctx)->lower;
    return (lower->clock)(lower->ctx);
}

static void mbed_close(void *ctx)
{
    mbed_tls *tls = (mbed_tls *)ctx;
    const smtp_io *lower = tls->lower;
    if (tls->active && tls->failed == SMTP_OK && tls->broken == SMTP_OK)
        mbedtls_ssl_close_notify(&tls->ssl);
    mbedtls_ssl_free(&tls->ssl);
    if (lower->close)
        (lower->close)(lower->ctx);
}

/* Puts TLS between a session and `lower`, as smtp_tls_open() does: the server's
   certificate has to carry `server_name` and lead to what `conf` trusts;
   `starttls` 0: TLS from the first byte. The result goes into *io. `lower` and
   `conf` stay valid until the session is closed, or *io, if no session was
   opened. SMTP_OK, SMTP_E_ARGUMENT (no name), SMTP_E_TLS (see tls->error); then
   `lower` is still the caller's to close. */
static smtp_status mbed_open(mbed_tls *tls, const smtp_io *lower,
                             const mbedtls_ssl_config *conf,
                             const char *server_name, int starttls,
                             smtp_io *io)
{
    memset(tls, 0, sizeof *tls);
    if (!server_name || !*server_name)
        return SMTP_E_ARGUMENT;
    tls->lower = lower;
    tls->active = !starttls;
    mbedtls_ssl_init(&tls->ssl);
    tls->error = mbedtls_ssl_setup(&tls->ssl, conf);
    if (tls->error == 0)
        tls->error = mbedtls_ssl_set_hostname(&tls->ssl, server_name);
    if (tls->error != 0) {
        mbedtls_ssl_free(&tls->ssl);
        return SMTP_E_TLS;
    }
    mbedtls_ssl_set_bio(&tls->ssl, tls, mbed_lower_send, mbed_lower_recv,
                        NULL);
    memset(io, 0, sizeof *io);
    io->ctx = tls;
    io->recv = mbed_recv;
    io->send = mbed_send;
    io->starttls = mbed_starttls;
    io->close = mbed_close;
    io->wants = mbed_wants;
    io->wait = lower->wait ? mbed_wait : NULL;
    io->clock = lower->clock ? mbed_clock : NULL;
    return SMTP_OK;
}

#endif /* TLS_MBEDTLS_H */
