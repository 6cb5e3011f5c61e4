/* openssl.h - TLS by OpenSSL (1.1.1 or later), TLS 1.3 too, for smtp.h

   To be copied. It stands between a session and any transport, as smtp_tls of
   smtp.h does with BearSSL:

      SSL_CTX *context = SSL_CTX_new(TLS_client_method());
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
      SSL_CTX_set_default_verify_paths(context);
      ...
      openssl_tls tls;
      smtp_posix p;
      smtp_status st = smtp_posix_connect(&p, "mail.example.org", "587", 0, 0);
      smtp_io io, lower = smtp_posix_io(&p, 1);
      if (st == SMTP_OK)
          st = openssl_open(&tls, &lower, context, "mail.example.org", 1, &io);
      if (st == SMTP_OK)
          st = smtp_open(&s, &io, &config, buffer, sizeof buffer);

   smtp.h comes first. A callback is called as (lower->recv)(...), so that a
   macro of that name, as lwIP's sockets have, does not see it. */
#ifndef TLS_OPENSSL_H
#define TLS_OPENSSL_H

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

typedef struct openssl_tls {
    const smtp_io *lower;
    SSL *ssl;
    int active;                    /* bytes are TLS */
    int waits;                     /* for what `lower` said SMTP_AGAIN last */
    int failed;                    /* what ended reading, or SMTP_OK */
    int broken;                    /* what ended writing, or SMTP_OK */
} openssl_tls;

/* ---- records: what OpenSSL reads and writes ------------------------------ */

/* What `lower` has said, as a BIO tells it. */
static int openssl_passed(BIO *bio, ptrdiff_t n, int wants, int *failed)
{
    openssl_tls *tls = (openssl_tls *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    tls->waits &= ~wants;
    if (n > 0)
        return (int)n;
    if (n == SMTP_AGAIN) {
        tls->waits |= wants;
        BIO_set_flags(bio, BIO_FLAGS_SHOULD_RETRY |
                      (wants == SMTP_READ ? BIO_FLAGS_READ : BIO_FLAGS_WRITE));
    } else {
        *failed = (int)n;
    }
    return -1;
}

static int openssl_bio_read(BIO *bio, char *data, int size)
{
    openssl_tls *tls = (openssl_tls *)BIO_get_data(bio);
    const smtp_io *lower = tls->lower;
    ptrdiff_t n = (lower->recv)(lower->ctx, data, (size_t)size);
    if (n == 0 || n == SMTP_EOF)   /* close_notify would have come before */
        n = SMTP_E_TLS_CUT;
    return openssl_passed(bio, n, SMTP_READ, &tls->failed);
}

static int openssl_bio_write(BIO *bio, const char *data, int size)
{
    openssl_tls *tls = (openssl_tls *)BIO_get_data(bio);
    const smtp_io *lower = tls->lower;
    ptrdiff_t n = (lower->send)(lower->ctx, data, (size_t)size);
    if (n == 0)
        n = SMTP_AGAIN;
    return openssl_passed(bio, n, SMTP_WRITE, &tls->broken);
}

static long openssl_bio_ctrl(BIO *bio, int command, long n, void *p)
{
    (void)bio, (void)n, (void)p;
    return command == BIO_CTRL_FLUSH;
}

/* A method for all connections, made once: by the first of them, so open that
   before there are other threads. */
static BIO *openssl_bio(openssl_tls *tls)
{
    static BIO_METHOD *method;
    BIO *bio;
    if (!method) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "smtp_io");
        if (!method)
            return NULL;
        BIO_meth_set_read(method, openssl_bio_read);
        BIO_meth_set_write(method, openssl_bio_write);
        BIO_meth_set_ctrl(method, openssl_bio_ctrl);
    }
    bio = BIO_new(method);
    if (bio) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- the transport ------------------------------------------------------- */

/* Why TLS failed: whose fault, or what is wrong with a certificate. */
static int openssl_verdict(const openssl_tls *tls)
{
    if (ERR_GET_REASON(ERR_peek_error()) > SSL_AD_REASON_OFFSET)
        return SMTP_E_TLS_ALERT;
    switch (SSL_get_verify_result(tls->ssl)) {
    case X509_V_OK:
        return SMTP_E_TLS;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return SMTP_E_TLS_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return SMTP_E_TLS_EXPIRED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return SMTP_E_TLS_ISSUER;
    default:
        return SMTP_E_TLS_CERT;
    }
}

/* What an operation has come to. */
static int openssl_result(openssl_tls *tls, int n)
{
    switch (SSL_get_error(tls->ssl, n)) {
    case SSL_ERROR_NONE:
        return n;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SMTP_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return SMTP_EOF;
    default:
        if (tls->failed == SMTP_OK && tls->broken == SMTP_OK)
            tls->failed = openssl_verdict(tls);
        return tls->failed != SMTP_OK ? tls->failed : tls->broken;
    }
}

static int openssl_size(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

static ptrdiff_t openssl_recv(void *ctx, void *buffer, size_t size)
{
    openssl_tls *tls = (openssl_tls *)ctx;
    if (!tls->active)
        return (tls->lower->recv)(tls->lower->ctx, buffer, size);
    ERR_clear_error();
    return openssl_result(tls, SSL_read(tls->ssl, buffer, openssl_size(size)));
}

static ptrdiff_t openssl_send(void *ctx, const void *data, size_t size)
{
    openssl_tls *tls = (openssl_tls *)ctx;
    if (!tls->active)
        return (tls->lower->send)(tls->lower->ctx, data, size);
    ERR_clear_error();
    return openssl_result(tls, SSL_write(tls->ssl, data, openssl_size(size)));
}

static int openssl_starttls(void *ctx)
{
    openssl_tls *tls = (openssl_tls *)ctx;
    int n;
    tls->active = 1;
    ERR_clear_error();
    n = openssl_result(tls, SSL_connect(tls->ssl));
    return n > 0 ? SMTP_OK : n;
}

/* What the stream below is waited for. */
static int openssl_below(const openssl_tls *tls, int wants)
{
    return tls->active && wants && tls->waits ? tls->waits : wants;
}

static int openssl_wants(void *ctx, int wants)
{
    const openssl_tls *tls = (const openssl_tls *)ctx;
    const smtp_io *lower = tls->lower;
    wants = openssl_below(tls, wants);
    return lower->wants ? (lower->wants)(lower->ctx, wants) : wants;
}

/* Bytes that are decrypted already are no longer in the stream below. */
static int openssl_wait(void *ctx, int wants, unsigned long ms)
{
    const openssl_tls *tls = (const openssl_tls *)ctx;
    const smtp_io *lower = tls->lower;
    if (tls->active && wants & SMTP_READ && SSL_pending(tls->ssl) > 0)
        return SMTP_OK;
    return (lower->wait)(lower->ctx, openssl_below(tls, wants), ms);
}

static unsigned long openssl_clock(void *ctx)
{
    const smtp_io *lower = ((const openssl_tls *)ctx)->lower;
    return (lower->clock)(lower->ctx);
}

static void openssl_close(void *ctx)
{
    openssl_tls *tls = (openssl_tls *)ctx;
    if (SSL_is_init_finished(tls->ssl) && tls->failed == SMTP_OK &&
        tls->broken == SMTP_OK)
        SSL_shutdown(tls->ssl);    /* close_notify */
    SSL_free(tls->ssl);
    tls->ssl = NULL;
    if (tls->lower->close)
        (tls->lower->close)(tls->lower->ctx);
}

/* Puts TLS between a session and `lower`, as smtp_tls_open() does: the server's
   certificate has to carry `server_name` and lead to what `context` trusts;
   `starttls` 0: TLS from the first byte. The result goes into *io. `lower` and
   `context` stay valid until the session is closed, or *io, if no session was
   opened. SMTP_OK, SMTP_E_ARGUMENT (no name), SMTP_E_TLS (no memory; a name
   that is none); then `lower` is still the caller's to close. */
static smtp_status openssl_open(openssl_tls *tls, const smtp_io *lower,
                                SSL_CTX *context, const char *server_name,
                                int starttls, smtp_io *io)
{
    BIO *bio;
    memset(tls, 0, sizeof *tls);
    if (!server_name || !*server_name)
        return SMTP_E_ARGUMENT;
    tls->lower = lower;
    tls->active = !starttls;
    tls->ssl = SSL_new(context);
    bio = tls->ssl ? openssl_bio(tls) : NULL;
    if (!bio || !SSL_set1_host(tls->ssl, server_name) ||
        !SSL_set_tlsext_host_name(tls->ssl, server_name)) {
        BIO_free(bio);
        SSL_free(tls->ssl);
        return SMTP_E_TLS;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_connect_state(tls->ssl);
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, NULL);
    SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* A session offers again what was not taken, elsewhere perhaps, and perhaps
       with more behind it. */
    SSL_set_mode(tls->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
                           SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    memset(io, 0, sizeof *io);
    io->ctx = tls;
    io->recv = openssl_recv;
    io->send = openssl_send;
    io->starttls = openssl_starttls;
    io->close = openssl_close;
    io->wants = openssl_wants;
    io->wait = lower->wait ? openssl_wait : NULL;
    io->clock = lower->clock ? openssl_clock : NULL;
    return SMTP_OK;
}

#endif /* TLS_OPENSSL_H */
