/* smtp.h - 0.1 - submit mail by SMTP, ESMTP and LMTP - MIT-0 or Unlicense

   One C99 header (C++ too). No heap, no operating system, no blocking call
   inside: bytes move through two callbacks of yours, and every call can stop
   at any byte and be taken up again.

DO THIS
   In one source file; in all others without the first line, but with the same
   options (see below), as the structs depend on them:

      #define SMTP_IMPLEMENTATION
      #include "smtp.h"

   Then, over any byte stream, here a serial line:

      smtp_io io = {.ctx = &uart, .recv = uart_recv, .send = uart_send};
      smtp_config config = {.domain = "sensor.example.org",
                            .tls = SMTP_TLS_NONE};
      smtp_recipient to[] = {{.address = "ops@example.net"}};
      smtp_mail mail = {.from = "box@example.org", .to = to, .to_count = 1,
                        .body = smtp_text("Subject: disk\n\nfull\n")};
      smtp_session s;
      char buffer[256];
      smtp_status st = smtp_open(&s, &io, &config, buffer, sizeof buffer);
      if (st == SMTP_OK)
          st = smtp_send(&s, &mail);
      while (st == SMTP_AGAIN) {
          ...
          st = smtp_run(&s);
      }
      smtp_close(&s);

   With SMTP_POSIX and SMTP_BEARSSL defined, sockets and TLS are there too, and
   smtp_send_url("smtps://user:password@host", &mail, NULL) does it all.

WHAT IT DOES NOT DO
   It receives no mail, keeps no queue, does not try again, looks up no MX
   records: hand that to a mail transfer agent. It encrypts nothing but the
   connection.

PROMISES
   Nothing is allocated, nothing blocks but your own callbacks, nothing is
   global. A call ends when the transport neither takes nor gives more, and is
   taken up again at that byte. A mail is reported as delivered only if the
   server has accepted it. What a hostile server sends can make a session fail,
   and no more. No CR, LF or NUL out of an argument reaches the server, no bare
   CR or LF out of a body (except bodies that you flag as canonical or binary,
   which BDAT sends unread), no password without TLS unless you say so. One
   thread uses a session at a time.

OPTIONS
   Defined alike before every #include, best on the compiler's command line:
   with other options the structs differ, and only for SMTP_BEARSSL does the
   linker notice.

   SMTP_POSIX            sockets, name lookup, waiting
   SMTP_BEARSSL          TLS by BearSSL 0.6 (link with -lbearssl)
   SMTP_API              linkage of the functions: extern, or static (with gcc
                         and clang: static __attribute__((unused)))
   SMTP_WINDOW, SMTP_REPLY_LIMIT, SMTP_COMPOSE_BUFFER, SMTP_SCRAM_ROOM,
   SMTP_TLS_...          see below
   SMTP_SMALL            the shortest code, not the fastest
   SMTP_NO_AUTH, SMTP_NO_CHUNKING, SMTP_NO_DSN, SMTP_NO_SIZE, SMTP_NO_UTF8,
   SMTP_NO_LMTP          leave this out
   SMTP_NO_SASL          no login but PLAIN and LOGIN
   SMTP_NO_INITIAL       AUTH without its first response: one more turn
   SMTP_NO_8BIT          bodies are ASCII (counts only with SMTP_NO_UTF8)
   SMTP_NO_RARE          no DELIVERBY, nor any SMTP_EXT_... listed after it; to
                         Courier's server, `next` then needs no_pipelining
   SMTP_NO_A_LABEL       no config->a_label
   SMTP_NO_NEXT          no config->next and ->done: mails by smtp_send() alone
   SMTP_NO_CLOCK         no time limits but the transport's: no io->clock
   SMTP_NO_REPLY         only the three-digit code of replies: no text, no
                         enhanced code, no config->reply
   SMTP_NO_PULL          bodies lie in memory: no body.pull, so neither composer
                         nor DKIM
   SMTP_NO_PARAMS        no params of a mail or a recipient, nor by hand
   SMTP_NO_ALL_OR_NONE   no all_or_none of a mail
   SMTP_NO_OPPORTUNISTIC no SMTP_TLS_UNSAFE_OPPORTUNISTIC
   SMTP_NO_CAREFUL       no slowing down after refused recipients, for which
                         some servers hang up
   SMTP_NO_WAIT          no io->wait: calls return SMTP_AGAIN
   SMTP_NO_COMPOSE       no mails from fields
   SMTP_NO_DKIM          no signatures
   SMTP_NO_HAND          no dialogue by hand, no config->features
   SMTP_NO_TRACE         no trace callback
   SMTP_NO_TEXT          no texts in smtp_status_text()
   SMTP_NO_SIMD          no SSE2
   What is left out is not a member of a mail or a recipient either. What else
   asks for it is refused: config->user and ->lmtp by SMTP_E_ARGUMENT, flags of
   a body by SMTP_E_UNSUPPORTED, non-ASCII addresses as wrong ones.
*/
#ifndef SMTP_H
#define SMTP_H

#ifdef SMTP_POSIX
#define SMTP__WITH_POSIX
#if defined(_WIN32) && !defined(__CYGWIN__)
#error "SMTP_POSIX: not on Windows. Give smtp_open() callbacks of your own."
#endif
/* Strict ISO C (-std=c99) hides POSIX on the systems that are not named here;
   on those that are, the macro would hide what else they have. */
#if defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) &&                   \
    !defined(_XOPEN_SOURCE) && !defined(_GNU_SOURCE) &&                        \
    !defined(_DEFAULT_SOURCE) && !defined(__APPLE__) &&                        \
    !defined(__FreeBSD__) && !defined(__OpenBSD__) && !defined(__DragonFly__)
#define _POSIX_C_SOURCE 200809L
#endif
#endif

#include <stddef.h>
#include <stdint.h>
#ifdef SMTP_BEARSSL
#define SMTP__WITH_BEARSSL
#include <bearssl.h>
#endif

/* ---- options ------------------------------------------------------------- */

#ifndef SMTP_API               /* linkage: `extern` (default) or `static` */
#define SMTP_API extern
#endif
#ifndef SMTP_WINDOW            /* commands under way at once, 1 to 65535 */
#ifdef SMTP_POSIX
#define SMTP_WINDOW 256
#else
#define SMTP_WINDOW 8          /* their replies fit a TCP window of 2 KB */
#endif
#endif
#ifndef SMTP_REPLY_LIMIT       /* bytes of one reply, 1000 to 65000 */
#define SMTP_REPLY_LIMIT 65000
#endif

#define SMTP_BUFFER_MIN 64     /* bytes of buffer that smtp_open() wants */

#ifdef SMTP_NO_PULL            /* what stands upon sources goes with them */
#ifndef SMTP_NO_COMPOSE
#define SMTP_NO_COMPOSE
#endif
#ifndef SMTP_NO_DKIM
#define SMTP_NO_DKIM
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status -------------------------------------------------------------- */

/* Every way that a call can end. Negative: not (yet) a full success; so is
   SMTP_PARTIAL, though the mail was delivered to some. */
#define SMTP_STATUS_LIST(X)                                                    \
    X(SMTP_OK, 0, "success")                                                   \
    X(SMTP_E_IO, -1, "transport failed")                                       \
    X(SMTP_AGAIN, -2, "call smtp_run() again")                                 \
    X(SMTP_EOF, -3, "server closed the connection")                            \
    X(SMTP_E_TIMEOUT, -4, "no answer in time")                                 \
    X(SMTP_E_SHUTDOWN, -5, "server shuts down (421)")                          \
    X(SMTP_E_PROTOCOL, -6, "server broke the protocol")                        \
    X(SMTP_E_REPLY_SIZE, -7, "endless reply")                                  \
    X(SMTP_E_CLOSED, -8, "session closed")                                     \
    X(SMTP_E_BUSY, -9, "another operation under way")                          \
    X(SMTP_E_BUFFER, -10, "buffer too small")                                  \
    X(SMTP_E_ARGUMENT, -11, "missing or bad argument")                         \
    X(SMTP_E_DOMAIN, -12, "bad EHLO name")                                     \
    X(SMTP_E_SENDER_SYNTAX, -13, "bad sender address")                         \
    X(SMTP_E_RECIPIENT_SYNTAX, -14, "bad recipient address")                   \
    X(SMTP_E_PARAMETER, -15, "bad ESMTP parameter")                            \
    X(SMTP_E_LINE, -16, "control character")                                   \
    X(SMTP_E_UTF8, -17, "non-ASCII address, no SMTPUTF8")                      \
    X(SMTP_E_BINARY, -18, "binary body, no BINARYMIME")                        \
    X(SMTP_E_SIZE, -19, "message too large")                                   \
    X(SMTP_E_UNSUPPORTED, -20, "extension not offered")                        \
    X(SMTP_E_BODY, -21, "body's source failed")                                \
    X(SMTP_E_GREETING, -22, "server refused the connection")                   \
    X(SMTP_E_HELO, -23, "EHLO, HELO or LHLO refused")                          \
    X(SMTP_E_NO_STARTTLS, -24, "TLS required, no STARTTLS")                    \
    X(SMTP_E_STARTTLS, -25, "STARTTLS refused")                                \
    X(SMTP_E_INJECTION, -26, "bytes in clear after STARTTLS")                  \
    X(SMTP_E_NO_AUTH, -27, "no login offered")                                 \
    X(SMTP_E_MECHANISM, -28, "no common login mechanism")                      \
    X(SMTP_E_CLEAR_LOGIN, -29, "login needs TLS")                              \
    X(SMTP_E_LOGIN, -30, "login refused")                                      \
    X(SMTP_E_REFUSED, -31, "refused by the server")                            \
    X(SMTP_E_SENDER, -32, "sender refused")                                    \
    X(SMTP_E_RECIPIENTS, -33, "recipients refused")                            \
    X(SMTP_E_DATA, -34, "message refused")                                     \
    X(SMTP_PARTIAL, -35, "delivered, but not to all")                          \
    X(SMTP_NOT_TAKEN, -36, "not taken: never offered, or cut off")             \
    X(SMTP_UNKNOWN, -37, "outcome unknown: answer lost")                       \
    X(SMTP_E_TLS, -38, "TLS failed")                                           \
    X(SMTP_E_TLS_CUT, -39, "TLS cut without close_notify")                     \
    X(SMTP_E_TLS_EXPIRED, -40, "certificate expired or not yet valid")         \
    X(SMTP_E_TLS_NAME, -41, "certificate: wrong name (or an IP)")              \
    X(SMTP_E_TLS_ISSUER, -42, "certificate: no trusted issuer")                \
    X(SMTP_E_TLS_CERT, -43, "bad certificate")                                 \
    X(SMTP_E_TLS_RECORD, -44, "TLS record too large for the buffer")           \
    X(SMTP_E_TLS_ENTROPY, -45, "no random bytes")                              \
    X(SMTP_E_TLS_TIME, -46, "no date for certificates")                        \
    X(SMTP_E_TLS_ALERT, -47, "TLS alert from the server")                      \
    X(SMTP_E_TLS_VERSION, -48, "no TLS, or no common version or suite")        \
    X(SMTP_E_TRUST, -49, "unreadable trust anchors")                           \
    X(SMTP_E_CLIENT_CERT, -50, "bad client certificate or key")                \
    X(SMTP_E_URL, -51, "bad URL")                                              \
    X(SMTP_E_HOST, -52, "host unknown")                                        \
    X(SMTP_E_CONNECT, -53, "cannot connect")                                   \
    X(SMTP_E_NO_TLS, -54, "TLS required, none there")                          \
    X(SMTP_E_LOOKUP, -55, "host lookup failed for now")                        \
    X(SMTP_E_FIELD_MISSING, -56, "header field missing")                       \
    X(SMTP_E_FIELD_LINE, -57, "CR or LF in a header field")                    \
    X(SMTP_E_FIELD_UTF8, -58, "header field not in UTF-8")                     \
    X(SMTP_E_FIELD_NAME, -59, "bad header field name")                         \
    X(SMTP_E_FIELD_ADDRESS, -60, "bad address")                                \
    X(SMTP_E_FIELD_SYNTAX, -61, "bad header field syntax")                     \
    X(SMTP_E_LENGTH, -62, "part not of declared length")                       \
    X(SMTP_E_CHALLENGE, -63, "bad challenge")                                  \
    X(SMTP_E_PROOF, -64, "server does not prove the password")                 \
    X(SMTP_E_ITERATIONS, -65, "password iterations out of range")              \
    X(SMTP_E_LIMIT, -66, "too many mails or recipients")

#define SMTP__ENUM(name, value, text) name = value,
typedef enum smtp_status {
    SMTP_STATUS_LIST(SMTP__ENUM)
    SMTP_STATUS_END = -67
} smtp_status;

/* ---- transport ----------------------------------------------------------- */

enum {                             /* what a stream is to be ready for */
    SMTP_READ = 1,
    SMTP_WRITE = 2,
    SMTP__ASYNC = 4                /* the engine's, of smtp_session.wants */
};

/* The byte stream below a session. Members that you do not have are 0.

   recv, send   > 0: that many bytes moved, at most `size` (1 or more).
                SMTP_AGAIN: nothing now, call later. SMTP_EOF: closed by the
                peer (after it from send, recv is called for its last words).
                Any other negative: failed; a value of smtp_status is passed
                on as the session's status, the rest (and SMTP_E_SHUTDOWN, the
                server's) is SMTP_E_IO.
                0: recv SMTP_EOF, send SMTP_AGAIN, as with read(2), write(2).
                What send did not take it is offered again, perhaps with more
                behind it (less only where a body's source now has less).
   starttls     turn the stream to TLS and finish the handshake: SMTP_OK,
                SMTP_AGAIN (call again), or negative: failed.
   close        the session is over; called once.
   wait         block until the stream is ready for `wants` (SMTP_READ and
                SMTP_WRITE, or 0: just pause) or `ms` milliseconds are over.
                SMTP_OK, SMTP_E_TIMEOUT (SMTP_OK without wants), or another
                failure. With it a call of a session returns SMTP_AGAIN only
                where config->next, a body's source or config->sasl is not
                ready. It may be called before recv: a layer that buffers what
                send has taken sends it by itself.
   wants        what the stream below waits for when it is asked for `wants`
                (a TLS layer may have to write before it can read).
   clock        milliseconds from any start, steady, may wrap around at 32
                bits or more. With it each phase has its time limit. */
typedef struct smtp_io {
    void *ctx;
    ptrdiff_t (*recv)(void *ctx, void *buffer, size_t size);
    ptrdiff_t (*send)(void *ctx, const void *data, size_t size);
    int (*starttls)(void *ctx);
    void (*close)(void *ctx);
    int (*wait)(void *ctx, int wants, unsigned long ms);
    int (*wants)(void *ctx, int wants);
    unsigned long (*clock)(void *ctx);
} smtp_io;

/* ---- mail ---------------------------------------------------------------- */

typedef unsigned long smtp_size;   /* bytes of a message: 32 bits or more */

/* A reply code with the enhanced status code of RFC 3463 after its first
   digit: 550 5.1.1 is {550, 1, 1}; without one the last two are 0. */
typedef struct smtp_code {
    uint16_t reply;
#ifndef SMTP_NO_REPLY
    uint16_t subject, detail;
#endif
} smtp_code;

enum {                             /* RFC 3461, section 4.1 */
    SMTP_NOTIFY_NEVER = 1,         /* the others do not count then */
    SMTP_NOTIFY_SUCCESS = 2,
    SMTP_NOTIFY_FAILURE = 4,
    SMTP_NOTIFY_DELAY = 8
};

typedef struct smtp_recipient {
    const char *address;           /* "ops@example.net", without < and > */
#ifndef SMTP_NO_DSN
    const char *orcpt;             /* DSN: "rfc822;ops@example.net", or 0 */
#endif
#ifndef SMTP_NO_PARAMS
    const char *params;            /* further RCPT parameters as sent, or 0 */
#endif
    smtp_code code;                /* the reply that decided, or all 0, */
    smtp_status status;            /* and the outcome: SMTP_OK if delivered */
#ifndef SMTP_NO_DSN
    uint8_t notify;                /* DSN: sum of SMTP_NOTIFY_..., or 0 */
#endif
} smtp_recipient;

enum {                             /* of a body: */
    SMTP_BODY_CANONICAL = 1,       /* every line ends in CRLF: I promise */
    SMTP_BODY_8BIT = 2,            /* has bytes above 127 (found in a body that
                                      can be read twice and is not promised to
                                      be canonical, unless both SMTP_NO_SIZE
                                      and SMTP_NO_CHUNKING) */
    SMTP_BODY_BINARY = 4,          /* any bytes, needs BINARYMIME */
    SMTP_BODY_ONCE = 8,            /* the source cannot go back */
    SMTP_BODY_UTF8 = 16            /* a header in UTF-8: needs SMTPUTF8 */
};

/* The message: header, empty line, text. Lines may end in CRLF, LF or CR;
   CRLF is sent. A line may have 998 bytes before its CRLF (RFC 5321, section
   4.5.3.1.6): a longer one is sent as it is, and may be refused. So are bytes
   above 127 where the server does not offer 8BITMIME. Without `pull` the
   message is `size` bytes at `data`; where both are 0, an empty one.

   pull   points *data at the bytes from `offset` on and returns how many
          there are (> 0), 0 at the end (not SMTP_EOF), SMTP_AGAIN: none now, or
          another negative: failed, which ends the session. The bytes stay valid
          until the next pull. Offsets may go back, as a source is read twice:
          to be measured, and to be sent. With SMTP_BODY_ONCE they never go back
          before the last one asked for. A source that ends earlier the second
          time, or before `size`, or has more bytes than smtp_size counts, has
          failed too. */
typedef struct smtp_body {
    const char *data;
#ifndef SMTP_NO_PULL
    ptrdiff_t (*pull)(void *ctx, smtp_size offset, const char **data);
    void *ctx;
#endif
    smtp_size size;                /* bytes; of a source 0: not known, else
                                      exactly what it has */
    uint8_t flags;                 /* sum of SMTP_BODY_... */
} smtp_body;

enum { SMTP_RET_FULL = 1, SMTP_RET_HDRS = 2 };   /* RFC 3461, section 4.3 */

enum {                             /* RFC 2852, section 4: when it is late, */
    SMTP_BY_RETURN = 1,            /* return the mail (`by` above 0), or */
    SMTP_BY_NOTIFY = 2,            /* tell the sender and go on; add */
    SMTP_BY_TRACE = 4              /* to be told of relays that cannot */
};

/* One mail. It and what it points to belong to the session from the call that
   hands it over until its outcome is told; then it may be handed over again as
   it is. */
typedef struct smtp_mail {
    const char *from;              /* reverse-path without < and >; 0 or "":
                                      the null sender, <> */
    smtp_recipient *to;
    size_t to_count;
    uint16_t flags;                /* the engine's: SMTP__SAID_... */
    uint16_t chunks;               /* likewise: BDAT without LAST, not
                                      answered */
    smtp_code code;                /* the reply that decided, or all 0; with
                                      SMTP_E_RECIPIENTS the first of them */
    smtp_status status;            /* outcome; SMTP_AGAIN: still open; before
                                      it is handed over yours (0: SMTP_OK!) */
#ifndef SMTP_NO_DSN
    uint8_t ret;                   /* DSN: SMTP_RET_..., or 0 */
#endif
#ifndef SMTP_NO_RARE
    uint8_t by_mode;               /* SMTP_BY_...; 0: no such wish */
    int8_t priority;               /* MT-PRIORITY (RFC 6710), -9 to 9; 0: not
                                      sent */
    uint8_t require_tls;           /* REQUIRETLS (RFC 8689): on all its way */
#endif
#ifndef SMTP_NO_ALL_OR_NONE
    uint8_t all_or_none;           /* sent only if every recipient is
                                      accepted */
#endif
    smtp_body body;
#ifndef SMTP_NO_DSN
    const char *envid;             /* DSN: envelope identifier, or 0 */
#endif
#ifndef SMTP_NO_RARE
    const char *hold_until;        /* FUTURERELEASE (RFC 4865): a date like
                                      "2027-01-31T18:00:00Z", or 0; else: */
    uint32_t hold_for;             /* seconds to be held, 999999999 at most, or
                                      0 */
    int32_t by;                    /* DELIVERBY: seconds from now, as many at
                                      most */
#endif
#ifndef SMTP_NO_PARAMS
    const char *params;            /* further MAIL parameters as sent, or 0;
                                      SIZE, BODY, SMTPUTF8 are the engine's */
#endif
    void *user;                    /* yours */

    /* The engine's record of what was said. */
    struct smtp_mail *link;        /* the mail said next */
    size_t said;                   /* recipients said */
    smtp_size wire;                /* bytes after line end conversion */
    uint32_t last;                 /* count of sent bytes at its final one;
                                      until then how many its body had when
                                      it was measured */
} smtp_mail;

/* ---- session ------------------------------------------------------------- */

enum {                             /* smtp_config.tls */
    SMTP_TLS_STARTTLS = 0,         /* required */
    SMTP_TLS_IMPLICIT,             /* the stream is TLS from the start: yours
                                      to see to, nothing checks it */
    SMTP_TLS_NONE,                 /* in clear: loopback, a Unix socket */
    SMTP_TLS_UNSAFE_OPPORTUNISTIC  /* STARTTLS if offered, else in clear */
};

/* Login mechanisms, for smtp_config.mechanisms; the strongest that the server
   offers is tried first, which is the last of these. From CRAM_MD5 on they need
   config.sasl (see smtp_scram), except EXTERNAL. */
enum {
    SMTP_AUTH_LOGIN = 1,
    SMTP_AUTH_PLAIN = 2,           /* RFC 4616 */
    SMTP_AUTH_XOAUTH2 = 4,         /* by config.token */
    SMTP_AUTH_OAUTHBEARER = 8,     /* RFC 7628, likewise */
    SMTP_AUTH_CRAM_MD5 = 16,       /* RFC 2195 */
    SMTP_AUTH_SCRAM_SHA_1 = 32,    /* RFC 5802 */
    SMTP_AUTH_SCRAM_SHA_256 = 64,  /* RFC 7677 */
    SMTP_AUTH_SCRAM_SHA_1_PLUS = 128,
    SMTP_AUTH_SCRAM_SHA_256_PLUS = 256,
    SMTP_AUTH_EXTERNAL = 512,      /* RFC 4422, appendix A: by certificate or
                                      socket; only where it is allowed by name,
                                      needs no config.user nor config.sasl */
    SMTP_AUTH_OTHER = 1024         /* config.sasl->name */
};

/* Seconds; 0: the limit of RFC 5321, section 4.5.3.2, in brackets. */
typedef struct smtp_timeouts {
    uint16_t greeting;             /* [300] */
    uint16_t command;              /* [300] every command, TLS handshake */
    uint16_t data;                 /* [120] the answer to DATA */
    uint16_t block;                /* [180] each piece of the body */
    uint16_t final;                /* [600] the answer to the body */
} smtp_timeouts;

enum {                             /* kinds of trace */
    SMTP_TRACE_COMMAND = 'C',      /* said; secrets stand as "*" */
    SMTP_TRACE_REPLY = 'S',
    SMTP_TRACE_BODY = 'B'
};

struct smtp_session;

/* Login mechanisms that the engine has not built in: those of smtp_scram, or
   your own.

   step   makes the responses. At the start `challenge` is 0, and *response is
          what goes along with AUTH; leave it 0 where the server speaks first.
          Then each challenge comes in pieces, decoded, `size` 1 or more
          (return 0 to go on), and when it is complete `size` is 0: now the
          answer is wanted. Returns the bytes at *response, which stay valid
          until the next call; SMTP_AGAIN: not ready, call smtp_run() later;
          another status: the login is cancelled and ends with it. At the start
          SMTP_E_MECHANISM has the next mechanism tried.
   done   (may be 0) The login has ended with `status`. On SMTP_OK return
          SMTP_OK, or a reason to end the session all the same; on anything
          else just wipe what is secret.
   session->mechanism is the SMTP_AUTH_... under way, session->auth what the
   server offers; user and password stand in session->config. */
typedef struct smtp_sasl {
    uint16_t mechanisms;           /* SMTP_AUTH_... that it can do */
    const char *name;              /* SMTP_AUTH_OTHER: "GSSAPI", or 0 */
    void *ctx;
    ptrdiff_t (*step)(void *ctx, const struct smtp_session *session,
                      const char *challenge, size_t size,
                      const char **response);
    int (*done)(void *ctx, const struct smtp_session *session, int status);
} smtp_sasl;

/* What a session is to do: set before smtp_open(), constant, may lie in
   flash. Zero is each member's default. */
typedef struct smtp_config {
    const char *domain;            /* EHLO argument; 0: "[127.0.0.1]" */
    const char *user;              /* 0: no login */
    const char *password;          /* 0: empty, unless there is a token */
    const char *token;             /* OAuth 2.0 access token, or 0: in place of
                                      a password or, beside one, another way */
    const char *authzid;           /* authorization identity, or 0 */
    const smtp_sasl *sasl;         /* further login mechanisms, or 0 */
    uint8_t tls;                   /* SMTP_TLS_... */
    uint8_t lmtp;                  /* LHLO, an answer for each recipient */
    uint8_t no_pipelining, no_chunking, no_initial_response;
    uint8_t unsafe_clear_login;    /* log in without TLS */
    uint16_t window;               /* commands under way; 0: SMTP_WINDOW */
    char *features;                /* the lines of the last EHLO are kept here,
                                      as far as there is room: each ends in
                                      NUL, the last is empty; or 0 */
    uint16_t features_size;
    uint16_t mechanisms;           /* allowed SMTP_AUTH_..., 0: all */
    void *ctx;                     /* handed to the callbacks below, which
                                      may not call the session */
    /* The next mail into *mail: SMTP_OK; SMTP_AGAIN: none now; SMTP_EOF: no
       more, say QUIT when all are answered; another status ends the session.
       Once smtp_run() has asked, all other operations are SMTP_E_BUSY. */
    int (*next)(void *ctx, smtp_mail **mail);
    /* A mail's outcome is known, also of one that smtp_send() handed over; it
       is the caller's again. */
    void (*done)(void *ctx, smtp_mail *mail);
    /* A reply is complete: session->reply and smtp_stage(). `mail` and `to`
       are what it answers, or 0. */
    void (*reply)(void *ctx, const struct smtp_session *session,
                  const smtp_mail *mail, const smtp_recipient *to);
    /* Bytes as they pass, in pieces of any size, with their line ends, not
       ended by NUL; `kind` is SMTP_TRACE_... */
    void (*trace)(void *ctx, int kind, const char *data, size_t size);
    /* The A-label form of a domain in UTF-8 (RFC 5890), valid until the next
       call; 0: it has none. Asked for addresses that are ASCII but for their
       domain, which then need no SMTPUTF8, and for config.domain. */
    const char *(*a_label)(void *ctx, const char *domain);
    smtp_timeouts timeout;
} smtp_config;

/* Extensions that a server may offer (smtp_session.offers). */
enum {
    SMTP_EXT_ESMTP = 1,            /* it answered EHLO or LHLO */
    SMTP_EXT_PIPELINING = 2,       /* RFC 2920 */
    SMTP_EXT_STARTTLS = 4,         /* RFC 3207 */
    SMTP_EXT_8BITMIME = 8,         /* RFC 6152 */
    SMTP_EXT_SIZE = 16,            /* RFC 1870, limit in smtp_session.limit */
    SMTP_EXT_AUTH = 32,            /* RFC 4954 */
    SMTP_EXT_DSN = 64,             /* RFC 3461 */
    SMTP_EXT_ENHANCED = 128,       /* RFC 2034 */
    SMTP_EXT_CHUNKING = 256,       /* RFC 3030 */
    SMTP_EXT_BINARYMIME = 512,     /* RFC 3030 */
    SMTP_EXT_SMTPUTF8 = 1024,      /* RFC 6531 */
    SMTP_EXT_DELIVERBY = 2048,     /* RFC 2852 */
    SMTP_EXT_FUTURERELEASE = 4096, /* RFC 4865 */
    SMTP_EXT_MT_PRIORITY = 8192,   /* RFC 6710 */
    SMTP_EXT_REQUIRETLS = 16384    /* RFC 8689 */
};
#define SMTP_EXT_PRDR 0x8000ul     /* Exim: an answer for each recipient */
#define SMTP_EXT_XCLIENT 0x10000ul /* Postfix, likewise XFORWARD */
#define SMTP_EXT_XFORWARD 0x20000ul
#define SMTP_EXT_LIMITS 0x80000ul  /* RFC 9422: RCPTMAX and MAILMAX */

/* The last reply. `text` is its lines, joined by LF, ended by NUL, cut where
   the buffer was too short (config->trace sees all); it stays until the session
   is called again (then it may be empty, or the beginning of the next). It
   points into the part of the buffer that replies are read into. An enhanced
   code stands in it, too. With SMTP_NO_REPLY there is only code.reply, and no
   text. */
typedef struct smtp_reply {
    smtp_code code;
    uint16_t length;               /* bytes of text */
    char *text;
} smtp_reply;

/* One session. Read `reply`, `offers`, `auth`, `mechanism` and `limit`; the
   rest is the engine's. It holds no secret. Before smtp_open() only smtp_quit()
   and smtp_close() may have it, and only if it is all zero. */
typedef struct smtp_session {
    /* Low bytes of statuses: */
    uint8_t status;                /* what ended the session, or SMTP_OK */
    uint8_t broken;                /* why nothing more is said, or SMTP_OK */
    uint8_t result;                /* of the last operation */
    uint8_t goal;                  /* the operation under way: SMTP__G_...;
                                      none once `status` is set */
    uint8_t say;                   /* row being said, or SMTP__IDLE ... */
    uint8_t await;                 /* row whose answer comes next */
    uint8_t stage;                 /* row whose answer came last */
    uint8_t wants;                 /* what the last SMTP_AGAIN waits for, and
                                      SMTP__ASYNC once there was one */
    uint8_t parse;                 /* what the parser awaits: SMTP__P_...; 0:
                                      a reply */
    uint8_t keyword;               /* of the EHLO line being read; in a login
                                      whether its first response goes along
                                      with AUTH: SMTP__K_... */
    uint8_t count;                 /* lines of the login; then mails taken */
    uint8_t refusals;              /* of recipients, since the last mail taken;
                                      this and the next count to 255 */
    uint8_t mails_refused;         /* in this session */
    uint8_t body_state;            /* of the encoder: SMTP__BOL ... */
    uint8_t cut;                   /* the row did not fit the buffer */
    uint8_t dirty;                 /* MAIL said, its transaction not ended */

    uint16_t flags;                /* SMTP__SECURE ... */
    uint16_t due;                  /* commands said and not yet answered */
    uint16_t window;               /* that many at most */
    uint16_t auth;                 /* SMTP_AUTH_... offered */
    uint16_t most[2];              /* recipients of a transaction, 0: any;
                                      transactions left plus 1, 0: any */
    uint16_t mechanism;            /* that of the login under way, or 0 */
    uint16_t out_size, out_from, out_to;    /* from <= to <= size */
    uint16_t in_from, in_to;       /* of the input, which lies before out */
    uint16_t reply_size;           /* bytes of the reply so far */
    uint16_t line_code;            /* of the reply's line being read */
    smtp_reply reply;
    uint32_t offers;               /* SMTP_EXT_... */

    const smtp_io *io;
    const smtp_config *config;
    char *out;                     /* the buffer behind that for replies */
    smtp_mail *said, *heard;       /* mail being said; mail being answered */
    /* By hand the command, the address of MAIL or RCPT, what follows. In a
       login its mechanism, the response of config->sasl, or those to come of
       smtp__mechanisms. */
    const char *word, *line, *tail;
    const smtp_body *body;         /* the body being said, */
    smtp_size at;                  /* offset in it, */
    smtp_size run;                 /* bytes from there to send as they are; also
                                      bytes of config->features, of `line` */
    union {                        /* one at a time: */
        smtp_size chunk;           /* bytes left of the BDAT chunk */
        smtp_size skip;            /* bytes of the row that are out already */
        smtp_size hash;            /* of the EHLO word so far */
        smtp_size bits;            /* of a challenge: see smtp__decode64() */
    } now;
    size_t row_done;               /* bytes of the row that have been written */
    size_t to_heard;               /* recipient being answered */
    uint32_t sent;                 /* bytes handed to the transport */
    smtp_size limit;               /* the server's SIZE; 0: none given */
    unsigned long since;           /* clock at the last step forward */
} smtp_session;

/* ---- functions: a session ------------------------------------------------ */

/* Each call below that talks to the server returns SMTP_AGAIN when it has to
   wait; then call smtp_run() until it returns something else, which is the
   result of the call. What has ended a session, as a failure of the connection
   does or a refused login that config asks for, stays: every later call returns
   it again. */

/* Prepares a session; nothing moves yet. `io`, `config` and the `size` bytes
   at `buffer` stay the session's until smtp_close(). Half of the buffer, 512
   bytes at most, takes replies (with SMTP_NO_REPLY and SMTP_SMALL 32 bytes); of
   the rest up to 64000 take what is said.
   SMTP_OK, SMTP_E_BUFFER, SMTP_E_DOMAIN, SMTP_E_ARGUMENT, SMTP_E_NO_TLS
   (STARTTLS is required, and io->starttls is 0). */
SMTP_API smtp_status smtp_open(smtp_session *s, const smtp_io *io,
                               const smtp_config *config,
                               void *buffer, size_t size);

/* Goes on with what is under way. First of all that is what config asks for:
   greeting, EHLO, STARTTLS, login; then mails from config->next.
   SMTP_OK: done, the session is ready (closed, after SMTP_EOF of next). Else
   why not: SMTP_E_GREETING, _HELO, _NO_STARTTLS, _STARTTLS, _INJECTION,
   _NO_AUTH, _MECHANISM, _CLEAR_LOGIN, _LOGIN, those of config->sasl, _LIMIT; or
   how the connection failed: SMTP_EOF, SMTP_E_IO, _TIMEOUT, _SHUTDOWN,
   _PROTOCOL, _REPLY_SIZE, _BODY, _TLS..., _TRUST, _CONNECT, _CLOSED. */
SMTP_API smtp_status smtp_run(smtp_session *s);

/* Hands over one mail and sends it. The result is mail->status: SMTP_OK,
   SMTP_PARTIAL, or why not; see also each recipient's status. Where that is
   SMTP_NOT_TAKEN because the session ended, the result says why it did.
   SMTP_E_BUSY: another operation is under way, *mail is untouched.
   Before anything of it was said: SMTP_E_ARGUMENT (no recipient, no body),
   SMTP_E_SENDER_SYNTAX, _RECIPIENT_SYNTAX, _PARAMETER, _UNSUPPORTED, _UTF8,
   _BINARY, _SIZE, _LIMIT, _NO_TLS (require_tls). By the server: SMTP_E_SENDER,
   _RECIPIENTS (with all_or_none: some), _DATA. With the connection:
   SMTP_NOT_TAKEN, SMTP_UNKNOWN. */
SMTP_API smtp_status smtp_send(smtp_session *s, smtp_mail *mail);

/* Says QUIT, hears the answer (which config->reply sees; after it only
   reply.code is left), closes. SMTP_OK also when the server is gone already.
   SMTP_E_BUSY: something is under way. */
SMTP_API smtp_status smtp_quit(smtp_session *s);

/* Closes at once, wipes the buffer. Open mails end as with a lost connection.
   May be called twice. */
SMTP_API void smtp_close(smtp_session *s);

/* SMTP_READ and SMTP_WRITE: what to wait for after SMTP_AGAIN. 0: not for the
   stream, but for config->next, a body's source or config->sasl. The last, with
   smtp_scram.slice, wants no waiting: call smtp_run() at once. */
SMTP_API int smtp_wants(const smtp_session *s);

/* Milliseconds until the present phase has lasted too long; 0: it has, or the
   session is closed. Without a clock, with nothing under way, or where
   smtp_wants() is 0 after SMTP_AGAIN, always the whole limit; with
   SMTP_NO_CLOCK the longest, 600000. */
SMTP_API unsigned long smtp_deadline(const smtp_session *s);

/* ---- functions: a dialogue by hand --------------------------------------- */
#ifndef SMTP_NO_HAND

/* SMTP_OK: answered 2yz or 3yz. SMTP_E_REFUSED: 4yz or 5yz; SMTP_E_LOGIN for a
   login. In both cases session->reply holds code and text. The greeting is read
   first where it has not been, EHLO said before STARTTLS and a login. Strings
   and body have to stay as they are until the result is there. Parameters go as
   they are: that EHLO was answered is all that they need. Data over LMTP is
   answered for each recipient that was accepted, as config->reply sees it:
   SMTP_PARTIAL where the answers differ. An smtp_send() after these does what
   config still asks for, and ends by RSET a transaction that is open; but no
   server takes a login inside of one. What a refused mail of smtp_send() has
   left open is yours to end: smtp_rset().
   Nothing was said: SMTP_E_BUSY, SMTP_E_LINE, SMTP_E_SENDER_SYNTAX,
   SMTP_E_RECIPIENT_SYNTAX, SMTP_E_PARAMETER, SMTP_E_UTF8, SMTP_E_UNSUPPORTED;
   data: SMTP_E_ARGUMENT (no body); STARTTLS: SMTP_E_NO_TLS, SMTP_E_NO_STARTTLS;
   MAIL, RCPT and data in clear where config.tls requires STARTTLS:
   SMTP_E_NO_TLS; login: SMTP_E_ARGUMENT (no user), SMTP_E_NO_AUTH,
   SMTP_E_MECHANISM, SMTP_E_CLEAR_LOGIN, and those of smtp_scram. A greeting
   (SMTP_E_GREETING), or an EHLO said before, that is refused (SMTP_E_HELO), and
   failures of the connection: as with smtp_run(). */
SMTP_API smtp_status smtp_greet(smtp_session *s);     /* the greeting alone */
SMTP_API smtp_status smtp_ehlo(smtp_session *s);      /* LHLO with LMTP */
SMTP_API smtp_status smtp_helo(smtp_session *s);
SMTP_API smtp_status smtp_starttls(smtp_session *s);  /* EHLO comes after */
SMTP_API smtp_status smtp_login(smtp_session *s);     /* config's user */
SMTP_API smtp_status smtp_mail_from(smtp_session *s, const char *address,
                                    const char *params);
SMTP_API smtp_status smtp_rcpt_to(smtp_session *s, const char *address,
                                  const char *params);
SMTP_API smtp_status smtp_data(smtp_session *s, const smtp_body *body);
SMTP_API smtp_status smtp_verify(smtp_session *s, const char *name);
SMTP_API smtp_status smtp_expn(smtp_session *s, const char *list);
SMTP_API smtp_status smtp_noop(smtp_session *s);
SMTP_API smtp_status smtp_rset(smtp_session *s);
SMTP_API smtp_status smtp_help(smtp_session *s, const char *topic);

#ifndef SMTP_NO_RARE
/* For those who test relays: attributes like "ADDR=192.0.2.1 NAME=mx.b", the
   values in xtext (RFC 3461, section 4). After XCLIENT the session starts anew
   with EHLO. SMTP_E_UNSUPPORTED: not offered. */
SMTP_API smtp_status smtp_xclient(smtp_session *s, const char *attributes);
SMTP_API smtp_status smtp_xforward(smtp_session *s, const char *attributes);
#endif

/* Any command: `word` alone or, where `line` is neither 0 nor empty, followed
   by a space and `line`. The trace shows both as they are. Where the command
   has a function of its own, or is QUIT, use that: what is said here, the
   session does not learn (that a transaction is open, that data follows).
   SMTP_E_LINE: one of them holds a control character. */
SMTP_API smtp_status smtp_docmd(smtp_session *s, const char *word,
                                const char *line);
#endif /* SMTP_NO_HAND */

/* 1: the last EHLO offered `keyword` (in any case): one of SMTP_EXT_..., told
   by 16 bits of a hash, or any that has found room in config->features. */
SMTP_API int smtp_has_extn(const smtp_session *s, const char *keyword);

/* The parameters of `keyword` in config->features, "" if it has none. 0: it was
   not offered, or not kept. */
SMTP_API const char *smtp_extn(const smtp_session *s, const char *keyword);

/* ---- functions: around it ------------------------------------------------ */

/* A body in memory: a text that ends in NUL, or `size` bytes. 0 is no text: a
   mail with it is SMTP_E_ARGUMENT, as with more bytes than smtp_size counts. */
SMTP_API smtp_body smtp_text(const char *text);
SMTP_API smtp_body smtp_bytes(const void *data, size_t size);

/* The status in English, "unknown status" for a number that is none. */
SMTP_API const char *smtp_status_text(int status);

/* The command whose answer is in session->reply: "greeting", "RCPT", "." (the
   body) ...; "command" for those by hand that have no row of their own, as MAIL
   or VRFY. */
SMTP_API const char *smtp_stage(const smtp_session *s);

/* Whether `address` can stand between < and > (RFC 5321, section 4.1.2): no
   control character, nor a space, < or > outside of a quoted local part. That
   it is a mailbox is for the server to say: "a@", "" and broken UTF-8 pass.
   0: no. 1: yes. 2: yes, it needs SMTPUTF8 (with SMTP_NO_UTF8: no). */
SMTP_API int smtp_address_check(const char *address);

/* ---- functions: compose a mail from fields ------------------------------- */
#ifndef SMTP_NO_COMPOSE

#ifndef SMTP_COMPOSE_BUFFER    /* bytes made at a time, 64 to 65000 */
#if SIZE_MAX > 0xFFFFFFFF
#define SMTP_COMPOSE_BUFFER 2048
#else
#define SMTP_COMPOSE_BUFFER 80
#endif
#endif

enum {                             /* smtp_mailbox.role */
    SMTP_TO = 0,
    SMTP_CC,
    SMTP_BCC,                      /* an envelope recipient, never written */
    SMTP_FROM,
    SMTP_SENDER,                   /* needed where several are SMTP_FROM */
    SMTP_REPLY_TO
};

typedef struct smtp_mailbox {
    const char *address;           /* "ops@example.net" */
    const char *name;              /* as shown, UTF-8, or 0 */
    uint8_t role;                  /* SMTP_TO ... */
} smtp_mailbox;

typedef struct smtp_field {        /* a header field of your own */
    const char *name;              /* "X-Priority", without colon */
    const char *value;             /* UTF-8, one line */
} smtp_field;

enum { SMTP_ATTACHMENT = 0, SMTP_INLINE = 1 };

/* A part beside text and html: a file, or a picture inside of the HTML (with
   SMTP_INLINE and an id; <img src="cid:logo@example.org"> shows it). Its bytes
   arrive as they are, base64 carries them. A part in memory whose type begins
   with "message/" is sent as text; one that cannot be (8-bit without
   8BITMIME, a line over 998 bytes, from a source) turns into an
   application/octet-stream. */
typedef struct smtp_part {
    const char *name;              /* of the file, UTF-8, or 0 */
    const char *type;              /* "image/png"; 0: unknown binary */
    const char *id;                /* "logo@example.org", or 0 */
    smtp_body body;                /* size of a source: if known, it must be
                                      right (else SMTP_E_LENGTH) */
    uint8_t disposition;           /* SMTP_ATTACHMENT or SMTP_INLINE */
} smtp_part;

/* A mail in fields: constant, may lie in flash; zero what you do not have.
   Text and html are UTF-8 with any line ends, in memory or from a source (then
   always quoted-printable); CRLF arrives. What is in memory goes as 7bit or,
   if offered, 8bit where it can, else as quoted-printable or base64, whichever
   is the shorter. Same fields, same bytes. */
typedef struct smtp_message {
    const smtp_mailbox *who;       /* everyone, any order */
    size_t who_count;
    const char *subject;           /* UTF-8, one line */
    smtp_body text, html;
    const smtp_part *parts;
    size_t part_count;
    const smtp_field *fields;      /* further header fields */
    size_t field_count;
    const char *in_reply_to;       /* "<id>" of the mail replied to */
    const char *references;        /* "<id> <id>" of the thread */
    const char *id;                /* Message-ID as "7@example.org", or 0: */
    uint32_t unique[2];            /* made from these (random or a counter,
                                      never twice the same); {0, 0}: none */
    uint32_t date;                 /* seconds since 1970; 0: no Date field,
                                      the submission server adds it */
    int16_t zone;                  /* minutes east of Greenwich */
    uint32_t offers;               /* the server's SMTP_EXT_...: 8BITMIME,
                                      BINARYMIME, SMTPUTF8 are used; or 0 */
    uint8_t flowed;                /* text is format=flowed (RFC 3676) */
    uint32_t boundary;             /* with unique and date it makes the
                                      boundaries; 0 will do */
} smtp_message;

/* Where the composer is in a message: what it makes next. */
typedef struct smtp_place {
    uint8_t row;                   /* SMTP__C_... */
    uint8_t step;                  /* of an item: SMTP__STEP_... */
    uint8_t encoding;              /* of this part: SMTP__7BIT ... */
    uint8_t open;                  /* multiparts: SMTP__MIXED ... */
    unsigned column;               /* bytes in this line */
    size_t item;                   /* of who, fields or parts */
    smtp_size made;                /* bytes of the message up to here */
} smtp_place;

/* A message being composed. Read status, field and item. */
typedef struct smtp_composer {
    smtp_place place;              /* up to pass: anew in each pass */
    smtp_size at;                  /* offset of the buffer in the message */
    size_t left;                   /* of `data`: not yet used */
    uint16_t fill;                 /* bytes in the buffer */
    smtp_status status;            /* why composing failed */
    uint8_t pass;                  /* SMTP__PASS_PLAN ... */
    uint8_t flags;                 /* SMTP__C_8BIT ... */
    uint8_t shape;                 /* parts and multiparts: SMTP__MIXED ... */
    uint8_t text;                  /* the body is one: of lines */
    char last;                     /* byte of it */
    uint32_t group;                /* bytes not yet in base64, after a 1 */
    const char *field;             /* what is wrong: "Subject", "To" ... */
    size_t item;                   /* which of message's who, fields, parts */

    const smtp_message *message;
    const char *from;              /* the address of an author */
    const smtp_body *body;         /* of this part, */
    const smtp_part *part;         /* or 0: of text or html */
    smtp_size pulled;              /* bytes taken from the part's source, */
    const char *data;              /* the last of them */
    char mark[16];                 /* CRLF, "--=_" and what boundaries share */
    char buffer[SMTP_COMPOSE_BUFFER];
} smtp_composer;

/* Makes `mail` send `message`. Nothing is composed yet but for its length: the
   session pulls the mail from `composer` piece by piece. Sets mail->body,
   mail->from (the Sender, else the From) and, unless `to` is 0, mail->to and
   mail->to_count from To, Cc and Bcc; `to` holds up to `count` of them. What
   else is in *mail stays, so zero it before. Message, composer and `to` belong
   to the mail until its outcome is told. Sources are not read yet.
   SMTP_OK, or with composer->field and ->item naming the culprit:
   SMTP_E_FIELD_MISSING (From, Sender, To), SMTP_E_FIELD_LINE,
   SMTP_E_FIELD_UTF8, SMTP_E_FIELD_NAME, SMTP_E_FIELD_ADDRESS,
   SMTP_E_FIELD_SYNTAX, SMTP_E_UTF8, SMTP_E_SIZE (more than smtp_size counts),
   SMTP_E_ARGUMENT (`to` too small, a text or part without data, an unknown
   role). A source that fails while it is sent ends the session with
   SMTP_E_BODY, the mail is SMTP_NOT_TAKEN; composer->status is then SMTP_E_BODY
   or SMTP_E_LENGTH. */
SMTP_API smtp_status smtp_compose(smtp_composer *composer,
                                  const smtp_message *message,
                                  smtp_mail *mail, smtp_recipient *to,
                                  size_t count);

#endif /* SMTP_NO_COMPOSE */

/* ---- adapter: POSIX ------------------------------------------------------ */
#ifdef SMTP_POSIX

/* Sockets. In blocking use:

      smtp_posix p;
      smtp_status st = smtp_posix_connect(&p, "mail.example.org", "587", 0, 0);
      smtp_io io = smtp_posix_io(&p, 1);
      if (st == SMTP_OK)
          st = smtp_open(&s, &io, &config, buffer, sizeof buffer);

   In an event loop: connect(2) a non-blocking socket of your own, then
   smtp_posix_attach(&p, fd) and smtp_posix_io(&p, 0) at once; smtp_run() sees
   to the rest of connecting. The session closes the socket.

   No call here raises SIGPIPE or ends early for a signal. In strict modes
   (-std=c99) smtp.h comes before other headers in its file, or
   _POSIX_C_SOURCE is defined as 200809L for all of them. */
typedef struct smtp_posix {
    int fd;                        /* -1: none */
    int error;                     /* errno of the last failure, 0: none */
    uint8_t connecting;            /* connect(2) has not ended yet */
    uint8_t blocks;                /* recv(2) would wait, */
    uint8_t waits;                 /* and the next one does */
} smtp_posix;

/* Connects to `host`: a name (in ASCII: RFC 5890) or number (each of its
   addresses is tried in the resolver's order, IPv6 and IPv4, `ms` milliseconds
   each, 0: 30000), or the absolute path of a Unix socket (the next two do not
   count then). `service`: port number or name. `source`: numeric local address
   to use, or 0; addresses of another family are left out. The lookup takes as
   long as the resolver.
   SMTP_OK; SMTP_E_HOST; SMTP_E_LOOKUP; SMTP_E_CONNECT, SMTP_E_TIMEOUT (the
   last address that could be tried; see errno and p->error);
   SMTP_E_ARGUMENT: no host, an unknown service, or `source` is no address. */
SMTP_API smtp_status smtp_posix_connect(smtp_posix *p, const char *host,
                                        const char *service,
                                        const char *source,
                                        unsigned long ms);

/* Takes over a stream socket (connected, or still connecting) and makes it
   non-blocking. SMTP_OK, SMTP_E_IO (see errno; the socket stays yours). */
SMTP_API smtp_status smtp_posix_attach(smtp_posix *p, int fd);

/* The transport over `p`. `blocking`: it has `wait`, so that no call of the
   session returns SMTP_AGAIN for the socket's sake (the waiting may be left to
   the recv that follows); else any may. A failure leaves errno in
   p->error: SMTP_E_CONNECT of a socket that was connecting, SMTP_EOF also where
   the peer reset the connection, SMTP_E_TIMEOUT also where the system gave the
   peer up, else SMTP_E_IO. */
SMTP_API smtp_io smtp_posix_io(smtp_posix *p, int blocking);

/* Closes the socket, where the session has not done so. May be called twice.
   errno stays. */
SMTP_API void smtp_posix_close(smtp_posix *p);

/* A name for EHLO into `name`, `size` bytes: this machine's, where it is a
   full one (with a dot), else the connection's own address, "[192.0.2.1]" or
   "[IPv6:2001:db8::1]", else "[127.0.0.1]". Asks no name server.
   SMTP_OK; SMTP_E_ARGUMENT: `size` is below 256. */
SMTP_API smtp_status smtp_posix_domain(const smtp_posix *p, char *name,
                                       size_t size);

#endif /* SMTP_POSIX */

/* ---- adapter: BearSSL ---------------------------------------------------- */
#ifdef SMTP_BEARSSL

/* The same values in every file that includes this one. What firmware does
   without, the linker leaves out. */
#ifndef SMTP_TLS_PROFILE       /* chooses the algorithms: a function with the */
#define SMTP_TLS_PROFILE br_ssl_client_init_full  /* parameters of this one */
#endif
#ifndef SMTP_TLS_PEM           /* 0: no trust but smtp_tls_config.anchors, */
#define SMTP_TLS_PEM 1         /* no unsafe_no_verify */
#endif
#ifndef SMTP_TLS_CLIENT_CERT   /* 0: no client certificate */
#define SMTP_TLS_CLIENT_CERT 1
#endif
#ifndef SMTP_TLS_BINDING       /* 0: no SCRAM-...-PLUS */
#if defined SMTP_NO_AUTH || defined SMTP_NO_SASL
#define SMTP_TLS_BINDING 0
#else
#define SMTP_TLS_BINDING 1
#endif
#endif
#ifndef SMTP_TLS_ANCHOR_ROOM   /* bytes, 600 to 32000, for names and keys of */
#define SMTP_TLS_ANCHOR_ROOM 1280  /* the trusted ones that fit */
#endif
#ifndef SMTP_TLS_CHAIN         /* certificates in cert_file, 1 to 255 */
#define SMTP_TLS_CHAIN 4
#endif
#if SMTP_TLS_CLIENT_CERT && defined SMTP_POSIX
#define SMTP__TLS_CLIENT_FILES 1
#else
#define SMTP__TLS_CLIENT_FILES 0
#endif

/* Sizes for smtp_tls_config.buffer:
   FAST     both directions at once, records of full size
   DUPLEX   both directions at once, small records out, any in
   FULL     one direction after the other, any record
   MIN      one direction after the other; the server has to honour
            max_fragment_length (RFC 6066), else SMTP_E_TLS_RECORD */
#define SMTP_TLS_BUFFER_FAST BR_SSL_BUFSIZE_BIDI               /* 33178 */
#define SMTP_TLS_BUFFER_DUPLEX (BR_SSL_BUFSIZE_INPUT + 597)    /* 17306 */
#define SMTP_TLS_BUFFER_FULL BR_SSL_BUFSIZE_MONO               /* 16709 */
#define SMTP_TLS_BUFFER_MIN 837

/* Zero is each member's default; all of it stays valid while TLS is used.

   The server's certificate has to carry `server_name` as a DNS name (*.x.org
   stands for one label; where it has no alternative names of any kind, as
   common name), be within its dates, and lead over RSA keys of 2048 bits or
   more, or P-256, P-384, P-521, and signatures with SHA-2 to a trusted one,
   each sent right after what it has signed (RFC 5246, section 7.4.2). A trusted
   certificate that is no CA is trusted for itself. Dates and key sizes of the
   trusted ones are not looked at, nor are revocation lists, extended key usage
   and name constraints (critical ones are refused).

   Of trusted certificates nothing is kept: the file or memory is read again
   for each certificate in the server's chain, ten at most, which needs 3 KB of
   stack. Where several have the same name, each is tried: four at most, and as
   many as SMTP_TLS_ANCHOR_ROOM takes. */
typedef struct smtp_tls_config {
    const char *server_name;       /* required, to be verified; no address;
                                      a dot at its end does not count */
    void *buffer;                  /* for records, */
    size_t buffer_size;            /* SMTP_TLS_BUFFER_MIN or more */
    /* Trust: the first of these that is given. */
    const br_x509_trust_anchor *anchors;
    size_t anchor_count;
    const void *trust;             /* in memory: PEM, or one DER certificate */
    size_t trust_size;
    const char *trust_file;        /* POSIX: PEM; 0: the system's bundle */
    /* Client certificate and its key, or none. */
    const char *cert_file;         /* POSIX: PEM, the client's own first; its */
    const char *key_file;          /* bytes lie in `buffer`. 0: in cert_file;
                                      not encrypted, RSA to 4096 bits or EC */
    const br_x509_certificate *chain;           /* or in memory */
    size_t chain_count;
    const br_rsa_private_key *rsa_key;
    const br_ec_private_key *ec_key;
    unsigned ec_issuer;            /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC */
    /* Where there is no operating system: */
    const void *entropy;           /* 32 or more random bytes, never reused */
    size_t entropy_size;
    uint32_t days, seconds;        /* date as br_x509_minimal_set_time() */
    /* In: to resume, if it has an identifier; a session of this very server.
       Out: the new one, after the handshake. It holds secrets. */
    br_ssl_session_parameters *session;
    /* 0: SMTP_TLS_PROFILE. */
    void (*profile)(br_ssl_client_context *client,
                    br_x509_minimal_context *x509,
                    const br_x509_trust_anchor *anchors, size_t count);
    uint8_t unsafe_no_verify;      /* any certificate will do */
} smtp_tls_config;

#if SMTP_TLS_PEM
/* The names in a certificate that passes by. */
typedef struct smtp_tls_names {
    br_sha256_context hash;        /* of the name that is passing */
    unsigned char issuer[br_sha256_SIZE], subject[br_sha256_SIZE];
    uint32_t at;                   /* bytes that have passed */
    uint32_t name;                 /* where this element, or the last, began */
    uint32_t left;                 /* bytes of the element */
    uint8_t await;                 /* SMTP__DER_... */
    uint8_t more;                  /* bytes of the length */
    uint8_t element;               /* SMTP__X509_... */
} smtp_tls_names;
#endif

/* Judges the server's certificates. */
typedef struct smtp_tls_trust {
    const br_x509_class *vtable;   /* first: all that BearSSL knows of it */
    union {
        br_x509_minimal_context minimal;
        br_x509_decoder_context decoder;  /* with unsafe_no_verify */
    } x509;
#if SMTP_TLS_PEM
    const char *file;              /* trusted certificates: in a file, or */
    const unsigned char *data;     /* in memory */
    size_t size;
    smtp_tls_names names;
    const br_x509_pkey *key;       /* of the server, with unsafe_no_verify */
    uint8_t first;                 /* the server's own passes by (likewise) */
    uint8_t looks;                 /* left, of this chain */
    uint8_t failed;                /* to read the file */
    uint8_t count;                 /* anchors that match so far; the others */
    br_x509_trust_anchor anchors[4];      /* have an empty name */
    size_t used;                   /* bytes of room, at most its size */
    unsigned char room[SMTP_TLS_ANCHOR_ROOM];
#endif
} smtp_tls_trust;

#if SMTP_TLS_BINDING
/* Hashes the server's certificate on its way to the engine that judges it:
   the channel binding tls-server-end-point (RFC 5929, section 4.1). */
typedef struct smtp_tls_binding {
    const br_x509_class *vtable;   /* first: all that BearSSL knows of it */
    const br_x509_class **judge;
    br_multihash_context hash;
    uint8_t passed;                /* the server's own has */
    uint8_t fill;                  /* bytes of head */
    uint8_t size;                  /* bytes of digest; 0: there is no binding */
    unsigned char head[64];        /* of the certificate */
    unsigned char digest[64];
} smtp_tls_binding;
#endif

/* TLS on one connection. Read `error`: BearSSL's own number, 0 if none. */
typedef struct smtp_tls {
    br_ssl_client_context client;
    smtp_tls_trust trust;
#if SMTP_TLS_BINDING
    smtp_tls_binding binding;
#endif
    const smtp_io *lower;
    const smtp_tls_config *config;
    int error;
    int status;                    /* what ended reading, or SMTP_OK */
    int broken;                    /* what ended writing, or SMTP_OK */
    uint8_t active;                /* bytes are TLS */
    uint8_t up;                    /* the handshake is done */
    uint8_t async;                 /* the lower layer has said SMTP_AGAIN */
    uint8_t midway;                /* in a record that is sent in part */
    size_t room;                   /* bytes of the buffer for records */
#if SMTP__TLS_CLIENT_FILES
    uint8_t chain_count;
    br_x509_certificate chain[SMTP_TLS_CHAIN];
    br_rsa_private_key rsa_key;
    br_ec_private_key ec_key;
#endif
} smtp_tls;

/* Puts TLS 1.2 between a session and `lower`. The result goes into *io, to be
   given to smtp_open(). Implicit TLS (`starttls` 0; smtp_config.tls is then
   SMTP_TLS_IMPLICIT) shakes hands at the first byte, STARTTLS (1) passes bytes
   through until the session asks for it. `tls` serves one connection, and with
   `lower` and `config` stays where it is until the session's close, which says
   goodbye to the server and wipes `tls` and the buffer. After a failure here
   `lower` is still the caller's to close.
   SMTP_OK, SMTP_E_ARGUMENT (no server name, or one of more than 255 bytes;
   unsafe_no_verify with SMTP_TLS_PEM 0), SMTP_E_BUFFER (too small for the
   records, or for them and cert_file), SMTP_E_TLS_NAME (an IP address cannot be
   verified), SMTP_E_TRUST, SMTP_E_CLIENT_CERT, SMTP_E_TLS_ENTROPY,
   SMTP_E_TLS_TIME. */
SMTP_API smtp_status smtp_tls_open(smtp_tls *tls, const smtp_io *lower,
                                   const smtp_tls_config *config,
                                   int starttls, smtp_io *io);

#endif /* SMTP_BEARSSL */

/* ---- SCRAM and CRAM-MD5 -------------------------------------------------- */
#if !defined(SMTP_NO_AUTH) && !defined(SMTP_NO_SASL)

/* Logins that do not show the password, for smtp_config.sasl; without BearSSL
   the hashes are the caller's:

      smtp_scram scram = {0};
      smtp_sasl sasl = smtp_scram_sasl(&scram);
      scram.tls = &tls;
      config.sasl = &sasl;

   SCRAM-SHA-1 and -256 (RFC 5802, RFC 7677), with -PLUS where the server's
   certificate is known; CRAM-MD5 (RFC 2195). A server that cannot prove that
   it knows the password ends the session with SMTP_E_PROOF. Further statuses
   of the login: SMTP_E_CHALLENGE, SMTP_E_ITERATIONS, SMTP_E_TLS_ENTROPY,
   SMTP_E_BUFFER (no room for a name so long). Name and password are taken as
   they are: prepare them yourself (RFC 4013) if they are not ASCII. */

#ifndef SMTP_SCRAM_ROOM        /* bytes for what is said, 256 to 16000 */
#define SMTP_SCRAM_ROOM 512    /* the server's nonce stands in it twice */
#endif

enum { SMTP_MD5 = 16, SMTP_SHA1 = 20, SMTP_SHA256 = 32 };  /* bytes of hash */

/* One login at a time. Zero is each member's default. */
typedef struct smtp_scram {
#ifdef SMTP_BEARSSL
    smtp_tls *tls;                 /* under the session, or 0 */
#endif
    /* HMAC (RFC 2104) of `size` bytes at `data` by SMTP_MD5, SMTP_SHA1 or
       SMTP_SHA256 into `result`, which may be where the key or the data is;
       key 0: their hash alone. 0: BearSSL's, which smtp_scram_sasl() sets;
       without it none of these logins is tried. */
    void (*hmac)(void *ctx, int hash, const void *key, size_t key_size,
                 const void *data, size_t size, void *result);
    void *ctx;
    const void *entropy;           /* 18 random bytes, others for each login;
                                      0: from tls, or from the system */
    const void *binding;           /* tls-server-end-point, of a TLS layer of
                                      your own; or 0 */
    size_t binding_size;           /* 64 at most */
    uint32_t iterations;           /* at most; 0: 1000000. Fewer than 4096 are
                                      never accepted */
    uint16_t slice;                /* so many in one smtp_run(), which then
                                      returns SMTP_AGAIN; 0: all */
    /* Wiped at the end, from here on: */
    uint8_t state;                 /* the next message: SMTP__SC_... */
    uint8_t hash;                  /* SMTP_MD5 ... */
    uint16_t fill;                 /* bytes of text */
    uint16_t bare, first;          /* in it: client's first message without its
                                      header; the comma after that */
    uint16_t nonces;               /* bytes of ",r=" and both nonces, there */
    uint32_t left;                 /* iterations, before the final message */
    unsigned char last[32];        /* iteration; then the server's signature */
    unsigned char sum[32];         /* of the iterations: the salted password */
    char text[SMTP_SCRAM_ROOM];
} smtp_scram;

/* The struct differs with SMTP_BEARSSL, so the linker looks for another name: a
   file compiled without it cannot be linked to one with it. */
#ifdef SMTP_BEARSSL
#define smtp_scram_sasl smtp_scram_sasl_bearssl
#endif

/* `scram` stays with the session, and so does what is returned. */
SMTP_API smtp_sasl smtp_scram_sasl(smtp_scram *scram);

#endif

/* ---- DKIM ---------------------------------------------------------------- */
#if defined(SMTP_BEARSSL) && !defined(SMTP_NO_DKIM)

/* Constant, may lie in flash. */
typedef struct smtp_dkim_config {
    const char *domain;            /* d=, "example.org" */
    const char *selector;          /* s=, the key is that of
                                      selector._domainkey.domain */
    const br_rsa_private_key *key; /* 1024 to 4096 bits */
    uint32_t date;                 /* t=, seconds since 1970, or 0 */
} smtp_dkim_config;

/* A signature being made; begin with all of it 0. */
typedef struct smtp_dkim {
    const smtp_dkim_config *config;
    smtp_body body;                /* that is signed */
    smtp_size at;                  /* bytes of it hashed */
    br_sha256_context head, content;
    uint8_t state;                 /* SMTP__D_... */
    uint8_t flags;                 /* SMTP__D_SPACE ... */
    uint8_t name_size;             /* bytes of a field's name so far */
    uint8_t count;                 /* fields signed, */
    uint8_t order[16];             /* which, in the order of the message */
    uint16_t seen;                 /* the same as bits */
    smtp_size lines;               /* line ends not yet hashed */
    char name[32];
    uint16_t size;
    char text[1536];               /* the field DKIM-Signature */
} smtp_dkim;

/* Puts a DKIM-Signature before mail->body (RFC 6376; rsa-sha256, relaxed for
   both). The body is read once here and once when it is sent, and has to be
   the same both times. All stay the mail's until its outcome is told.
   SMTP_OK; SMTP_AGAIN: the source waits, call again; SMTP_E_BODY: it failed;
   SMTP_E_ARGUMENT: there is no body, it cannot go back or is binary, the key or
   a name is no good, or *dkim has been used; SMTP_E_FIELD_NAME: a field that
   may stand once stands twice; SMTP_E_FIELD_MISSING: there is no From;
   SMTP_E_FIELD_SYNTAX: white space before the first field. */
SMTP_API smtp_status smtp_dkim_sign(smtp_dkim *dkim,
                                    const smtp_dkim_config *config,
                                    smtp_mail *mail);

#endif

/* ---- adapter: one call --------------------------------------------------- */
#ifdef SMTP_POSIX

/* Zero is each member's default. */
typedef struct smtp_client_options {
    smtp_config config;            /* the URL's user and password go first;
                                      domain 0: see smtp_posix_domain() */
#ifdef SMTP_BEARSSL
    smtp_tls_config tls;           /* server_name 0: the URL's host; buffer 0:
                                      the client's own */
#endif
    const char *source;            /* numeric local address, or 0 */
    unsigned long connect_ms;      /* for each address; 0: 30000 */
} smtp_client_options;

/* A session with all that it stands on: 55 KB with TLS, 11 KB without, no
   pointer into the heap, so static or on a large stack. It points into itself:
   do not move it. */
typedef struct smtp_client {
    smtp_session session;
    smtp_config config;
    smtp_posix posix;              /* posix.error: the errno of a failure */
    smtp_io io, lower;
    const char *host, *service;    /* in `url`: a host, or a path and "" */
    char domain[256];
    char url[2048];                /* host, port, user, password, decoded */
    char buffer[8192];
#ifdef SMTP_BEARSSL
    smtp_tls tls;
    smtp_tls_config tls_config;
    unsigned char records[SMTP_TLS_BUFFER_FAST];
#if !defined(SMTP_NO_AUTH) && !defined(SMTP_NO_SASL)
    smtp_scram scram;
    smtp_sasl sasl;
#endif
#endif
} smtp_client;

/* As with smtp_scram: the structs differ, and so do the linker's names. */
#ifdef SMTP_BEARSSL
#define smtp_client_open smtp_client_open_bearssl
#define smtp_client_close smtp_client_close_bearssl
#define smtp_send_url smtp_send_url_bearssl
#endif

/* Connects to where `url` says and makes the session ready: greeting, EHLO,
   TLS, login. Then use &client->session; smtp_client_close() in the end, also
   after a failure. With options->config.next its mails are sent at once, up to
   QUIT where it says SMTP_EOF.

      smtp://[user[:password]@]host[:port]  STARTTLS, required   (port 587,
                                            25 without a user)
      smtps://...                           TLS from the start   (port 465)
      lmtp://...                            LMTP, STARTTLS       (port 24)
      smtp:///path, lmtp:///path            a Unix socket, in clear

   A number of IPv6 stands in brackets. User, password, host and path are
   percent-decoded; a host that then starts with / is a Unix socket's path too.
   `options` may be 0; it is copied, but what it points to has to stay valid
   until the client is closed. Its config.user counts where the URL has none,
   config.password where the URL has no password (an empty one where neither
   has), and config.tls other than 0 instead of the URL's mode. No login in
   clear, not even on a Unix socket, without config.unsafe_clear_login.
   SMTP_E_URL; SMTP_E_NO_TLS: without SMTP_BEARSSL, before connecting; or as
   smtp_tls_open(), smtp_posix_connect(), smtp_open(), smtp_run(). */
SMTP_API smtp_status smtp_client_open(smtp_client *client, const char *url,
                                      const smtp_client_options *options);

/* Closes at once (smtp_quit() comes before for a polite end) and wipes the
   password and all buffers. May be called twice. */
SMTP_API void smtp_client_close(smtp_client *client);

/* The whole way of one mail: open, smtp_send(), smtp_quit() (5 seconds at most
   for its answer). Blocks, and keeps an smtp_client on the stack. Returns
   mail->status; where it did not come so far, why, and mail->status is
   SMTP_NOT_TAKEN; SMTP_E_ARGUMENT where there is no mail, or mail->to is 0 and
   mail->to_count is not: then *mail is untouched. A body's source or a
   config.sasl that says SMTP_AGAIN is asked again until it has something. The
   server's words: options->config.reply. */
SMTP_API smtp_status smtp_send_url(const char *url, smtp_mail *mail,
                                   const smtp_client_options *options);
#endif /* SMTP_POSIX */

#ifdef __cplusplus
}
#endif
#endif /* SMTP_H */

/* ==========================================================================
   Implementation
   ========================================================================== */
#ifdef SMTP_IMPLEMENTATION
#ifndef SMTP_IMPLEMENTED
#define SMTP_IMPLEMENTED

#include <string.h>

/* Callbacks are called as (s->io->send)(...): a macro with arguments, such as
   lwIP's send() or a program's own trace(), does not see the name there. */

/* ---- configuration checks ------------------------------------------------ */

#if defined SMTP_POSIX && !defined SMTP__WITH_POSIX
#error "SMTP_POSIX: not there when smtp.h was included before"
#endif
#if defined SMTP_BEARSSL && !defined SMTP__WITH_BEARSSL
#error "SMTP_BEARSSL: not there when smtp.h was included before"
#endif
#if SMTP_WINDOW < 1 || SMTP_WINDOW > 65535
#error "SMTP_WINDOW: 1 to 65535"
#endif
#if SMTP_REPLY_LIMIT < 1000 || SMTP_REPLY_LIMIT > 65000
#error "SMTP_REPLY_LIMIT: 1000 to 65000"
#endif
#if defined(SMTP_COMPOSE_BUFFER) &&                                            \
    (SMTP_COMPOSE_BUFFER < 64 || SMTP_COMPOSE_BUFFER > 65000)
#error "SMTP_COMPOSE_BUFFER: 64 to 65000"
#endif
#if defined(SMTP_SCRAM_ROOM) &&                                                \
    (SMTP_SCRAM_ROOM < 256 || SMTP_SCRAM_ROOM > 16000)
#error "SMTP_SCRAM_ROOM: 256 to 16000"
#endif
#if defined(SMTP_TLS_ANCHOR_ROOM) &&                                           \
    (SMTP_TLS_ANCHOR_ROOM < 600 || SMTP_TLS_ANCHOR_ROOM > 32000)
#error "SMTP_TLS_ANCHOR_ROOM: 600 to 32000"
#endif
#if defined(SMTP_TLS_CHAIN) && (SMTP_TLS_CHAIN < 1 || SMTP_TLS_CHAIN > 255)
#error "SMTP_TLS_CHAIN: 1 to 255"
#endif

#ifdef SMTP_NO_AUTH
#define SMTP__AUTH 0
#else
#define SMTP__AUTH 1
#endif
#if defined SMTP_NO_AUTH || defined SMTP_NO_SASL
#define SMTP__SASL 0
#else
#define SMTP__SASL 1
#endif
#ifdef SMTP_NO_RARE
#define SMTP__RARE 0
#else
#define SMTP__RARE 1
#endif
#ifdef SMTP_NO_CHUNKING
#define SMTP__CHUNKING 0
#else
#define SMTP__CHUNKING 1
#endif
#ifdef SMTP_NO_UTF8
#define SMTP__UTF8 0
#else
#define SMTP__UTF8 1
#endif
#if defined SMTP_NO_UTF8 || defined SMTP_NO_A_LABEL
#define SMTP__A_LABEL 0
#else
#define SMTP__A_LABEL 1
#endif
#ifdef SMTP_NO_LMTP
#define SMTP__LMTP 0
#else
#define SMTP__LMTP 1
#endif
#ifdef SMTP_NO_DSN
#define SMTP__DSN 0
#else
#define SMTP__DSN 1
#endif
#ifdef SMTP_NO_SIZE
#define SMTP__SIZE 0
#else
#define SMTP__SIZE 1
#endif
#define SMTP__MEASURED (SMTP__SIZE || SMTP__CHUNKING)  /* a body's dry run */
#ifdef SMTP_NO_NEXT
#define SMTP__NEXT 0               /* one mail at a time */
#else
#define SMTP__NEXT 1
#endif
#ifdef SMTP_NO_CLOCK
#define SMTP__CLOCK 0
#else
#define SMTP__CLOCK 1
#endif
#ifdef SMTP_NO_REPLY
#define SMTP__REPLY 0
#else
#define SMTP__REPLY 1
#endif
#ifdef SMTP_NO_PULL
#define SMTP__PULL 0
#else
#define SMTP__PULL 1
#endif
#ifdef SMTP_NO_PARAMS
#define SMTP__PARAMS 0
#else
#define SMTP__PARAMS 1
#endif
#if defined SMTP_NO_8BIT && defined SMTP_NO_UTF8
#define SMTP__8BITMIME 0
#else
#define SMTP__8BITMIME 1
#endif
#ifdef SMTP_NO_INITIAL
#define SMTP__INITIAL 0
#else
#define SMTP__INITIAL 1
#endif
#ifdef SMTP_NO_ALL_OR_NONE
#define SMTP__ALL_OR_NONE 0
#else
#define SMTP__ALL_OR_NONE 1
#endif
#ifdef SMTP_NO_OPPORTUNISTIC
#define SMTP__OPPORTUNISTIC 0
#else
#define SMTP__OPPORTUNISTIC 1
#endif
#ifdef SMTP_NO_CAREFUL
#define SMTP__CAREFUL 0
#else
#define SMTP__CAREFUL 1
#endif
#ifdef SMTP_NO_WAIT
#define SMTP__WAITS 0
#else
#define SMTP__WAITS 1
#endif
#ifdef SMTP_NO_HAND
#define SMTP__HAND 0
#else
#define SMTP__HAND 1
#endif
#ifdef SMTP_NO_TRACE
#define SMTP__TRACE 0
#else
#define SMTP__TRACE 1
#endif

/* Mails, or bytes of a source, may have to be waited for. */
#define SMTP__STARVES (SMTP__NEXT || SMTP__PULL)
/* Rows have more values than addresses and our own name. */
#define SMTP__EXTENDED (SMTP__AUTH || SMTP__8BITMIME || SMTP__SIZE ||          \
    SMTP__DSN || SMTP__CHUNKING || SMTP__UTF8 || SMTP__RARE || SMTP__LMTP ||   \
    SMTP__PARAMS || SMTP__HAND)
/* A body may have an answer for each recipient. */
#define SMTP__EACH_ANSWERS (SMTP__LMTP || SMTP__RARE)
/* A BDAT chunk ends by a count of its bytes; else with the body. */
#define SMTP__COUNTED (SMTP__FAST || SMTP__PULL)
/* A source of unknown size is said in several chunks. */
#define SMTP__STREAMS (SMTP__CHUNKING && SMTP__PULL)
/* Replies to several mails, or chunks, may be due at once. */
#define SMTP__OVERLAPS (SMTP__NEXT || SMTP__STREAMS)

#ifdef SMTP_SMALL
#define SMTP__FAST 0
#define SMTP__SIMD 0
#define SMTP__KEPT 0
#else
#define SMTP__FAST 1
#define SMTP__KEPT SMTP__MEASURED  /* what the dry run saw is kept in mind */
#if defined(__SSE2__) && defined(__GNUC__) && !defined(SMTP_NO_SIMD)
#define SMTP__SIMD 1
#include <emmintrin.h>
#else
#define SMTP__SIMD 0
#endif
#endif

/* ---- constants ----------------------------------------------------------- */

/* The script. A row is said, then answered: its name; its text; who judges the
   answer; which limit of smtp_timeouts holds for it; 0: left out.
   The order counts. Rows before RSET belong to no mail and are said alone; from
   RSET on 1 << row - SMTP__RSET is the bit of smtp_mail.flags that tells that
   it was said, but for RCPT and BDAT, which are counted. A reply to a row
   before QUIT counts only once all of that is out.

   In a text a small letter stands for a value, a number for a part of NOTIFY.
   What is before it, up to the one before that, belongs to it: where there is
   no such value, neither is said. "BDAT s LASTz": "BDAT " and the size, then
   " LAST" if there is z. The letters:

      a b  sender, recipient        h    our own name
      s v  size for BDAT, MAIL      i j  SMTP, LMTP
      m o  8BITMIME, BINARYMIME     w    word of a command, mechanism
      u p  SMTPUTF8, parameters     f g  response along with AUTH, later
      q r  RET: FULL, HDRS          y    an empty one
      d e  ENVID, ORCPT             c k  address by hand, and its ">"
      n x  HOLDUNTIL, HOLDFOR       t    parameters, argument by hand
      { |  BY, MT-PRIORITY          z    nothing, always there but after a
      } ~  REQUIRETLS, PRDR              chunk that is not the last */
#define SMTP__ROWS(X)                                                          \
    X(SMTP__GREETING, "greeting", "", greeting, greeting, 1)                   \
    X(SMTP__EHLO, "EHLO", SMTP__SAY_HELLO " h", ehlo, command, 1)              \
    X(SMTP__HELO, "HELO", "HELO h", helo, command, 1)                          \
    X(SMTP__STARTTLS, "STARTTLS", "STARTTLS", starttls, command, 1)            \
    X(SMTP__AUTH_, "AUTH", SMTP__SAY_AUTH SMTP__SAY_INITIAL, auth, command,    \
      SMTP__AUTH)                                                              \
    X(SMTP__RESPONSE, "AUTH", "g", auth, command, SMTP__AUTH)                  \
    X(SMTP__COMMAND, "command", SMTP__SAY_COMMAND, command, command,           \
      SMTP__HAND)                                                              \
    X(SMTP__XCLIENT, "XCLIENT", SMTP__SAY_XCLIENT, xclient, command,           \
      SMTP__HAND && SMTP__RARE)                                                \
    X(SMTP__QUIT, "QUIT", "QUIT", quit, command, 1)                            \
    X(SMTP__RSET, "RSET", "RSET", rset, command, 1)                            \
    X(SMTP__MAIL, "MAIL", "MAIL FROM:<za>z" SMTP__SAY_SIZE SMTP__SAY_BODY      \
      SMTP__SAY_UTF8 SMTP__SAY_RET SMTP__SAY_RARE SMTP__SAY_PARAMS, mail,      \
      command, 1)                                                              \
    X(SMTP__RCPT, "RCPT", "RCPT TO:<b>z" SMTP__SAY_NOTIFY SMTP__SAY_PARAMS,    \
      rcpt, command, 1)                                                        \
    X(SMTP__DATA, "DATA", "DATA", data, data, 1)                               \
    X(SMTP__BDAT, "BDAT", SMTP__SAY_BDAT, bdat, final, SMTP__CHUNKING)         \
    X(SMTP__FINAL, ".", ".", final, final, 1)

#if SMTP__LMTP
#define SMTP__SAY_HELLO "EiLjHLO"
#else
#define SMTP__SAY_HELLO "EHLO"
#endif
#if SMTP__AUTH
#define SMTP__SAY_AUTH "AUTH w"
#else
#define SMTP__SAY_AUTH
#endif
#if SMTP__HAND
#define SMTP__SAY_COMMAND "wc>k t"
#define SMTP__SAY_XCLIENT "XCLIENT t"
#else
#define SMTP__SAY_COMMAND
#define SMTP__SAY_XCLIENT
#endif
#if SMTP__CHUNKING
#define SMTP__SAY_BDAT "BDAT s LASTz"
#else
#define SMTP__SAY_BDAT
#endif
#if SMTP__AUTH && SMTP__INITIAL
#define SMTP__SAY_INITIAL " =y f"
#else
#define SMTP__SAY_INITIAL
#endif
#if SMTP__SIZE
#define SMTP__SAY_SIZE " SIZE=v"
#else
#define SMTP__SAY_SIZE
#endif
#if SMTP__8BITMIME
#define SMTP__SAY_8BIT " BODY=8BITMIMEm"
#else
#define SMTP__SAY_8BIT
#endif
#if SMTP__CHUNKING
#define SMTP__SAY_BODY SMTP__SAY_8BIT " BODY=BINARYMIMEo"
#else
#define SMTP__SAY_BODY SMTP__SAY_8BIT
#endif
#if SMTP__UTF8
#define SMTP__SAY_UTF8 " SMTPUTF8u"
#else
#define SMTP__SAY_UTF8
#endif
#if SMTP__DSN
#define SMTP__SAY_RET " RET=FULLq RET=HDRSr ENVID=d"
#define SMTP__SAY_NOTIFY                                                       \
    " NOTIFY=\1NEVER\2SUCCESS\3,\4FAILURE\5,\6DELAY\7 ORCPT=e"
#else
#define SMTP__SAY_RET
#define SMTP__SAY_NOTIFY
#endif
#if SMTP__RARE
#define SMTP__SAY_RARE                                                         \
    " HOLDUNTIL=n HOLDFOR=x BY={ MT-PRIORITY=| REQUIRETLS} PRDR~"
#else
#define SMTP__SAY_RARE
#endif
#if SMTP__PARAMS
#define SMTP__SAY_PARAMS " p"
#else
#define SMTP__SAY_PARAMS
#endif

#define SMTP__ROW_NAME(name, verb, text, judge, limit, on) name,
enum {
    SMTP__ROWS(SMTP__ROW_NAME)
    SMTP__ROW_COUNT,
    /* Between the rows: */
    SMTP__IDLE = SMTP__ROW_COUNT,  /* nothing under way: decide */
    SMTP__WAIT,                    /* until the judge decides */
    SMTP__HANDSHAKE,               /* TLS */
    SMTP__RESPOND,                 /* config->sasl makes its response */
    SMTP__CHUNK,                   /* the next BDAT of a source of no size */
    SMTP__MEASURE,                 /* dry run of the body */
    SMTP__BODY,                    /* after DATA */
    SMTP__PAYLOAD                  /* after BDAT */
};

enum {                             /* smtp_session.goal */
    SMTP__G_NONE,
    SMTP__G_READY,                 /* what config asks for */
    SMTP__G_SEND,                  /* one mail */
    SMTP__G_QUIT,
    SMTP__G_HAND                   /* and its row: a command by hand */
};

/* A flag of what is not built in is 0: what asks for it goes, too. */
enum {                             /* smtp_session.flags */
    SMTP__GREETED = 1,             /* the server would understand QUIT */
    SMTP__HELLO = 2,               /* EHLO or HELO is answered */
    SMTP__SECURE = 4,              /* STARTTLS has made it so */
    SMTP__LOGGED_IN = 8 * SMTP__AUTH,
    SMTP__AHEAD = 16 * SMTP__NEXT, /* a mail began while an answer to a body
                                      was due; */
    SMTP__EARLY = 128 * SMTP__NEXT,          /* its RSET was refused for that */
    SMTP__PLAIN_ON = 32 * SMTP__OPPORTUNISTIC,  /* TLS was not to be had */
    SMTP__FULL = 64,               /* the window is, refill at half */
    SMTP__MOVED = 2048 * SMTP__CLOCK,        /* a step since `since` */
    SMTP__LAST_MAIL = 8192         /* next said SMTP_EOF */
};

enum {                             /* smtp_session.wants, too */
    SMTP__STARVED = 8 * SMTP__STARVES        /* next or a source has none */
};

enum {                             /* smtp_session.body_state */
    SMTP__BOL = 1,                 /* at the beginning of a line */
    SMTP__CR = 2,                  /* after a CR: LF adds nothing to it */
    SMTP__DOTS = 4,                /* stuff dots; not with RAW */
    SMTP__RAW = 8 * SMTP__CHUNKING,          /* send the body unread */
    SMTP__CHANGED = 32 * SMTP__KEPT,         /* something was changed */
    SMTP__HIGH = 64 * SMTP__MEASURED,        /* a byte above 127 was seen:
                                                SMTP__HAS_8BIT >> 3 */
    SMTP__INTO_BUFFER = 128 * SMTP__STREAMS  /* all goes through the buffer,
                                                untraced */
};

enum {                             /* smtp_mail.flags */
    SMTP__SAID_RSET = 1,           /* 1 << row - SMTP__RSET */
    SMTP__SAID_MAIL = 2,
    SMTP__CLOSED = 4,              /* nothing more of it will be said */
    SMTP__SAID_DATA = 8,
    SMTP__ACCEPTED = 16,           /* a recipient was */
    SMTP__SAID_FINAL = 32,         /* or the last chunk; closed, too */
    SMTP__SOME_REFUSED = 64,       /* a recipient was not */
    SMTP__REFUSED = 128,           /* the mail is, status says why */
    SMTP__DELIVERED = 256 * (SMTP__LMTP | SMTP__RARE),  /* to a recipient */
    SMTP__HAS_8BIT = 512 * SMTP__8BITMIME,   /* SMTP_BODY_8BIT << 8, */
    SMTP__ANSWERED = 1024,         /* the final reply is heard */
    SMTP__SIZED = 2048 * SMTP__MEASURED,     /* `wire` is known */
    SMTP__NEEDS_UTF8 = 4096 * SMTP__UTF8,    /* SMTP_BODY_UTF8 << 8 */
    SMTP__STEPWISE = 8192 * SMTP__CAREFUL,   /* DATA waits for recipients */
    SMTP__EACH = 16384 * SMTP__RARE          /* PRDR: an answer for each */
};
#define SMTP__CLEAN (32768u * SMTP__KEPT)  /* there is nothing to change */

enum {                             /* smtp_session.parse, of a line: */
    SMTP__P_MORE = 1,              /* another one follows it */
    SMTP__P_FURTHER = 2,           /* it follows another one */
    SMTP__P_TEXT = 4               /* its code and separator are read */
};

#define SMTP__LOGIN_LINES 32       /* lines that a login may have */

/* Members that are there only where something is built in, else 0. */
#if SMTP__DSN
#define SMTP__OF_DSN(member) (member)
#else
#define SMTP__OF_DSN(member) 0
#endif
#if SMTP__RARE
#define SMTP__OF_RARE(member) (member)
#else
#define SMTP__OF_RARE(member) 0
#endif
#if SMTP__PARAMS
#define SMTP__OF_PARAMS(member) (member)
#else
#define SMTP__OF_PARAMS(member) ((const char *)NULL)
#endif
#if SMTP__ALL_OR_NONE
#define SMTP__OF_ALL(member) (member)
#else
#define SMTP__OF_ALL(member) 0
#endif

/* ---- bytes --------------------------------------------------------------- */

/* A function that makes the code shorter when it is not copied to where it is
   called. */
#if defined(SMTP_SMALL) && defined(__GNUC__)
#define SMTP__APART __attribute__((noinline))
#else
#define SMTP__APART
#endif

/* The same, but only where `on`, a macro that is 0 or 1, is built in. */
#define SMTP__APART_0
#define SMTP__APART_1 SMTP__APART
#define SMTP__APART_WITH(on) SMTP__APART_FOR(on)
#define SMTP__APART_FOR(on) SMTP__APART_##on

/* A function that makes the code shorter when it is copied to where it is
   called: each call needs but a part of it. */
#if defined(SMTP_SMALL) && defined(__GNUC__)
#define SMTP__HERE inline __attribute__((always_inline))
#else
#define SMTP__HERE
#endif

/* A function that is worth a copy at each call where speed counts. */
#if SMTP__FAST
#define SMTP__INLINE inline
#else
#define SMTP__INLINE
#endif

/* A function that is seldom needed where speed counts: a copy would only be in
   the way. */
#if SMTP__FAST && defined(__GNUC__)
#define SMTP__ASIDE __attribute__((noinline))
#else
#define SMTP__ASIDE
#endif

/* A compiler may leave out memset() of memory that nobody reads again. */
#ifdef __GNUC__
static void smtp__wipe(void *memory, size_t n)
{
    memset(memory, 0, n);
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}
#else
static void smtp__wipe(void *memory, size_t n)
{
    volatile char *p = (volatile char *)memory;
    while (n--)
        *p++ = 0;
}
#endif

static size_t smtp__min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char smtp__hex_digit(unsigned value)
{
    return (char)((value < 10 ? '0' : 'A' - 10) + (int)value);
}

static int smtp__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

SMTP__APART_WITH(SMTP__SASL)
static const char *smtp__or_empty(const char *text)
{
    return text ? text : "";
}

/* String `n` of a list of them, one after the other. */
static const char *smtp__nth(const char *list, unsigned n)
{
    for (; n > 0; n--)
        list += strlen(list) + 1;
    return list;
}

/* ---- argument checks ----------------------------------------------------- */

/* No character of the string is below `least`, nor DEL; or there is none. */
static int smtp__all_from(const char *p, char least)
{
    for (; p && *p; p++)
        if ((unsigned char)*p < least || *p == 127)
            return 0;
    return 1;
}

/* A string that stands in a command line: no control character. */
static int smtp__line_ok(const char *p)
{
    return smtp__all_from(p, ' ');
}

/* The same without spaces: one argument. */
static int smtp__word_ok(const char *p)
{
    return smtp__all_from(p, '!');
}

/* 1: plain ASCII that may stand in an address, told many bytes at a time.
   0: perhaps not. */
#if SMTP__SIMD
/* 16 bytes, none below '!' nor above '~' (plus 1 these are 33 or less as signed
   numbers) nor '<' or '>'. */
static int smtp__address_plain16(__m128i v)
{
    __m128i angle = _mm_cmpeq_epi8(_mm_or_si128(v, _mm_set1_epi8(2)),
                                   _mm_set1_epi8('>'));
    __m128i visible = _mm_cmpgt_epi8(_mm_add_epi8(v, _mm_set1_epi8(1)),
                                     _mm_set1_epi8('!'));
    return _mm_movemask_epi8(_mm_andnot_si128(angle, visible)) == 0xffff;
}

static int smtp__address_plain(const char *p, size_t n)
{
    const char *last;
    if (n < 8 || *p == '"')
        return 0;
    if (n < 16)
        return smtp__address_plain16(_mm_unpacklo_epi64(
            _mm_loadl_epi64((const __m128i *)(const void *)p),
            _mm_loadl_epi64((const __m128i *)(const void *)(p + n - 8))));
    for (last = p + n - 16; p < last; p += 16)
        if (!smtp__address_plain16(
                _mm_loadu_si128((const __m128i *)(const void *)p)))
            return 0;
    return smtp__address_plain16(
        _mm_loadu_si128((const __m128i *)(const void *)last));
}
#elif SMTP__FAST
/* In `marks` bit 7 of a byte tells that it is below '!', equal to '<' or '>',
   or above '~': up to 161 the sum marks those, from there on the first
   difference. Borrow and carry come out of marked bytes, and what they change
   in the next one can only mark it. */
static int smtp__address_plain(const char *p, size_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t marks = 0;
    size_t i = 0;
    if (n < 8 || *p == '"')
        return 0;
    for (;;) {
        uint64_t w, angle;
        memcpy(&w, p + i, 8);
        angle = (w | ones * 2) ^ ones * '>';
        marks |= (w - ones * '!') | (w + ones) | (angle - ones);
        if (i == n - 8)
            break;
        i = smtp__min(i + 8, n - 8);
    }
    return !(marks & ones * 128);
}
#else
static int smtp__address_plain(const char *p, size_t n)
{
    (void)p, (void)n;
    return 0;
}
#endif

SMTP_API int smtp_address_check(const char *address)
{
    unsigned high = 0, quoted = *address == '"', c;
    const char *p = address;
    if (smtp__address_plain(p, strlen(p)))
        return 1;
    for (p += quoted; (c = (unsigned char)*p) != 0; p++, high |= c) {
        if (c + quoted <= ' ' || c == 127 || (c > 127 && !SMTP__UTF8) ||
            (!quoted && (c | 2) == '>'))
            return 0;              /* '<' | 2 is '>' */
        if (quoted && c == '\\' && (p[1] == '\\' || p[1] == '"'))
            p++;
        else if (quoted && c == '"' && p[1] != '@')
            return 0;
        else if (c == '"')
            quoted = 0;
    }
    return quoted ? 0 : (int)(1 + (high >> 7 & 1));
}

/* ---- ending -------------------------------------------------------------- */

/* Inside, a status goes as its low byte, whatever stands above it: that takes
   the shortest code. */
#define SMTP__BYTE(status) ((uint8_t)(status))

static smtp_status smtp__status(uint8_t low)
{
    return (smtp_status)(int8_t)low;
}

/* Whether it is this one, told by that byte. */
static int smtp__is(smtp_status status, smtp_status which)
{
    return ((unsigned)status & 255) == SMTP__BYTE(which);
}

/* RSET was refused, or one recipient's body by 421: the server goes away, but
   what was said before may still be answered, where that can be of any use. */
#define SMTP__LEAVES (SMTP__NEXT || SMTP__CHUNKING || SMTP__EACH_ANSWERS)
static int smtp__leaving(const smtp_session *s)
{
    return SMTP__LEAVES && s->broken == SMTP__BYTE(SMTP_E_SHUTDOWN);
}

/* The transport takes no more. */
static int smtp__cut_off(const smtp_session *s)
{
    return s->broken && !smtp__leaving(s);
}

/* The mail being answered: where only one is under way and nobody asks, that
   being said. */
#define SMTP__HEARD (SMTP__OVERLAPS || SMTP__HAND || SMTP__REPLY)
static smtp_mail *smtp__heard(const smtp_session *s)
{
    return SMTP__HEARD ? s->heard : s->said;
}

/* Whether what is under way is a command by hand. */
static int smtp__is_by_hand(const smtp_session *s)
{
    return SMTP__HAND && s->goal >= SMTP__G_HAND;
}

/* What is said, or answered, is part of no mail: then it is by hand. */
static int smtp__no_mail(const smtp_mail *m)
{
    return SMTP__HAND && m == NULL;
}

/* None of its own replies has decided yet what becomes of the recipient. */
static int smtp__undecided(const smtp_recipient *to)
{
    return smtp__is(to->status, SMTP_AGAIN) ||
           (SMTP__RARE && smtp__is(to->status, SMTP_UNKNOWN));   /* PRDR */
}

/* The outcome of the first `n` recipients, as far as it is open. Those that
   were never said, as belonging to a later part of the mail, are not taken,
   unless the sender is refused. */
static void smtp__settle_recipients(smtp_mail *m, size_t n, uint8_t status)
{
    const smtp_code code = m->code;
    smtp_recipient *to = m->to;
    size_t said = m->said;
    for (; n > 0; n--, said--, to++) {
        if (SMTP__RARE && said == 0 && status != SMTP__BYTE(SMTP_E_SENDER))
            status = SMTP__BYTE(SMTP_NOT_TAKEN);
        if (smtp__undecided(to)) {
            to->status = smtp__status(status);
            to->code = code;
        }
    }
}

/* An accepted mail: delivered to all or to some. A refused one keeps why. The
   recipients that no reply of their own has decided get the same; but they are
   not taken where nothing of the mail was said, or where other recipients were
   the reason. */
static void smtp__settle(smtp_mail *m)
{
    uint8_t rest = SMTP__BYTE(m->status);
    if (rest == SMTP__BYTE(SMTP_AGAIN)) {
        rest = SMTP_OK;
        m->status = m->flags & SMTP__SOME_REFUSED ? SMTP_PARTIAL : SMTP_OK;
    }
    if (!(m->flags & SMTP__SAID_MAIL) ||
        ((SMTP__ALL_OR_NONE || SMTP__RARE) &&
         smtp__is(m->status, SMTP_E_RECIPIENTS)))
        rest = SMTP__BYTE(SMTP_NOT_TAKEN);
    smtp__settle_recipients(m, m->to_count, rest);
    if (m->flags & SMTP__DELIVERED && !smtp__is(m->status, SMTP_OK) &&
        !smtp__is(m->status, SMTP_UNKNOWN))
        m->status = SMTP_PARTIAL;
}

/* A mail begins with MAIL, or with RSET, the row before it. */
static uint8_t smtp__first_row(const smtp_session *s)
{
    return (uint8_t)(SMTP__MAIL - s->dirty);
}

/* The session may have no further transaction (RFC 9422, MAILMAX). */
static int smtp__mails_used_up(const smtp_session *s)
{
    return s->most[1] == 1;
}

/* RFC 9422, section 4.2: more recipients than one transaction may have get
   several. Another one begins when all of the last is answered, unless that
   refused more than recipients. One that was refused and left the mail open
   came too early, and begins again. */
static int smtp__another_part(smtp_session *s, smtp_mail *m)
{
    const unsigned keep = SMTP__NEEDS_UTF8 | SMTP__HAS_8BIT | SMTP__CLEAN |
                          SMTP__SIZED | SMTP__SOME_REFUSED | SMTP__DELIVERED |
                          SMTP__STEPWISE;
    if (s->status || !smtp__is(m->status, SMTP_AGAIN))
        return 0;
    if (SMTP__NEXT && m->flags & SMTP__REFUSED)
        s->to_heard = m->said = 0;
    if (!(SMTP__RARE || SMTP__NEXT) || m->said == m->to_count)
        return 0;
    if (m->flags & SMTP__ACCEPTED) {
        smtp__settle_recipients(m, m->said, SMTP_OK);
        m->flags |= SMTP__DELIVERED;
        memset(&m->code, 0, sizeof m->code);
    }
    if (smtp__mails_used_up(s) && !(m->flags & SMTP__REFUSED)) {
        m->flags |= SMTP__SOME_REFUSED;
        if (!(m->flags & SMTP__DELIVERED))
            m->status = SMTP_E_RECIPIENTS;
        return 0;
    }
    if (m->flags & SMTP__SAID_FINAL)
        m->last = (uint32_t)s->at; /* the body has to be as long again */
    m->flags &= (uint16_t)keep;
    s->flags &= (uint16_t)~(SMTP__AHEAD | SMTP__EARLY);
    s->await = s->say = smtp__first_row(s);
    return 1;
}

/* Tells the outcome of the mail at the heard cursor, which moves on. */
static void smtp__finish(smtp_session *s)
{
    smtp_mail *m = smtp__heard(s);
    if (SMTP__NEXT && m->flags & SMTP__SAID_MAIL &&
        !(m->flags & SMTP__ACCEPTED) && s->mails_refused < 255)
        s->mails_refused++;
    if (smtp__another_part(s, m))
        return;
    if (SMTP__HEARD)
        s->heard = SMTP__NEXT ? m->link : NULL;
    if (!SMTP__NEXT || s->said == m)
        s->said = NULL;
    if (SMTP__NEXT || SMTP__HAND) {
        s->await = SMTP__RSET;
        s->to_heard = 0;
    }
    smtp__settle(m);
    if (!SMTP__NEXT || s->goal == SMTP__G_SEND) {
        s->result = SMTP__BYTE(!smtp__is(m->status, SMTP_NOT_TAKEN)
                               ? SMTP__BYTE(m->status)
                               : SMTP__LEAVES && !s->status ? s->broken
                                                            : s->status);
        s->goal = SMTP__G_NONE;
    }
    if (SMTP__NEXT && s->config && s->config->done)
        (s->config->done)(s->config->ctx, m);
}

/* Whether the mail's last byte was taken by the transport: the counts wrap
   around, but are never far apart (smtp__far). Where mails do not overlap,
   nothing is said after it. */
static int smtp__handed_over(const smtp_session *s, const smtp_mail *m)
{
    return m->flags & SMTP__SAID_FINAL &&
           (SMTP__NEXT ? s->sent - m->last < 0x80000000u : s->out_to == 0);
}

/* Every recipient that was said is refused, or was delivered to before. */
static int smtp__none_open(const smtp_mail *m)
{
    const smtp_recipient *to = m->to;
    size_t n;
    for (n = m->said; n > 0; n--, to++)
        if (smtp__undecided(to))
            return 0;
    return m->said > 0;
}

/* BDAT for recipients that were accepted although MAIL was not: a server that
   heeds no RSET may have taken it. */
static int smtp__senderless(const smtp_mail *m)
{
    return SMTP__CHUNKING && (smtp__is(m->status, SMTP_E_SENDER) ||
                              smtp__is(m->status, SMTP_NOT_TAKEN)) &&
           m->flags & SMTP__ACCEPTED && !(m->flags & SMTP__SAID_DATA);
}

/* The end is accepted of a mail that was refused before it: MAIL, or a chunk of
   it. */
static int smtp__contradicted(const smtp_mail *m)
{
    return smtp__senderless(m) ||
           (SMTP__STREAMS && smtp__is(m->status, SMTP_E_DATA));
}

/* The mail at the heard cursor ends with the connection. Unknown: its last byte
   was handed over, and neither is every recipient known to be refused nor did
   the server say 421 instead of an answer. */
static void smtp__lose(smtp_session *s, smtp_mail *m)
{
    int shut = s->status == SMTP__BYTE(SMTP_E_SHUTDOWN) && !smtp__leaving(s);
    int none, unknown;
    if (!SMTP__CHUNKING && !smtp__is(m->status, SMTP_AGAIN))
        return;                    /* as below; less code where it is sure */
    unknown = !shut && smtp__handed_over(s, m);
    if (unknown && smtp__senderless(m))
        m->status = SMTP_AGAIN;    /* open again */
    if (!smtp__is(m->status, SMTP_AGAIN))
        return;
    none = SMTP__RARE && smtp__none_open(m);
    if (none && m->said == m->to_count) {
        m->status = SMTP_E_RECIPIENTS;
        return;
    }
    if (!shut)
        memset(&m->code, 0, sizeof m->code);
    else
        m->code = s->reply.code;
    if (unknown && !none)
        m->status = SMTP_UNKNOWN;
    else
        m->status = SMTP_NOT_TAKEN;
}

/* The session has ended: so do the mails that are open. */
SMTP__APART static void smtp__lose_all(smtp_session *s)
{
    if (SMTP__HEARD && s->heard == NULL)
        s->heard = s->said;
    while (smtp__heard(s)) {
        smtp__lose(s, smtp__heard(s));
        smtp__finish(s);
        if (!SMTP__NEXT)
            return;
    }
}

/* config->sasl, if it makes the login under way; else 0. */
static const smtp_sasl *smtp__sasl(const smtp_session *s)
{
    const smtp_sasl *sasl = s->config->sasl;
    return SMTP__SASL && sasl && sasl->mechanisms & s->mechanism ? sasl : NULL;
}

static int smtp__sasl_done(smtp_session *s, int status)
{
    const smtp_sasl *sasl = smtp__sasl(s);
    return sasl && sasl->done ? (sasl->done)(sasl->ctx, s, status) : SMTP_OK;
}

/* What the buffer holds may be a password: it does not stay behind. */
static void smtp__wipe_secret(smtp_session *s)
{
    if (SMTP__AUTH && (!SMTP__FAST || s->mechanism))
        smtp__wipe(s->out, s->out_to);
}

/* Ends the session: the status stays, every open mail gets its outcome. */
SMTP__APART static void smtp__end(smtp_session *s, unsigned status)
{
    if (s->status)
        return;
    s->status = SMTP__BYTE(status);
    s->flags = 0;
    s->say = SMTP__WAIT;
    smtp__wipe_secret(s);
    if (SMTP__SASL)
        smtp__sasl_done(s, smtp__status(SMTP__BYTE(status)));
    smtp__lose_all(s);
    if (s->goal)
        s->result = SMTP__BYTE(s->goal == SMTP__G_QUIT ? 0 : status);
    s->goal = SMTP__G_NONE;
}

/* The same by a constant, whose low byte takes less code to load than all of
   it. */
static void smtp__fail(smtp_session *s, int status)
{
    smtp__end(s, SMTP__BYTE(status));
}

/* Whether a callback that was to move `n` bytes moved any, and no more: 0 and
   negative numbers wrap around. */
static int smtp__moved(ptrdiff_t r, size_t n)
{
    return (size_t)r - 1 < n;
}

/* What a callback may return instead, as a status of the session. SMTP_AGAIN is
   seen to before, but not everywhere that of config->sasl. */
static uint8_t smtp__failure(ptrdiff_t r)
{
    int known = r <= 0 && r > SMTP_STATUS_END && r != SMTP_E_SHUTDOWN &&
                !(SMTP__SASL && r == SMTP_AGAIN);
    return SMTP__BYTE(r == 0 ? SMTP_EOF : known ? (int)r : SMTP_E_IO);
}

/* The end of an operation of the caller. */
static void smtp__result(smtp_session *s, int status)
{
    s->result = SMTP__BYTE(status);
    s->goal = SMTP__G_NONE;
}

/* Ends the session with the protocol still in step: QUIT can be said. */
static void smtp__end_in_step(smtp_session *s, unsigned status)
{
    smtp__end(s, status);
    s->flags = SMTP__GREETED;
}

/* Something that the session needs is not to be had. By hand that is the
   result, else the end. */
SMTP__APART_WITH(SMTP__HAND)
static void smtp__refuse(smtp_session *s, uint8_t status, uint8_t by_hand)
{
    if (smtp__is_by_hand(s))
        smtp__result(s, smtp__status(by_hand));
    else
        smtp__end_in_step(s, status);
}

/* ---- output -------------------------------------------------------------- */

static void smtp__trace(const smtp_session *s, int kind, const char *p,
                        size_t n)
{
    if (SMTP__TRACE && s->config->trace && n)
        (s->config->trace)(s->config->ctx, kind, p, n);
}

/* Appends to the row. A row that outgrows the buffer is written again from its
   start after each flush, passing over the bytes that are out. */
SMTP__APART static void smtp__put_char(smtp_session *s, char c)
{
    if (s->now.skip)
        s->now.skip--;
    else if (s->out_to < s->out_size)
        s->out[s->out_to++] = c;
    else
        s->cut = 1;
}

static void smtp__put_n(smtp_session *s, const char *p, size_t n)
{
    if (SMTP__FAST && !s->now.skip && n <= (size_t)(s->out_size - s->out_to)) {
        memcpy(s->out + s->out_to, p, n);
        s->out_to = (uint16_t)(s->out_to + n);
        return;
    }
    while (n--)
        smtp__put_char(s, *p++);
}

SMTP__APART_WITH(SMTP__SASL)
static void smtp__put(smtp_session *s, const char *text)
{
    if (SMTP__FAST)
        smtp__put_n(s, text, strlen(text));
    else
        while (*text)
            smtp__put_char(s, *text++);
}

/* The digits of a number, 20 at most, end at `end`: where they begin. */
SMTP__APART_WITH(SMTP__RARE)
static char *smtp__number(char *end, smtp_size value)
{
    do {
        smtp_size tenth = value / 10;
        *--end = (char)('0' + (int)(value - tenth * 10));
        value = tenth;
    } while (value);
    return end;
}

/* So many bytes were sent after the end of a mail whose answer is due that the
   counts, of 32 bits, would soon be mistaken: the answer is waited for. */
#define SMTP__FAR 0x40000000u
static int smtp__far(const smtp_session *s)
{
    const smtp_mail *m = smtp__heard(s);
    return SMTP__NEXT && m && m->flags & SMTP__SAID_FINAL &&
           (s->sent - m->last) >> 30 == 1;   /* SMTP__FAR to twice that */
}

/* Hands bytes to the transport, returns how many it took. After a failure
   nothing more is said, but what the server said before is heard, if that can
   be done without waiting: a 421, or the answers to what did arrive. */
static size_t smtp__transmit(smtp_session *s, const char *p, size_t n)
{
    ptrdiff_t r;
    if (SMTP__NEXT && smtp__far(s))
        return 0;
    if (SMTP__FAST || PTRDIFF_MAX < 64000)
        n = smtp__min(n, PTRDIFF_MAX < SMTP__FAR ? PTRDIFF_MAX : SMTP__FAR - 1);
    r = (s->io->send)(s->io->ctx, p, n);
    if (smtp__moved(r, n)) {
        if (SMTP__NEXT)
            s->sent += (uint32_t)r;
        s->flags |= SMTP__MOVED;
        return (size_t)r;
    }
    if (r == 0 || r == SMTP_AGAIN) {
        s->wants |= SMTP_WRITE + SMTP__ASYNC;
    } else if (r == SMTP_EOF || s->wants & SMTP__ASYNC) {
        s->broken = smtp__failure(r);
    } else {
        smtp__end(s, smtp__failure(r));
    }
    return 0;
}

/* Sends what stands in the buffer. 1: something moved. */
static int smtp__flush(smtp_session *s)
{
    size_t n = (size_t)(s->out_to - s->out_from);
    if (n == 0 || smtp__cut_off(s))
        return 0;
    n = smtp__transmit(s, s->out + s->out_from, n);
    if (n == 0)
        return 0;
    n += s->out_from;
    s->out_from = (uint16_t)n;
    if (n == s->out_to) {
        smtp__wipe_secret(s);
        s->out_from = s->out_to = 0;
    }
    return 1;
}

/* ---- base64 -------------------------------------------------------------- */

static const char smtp__digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#if SMTP__FAST || !defined SMTP_NO_COMPOSE || SMTP__SASL ||                    \
    (defined SMTP_BEARSSL && !defined SMTP_NO_DKIM)
static char smtp__digit64(unsigned value)
{
    return smtp__digits64[value];
}
#else
static char smtp__digit64(unsigned value)
{
    return (char)(value < 26 ? value + 'A' : value < 52 ? value - 26 + 'a'
                : value < 62 ? value - 52 + '0' : value == 62 ? '+' : '/');
}
#endif

#if (defined SMTP_BEARSSL && !defined SMTP_NO_DKIM) ||                         \
    (SMTP__FAST && !defined SMTP_NO_COMPOSE)
/* Writes `size` bytes as base64, padded: (size + 2) / 3 * 4 characters, and
   returns where they end. */
static char *smtp__encode64(char *to, const unsigned char *from, size_t size)
{
    const char *digits = smtp__digits64;
    for (; size > 0; from += 3, to += 4) {
        unsigned n = size < 3 ? (unsigned)size : 3;
        unsigned a = from[0], b = n > 1 ? from[1] : 0u;
        unsigned c = n > 2 ? from[2] : 0u;
        to[0] = digits[a >> 2];
        to[1] = digits[((a & 3) << 4) | (b >> 4)];
        to[2] = (char)(n > 1 ? digits[((b & 15) << 2) | (c >> 6)] : '=');
        to[3] = (char)(n > 2 ? digits[c & 63] : '=');
        size -= n;
    }
    return to;
}
#endif

/* Decoding, a digit at a time. `state` is the value of the last one and, in its
   two low bits, how many there are of an open group of four: 0 before the first
   and wherever all is complete. After padding and after an error none may
   follow. Returns 0 if no byte went to `to`. */
enum { SMTP__END64 = 256, SMTP__BAD64 = 257, SMTP__PAD64 = 259 };

static unsigned smtp__decode64(smtp_size *state, char c, char *to)
{
    const char *digit = (const char *)memchr(smtp__digits64, c, 64);
    unsigned last = (unsigned)*state, n = last & 3, value;
    *state = SMTP__BAD64;
    if (c == '=' && n > 1)
        *state = n == 2 ? SMTP__PAD64 : SMTP__END64;
    if (digit == NULL || last >= SMTP__END64)
        return 0;
    value = (unsigned)(digit - smtp__digits64);
    *state = value << 2 | ((n + 1) & 3);
    *to = (char)((last >> 2 << 6 | value) >> (6 - 2 * n));
    return n;
}

static int smtp__whole64(smtp_size state)
{
    return (state & 3) == 0;
}

/* Bytes on their way into a row stand in `bits` behind a 1. As soon as there
   are three they are written, the last `pad` of them, which stand for none, as
   padding. Returns the bits still to be written. */
SMTP__APART static smtp_size smtp__put64(smtp_session *s, smtp_size bits,
                                         unsigned pad)
{
    unsigned i;
    if (bits >> 24 == 0)
        return bits;
    for (i = 4; i > 0; i--, bits <<= 6)
        smtp__put_char(s, i > pad ? smtp__digit64(bits >> 18 & 63) : '=');
    return 1;
}

/* Fills up the last three; where there is none of them nothing is written. */
static void smtp__end64(smtp_session *s, smtp_size bits)
{
    unsigned pad = bits >> 16 ? 1 : 2;
    smtp__put64(s, bits << 8 * pad, pad);
}

/* ---- capabilities -------------------------------------------------------- */

enum {                             /* smtp_session.keyword: a word is awaited */
    SMTP__K_NEXT,                  /* that names an extension */
    SMTP__K_OTHER,                 /* after the name of an unknown one */
    SMTP__K_SIZE = 5,              /* of a known one: SMTP__K_OTHER and the */
    SMTP__K_AUTH = 6,              /* number of its bit in SMTP_EXT_... */
    SMTP__K_LIMITS = 20,
    SMTP__K_RCPTMAX,
    SMTP__K_MAILMAX,
    /* In a login: its first response goes along with AUTH, */
    SMTP__K_INITIAL,
    SMTP__K_EMPTY                  /* and is empty */
};

/* Extension keywords by the hash of their names, in the order of
   SMTP_EXT_PIPELINING ..., as far as one is of use. 16 bits of it tell them
   from all others that are registered. */
static const uint16_t smtp__extensions[] = {
    0xd407,                        /* PIPELINING */
    0xb00b,                        /* STARTTLS */
#if SMTP__EXTENDED
    SMTP__8BITMIME ? 0xfcab : 0,   /* 8BITMIME */
    SMTP__SIZE ? 0xb625 : 0,       /* SIZE */
    SMTP__AUTH ? 0xeaa8 : 0,       /* AUTH */
    SMTP__DSN ? 0x1b39 : 0,        /* DSN */
    0xb7e4,                        /* ENHANCEDSTATUSCODES */
    SMTP__CHUNKING ? 0x453b : 0,   /* CHUNKING */
    SMTP__CHUNKING ? 0x9e43 : 0,   /* BINARYMIME */
    SMTP__UTF8 ? 0xa045 : 0,       /* SMTPUTF8 */
#if SMTP__RARE
    0x88be,                        /* DELIVERBY */
    0xe14c,                        /* FUTURERELEASE */
    0x6666,                        /* MT-PRIORITY */
    0x5866,                        /* REQUIRETLS */
    0x8a94,                        /* PRDR */
    0xabc1,                        /* XCLIENT */
    0x3f43,                        /* XFORWARD */
    0x3635,                        /* XEXDATA, of Courier */
    0xcde6,                        /* LIMITS, and its names: */
    0xc101,                        /* RCPTMAX */
    0x96dd                         /* MAILMAX */
#endif
#endif
};

/* Login mechanisms likewise, in the order of SMTP_AUTH_LOGIN ... */
static const uint16_t smtp__logins[] = {
    0x3c43,                        /* LOGIN */
    0x2ffa,                        /* PLAIN */
#if SMTP__SASL
    0x43cd,                        /* XOAUTH2 */
    0xa0e4,                        /* OAUTHBEARER */
    0x85ec,                        /* CRAM-MD5 */
    0x21c5,                        /* SCRAM-SHA-1 */
    0xace5,                        /* SCRAM-SHA-256 */
    0xf092,                        /* SCRAM-SHA-1-PLUS */
    0x9032,                        /* SCRAM-SHA-256-PLUS */
    0x7add                         /* EXTERNAL */
#endif
};

/* Login mechanisms from the strongest to the weakest, each a name and its
   responses, parted by "|"; the last is "*", which cancels the login. In the
   others digits stand for other things: 0 for the byte NUL, 4 user, 5 password,
   6 token, 7 authorization identity; 8 and ; are 4 and 7 as in RFC 5801,
   section 4. */
#define SMTP__LOGIN(name, responses) name "\0" responses "\0"
static const char smtp__mechanisms[] =
#if SMTP__SASL
#define SMTP__STRONGEST SMTP_AUTH_OTHER
    SMTP__LOGIN("", "")
    SMTP__LOGIN("EXTERNAL", "7|*")
    SMTP__LOGIN("SCRAM-SHA-256-PLUS", "")
    SMTP__LOGIN("SCRAM-SHA-1-PLUS", "")
    SMTP__LOGIN("SCRAM-SHA-256", "")
    SMTP__LOGIN("SCRAM-SHA-1", "")
    SMTP__LOGIN("CRAM-MD5", "")
    SMTP__LOGIN("OAUTHBEARER", "n,a=8,\1auth=Bearer 6\1\1|\1|*")
    SMTP__LOGIN("XOAUTH2", "user=4\1auth=Bearer 6\1\1||*")
#else
#define SMTP__STRONGEST SMTP_AUTH_PLAIN
#endif
    SMTP__LOGIN("PLAIN", "70405|*")
    SMTP__LOGIN("LOGIN", "4|5|*");

/* In any case: for this the bit that tells a letter's case does not count. */
static uint32_t smtp__hash(uint32_t hash, char c)
{
    return hash * 33 ^ ((unsigned char)c & 0xdfu);
}

SMTP__APART_WITH(SMTP__SASL)
static uint32_t smtp__hash_of(const char *word)
{
    uint32_t hash = 0;
    while (*word)
        hash = smtp__hash(hash, *word++);
    return hash;
}

/* The place of a word among `n` hashes, counted from 1; 0: none of them. */
#define SMTP__PLACE(hash, of)                                                  \
    smtp__place(hash, of, sizeof(of) / sizeof(uint16_t))
static unsigned smtp__place(uint32_t hash, const uint16_t *of, size_t n)
{
    while (n && of[n - 1] != (hash & 0xffff))
        n--;
    return (unsigned)n;
}

/* A word after AUTH: perhaps a mechanism that we have. */
static void smtp__learn_mechanism(smtp_session *s, uint32_t hash)
{
    const smtp_sasl *sasl = s->config->sasl;
    s->auth |= (uint16_t)((1u << SMTP__PLACE(hash, smtp__logins)) >> 1);
    if (SMTP__SASL && sasl && sasl->name && smtp__hash_of(sasl->name) == hash)
        s->auth |= SMTP_AUTH_OTHER;
}

#if SMTP__RARE
/* RFC 9422, section 4: NAME=number, two words. The name says where the digits
   to come are counted (smtp__learn_digit); MAILMAX gets 1 more when they have
   come, as 0 is no limit. A number below 60000 is never taken for a name. */
static void smtp__learn_limit(smtp_session *s, unsigned place)
{
    unsigned limit = s->keyword, keyword = place + SMTP__K_OTHER;
    s->keyword = SMTP__K_LIMITS;
    if (limit == SMTP__K_MAILMAX && s->most[1])
        s->most[1]++;
    if (limit == SMTP__K_LIMITS && keyword >= SMTP__K_RCPTMAX) {
        s->most[keyword - SMTP__K_RCPTMAX] = 0;
        s->keyword = (uint8_t)keyword;
    }
}
#else
static void smtp__learn_limit(smtp_session *s, unsigned place)
{
    (void)s, (void)place;
}
#endif

/* A word of an EHLO line has ended; the first is the keyword. An unknown one
   sets SMTP_EXT_ESMTP, which EHLO's answer will do itself or undo. */
SMTP__APART static void smtp__learn_word(smtp_session *s)
{
    uint32_t hash = (uint32_t)s->now.hash;
    unsigned place;
    s->now.hash = 0;
    if (hash == 0)
        return;                    /* no word */
    if (SMTP__AUTH && s->keyword == SMTP__K_AUTH) {
        smtp__learn_mechanism(s, hash);
        return;
    }
    place = SMTP__PLACE(hash, smtp__extensions);
    if (s->keyword == SMTP__K_NEXT) {
        s->offers |= (uint32_t)1 << place;
        s->keyword = (uint8_t)(place + SMTP__K_OTHER);
    } else if (SMTP__RARE && s->keyword >= SMTP__K_LIMITS) {
        smtp__learn_limit(s, place);
    }
}

/* A number that grows by a digit; one near `most` counts as `most`. */
SMTP__APART_WITH(SMTP__RARE)
static smtp_size smtp__grow(smtp_size value, char c, smtp_size most)
{
    return value < most / 10 ? value * 10 + (smtp_size)(c - '0') : most;
}

/* SIZE may say 0 or nothing: no fixed limit (RFC 1870, section 3). One that
   smtp_size cannot hold, or that is no number, is none for us. */
static void smtp__learn_digit(smtp_session *s, char c)
{
    const smtp_size none = (smtp_size)-1;
    if (SMTP__SIZE && s->keyword == SMTP__K_SIZE)
        s->limit = smtp__grow(smtp__is_digit(c) ? s->limit : none, c, none);
    if (!smtp__is_digit(c))
        return;
    if (SMTP__RARE && (s->keyword == SMTP__K_RCPTMAX ||
                       s->keyword == SMTP__K_MAILMAX)) {
        uint16_t *most = &s->most[s->keyword - SMTP__K_RCPTMAX];
        *most = (uint16_t)smtp__grow(*most, c, 65534);
    }
}

/* Keeps a byte of an EHLO line, LF at its end; `run` counts them. The first
   line that does not fit, and all after it, are left out. The list ends after
   each byte: the next one may never come. */
SMTP__APART static void smtp__keep_feature(smtp_session *s, char c)
{
    char *text = s->config->features;
    size_t at = (size_t)s->run, size = s->config->features_size;
    if (text == NULL || at >= size || c == 0 || c == '\r')
        return;
    if ((unsigned char)c <= ' ' && (at == 0 || text[at - 1] == 0))
        return;                    /* nor is a line kept that is empty */
    if (c == '\n') {
        at++;
    } else if (at + 2 < size) {
        text[at++] = c;
        text[at] = text[at + 1] = 0;
    } else {
        while (at && text[at - 1])
            at--;
        text[at] = 0;
        at = size;
    }
    s->run = (smtp_size)at;
}

/* The next byte of an EHLO line, LF at its end. The first line greets. The
   separator "=" is the old form of AUTH. */
static void smtp__learn(smtp_session *s, char c)
{
    if (!(s->parse & SMTP__P_FURTHER))
        return;
    if (SMTP__HAND)
        smtp__keep_feature(s, c);
    if ((unsigned char)c <= ' ' || c == '=') {
        smtp__learn_word(s);
        if (c == '\n')
            s->keyword = SMTP__K_NEXT;
        return;
    }
    s->now.hash = smtp__hash((uint32_t)s->now.hash, c);
    smtp__learn_digit(s, c);
}

static int smtp__offers(const smtp_session *s, uint32_t extensions)
{
    return (s->offers & extensions) == extensions;
}

SMTP__APART static void smtp__forget(smtp_session *s)
{
    s->offers = 0;
    s->window = 1;
    if (SMTP__AUTH)
        s->auth = 0;
    if (SMTP__RARE)
        s->most[0] = s->most[1] = 0;
    if (SMTP__SIZE)
        s->limit = 0;
    s->keyword = SMTP__K_NEXT;
    s->flags &= (uint16_t)~SMTP__HELLO;
    s->now.hash = 0;
    if (SMTP__HAND)
        s->run = 0;
    if (SMTP__HAND && s->config->features && s->config->features_size)
        *s->config->features = 0;
}

/* Letters in any case: they differ in that bit alone. */
static int smtp__same(const char *a, const char *b, size_t n)
{
    for (; n > 0; n--, a++, b++) {
        unsigned letter = (unsigned)(*a | 32) - 'a';
        if (*a != *b && ((*a ^ *b) != 32 || letter > 25))
            return 0;
    }
    return 1;
}

SMTP_API const char *smtp_extn(const smtp_session *s, const char *keyword)
{
    const smtp_config *c = s->config;
    const char *line = SMTP__HAND && c && c->features_size ? c->features : NULL;
    size_t n = strlen(keyword);
    for (; line && *line; line = smtp__nth(line, 1)) {
        const char *rest = line + n;
        if (!smtp__same(line, keyword, n))
            continue;
        while (*rest == '=' || (unsigned char)(*rest - 1) < ' ')
            rest++;
        if (!*rest || rest > line + n)
            return rest;
    }
    return NULL;
}

SMTP_API int smtp_has_extn(const smtp_session *s, const char *keyword)
{
    unsigned place = SMTP__PLACE(smtp__hash_of(keyword), smtp__extensions);
    return (place && s->offers >> place & 1) || smtp_extn(s, keyword);
}

/* ---- reply parser -------------------------------------------------------- */

/* The size of the part of the buffer that replies are read into: as large as
   the rest, but 512 bytes at most. Where nothing of them is kept, a few will
   do. The text of a reply begins at its start; only where speed counts it may
   begin later (smtp__parse_whole), so that its start has to be computed. */
static size_t smtp__in_size(const smtp_session *s)
{
    return SMTP__FAST ? smtp__min(s->out_size, 512)
         : SMTP__REPLY ? (size_t)(s->out - s->reply.text) : 32;
}

/* Where it starts. */
static char *smtp__input(const smtp_session *s)
{
    return SMTP__FAST ? s->out - smtp__in_size(s) : s->reply.text;
}

/* There is no text now. Its NUL is the first byte of that part, which is never
   read into. */
static void smtp__lose_text(smtp_session *s)
{
    if (!SMTP__REPLY)
        return;
    s->reply.text = smtp__input(s);
    s->reply.text[0] = 0;
    s->reply.length = 0;
}

/* Keeps text of the reply as far as it fits; 16 bytes of the input part stay
   free for what is still to be read. The text stands at the start of that part
   and never reaches the bytes not yet parsed: each line loses its code. It ends
   in NUL wherever the reply is cut off. */
static void smtp__keep(smtp_session *s, char c)
{
    smtp_reply *r = &s->reply;
    if (!SMTP__REPLY)
        return;
    if (r->length < smtp__in_size(s) - 16)
        r->text[r->length++] = c;
    r->text[r->length] = 0;
}

/* The login by config->sasl ends with "*". */
static void smtp__cancel(smtp_session *s, uint8_t status)
{
    s->result = status;
    s->tail = "*";
}

/* A byte of a challenge (RFC 4954, section 4), decoded to a mechanism of the
   caller's. What that cannot take cancels the login. */
static void smtp__challenge(smtp_session *s, char c)
{
    const smtp_sasl *sasl = s->config->sasl;
    const char *none = NULL;
    char ch;
    ptrdiff_t r;
    if (c == '\r' || c == '\n' || !smtp__decode64(&s->now.bits, c, &ch))
        return;
    r = (sasl->step)(sasl->ctx, s, &ch, 1, &none);
    if (r < 0)
        smtp__cancel(s, smtp__failure(r));
}

/* Whether the next line of the login is made by config->sasl. */
static int smtp__by_sasl(const smtp_session *s)
{
    return SMTP__SASL && s->tail == NULL;
}

/* Whether it answers the next challenge: not while the response that it made at
   the start, and that did not go along with AUTH, is still to be said. */
static int smtp__asked(const smtp_session *s)
{
    return smtp__by_sasl(s) && s->line == NULL;
}

/* What the text of a reply tells as it comes. */
static void smtp__listen(smtp_session *s, char c)
{
    if (s->await == SMTP__EHLO)
        smtp__learn(s, c);
    else if (s->reply.code.reply == 334 && s->mechanism && smtp__asked(s))
        smtp__challenge(s, c);
}

/* A byte of text, CRLF or LF at its end. 1: the reply is complete. */
SMTP__APART_WITH(SMTP__REPLY)
static unsigned smtp__parse_text(smtp_session *s, char c)
{
    unsigned complete = 0;
    smtp__listen(s, c);
    if (c == '\n') {
        if (SMTP__REPLY && s->reply.length &&
            s->reply.text[s->reply.length - 1] == '\r')
            s->reply.length--;
        s->line_code = 0;
        s->parse = s->parse & SMTP__P_MORE ? SMTP__P_FURTHER : 0;
        complete = s->parse == 0;
    }
    if (!complete)
        smtp__keep(s, c);
    return complete;
}

/* The code of a line is read; that of the first is the reply's. 0: it is
   another than that. */
static int smtp__parse_code(smtp_session *s)
{
    unsigned code = s->line_code;
    if (s->parse)
        return code == s->reply.code.reply;
    smtp__lose_text(s);
    s->reply.code.reply = (uint16_t)code;
    return 1;
}

/* A byte of a reply. 1: it is complete; above: why it is none. A code is 200 to
   599; the separator is missing where the line has no text. */
static unsigned smtp__parse_byte(smtp_session *s, char c)
{
    unsigned code = s->line_code, digit = (unsigned)(c - '0');
    if (s->reply_size++ == SMTP_REPLY_LIMIT)
        return SMTP__BYTE(SMTP_E_REPLY_SIZE);
    if (code < 100) {
        if (digit > 9 || (code == 0 && digit - 2 > 3))
            return SMTP__BYTE(SMTP_E_PROTOCOL);
        s->line_code = (uint16_t)(code * 10 + digit);
        return 0;
    }
    if (!(s->parse & SMTP__P_TEXT)) {
        if (!smtp__parse_code(s))
            return SMTP__BYTE(SMTP_E_PROTOCOL);
        s->parse |= SMTP__P_TEXT;
        if (c == '-')
            s->parse |= SMTP__P_MORE;
        else if (c != ' ' && c != '\r' && c != '\n')
            return SMTP__BYTE(SMTP_E_PROTOCOL);
        if (c != '\n')
            return 0;
    }
    return smtp__parse_text(s, c);
}

#if SMTP__REPLY
/* The enhanced status code at the start of the text (RFC 2034, section 4): the
   reply's class, then two numbers of three digits at most. */
static void smtp__parse_enhanced(smtp_reply *r)
{
    const char *p = r->text;
    unsigned both = 0, value, dots = 0;
    r->text[r->length] = 0;        /* before it is read: it may be empty */
    r->code.subject = r->code.detail = 0;
    value = (unsigned)(*p - '0');
    if (value != r->code.reply / 100u)
        return;
    for (; *++p == '.' && smtp__is_digit(p[1]); dots++) {
        both = value;
        value = 0;
        do
            value = value * 10 + (unsigned)(*++p - '0');
        while (value < 100 && smtp__is_digit(p[1]));
    }
    if ((unsigned char)*p > ' ' || dots != 2)
        return;
    r->code.subject = (uint16_t)both;
    r->code.detail = (uint16_t)value;
}
#else
static void smtp__parse_enhanced(smtp_reply *r)
{
    (void)r;
}
#endif

/* A reply code, 200 to 599; 0: this is none. */
static unsigned smtp__code(const char *p)
{
    unsigned a = (unsigned)(p[0] - '2'), b = (unsigned)(p[1] - '0');
    unsigned c = (unsigned)(p[2] - '0');
    return a < 4 && b < 10 && c < 10 ? 200 + a * 100 + b * 10 + c : 0;
}

/* 1: begins like "250 2.1.5 Ok", as most replies do. */
#if SMTP__SIMD
/* Each byte, less what it is at least, is at most so much. 16 are read, but
   what lies behind the 10 does not count. */
static int smtp__has_short_code(const char *p)
{
    const __m128i least = _mm_setr_epi8('2', '0', '0', ' ', '2', '.', '0', '.',
                                        '0', ' ', 0, 0, 0, 0, 0, 0);
    const __m128i most = _mm_setr_epi8(3, 9, 9, 0, 3, 0, 9, 0, 9, 0,
                                       0, 0, 0, 0, 0, 0);
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    v = _mm_sub_epi8(v, least);
    v = _mm_cmpeq_epi8(_mm_min_epu8(v, most), v);
    return p[0] == p[4] && (_mm_movemask_epi8(v) & 0x3ff) == 0x3ff;
}
#else
/* 1: the 8 bytes at `p` are those of `form`, but with any digit for a 0. `room`
   is what can be added to a byte of the difference before bit 7 is set: 127
   where bytes have to be the same, 118 for a digit. In the sum, as in `x`,
   bit 7 marks a byte that differs; a carry only ever comes from a marked
   one. */
static int smtp__fits(const char *p, const char *form, const char *room)
{
    uint64_t x, f, r;
    memcpy(&f, form, 8);
    memcpy(&r, room, 8);
    memcpy(&x, p, 8);
    x ^= f;
    return !(((x + r) | x) & 0x8080808080808080u);
}

static int smtp__has_short_code(const char *p)
{
    return p[0] == p[4] && p[0] >= '2' && p[0] <= '5' &&
           smtp__fits(p, "000 0.0.", "vvv\177v\177v\177") &&
           smtp__fits(p + 2, "0 0.0.0 ", "v\177v\177v\177v\177");
}
#endif

#if SMTP__REPLY
static void smtp__parse_short_code(smtp_reply *r, const char *p)
{
    r->code.reply = (uint16_t)(p[0] * 100 + p[1] * 10 + p[2] - '0' * 111);
    r->code.subject = (uint16_t)(p[6] - '0');
    r->code.detail = (uint16_t)(p[8] - '0');
    r->text[r->length] = 0;
}
#else
static void smtp__parse_short_code(smtp_reply *r, const char *p)
{
    (void)r, (void)p;
}
#endif

/* As memchr() for LF; in most replies it is near. */
#if SMTP__SIMD
static const char *smtp__line_end(const char *p, size_t n)
{
    unsigned lf = n < 16 ? 0 : (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
        _mm_loadu_si128((const __m128i *)(const void *)p),
        _mm_set1_epi8('\n')));
    return lf ? p + __builtin_ctz(lf) : (const char *)memchr(p, '\n', n);
}
#else
static const char *smtp__line_end(const char *p, size_t n)
{
    return (const char *)memchr(p, '\n', n);
}
#endif

/* Most replies: one short line that is there as a whole. Its text stays where
   it is. 0: not this one. */
static int smtp__parse_whole(smtp_session *s)
{
    smtp_reply *r = &s->reply;
    char *p = smtp__input(s) + s->in_from;
    size_t n = (size_t)(s->in_to - s->in_from);
    const char *lf;
    unsigned code = 0;
    if (n < 10 || s->reply_size || s->await < SMTP__COMMAND ||
        (!smtp__has_short_code(p) &&
         (p[3] != ' ' || (code = smtp__code(p)) == 0)) ||
        (lf = smtp__line_end(p + 4, n - 4)) == NULL ||
        (n = (size_t)(lf - p)) > smtp__in_size(s) - 16)
        return 0;
    s->in_from = (uint16_t)(s->in_from + n + 1);
    if (!SMTP__REPLY) {
        s->reply.code.reply = (uint16_t)smtp__code(p);
        return 1;
    }
    r->length = (uint16_t)(n - 4 - (lf[-1] == '\r'));
    r->text = p + 4;
    r->code.reply = (uint16_t)code;
    if (code)
        smtp__parse_enhanced(r);
    else
        smtp__parse_short_code(r, p);
    return 1;
}

/* Where speed counts, the beginning of a short reply is left until the rest of
   it has come. */
static int smtp__rest_to_come(const smtp_session *s)
{
    size_t n = (size_t)(s->in_to - s->in_from);
    return SMTP__FAST && s->reply_size == 0 && s->await >= SMTP__COMMAND &&
           n <= smtp__in_size(s) / 2 &&
           memchr(smtp__input(s) + s->in_from, '\n', n) == NULL;
}

/* ---- body encoder -------------------------------------------------------- */

/* Of the `n` bytes at `p`, how many from the start are seen to leave as they
   are: no CR or LF but in pairs, no dot after those if `dots`. A pair is never
   cut, and the first byte is no LF. The rest is for the caller to look at.
   *high gets bit 7 of what was seen. */
#if SMTP__SIMD
/* A bit for each of 16 bytes that is below 14 or above 127: as signed numbers
   these, less 14 and no lower than -128, are negative. */
static unsigned smtp__odd16(const char *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    return (unsigned)_mm_movemask_epi8(
        _mm_subs_epi8(v, _mm_set1_epi8(14)));
}

static int smtp__plain64(const char *p)
{
    const __m128i *at = (const __m128i *)(const void *)p;
    const __m128i limit = _mm_set1_epi8(14);
    __m128i a = _mm_subs_epi8(_mm_loadu_si128(at), limit);
    __m128i b = _mm_subs_epi8(_mm_loadu_si128(at + 1), limit);
    __m128i c = _mm_subs_epi8(_mm_loadu_si128(at + 2), limit);
    __m128i d = _mm_subs_epi8(_mm_loadu_si128(at + 3), limit);
    return !_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
}

/* Where lines of ASCII end, each without `stop` after it, or somewhere after
   `last`, from which 82 bytes are left. An LF there has its CR before it. Most
   lines are longer than 64 bytes. */
static const char *smtp__plain_lines(const char *p, const char *last,
                                     char stop)
{
    while (p <= last) {
        unsigned odd;
        if (!smtp__plain64(p)) {
            while ((odd = smtp__odd16(p)) == 0)
                p += 16;
        } else if ((odd = smtp__odd16(p += 64)) == 0) {
            p += 16;
            continue;
        }
        p += (unsigned)__builtin_ctz(odd);
        if (memcmp(p, "\r\n", 2) != 0 || p[2] == stop)
            break;
        p += 2;
    }
    return p - (*p == '\n' && p[-1] != '\r');
}

/* Marks those of 16 bytes that are a CR without LF, or stand before an LF
   without CR or before one with `stop` after it. */
static __m128i smtp__wrong16(const char *p, char stop, __m128i *seen)
{
    const __m128i *at = (const __m128i *)(const void *)p;
    const __m128i *next = (const __m128i *)(const void *)(p + 1);
    const __m128i *third = (const __m128i *)(const void *)(p + 2);
    __m128i v = _mm_loadu_si128(at);
    __m128i cr = _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'));
    __m128i lf = _mm_cmpeq_epi8(_mm_loadu_si128(next), _mm_set1_epi8('\n'));
    __m128i end = _mm_cmpeq_epi8(_mm_loadu_si128(third), _mm_set1_epi8(stop));
    *seen = _mm_or_si128(*seen, v);
    return _mm_or_si128(_mm_xor_si128(cr, lf), _mm_and_si128(lf, end));
}

static int smtp__right64(const char *p, char stop, __m128i *seen)
{
    __m128i a = smtp__wrong16(p, stop, seen);
    __m128i b = smtp__wrong16(p + 16, stop, seen);
    __m128i c = smtp__wrong16(p + 32, stop, seen);
    __m128i d = smtp__wrong16(p + 48, stop, seen);
    return !_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
}

/* By lines; from where that ends by 64 bytes, then by 16, at last the last 16
   once more; smtp__wrong16() looks at two bytes behind these. Where no dot
   stops, LF does: after a pair it is wrong at any rate. */
static size_t smtp__skip(const char *p, size_t n, int dots, unsigned *high)
{
    const char stop = dots ? '.' : '\n';
    const char *q = p, *end = p + n;
    __m128i seen = _mm_setzero_si128();
    unsigned wrong = 0;
    if (n < 18)
        return 0;
    if (n >= 82)
        q = smtp__plain_lines(q, end - 82, stop);
    while (end - q >= 66 && smtp__right64(q, stop, &seen)) {
        q += 64;
        if (end - q >= 82)
            q = smtp__plain_lines(q, end - 82, stop);
    }
    while (end - q > 2 && wrong == 0) {
        q = end - q < 18 ? end - 18 : q;
        wrong = (unsigned)_mm_movemask_epi8(smtp__wrong16(q, stop, &seen));
        q += wrong ? __builtin_ctz(wrong) : 16;
    }
    *high |= _mm_movemask_epi8(seen) ? 128u : 0;
    return (size_t)(q - p) + (q > p && q[-1] == '\r');
}
#elif SMTP__FAST
/* By two words, with two bytes behind them. Bit 7 of a byte of `odd` marks what
   is below 14 or above 141; a borrow only ever marks one more. */
static size_t smtp__skip(const char *p, size_t n, int dots, unsigned *high)
{
    const size_t ones = ~(size_t)0 / 255, room = 2 * sizeof ones + 2;
    const char stop = dots ? '.' : '\n';
    const char *q = p, *last = n < room ? NULL : p + (n - room);
    size_t seen = 0, odd, a, b;
    while (last && q <= last) {
        memcpy(&a, q, sizeof a);
        memcpy(&b, q + sizeof a, sizeof b);
        seen |= a | b;
        odd = (a - ones * 14) & ones * 128;
        if ((odd | ((b - ones * 14) & ones * 128)) == 0) {
            q += 2 * sizeof a;
            continue;
        }
        if (odd == 0)
            q += sizeof a;
        while ((unsigned char)*q >= 14 && (unsigned char)*q < 128)
            q++;
        if (memcmp(q, "\r\n", 2) == 0 && q[2] != stop)
            q += 2;
        else if (*q != '\r' && *q != '\n')
            q++;
        else
            break;
    }
    *high |= seen & ones * 128 ? 128u : 0;
    return (size_t)(q - p);
}
#else
static size_t smtp__skip(const char *p, size_t n, int dots, unsigned *high)
{
    (void)p, (void)n, (void)dots, (void)high;
    return 0;
}
#endif

/* How many of the `n` bytes at `p` leave as they are: lines that end in CRLF
   and need no dot. */
static size_t smtp__scan(smtp_session *s, const char *p, size_t n)
{
    unsigned high = 0;
    int bol = (s->body_state & SMTP__BOL) != 0;
    int dots = (s->body_state & SMTP__DOTS) != 0;
    size_t i = *p == '\n' || (bol && dots && *p == '.')
             ? 0 : smtp__skip(p, n, dots, &high);
    if (i)
        bol = p[i - 1] == '\n';
    for (; i < n && !(bol && dots && p[i] == '.'); i++) {
        bol = n - i >= 2 && p[i] == '\r' && p[i + 1] == '\n';
        if (bol)
            i++;
        else if (p[i] == '\r' || p[i] == '\n')
            break;
        high |= (unsigned char)p[i];
    }
    if (high & 128)
        s->body_state |= SMTP__HIGH;
    return i;
}

/* The body is only counted: its dry run. */
static int smtp__measures(const smtp_session *s)
{
    return SMTP__MEASURED && s->say == SMTP__MEASURE;
}

/* The bytes of an announced chunk are being said. */
static int smtp__in_payload(const smtp_session *s)
{
    return SMTP__CHUNKING && s->say == SMTP__PAYLOAD;
}

#if SMTP__PULL
static int smtp__pulled(const smtp_body *b)
{
    return b->pull != NULL;
}

static ptrdiff_t smtp__pull_source(smtp_session *s, const char **p)
{
    const smtp_body *b = s->body;
    ptrdiff_t r = (b->pull)(b->ctx, s->at, p);
    if (r >= 0 && (size_t)r <= (smtp_size)-1 - s->at)
        return r;
    if (r == SMTP_AGAIN)
        s->wants |= SMTP__STARVED;
    else
        smtp__fail(s, SMTP_E_BODY);
    return -1;
}
#else
static int smtp__pulled(const smtp_body *b)
{
    (void)b;
    return 0;
}

static ptrdiff_t smtp__pull_source(smtp_session *s, const char **p)
{
    (void)s, (void)p;
    return -1;
}
#endif

/* Whether the body has a source, or bytes in memory. */
static int smtp__body_ok(const smtp_body *b)
{
    return smtp__pulled(b) || b->data || !b->size;
}

/* The body's bytes at the present offset: how many there are, 0 at its end,
   -1 when there are none now. Of those in memory one will do where speed does
   not count. */
static ptrdiff_t smtp__pull(smtp_session *s, const char **p)
{
    const smtp_size most = (smtp_size)-1 < PTRDIFF_MAX ? (smtp_size)-1
                                                       : PTRDIFF_MAX;
    const smtp_body *b = s->body;
    smtp_size left = b->size - s->at;
    if (smtp__pulled(b))
        return smtp__pull_source(s, p);
    if (left)
        *p = b->data + s->at;
    if (!SMTP__FAST)
        return left != 0;
    return (ptrdiff_t)(left < most ? left : most);
}

/* So many of the first `n` bytes at `p` that a chunk may end there: between CR
   and LF it does not, though RFC 3030 would have it. */
static size_t smtp__whole_pairs(const smtp_session *s, const char *p, size_t n)
{
    return n && s->body_state & SMTP__INTO_BUFFER && p[n - 1] == '\r' ? n - 1
                                                                      : n;
}

/* Encoded bytes, into the buffer, or, when there are more than fit and nothing
   waits before them, straight from where they are. Returns how many went. A
   chunk that gets more than it was announced with ends the session. */
static SMTP__INLINE size_t smtp__body_out(smtp_session *s, const char *p,
                                          size_t n)
{
    size_t room = (size_t)(s->out_size - s->out_to);
    if (smtp__measures(s)) {
        s->said->wire += (smtp_size)n;
        return n;
    }
    if (SMTP__PULL && smtp__in_payload(s) && n > s->now.chunk) {
        smtp__fail(s, SMTP_E_BODY);
        return 0;
    }
    if (SMTP__FAST && n > room && s->out_to == 0 &&
        !(s->body_state & SMTP__INTO_BUFFER)) {
        n = smtp__transmit(s, p, n);
    } else {
        if (SMTP__FAST && n > room)
            n = smtp__whole_pairs(s, p, room);
        memcpy(s->out + s->out_to, p, n);
        s->out_to = (uint16_t)(s->out_to + n);
    }
    if (SMTP__COUNTED && s->now.chunk)
        s->now.chunk -= (smtp_size)n;
    if (!(s->body_state & SMTP__INTO_BUFFER))
        smtp__trace(s, SMTP_TRACE_BODY, p, n);
    return n;
}

/* Encodes one byte. 0: what comes of it does not fit now; where the code is to
   be short the dry run waits for room, too. A CR is a line end at once, a LF
   after it is none. */
static int smtp__encode_byte(smtp_session *s, const char *p)
{
    unsigned state = s->body_state;
    uint8_t next = (uint8_t)(state & ~(unsigned)(SMTP__BOL | SMTP__CR));
    unsigned c = (unsigned char)*p, dry = SMTP__KEPT && smtp__measures(s);
    size_t n = 1;
    if (!dry && s->out_size - s->out_to < 2)
        return 0;
    if (c > 127)
        next |= SMTP__HIGH;
    if (((state & SMTP__CR) != 0) != (c == '\n'))
        next |= SMTP__CHANGED;
    if (!(state & SMTP__RAW) && (c == '\r' || c == '\n')) {
        next |= SMTP__BOL;
        if (c == '\r')
            next |= SMTP__CR;
        n = c == '\n' && state & SMTP__CR ? 0 : 2;
        p = "\r\n";
    } else if (c == '.' && (state & SMTP__BOL) && (state & SMTP__DOTS)) {
        next |= SMTP__CHANGED;
        p = "..";
        /* SIZE counts it once (RFC 1870, section 5). */
        n = dry ? 1 : 2;
    }
    s->body_state = next;
    return n == 0 || smtp__body_out(s, p, n);
}

/* Encodes some of `n` bytes. 0: not one. */
static int smtp__encode_bytes(smtp_session *s, const char *p, size_t n)
{
    int done, any = 0;
    do {
        done = smtp__encode_byte(s, p++);
        s->at += (smtp_size)done;
        any |= done;
    } while (done && --n > 0);
    return any;
}

/* The source ends before all of it is said that was announced, or that it
   declared, or had when it was measured. */
static int smtp__cut_short(const smtp_session *s)
{
    const smtp_mail *m = s->said;
    return (SMTP__COUNTED && s->now.chunk) ||
           (SMTP__PULL &&
            (s->at < s->body->size ||
             (!smtp__no_mail(m) && (uint32_t)s->at < m->last)));
}

/* The end of the source: -1, but its last line is completed first, and it fails
   where it comes too early. */
static int smtp__encode_end(smtp_session *s)
{
    if (s->body_state & SMTP__CR)
        s->body_state |= SMTP__CHANGED;
    if (!(s->body_state & (SMTP__BOL | SMTP__RAW)))
        return smtp__encode_byte(s, "\n");
    if (!smtp__cut_short(s))
        return -1;
    smtp__fail(s, SMTP_E_BODY);
    return 0;
}

/* The bytes that leave as they are, as many as can. A source may give others at
   its next pull: so of what was scanned and is not out nothing is kept in mind
   but an LF whose CR is out. Where that does not come, the next step fails. */
static int smtp__encode_run(smtp_session *s, const char *p, size_t n)
{
    int pulled = smtp__pulled(s->body);
    if (n > s->run)
        n = (size_t)s->run;
    n = smtp__body_out(s, p, n);
    if (n == 0) {
        if (pulled && *p != '\n')
            s->run = 0;
        return 0;
    }
    s->body_state &= (uint8_t)~SMTP__BOL;
    if (p[n - 1] == '\n')
        s->body_state |= SMTP__BOL;
    s->at += (smtp_size)n;
    s->run -= (smtp_size)n;
    if (pulled && s->run)
        s->run = p[n - 1] == '\r' && !(s->body_state & SMTP__RAW);
    return 1;
}

/* One step of the body. 1: done, 0: stuck, -1: all is said. Scans a stretch
   that stays in the cache until it is sent. */
static int smtp__encode_step(smtp_session *s)
{
    const char *p = NULL;
    ptrdiff_t r = smtp__pull(s, &p);
    if (r < 0)
        return 0;
    if (SMTP__FAST && s->run && smtp__pulled(s->body) &&
        (r == 0 || *p != '\n')) {
        smtp__fail(s, SMTP_E_BODY);
        return 0;
    }
    if (r == 0)
        return smtp__encode_end(s);
    if (!SMTP__FAST)
        return smtp__encode_bytes(s, p, (size_t)r);
    if (s->body_state & SMTP__RAW)
        s->run = (smtp_size)r;
    else if (s->run == 0 && !(s->body_state & SMTP__CR))
        s->run = (smtp_size)smtp__scan(s, p, smtp__min((size_t)r, 16384));
    if (s->run == 0)
        return smtp__encode_bytes(s, p, 1);
    return smtp__encode_run(s, p, (size_t)r);
}

/* Steps of the body, where speed counts as many as can be done now: until the
   announced chunk, if there is one, is said. The result is as of one. */
static int smtp__encode(smtp_session *s)
{
    int r, done = 0;
    do {
        r = smtp__encode_step(s);
        done |= r > 0;
    } while (SMTP__FAST && r > 0 && (s->now.chunk || !smtp__in_payload(s)));
    return SMTP__FAST && r == 0 ? done : r;
}

static void smtp__body_start(smtp_session *s, const smtp_body *body,
                             unsigned state)
{
    s->body = body;
    s->at = 0;
    if (SMTP__FAST)
        s->run = 0;
    s->body_state = (uint8_t)(SMTP__BOL | state);
}

/* ---- say: the values of a row -------------------------------------------- */

/* The A-label form of a domain in UTF-8, where the caller has one. */
static const char *smtp__a_label(const smtp_session *s, const char *domain)
{
    const smtp_config *c = s->config;
    const char *label = NULL;
    if (SMTP__A_LABEL && c->a_label && smtp_address_check(domain) == 2)
        label = (c->a_label)(c->ctx, domain);
    return label && smtp_address_check(label) == 1 ? label : NULL;
}

/* The EHLO name, as A-label where it needs one. */
static const char *smtp__hello_name(const smtp_session *s)
{
    const char *domain = s->config->domain;
    const char *label = domain ? smtp__a_label(s, domain) : "[127.0.0.1]";
    return label ? label : domain;
}

/* The EHLO name: one word in ASCII, or one that has an A-label. */
static int smtp__domain_ok(const smtp_session *s)
{
    const char *domain = s->config->domain;
    return !domain || (*domain && *domain != '"' &&
                       smtp_address_check(smtp__hello_name(s)) == 1);
}

/* The domain of an address that is ASCII before it, or 0. */
static const char *smtp__domain(const char *address)
{
    const char *domain = NULL;
    int high = 0;
    for (; *address; address++) {
        high |= *address & 128;
        if (*address == '@')
            domain = high ? NULL : address + 1;
    }
    return domain;
}

/* As smtp_address_check(), with the A-label form of the domain where that is
   to be had. */
static int smtp__address_kind(const smtp_session *s, const char *address)
{
    int kind = smtp_address_check(address);
    const char *domain = SMTP__A_LABEL && kind == 2
                       ? smtp__domain(address) : NULL;
    return domain && smtp__a_label(s, domain) ? 1 : kind;
}

/* Of an address whose domain has an A-label all before that; what is to follow
   then, else the address. */
static const char *smtp__put_local(smtp_session *s, const char *address)
{
    const char *domain = !SMTP__FAST || s->config->a_label
                       ? smtp__domain(address) : NULL;
    const char *label = domain ? smtp__a_label(s, domain) : NULL;
    if (label)
        smtp__put_n(s, address, (size_t)(domain - address));
    return label ? label : address;
}

/* `lower`: a bit that makes letters small. */
SMTP__APART static void smtp__put_hex(smtp_session *s, unsigned digit,
                                      unsigned lower)
{
    smtp__put_char(s, (char)((unsigned char)smtp__hex_digit(digit) | lower));
}

/* A value: ENVID and ORCPT as xtext (RFC 3461, section 4), but for an address
   type. */
static void smtp__put_text(smtp_session *s, const char *p, unsigned what)
{
    for (; *p; p++) {
        unsigned c = (unsigned char)*p;
        if (what == 'd' && (c - '!' > '~' - '!' || (c == '+') | (c == '='))) {
            smtp__put_char(s, '+');
            smtp__put_hex(s, c >> 4, 0);
            smtp__put_hex(s, c & 15, 0);
        } else {
            smtp__put_char(s, (char)c);
        }
        if (c == ';')
            what &= ~1u;           /* 'd' follows 'e' */
    }
}

/* RFC 3461, section 4.2: who gives no address type means this one. */
static unsigned smtp__put_type(smtp_session *s, const char *p)
{
    while (*p && *p != ';')
        p++;
    if (*p)
        return 'e';
    smtp__put_text(s, "rfc822;", 0);
    return 'd';
}

/* LMTP answers for each recipient at any rate. */
static int smtp__use_prdr(const smtp_session *s, const smtp_mail *m)
{
    return SMTP__RARE && smtp__offers(s, SMTP_EXT_PRDR) && m->to_count > 1 &&
           !SMTP__OF_ALL(m->all_or_none) && !(SMTP__LMTP && s->config->lmtp);
}

#if SMTP__RARE
/* Rare wishes (RFC 4865, RFC 2852, RFC 6710). `by` is SMTP_BY_... where such a
   letter goes after the number, and with SMTP_BY_TRACE a T. */
static const char *smtp__wish(char *end, int32_t value, unsigned by)
{
    smtp_size size = value < 0 ? 0 - (smtp_size)value : (smtp_size)value;
    end[-1] = 'T';
    end -= by / SMTP_BY_TRACE;
    if (by) {
        *--end = by & SMTP_BY_RETURN ? 'R' : 'N';
        *--end = ';';
    }
    end = smtp__number(end, size);
    if (value < 0)
        *--end = '-';
    return value || by ? end : NULL;
}
#endif

/* The recipient being said. */
SMTP__APART_WITH(SMTP__DSN)
static const smtp_recipient *smtp__to(const smtp_session *s)
{
    return &s->said->to[s->said->said];
}

#if SMTP__EXTENDED
/* RFC 6152, section 3. */
static int smtp__is_8bit(const smtp_session *s, const smtp_mail *m)
{
    return m->flags & SMTP__HAS_8BIT && !(m->body.flags & SMTP_BODY_BINARY) &&
           smtp__offers(s, SMTP_EXT_8BITMIME);
}

static const char *smtp__if(int yes, const char *empty)
{
    return yes ? empty : NULL;
}

static const char *smtp__unless_empty(const char *text)
{
    return text && *text ? text : NULL;
}

/* A mail's or a recipient's. */
static const char *smtp__params(const smtp_session *s)
{
    return s->say == SMTP__MAIL ? SMTP__OF_PARAMS(s->said->params)
                                : SMTP__OF_PARAMS(smtp__to(s)->params);
}

/* RFC 1870, section 6: a size in MAIL needs the extension, in BDAT it does
   not. */
static int smtp__no_size(const smtp_session *s, unsigned what)
{
    return what == 'v' && (!smtp__offers(s, SMTP_EXT_SIZE) ||
                           (SMTP__PULL && !(s->said->flags & SMTP__SIZED)));
}

/* RFC 3461, section 4.1: whether a part of NOTIFY is said, by a bit for each
   sum of SMTP_NOTIFY_... NEVER stands alone. */
static int smtp__notify(unsigned notify, unsigned what)
{
    static const uint16_t sums[] = {
        0xfffe,                    /* any */
        0xaaaa,                    /* NEVER */
        0x4444,                    /* SUCCESS */
        0x4440,                    /* and others */
        0x5050,                    /* FAILURE */
        0x5000,                    /* and DELAY */
        0x5500                     /* DELAY */
    };
    return sums[what - 1] >> notify & 1;
}

/* What a letter of a row stands for, NULL: nothing. Of what is more than one
   string or has to be encoded, only whether it is to be said:
   smtp__put_value() makes it. A number is written before `end`, where an empty
   string is. NUL stands for the row's end. */
SMTP__APART_WITH(SMTP__RARE)
static const char *smtp__value(const smtp_session *s, unsigned what, char *end)
{
    const smtp_mail *m = s->said;
    if (what == 0)
        return "\r\n";
    if (SMTP__DSN && what < ' ')
        return smtp__if(smtp__notify(SMTP__OF_DSN(smtp__to(s)->notify), what),
                        end);
    switch (what) {
    case 'a': return m->from;
    case 'b': return smtp__to(s)->address;
    case 'd': return SMTP__OF_DSN(m->envid);
    case 'e': return SMTP__OF_DSN(smtp__to(s)->orcpt);
    case 'f':
        return smtp__if(SMTP__INITIAL && s->keyword == SMTP__K_INITIAL, end);
    case 'h': return smtp__hello_name(s);
    case 'i': return smtp__if(!s->config->lmtp, end);
    case 'j': return smtp__if(s->config->lmtp, end);
    case 'm': return smtp__if(smtp__is_8bit(s, m), end);
    case 'o': return smtp__if(m->body.flags & SMTP_BODY_BINARY, end);
    case 'p': return smtp__unless_empty(smtp__params(s));
    case 'q': case 'r':
        return smtp__if('p' + SMTP__OF_DSN(m->ret) == (int)what, end);
    case 's': case 'v':
        return smtp__no_size(s, what) ? NULL : smtp__number(end, m->wire);
    case 'u': return smtp__if(m->flags & SMTP__NEEDS_UTF8, end);
    case 'w': return s->word;
    case 'y':
        return smtp__if(SMTP__INITIAL && s->keyword == SMTP__K_EMPTY, end);
#if SMTP__HAND
    case 'c': return s->line;
    case 'k': return smtp__if(s->line != NULL, end);
    case 't': return smtp__unless_empty(s->tail);
#endif
#if SMTP__RARE
    case 'n': return m->hold_until;
    case 'x': return m->hold_until ? NULL
                   : smtp__wish(end, (int32_t)m->hold_for, 0);
    case '{': return m->by_mode ? smtp__wish(end, m->by, m->by_mode) : NULL;
    case '|': return smtp__wish(end, m->priority, 0);
    case '}': return smtp__if(m->require_tls, end);
    case '~': return smtp__if(smtp__use_prdr(s, m), end);
#endif
#if SMTP__STREAMS
    case 'z':
        return smtp__if(s->say != SMTP__CHUNK || m->flags & SMTP__SAID_FINAL,
                        end);
#endif
    default: return end;
    }
}
#else
static const char *smtp__value(const smtp_session *s, unsigned what, char *end)
{
    (void)end;
    switch (what) {
    case 0: return "\r\n";
    case 'a': return s->said->from;
    case 'b': return smtp__to(s)->address;
    case 'h': return smtp__hello_name(s);
    default: return "";
    }
}
#endif

/* Rows as most mails have them are written in place where they fit. */
static char *smtp__copy(char *to, const char *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static char *smtp__copy_number(char *to, smtp_size value)
{
    char digits[20], *end = digits + sizeof digits;
    char *p = smtp__number(end, value);
    while (p < end)
        *to++ = *p++;
    return to;
}

/* Most mails: nothing is asked for but that they be sent. */
static int smtp__no_wishes(const smtp_mail *m)
{
    (void)m;
    return SMTP__FAST && !SMTP__OF_RARE(m->hold_until) &&
           !SMTP__OF_RARE(m->hold_for) && !SMTP__OF_RARE(m->by) &&
           !SMTP__OF_RARE(m->by_mode) && !SMTP__OF_RARE(m->priority) &&
           !SMTP__OF_RARE(m->require_tls) && !SMTP__OF_DSN(m->ret) &&
           !SMTP__OF_DSN(m->envid) && !SMTP__OF_PARAMS(m->params);
}

/* MAIL without parameters but SIZE. Returns its end; 0: it has others, or may
   not fit. */
static char *smtp__plain_mail(const smtp_session *s, char *p, size_t room)
{
    const smtp_mail *m = s->said;
    const char *from = m->from ? m->from : "";
    size_t n = strlen(from);
    if (n + 40 > room || m->flags & (SMTP__NEEDS_UTF8 | SMTP__HAS_8BIT) ||
        m->body.flags & SMTP_BODY_BINARY || !smtp__no_wishes(m) ||
        smtp__use_prdr(s, m) || s->config->a_label)
        return NULL;
    p = smtp__copy(p, "MAIL FROM:<", 11);
    p = smtp__copy(p, from, n);
    if (!SMTP__SIZE || !smtp__offers(s, SMTP_EXT_SIZE) ||
        !(m->flags & SMTP__SIZED))
        return smtp__copy(p, ">\r\n", 3);
    p = smtp__copy(p, "> SIZE=", 7);
    p = smtp__copy_number(p, m->wire);
    return smtp__copy(p, "\r\n", 2);
}

/* As smtp__write(): returns the row's end, 0: it is not so plain. */
static char *smtp__plain_row(const smtp_session *s, unsigned row)
{
    char *p = s->out + s->out_to;
    size_t room = (size_t)(s->out_size - s->out_to);
    if (room < 40)
        return NULL;
    switch (row) {
    case SMTP__MAIL:
        return smtp__plain_mail(s, p, room);
    case SMTP__DATA:
        return smtp__copy(p, "DATA\r\n", 6);
    case SMTP__BDAT:
        p = smtp__copy(p, "BDAT ", 5);
        p = smtp__copy_number(p, s->said->wire);
        return smtp__copy(p, " LAST\r\n", 7);
    default:
        return NULL;
    }
}

/* ---- authentication ------------------------------------------------------ */

/* What a digit of a response stands for, counted from 4 on: one of the strings
   of a config from `user` on. */
static const char *smtp__credential(const smtp_config *c, unsigned digit)
{
    const char *text;
    size_t place = SMTP__SASL ? digit & 3 : digit;
    memcpy(&text, (const char *)c + offsetof(smtp_config, user) +
                  place * sizeof text, sizeof text);
    return text;
}

/* As smtp__put64(); where `bits` is 0 the byte is written as it is. */
static smtp_size smtp__put64_char(smtp_session *s, smtp_size bits, char c)
{
    if (!SMTP__SASL || bits)
        return smtp__put64(s, bits << 8 | (unsigned char)c, 0);
    smtp__put_char(s, c);
    return 0;
}

static smtp_size smtp__put64_n(smtp_session *s, smtp_size bits, const char *p,
                               size_t n)
{
    for (; n > 0; n--)
        bits = smtp__put64_char(s, bits, *p++);
    return bits;
}

/* A string of a config, as a saslname (RFC 5801, section 4) if `digit` says
   so. */
static smtp_size smtp__put64_text(smtp_session *s, smtp_size bits,
                                  unsigned digit)
{
    const char *p = smtp__credential(s->config, digit);
    for (; p && *p; p++)
        if (SMTP__SASL && digit > 3 && (*p == ',' || *p == '='))
            bits = smtp__put64_n(s, bits, &"=2C=3D"[*p == '=' ? 3 : 0], 3);
        else
            bits = smtp__put64_char(s, bits, *p);
    return bits;
}

/* A text of the table, its digits filled in, up to "|". */
static smtp_size smtp__put_filled(smtp_session *s, smtp_size bits,
                                  const char *p)
{
    for (; *p && *p != '|'; p++) {
        unsigned digit = (unsigned)*p - '4';
        if (SMTP__SASL ? digit > 7 : *p == '0')
            bits = smtp__put64_char(s, bits, (char)(*p == '0' ? 0 : *p));
        else
            bits = smtp__put64_text(s, bits, digit);
    }
    return bits;
}

/* The response at hand: config->sasl's, or the next of the table's. */
static void smtp__put_response(smtp_session *s)
{
    if (smtp__by_sasl(s))
        smtp__end64(s, smtp__put64_n(s, 1, s->line, (size_t)s->run));
    else if (*s->tail == '*')
        smtp__put_char(s, '*');
    else
        smtp__end64(s, smtp__put_filled(s, 1, s->tail));
}

/* AUTH is the next row. The first response goes along with it where there is
   one and the line has no more than 512 bytes then (RFC 4954, section 4): a dry
   run counts them. */
static void smtp__say_auth(smtp_session *s)
{
    const smtp_size all = (smtp_size)-1;
    s->say = SMTP__AUTH_;
    s->result = SMTP__BYTE(SMTP_E_LOGIN);
    if (!SMTP__INITIAL)
        return;
    s->keyword = SMTP__K_NEXT;
    if (s->config->no_initial_response || (smtp__by_sasl(s) && !s->line))
        return;
    s->now.skip = all;
    smtp__put_response(s);
    if (all - s->now.skip + strlen(s->word) + sizeof "AUTH  \r\n" - 1 <= 512)
        s->keyword = s->now.skip == all ? SMTP__K_EMPTY : SMTP__K_INITIAL;
}

/* A line of the login is said, with or without a response: after that comes
   the next of the table, or one more of config->sasl's. */
static void smtp__login_said(smtp_session *s, unsigned row)
{
    const char *p = s->tail;
    if (SMTP__SASL)
        s->count++;
    if (row != SMTP__RESPONSE && !(SMTP__INITIAL && s->keyword))
        return;
    if (smtp__by_sasl(s)) {
        s->line = NULL;
    } else {
        while (*p && *p++ != '|')
            ;
        s->tail = p;
    }
}

/* "*" is said. */
static int smtp__canceled(const smtp_session *s)
{
    return !smtp__by_sasl(s) && !*s->tail;
}

/* Mechanisms that the server offers, the config allows, and for which it has
   what they need. */
static unsigned smtp__usable(const smtp_session *s)
{
    const unsigned by_token = SMTP_AUTH_XOAUTH2 | SMTP_AUTH_OAUTHBEARER;
    const unsigned own = SMTP_AUTH_LOGIN | SMTP_AUTH_PLAIN;
    const unsigned by_password = own |       /* and all from CRAM-MD5 on: */
                                 (SMTP_AUTH_EXTERNAL - SMTP_AUTH_CRAM_MD5);
    const smtp_config *c = s->config;
    unsigned can = s->auth, built = own | by_token | SMTP_AUTH_EXTERNAL;
    if (c->mechanisms)
        can &= c->mechanisms;
    else if (SMTP__SASL)
        can &= ~(unsigned)SMTP_AUTH_EXTERNAL;
    if (!SMTP__SASL)
        return can;
    if (c->sasl)
        built |= c->sasl->mechanisms;
    can &= built;
    if (!c->user)
        return can & ~(by_password | by_token);
    if (c->token && !c->password)
        can &= ~by_password;
    if (!c->token || !smtp__line_ok(c->user) || !smtp__line_ok(c->token))
        can &= ~by_token;          /* their parts end in ^A */
    return can;
}

static int smtp__secure(const smtp_session *s)
{
    return s->flags & SMTP__SECURE || s->config->tls == SMTP_TLS_IMPLICIT;
}

/* Whether a login would be in clear that may not be: by hand one can come here
   before TLS that is required. */
static int smtp__clear_login(const smtp_session *s)
{
    const smtp_config *c = s->config;
    return !smtp__secure(s) && (!c->unsafe_clear_login ||
                                (SMTP__HAND && c->tls == SMTP_TLS_STARTTLS));
}

/* Whether a login is asked for. */
static int smtp__has_login(const smtp_config *c)
{
    return c->user || c->mechanisms & SMTP_AUTH_EXTERNAL;
}

/* Begins with the strongest of these. */
static void smtp__use_mechanism(smtp_session *s, unsigned of)
{
    const smtp_sasl *sasl;
    const char *name = smtp__mechanisms;
    unsigned bit = SMTP__STRONGEST;
    for (; !(of & bit); bit >>= 1)
        name = smtp__nth(name, 2);
    s->mechanism = (uint16_t)bit;
    sasl = smtp__sasl(s);
    if (SMTP__SASL)
        s->count = 0;
    s->word = name;
    if (sasl) {
        if (!*name)
            s->word = sasl->name;
        s->tail = NULL;
        s->say = SMTP__RESPOND;
    } else {
        s->tail = smtp__nth(name, 1);
        smtp__say_auth(s);
    }
}

/* Chooses the next mechanism, if one is to be tried: the strongest of those
   below the last. */
static void smtp__login(smtp_session *s, int next)
{
    unsigned left = next ? smtp__usable(s) & (s->mechanism - 1u) : 0;
    uint8_t status;
    if (s->mechanism)
        smtp__sasl_done(s, smtp__status(s->result));
    else
        s->result = SMTP__BYTE(SMTP_E_MECHANISM);
    status = s->result;
    if (smtp__clear_login(s)) {
        status = SMTP__BYTE(SMTP_E_CLEAR_LOGIN);
    } else if (!smtp__offers(s, SMTP_EXT_AUTH)) {
        status = SMTP__BYTE(SMTP_E_NO_AUTH);
    } else if (left) {
        smtp__use_mechanism(s, left);
        return;
    }
    s->mechanism = 0;
    smtp__refuse(s, status, status);
}

/* Has a mechanism of the caller's make its next response. 0: not yet. */
static int smtp__respond(smtp_session *s)
{
    const smtp_sasl *sasl = s->config->sasl;
    const char *response = NULL;
    ptrdiff_t r = (sasl->step)(sasl->ctx, s, s->count ? "" : NULL, 0,
                               &response);
    if (r == SMTP_AGAIN) {
        s->wants |= SMTP__STARVED;
        return 0;
    }
    s->say = SMTP__RESPONSE;
    if (r < 0 && s->count) {
        smtp__cancel(s, smtp__failure(r));
    } else if (r == SMTP_E_MECHANISM) {
        s->say = SMTP__IDLE;
    } else if (r < 0) {
        s->result = smtp__failure(r);
        smtp__login(s, 0);
    } else {
        s->line = response;
        s->run = response ? (smtp_size)r : 0;
        if (s->count == 0)
            smtp__say_auth(s);
    }
    return 1;
}

/* ---- hear: one judge a row ----------------------------------------------- */

/* Each judge is told whether the reply says yes: 2yz. */
static int smtp__positive(const smtp_session *s)
{
    return s->reply.code.reply < 300;
}

/* The first row from `row` on whose bit, 1 << row - SMTP__RSET, is set. */
#if SMTP__FAST && defined(__GNUC__)
static unsigned smtp__lowest(unsigned bits, unsigned row)
{
    return row + (unsigned)__builtin_ctz(bits >> (row - SMTP__RSET));
}
#else
static unsigned smtp__lowest(unsigned bits, unsigned row)
{
    while (!(bits >> (row - SMTP__RSET) & 1))
        row++;
    return row;
}
#endif

/* The row that the next reply answers, where nothing overlaps: each judge says
   which. */
static unsigned smtp__awaited_next(smtp_session *s)
{
    if (s->await == SMTP__RCPT && s->to_heard == smtp__heard(s)->said)
        s->await = !SMTP__CHUNKING || smtp__heard(s)->flags & SMTP__SAID_DATA
                 ? SMTP__DATA : SMTP__FINAL;
    return s->await;
}

/* The row that the next reply answers: the first that was said of the mail at
   the heard cursor and has no answer yet. */
static SMTP__INLINE unsigned smtp__awaited(smtp_session *s)
{
    const unsigned flags = SMTP__SAID_RSET | SMTP__SAID_MAIL | SMTP__SAID_DATA;
    const smtp_mail *m = smtp__heard(s);
    unsigned row, open = 1u << (SMTP__FINAL - SMTP__RSET);
    if (!SMTP__OVERLAPS)
        return smtp__awaited_next(s);
    if (m == NULL)
        return s->await;
    open |= m->flags & flags;
    if (s->to_heard != m->said)
        open |= 1u << (SMTP__RCPT - SMTP__RSET);
    if (SMTP__STREAMS && m->chunks)
        open |= 1u << (SMTP__BDAT - SMTP__RSET);
    row = smtp__lowest(open, s->await);
    s->await = (uint8_t)row;
    return row;
}

/* Nothing more of the mail is said, and its final reply is heard; or it ended
   before its body, and all that was said of it is answered: then FINAL, which
   is always open, comes next. */
static int smtp__over(smtp_session *s, const smtp_mail *m)
{
    if (!(m->flags & SMTP__CLOSED))
        return 0;
    if (m->flags & SMTP__SAID_FINAL)
        return SMTP__CHUNKING && m->flags & SMTP__ANSWERED;
    return SMTP__NEXT ? smtp__awaited(s) == SMTP__FINAL : s->due == 0;
}

/* Tells the outcomes of mails that are over. */
static void smtp__tell(smtp_session *s)
{
    while (smtp__heard(s) && smtp__over(s, smtp__heard(s))) {
        smtp__finish(s);
        if (!SMTP__NEXT)
            return;
    }
}

/* Nothing more of the mail being said is said. */
static void smtp__end_mail(smtp_session *s)
{
    s->said->flags |= SMTP__CLOSED;
    s->say = SMTP__IDLE;
    smtp__tell(s);
}

/* The present reply decides against the mail at the heard cursor. The first to
   do so counts. */
SMTP__APART static void smtp__refuse_mail(smtp_session *s, uint8_t status)
{
    smtp_mail *m = smtp__heard(s);
    m->flags |= SMTP__REFUSED;
    if (!smtp__is(m->status, SMTP_AGAIN))
        return;
    m->status = smtp__status(status);
    m->code = s->reply.code;
}

/* A command by hand ends with its reply. An accepted MAIL begins the count of
   recipients; one that is refused may stand within a transaction. */
static void smtp__judge_command(smtp_session *s, int yes)
{
    smtp__result(s, s->reply.code.reply < 400 ? SMTP_OK : SMTP_E_REFUSED);
    if (SMTP__HAND && SMTP__LMTP && s->line && yes)
        s->to_heard = *s->word == 'M' ? 0 : s->to_heard + 1;
}

static void smtp__judge_greeting(smtp_session *s, int yes)
{
    if (!yes)
        smtp__end(s, SMTP__BYTE(SMTP_E_GREETING));
    s->flags |= SMTP__GREETED;     /* QUIT can be said, refused or not */
}

/* Whether the row answered is the command by hand itself, not one before it. */
static int smtp__answers_hand(const smtp_session *s)
{
    return SMTP__HAND && s->goal == SMTP__G_HAND + s->stage;
}

static void smtp__judge_helo(smtp_session *s, int yes)
{
    if (yes) {
        s->flags |= SMTP__HELLO;
        s->say = SMTP__IDLE;
    }
    if (smtp__answers_hand(s))
        smtp__judge_command(s, yes);
    else if (!yes)
        smtp__refuse(s, SMTP__BYTE(SMTP_E_HELO), SMTP__BYTE(SMTP_E_HELO));
}

/* A server that knows no EHLO is asked HELO (RFC 5321, section 3.2). */
static void smtp__judge_ehlo(smtp_session *s, int yes)
{
    const smtp_config *c = s->config;
    if (yes) {
        s->offers |= SMTP_EXT_ESMTP;
        if (smtp__offers(s, SMTP_EXT_PIPELINING) && !c->no_pipelining)
            s->window = (uint16_t)(c->window ? c->window : SMTP_WINDOW);
    } else {
        smtp__forget(s);
        if (!smtp__answers_hand(s) && !(SMTP__LMTP && c->lmtp)) {
            s->say = SMTP__HELO;
            return;
        }
    }
    smtp__judge_helo(s, yes);
}

static int smtp__opportunistic(const smtp_session *s)
{
    return SMTP__OPPORTUNISTIC &&
           s->config->tls == SMTP_TLS_UNSAFE_OPPORTUNISTIC;
}

/* STARTTLS is not to be had. */
static void smtp__no_tls(smtp_session *s, uint8_t status, uint8_t by_hand)
{
    if (smtp__opportunistic(s) && !smtp__is_by_hand(s)) {
        s->flags |= SMTP__PLAIN_ON;
        s->say = SMTP__IDLE;
    } else {
        smtp__refuse(s, status, by_hand);
    }
}

/* RFC 3207, section 6: nothing in clear may follow the 220 unseen. */
static void smtp__judge_starttls(smtp_session *s, int yes)
{
    if (yes) {
        s->say = SMTP__HANDSHAKE;
        if (s->in_from != s->in_to)
            smtp__fail(s, SMTP_E_INJECTION);
    } else {
        smtp__no_tls(s, SMTP__BYTE(SMTP_E_STARTTLS),
                     SMTP__BYTE(SMTP_E_REFUSED));
    }
}

/* A challenge: how to go on. */
static void smtp__judge_challenge(smtp_session *s)
{
    s->say = SMTP__RESPONSE;
    if (!smtp__asked(s))
        return;
    if (s->count >= SMTP__LOGIN_LINES)
        smtp__cancel(s, SMTP__BYTE(SMTP_E_LOGIN));
    else if (!smtp__whole64(s->now.bits))
        smtp__cancel(s, SMTP__BYTE(SMTP_E_CHALLENGE));
    else
        s->say = SMTP__RESPOND;
}

/* RFC 4954, sections 4 and 6. Another mechanism is tried when this one, not the
   password, was refused; but not before all that has come is heard, which may
   end the session: only a login that has begun is told of its end. */
static void smtp__judge_auth(smtp_session *s, int yes)
{
    unsigned code = s->reply.code.reply;
    int status;
    if (smtp__canceled(s)) {
        smtp__login(s, 0);
    } else if (code == 334) {
        smtp__judge_challenge(s);
    } else if (yes) {
        status = smtp__sasl_done(s, SMTP_OK);
        s->mechanism = 0;
        s->flags |= SMTP__LOGGED_IN;
        if (SMTP__SASL)
            s->count = 0;
        s->say = SMTP__IDLE;
        if (status != SMTP_OK)
            smtp__end(s, smtp__failure(status));
        else if (smtp__is_by_hand(s))
            smtp__result(s, SMTP_OK);
    } else if (code >= 500 && code != 535) {
        s->say = SMTP__IDLE;
    } else {
        smtp__login(s, 0);
    }
}

/* RSET is answered 250, or the server is going away (RFC 5321, section
   4.1.1.5): what was said after it may still be answered, or is not taken. Or
   the server takes nothing ahead of its answer to a body, against RFC 2920 (as
   Haraka does); one that ends in DATA has ended the transaction by itself. */
static void smtp__judge_rset(smtp_session *s, int yes)
{
    if (smtp__no_mail(smtp__heard(s))) {
        if (yes)
            s->dirty = 0;
        smtp__judge_command(s, yes);
        return;
    }
    s->await = SMTP__MAIL;
    if (yes)
        return;
    if (SMTP__NEXT && s->flags & SMTP__AHEAD &&
        !smtp__offers(s, SMTP_EXT_CHUNKING)) {
        s->flags ^= SMTP__AHEAD | SMTP__EARLY;
        s->mails_refused = 255;    /* no mail overlaps another any more */
    } else if (!SMTP__LEAVES) {
        smtp__fail(s, SMTP_E_SHUTDOWN);
    } else if (!s->broken) {
        s->broken = SMTP__BYTE(SMTP_E_SHUTDOWN);
    }
}

/* The server starts anew: EHLO has to be said again. */
static void smtp__judge_xclient(smtp_session *s, int yes)
{
    if (yes) {
        smtp__forget(s);
        s->flags &= (uint16_t)~SMTP__LOGGED_IN;
        s->dirty = 0;
    }
    smtp__judge_command(s, yes);
}

/* Refused together with the RSET before it, it is not for the sender: unless a
   recipient is accepted nevertheless. */
static void smtp__judge_mail(smtp_session *s, int yes)
{
    s->await = SMTP__RCPT;
    if (yes)
        return;
    smtp__refuse_mail(s, s->flags & SMTP__EARLY ? SMTP__BYTE(SMTP_AGAIN)
                         : smtp__leaving(s) ? SMTP__BYTE(SMTP_NOT_TAKEN)
                         : SMTP__BYTE(SMTP_E_SENDER));
}

/* If all are refused, the first decided. */
static void smtp__refuse_recipient(smtp_mail *m, smtp_recipient *to)
{
    to->status = SMTP_E_REFUSED;
    if (!(m->flags & SMTP__SOME_REFUSED))
        m->code = to->code;
    m->flags |= SMTP__SOME_REFUSED;
}

SMTP__APART_WITH(SMTP__RARE)
static void smtp__judge_rcpt(smtp_session *s, int yes)
{
    smtp_mail *m = smtp__heard(s);
    smtp_recipient *to = &m->to[s->to_heard++];
    to->code = s->reply.code;
    if (yes)
        m->flags |= SMTP__ACCEPTED;
    if (SMTP__NEXT && yes && m->flags & SMTP__REFUSED &&
        smtp__is(m->status, SMTP_AGAIN))
        m->status = SMTP_E_SENDER;
    if (yes || m->flags & SMTP__REFUSED)
        return;
    smtp__refuse_recipient(m, to);
    if (SMTP__OF_ALL(m->all_or_none) ||
        (s->to_heard == m->to_count &&
         !(m->flags & (SMTP__ACCEPTED | SMTP__DELIVERED))))
        m->status = SMTP_E_RECIPIENTS;
    if (SMTP__CAREFUL && s->refusals < 255)
        s->refusals++;
}

/* 354 with no recipient left: a lone dot has to follow (RFC 2920, section
   3.1). If there is one though the mail was refused, that would be an empty
   message to it: the end. */
static void smtp__judge_data(smtp_session *s, int yes)
{
    const unsigned both = SMTP__ACCEPTED | SMTP__REFUSED;
    smtp_mail *m = smtp__heard(s);
    unsigned flags = smtp__no_mail(m) ? (unsigned)SMTP__ACCEPTED
                                      : m->flags & both;
    s->await = SMTP__STREAMS ? SMTP__BDAT : SMTP__FINAL;
    if (s->reply.code.reply >= 400) {
        if (smtp__no_mail(m)) {
            smtp__judge_command(s, yes);
            return;
        }
        if (flags & SMTP__ACCEPTED)
            smtp__refuse_mail(s, SMTP__BYTE(SMTP_E_DATA));
        smtp__end_mail(s);
    } else if (s->reply.code.reply != 354 || flags == both) {
        smtp__fail(s, SMTP_E_PROTOCOL);
    } else {
        if (SMTP__HAND)            /* no answer to a body by hand yet */
            s->result = SMTP__BYTE(SMTP_AGAIN);
        s->say = flags & SMTP__ACCEPTED ? SMTP__BODY : SMTP__FINAL;
    }
}

static void smtp__judge_bdat(smtp_session *s, int yes)
{
    if (!SMTP__STREAMS)
        return;
    smtp__heard(s)->chunks--;
    if (!yes && smtp__heard(s)->flags & SMTP__ACCEPTED)
        smtp__refuse_mail(s, SMTP__BYTE(SMTP_E_DATA));
}

/* LMTP answers a body once for each recipient that it accepted (RFC 2033,
   section 4.2), PRDR does so before the answer for all: the one whose turn it
   is, 0 when there is none. */
static smtp_recipient *smtp__turn_of(const smtp_session *s)
{
    const smtp_mail *m = smtp__heard(s);
    smtp_recipient *to;
    size_t n;
    if (smtp__no_mail(m) || !((SMTP__LMTP && s->config->lmtp) ||
                              (SMTP__RARE && m->flags & SMTP__EACH)))
        return NULL;
    for (to = m->to, n = m->said; n > 0; n--, to++)
        if (smtp__is(to->status, SMTP_AGAIN))
            return to;
    return NULL;
}

/* One of these answers. 1: one more is awaited. 0: it was the last, or this
   mail has no such answers. Whom PRDR accepts is SMTP_UNKNOWN until the answer
   for all, which comes last. */
static int smtp__judge_each(smtp_session *s, smtp_mail *m, int yes)
{
    smtp_recipient *to = smtp__turn_of(s);
    if (to == NULL)
        return 0;
    to->code = s->reply.code;
    if (!yes) {
        smtp__refuse_recipient(m, to);
    } else if (m->flags & SMTP__EACH) {
        to->status = SMTP_UNKNOWN;
    } else if (!smtp__is(m->status, SMTP_AGAIN)) {
        to->status = m->status = SMTP_UNKNOWN;   /* refused it before */
    } else {
        to->status = SMTP_OK;
        m->flags |= SMTP__DELIVERED;
    }
    if (!(m->flags & SMTP__EACH) && smtp__turn_of(s) == NULL)
        return 0;
    s->due++;                      /* that of this one is taken off already */
    return 1;
}

/* PRDR: 353 announces an answer for each recipient. */
static int smtp__announced(smtp_session *s, smtp_mail *m)
{
    if (s->reply.code.reply != 353 || m->flags & SMTP__EACH ||
        !smtp__use_prdr(s, m))
        return 0;
    m->flags |= SMTP__EACH;
    s->due++;
    return 1;
}

/* A body by hand; LMTP answers it for each recipient that was accepted. */
static void smtp__judge_hand_body(smtp_session *s, int yes)
{
    uint8_t status = SMTP__BYTE(yes ? SMTP_OK : SMTP_E_REFUSED);
    if (s->result != SMTP__BYTE(SMTP_AGAIN) && s->result != status)
        status = SMTP__BYTE(SMTP_PARTIAL);
    s->result = status;
    if (SMTP__LMTP && s->config->lmtp && s->to_heard > 1) {
        s->to_heard--;
        s->due++;
        return;
    }
    if (yes)
        s->dirty = 0;
    s->to_heard = 0;
    smtp__result(s, status);
}

/* Where each recipient has an answer, one that is delivered to is enough; with
   PRDR the last answer has to agree. */
static int smtp__body_refused(const smtp_session *s, const smtp_mail *m,
                              int yes)
{
    if ((SMTP__LMTP && s->config->lmtp) ||
        (yes && m->flags & SMTP__EACH && smtp__none_open(m)))
        yes = (m->flags & SMTP__DELIVERED) != 0;
    return !yes;
}

/* An accepted mail ends its transaction, unless the next one is being said
   already; what a refused one leaves open is not known: Postfix, all of it
   after BDAT or by its smtpd_end_of_data_restrictions. Nor is it where LMTP
   refused the last recipient: others may have been of an earlier part. */
static void smtp__judge_final(smtp_session *s, int yes)
{
    smtp_mail *m = smtp__heard(s);
    if (smtp__no_mail(m)) {
        smtp__judge_hand_body(s, yes);
        return;
    }
    if (yes && m->flags & SMTP__ACCEPTED &&
        !smtp__handed_over(s, m)) {
        smtp__fail(s, SMTP_E_PROTOCOL);  /* its end is not out yet */
        return;
    }
    if ((SMTP__RARE && smtp__announced(s, m)) ||
        (SMTP__EACH_ANSWERS && smtp__judge_each(s, m, yes)))
        return;
    if (m->flags & SMTP__ACCEPTED) {
        if (SMTP__EACH_ANSWERS ? smtp__body_refused(s, m, yes) : !yes)
            smtp__refuse_mail(s, SMTP__BYTE(SMTP_E_DATA));
        else if (yes && smtp__contradicted(m))
            m->status = SMTP_UNKNOWN;
        if (smtp__is(m->status, SMTP_AGAIN)) {
            if (SMTP__CAREFUL)
                s->refusals = 0;
            if (SMTP__NEXT && s->count < 255)
                s->count++;
            m->code = s->reply.code;
            if ((!SMTP__RARE || yes) && (!SMTP__NEXT || s->said == m))
                s->dirty = 0;
        }
    }
    if (SMTP__CHUNKING)
        m->flags |= SMTP__ANSWERED;
    if (!SMTP__CHUNKING || (SMTP__FAST && m->flags & SMTP__CLOSED))
        smtp__finish(s);
}

static void smtp__judge_quit(smtp_session *s, int yes)
{
    (void)yes;
    smtp_close(s);
}

/* ---- script and driver --------------------------------------------------- */

/* A value in its place, in the form that its letter asks for. */
SMTP__APART_WITH(SMTP__RARE)
static void smtp__put_value(smtp_session *s, unsigned what, const char *text)
{
    if (SMTP__A_LABEL && what >= 'a' && what <= 'c')
        text = smtp__put_local(s, text);
    if (SMTP__DSN && (!SMTP__FAST || what == 'd' || what == 'e'))
        smtp__put_text(s, text, what == 'e' ? smtp__put_type(s, text) : what);
    else
        smtp__put(s, text);
}

SMTP__ASIDE static void smtp__trace_row(const smtp_session *s, unsigned start)
{
    smtp__trace(s, SMTP_TRACE_COMMAND, s->out + start,
                (size_t)(s->out_to - start));
}

/* A response. What stands before it in the buffer from `start` on is shown, of
   itself "*" when all of it is written. Returns where the rest begins. */
static unsigned smtp__put_secret(smtp_session *s, unsigned start)
{
    smtp__trace_row(s, start);
    start = s->out_to;
    smtp__put_response(s);
    if (s->out_to != start && !s->cut)
        smtp__trace(s, SMTP_TRACE_COMMAND, "*", 1);
    return s->out_to;
}

/* Interprets the text of a row, and shows it. */
#define SMTP__TEXT_OF(name, verb, text, judge, limit, on) text "\0"
SMTP__APART static void smtp__write(smtp_session *s, unsigned row)
{
    static const char texts[] = SMTP__ROWS(SMTP__TEXT_OF);
    const char *p = smtp__nth(texts, row), *value;
    char number[21];
    unsigned what, start = s->out_to;
    number[20] = 0;
    do {
        const char *begin = p;
        do
            what = (unsigned char)*p++;
        while (what >= ' ' && what < 'a');
        value = smtp__value(s, what, &number[20]);
        if (value) {
            smtp__put_n(s, begin, (size_t)(p - 1 - begin));
            if (SMTP__AUTH && ((SMTP__INITIAL && what == 'f') || what == 'g'))
                start = smtp__put_secret(s, start);
            else
                smtp__put_value(s, what, value);
        }
    } while (what);
    smtp__trace_row(s, start);
}

#define SMTP__JUDGE(name, verb, text, judge, limit, on)                        \
    case name: if (on) smtp__judge_##judge(s, yes); break;
SMTP__APART static void smtp__judge(smtp_session *s, unsigned row, int yes)
{
    switch (row) { SMTP__ROWS(SMTP__JUDGE) }
    smtp__tell(s);
}

static SMTP__HERE int smtp__use_chunks(const smtp_session *s,
                                       const smtp_mail *m)
{
    if (!SMTP__CHUNKING || s->config->no_chunking ||
        !smtp__offers(s, SMTP_EXT_CHUNKING))
        return 0;
    return m->flags & SMTP__SIZED ||
           (SMTP__STREAMS && (m->body.flags & SMTP_BODY_BINARY ||
                              s->out_size >= 256));
}

/* Rows that are said only when all before them is answered. A transport that
   has never said SMTP_AGAIN may block: while it sends a chunk nobody reads
   replies, so they are read before. */
SMTP__APART_WITH(SMTP__PULL)
static int smtp__stops(const smtp_session *s, unsigned row)
{
    const smtp_mail *m = s->said;
    if (row < SMTP__RSET)
        return 1;
    if (row < SMTP__DATA || smtp__no_mail(m))
        return 0;
    return SMTP__OF_ALL(m->all_or_none) || m->flags & SMTP__STEPWISE ||
           (SMTP__LMTP && s->config->lmtp) ||
           (SMTP__CHUNKING && row != SMTP__DATA &&
            !(s->wants & SMTP__ASYNC));
}

/* Whether the window is open: once full, it is when half of it is answered. */
static int smtp__in_window(smtp_session *s)
{
    if (!SMTP__FAST)
        return s->due < s->window;
    if (s->due >= s->window)
        s->flags |= SMTP__FULL;
    else if (s->due <= s->window / 2)
        s->flags &= (uint16_t)~SMTP__FULL;
    return !(s->flags & SMTP__FULL);
}

/* Whether the mail being said is known to fail at the row that comes next.
   Only answers count that are there by now however slow the network is, so that
   a server always meets the same dialogue: all of them at a stop, MAIL's once a
   window of commands was said after it. */
static SMTP__INLINE int smtp__hopeless(const smtp_session *s, unsigned row,
                                       int stop)
{
    const smtp_mail *m = s->said;
    if (smtp__no_mail(m) || row < SMTP__RCPT || row > SMTP__BDAT)
        return 0;
    if (row == SMTP__RCPT)
        return m->flags & SMTP__REFUSED && m->said + 1 >= s->window;
    if (s->window != 1 && !stop)
        return 0;
    return m->flags & SMTP__REFUSED || !(m->flags & SMTP__ACCEPTED) ||
           (SMTP__OF_ALL(m->all_or_none) && m->flags & SMTP__SOME_REFUSED);
}

/* Whether the row may be said now: SMTP__NOW. 0: not yet. 1: the mail ends
   instead. */
#define SMTP__NOW 2
SMTP__APART_WITH(SMTP__PULL)
static SMTP__INLINE int smtp__may_say(smtp_session *s, unsigned row)
{
    int stop = smtp__stops(s, row);
    if ((stop && s->due) || (!stop && !smtp__in_window(s)))
        return 0;
    if (!smtp__hopeless(s, row, stop))
        return SMTP__NOW;
    smtp__end_mail(s);
    return 1;
}

/* The mail's last byte is in the buffer or out. */
static void smtp__mail_said(smtp_session *s)
{
    smtp_mail *m = s->said;
    s->say = SMTP__NEXT ? SMTP__IDLE : SMTP__WAIT;
    m->flags |= SMTP__SAID_FINAL | SMTP__CLOSED;
    if (SMTP__NEXT)
        m->last = s->sent + (uint32_t)(s->out_to - s->out_from);
    if (SMTP__CHUNKING && (!SMTP__FAST || m->flags & SMTP__ANSWERED))
        smtp__tell(s);             /* it may be answered already */
}

/* Without dots to stuff, a promised body is sent unread. */
static unsigned smtp__raw(const smtp_mail *m)
{
    const unsigned promised = SMTP_BODY_CANONICAL | SMTP_BODY_BINARY;
    return m->body.flags & promised ? (unsigned)SMTP__RAW : 0;
}

/* All recipients of this transaction are said: DATA or BDAT comes next. */
static void smtp__start_data(smtp_session *s)
{
    smtp_mail *m = s->said;
    unsigned state = SMTP__DOTS;
    if (!smtp__use_chunks(s, m)) {
        s->say = SMTP__DATA;
    } else if (!SMTP__STREAMS || m->flags & SMTP__SIZED) {
        state = smtp__raw(m);
        s->say = SMTP__BDAT;
    } else {
        state = SMTP__INTO_BUFFER;
        if (m->body.flags & SMTP_BODY_BINARY)
            state |= SMTP__RAW;    /* else no chunk ends between CR and LF */
        s->say = SMTP__CHUNK;
    }
    smtp__body_start(s, &m->body, state);
    if (m->flags & SMTP__CLEAN)
        s->run = m->body.size;
}

/* Whether the recipients said fill a transaction (RFC 9422, section 4.2). */
static int smtp__part_full(const smtp_session *s, const smtp_mail *m)
{
    return m->said == m->to_count ||
           (SMTP__RARE && s->most[0] && m->said % s->most[0] == 0);
}

/* A row of the mail is said: what comes next. */
static void smtp__mail_advance(smtp_session *s, unsigned row)
{
    smtp_mail *m = s->said;
    if (row == SMTP__RCPT) {
        m->said++;
        s->say = SMTP__RCPT;
        if (smtp__part_full(s, m))
            smtp__start_data(s);
    } else if (row == SMTP__FINAL) {
        smtp__mail_said(s);
    } else if (SMTP__CHUNKING && row == SMTP__BDAT) {
        if (SMTP__COUNTED)
            s->now.chunk = m->wire;
        s->say = SMTP__PAYLOAD;
    } else {
        m->flags = (uint16_t)(m->flags | (1u << row) >> SMTP__RSET);
        s->dirty = 1;
        if (row != SMTP__DATA)
            s->say = (uint8_t)(row + 1);
        if (SMTP__RARE && row == SMTP__MAIL && s->most[1] > 1)
            s->most[1]--;
    }
}

/* A row is said. */
static void smtp__advance(smtp_session *s, unsigned row)
{
    s->say = SMTP__WAIT;
    s->due++;
    if (!smtp__no_mail(s->said) && row >= SMTP__RSET) {
        smtp__mail_advance(s, row);
        return;
    }
    s->await = (uint8_t)row;
    if (SMTP__AUTH && (row == SMTP__RESPONSE ||
                       ((SMTP__SASL || SMTP__INITIAL) && row == SMTP__AUTH_)))
        smtp__login_said(s, row);
}

static int smtp__has_extras(const smtp_recipient *to)
{
    (void)to;
    return SMTP__OF_PARAMS(to->params) || SMTP__OF_DSN(to->orcpt) ||
           SMTP__OF_DSN(to->notify);
}

/* The row of a recipient that has no parameters, if it fits. */
static int smtp__put_recipient(smtp_session *s, const smtp_recipient *to)
{
    size_t n = strlen(to->address);
    char *p = s->out + s->out_to;
    if (smtp__has_extras(to) || n + 12 > (size_t)(s->out_size - s->out_to))
        return 0;
    memcpy(p, "RCPT TO:<", 9);
    memcpy(p + 9, to->address, n);
    memcpy(p + 9 + n, ">\r\n", 3);
    s->out_to = (uint16_t)(s->out_to + n + 12);
    smtp__trace(s, SMTP_TRACE_COMMAND, p, n + 12);
    return 1;
}

/* Such rows one after another, as many as buffer and window take, where no
   answer can matter. 0: not one. */
static int smtp__say_recipients(smtp_session *s)
{
    smtp_mail *m = s->said;
    size_t before = m->said;
    if (s->row_done || s->window == 1 || m->flags & SMTP__REFUSED ||
        s->most[0] || s->config->a_label || !smtp__in_window(s))
        return 0;
    while (m->said < m->to_count && s->due < s->window &&
           smtp__put_recipient(s, &m->to[m->said])) {
        m->said++;
        s->due++;
    }
    if (m->said == m->to_count)
        smtp__start_data(s);
    return m->said != before;
}

/* RSET and a plain MAIL in one, if buffer and window take both. */
static int smtp__say_sender(smtp_session *s)
{
    unsigned start = s->out_to;
    size_t room = (size_t)(s->out_size - start);
    char *p = s->out + start, *end;
    if (s->row_done || smtp__no_mail(s->said) || room < 6 ||
        s->due + 2u > s->window || !smtp__in_window(s) ||
        (end = smtp__plain_mail(s, p + 6, room - 6)) == NULL)
        return 0;
    memcpy(p, "RSET\r\n", 6);
    s->out_to = (uint16_t)(end - s->out);
    smtp__trace_row(s, start);
    smtp__advance(s, SMTP__RSET);
    smtp__advance(s, SMTP__MAIL);
    return 1;
}

/* Writes a row as far as it fits. */
static int smtp__say_row(smtp_session *s)
{
    unsigned row = s->say, start = s->out_to;
    char *end;
    if (SMTP__FAST && ((row == SMTP__RCPT && smtp__say_recipients(s)) ||
                       (row == SMTP__RSET && smtp__say_sender(s))))
        return 1;
    if (s->row_done == 0) {
        int may = smtp__may_say(s, row);
        if (may != SMTP__NOW)
            return may;
    }
    if (SMTP__FAST && s->row_done == 0 && (end = smtp__plain_row(s, row))) {
        s->out_to = (uint16_t)(end - s->out);
        if (SMTP__TRACE && s->config->trace)
            smtp__trace_row(s, start);
        smtp__advance(s, row);
        return 1;
    }
    s->now.skip = (smtp_size)s->row_done;
    s->cut = 0;
    smtp__write(s, row);
    if (s->cut) {                  /* the buffer is full */
        s->row_done += (size_t)(s->out_to - start);
        return 0;
    }
    s->row_done = 0;
    smtp__advance(s, row);
    return 1;
}

/* As smtp__encode(), of a body that leaves as it is. */
static int smtp__say_clean(smtp_session *s)
{
    size_t n = (size_t)s->run;
    if (n)
        n = smtp__body_out(s, s->body->data + s->at, n);
    s->at += (smtp_size)n;
    s->run -= (smtp_size)n;
    return s->run == 0 ? -1 : n != 0;
}

/* Behind the body the dot, at once where there is room for it. */
static void smtp__say_dot(smtp_session *s)
{
    unsigned start = s->out_to;
    s->say = SMTP__FINAL;
    if (!SMTP__FAST || smtp__no_mail(s->said) || s->out_size - start < 3)
        return;
    memcpy(s->out + start, ".\r\n", 3);
    s->out_to = (uint16_t)(start + 3);
    smtp__trace_row(s, start);
    s->due++;
    smtp__mail_said(s);
}

/* The longest "BDAT n LAST": 32-bit count and CRLF. */
#define SMTP__BDAT_ROOM 22

/* A BDAT whose size is known when its bytes are in the buffer, after room for
   the command. Never "BDAT 0" without LAST: Postfix refuses it. */
static int smtp__say_chunk(smtp_session *s)
{
    smtp_mail *m = s->said;
    unsigned start = s->out_to;
    char *p;
    size_t n;
    int r;
    if (start && s->out_size - start < 64)
        return 0;
    if (m->flags & SMTP__REFUSED) {
        smtp__end_mail(s);
        return 1;
    }
    r = smtp__may_say(s, SMTP__BDAT);
    if (r != SMTP__NOW)
        return r;
    s->out_to = (uint16_t)(start + SMTP__BDAT_ROOM);
    do
        r = smtp__encode(s);
    while (r > 0);
    n = s->out_to - start - SMTP__BDAT_ROOM;
    s->out_to = (uint16_t)start;
    if (s->status || (n == 0 && r == 0))
        return 0;
    if (r < 0)
        m->flags |= SMTP__SAID_FINAL;
    m->wire = (smtp_size)n;
    smtp__write(s, SMTP__BDAT);
    p = s->out + s->out_to;
    memmove(p, s->out + start + SMTP__BDAT_ROOM, n);
    smtp__trace(s, SMTP_TRACE_BODY, p, n);
    s->out_to = (uint16_t)(s->out_to + n);
    s->due++;
    if (r < 0)
        smtp__mail_said(s);
    else
        m->chunks++;
    return 1;
}

/* Parameters are ESMTP (RFC 5321, section 4.1.1.2). */
#define SMTP__NEVER 0x80000000ul   /* offered by no server */
static uint32_t smtp__needs_esmtp(const char *params)
{
    const uint32_t esmtp = SMTP__PARAMS ? (uint32_t)SMTP_EXT_ESMTP
                                        : (uint32_t)SMTP__NEVER;
    return params && *params ? esmtp : 0;
}

/* Where there are to be none, one is refused whatever it holds. */
static int smtp__params_ok(const char *params)
{
    return !SMTP__PARAMS || smtp__line_ok(params);
}

/* Most recipients: a plain address and no more. */
static int smtp__plain_recipient(const smtp_recipient *to)
{
    return SMTP__FAST && to->address && !smtp__has_extras(to) &&
           smtp__address_plain(to->address, strlen(to->address));
}

/* What a recipient asks for beside its address. */
static uint8_t smtp__check_extras(const smtp_session *s,
                                  const smtp_recipient *to)
{
    const char *orcpt = SMTP__OF_DSN(to->orcpt);
    unsigned notify = SMTP__OF_DSN(to->notify);
    (void)to;
    if (!smtp__params_ok(SMTP__OF_PARAMS(to->params)) || notify > 15 ||
        (orcpt && !smtp__word_ok(orcpt)))
        return SMTP__BYTE(SMTP_E_PARAMETER);
    if (((orcpt || notify) && !smtp__offers(s, SMTP_EXT_DSN)) ||
        !smtp__offers(s, smtp__needs_esmtp(SMTP__OF_PARAMS(to->params))))
        return SMTP__BYTE(SMTP_E_UNSUPPORTED);
    return SMTP_OK;
}

/* Whether the address can be sent, be it with SMTPUTF8. */
SMTP__APART_WITH(SMTP__RARE)
static int smtp__address_ok(const smtp_session *s, smtp_mail *m,
                            const char *address)
{
    int kind = smtp__address_kind(s, address);
    if (kind == 2)
        m->flags |= SMTP__NEEDS_UTF8;
    return kind;
}

/* The recipients of a mail: the first that is bad keeps why. */
static uint8_t smtp__check_to(const smtp_session *s, smtp_mail *m)
{
    smtp_recipient *to = m->to;
    size_t n;
    for (n = m->to_count; n > 0; n--, to++) {
        uint8_t bad;
        if (smtp__plain_recipient(to))
            continue;
        bad = to->address && *to->address && smtp__address_ok(s, m, to->address)
            ? smtp__check_extras(s, to) : SMTP__BYTE(SMTP_E_RECIPIENT_SYNTAX);
        if (bad != SMTP_OK) {
            to->status = smtp__status(bad);
            return bad;
        }
    }
    return SMTP_OK;
}

#if SMTP__RARE
/* Rare wishes: in range, whether or not they can be had. */
static int smtp__wishes_ok(const smtp_mail *m)
{
    const uint32_t most = 999999999;
    const unsigned modes = 0x67;   /* a bit each: 0, SMTP_BY_RETURN, _NOTIFY,
                                      and these with _TRACE */
    return smtp__word_ok(m->hold_until) &&
           m->by_mode <= 6 && modes >> m->by_mode & 1 &&
           (!(m->by_mode & SMTP_BY_RETURN) || m->by > 0) &&
           (m->by < 0 ? 0u - (uint32_t)m->by : (uint32_t)m->by) <= most &&
           m->priority >= -9 && m->priority <= 9 && m->hold_for <= most;
}

/* Whether an extension that they need is not offered. */
static int smtp__in_vain(const smtp_session *s, const smtp_mail *m)
{
    return ((m->hold_until || m->hold_for) &&
            !smtp__offers(s, SMTP_EXT_FUTURERELEASE)) ||
           (m->by_mode && !smtp__offers(s, SMTP_EXT_DELIVERBY)) ||
           (m->priority && !smtp__offers(s, SMTP_EXT_MT_PRIORITY)) ||
           (m->require_tls && !smtp__offers(s, SMTP_EXT_REQUIRETLS));
}
#else
static int smtp__wishes_ok(const smtp_mail *m)
{
    (void)m;
    return 1;
}

static int smtp__in_vain(const smtp_session *s, const smtp_mail *m)
{
    (void)s, (void)m;
    return 0;
}
#endif

/* The other extensions that the mail asks for. */
static uint32_t smtp__needs(const smtp_mail *m)
{
    uint32_t needs = smtp__needs_esmtp(SMTP__OF_PARAMS(m->params));
    (void)m;
    if (SMTP__OF_DSN(m->ret) || SMTP__OF_DSN(m->envid))
        needs |= SMTP_EXT_DSN;
    return needs;
}

/* Flags of a body for which nothing is built in. */
static unsigned smtp__never(const smtp_body *b)
{
    const unsigned never = (unsigned)SMTP_BODY_BINARY * !SMTP__CHUNKING |
                           (unsigned)SMTP_BODY_8BIT * !SMTP__8BITMIME |
                           (unsigned)SMTP_BODY_UTF8 * !SMTP__UTF8;
    return b->flags & never;
}

/* A body that cannot be read twice, and one that has to be taken for all, go
   to no more recipients than a transaction may have. */
static int smtp__too_many(const smtp_session *s, const smtp_mail *m)
{
    return SMTP__RARE && s->most[0] && m->to_count > s->most[0] &&
           (SMTP__OF_ALL(m->all_or_none) || m->body.flags & SMTP_BODY_ONCE);
}

/* What a mail asks for but to be sent. */
static uint8_t smtp__check_wishes(const smtp_session *s,
                                  const smtp_mail *m)
{
    if (!smtp__params_ok(SMTP__OF_PARAMS(m->params)) ||
        SMTP__OF_DSN(m->ret) > 2 || !smtp__line_ok(SMTP__OF_DSN(m->envid)) ||
        !smtp__wishes_ok(m))
        return SMTP__BYTE(SMTP_E_PARAMETER);
    if (smtp__never(&m->body) || !smtp__offers(s, smtp__needs(m)) ||
        smtp__in_vain(s, m))
        return SMTP__BYTE(SMTP_E_UNSUPPORTED);
    if (SMTP__OF_RARE(m->require_tls) && !smtp__secure(s))
        return SMTP__BYTE(SMTP_E_NO_TLS);
    return SMTP_OK;
}

/* A mail's arguments, before anything of it is said. */
static uint8_t smtp__check_mail(const smtp_session *s, smtp_mail *m)
{
    const smtp_body *b = &m->body;
    uint8_t bad;
    if (m->to_count == 0 || !smtp__body_ok(b))
        return SMTP__BYTE(SMTP_E_ARGUMENT);
    if (!smtp__address_ok(s, m, smtp__or_empty(m->from)))
        return SMTP__BYTE(SMTP_E_SENDER_SYNTAX);
    if ((smtp__never(b) || !smtp__no_wishes(m)) &&
        (bad = smtp__check_wishes(s, m)) != SMTP_OK)
        return bad;
    if ((bad = smtp__check_to(s, m)) != SMTP_OK)
        return bad;
    if (m->flags & SMTP__NEEDS_UTF8 && !smtp__offers(s, SMTP_EXT_SMTPUTF8))
        return SMTP__BYTE(SMTP_E_UTF8);
    if (SMTP__CHUNKING && b->flags & SMTP_BODY_BINARY &&
        (!smtp__offers(s, SMTP_EXT_BINARYMIME) || !smtp__use_chunks(s, m)))
        return SMTP__BYTE(SMTP_E_BINARY);
    return SMTP__BYTE(smtp__too_many(s, m) ? SMTP_E_LIMIT : SMTP_OK);
}

/* Refused recipients after which no mail overlaps another and DATA waits for
   the recipients' replies: Postfix counts a refusal twice in a pipeline,
   delays its answers from 10 on and hangs up at 20. */
#define SMTP__REFUSED_TO 4

/* Mails refused as a whole after which no mail overlaps another: each costs a
   RSET, and Exim hangs up after 10 commands in a session that send no mail. For
   the same reason few mails are under way until some are taken. */
#define SMTP__REFUSED_MAILS 5

/* The mail is measured, if it can be: it begins, or is too large. */
static void smtp__start_transaction(smtp_session *s)
{
    smtp_mail *m = s->said;
    if (SMTP__SIZE && s->limit && m->wire > s->limit) {
        m->status = SMTP_E_SIZE;
        smtp__end_mail(s);
        return;
    }
    if (SMTP__CAREFUL && s->refusals >= SMTP__REFUSED_TO)
        m->flags |= SMTP__STEPWISE;
    s->say = smtp__first_row(s);
    if (!SMTP__OVERLAPS)
        s->await = s->say;
}

/* Most bodies lie in memory and can be sent as they are: then one look measures
   them. Of others it tells how far that holds. */
static int smtp__measure_at_once(smtp_session *s)
{
    const smtp_body *b = s->body;
    const char *p = NULL;
    if (!SMTP__FAST || smtp__pulled(b) || s->at || b->size == 0 ||
        s->body_state & SMTP__RAW)
        return 0;
    s->run = (smtp_size)smtp__pull(s, &p);
    s->run = (smtp_size)smtp__scan(s, p, (size_t)s->run);
    if (s->run != b->size || b->data[b->size - 1] != '\n')
        return 0;
    s->said->wire = s->at = b->size;
    return 1;
}

/* The dry run tells the size, whether there are bytes above 127, and of bytes
   in memory whether they can be sent as they are. */
static void smtp__measured(smtp_session *s)
{
    smtp_mail *m = s->said;
    m->flags |= SMTP__SIZED;
    if (SMTP__PULL)
        m->last = (uint32_t)s->at;
    m->flags |= (uint16_t)((s->body_state & SMTP__HIGH) << 3 &
                           SMTP__HAS_8BIT);
    if (!(s->body_state & SMTP__CHANGED) && !smtp__pulled(&m->body))
        m->flags |= SMTP__CLEAN;
    smtp__start_transaction(s);
}

/* Some of the body, be it dry; -1: all of it is said. */
static int smtp__say_some(smtp_session *s)
{
    const smtp_mail *m = s->said;
    if (SMTP__FAST && smtp__measures(s) && smtp__measure_at_once(s))
        return -1;
    if (SMTP__FAST && s->say == SMTP__BODY && m && m->flags & SMTP__CLEAN)
        return smtp__say_clean(s);
    if (SMTP__COUNTED && smtp__in_payload(s) && s->now.chunk == 0)
        return -1;
    return smtp__encode(s);
}

/* The rest of the body. After BDAT it is the announced bytes, neither more nor
   less, whatever a source says at its second reading. */
static int smtp__say_body(smtp_session *s)
{
    int r = smtp__say_some(s);
    if (r >= 0)
        return r;
    if (smtp__measures(s))
        smtp__measured(s);
    else if (!smtp__in_payload(s))
        smtp__say_dot(s);
    else
        smtp__mail_said(s);
    return 1;
}

/* How the dry run of a body encodes: dots only matter to it as a change. */
static unsigned smtp__measure_state(const smtp_session *s, const smtp_mail *m)
{
    if (SMTP__PULL && smtp__use_chunks(s, m))
        return smtp__raw(m);
    return SMTP__KEPT ? (unsigned)SMTP__DOTS : 0;
}

/* Makes `m` the mail being said, and the one being answered if there is none.
   Then it is refused, measured or begun. */
static void smtp__begin(smtp_session *s, smtp_mail *m)
{
    const unsigned useful = SMTP_EXT_SIZE | SMTP_EXT_8BITMIME |
                            SMTP_EXT_CHUNKING;
    uint8_t bad;
    s->flags &= (uint16_t)~(SMTP__AHEAD | SMTP__EARLY);
    if (SMTP__NEXT && s->heard) {
        s->said->link = m;
        s->flags |= SMTP__AHEAD;
    } else {
        if (SMTP__HEARD)
            s->heard = m;
        if (SMTP__OVERLAPS)
            s->await = SMTP__RSET;
        s->to_heard = 0;
    }
    s->said = m;
    if (SMTP__RARE && smtp__mails_used_up(s)) {
        smtp__refuse(s, SMTP__BYTE(SMTP_E_LIMIT), SMTP__BYTE(SMTP_E_LIMIT));
        return;
    }
    if ((bad = smtp__check_mail(s, m)) != SMTP_OK) {
        m->status = smtp__status(bad);
        smtp__end_mail(s);
    } else if (!SMTP__MEASURED || m->flags & SMTP__SIZED ||
               (SMTP__PULL && m->body.flags & SMTP_BODY_ONCE) ||
               !(s->offers & useful)) {
        smtp__start_transaction(s);
    } else {
        smtp__body_start(s, &m->body, smtp__measure_state(s, m));
        s->say = SMTP__MEASURE;
    }
}

/* A mail comes into the engine's hands. */
static void smtp__take(smtp_mail *m)
{
    smtp_recipient *to = m->to;
    size_t n;
    if (to == NULL)
        m->to_count = 0;
    for (n = m->to_count; n > 0; n--, to++) {
        to->status = SMTP_AGAIN;
        memset(&to->code, 0, sizeof to->code);
    }
    m->status = SMTP_AGAIN;
    memset(&m->code, 0, sizeof m->code);
    m->said = 0;
    m->flags = (uint16_t)(m->body.flags << 8 &
                          (SMTP__HAS_8BIT | SMTP__NEEDS_UTF8));
    if (SMTP__NEXT)
        m->link = NULL;
    if (SMTP__PULL)
        m->last = 0;
    if (SMTP__STREAMS)
        m->chunks = 0;
    if (!SMTP__MEASURED)
        return;
    m->wire = 0;
    if (smtp__raw(m) && (!smtp__pulled(&m->body) || m->body.size)) {
        m->wire = m->body.size;
        m->flags |= SMTP__SIZED;
    }
}

/* The session is ready: a mail, or the end. */
static int smtp__next_mail(smtp_session *s)
{
    const smtp_config *c = s->config;
    smtp_mail *m = NULL;
    int r = SMTP_EOF;
    if (s->goal == SMTP__G_SEND) {
        smtp__begin(s, s->said);
        return 1;
    }
    if (!SMTP__NEXT || smtp__is_by_hand(s) || c->next == NULL) {
        smtp__result(s, SMTP_OK);
        return 1;
    }
    if (SMTP__RARE && smtp__mails_used_up(s) && s->due)
        return 0;
    if (!(s->flags & SMTP__LAST_MAIL))
        r = (c->next)(c->ctx, &m);
    if (r == SMTP_OK && m) {
        smtp__take(m);
        smtp__begin(s, m);
    } else if (r == SMTP_EOF) {
        s->flags |= SMTP__LAST_MAIL;
        if (s->due)
            return 0;
        s->goal = SMTP__G_QUIT;
    } else if (r == SMTP_AGAIN) {
        s->wants |= SMTP__STARVED;
        return 0;
    } else {
        smtp__end(s, smtp__failure(r ? r : SMTP_E_IO));
    }
    return 1;
}

/* Courier throws away what it has read along with the end of a body, against
   RFC 2920, section 3.1, and its client would wait for an answer. */
#define SMTP__EXT_XEXDATA 0x40000ul

/* While the answer to a body is under way, the next mail may be said (see
   SMTP__REFUSED_MAILS). */
static int smtp__may_overlap(const smtp_session *s)
{
    unsigned most = s->mails_refused ? 8 : 64 + 8u * s->count;
    if (SMTP__RARE && (smtp__offers(s, SMTP__EXT_XEXDATA) ||
                       (s->said && s->said->said < s->said->to_count)))
        return 0;
    return SMTP__NEXT && s->goal == SMTP__G_READY && s->window > 1 &&
           s->due < most && s->refusals < SMTP__REFUSED_TO &&
           s->mails_refused < SMTP__REFUSED_MAILS;
}

/* The next thing that config asks for before the first mail. GREETING, which is
   there already: nothing more. */
static unsigned smtp__asked_for(const smtp_session *s)
{
    unsigned tls = s->config->tls;
    if (s->goal == SMTP__G_QUIT)
        return SMTP__QUIT;
    if (!(s->flags & SMTP__HELLO))
        return SMTP__EHLO;
    if (!(s->flags & (SMTP__SECURE | SMTP__PLAIN_ON)) &&
        (tls == SMTP_TLS_STARTTLS || smtp__opportunistic(s)))
        return SMTP__STARTTLS;
    if (SMTP__AUTH && smtp__has_login(s->config) &&
        !(s->flags & SMTP__LOGGED_IN))
        return SMTP__AUTH_;
    return SMTP__GREETING;
}

/* The row of a command by hand, or EHLO where that needs it first. */
static unsigned smtp__hand_row(const smtp_session *s)
{
    unsigned row = (unsigned)(s->goal - SMTP__G_HAND);
    return (row == SMTP__STARTTLS || row == SMTP__AUTH_) &&
           !(s->flags & SMTP__HELLO) ? (unsigned)SMTP__EHLO : row;
}

/* RFC 3207, section 4.2: not within TLS, though a server may offer it there. */
static void smtp__ask_tls(smtp_session *s)
{
    uint8_t status = SMTP__BYTE(SMTP_E_NO_STARTTLS);
    if ((SMTP__HAND || SMTP__OPPORTUNISTIC) && !s->io->starttls)
        status = SMTP__BYTE(SMTP_E_NO_TLS);
    else if (!(s->flags & SMTP__SECURE) && smtp__offers(s, SMTP_EXT_STARTTLS))
        s->say = SMTP__STARTTLS;
    if (s->say == SMTP__IDLE)      /* still */
        smtp__no_tls(s, status, status);
}

/* Nothing is being said: decides what comes next. */
static int smtp__idle(smtp_session *s)
{
    unsigned row;
    if (s->due && !smtp__may_overlap(s))
        return 0;
    row = smtp__is_by_hand(s) ? smtp__hand_row(s) : smtp__asked_for(s);
    if (row == SMTP__GREETING)
        return smtp__next_mail(s);
    if (SMTP__AUTH && row == SMTP__AUTH_) {
        smtp__login(s, 1);
    } else if (row == SMTP__STARTTLS) {
        smtp__ask_tls(s);
    } else {
        if (row <= SMTP__HELO)
            smtp__forget(s);
        s->say = (uint8_t)row;
    }
    return 1;
}

/* RFC 3207, section 4.2: what was learned in clear is forgotten. */
static int smtp__handshake(smtp_session *s)
{
    int r = (s->io->starttls)(s->io->ctx);
    uint8_t why;
    if (r == SMTP_AGAIN) {
        s->wants |= SMTP_READ + SMTP_WRITE + SMTP__ASYNC;
        return 0;
    }
    if (r != SMTP_OK) {
        why = smtp__failure(r);
        if (why == SMTP__BYTE(SMTP_E_IO))
            why = SMTP__BYTE(SMTP_E_TLS);
        smtp__end(s, why);
        return 0;
    }
    s->flags = SMTP__GREETED | SMTP__SECURE | SMTP__MOVED;
    smtp__forget(s);
    s->say = SMTP__IDLE;
    if (smtp__is_by_hand(s))
        smtp__result(s, SMTP_OK);
    return 1;
}

/* Nothing more is said, but the rest of an announced chunk. */
static int smtp__mute(const smtp_session *s)
{
    return s->broken && !(smtp__leaving(s) && smtp__in_payload(s));
}

/* One step of saying. 0: it is stuck. */
SMTP__APART static int smtp__step(smtp_session *s)
{
    if (smtp__mute(s) || s->say == SMTP__WAIT)
        return 0;
    if (s->say < SMTP__ROW_COUNT)
        return smtp__say_row(s);
    if (s->say == SMTP__IDLE)
        return smtp__idle(s);
    if (SMTP__SASL && s->say == SMTP__RESPOND)
        return smtp__respond(s);
    if (SMTP__STREAMS && s->say == SMTP__CHUNK)
        return smtp__say_chunk(s);
    if (s->say >= SMTP__MEASURE)
        return smtp__say_body(s);
    return smtp__handshake(s);
}

/* A reply that nothing asked for, or whose command is not yet out: the end.
   Inside of a body a refusal is the mail's outcome all the same. */
static void smtp__unasked(smtp_session *s)
{
    if (s->say == SMTP__BODY && s->reply.code.reply >= 400 &&
        !smtp__no_mail(smtp__heard(s)))
        smtp__refuse_mail(s, SMTP__BYTE(SMTP_E_DATA));
    smtp__fail(s, SMTP_E_PROTOCOL);
}

/* Most answers to RSET, MAIL and RCPT: yes, and nothing follows from it but
   that the next one is awaited. 0: this is another case. */
static int smtp__accepted(smtp_session *s)
{
    const unsigned ended = SMTP__CLOSED | SMTP__SAID_FINAL;
    smtp_mail *m = smtp__heard(s);
    unsigned row = s->await;
    if (row > SMTP__RCPT || m == NULL || !smtp__positive(s) ||
        s->config->reply || m->flags & SMTP__REFUSED ||
        (m->flags & ended) == SMTP__CLOSED)
        return 0;
    if (row < SMTP__RCPT || s->to_heard == m->said)
        row = s->due ? smtp__awaited(s) : (unsigned)SMTP__IDLE;
    if (row > SMTP__RCPT)
        return 0;
    if (row == SMTP__RCPT) {
        m->flags |= SMTP__ACCEPTED;
        m->to[s->to_heard++].code = s->reply.code;
    } else {
        s->await = (uint8_t)(row + 1);
    }
    s->stage = (uint8_t)row;
    s->flags |= SMTP__MOVED;
    s->due--;
    return 1;
}

/* Shows a reply to the caller. */
static void smtp__show(smtp_session *s)
{
    const smtp_config *c = s->config;
    const smtp_recipient *to = NULL;
    if (s->due && s->stage == SMTP__RCPT)
        to = &smtp__heard(s)->to[s->to_heard];
    else if (s->due && s->stage == SMTP__FINAL)
        to = smtp__turn_of(s);
    if (c->reply)
        (c->reply)(c->ctx, s, smtp__heard(s), to);
}

/* 421: the server goes away, and 1: the session with it. Not before the answer
   to QUIT is judged, nor where 421 stands for one recipient, as a proxy passes
   on what that one's host has said: those for the others may follow. */
static int smtp__shut_down(smtp_session *s)
{
    if (s->due && s->stage == SMTP__QUIT)
        return 0;
    if (SMTP__EACH_ANSWERS && s->due && s->stage == SMTP__FINAL &&
        smtp__turn_of(s)) {
        s->broken = SMTP__BYTE(SMTP_E_SHUTDOWN);
        return 0;
    }
    smtp__fail(s, SMTP_E_SHUTDOWN);
    return 1;
}

/* A reply is complete. 421 is judged before the row that it answers. */
static void smtp__answer(smtp_session *s)
{
    s->flags |= SMTP__MOVED;
    if (s->due)
        s->stage = (uint8_t)smtp__awaited(s);
    if (SMTP__REPLY)
        smtp__show(s);
    if (s->reply.code.reply == 421 && smtp__shut_down(s))
        return;
    if (s->due == 0 || (s->stage < SMTP__QUIT && s->out_to)) {
        smtp__unasked(s);
    } else {
        s->due--;
        smtp__judge(s, s->stage, smtp__positive(s));
    }
}

static void smtp__hear_byte(smtp_session *s)
{
    unsigned r = smtp__parse_byte(s, smtp__input(s)[s->in_from++]);
    if (r > 1)
        smtp__end(s, r);
    if (r != 1)
        return;
    s->reply_size = 0;
    smtp__parse_enhanced(&s->reply);
    smtp__answer(s);
}

/* Takes the bytes read so far, as long as something is under way. */
SMTP__APART static void smtp__hear(smtp_session *s)
{
    while (s->in_from < s->in_to && s->goal)
        if (SMTP__FAST && smtp__parse_whole(s)) {
            if (!smtp__accepted(s))
                smtp__answer(s);
        } else if (SMTP__FAST && smtp__rest_to_come(s)) {
            return;
        } else {
            smtp__hear_byte(s);
        }
}

enum {                             /* in the order of smtp_timeouts */
    SMTP__PHASE_greeting, SMTP__PHASE_command, SMTP__PHASE_data,
    SMTP__PHASE_block, SMTP__PHASE_final
};

#define SMTP__PHASE_OF(name, verb, text, judge, limit, on) SMTP__PHASE_##limit,
static const uint8_t smtp__phases[] = {SMTP__ROWS(SMTP__PHASE_OF)};

/* The members stand in the order of the phases. */
static unsigned smtp__timeout(const smtp_timeouts *t, unsigned phase)
{
    uint16_t limit;
    memcpy(&limit, (const char *)t + phase * sizeof limit, sizeof limit);
    return limit;
}

/* Which limit holds: a body's piece has its own, else the answer's. */
static unsigned smtp__phase(const smtp_session *s)
{
    if (s->say == SMTP__HANDSHAKE)
        return SMTP__PHASE_command;
    if (s->due && !smtp__in_payload(s))
        return smtp__phases[s->await];
    return SMTP__PHASE_block;
}

/* Milliseconds that the present phase may last. */
static unsigned long smtp__phase_ms(const smtp_session *s)
{
    static const uint8_t minutes[] = {5, 5, 2, 3, 10};
    unsigned phase = smtp__phase(s);
    unsigned long limit = smtp__timeout(&s->config->timeout, phase);
    return 1000 * (limit ? limit : 60ul * minutes[phase]);
}

SMTP_API unsigned long smtp_deadline(const smtp_session *s)
{
    unsigned long limit, passed = 0;
    if (s->io == NULL)
        return 0;
    if (!SMTP__CLOCK)
        return 600000;
    limit = smtp__phase_ms(s);
    if (s->io->clock && s->goal && !(s->flags & SMTP__MOVED) &&
        (s->due || s->say != SMTP__IDLE))
        passed = (uint32_t)((s->io->clock)(s->io->ctx) - s->since);
    return passed < limit ? limit - passed : 0;
}

/* The same, and takes the time of a step forward. */
static unsigned long smtp__time_left(smtp_session *s)
{
    if (!SMTP__CLOCK || !(s->flags & SMTP__MOVED) || !s->io->clock)
        return smtp_deadline(s);
    s->since = (s->io->clock)(s->io->ctx);
    s->flags &= (uint16_t)~SMTP__MOVED;
    return smtp__phase_ms(s);
}

/* Reads what the transport has, behind what is not yet parsed, which moves down
   to the text that is kept of its reply and that text's NUL. 1: something came,
   perhaps where the last reply's text was. */
static int smtp__read(smtp_session *s)
{
    size_t base = !SMTP__REPLY ? 0 : s->parse ? s->reply.length + 1u : 1;
    size_t left = SMTP__FAST ? (size_t)(s->in_to - s->in_from) : 0;
    size_t room = smtp__in_size(s) - base - left;
    char *in = smtp__input(s) + base;
    ptrdiff_t r;
    if (SMTP__CLOCK && !(s->wants & SMTP__ASYNC) && s->io->clock &&
        smtp__time_left(s) == 0) {
        smtp__fail(s, SMTP_E_TIMEOUT);
        return 0;
    }
    if (left)
        memmove(in, smtp__input(s) + s->in_from, left);
    s->in_from = (uint16_t)base;
    s->in_to = (uint16_t)(base + left);
    if (left && !s->parse)
        smtp__lose_text(s);        /* it may have been moved over */
    r = (s->io->recv)(s->io->ctx, in + left, room);
    if (smtp__moved(r, room)) {
        smtp__trace(s, SMTP_TRACE_REPLY, in + left, (size_t)r);
        s->in_to = (uint16_t)(base + left + (size_t)r);
        if (!s->parse)
            smtp__lose_text(s);
        return 1;
    }
    if (r == SMTP_AGAIN && !smtp__cut_off(s))
        s->wants |= SMTP_READ + SMTP__ASYNC;
    else
        smtp__end(s, s->broken ? s->broken : smtp__failure(r));
    return 0;
}

/* Whether to read now. A transport that may block is read only when all is out
   and a reply is due: between the writes, so that neither end waits for the
   other (RFC 2920, section 3.1). One that does not block is read when it takes
   no more, also in a body, which a reply may cut short. */
static int smtp__expects(const smtp_session *s, int sent)
{
    if (smtp__mute(s))
        return 1;
    if (s->wants & SMTP_WRITE)
        return s->due || s->say >= SMTP__BODY;
    if (SMTP__FAST && s->wants & SMTP__ASYNC)
        return s->due && !sent;
    return s->due && s->out_to == 0 && !smtp__in_payload(s);
}

/* All is out, and only an answer helps. */
static int smtp__only_waits(const smtp_session *s)
{
    return SMTP__FAST && s->say == SMTP__WAIT && s->out_to == 0;
}

/* The answer to what was sent just now cannot be there yet: where the transport
   can wait, it does so before it is asked. */
static int smtp__waits_first(smtp_session *s, int sent)
{
    if (!SMTP__WAITS || !sent || !smtp__only_waits(s) || s->broken ||
        s->io->wait == NULL || !(s->wants & SMTP__ASYNC))
        return 0;
    s->wants |= SMTP_READ;
    return 1;
}

/* Says what can be said, hears what has come. 0: neither was to be had. */
static int smtp__turn(smtp_session *s)
{
    int moved = 0;
    s->wants &= SMTP__ASYNC;
    if (!SMTP__FAST || s->in_from < s->in_to)
        smtp__hear(s);
    if (smtp__leaving(s) && s->due == 0)
        smtp__fail(s, SMTP_E_SHUTDOWN);
    while (s->goal && smtp__step(s))
        moved = SMTP__STARVES && !SMTP__FAST;  /* a source may have more now */
    if (!s->goal)
        return 1;
    if (!SMTP__FAST || s->out_to)
        moved |= smtp__flush(s);
    if (s->goal && smtp__waits_first(s, moved))
        return 0;
    if (smtp__only_waits(s))
        moved = 0;                 /* reads at once, not in another turn */
    if (s->goal && smtp__expects(s, moved))
        moved |= smtp__read(s);
    return moved || !s->goal;
}

SMTP_API int smtp_wants(const smtp_session *s)
{
    int wants = s->wants & (SMTP_READ | SMTP_WRITE);
    return s->io && s->io->wants && wants ? (s->io->wants)(s->io->ctx, wants)
                                          : wants;
}

/* Nothing can move now: waits where the transport can, else SMTP_AGAIN.
   SMTP_OK: go on. While config->next has no mail, answers may still be due. A
   source has all the time it wants, but the server has not. */
static int smtp__pause(smtp_session *s)
{
    int r, starved = s->wants & SMTP__STARVED &&
                     !(SMTP__NEXT && s->say == SMTP__IDLE && s->due);
    unsigned long left;
    if (starved && !(s->wants & (SMTP_READ | SMTP_WRITE))) {
        s->flags |= SMTP__MOVED;
        return SMTP_AGAIN;
    }
    if (SMTP__CLOCK && s->due)
        smtp__awaited(s);
    left = smtp__time_left(s);
    if (SMTP__CLOCK && left == 0) {
        smtp__fail(s, SMTP_E_TIMEOUT);
        return SMTP_OK;
    }
    if (!SMTP__WAITS || starved || s->io->wait == NULL)
        return SMTP_AGAIN;
    r = (s->io->wait)(s->io->ctx, smtp_wants(s), left);
    if (r < 0 && r != SMTP_AGAIN)
        smtp__end(s, smtp__failure(r));
    return SMTP_OK;
}

static smtp_status smtp__drive(smtp_session *s)
{
    while (s->goal)
        if (!smtp__turn(s) && smtp__pause(s) == SMTP_AGAIN)
            return SMTP_AGAIN;
    return smtp__status(s->result);
}

/* ---- public functions ---------------------------------------------------- */

/* The buffer has two parts: for replies, and for what is said. */
static void smtp__divide(smtp_session *s, char *buffer, size_t size)
{
    size_t in_size = smtp__min(size / 2, 512);
    if (SMTP__FAST || SMTP__REPLY)
        size -= size % 2;
    else
        in_size = smtp__in_size(s);
    if (SMTP__REPLY)
        *buffer = 0;
    s->reply.text = buffer;
    s->out = buffer + in_size;
    s->out_size = (uint16_t)(smtp__min(size, 64000 + 512) - in_size);
}

/* Why the session cannot be opened. */
static uint8_t smtp__open_fault(const smtp_session *s, const smtp_io *io,
                                const void *buffer, size_t size)
{
    const smtp_config *c = s->config;
    if (!io || !c || !buffer || !io->recv || !io->send ||
        c->tls > SMTP_TLS_NONE + SMTP__OPPORTUNISTIC ||
        (!SMTP__AUTH && c->user) || (!SMTP__LMTP && c->lmtp))
        return SMTP__BYTE(SMTP_E_ARGUMENT);
    if (size < SMTP_BUFFER_MIN)
        return SMTP__BYTE(SMTP_E_BUFFER);
    if (!smtp__domain_ok(s))
        return SMTP__BYTE(SMTP_E_DOMAIN);
    return SMTP__BYTE(c->tls == SMTP_TLS_STARTTLS && !io->starttls
                      ? SMTP_E_NO_TLS : SMTP_OK);
}

SMTP_API smtp_status smtp_open(smtp_session *s, const smtp_io *io,
                               const smtp_config *config,
                               void *buffer, size_t size)
{
    uint8_t fault;
    memset(s, 0, sizeof *s);
    s->status = SMTP__BYTE(SMTP_E_CLOSED);
    s->flags = SMTP__MOVED;
    s->due = 1;                    /* the greeting */
    s->window = 1;
    s->config = config;
    fault = smtp__open_fault(s, io, buffer, size);
    if (fault)
        return smtp__status(fault);
    s->status = SMTP_OK;
    s->io = io;
    smtp__divide(s, (char *)buffer, size);
    if (SMTP__HAND)
        smtp__forget(s);           /* config->features hold none */
    return SMTP_OK;
}

/* Goes on with the operation that is under way, or begins `goal`. */
SMTP__APART static smtp_status smtp__go(smtp_session *s, unsigned goal)
{
    if (s->status) {
        smtp__lose_all(s);         /* the mail of smtp_send(), if any */
        return smtp__status(s->status);
    }
    if (!s->goal) {
        s->goal = (uint8_t)goal;
        s->say = SMTP__IDLE;
    }
    return smtp__drive(s);
}

SMTP_API smtp_status smtp_run(smtp_session *s)
{
    return smtp__go(s, SMTP__G_READY);
}

SMTP_API smtp_status smtp_send(smtp_session *s, smtp_mail *mail)
{
    if (s->goal)
        return SMTP_E_BUSY;
    smtp__take(mail);
    s->said = mail;
    return smtp__go(s, SMTP__G_SEND);
}

SMTP_API void smtp_close(smtp_session *s)
{
    if (s->io == NULL)
        return;
    smtp__fail(s, SMTP_E_CLOSED);
    if (s->io->close)
        (s->io->close)(s->io->ctx);
    smtp__wipe(smtp__input(s), smtp__in_size(s) + s->out_size);
    if (SMTP__REPLY)
        s->reply.length = 0;
    s->flags = 0;
    s->io = NULL;
    s->config = NULL;              /* the caller's again */
}

SMTP_API smtp_status smtp_quit(smtp_session *s)
{
    if (s->goal && s->goal != SMTP__G_QUIT)
        return SMTP_E_BUSY;
    if (s->flags & SMTP__GREETED) {
        s->status = SMTP_OK;
        if (smtp__go(s, SMTP__G_QUIT) == SMTP_AGAIN)
            return SMTP_AGAIN;
    }
    smtp_close(s);
    return SMTP_OK;
}

/* ---- public functions: by hand ------------------------------------------- */

#if SMTP__HAND
static smtp_status smtp__go_by_hand(smtp_session *s, unsigned row,
                                    const char *word, const char *tail)
{
    if (s->goal)
        return SMTP_E_BUSY;
    if (!smtp__line_ok(word) || !smtp__line_ok(tail))
        return SMTP_E_LINE;
    s->word = word;
    s->line = NULL;
    s->tail = tail;
    return smtp__go(s, SMTP__G_HAND + row);
}

static smtp_status smtp__row_by_hand(smtp_session *s, unsigned row)
{
    return smtp__go_by_hand(s, row, NULL, NULL);
}

SMTP_API smtp_status smtp_greet(smtp_session *s)
{
    return smtp__row_by_hand(s, SMTP__GREETING);
}

SMTP_API smtp_status smtp_ehlo(smtp_session *s)
{
    return smtp__row_by_hand(s, SMTP__EHLO);
}

SMTP_API smtp_status smtp_helo(smtp_session *s)
{
    return smtp__row_by_hand(s, SMTP__HELO);
}

SMTP_API smtp_status smtp_starttls(smtp_session *s)
{
    return smtp__row_by_hand(s, SMTP__STARTTLS);
}

SMTP_API smtp_status smtp_login(smtp_session *s)
{
    if (!SMTP__AUTH)
        return SMTP_E_NO_AUTH;
    if (s->config && !smtp__has_login(s->config))
        return SMTP_E_ARGUMENT;
    return smtp__row_by_hand(s, SMTP__AUTH_);
}

/* Why no part of a transaction can be said now: the session has ended, or TLS
   is required and not there yet. */
SMTP__APART static uint8_t smtp__hand_fault(const smtp_session *s)
{
    if (s->goal)
        return SMTP__BYTE(SMTP_E_BUSY);
    if (s->status)
        return s->status;
    return SMTP__BYTE(s->config->tls == SMTP_TLS_STARTTLS &&
                      !(s->flags & SMTP__SECURE) ? SMTP_E_NO_TLS : SMTP_OK);
}

/* MAIL and RCPT by hand. */
static uint8_t smtp__address_fault(const smtp_session *s, const char *address,
                                   const char *params, int rcpt)
{
    uint8_t fault = smtp__hand_fault(s);
    int kind;
    if (fault)
        return fault;
    kind = smtp__address_kind(s, address);
    if (rcpt && (kind == 0 || !*address))
        return SMTP__BYTE(SMTP_E_RECIPIENT_SYNTAX);
    if (kind == 0)
        return SMTP__BYTE(SMTP_E_SENDER_SYNTAX);
    if (!smtp__line_ok(params))
        return SMTP__BYTE(SMTP_E_PARAMETER);
    if (kind == 2 && !smtp__offers(s, SMTP_EXT_SMTPUTF8))
        return SMTP__BYTE(SMTP_E_UTF8);
    return SMTP__BYTE(smtp__offers(s, smtp__needs_esmtp(params))
                      ? SMTP_OK : SMTP_E_UNSUPPORTED);
}

static smtp_status smtp__by_hand_address(smtp_session *s, const char *address,
                                         const char *params, const char *word)
{
    uint8_t fault;
    address = smtp__or_empty(address);
    fault = smtp__address_fault(s, address, params, *word == 'R');
    if (fault)
        return smtp__status(fault);
    s->word = word;
    s->line = address;
    s->tail = params;
    s->dirty = 1;
    return smtp__go(s, SMTP__G_HAND + (unsigned)SMTP__COMMAND);
}

SMTP_API smtp_status smtp_mail_from(smtp_session *s, const char *address,
                                    const char *params)
{
    return smtp__by_hand_address(s, address, params, "MAIL FROM:<");
}

SMTP_API smtp_status smtp_rcpt_to(smtp_session *s, const char *address,
                                  const char *params)
{
    return smtp__by_hand_address(s, address, params, "RCPT TO:<");
}

SMTP_API smtp_status smtp_data(smtp_session *s, const smtp_body *body)
{
    uint8_t fault = smtp__hand_fault(s);
    if (!fault && (body == NULL || !smtp__body_ok(body)))
        fault = SMTP__BYTE(SMTP_E_ARGUMENT);
    if (fault)
        return smtp__status(fault);
    smtp__body_start(s, body, SMTP__DOTS);
    return smtp__row_by_hand(s, SMTP__DATA);
}

SMTP_API smtp_status smtp_verify(smtp_session *s, const char *name)
{
    return smtp_docmd(s, "VRFY", name);
}

SMTP_API smtp_status smtp_expn(smtp_session *s, const char *list)
{
    return smtp_docmd(s, "EXPN", list);
}

SMTP_API smtp_status smtp_noop(smtp_session *s)
{
    return smtp_docmd(s, "NOOP", NULL);
}

SMTP_API smtp_status smtp_rset(smtp_session *s)
{
    return smtp__row_by_hand(s, SMTP__RSET);
}

SMTP_API smtp_status smtp_help(smtp_session *s, const char *topic)
{
    return smtp_docmd(s, "HELP", topic);
}

#if SMTP__RARE
SMTP_API smtp_status smtp_xclient(smtp_session *s, const char *attributes)
{
    if (!smtp__offers(s, SMTP_EXT_XCLIENT))
        return SMTP_E_UNSUPPORTED;
    return smtp__go_by_hand(s, SMTP__XCLIENT, NULL, attributes);
}

SMTP_API smtp_status smtp_xforward(smtp_session *s, const char *attributes)
{
    if (!smtp__offers(s, SMTP_EXT_XFORWARD))
        return SMTP_E_UNSUPPORTED;
    return smtp_docmd(s, "XFORWARD", attributes);
}
#endif

SMTP_API smtp_status smtp_docmd(smtp_session *s, const char *word,
                                const char *line)
{
    return smtp__go_by_hand(s, SMTP__COMMAND, word, line);
}
#endif /* SMTP__HAND */

/* ---- public functions: around it ----------------------------------------- */

SMTP_API smtp_body smtp_bytes(const void *data, size_t size)
{
    smtp_body body;
    if ((smtp_size)size < size) {  /* and a rest of 0 were an empty text */
        data = NULL;
        size = 1;
    }
    body.data = (const char *)data;
#ifndef SMTP_NO_PULL
    body.pull = NULL;
    body.ctx = NULL;
#endif
    body.size = (smtp_size)size;
    body.flags = 0;
    return body;
}

SMTP_API smtp_body smtp_text(const char *text)
{
    return smtp_bytes(text, text ? strlen(text) : 1);
}

#ifdef SMTP_NO_TEXT
SMTP_API const char *smtp_status_text(int status)
{
    (void)status;
    return "";
}
#else
#define SMTP__STATUS_TEXT(name, value, text) text "\0"
static const char smtp__texts[] =
    SMTP_STATUS_LIST(SMTP__STATUS_TEXT) "unknown status";
SMTP_API const char *smtp_status_text(int status)
{
    const unsigned unknown = 0u - (unsigned)SMTP_STATUS_END;
    unsigned n = 0u - (unsigned)status;
    return smtp__nth(smtp__texts, n < unknown ? n : unknown);
}
#undef SMTP__STATUS_TEXT
#endif

SMTP_API const char *smtp_stage(const smtp_session *s)
{
#define SMTP__VERB(name, verb, text, judge, limit, on) verb "\0"
    static const char verbs[] = SMTP__ROWS(SMTP__VERB);
    return smtp__nth(verbs, s->stage);
#undef SMTP__VERB
}

/* ---- compose ------------------------------------------------------------- */
#ifndef SMTP_NO_COMPOSE

/* A message is a row of rows, a row has items, and of each item one unit is
   made: a header field, a person, the header of a part, or as much of a body
   as there is room for. A header unit is plain code that puts its bytes with
   no thought of the buffer: those that fall outside of it are dropped. If a
   unit ends after the buffer, the place goes back to where it began, and when
   the buffer is free again, the unit is made anew. So it must depend on nothing
   but the place and the message.

   All is made three times: without bodies, to find what cannot be sent, and
   which multiparts and encodings there are; to count; and to be sent. */

/* In the order of the message: the name of a field or the type of a part, also
   what a culprit is called; what makes it (SMTP__KIND_...); and where in the
   message the number of items is, the text of a field or a body, or which bit
   of smtp_composer.shape asks for the row. */
#define SMTP__C_ROWS(X)                                                        \
    X(FROM, "From", WHO, offsetof(smtp_message, who_count))                    \
    X(SENDER, "Sender", WHO, offsetof(smtp_message, who_count))                \
    X(REPLY_TO, "Reply-To", WHO, offsetof(smtp_message, who_count))            \
    X(TO, "To", WHO, offsetof(smtp_message, who_count))                        \
    X(CC, "Cc", WHO, offsetof(smtp_message, who_count))                        \
    X(BCC, "Bcc", NONE, 0)                                                     \
    X(SUBJECT, "Subject", SUBJECT, offsetof(smtp_message, subject))            \
    X(DATE, "Date", DATE, 0)                                                   \
    X(ID, "Message-ID", ID, 0)                                                 \
    X(IN_REPLY_TO, "In-Reply-To", TOKENS, offsetof(smtp_message, in_reply_to)) \
    X(REFERENCES, "References", TOKENS, offsetof(smtp_message, references))    \
    X(MIME, "MIME-Version", MIME, 0)                                           \
    X(FIELDS, "fields", OWN, offsetof(smtp_message, field_count))              \
    X(MIXED, "mixed", MULTIPART, SMTP__MIXED)                                  \
    X(ALTERNATIVE, "alternative", MULTIPART, SMTP__ALTERNATIVE)                \
    X(TEXT, "text/plain", TEXT, offsetof(smtp_message, text))                  \
    X(RELATED, "related; type=\"text/html\"", MULTIPART, SMTP__RELATED)        \
    X(HTML, "text/html", HTML, offsetof(smtp_message, html))                   \
    X(INLINE, "parts", INLINE, offsetof(smtp_message, part_count))             \
    X(END_RELATED, "", MULTIPART, SMTP__RELATED)                               \
    X(END_ALTERNATIVE, "", MULTIPART, SMTP__ALTERNATIVE)                       \
    X(ATTACHED, "parts", ATTACHED, offsetof(smtp_message, part_count))         \
    X(END_MIXED, "", MULTIPART, SMTP__MIXED)

/* What else is said. A byte below 8 in it stands for bytes of another text:
   2 for CONTENT, 1 for the boundary of the multipart that is open, if one is,
   with the CRLF and "--" before it, 5 for that without these four. Attachment
   and inline, Q and B, and the encodings each stand in the order of what
   chooses one of them, the names of days and months at the end, as they are
   several texts each. */
#define SMTP__C_TEXTS(X)                                                       \
    X(CONTENT, "\r\nContent-")                                                 \
    X(TYPE, "\1\2Type:")                                                       \
    X(CONTENT_ID, "\2ID:")                                                     \
    X(ENCODING, "\2Transfer-Encoding: ")                                       \
    X(DISPOSITION, "\2Disposition: ")                                          \
    X(ATTACHMENT, "attachment")                                                \
    X(INLINE, "inline")                                                        \
    X(MULTIPART, "multipart/")                                                 \
    X(FILE, ";\r\n filename")                                                  \
    X(BOUNDARY, ";\r\n boundary=\"\5\"")                                       \
    X(CHARSET, "; charset=utf-8")                                              \
    X(FLOWED, "; format=flowed")                                               \
    X(OCTETS, "application/octet-stream")                                      \
    X(BLANK, "\r\n\r\n")                                                       \
    X(LAST, "\1--\r\n")                                                        \
    X(MARK, "\r\n--=_")                                                        \
    X(Q, "=?utf-8?Q?")                                                         \
    X(B, "=?utf-8?B?")                                                         \
    X(WORD_END, "?=")                                                          \
    X(8BIT, "8bit")                                                            \
    X(BINARY, "binary")                                                        \
    X(SOFT, "=\r\n")                                                           \
    X(FIRST, "*=utf-8''")                                                      \
    X(FURTHER, "*=")                                                           \
    X(QP, "quoted-printable")                                                  \
    X(BASE64, "base64")                                                        \
    X(DAYS, "Thu\0Fri\0Sat\0Sun\0Mon\0Tue\0Wed\0"                              \
            "Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec\0Jan\0Feb")

#define SMTP__C_ROW(row, name, kind, value) SMTP__C_##row,
#define SMTP__C_NAME(row, name, kind, value) name "\0"
#define SMTP__C_KIND(row, name, kind, value)                                   \
    {SMTP__KIND_##kind, (uint8_t)(value)},
#define SMTP__C_NUMBER(id, text) SMTP__T_##id,
#define SMTP__C_TEXT_OF(id, text) text "\0"

enum {                             /* numbers of texts: of a row, its own */
    SMTP__C_ROWS(SMTP__C_ROW)
    SMTP__C_END,
    SMTP__T_ROWS = SMTP__C_END - 1,
    SMTP__C_TEXTS(SMTP__C_NUMBER)
};

static const char smtp__c_texts[] =
    SMTP__C_ROWS(SMTP__C_NAME) SMTP__C_TEXTS(SMTP__C_TEXT_OF);

enum {                             /* smtp_composer.shape: */
    SMTP__MIXED = 1,               /* multiparts, also smtp_place.open; */
    SMTP__ALTERNATIVE = 2,
    SMTP__RELATED = 4,
    SMTP__HAS_TEXT = 8,            /* parts */
    SMTP__HAS_HTML = 16
};

enum {                             /* what makes a row. Of several items: */
    SMTP__KIND_WHO = 0,
    SMTP__KIND_ATTACHED = SMTP__MIXED,       /* the multipart they are of */
    SMTP__KIND_OWN = 2,            /* the caller's fields */
    SMTP__KIND_INLINE = SMTP__RELATED,
    SMTP__KIND_NONE,               /* Of one: no bytes */
    SMTP__KIND_SUBJECT,
    SMTP__KIND_DATE,
    SMTP__KIND_TEXT = SMTP__HAS_TEXT,        /* its bit of shape */
    SMTP__KIND_ID,
    SMTP__KIND_TOKENS,
    SMTP__KIND_MIME,
    SMTP__KIND_MULTIPART,
    SMTP__KIND_HTML = SMTP__HAS_HTML
};

static const uint8_t smtp__c_kinds[][2] = {SMTP__C_ROWS(SMTP__C_KIND)};

/* The last of those members lies where 8 bits can tell. */
typedef char smtp__c_kinds_fit[
    offsetof(smtp_message, references) < 256 ? 1 : -1];

enum {                             /* smtp_place.encoding: that of its text */
    SMTP__7BIT,
    SMTP__8BIT,
    SMTP__BINARY = SMTP__T_BINARY - SMTP__T_8BIT + 1,
    SMTP__QP = SMTP__T_QP - SMTP__T_8BIT + 1,
    SMTP__BASE64
};

enum {                             /* smtp_place.step: what comes next */
    SMTP__STEP_FIRST,              /* the header of a part, the first person */
    SMTP__STEP_NEXT,               /* another person */
    SMTP__STEP_BODY                /* more of a body */
};

enum {                             /* smtp_composer.pass */
    SMTP__PASS_MAKE,
    SMTP__PASS_COUNT,              /* sources are left alone */
    SMTP__PASS_PLAN                /* bodies are */
};

enum {                             /* smtp_composer.flags: of the mail's body */
    SMTP__C_8BIT = SMTP_BODY_8BIT, /* a part is: 1 << SMTP__8BIT, */
    SMTP__C_BINARY = SMTP_BODY_BINARY,       /* or 1 << SMTP__BINARY; those of
                                      the other encodings tell nothing */
    SMTP__C_ONCE = SMTP_BODY_ONCE, /* a source cannot go back */
    SMTP__C_RAW = SMTP_BODY_UTF8,  /* UTF-8 in the header, RFC 6532 */
    SMTP__C_OF_BODY = 30           /* all of these */
};

enum {
    SMTP__FOLD = 76,               /* RFC 2047, section 2: lines with words */
    SMTP__WORD = 60,               /* longer ones are encoded to be split */
    SMTP__TOKEN = 900,             /* what cannot be split, below 998 */
    SMTP__ROOM = 12                /* bytes that one byte of a body can make */
};

SMTP__APART static const char *smtp__c_text(unsigned n)
{
    return smtp__nth(smtp__c_texts, n);
}

/* The first fault counts. It comes without its sign: a positive number takes
   less code at each call. */
SMTP__APART static void smtp__c_fail(smtp_composer *c, int fault)
{
    if (!smtp__is(c->status, SMTP_OK))
        return;
    c->status = (smtp_status)-fault;
    c->field = smtp__c_text(c->place.row);
    c->item = c->place.item;
}

/* -- characters -- */

static int smtp__continues(char ch)
{
    return (ch & 0xC0) == 0x80;
}

/* What goes into the header has to be one line of UTF-8 (RFC 3629, section 4).
   A character goes on where its bit `more` is set, which is the next lower one
   of its first byte each time; a shorter form would do for what is below
   more >> 5. NUL continues no character, so the end is never passed. */
static void smtp__c_line(smtp_composer *c, const char *s)
{
    uint32_t code, more;
    while ((code = (unsigned char)*s++) != 0) {
        if (code == '\r' || code == '\n')
            smtp__c_fail(c, -SMTP_E_FIELD_LINE);
        if (code < 0x80)
            continue;
        if (code < 0xC2 || code > 0xF4)
            code = 0x80;           /* begins none */
        for (more = 0x40; code & more; more <<= 5)
            code = smtp__continues(*s) ? code << 6 | (*s++ & 0x3F) : 0;
        code &= more - 1;
        if (code < more >> 5 || code > 0x10FFFF || code >> 11 == 0x1B)
            smtp__c_fail(c, -SMTP_E_FIELD_UTF8);
    }
}

/* A letter, a digit, or one of `others`. */
static int smtp__alnum(char ch, const char *others)
{
    for (; *others != '\0'; others++)
        if (*others == ch)
            return 1;
    return (unsigned)(ch | 32) - 'a' < 26 || smtp__is_digit(ch);
}

/* An addr-spec (RFC 5322, section 3.4.1), no comments, no obsolete forms:
   words with single dots between them, before and after the @. `others` are
   what these hold beside letters and digits: in a local part all up to NUL, in
   a domain the last two of those, in an address literal what follows.
   0: it is none. 1: of ASCII. 2: with UTF-8. */
static int smtp__addr_spec(const char *a)
{
    const char *s = a, *word = a, *others = "!#$%&'*+/=?^`{|}~-_\0:-";
    int kind;
    if (a == NULL)
        return 0;
    kind = smtp_address_check(a);
    if (kind == 0)
        return 0;
    if (*s == '"') {               /* and closed, as it has been checked */
        do
            s += *s == '\\' ? 2 : 1;
        while (*s != '"');
        s++;
    }
    for (;; s++) {
        if (smtp__alnum(*s, others) || *s & 0x80)
            continue;
        if (s == word)
            return 0;
        if (*s == '@' && *others == '!') {
            others += 17;          /* "-_", its end */
            if (s[1] == '[') {
                others += 3;       /* ":-" */
                s++;
            }
        } else if (*s != '.') {
            break;
        }
        word = s + 1;
    }
    if (*others == '!' || (*others == ':' && *s++ != ']'))
        return 0;
    return *s == '\0' && s - a <= SMTP__TOKEN ? kind : 0;
}

/* -- putting bytes -- */

/* What puts bytes returns the composer, so that a chain of calls need not keep
   it elsewhere: less code at each of them. */

static smtp_composer *smtp__c_char(smtp_composer *c, char ch)
{
    smtp_size i = c->place.made++ - c->at;
    if (i < SMTP_COMPOSE_BUFFER)
        c->buffer[i] = ch;
    c->place.column++;
    if (ch == '\n')
        c->place.column = 0;
    return c;
}

static smtp_composer *smtp__c_puts(smtp_composer *c, const char *s)
{
    while (*s != '\0')
        c = smtp__c_char(c, *s++);
    return c;
}

/* One of SMTP__T_... The "=_" of a boundary is nowhere in base64 and
   quoted-printable; a part sent as it is has been looked at (smtp__c_look).
   The digit tells the multiparts apart. */
SMTP__APART static smtp_composer *smtp__c_say(smtp_composer *c, unsigned text)
{
    const char *s = smtp__c_text(text);
    char ch;
    while ((ch = *s++) != '\0') {
        if (ch == 2) {
            smtp__c_puts(c, smtp__c_text(SMTP__T_CONTENT));
            continue;
        }
        if (ch < 8) {
            if (c->place.open == 0)
                continue;
            smtp__c_puts(c, c->mark + ch - 1);
            ch = (char)('0' + c->place.open);
        }
        smtp__c_char(c, ch);
    }
    return c;
}

static smtp_composer *smtp__c_crlf(smtp_composer *c)
{
    return smtp__c_char(smtp__c_char(c, '\r'), '\n');
}

/* A space before `n` more characters, at which the line is folded if they
   would make it too long. */
static smtp_composer *smtp__c_space(smtp_composer *c, size_t n)
{
    if (c->place.column + n >= SMTP__FOLD)
        return smtp__c_char(smtp__c_crlf(c), ' ');
    return smtp__c_char(c, ' ');
}

/* A field of this row begins, and so the one before ends. */
static smtp_composer *smtp__c_label(smtp_composer *c)
{
    if (c->place.column > 0)
        smtp__c_crlf(c);
    if (c->place.row == SMTP__C_FIELDS)
        c = smtp__c_puts(c, c->message->fields[c->place.item].name);
    else
        c = smtp__c_say(c, c->place.row);
    return smtp__c_char(c, ':');
}

/* The last `bits` of a number. */
static smtp_composer *smtp__c_hex(smtp_composer *c, uint32_t value, int bits)
{
    while ((bits -= 4) >= 0)
        c = smtp__c_char(c, smtp__hex_digit((unsigned)(value >> bits) & 15));
    return c;
}

/* A character, and decimal digits from that of `unit` on, or more. */
static smtp_composer *smtp__c_number(smtp_composer *c, char before,
                                     unsigned value, unsigned unit)
{
    c = smtp__c_char(c, before);
    while (value / unit > 9)
        unit *= 10;
    for (; unit > 0; unit /= 10) {
        c = smtp__c_char(c, (char)('0' + value / unit));
        value %= unit;
    }
    return c;
}

/* As it is, or in hex. */
static smtp_composer *smtp__c_escape(smtp_composer *c, char mark, char ch,
                                     int plain)
{
    if (plain)
        return smtp__c_char(c, ch);
    return smtp__c_hex(smtp__c_char(c, mark), (unsigned char)ch, 8);
}

/* Base64, a byte at a time: smtp_composer.group has those of an open group of
   three after a 1. Of those that are written, `pad` bits are not there. */
SMTP__APART
static smtp_composer *smtp__c_byte64(smtp_composer *c, char ch, int pad)
{
    uint32_t group = c->group << 8 | (unsigned char)ch;
    int digits = 4;
    c->group = group;
    if (group >> 24 == 0)
        return c;
    if (c->place.column == 76)
        c = smtp__c_crlf(c);
    for (; digits > 0; digits--, group <<= 6)
        c = smtp__c_char(c, digits > pad ? smtp__digits64[group >> 18 & 63]
                                         : '=');
    c->group = 1;
    return c;
}

SMTP__APART static smtp_composer *smtp__c_end64(smtp_composer *c)
{
    int pad = 0;
    while (c->group != 1)
        c = smtp__c_byte64(c, 0, ++pad);
    return c;
}

/* -- text in a header -- */

enum {                             /* how a text is written: as it is if no
                                      word has over four times so many bytes, */
    SMTP__PHRASE = 0,              /* else encoded, as always a name */
    SMTP__TEXT = SMTP__WORD / 4,
    SMTP__FIELD = SMTP__TOKEN / 4, /* the same in a field of the caller's */
    SMTP__TOKENS = SMTP__FIELD + 1 /* else refused: identifiers, a type */
};

/* A byte that may stand in a header as it is, but for a space. */
static int smtp__c_plain_char(const smtp_composer *c, const char *s)
{
    if (*s & 0x80)
        return c->flags & SMTP__C_RAW;
    return *s > 32 && *s < 127 && !(*s == '=' && s[1] == '?');
}

/* The length of a text as a quoted string if it may stand as it is, folded at
   its spaces; else 0. A space that is not between two words could be lost at a
   fold, which identifiers do not mind. */
static size_t smtp__c_plain(smtp_composer *c, const char *s, unsigned how)
{
    size_t size = 2;               /* with both quotes */
    unsigned n = 0;                /* bytes in this word */
    smtp__c_line(c, s);
    for (;; s++, size++, n++) {
        if ((*s & ~' ') == 0) {
            if (n == 0 && how != SMTP__TOKENS)
                return 0;
            if (*s == '\0')
                return size;
            n = 0u - 1;            /* 0 at the next byte */
        } else if (n / 4 >= how || !smtp__c_plain_char(c, s)) {
            return 0;
        } else if (*s == '"' || *s == '\\') {
            size++;
        }
    }
}

/* Characters that stand for themselves under Q, also in a phrase (RFC 2047,
   section 5, rule 3), and the space, written as "_". */
static const char smtp__c_q[] = " !*+-/";

/* In encoded words, Q or B, whichever is shorter: Q has two characters more for
   each byte that it cannot show. A word begins where the line has room for one
   character of UTF-8, and goes on while it has room for another. */
static void smtp__c_encoded(smtp_composer *c, const char *s)
{
    const unsigned frame = 12, most = 12;  /* =?utf-8?Q??=, a character of
                                              four bytes */
    size_t cost = 0, n = 0;
    unsigned form;
    for (; s[n] != '\0'; n++)
        if (!smtp__alnum(s[n], smtp__c_q))
            cost += 2;
    form = (n + 2) / 3 * 4 < n + cost ? SMTP__T_B : SMTP__T_Q;
    while (*s != '\0') {
        smtp__c_say(smtp__c_space(c, frame + most), form);
        do
            if (form == SMTP__T_B)
                smtp__c_byte64(c, *s, 0);
            else
                smtp__c_escape(c, '=', *s == ' ' ? '_' : *s,
                               smtp__alnum(*s, smtp__c_q));
        while (smtp__continues(*++s) ||
               (*s != '\0' && c->place.column + most + 2 <= SMTP__FOLD));
        smtp__c_say(smtp__c_end64(c), SMTP__T_WORD_END);
    }
}

/* A text as it is, or all of it encoded: then its spaces are, too, since those
   between two encoded words are not shown. */
static void smtp__c_words(smtp_composer *c, const char *s, unsigned how)
{
    size_t n, plain = smtp__c_plain(c, s, how);
    if (plain == 0 && how == SMTP__TOKENS)
        smtp__c_fail(c, -SMTP_E_FIELD_SYNTAX);
    if (plain == 0) {
        smtp__c_encoded(c, s);
        return;
    }
    for (n = 0; *s != '\0'; s++) {
        if (*s == ' ') {
            n = 0;
            continue;
        }
        if (n == 0) {
            while ((s[n] & ~' ') != 0)
                n++;
            smtp__c_space(c, n);
        }
        smtp__c_char(c, *s);
    }
}

/* -- people -- */

/* The length of `s` as a quoted string, 0 if it has to be encoded. */
static size_t smtp__c_quotable(smtp_composer *c, const char *s)
{
    size_t n = smtp__c_plain(c, s, SMTP__TEXT);
    return n <= SMTP__WORD ? n : 0;
}

static void smtp__c_put_quoted(smtp_composer *c, const char *s)
{
    char ch;
    c = smtp__c_char(c, '"');
    while ((ch = *s++) != '\0') {
        if (ch == '"' || ch == '\\')
            c = smtp__c_char(c, '\\');
        c = smtp__c_char(c, ch);
    }
    smtp__c_char(c, '"');
}

static void smtp__c_name(smtp_composer *c, const char *name)
{
    size_t n = smtp__c_quotable(c, name);
    if (n == 0)
        smtp__c_words(c, name, SMTP__PHRASE);
    else
        smtp__c_put_quoted(smtp__c_space(c, n), name);
}

/* The row of a role; of a row, its role. */
static unsigned smtp__c_row_of(unsigned role)
{
    return role < 3 ? role + 3 : role - 3;
}

/* One of From to Cc, if it is of this row. */
static void smtp__c_person(smtp_composer *c)
{
    const smtp_mailbox *who = &c->message->who[c->place.item];
    const char *name = who->name;
    if (who->role != smtp__c_row_of(c->place.row))
        return;
    if (c->place.step == SMTP__STEP_NEXT)
        smtp__c_char(c, ',');
    else
        smtp__c_label(c);
    c->place.step = SMTP__STEP_NEXT;
    if (name != NULL && *name != '\0')
        smtp__c_name(c, name);
    else
        name = NULL;
    c = smtp__c_space(c, strlen(who->address) + 3);   /* < > and a comma */
    if (name != NULL) {
        c = smtp__c_puts(smtp__c_char(c, '<'), who->address);
        smtp__c_char(c, '>');
    } else {
        smtp__c_puts(c, who->address);
    }
}

/* -- the other fields -- */

/* <id>, or one made from unique, date and the author's domain, which then is
   `id`, with its @. */
static void smtp__c_id(smtp_composer *c, const char *id, int made)
{
    const smtp_message *m = c->message;
    smtp__c_char(smtp__c_space(c, strlen(id) + 27), '<');
    if (made) {
        smtp__c_char(smtp__c_hex(c, m->date, 32), '.');
        smtp__c_hex(smtp__c_hex(c, m->unique[0], 32), m->unique[1], 32);
    } else if (!smtp__addr_spec(id) || !smtp__c_plain(c, id, SMTP__TOKENS)) {
        smtp__c_fail(c, -SMTP_E_FIELD_SYNTAX);
    }
    smtp__c_char(smtp__c_puts(c, id), '>');
}

static void smtp__c_message_id(smtp_composer *c)
{
    const smtp_message *m = c->message;
    const char *id = m->id;
    if (id == NULL) {
        if ((m->unique[0] | m->unique[1]) == 0)
            return;
        id = c->from + strlen(c->from);
        while (*--id != '@')
            ;
    }
    smtp__c_id(smtp__c_label(c), id, m->id == NULL);
}

/* Day, month and year, from days since 1970. With a 29 February in 2100 there
   is one in every fourth year. Years are counted from 1 March 1968, which is
   671 days before, so that it is the last day of one: four have 1461 days, and
   of their months five in a row have 153. */
static smtp_composer *smtp__c_day(smtp_composer *c, uint32_t days)
{
    uint32_t day = days + 671 + (days >= 47541);
    uint32_t year = (day * 4 + 3) / 1461, month;
    day = (day - year * 1461 / 4) * 5 + 2;         /* in fifths */
    month = day / 153;
    c = smtp__c_say(smtp__c_char(c, ' '), SMTP__T_DAYS + (unsigned)(days % 7));
    c = smtp__c_number(smtp__c_char(c, ','), ' ',
                       (unsigned)day % 153 / 5 + 1, 10);
    c = smtp__c_say(smtp__c_char(c, ' '), SMTP__T_DAYS + 7 + (unsigned)month);
    return smtp__c_number(c, ' ', 1968u + (unsigned)year + (month >= 10), 10);
}

/* RFC 5322, section 3.3. */
static void smtp__c_date(smtp_composer *c)
{
    int zone = c->message->zone;
    uint32_t local = c->message->date + (uint32_t)(int32_t)zone * 60, unit;
    char before = ' ';
    if (c->message->date == 0)
        return;
    c = smtp__c_day(smtp__c_label(c), local / 86400);
    local %= 86400;
    for (unit = 3600; unit > 0; unit /= 60) {
        c = smtp__c_number(c, before, (unsigned)(local / unit % 60), 10);
        before = ':';
    }
    before = '+';
    if (zone < 0) {
        before = '-';
        zone = -zone;
    }
    smtp__c_number(smtp__c_char(c, ' '), before,
                   (unsigned)(zone / 60 * 40 + zone), 1000);   /* hhmm */
}

/* A valid name of a field (RFC 5322, section 2.2) that no row writes. */
static int smtp__c_name_ok(const char *name)
{
    size_t n = 0;
    unsigned row;
    if (name == NULL)
        return 0;
    while (name[n] > 32 && name[n] < 127 && name[n] != ':')
        n++;
    if (n == 0 || n >= SMTP__FOLD || name[n] != '\0')
        return 0;
    for (row = 0; row <= SMTP__C_MIME; row++)
        if (smtp__same(name, smtp__c_text(row), n + 1))
            return 0;
    return !smtp__same(name, smtp__c_text(SMTP__T_CONTENT) + 2, 8);
}

/* One of the caller's. */
static const char *smtp__c_own(smtp_composer *c)
{
    const smtp_field *field = &c->message->fields[c->place.item];
    if (smtp__c_name_ok(field->name))
        return field->value;
    smtp__c_fail(c, -SMTP_E_FIELD_NAME);
    return NULL;
}

/* -- choosing an encoding -- */

enum {                             /* what a look at a text found: */
    SMTP__LOOK_8BIT = 1,
    SMTP__LOOK_CLASH = 2,          /* a line begins as boundaries do */
    SMTP__LOOK_OTHER = 4,          /* NUL, or a line over 998 bytes */
    SMTP__LOOK_SPECIAL = 8         /* for each byte that quoted-printable has
                                      to encode, about */
};

/* What is in a body in memory. */
SMTP__APART static smtp_size smtp__c_look(const smtp_composer *c)
{
    const char *mark = c->mark + 2;
    smtp_size found = 0, left = c->body->size;
    const char *s = c->body->data;
    unsigned line = 0, same = 0;   /* bytes in it; as in a boundary */
    for (; left > 0; left--) {
        unsigned char ch = (unsigned char)*s++;
        if (line < 12 && ch == mark[line] && ++same == 12)
            found |= SMTP__LOOK_CLASH;
        line++;
        if (ch == '\r' || ch == '\n')
            line = same = 0;
        found |= ch / 128;         /* SMTP__LOOK_8BIT */
        if (ch == 0 || line > 998)
            found |= SMTP__LOOK_OTHER;
        if (ch > 126 || ch == '=')
            found += SMTP__LOOK_SPECIAL;
    }
    return found;
}

/* A text: 7bit, 8bit, else the shorter. A file: binary or base64. */
SMTP__APART static uint8_t smtp__c_encoding(const smtp_composer *c)
{
    uint8_t encoding = c->part == NULL ? SMTP__QP : SMTP__BASE64;
    smtp_size found, special;
    if (c->body->pull != NULL ||
        !(c->text || c->message->offers & SMTP_EXT_BINARYMIME))
        return encoding;
    found = smtp__c_look(c);
    special = found / SMTP__LOOK_SPECIAL;
    found %= SMTP__LOOK_SPECIAL;
    if (!c->text && !(found & SMTP__LOOK_CLASH))
        encoding = SMTP__BINARY;
    else if (found <= (c->message->offers / SMTP_EXT_8BITMIME & 1))
        encoding = (uint8_t)found; /* SMTP__7BIT, or SMTP__8BIT if offered */
    else if (special * 6 > c->body->size)
        encoding = SMTP__BASE64;
    return encoding;
}

/* -- bodies -- */

/* A byte as it is, or into base64. */
static smtp_composer *smtp__c_out(smtp_composer *c, char ch)
{
    return c->place.encoding == SMTP__BASE64 ? smtp__c_byte64(c, ch, 0)
                                             : smtp__c_char(c, ch);
}

static int smtp__c_qp_plain(char ch)
{
    return (ch >= 32 && ch < 127 && ch != '=') || ch == '\t';
}

/* One byte of quoted-printable, in lines of up to 76. */
static void smtp__c_qp(smtp_composer *c, char ch)
{
    if (c->place.column > 72)
        smtp__c_say(c, SMTP__T_SOFT);
    smtp__c_escape(c, '=', ch, smtp__c_qp_plain(ch));
}

/* White space may not end a line of quoted-printable. */
static smtp_composer *smtp__c_qp_end(smtp_composer *c)
{
    if (c->place.encoding == SMTP__QP &&
        (c->last == ' ' || c->last == '\t'))
        c = smtp__c_say(c, SMTP__T_SOFT);
    return c;
}

/* The next byte. In a text CR, LF and CRLF end a line, whatever carries it
   (RFC 2045, section 6.8). */
static void smtp__c_byte(smtp_composer *c)
{
    char ch = *c->data++, last = c->last;
    c->left--;
    if (c->text && (ch == '\r' || ch == '\n')) {
        if (ch == '\r' || last != '\r')
            smtp__c_out(smtp__c_out(smtp__c_qp_end(c), '\r'), '\n');
    } else if (c->place.encoding == SMTP__QP) {
        smtp__c_qp(c, ch);
    } else {
        smtp__c_out(c, ch);
    }
    c->last = ch;
}

/* What is held back at the end of a body. A mail of one part ends with a line
   end of its own, the others' is the boundary's. */
static void smtp__c_body_end(smtp_composer *c)
{
    c = smtp__c_end64(smtp__c_qp_end(c));
    c->place.step = SMTP__STEP_FIRST;
    if (c->place.open != 0 || c->place.column == 0)
        return;
    if (c->place.encoding == SMTP__QP)
        smtp__c_char(c, '=');
    smtp__c_crlf(c);
}

/* Takes the next of a body's bytes; 0: there are none, or none now. A source
   that said how long it is, has to be. */
static int smtp__c_more(smtp_composer *c)
{
    const smtp_body *b = c->body;
    smtp_size rest = b->size - c->pulled;
    ptrdiff_t n = (ptrdiff_t)rest;
    c->data = b->data;
    if (b->pull != NULL)
        n = (b->pull)(b->ctx, c->pulled, &c->data);
    if (n < 0) {
        smtp__c_fail(c, n == SMTP_AGAIN ? -SMTP_AGAIN : -SMTP_E_BODY);
    } else if (b->size > 0 && (n > 0 ? (smtp_size)n > rest : rest > 0)) {
        smtp__c_fail(c, -SMTP_E_LENGTH);
    } else if (n == 0) {
        smtp__c_body_end(c);
    } else {
        c->left = (size_t)n;
        c->pulled += (smtp_size)n;
        return 1;
    }
    return 0;
}

#if SMTP__FAST
static size_t smtp__c_room(const smtp_composer *c)
{
    return (size_t)(c->at + SMTP_COMPOSE_BUFFER - c->place.made);
}

/* Where the next byte of a body goes. */
static char *smtp__c_end(smtp_composer *c)
{
    return c->buffer + (c->place.made - c->at);
}

/* `n` bytes of the source were taken, and `made` characters made of them. */
static void smtp__c_took(smtp_composer *c, size_t n, size_t made)
{
    c->data += n;
    c->left -= n;
    c->place.made += (smtp_size)made;
    c->place.column += (unsigned)made;
}

#if SMTP__SIMD
/* Words (a, b), (b, c) and so on of each two neighbours at `from`, the first
   in the high byte; 9 bytes are read. */
static __m128i smtp__pairs(const unsigned char *from)
{
    const void *first = from, *second = from + 1;
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)second),
                             _mm_loadl_epi64((const __m128i *)first));
}

/* The two groups of three that are in the first and last pairs of each. */
static __m128i smtp__groups(__m128i even, __m128i odd)
{
    __m128i v = _mm_castps_si128(_mm_shuffle_ps(
        _mm_castsi128_ps(even), _mm_castsi128_ps(odd),
        _MM_SHUFFLE(3, 0, 3, 0)));
    return _mm_shuffle_epi32(v, _MM_SHUFFLE(3, 1, 2, 0));
}

/* `digit`, and `more` added to it where `v` is above `limit`. */
static __m128i smtp__above(__m128i digit, __m128i v, int limit, int more)
{
    return _mm_add_epi8(digit, _mm_and_si128(
        _mm_cmpgt_epi8(v, _mm_set1_epi8((char)limit)),
        _mm_set1_epi8((char)more)));
}

/* 12 bytes into 16 characters: each group of three as its two overlapping
   words, cut into four times 6 bits by multiplying; then the offset of each
   range of the alphabet is added. */
static void smtp__encode64_block(char *to, const unsigned char *from)
{
    __m128i v = smtp__groups(smtp__pairs(from), smtp__pairs(from + 3)), digit;
    digit = _mm_mulhi_epu16(_mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)),
                            _mm_set1_epi32(0x04000040));
    v = _mm_mullo_epi16(_mm_and_si128(v, _mm_set1_epi32(0x003f03f0)),
                        _mm_set1_epi32(0x01000010));
    v = _mm_or_si128(v, digit);
    digit = smtp__above(_mm_add_epi8(v, _mm_set1_epi8('A')), v, 25, 6);
    digit = smtp__above(digit, v, 51, -75);
    digit = smtp__above(digit, v, 61, -15);
    digit = smtp__above(digit, v, 62, 3);
    _mm_storeu_si128((__m128i *)(void *)to, digit);
}

/* A whole line: 57 bytes into 76 characters. The last block overlaps the one
   before. */
static void smtp__encode64_line(char *to, const unsigned char *from)
{
    smtp__encode64_block(to, from);
    smtp__encode64_block(to + 16, from + 12);
    smtp__encode64_block(to + 32, from + 24);
    smtp__encode64_block(to + 48, from + 36);
    smtp__encode64_block(to + 60, from + 45);
}
#else
static void smtp__encode64_line(char *to, const unsigned char *from)
{
    const char *digits = smtp__digits64;
    const unsigned char *end = from + 57;
    for (; from < end; from += 3, to += 4) {
        unsigned a = from[0], b = from[1], c = from[2];
        to[0] = digits[a >> 2];
        to[1] = digits[(a & 3) << 4 | b >> 4];
        to[2] = digits[(b & 15) << 2 | c >> 6];
        to[3] = digits[c & 63];
    }
}
#endif

/* Whole lines while a byte more is there: none of them is the last. */
static size_t smtp__c_whole_lines(smtp_composer *c)
{
    const unsigned char *from = (const unsigned char *)c->data;
    char *to = smtp__c_end(c);
    size_t lines = smtp__min(smtp__c_room(c) / 78, (c->left - 1) / 57), n;
    for (n = lines; n > 0; n--, from += 57, to += 78) {
        smtp__encode64_line(to, from);
        memcpy(to + 76, "\r\n", 2);
    }
    smtp__c_took(c, lines * 57, lines * 78);
    c->place.column = 0;
    return lines;
}

/* Base64 straight from the source: whole lines, else up to the end of a line,
   or of the groups of three. 0: take a byte. */
static int smtp__c_base64(smtp_composer *c)
{
    size_t n;
    if (c->group != 1 || c->left < 3)
        return 0;
    if (c->place.column == 76)
        smtp__c_crlf(c);
    if (c->place.column == 0 && smtp__c_whole_lines(c) > 0)
        return 1;
    n = smtp__min(76u - c->place.column, smtp__c_room(c)) / 4;
    n = smtp__min(n, c->left / 3);
    smtp__encode64(smtp__c_end(c), (const unsigned char *)c->data, n * 3);
    smtp__c_took(c, n * 3, n * 4);
    return 1;
}

/* Copies many bytes at a time while all stand for themselves. */
#if SMTP__SIMD
static size_t smtp__c_qp_words(char *to, const char *from, size_t n)
{
    size_t i;
    for (i = 0; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128(
            (const __m128i *)(const void *)(from + i));
        __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' '));  /* and > 127 */
        __m128i same = _mm_or_si128(
            _mm_cmpeq_epi8(v, _mm_set1_epi8('=')),
            _mm_cmpeq_epi8(v, _mm_set1_epi8(127)));
        int marks = _mm_movemask_epi8(_mm_or_si128(low, same));
        _mm_storeu_si128((__m128i *)(void *)(to + i), v);
        if (marks)
            return i + (size_t)__builtin_ctz((unsigned)marks);
    }
    return i;
}
#else
/* In `marks` bit 7 of a byte tells of what is below a space, above ~, or "=";
   a borrow only ever marks one more. */
static size_t smtp__c_qp_words(char *to, const char *from, size_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t w, marks;
    size_t i;
    for (i = 0; i + 8 <= n; i += 8) {
        memcpy(&w, from + i, 8);
        marks = (w - ones * ' ') | (w + ones) | ((w ^ ones * '=') - ones) | w;
        if (marks & ones * 128)
            break;
        memcpy(to + i, &w, 8);
    }
    return i;
}
#endif

/* Copies what stands for itself, up to the end of the line and with its LF if
   no white space is before that. */
static int smtp__c_qp_run(smtp_composer *c)
{
    char *to = smtp__c_end(c);
    const char *from = c->data;
    size_t n = smtp__min(smtp__c_room(c) - SMTP__ROOM, c->left), i;
    if (c->place.column > 72)
        return 0;
    n = smtp__min(n, 73u - c->place.column);
    i = smtp__c_qp_words(to, from, n);
    for (; i < n && smtp__c_qp_plain(from[i]); i++)
        to[i] = from[i];
    if (i == 0)
        return 0;
    smtp__c_took(c, i, i);
    c->last = from[i - 1];
    if (c->left == 0 || *c->data != '\n' || c->last == ' ' || c->last == '\t')
        return 1;
    memcpy(to + i, "\r\n", 2);
    smtp__c_took(c, 1, 2);
    c->last = '\n';
    c->place.column = 0;
    return 1;
}

/* Copies a body that goes as it is: of a text what is in a line. */
static int smtp__c_copy(smtp_composer *c)
{
    size_t n = smtp__min(smtp__c_room(c), c->left), i = 0;
    if (!c->text)
        i = n;
    while (i < n && c->data[i] != '\r' && c->data[i] != '\n')
        i++;
    if (i == 0)
        return 0;
    memcpy(smtp__c_end(c), c->data, i);
    smtp__c_took(c, i, i);
    c->last = c->data[-1];
    return 1;
}

/* Many bytes at once; 0: take one. */
static int smtp__c_fast(smtp_composer *c)
{
    if (c->place.encoding < SMTP__QP)
        return smtp__c_copy(c);
    if (c->place.encoding == SMTP__QP)
        return smtp__c_qp_run(c);
    return !c->text && smtp__c_base64(c);
}

/* A line of base64 begins in the next buffer if this has no room for all of
   it, so that whole lines stay whole. */
static int smtp__c_better_next(const smtp_composer *c)
{
    return c->place.encoding == SMTP__BASE64 && c->place.column % 76u == 0 &&
           c->left > 57 && c->place.made != c->at && smtp__c_room(c) < 80;
}
#else
static int smtp__c_fast(smtp_composer *c)
{
    (void)c;
    return 0;
}

static int smtp__c_better_next(const smtp_composer *c)
{
    (void)c;
    return 0;
}
#endif

/* Counts a body that is not read. */
static void smtp__c_count_body(smtp_composer *c)
{
    smtp_size size = c->body->size, made;
    c->place.step = SMTP__STEP_FIRST;
    if (size == 0 || c->place.encoding != SMTP__BASE64) {
        c->place.made = 0;         /* an unknown length ends the pass */
        c->place.row = SMTP__C_END;
        return;
    }
    made = (size + 2) / 3 * 4 + (size - 1) / 57 * 2;
    c->place.made += made;
    if (c->place.made < made || made < size)
        smtp__c_fail(c, -SMTP_E_SIZE);
}

/* There is no room for what comes next. Bytes of a body are put only where
   there is SMTP__ROOM: what has been taken from a source cannot be made
   anew. */
static int smtp__c_full(const smtp_composer *c)
{
    return c->place.made > c->at + (SMTP_COMPOSE_BUFFER - SMTP__ROOM) ||
           smtp__c_better_next(c);
}

/* As much of a body as there is room for. */
static void smtp__c_body(smtp_composer *c)
{
    if (c->pass == SMTP__PASS_MAKE || c->body->pull == NULL) {
        while (!smtp__c_full(c) && (c->left > 0 || smtp__c_more(c)))
            if (!smtp__c_fast(c))
                smtp__c_byte(c);
    } else {
        smtp__c_count_body(c);
    }
}

/* -- parts -- */

/* filename="...", or in the form of RFC 2231, section 4, and if it may not
   fit a line, in segments (section 3) of whole characters. */
static void smtp__c_filename(smtp_composer *c, const char *s)
{
    int one = strlen(s) <= 16, quotable = smtp__c_quotable(c, s) > 0;
    unsigned n = 0;
    while (*s != '\0') {
        smtp__c_say(c, SMTP__T_FILE);
        if (quotable) {
            smtp__c_put_quoted(smtp__c_char(c, '='), s);
            return;
        }
        if (!one)
            smtp__c_number(c, '*', n, 1);
        smtp__c_say(c, n > 0 ? SMTP__T_FURTHER : SMTP__T_FIRST);
        n++;
        do
            smtp__c_escape(c, '%', *s, smtp__alnum(*s, "."));
        while (smtp__continues(*++s) ||
               (*s != '\0' && c->place.column < SMTP__FOLD - 12));
    }
}

static void smtp__c_part_fields(smtp_composer *c, const smtp_part *part)
{
    if (part->id != NULL)
        smtp__c_id(smtp__c_say(c, SMTP__T_CONTENT_ID), part->id, 0);
    smtp__c_say(smtp__c_say(c, SMTP__T_DISPOSITION),
                part->disposition == SMTP_INLINE ? SMTP__T_INLINE
                                                 : SMTP__T_ATTACHMENT);
    if (part->name != NULL)
        smtp__c_filename(c, part->name);
}

/* A type of the caller's: it has a subtype. */
static const char *smtp__c_type(smtp_composer *c, const char *type)
{
    const char *s = type;
    while (*s != '\0' && *s != '/')
        s++;
    if (*s == '\0' || smtp__same(type, smtp__c_text(SMTP__T_MULTIPART), 10))
        smtp__c_fail(c, -SMTP_E_FIELD_SYNTAX);
    return type;
}

/* The header of a part, or of a multipart, that `opens`. */
static void smtp__c_part_header(smtp_composer *c, unsigned opens,
                                const char *type)
{
    const smtp_part *part = c->part;
    smtp__c_say(c, SMTP__T_TYPE);
    c->place.open = (uint8_t)(c->place.open + opens);
    smtp__c_words(c, type, SMTP__TOKENS);
    if (part != NULL)
        smtp__c_part_fields(c, part);
    else if (opens)
        smtp__c_say(smtp__c_say(c, c->place.row), SMTP__T_BOUNDARY);
    else
        smtp__c_say(c, SMTP__T_CHARSET);
    if (c->place.row == SMTP__C_TEXT && c->message->flowed)
        smtp__c_say(c, SMTP__T_FLOWED);
    if (c->place.encoding != SMTP__7BIT)
        smtp__c_say(smtp__c_say(c, SMTP__T_ENCODING),
                    SMTP__T_8BIT - 1u + c->place.encoding);
    smtp__c_say(c, SMTP__T_BLANK);
}

/* Which multipart a part belongs to. */
static unsigned smtp__c_where(const smtp_composer *c, const smtp_part *part)
{
    return (c->shape & SMTP__HAS_HTML) && part->id != NULL &&
           part->disposition == SMTP_INLINE ? SMTP__RELATED : SMTP__MIXED;
}

/* The type of a part, and its encoding. A message must not be encoded again
   (RFC 2046, section 5.2.1): it goes as a text can, or turns into a file. */
static const char *smtp__c_choose(smtp_composer *c, const smtp_part *part)
{
    const char *type = NULL;
    c->text = 1;
    if (part != NULL) {
        type = part->type;
        c->text = type != NULL && smtp__same(type, "message/", 8);
    }
    c->place.encoding = smtp__c_encoding(c);
    if (part == NULL)
        return smtp__c_text(c->place.row);
    if (c->place.encoding > SMTP__8BIT) {
        if (c->text)
            type = NULL;
        c->text = 0;
    }
    return type == NULL ? smtp__c_text(SMTP__T_OCTETS) : smtp__c_type(c, type);
}

/* Of text, html or a part: its type if it is there and its header is next; of
   its body, as much as there is room for, and 0. */
static const char *smtp__c_part(smtp_composer *c, const smtp_body *b,
                                const smtp_part *part, unsigned kind)
{
    const char *type;
    c->body = b;
    c->part = part;
    if (b->data != NULL || b->pull != NULL) {
        c->shape = (uint8_t)(c->shape | kind);
    } else if (b->size > 0) {
        smtp__c_fail(c, -SMTP_E_ARGUMENT);
        return NULL;
    }
    if ((c->shape & kind) == 0)
        return NULL;
    if (c->place.step == SMTP__STEP_BODY) {
        smtp__c_body(c);
        return NULL;
    }
    if (c->pass != SMTP__PASS_PLAN)
        c->place.step = SMTP__STEP_BODY;
    c->pulled = 0;
    c->last = 0;
    type = smtp__c_choose(c, part);
    c->flags = (uint8_t)(c->flags | (b->flags & SMTP__C_ONCE) |
                         1 << c->place.encoding);
    return type;
}

/* The type of a multipart, to be begun; 0: it was open, and is ended. It is
   encoded as any part may be (RFC 2045, section 6.4). */
static const char *smtp__c_multipart(smtp_composer *c, unsigned level)
{
    if (c->place.open & level) {
        c = smtp__c_say(c, SMTP__T_LAST);
        c->place.open = (uint8_t)(c->place.open - level);
        return NULL;
    }
    c->place.encoding = c->flags & SMTP__C_BINARY ? SMTP__BINARY
                      : c->flags & SMTP__C_8BIT ? SMTP__8BIT : SMTP__7BIT;
    c->part = NULL;
    return smtp__c_text(SMTP__T_MULTIPART);
}

/* -- the whole -- */

/* Text, html, a part or a multipart, if it is of this row. In the plan a
   multipart is missed, or begins where it should end: its parts are not known
   yet, and nothing is kept of it. */
static void smtp__c_content(smtp_composer *c, unsigned kind, unsigned value)
{
    const smtp_message *m = c->message;
    const smtp_part *part = NULL;
    const smtp_body *b;
    const char *type;
    unsigned opens = 0;
    if (kind == SMTP__KIND_MULTIPART) {
        if ((c->shape & value) == 0)
            return;
        opens = value;
        type = smtp__c_multipart(c, value);
    } else {
        b = (const smtp_body *)(const void *)((const char *)m + value);
        if (kind == SMTP__KIND_INLINE || kind == SMTP__KIND_ATTACHED) {
            part = &m->parts[c->place.item];
            value = smtp__c_where(c, part);
            c->shape = (uint8_t)(c->shape | value);
            b = &part->body;
            if (value != kind)
                return;
        }
        type = smtp__c_part(c, b, part, kind);
    }
    if (type != NULL)
        smtp__c_part_header(c, opens, type);
}

/* One item of a row. */
static void smtp__c_unit(smtp_composer *c, unsigned kind, unsigned value)
{
    const char *text = NULL;
    unsigned how = kind == SMTP__KIND_SUBJECT ? SMTP__TEXT : SMTP__TOKENS;
    switch (kind) {
    case SMTP__KIND_NONE:
        break;
    case SMTP__KIND_WHO:
        smtp__c_person(c);
        break;
    case SMTP__KIND_OWN:
        text = smtp__c_own(c);
        how = SMTP__FIELD;
        break;
    case SMTP__KIND_DATE:
        smtp__c_date(c);
        break;
    case SMTP__KIND_ID:
        smtp__c_message_id(c);
        break;
    case SMTP__KIND_MIME:
        text = "1.0";
        break;
    case SMTP__KIND_SUBJECT:
    case SMTP__KIND_TOKENS:
        text = *(const char *const *)(const void *)(
            (const char *)c->message + value);
        break;
    default:
        smtp__c_content(c, kind, value);
    }
    if (text != NULL)
        smtp__c_words(smtp__c_label(c), text, how);
}

static void smtp__c_step(smtp_composer *c)
{
    unsigned kind = smtp__c_kinds[c->place.row][0];
    unsigned value = smtp__c_kinds[c->place.row][1];
    size_t items = kind >= SMTP__KIND_NONE
                 ? 1 : *(const size_t *)(const void *)(
                           (const char *)c->message + value);
    if (c->place.item == items) {
        c->place.row++;
        c->place.step = SMTP__STEP_FIRST;
        c->place.item = 0;
        return;
    }
    smtp__c_unit(c, kind, value);
    if (c->place.step != SMTP__STEP_BODY)
        c->place.item++;
}

/* Fills the buffer with what comes next. Only what is to be sent has to stay
   in it: in the other passes there always is room, and one call makes all. */
static void smtp__c_fill(smtp_composer *c)
{
    if (smtp__is(c->status, SMTP_AGAIN))
        c->status = SMTP_OK;
    c->at += c->fill;
    c->fill = 0;
    while (smtp__is(c->status, SMTP_OK) && c->place.row != SMTP__C_END &&
           !smtp__c_full(c)) {
        smtp_place was = c->place;
        smtp__c_step(c);
        if (c->pass != SMTP__PASS_MAKE)
            c->at = c->place.made;
        c->fill = (uint16_t)(c->place.made - c->at);
        if (c->place.made > c->at + SMTP_COMPOSE_BUFFER) {
            c->fill = SMTP_COMPOSE_BUFFER;
            c->place = was;
            return;
        }
    }
}

static void smtp__c_restart(smtp_composer *c)
{
    memset(c, 0, offsetof(smtp_composer, pass));
    c->group = 1;
}

static ptrdiff_t smtp__c_pull(void *ctx, smtp_size offset, const char **data)
{
    smtp_composer *c = (smtp_composer *)ctx;
    if (offset < c->at)
        smtp__c_restart(c);
    while (offset - c->at >= c->fill) {
        smtp__c_fill(c);
        if (c->fill == 0)
            return c->status;
    }
    offset -= c->at;
    *data = c->buffer + offset;
    return (ptrdiff_t)(c->fill - offset);
}

/* -- before the first byte -- */

/* Checks an address, and what it needs of the header. */
static void smtp__c_check_address(smtp_composer *c, const smtp_mailbox *who)
{
    int kind = smtp__addr_spec(who->address);
    if (kind == 0)
        smtp__c_fail(c, -SMTP_E_FIELD_ADDRESS);
    if (kind < 2)
        return;
    smtp__c_plain(c, who->address, SMTP__TOKENS);
    if (who->role == SMTP_BCC)
        return;
    c->flags |= SMTP__C_RAW;
    if (!(c->message->offers & SMTP_EXT_SMTPUTF8))
        smtp__c_fail(c, -SMTP_E_UTF8);
}

/* A row that has to be there. */
SMTP__APART static void smtp__c_need(smtp_composer *c, const char *there,
                                     uint8_t row)
{
    c->place.row = row;
    c->place.item = 0;
    if (there == NULL)
        smtp__c_fail(c, -SMTP_E_FIELD_MISSING);
}

/* Checks everyone (RFC 5322, section 3.6.2), and makes the envelope. */
static void smtp__c_people(smtp_composer *c, smtp_mail *mail,
                           smtp_recipient *to, size_t count)
{
    const smtp_mailbox *who = c->message->who;
    const char *sender = NULL, *second = NULL, *last = NULL;
    size_t n = 0;
    for (; c->place.item < c->message->who_count; c->place.item++, who++) {
        if (who->role > SMTP_REPLY_TO)
            smtp__c_fail(c, -SMTP_E_ARGUMENT);
        c->place.row = (uint8_t)smtp__c_row_of(who->role);
        smtp__c_check_address(c, who);
        if (who->role <= SMTP_BCC) {
            last = who->address;
            if (n < count && to != NULL) {
                memset(to + n, 0, sizeof *to);
                to[n].address = last;
            }
            n++;
        } else if (who->role == SMTP_SENDER) {
            if (sender != NULL)
                smtp__c_fail(c, -SMTP_E_FIELD_SYNTAX);
            sender = who->address;
        } else if (who->role == SMTP_FROM) {
            second = c->from;
            c->from = who->address;
        }
    }
    smtp__c_need(c, c->from, SMTP__C_FROM);
    smtp__c_need(c, second ? sender : c->from, SMTP__C_SENDER);
    smtp__c_need(c, last, SMTP__C_TO);
    mail->from = sender ? sender : c->from;
    if (to == NULL)
        return;
    if (n > count)
        smtp__c_fail(c, -SMTP_E_ARGUMENT);
    mail->to = to;
    mail->to_count = n;
}

/* A mail without any part has an empty text; text and html are alternatives. */
static void smtp__c_reshape(smtp_composer *c)
{
    unsigned shape = c->shape;
    if (shape == 0)
        shape = SMTP__HAS_TEXT;
    if (shape >= SMTP__HAS_TEXT + SMTP__HAS_HTML)
        shape |= SMTP__ALTERNATIVE;
    c->shape = (uint8_t)shape;
}

SMTP_API smtp_status smtp_compose(smtp_composer *composer,
                                  const smtp_message *message,
                                  smtp_mail *mail, smtp_recipient *to,
                                  size_t count)
{
    smtp_composer *c = composer;
    const smtp_message *m = message;
    memset(c, 0, sizeof *c);
    c->message = m;
    smtp__c_hex(smtp__c_say(c, SMTP__T_MARK),
                m->boundary ^ m->date ^ m->unique[0] ^ m->unique[1], 32);
    memcpy(c->mark, c->buffer, (size_t)c->place.made);
    smtp__c_people(c, mail, to, count);
    mail->body.pull = smtp__c_pull;
    mail->body.ctx = c;
    for (c->pass = SMTP__PASS_PLAN; c->status == SMTP_OK; c->pass--) {
        mail->body.size = c->at;
        smtp__c_restart(c);
        if (c->pass == SMTP__PASS_MAKE)
            break;
        smtp__c_fill(c);
        smtp__c_reshape(c);
    }
    mail->body.flags = c->flags & SMTP__C_OF_BODY;
    if (!(c->flags & SMTP__C_BINARY))
        mail->body.flags |= SMTP_BODY_CANONICAL;
    return c->status;
}

#endif /* SMTP_NO_COMPOSE */

/* ---- adapter: POSIX ------------------------------------------------------ */
#ifdef SMTP_POSIX
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if !defined(AI_NUMERICHOST) || !defined(CLOCK_MONOTONIC) ||                  \
    !defined(O_CLOEXEC)
#error "smtp.h: POSIX is hidden by -std=c99 or an older version asked for. \
Include smtp.h first in its file, or define _POSIX_C_SOURCE as 200809L."
#endif

#define SMTP__CONNECT_MS 30000ul
#define SMTP__RETRY_MS 10          /* between looks at what cannot be polled */
#define SMTP__RECV_MS 1000ul       /* that recv() waits at a time */
#define SMTP__DOMAIN_MIN 256       /* POSIX host names have up to 255 bytes */

/* Closes a new socket on exec() without a gap for another thread's fork(). */
#ifdef SOCK_CLOEXEC
#define SMTP__SOCK_CLOEXEC SOCK_CLOEXEC
#else
#define SMTP__SOCK_CLOEXEC 0
#endif

/* One of these keeps SIGPIPE away. */
#ifdef MSG_NOSIGNAL
#define SMTP__NOSIGNAL MSG_NOSIGNAL
#else
#define SMTP__NOSIGNAL 0
#endif
#ifdef SO_NOSIGPIPE
static void smtp__posix_no_sigpipe(int fd)
{
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
}
#else
#ifndef MSG_NOSIGNAL
#error "smtp.h: neither MSG_NOSIGNAL nor SO_NOSIGPIPE: a lost peer would kill."
#endif
static void smtp__posix_no_sigpipe(int fd)
{
    (void)fd;
}
#endif

#ifdef MSG_DONTWAIT
#define SMTP__DONTWAIT MSG_DONTWAIT
#else
#define SMTP__DONTWAIT 0
#endif

typedef union smtp__posix_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
} smtp__posix_address;

static unsigned long smtp__posix_clock(void *ctx)
{
    struct timespec now;
    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long)now.tv_sec * 1000u
           + (unsigned long)(now.tv_nsec / 1000000);
}

/* poll() of one descriptor (-1: a pause) that outlives signals.
   SMTP_OK: ready, SMTP_E_TIMEOUT, SMTP_E_IO. */
static int smtp__posix_poll(int fd, short events, unsigned long ms)
{
    unsigned long start = smtp__posix_clock(NULL), gone = 0;
    struct pollfd one;
    one.fd = fd;
    one.events = events;
    do {
        unsigned long left = ms - gone;
        int n = poll(&one, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (n > 0)
            return SMTP_OK;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return SMTP_E_IO;
        gone = smtp__posix_clock(NULL) - start;
    } while (gone < ms);
    return SMTP_E_TIMEOUT;
}

/* How connecting ended: 0 or an errno. */
static int smtp__posix_connected(int fd)
{
    smtp__posix_address peer;
    socklen_t size = sizeof(int);
    int error = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        return errno;
    size = sizeof peer;
    if (error == 0 && getpeername(fd, &peer.any, &size) != 0)
        error = errno;
    return error;
}

static smtp_status smtp__posix_unconnected(smtp_posix *p, int error)
{
    p->error = errno = error;
    return error == ETIMEDOUT ? SMTP_E_TIMEOUT : SMTP_E_CONNECT;
}

/* SMTP_OK: the socket is connected. SMTP_AGAIN: not yet. */
static int smtp__posix_ready(smtp_posix *p)
{
    int error;
    if (!p->connecting)
        return SMTP_OK;
    if (smtp__posix_poll(p->fd, POLLOUT, 0) == SMTP_E_TIMEOUT)
        return SMTP_AGAIN;
    error = smtp__posix_connected(p->fd);
    if (error != 0)
        return smtp__posix_unconnected(p, error);
    p->connecting = 0;
    return SMTP_OK;
}

/* The status for the errno of recv() or send(). */
static int smtp__posix_failed(smtp_posix *p, int error)
{
    if (error == EAGAIN || error == EINTR || error == EWOULDBLOCK)
        return SMTP_AGAIN;
    p->error = error;
    if (error == ECONNRESET || error == EPIPE)
        return SMTP_EOF;
    return error == ETIMEDOUT ? SMTP_E_TIMEOUT : SMTP_E_IO;
}

static ptrdiff_t smtp__posix_recv(void *ctx, void *buffer, size_t size)
{
    smtp_posix *p = (smtp_posix *)ctx;
    int st = smtp__posix_ready(p);
    ssize_t n;
    if (st != SMTP_OK)
        return st;
    do                             /* who waits looks at the clock again */
        n = recv(p->fd, buffer, size, p->waits ? 0 : SMTP__DONTWAIT);
    while (n < 0 && errno == EINTR && !p->waits);
    p->waits = 0;
    if (n == 0)
        return SMTP_EOF;
    return n > 0 ? (ptrdiff_t)n : smtp__posix_failed(p, errno);
}

static ptrdiff_t smtp__posix_send(void *ctx, const void *data, size_t size)
{
    smtp_posix *p = (smtp_posix *)ctx;
    int st = smtp__posix_ready(p);
    ssize_t n;
    if (st != SMTP_OK)
        return st;
    do
        n = send(p->fd, data, size, SMTP__NOSIGNAL | SMTP__DONTWAIT);
    while (n < 0 && errno == EINTR);
    p->waits = 0;
    return n >= 0 ? (ptrdiff_t)n : smtp__posix_failed(p, errno);
}

/* A socket that is connecting tells both ways by becoming writable. */
static int smtp__posix_wants(void *ctx, int wants)
{
    const smtp_posix *p = (const smtp_posix *)ctx;
    return wants && p->connecting ? SMTP_WRITE : wants;
}

/* Whether the next recv() waits by itself, which takes one system call instead
   of two. Where no single call can be told not to wait, none may. */
static int smtp__posix_recv_waits(smtp_posix *p)
{
    struct timeval most;
    int flags = p->blocks || SMTP__DONTWAIT == 0 ? -1 : fcntl(p->fd, F_GETFL);
    memset(&most, 0, sizeof most);
    most.tv_sec = SMTP__RECV_MS / 1000;
    if (flags >= 0)
        p->blocks = setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &most,
                               sizeof most) == 0 &&
                    fcntl(p->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
    return p->waits = p->blocks;
}

static int smtp__posix_wait(void *ctx, int wants, unsigned long ms)
{
    smtp_posix *p = (smtp_posix *)ctx;
    int events = 0, st;
    wants = smtp__posix_wants(ctx, wants);
    if (wants == SMTP_READ && ms >= SMTP__RECV_MS && smtp__posix_recv_waits(p))
        return SMTP_OK;
    if (wants & SMTP_READ)
        events |= POLLIN;
    if (wants & SMTP_WRITE)
        events |= POLLOUT;
    st = smtp__posix_poll(wants ? p->fd : -1, (short)events, ms);
    if (st == SMTP_E_IO)
        p->error = errno;
    return wants == 0 && st == SMTP_E_TIMEOUT ? SMTP_OK : st;
}

SMTP_API void smtp_posix_close(smtp_posix *p)
{
    int error = errno;
    if (p->fd >= 0) {
        (void)shutdown(p->fd, SHUT_RDWR);    /* a fork may hold it open */
        (void)close(p->fd);
    }
    p->fd = -1;
    errno = error;
}

static void smtp__posix_hang_up(void *ctx)
{
    smtp_posix_close((smtp_posix *)ctx);
}

SMTP_API smtp_io smtp_posix_io(smtp_posix *p, int blocking)
{
    smtp_io io;
    memset(&io, 0, sizeof io);
    io.ctx = p;
    io.recv = smtp__posix_recv;
    io.send = smtp__posix_send;
    io.close = smtp__posix_hang_up;
    io.wait = blocking ? smtp__posix_wait : NULL;
    io.wants = smtp__posix_wants;
    io.clock = smtp__posix_clock;
    return io;
}

static void smtp__posix_clear(smtp_posix *p)
{
    p->fd = -1;
    p->error = 0;
    p->connecting = 0;
    p->blocks = p->waits = 0;
}

/* 0, or -1 and errno. A Unix socket has no TCP_NODELAY: no failure. */
static int smtp__posix_prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL), on = 1;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    smtp__posix_no_sigpipe(fd);
    return 0;
}

SMTP_API smtp_status smtp_posix_attach(smtp_posix *p, int fd)
{
    smtp__posix_address peer;
    socklen_t size = sizeof(int);
    int type = 0;
    smtp__posix_clear(p);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
        type != SOCK_STREAM)
        errno = EPROTOTYPE;
    if (type != SOCK_STREAM || smtp__posix_prepare(fd) != 0) {
        p->error = errno;
        return SMTP_E_IO;
    }
    size = sizeof peer;
    p->connecting = getpeername(fd, &peer.any, &size) != 0;
    p->fd = fd;
    return SMTP_OK;
}

/* A new socket for p, bound to `source` if that is given: 0 or an errno. */
static int smtp__posix_socket(smtp_posix *p, int family,
                              const struct addrinfo *source)
{
    p->fd = socket(family, SOCK_STREAM | SMTP__SOCK_CLOEXEC, 0);
    if (p->fd < 0 || fcntl(p->fd, F_SETFD, FD_CLOEXEC) < 0 ||
        smtp__posix_prepare(p->fd) != 0)
        return errno;
    if (source && bind(p->fd, source->ai_addr, source->ai_addrlen) != 0)
        return errno;
    return 0;
}

/* Waits until connect() has ended: 0 or an errno. */
static int smtp__posix_finish(int fd, unsigned long ms)
{
    int st = smtp__posix_poll(fd, POLLOUT, ms);
    if (st == SMTP_E_TIMEOUT)
        return ETIMEDOUT;
    return st == SMTP_OK ? smtp__posix_connected(fd) : errno;
}

/* 0 or an errno. A Unix socket whose listener has no room says EAGAIN, and
   nothing to poll for. */
static int smtp__posix_reach(int fd, const struct sockaddr *to,
                             socklen_t size, unsigned long ms)
{
    unsigned long start = smtp__posix_clock(NULL);
    while (connect(fd, to, size) != 0) {
        if (errno == EINPROGRESS || errno == EINTR)
            return smtp__posix_finish(fd, ms);
        if (errno != EAGAIN || to->sa_family != AF_UNIX)
            return errno;
        if (smtp__posix_clock(NULL) - start >= ms)
            return ETIMEDOUT;
        (void)poll(NULL, 0, SMTP__RETRY_MS);
    }
    return 0;
}

/* Connects p to one address: 0, or an errno and no socket. */
static int smtp__posix_try(smtp_posix *p, const struct sockaddr *to,
                           socklen_t size, const struct addrinfo *source,
                           unsigned long ms)
{
    int error = smtp__posix_socket(p, to->sa_family, source);
    if (error == 0)
        error = smtp__posix_reach(p->fd, to, size, ms);
    if (error != 0)
        smtp_posix_close(p);
    return error;
}

static smtp_status smtp__posix_connect_path(smtp_posix *p, const char *path,
                                            unsigned long ms)
{
    smtp__posix_address to;
    size_t size = strlen(path) + 1;
    int error = ENAMETOOLONG;
    memset(&to, 0, sizeof to);
    to.local.sun_family = AF_UNIX;
    if (size <= sizeof to.local.sun_path) {
        memcpy(to.local.sun_path, path, size);
        error = smtp__posix_try(p, &to.any, sizeof to.local, NULL, ms);
    }
    return error ? smtp__posix_unconnected(p, error) : SMTP_OK;
}

/* Nothing was sent to such an address: this machine has no way to it. */
static int smtp__posix_no_way(int error)
{
    return error == EAFNOSUPPORT || error == ENETUNREACH ||
           error == EADDRNOTAVAIL;
}

/* Tries each address. What is reported is the last failure, but one without a
   way does not hide another: resolvers put those addresses last. */
static smtp_status smtp__posix_connect_any(smtp_posix *p,
                                           const struct addrinfo *to,
                                           const struct addrinfo *source,
                                           unsigned long ms)
{
    int last = EAFNOSUPPORT;
    for (; to; to = to->ai_next) {
        int error;
        if (source && source->ai_family != to->ai_family)
            continue;
        error = smtp__posix_try(p, to->ai_addr, to->ai_addrlen, source, ms);
        if (error == 0)
            return SMTP_OK;
        if (!smtp__posix_no_way(error) || smtp__posix_no_way(last))
            last = error;
    }
    return smtp__posix_unconnected(p, last);
}

/* What went wrong in a lookup. glibc says that there is no such host, or
   service, where it had no descriptor to find out. */
static int smtp__posix_lookup_fault(int fault)
{
    return errno == EMFILE || errno == ENFILE ? EAI_SYSTEM : fault;
}

static smtp_status smtp__posix_lookup(const char *host, const char *service,
                                      int flags, struct addrinfo **list)
{
    struct addrinfo hints;
    int fault;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;        /* no AI_ADDRCONFIG: it hides loopback */
    *list = NULL;
    errno = 0;
    fault = getaddrinfo(host, service, &hints, list);
    switch (fault ? smtp__posix_lookup_fault(fault) : 0) {
    case 0:
        return SMTP_OK;
    case EAI_SERVICE:
        return SMTP_E_ARGUMENT;
    case EAI_AGAIN:
    case EAI_MEMORY:
    case EAI_SYSTEM:
        return SMTP_E_LOOKUP;
    default:
        return SMTP_E_HOST;
    }
}

/* 1: a service name, or a number from 1 to 65535. getaddrinfo() would cut a
   larger one to 16 bits, also after a sign or a space. */
static int smtp__posix_service_check(const char *service)
{
    unsigned long port = 0;
    if (!service || *service < '0')
        return 0;
    for (; *service >= '0' && *service <= '9'; service++)
        if ((port = port * 10 + (unsigned long)(*service - '0')) > 65535)
            return 0;
    return *service != 0 || port != 0;
}

SMTP_API smtp_status smtp_posix_connect(smtp_posix *p, const char *host,
                                        const char *service,
                                        const char *source,
                                        unsigned long ms)
{
    struct addrinfo *to = NULL, *from = NULL;
    smtp_status st = SMTP_OK;
    smtp__posix_clear(p);
    if (ms == 0)
        ms = SMTP__CONNECT_MS;
    if (host && host[0] == '/')
        return smtp__posix_connect_path(p, host, ms);
    if (!host || !*host || !smtp__posix_service_check(service))
        return SMTP_E_ARGUMENT;
    if (source && smtp__posix_lookup(source, NULL, AI_NUMERICHOST, &from))
        return SMTP_E_ARGUMENT;
    st = smtp__posix_lookup(host, service, 0, &to);
    if (st == SMTP_OK)
        st = smtp__posix_connect_any(p, to, from, ms);
    if (to)
        freeaddrinfo(to);
    if (from)
        freeaddrinfo(from);
    if (p->error)
        errno = p->error;
    return st;
}

/* 1: a domain of two labels or more; "localhost.localdomain" names nobody. */
static int smtp__posix_full_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz-0123456789."
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *dot = strchr(name, '.');
    size_t size = strlen(name);
    return dot && dot != name && name[size - 1] != '.' &&
           strspn(name, letters) == size &&
           strncmp(name, "localhost.", 10) != 0;
}

SMTP_API smtp_status smtp_posix_domain(const smtp_posix *p, char *name,
                                       size_t size)
{
    smtp__posix_address own;
    socklen_t room = sizeof own;
    const char *text = NULL;
    if (!name || size < SMTP__DOMAIN_MIN)
        return SMTP_E_ARGUMENT;
    if (gethostname(name, size) == 0 && smtp__posix_full_name(name))
        return SMTP_OK;
    memset(&own, 0, sizeof own);
    (void)getsockname(p->fd, &own.any, &room);
    memcpy(name, "[IPv6:", 6);
    if (own.any.sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &own.v6.sin6_addr, name + 6, 46);
    if (own.any.sa_family == AF_INET)
        text = inet_ntop(AF_INET, &own.v4.sin_addr, name + 1, 46);
    if (!text)
        memcpy(name + 1, "127.0.0.1", 10);
    memcpy(name + strlen(name), "]", 2);
    return SMTP_OK;
}
#endif /* SMTP_POSIX */

/* ---- adapter: BearSSL ---------------------------------------------------- */
#ifdef SMTP_BEARSSL

/* -- what went wrong -- */

enum {                             /* RFC 5246, sections 6.2.1 and 7.2 */
    SMTP__TLS_ALERT_RECORD = 21,   /* a content type, and alerts: */
    SMTP__TLS_HANDSHAKE_FAILURE = 40,
    SMTP__TLS_PROTOCOL_VERSION = 70,
    SMTP__TLS_INSUFFICIENT_SECURITY = 71
};

static const struct smtp__tls_cause {
    uint8_t error;                 /* BR_ERR_... */
    int8_t status;
} smtp__tls_causes[] = {
    {BR_ERR_OK, SMTP_EOF},
    {BR_ERR_UNSUPPORTED_VERSION, SMTP_E_TLS_VERSION},
    {BR_ERR_BAD_VERSION, SMTP_E_TLS_VERSION},
    {BR_ERR_BAD_CIPHER_SUITE, SMTP_E_TLS_VERSION},
    {BR_ERR_TOO_LARGE, SMTP_E_TLS_RECORD},
    {BR_ERR_NO_RANDOM, SMTP_E_TLS_ENTROPY},
    {BR_ERR_WRONG_KEY_USAGE, SMTP_E_TLS_CERT},
    {BR_ERR_X509_TIME_UNKNOWN, SMTP_E_TLS_TIME},
    {BR_ERR_X509_EXPIRED, SMTP_E_TLS_EXPIRED},
    {BR_ERR_X509_DN_MISMATCH, SMTP_E_TLS_ISSUER},
    {BR_ERR_X509_BAD_SERVER_NAME, SMTP_E_TLS_NAME},
    {BR_ERR_X509_NOT_TRUSTED, SMTP_E_TLS_ISSUER}
};

/* An alert from the server. A handshake failure before it has chosen a version
   says that there was nothing to choose. */
static int smtp__tls_alert(int alert, int chosen)
{
    if (alert == SMTP__TLS_PROTOCOL_VERSION ||
        alert == SMTP__TLS_INSUFFICIENT_SECURITY ||
        (alert == SMTP__TLS_HANDSHAKE_FAILURE && !chosen))
        return SMTP_E_TLS_VERSION;
    return SMTP_E_TLS_ALERT;
}

static int smtp__tls_reason(int error, int chosen)
{
    const struct smtp__tls_cause *r = smtp__tls_causes;
    const struct smtp__tls_cause *end =
        r + sizeof smtp__tls_causes / sizeof *r;
    for (; r < end; r++)
        if (r->error == error)
            return r->status;
    if (error >= BR_ERR_SEND_FATAL_ALERT)
        return SMTP_E_TLS;
    if (error >= BR_ERR_RECV_FATAL_ALERT)
        return smtp__tls_alert(error - BR_ERR_RECV_FATAL_ALERT, chosen);
    return error > BR_ERR_X509_OK ? SMTP_E_TLS_CERT : SMTP_E_TLS;
}

/* -- bytes of a file -- */

#if SMTP_TLS_PEM || SMTP__TLS_CLIENT_FILES

/* Takes a piece of some input. 0: that was enough. */
typedef int smtp__feed(void *ctx, const unsigned char *data, size_t size);

#ifdef SMTP_POSIX

static ssize_t smtp__file_read(int fd, void *piece, size_t size)
{
    ssize_t n;
    do
        n = read(fd, piece, size);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Hands the file to `take`, piece by piece. SMTP_OK, or SMTP_E_IO. */
static int smtp__read_file(const char *path, smtp__feed *take, void *ctx)
{
    unsigned char piece[512];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SMTP_E_IO;
    do
        n = smtp__file_read(fd, piece, sizeof piece);
    while (n > 0 && take(ctx, piece, (size_t)n));
    close(fd);
    smtp__wipe(piece, sizeof piece);
    return n < 0 ? SMTP_E_IO : SMTP_OK;
}

#else

static int smtp__read_file(const char *path, smtp__feed *take, void *ctx)
{
    (void)path, (void)take, (void)ctx;
    return SMTP_E_IO;
}

#endif

/* -- PEM (RFC 7468) -- */

/* What becomes of the objects in a text whose labels end in `suffix`. */
typedef struct smtp__pem_kind {
    const char *suffix;
    void (*begin)(void *ctx);
    void (*bytes)(void *ctx, const void *data, size_t size);
    int (*end)(void *ctx);         /* 0: that was enough */
} smtp__pem_kind;

typedef struct smtp__pem {
    const smtp__pem_kind *kind;
    void *ctx;
    uint8_t inside;                /* such an object, good so far */
    uint8_t middle;                /* of a line */
    uint8_t boundary;              /* the line began with a dash */
    uint8_t length, size;          /* of line, of out */
    uint8_t digits;                /* in `bits`, 0 to 3 */
    uint32_t bits;
    char line[64];                 /* of a boundary; what is longer is none */
    unsigned char out[48];         /* full after a line of 64 digits */
} smtp__pem;

/* Without a branch or a table: the text may be a key's. -1: no digit. */
static int smtp__base64_digit(int c)
{
    return (c >= 'A' && c <= 'Z') * (c - 'A' + 1)
         + (c >= 'a' && c <= 'z') * (c - 'a' + 27)
         + (c >= '0' && c <= '9') * (c - '0' + 53)
         + (c == '+') * 63 + (c == '/') * 64 - 1;
}

static void smtp__pem_flush(smtp__pem *pem)
{
    if (pem->size > 0)
        pem->kind->bytes(pem->ctx, pem->out, pem->size);
    pem->size = 0;
}

/* Puts out the first bytes of the 24 bits, 3 at most. */
static void smtp__pem_out(smtp__pem *pem, int count)
{
    int shift;
    for (shift = 16; count > 0; count--, shift -= 8)
        pem->out[pem->size++] = (unsigned char)(pem->bits >> shift);
    pem->digits = 0;
    pem->bits = 0;
    if (pem->size > sizeof pem->out - 3)
        smtp__pem_flush(pem);
}

static void smtp__pem_digit(smtp__pem *pem, int digit)
{
    pem->bits |= (uint32_t)digit << (18 - 6 * pem->digits);
    if (++pem->digits == 4)
        smtp__pem_out(pem, 3);
}

static void smtp__pem_text(smtp__pem *pem, int c)
{
    int digit = smtp__base64_digit(c);
    if (digit >= 0)
        smtp__pem_digit(pem, digit);
    else if (c == '=')
        smtp__pem_out(pem, pem->digits == 0 ? 0 : pem->digits - 1);
    else if (c > ' ')
        pem->inside = 0;
}

/* An encrypted key has the label of a key, but is none. */
static int smtp__pem_wanted(const smtp__pem *pem, const char *label,
                            size_t length)
{
    static const char locked[] = "ENCRYPTED";
    size_t tail = strlen(pem->kind->suffix);
    while (length > 0 && (label[length - 1] == '-' || label[length - 1] < '!'))
        length--;
    return length >= tail &&
           memcmp(label + length - tail, pem->kind->suffix, tail) == 0 &&
           memcmp(label, locked, sizeof locked - 1) != 0;
}

static int smtp__pem_boundary(smtp__pem *pem)
{
    static const char begin[] = "-----BEGIN ", end[] = "-----END ";
    size_t skip = sizeof begin - 1;
    int was_inside = pem->inside;
    memset(pem->line + pem->length, 0, sizeof pem->line - pem->length);
    pem->inside = 0;
    if (was_inside && memcmp(pem->line, end, sizeof end - 1) == 0) {
        smtp__pem_flush(pem);
        return pem->kind->end(pem->ctx);
    }
    if (memcmp(pem->line, begin, skip) == 0 &&
        smtp__pem_wanted(pem, pem->line + skip, sizeof pem->line - skip)) {
        pem->kind->begin(pem->ctx);
        pem->inside = 1;
        pem->digits = pem->size = 0;
        pem->bits = 0;
    }
    return 1;
}

static int smtp__pem_byte(smtp__pem *pem, int c)
{
    if (c == '\n') {
        int boundary = pem->boundary;
        pem->middle = pem->boundary = 0;
        return !boundary || smtp__pem_boundary(pem);
    }
    if (!pem->middle && c == '-') {
        pem->boundary = 1;
        pem->length = 0;
    }
    if (c < 128)                   /* a mark of UTF-8 may come first */
        pem->middle = 1;
    if (!pem->boundary && pem->inside)
        smtp__pem_text(pem, c);
    if (pem->boundary && pem->length < sizeof pem->line)
        pem->line[pem->length++] = (char)c;
    return 1;
}

static int smtp__pem_feed(void *ctx, const unsigned char *data, size_t size)
{
    smtp__pem *pem = (smtp__pem *)ctx;
    const unsigned char *end = data + size;
    int more = 1;
    while (more && data < end)
        more = smtp__pem_byte(pem, *data++);
    return more;
}

/* Goes through a file, or, where there is no `path`, through a text. The last
   line may lack its end. SMTP_OK, or SMTP_E_IO. */
static int smtp__pem_read(const char *path, const unsigned char *text,
                          size_t size, const smtp__pem_kind *kind, void *ctx)
{
    smtp__pem pem;
    int status = SMTP_OK;
    memset(&pem, 0, sizeof pem);
    pem.kind = kind;
    pem.ctx = ctx;
    if (path)
        status = smtp__read_file(path, smtp__pem_feed, &pem);
    else
        smtp__pem_feed(&pem, text, size);
    smtp__pem_byte(&pem, '\n');
    smtp__wipe(&pem, sizeof pem);
    return status;
}

#endif

/* -- trust: the names in a certificate (RFC 5280, section 4.1) -- */

#if SMTP_TLS_PEM

enum { SMTP__DER_TAG, SMTP__DER_LENGTH, SMTP__DER_MORE, SMTP__DER_VALUE };

enum {                             /* in the order of their bytes */
    SMTP__X509_CERTIFICATE,
    SMTP__X509_TBS,                /* this one and the one before are entered */
    SMTP__X509_VERSION,            /* optional */
    SMTP__X509_SERIAL,
    SMTP__X509_SIGNATURE,
    SMTP__X509_ISSUER,
    SMTP__X509_VALIDITY,
    SMTP__X509_SUBJECT,
    SMTP__X509_DONE,               /* both names are known */
    SMTP__X509_SPENT               /* looked for, or broken */
};

static void smtp__names_begin(smtp_tls_names *n)
{
    memset(n, 0, sizeof *n);
    n->element = SMTP__X509_CERTIFICATE;
    n->await = SMTP__DER_TAG;
}

static void smtp__names_tag(smtp_tls_names *n, unsigned char tag)
{
    const unsigned char version = 0xA0;
    if (n->element == SMTP__X509_VERSION && tag != version)
        n->element = SMTP__X509_SERIAL;
    if (n->element == SMTP__X509_ISSUER || n->element == SMTP__X509_SUBJECT)
        br_sha256_init(&n->hash);
    n->name = n->at;
    n->await = SMTP__DER_LENGTH;
}

/* A name is hashed with its header, as br_x500_name holds it. */
static void smtp__names_hash(smtp_tls_names *n, const void *data, size_t size)
{
    if (n->element == SMTP__X509_ISSUER || n->element == SMTP__X509_SUBJECT)
        br_sha256_update(&n->hash, data, size);
}

static void smtp__names_close(smtp_tls_names *n)
{
    if (n->element == SMTP__X509_ISSUER)
        br_sha256_out(&n->hash, n->issuer);
    if (n->element == SMTP__X509_SUBJECT)
        br_sha256_out(&n->hash, n->subject);
    n->element++;
    n->await = SMTP__DER_TAG;
}

/* The element's length is known. */
static void smtp__names_open(smtp_tls_names *n)
{
    n->await = SMTP__DER_VALUE;
    if (n->element <= SMTP__X509_TBS || n->left == 0)
        smtp__names_close(n);
}

static void smtp__names_length(smtp_tls_names *n, unsigned char c)
{
    const unsigned char is_long = 0x80;
    n->left = c & (is_long - 1u);
    if (c < is_long) {
        smtp__names_open(n);
        return;
    }
    n->more = (uint8_t)n->left;
    n->left = 0;
    n->await = SMTP__DER_MORE;
    if (n->more == 0 || n->more > 3)
        n->element = SMTP__X509_SPENT;
}

static void smtp__names_more(smtp_tls_names *n, unsigned char c)
{
    n->left = n->left << 8 | c;
    if (--n->more == 0)
        smtp__names_open(n);
}

static size_t smtp__names_value(smtp_tls_names *n, const unsigned char *data,
                                size_t size)
{
    if (size > n->left)
        size = (size_t)n->left;
    smtp__names_hash(n, data, size);
    n->left -= (uint32_t)size;
    if (n->left == 0)
        smtp__names_close(n);
    return size;
}

static void smtp__names_header(smtp_tls_names *n, unsigned char c)
{
    int await = n->await;
    if (await == SMTP__DER_TAG)
        smtp__names_tag(n, c);
    smtp__names_hash(n, &c, 1);
    if (await == SMTP__DER_LENGTH)
        smtp__names_length(n, c);
    if (await == SMTP__DER_MORE)
        smtp__names_more(n, c);
}

static void smtp__names_push(smtp_tls_names *n, const unsigned char *data,
                             size_t size)
{
    while (size > 0 && n->element < SMTP__X509_DONE) {
        size_t took = 1;
        if (n->await == SMTP__DER_VALUE)
            took = smtp__names_value(n, data, size);
        else
            smtp__names_header(n, *data);
        n->at += (uint32_t)took;
        data += took;
        size -= took;
    }
}

/* -- trust: anchors that fit the certificate that passes by -- */

/* BearSSL's decoder must get nothing more once it has failed; after a whole
   certificate one more byte is a failure. */
static void smtp__x509_push(br_x509_decoder_context *decoder,
                            const void *data, size_t size)
{
    int error = br_x509_decoder_last_error(decoder);
    if (error == BR_ERR_OK || error == BR_ERR_X509_TRUNCATED)
        br_x509_decoder_push(decoder, data, size);
}

enum { SMTP__TRUST_LOOKS = 10 };   /* certificates of a chain */

/* Keeps bytes in the room. 0: no room. */
static unsigned char *smtp__trust_keep(smtp_tls_trust *t, const void *data,
                                       size_t size)
{
    unsigned char *to = t->room + t->used;
    if (size > sizeof t->room - t->used)
        return NULL;
    memmove(to, data, size);
    t->used += size;
    return to;
}

static int smtp__anchor_key(smtp_tls_trust *t, br_x509_pkey *to,
                            const br_x509_pkey *from)
{
    *to = *from;
    if (from->key_type == BR_KEYTYPE_EC) {
        to->key.ec.q = smtp__trust_keep(t, from->key.ec.q, from->key.ec.qlen);
        return to->key.ec.q != NULL;
    }
    to->key.rsa.n = smtp__trust_keep(t, from->key.rsa.n, from->key.rsa.nlen);
    to->key.rsa.e = smtp__trust_keep(t, from->key.rsa.e, from->key.rsa.elen);
    return to->key.rsa.n != NULL && to->key.rsa.e != NULL;
}

/* One more anchor; its name is among the unused bytes of the room. One that
   finds no room is left out. */
static void smtp__anchor_add(smtp_tls_trust *t, const unsigned char *name,
                             size_t size, unsigned flags,
                             const br_x509_pkey *key)
{
    br_x509_trust_anchor *anchor = &t->anchors[t->count];
    size_t used = t->used;
    anchor->dn.data = smtp__trust_keep(t, name, size);
    anchor->dn.len = size;
    anchor->flags = flags;
    if (smtp__anchor_key(t, &anchor->pkey, key)) {
        t->count++;
    } else {
        memset(anchor, 0, sizeof *anchor);
        t->used = used;
    }
}

/* One pass over the trusted certificates. BearSSL's decoder is slow, so it
   gets only those that fit; the first bytes of each are held back until its
   names are known. */
typedef struct smtp__search {
    br_x509_decoder_context decoder;
    smtp_tls_names names;          /* of the trusted certificate */
    smtp_tls_trust *trust;
    size_t held;                   /* bytes, after the used ones of the room */
    uint8_t state;                 /* SMTP__SEARCH_... */
    uint8_t found;                 /* a certificate that can be read */
} smtp__search;

enum { SMTP__SEARCH_NAMES, SMTP__SEARCH_FITS, SMTP__SEARCH_SKIP };

/* Any certificate will do. */
static void smtp__check_begin(void *ctx)
{
    br_x509_decoder_init(&((smtp__search *)ctx)->decoder, NULL, NULL);
}

static void smtp__check_bytes(void *ctx, const void *data, size_t size)
{
    smtp__x509_push(&((smtp__search *)ctx)->decoder, data, size);
}

static int smtp__check_end(void *ctx)
{
    smtp__search *s = (smtp__search *)ctx;
    s->found = br_x509_decoder_get_pkey(&s->decoder) != NULL;
    return !s->found;
}

static const smtp__pem_kind smtp__pem_check = {
    "CERTIFICATE", smtp__check_begin, smtp__check_bytes, smtp__check_end
};

/* A CA with the name of the issuer of the certificate that passes by; or, no
   CA, with the name of that certificate (BearSSL trusts it only where that is
   the server's own). */
static int smtp__look_fits(const smtp__search *s, int is_ca)
{
    const smtp_tls_names *passing = &s->trust->names;
    return memcmp(s->names.subject,
                  is_ca ? passing->issuer : passing->subject,
                  sizeof passing->subject) == 0;
}

static void smtp__look_begin(void *ctx)
{
    smtp__search *s = (smtp__search *)ctx;
    smtp__names_begin(&s->names);
    s->held = 0;
    s->state = SMTP__SEARCH_NAMES;
}

/* One whose names do not fit the room is skipped. */
static void smtp__look_hold(smtp__search *s, const void *data, size_t size)
{
    smtp_tls_trust *t = s->trust;
    unsigned char *room = t->room + t->used;
    if (size > sizeof t->room - t->used - s->held) {
        s->state = SMTP__SEARCH_SKIP;
        return;
    }
    memcpy(room + s->held, data, size);
    s->held += size;
    smtp__names_push(&s->names, (const unsigned char *)data, size);
    if (s->names.element < SMTP__X509_DONE)
        return;
    s->state = SMTP__SEARCH_SKIP;
    if (smtp__look_fits(s, 1) || smtp__look_fits(s, 0)) {
        s->state = SMTP__SEARCH_FITS;
        br_x509_decoder_init(&s->decoder, NULL, NULL);
        br_x509_decoder_push(&s->decoder, room, s->held);
    }
}

static void smtp__look_bytes(void *ctx, const void *data, size_t size)
{
    smtp__search *s = (smtp__search *)ctx;
    if (s->state == SMTP__SEARCH_NAMES)
        smtp__look_hold(s, data, size);
    else if (s->state == SMTP__SEARCH_FITS)
        smtp__x509_push(&s->decoder, data, size);
}

static int smtp__look_end(void *ctx)
{
    smtp__search *s = (smtp__search *)ctx;
    smtp_tls_trust *t = s->trust;
    const br_x509_pkey *key;
    int is_ca;
    if (s->state != SMTP__SEARCH_FITS)
        return 1;
    key = br_x509_decoder_get_pkey(&s->decoder);
    is_ca = br_x509_decoder_isCA(&s->decoder);
    if (key && smtp__look_fits(s, is_ca))
        smtp__anchor_add(t, t->room + t->used + s->names.name,
                         (size_t)(s->names.at - s->names.name),
                         is_ca ? BR_X509_TA_CA : 0, key);
    return t->count < sizeof t->anchors / sizeof *t->anchors;
}

static const smtp__pem_kind smtp__pem_look = {
    "CERTIFICATE", smtp__look_begin, smtp__look_bytes, smtp__look_end
};

/* A certificate is longer than 127 bytes, a text has only ASCII to begin. */
static int smtp__is_der(const unsigned char *data, size_t size)
{
    const unsigned char sequence = 0x30, is_long = 0x80;
    return size > 1 && data[0] == sequence && data[1] >= is_long;
}

static int smtp__search_run(smtp__search *s, smtp_tls_trust *t,
                            const smtp__pem_kind *kind)
{
    const size_t piece = 64;
    size_t at;
    s->trust = t;
    s->found = 0;
    if (t->file || !smtp__is_der(t->data, t->size))
        return smtp__pem_read(t->file, t->data, t->size, kind, s);
    kind->begin(s);
    for (at = 0; at < t->size; at += piece)
        kind->bytes(s, t->data + at,
                    t->size - at < piece ? t->size - at : piece);
    kind->end(s);
    return SMTP_OK;
}

/* SMTP_OK: there is a certificate to trust. */
static int smtp__trust_check(smtp_tls_trust *t)
{
    smtp__search search;
    int status = smtp__search_run(&search, t, &smtp__pem_check);
    return status == SMTP_OK && search.found ? SMTP_OK : SMTP_E_TRUST;
}

/* BearSSL compares anchors with the server's own certificate when it has seen
   all that is signed of it, with an issuer after the signature; both come
   after the subject. So the anchors have to be there when the subject is. A
   server's chain may have no end: so many times, and no more. */
static void smtp__trust_look(smtp_tls_trust *t)
{
    smtp__search search;
    t->names.element = SMTP__X509_SPENT;
    if (t->looks == 0)
        return;
    t->looks--;
    t->count = 0;
    t->used = 0;
    memset(t->anchors, 0, sizeof t->anchors);
    if (smtp__search_run(&search, t, &smtp__pem_look) != SMTP_OK)
        t->failed = 1;
}

/* -- trust: BearSSL's engine with anchors found on the way -- */

static void smtp__trust_start_chain(const br_x509_class **ctx,
                                    const char *server_name)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    t->looks = SMTP__TRUST_LOOKS;
    br_x509_minimal_vtable.start_chain(&t->x509.minimal.vtable, server_name);
}

static void smtp__trust_start_cert(const br_x509_class **ctx, uint32_t size)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    smtp__names_begin(&t->names);
    br_x509_minimal_vtable.start_cert(&t->x509.minimal.vtable, size);
}

static void smtp__trust_append(const br_x509_class **ctx,
                               const unsigned char *data, size_t size)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    smtp__names_push(&t->names, data, size);
    if (t->names.element == SMTP__X509_DONE)
        smtp__trust_look(t);
    br_x509_minimal_vtable.append(&t->x509.minimal.vtable, data, size);
}

static void smtp__trust_end_cert(const br_x509_class **ctx)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    br_x509_minimal_vtable.end_cert(&t->x509.minimal.vtable);
}

static unsigned smtp__trust_end_chain(const br_x509_class **ctx)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    return br_x509_minimal_vtable.end_chain(&t->x509.minimal.vtable);
}

static const br_x509_pkey *smtp__trust_get_pkey(
    const br_x509_class *const *ctx, unsigned *usages)
{
    const smtp_tls_trust *t = (const smtp_tls_trust *)(const void *)ctx;
    return br_x509_minimal_vtable.get_pkey(&t->x509.minimal.vtable, usages);
}

static const br_x509_class smtp__trust_class = {
    sizeof(smtp_tls_trust), smtp__trust_start_chain, smtp__trust_start_cert,
    smtp__trust_append, smtp__trust_end_cert, smtp__trust_end_chain,
    smtp__trust_get_pkey
};

/* -- trust: none; the key is taken from whatever comes -- */

static void smtp__any_start_chain(const br_x509_class **ctx,
                                  const char *server_name)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    (void)server_name;
    t->first = 1;
    br_x509_decoder_init(&t->x509.decoder, NULL, NULL);
}

static void smtp__any_start_cert(const br_x509_class **ctx, uint32_t size)
{
    (void)ctx, (void)size;
}

static void smtp__any_append(const br_x509_class **ctx,
                             const unsigned char *data, size_t size)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    if (t->first)
        smtp__x509_push(&t->x509.decoder, data, size);
}

static void smtp__any_end_cert(const br_x509_class **ctx)
{
    ((smtp_tls_trust *)(void *)ctx)->first = 0;
}

static unsigned smtp__any_end_chain(const br_x509_class **ctx)
{
    smtp_tls_trust *t = (smtp_tls_trust *)(void *)ctx;
    t->key = br_x509_decoder_get_pkey(&t->x509.decoder);
    return (unsigned)br_x509_decoder_last_error(&t->x509.decoder);
}

static const br_x509_pkey *smtp__any_get_pkey(
    const br_x509_class *const *ctx, unsigned *usages)
{
    if (usages)
        *usages = BR_KEYTYPE_KEYX | BR_KEYTYPE_SIGN;
    return ((const smtp_tls_trust *)(const void *)ctx)->key;
}

static const br_x509_class smtp__any_class = {
    sizeof(smtp_tls_trust), smtp__any_start_chain, smtp__any_start_cert,
    smtp__any_append, smtp__any_end_cert, smtp__any_end_chain,
    smtp__any_get_pkey
};

static int smtp__trust_any(smtp_tls *tls)
{
    tls->trust.vtable = &smtp__any_class;
    br_ssl_engine_set_x509(&tls->client.eng, &tls->trust.vtable);
    return SMTP_OK;
}

#ifdef SMTP_POSIX

/* Where systems keep the certificates they trust. */
static const char *const smtp__bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",   /* Debian, Arch, Gentoo */
    "/etc/pki/tls/certs/ca-bundle.crt",     /* Fedora, Red Hat */
    "/etc/ssl/ca-bundle.pem",               /* SUSE */
    "/etc/ssl/cert.pem",                    /* Alpine, BSD, macOS */
    "/usr/local/etc/ssl/cert.pem"           /* FreeBSD, older */
};

static const char *smtp__system_bundle(void)
{
    size_t i, count = sizeof smtp__bundles / sizeof *smtp__bundles;
    for (i = 0; i + 1 < count && access(smtp__bundles[i], R_OK) != 0; i++)
        continue;
    return smtp__bundles[i];
}

#else

static const char *smtp__system_bundle(void)
{
    return NULL;
}

#endif

static int smtp__trust_found(smtp_tls *tls)
{
    smtp_tls_trust *t = &tls->trust;
    const smtp_tls_config *config = tls->config;
    t->vtable = &smtp__trust_class;
    t->data = (const unsigned char *)config->trust;
    t->size = config->trust_size;
    if (!config->trust)
        t->file = config->trust_file ? config->trust_file
                                     : smtp__system_bundle();
    br_ssl_engine_set_x509(&tls->client.eng, &t->vtable);
    if (!t->data && !t->file)
        return SMTP_E_TRUST;
    return smtp__trust_check(t);
}

/* Anchors never used have an empty name, which is no encoded name's. */
static void smtp__tls_profile(smtp_tls *tls)
{
    const smtp_tls_config *config = tls->config;
    const br_x509_trust_anchor *anchors = tls->trust.anchors;
    size_t count = sizeof tls->trust.anchors / sizeof *anchors;
    if (config->anchors) {
        anchors = config->anchors;
        count = config->anchor_count;
    }
    (config->profile ? config->profile : SMTP_TLS_PROFILE)(
        &tls->client, &tls->trust.x509.minimal, anchors, count);
}

#else

static int smtp__trust_any(smtp_tls *tls)
{
    (void)tls;
    return SMTP_E_ARGUMENT;
}

static int smtp__trust_found(smtp_tls *tls)
{
    (void)tls;
    return SMTP_E_TRUST;
}

static void smtp__tls_profile(smtp_tls *tls)
{
    const smtp_tls_config *config = tls->config;
    (config->profile ? config->profile : SMTP_TLS_PROFILE)(
        &tls->client, &tls->trust.x509.minimal, config->anchors,
        config->anchor_count);
}

#endif

static int smtp__tls_trust(smtp_tls *tls)
{
    if (tls->config->unsafe_no_verify)
        return smtp__trust_any(tls);
    if (tls->config->anchors)
        return SMTP_OK;
    return smtp__trust_found(tls);
}

/* -- channel binding -- */

#if SMTP_TLS_BINDING

/* Where the content of the element at `at` begins; *end: after it. 0: it does
   not begin within the `size` bytes at `p`. */
static size_t smtp__der_enter(const unsigned char *p, size_t size, size_t at,
                              unsigned tag, size_t *end)
{
    size_t more, length = 0;
    if (at + 5 > size || p[at] != tag)
        return 0;
    length = p[++at];
    if (length < 0x80) {
        *end = at + 1 + length;
        return at + 1;
    }
    more = length & 0x7F;
    if (more > 3)
        return 0;
    for (length = 0; more > 0; more--)
        length = length << 8 | p[++at];
    *end = at + 1 + length;
    return at + 1;
}

/* The hash of an algorithm's signatures, MD5 and SHA-1 replaced. 0: it has
   none, or several. */
static int smtp__binding_of(const unsigned char *oid, size_t size)
{
    static const unsigned char rsa[] = {42, 134, 72, 134, 247, 13, 1, 1};
    static const unsigned char ecdsa[] = {42, 134, 72, 206, 61, 4, 3};
    static const unsigned char ids[] = {
        0, 0, 0, 0, br_sha256_ID, br_sha256_ID, 0, 0, 0, 0, 0,
        br_sha256_ID, br_sha384_ID, br_sha512_ID
    };
    static const unsigned char ec_ids[] = {
        0, 0, br_sha256_ID, br_sha384_ID, br_sha512_ID
    };
    unsigned last = oid[size - 1];
    if (size == sizeof rsa + 1 && memcmp(oid, rsa, sizeof rsa) == 0)
        return last < sizeof ids ? ids[last] : 0;
    if (size == sizeof ecdsa + 1 && memcmp(oid, ecdsa, sizeof ecdsa) == 0)
        return last < sizeof ec_ids ? ec_ids[last] : 0;
    return 0;
}

/* In a Certificate (RFC 5280, section 4.1): TBSCertificate, version, serial
   number, and what it is signed with. */
static int smtp__binding_hash(const smtp_tls_binding *b)
{
    const unsigned sequence = 0x30, integer = 2, version = 0xA0, oid = 6;
    size_t end, at, skip;
    at = smtp__der_enter(b->head, b->fill, 0, sequence, &end);
    at = at ? smtp__der_enter(b->head, b->fill, at, sequence, &end) : 0;
    skip = at ? smtp__der_enter(b->head, b->fill, at, version, &end) : 0;
    at = skip ? end : at;
    at = at && smtp__der_enter(b->head, b->fill, at, integer, &end) ? end : 0;
    at = at ? smtp__der_enter(b->head, b->fill, at, sequence, &end) : 0;
    at = at ? smtp__der_enter(b->head, b->fill, at, oid, &end) : 0;
    return at && end > at && end <= b->fill
         ? smtp__binding_of(b->head + at, end - at) : 0;
}

static void smtp__binding_start_chain(const br_x509_class **ctx,
                                      const char *server_name)
{
    smtp_tls_binding *b = (smtp_tls_binding *)(void *)ctx;
    b->passed = b->fill = b->size = 0;
    br_multihash_init(&b->hash);
    (*b->judge)->start_chain(b->judge, server_name);
}

static void smtp__binding_start_cert(const br_x509_class **ctx, uint32_t size)
{
    smtp_tls_binding *b = (smtp_tls_binding *)(void *)ctx;
    (*b->judge)->start_cert(b->judge, size);
}

static void smtp__binding_append(const br_x509_class **ctx,
                                 const unsigned char *data, size_t size)
{
    smtp_tls_binding *b = (smtp_tls_binding *)(void *)ctx;
    size_t n = smtp__min(size, sizeof b->head - b->fill);
    if (!b->passed) {
        memcpy(b->head + b->fill, data, n);
        b->fill = (uint8_t)(b->fill + n);
        br_multihash_update(&b->hash, data, size);
    }
    (*b->judge)->append(b->judge, data, size);
}

static void smtp__binding_end_cert(const br_x509_class **ctx)
{
    smtp_tls_binding *b = (smtp_tls_binding *)(void *)ctx;
    int hash = b->passed ? 0 : smtp__binding_hash(b);
    b->passed = 1;
    if (hash)
        b->size = (uint8_t)br_multihash_out(&b->hash, hash, b->digest);
    (*b->judge)->end_cert(b->judge);
}

static unsigned smtp__binding_end_chain(const br_x509_class **ctx)
{
    smtp_tls_binding *b = (smtp_tls_binding *)(void *)ctx;
    return (*b->judge)->end_chain(b->judge);
}

static const br_x509_pkey *smtp__binding_get_pkey(
    const br_x509_class *const *ctx, unsigned *usages)
{
    const smtp_tls_binding *b = (const smtp_tls_binding *)(const void *)ctx;
    return (*b->judge)->get_pkey(b->judge, usages);
}

static const br_x509_class smtp__binding_class = {
    sizeof(smtp_tls_binding), smtp__binding_start_chain,
    smtp__binding_start_cert, smtp__binding_append, smtp__binding_end_cert,
    smtp__binding_end_chain, smtp__binding_get_pkey
};

static void smtp__tls_bind(smtp_tls *tls)
{
    smtp_tls_binding *b = &tls->binding;
    b->vtable = &smtp__binding_class;
    b->judge = tls->client.eng.x509ctx;
    br_multihash_zero(&b->hash);
    br_multihash_setimpl(&b->hash, br_sha256_ID, &br_sha256_vtable);
    br_multihash_setimpl(&b->hash, br_sha384_ID, &br_sha384_vtable);
    br_multihash_setimpl(&b->hash, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_x509(&tls->client.eng, &b->vtable);
}

#else

static void smtp__tls_bind(smtp_tls *tls)
{
    (void)tls;
}

#endif

/* -- client certificate -- */

#if SMTP_TLS_CLIENT_CERT

static int smtp__client_memory(smtp_tls *tls)
{
    const smtp_tls_config *c = tls->config;
    if (!c->chain || c->chain_count == 0)
        return SMTP_E_CLIENT_CERT;
    if (c->rsa_key)
        br_ssl_client_set_single_rsa(&tls->client, c->chain, c->chain_count,
                                     c->rsa_key,
                                     br_rsa_pkcs1_sign_get_default());
    else if (c->ec_key)
        br_ssl_client_set_single_ec(&tls->client, c->chain, c->chain_count,
                                    c->ec_key, BR_KEYTYPE_SIGN, c->ec_issuer,
                                    br_ec_get_default(),
                                    br_ecdsa_sign_asn1_get_default());
    else
        return SMTP_E_CLIENT_CERT;
    return SMTP_OK;
}

#else

static int smtp__client_memory(smtp_tls *tls)
{
    (void)tls;
    return SMTP_E_CLIENT_CERT;
}

#endif

#if SMTP__TLS_CLIENT_FILES

/* Takes bytes to the end of the buffer, away from the records. 0: no room. */
static unsigned char *smtp__tls_reserve(smtp_tls *tls, const void *data,
                                        size_t size)
{
    unsigned char *to = (unsigned char *)tls->config->buffer;
    if (size > tls->room)
        return NULL;
    tls->room -= size;
    memmove(to + tls->room, data, size);
    return to + tls->room;
}

/* The certificates of cert_file, gathered at the start of the buffer. */
typedef struct smtp__chain {
    smtp_tls *tls;
    size_t done, size;             /* bytes: of whole ones, and so far */
    int status;
} smtp__chain;

static void smtp__chain_begin(void *ctx)
{
    smtp__chain *chain = (smtp__chain *)ctx;
    chain->size = chain->done;
    if (chain->tls->chain_count == SMTP_TLS_CHAIN)
        chain->status = SMTP_E_CLIENT_CERT;
}

static void smtp__chain_bytes(void *ctx, const void *data, size_t size)
{
    smtp__chain *chain = (smtp__chain *)ctx;
    unsigned char *to = (unsigned char *)chain->tls->config->buffer;
    if (size > chain->tls->room - chain->size)
        chain->status = SMTP_E_BUFFER;
    if (chain->status != SMTP_OK)
        return;
    memcpy(to + chain->size, data, size);
    chain->size += size;
}

static int smtp__chain_end(void *ctx)
{
    smtp__chain *chain = (smtp__chain *)ctx;
    smtp_tls *tls = chain->tls;
    if (chain->status != SMTP_OK)
        return 0;
    tls->chain[tls->chain_count++].data_len = chain->size - chain->done;
    chain->done = chain->size;
    return 1;
}

/* Moves the certificates out of the records' way. */
static void smtp__chain_settle(smtp__chain *chain)
{
    smtp_tls *tls = chain->tls;
    unsigned char *at = smtp__tls_reserve(tls, tls->config->buffer,
                                          chain->done);
    size_t i;
    for (i = 0; i < tls->chain_count; i++) {
        tls->chain[i].data = at;
        at += tls->chain[i].data_len;
    }
}

static const smtp__pem_kind smtp__pem_chain = {
    "CERTIFICATE", smtp__chain_begin, smtp__chain_bytes, smtp__chain_end
};

static int smtp__client_chain(smtp_tls *tls)
{
    smtp__chain chain = {NULL, 0, 0, SMTP_OK};
    int status;
    chain.tls = tls;
    status = smtp__pem_read(tls->config->cert_file, NULL, 0, &smtp__pem_chain,
                            &chain);
    if (chain.status != SMTP_OK)
        return chain.status;
    if (status != SMTP_OK || tls->chain_count == 0)
        return SMTP_E_CLIENT_CERT;
    smtp__chain_settle(&chain);
    return SMTP_OK;
}

/* BearSSL 0.6 takes the last member of its decoder for so much longer than it
   is: a key of RSA beyond 4864 bits goes past its end before it is refused. */
typedef struct smtp__key {
    br_skey_decoder_context decoder;
    unsigned char past[3 * (BR_X509_BUFSIZE_KEY - BR_X509_BUFSIZE_SIG)];
} smtp__key;

static void smtp__key_begin(void *ctx)
{
    br_skey_decoder_init((br_skey_decoder_context *)ctx);
}

/* See smtp__x509_push(). */
static void smtp__key_bytes(void *ctx, const void *data, size_t size)
{
    br_skey_decoder_context *key = (br_skey_decoder_context *)ctx;
    int error = br_skey_decoder_last_error(key);
    if (error == BR_ERR_OK || error == BR_ERR_X509_TRUNCATED)
        br_skey_decoder_push(key, data, size);
}

static int smtp__key_end(void *ctx)
{
    (void)ctx;
    return 0;
}

static const smtp__pem_kind smtp__pem_key = {
    "PRIVATE KEY", smtp__key_begin, smtp__key_bytes, smtp__key_end
};

static int smtp__client_key(smtp_tls *tls, br_skey_decoder_context *key)
{
    const smtp_tls_config *c = tls->config;
    int status;
    br_skey_decoder_init(key);
    status = smtp__pem_read(c->key_file ? c->key_file : c->cert_file, NULL, 0,
                            &smtp__pem_key, key);
    if (status != SMTP_OK || br_skey_decoder_last_error(key) != 0)
        return SMTP_E_CLIENT_CERT;
    return SMTP_OK;
}

/* Whether key and certificate are a pair. BearSSL's other functions for the
   modulus have no room for one of 4096 bits. */
static int smtp__rsa_pair(const br_x509_pkey *pub,
                          const br_rsa_private_key *key)
{
    br_rsa_compute_modulus modulus = br_rsa_i15_compute_modulus;
    unsigned char n[BR_X509_BUFSIZE_KEY];
    return pub->key_type == BR_KEYTYPE_RSA &&
           modulus(NULL, key) == pub->key.rsa.nlen &&
           modulus(n, key) == pub->key.rsa.nlen &&
           memcmp(n, pub->key.rsa.n, pub->key.rsa.nlen) == 0;
}

static int smtp__ec_pair(const br_x509_pkey *pub, const br_ec_private_key *key)
{
    unsigned char q[BR_EC_KBUF_PUB_MAX_SIZE];
    size_t size;
    if (pub->key_type != BR_KEYTYPE_EC || pub->key.ec.curve != key->curve)
        return 0;
    size = br_ec_compute_pub(br_ec_get_default(), NULL, q, key);
    return size == pub->key.ec.qlen && memcmp(q, pub->key.ec.q, size) == 0;
}

static int smtp__client_rsa(smtp_tls *tls, const br_rsa_private_key *key)
{
    br_rsa_private_key *own = &tls->rsa_key;
    *own = *key;
    own->p = smtp__tls_reserve(tls, key->p, key->plen);
    own->q = smtp__tls_reserve(tls, key->q, key->qlen);
    own->dp = smtp__tls_reserve(tls, key->dp, key->dplen);
    own->dq = smtp__tls_reserve(tls, key->dq, key->dqlen);
    own->iq = smtp__tls_reserve(tls, key->iq, key->iqlen);
    if (!own->p || !own->q || !own->dp || !own->dq || !own->iq)
        return SMTP_E_BUFFER;
    br_ssl_client_set_single_rsa(&tls->client, tls->chain, tls->chain_count,
                                 own, br_rsa_pkcs1_sign_get_default());
    return SMTP_OK;
}

static int smtp__client_ec(smtp_tls *tls, const br_ec_private_key *key,
                           unsigned issuer)
{
    br_ec_private_key *own = &tls->ec_key;
    *own = *key;
    own->x = smtp__tls_reserve(tls, key->x, key->xlen);
    if (!own->x)
        return SMTP_E_BUFFER;
    br_ssl_client_set_single_ec(&tls->client, tls->chain, tls->chain_count,
                                own, BR_KEYTYPE_SIGN, issuer,
                                br_ec_get_default(),
                                br_ecdsa_sign_asn1_get_default());
    return SMTP_OK;
}

static int smtp__client_pair(smtp_tls *tls, const br_skey_decoder_context *key)
{
    br_x509_decoder_context own;
    const br_x509_pkey *pub;
    const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(key);
    const br_ec_private_key *ec = br_skey_decoder_get_ec(key);
    br_x509_decoder_init(&own, NULL, NULL);
    br_x509_decoder_push(&own, tls->chain[0].data, tls->chain[0].data_len);
    pub = br_x509_decoder_get_pkey(&own);
    if (pub && rsa && smtp__rsa_pair(pub, rsa))
        return smtp__client_rsa(tls, rsa);
    if (pub && ec && smtp__ec_pair(pub, ec))
        return smtp__client_ec(tls, ec, (unsigned)
                               br_x509_decoder_get_signer_key_type(&own));
    return SMTP_E_CLIENT_CERT;
}

static int smtp__client_files(smtp_tls *tls)
{
    smtp__key key;
    int status = smtp__client_chain(tls);
    if (status != SMTP_OK)
        return status;
    status = smtp__client_key(tls, &key.decoder);
    if (status == SMTP_OK)
        status = smtp__client_pair(tls, &key.decoder);
    smtp__wipe(&key, sizeof key);
    return status;
}

#else

static int smtp__client_files(smtp_tls *tls)
{
    (void)tls;
    return SMTP_E_CLIENT_CERT;
}

#endif

static int smtp__tls_client_cert(smtp_tls *tls)
{
    const smtp_tls_config *c = tls->config;
    if (c->cert_file || c->key_file)
        return c->cert_file ? smtp__client_files(tls) : SMTP_E_CLIENT_CERT;
    if (c->chain || c->rsa_key || c->ec_key)
        return smtp__client_memory(tls);
    return SMTP_OK;
}

/* -- records -- */

static unsigned smtp__tls_state(const smtp_tls *tls)
{
    return br_ssl_engine_current_state(&tls->client.eng);
}

/* What the lower layer's negative result, or a count too large, means here. */
static int smtp__tls_fault(ptrdiff_t n)
{
    return n < 0 && n > SMTP_STATUS_END ? (int)n : SMTP_E_IO;
}

/* BearSSL has ended: the reason. Where no issuer was found because the file
   went away, that is the reason. */
static int smtp__tls_end(smtp_tls *tls)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    tls->error = br_ssl_engine_last_error(engine);
    tls->status = smtp__tls_reason(tls->error,
                                   br_ssl_engine_get_version(engine) != 0);
    if (tls->up && tls->status == SMTP_E_TLS_VERSION)
        tls->status = SMTP_E_TLS;  /* bytes in clear amid TLS */
#if SMTP_TLS_PEM
    if (tls->status == SMTP_E_TLS_ISSUER && tls->trust.failed)
        tls->status = SMTP_E_TRUST;
#endif
    return tls->status;
}

/* A record that cannot be sent is dropped, so that what has come can be read:
   with a buffer for one direction it would keep from that. That an alert was
   lost does not count: what it is about says more. */
static int smtp__tls_lost(smtp_tls *tls, const unsigned char *record,
                          size_t size, int status)
{
    if (tls->midway || *record != SMTP__TLS_ALERT_RECORD)
        tls->broken = status;
    br_ssl_engine_sendrec_ack(&tls->client.eng, size);
    return status;
}

/* SMTP_OK: some bytes went out. */
static int smtp__tls_write(smtp_tls *tls)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    size_t size;
    const unsigned char *record = br_ssl_engine_sendrec_buf(engine, &size);
    ptrdiff_t n = tls->broken;
    if (n == SMTP_OK)
        n = (tls->lower->send)(tls->lower->ctx, record, size);
    if (n == 0 || n == SMTP_AGAIN) {
        tls->async = 1;
        return SMTP_AGAIN;
    }
    if (n < 0 || (size_t)n > size)
        return smtp__tls_lost(tls, record, size, smtp__tls_fault(n));
    br_ssl_engine_sendrec_ack(engine, (size_t)n);
    tls->midway = (size_t)n < size;
    return SMTP_OK;
}

/* SMTP_OK: some bytes came in. */
static int smtp__tls_read(smtp_tls *tls)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    size_t size;
    unsigned char *record = br_ssl_engine_recvrec_buf(engine, &size);
    ptrdiff_t n = (tls->lower->recv)(tls->lower->ctx, record, size);
    if (n == SMTP_AGAIN) {
        tls->async = 1;
        return SMTP_AGAIN;
    }
    if (n == 0 || n == SMTP_EOF)
        return tls->status = SMTP_E_TLS_CUT;
    if (n < 0 || (size_t)n > size)
        return tls->status = smtp__tls_fault(n);
    br_ssl_engine_recvrec_ack(engine, (size_t)n);
    return SMTP_OK;
}

/* The handshake is done. */
static void smtp__tls_arrive(smtp_tls *tls)
{
    if (!tls->up && tls->config->session)
        br_ssl_engine_get_session_parameters(&tls->client.eng,
                                             tls->config->session);
    tls->up = 1;
}

#define SMTP__TLS_STEPS 200000L
#define SMTP__TLS_MS 600000ul      /* the longest limit of RFC 5321 */

/* In the handshake one record may take the CPU long: a main loop has its turn
   in between, and who waits by himself looks at the clock. */
static int smtp__tls_yields(const smtp_tls *tls, unsigned wanted)
{
    return !tls->up && (tls->async || tls->lower->wait) &&
           !(smtp__tls_state(tls) & wanted);
}

/* 0 where others look at the clock. */
static unsigned long smtp__tls_now(const smtp_tls *tls)
{
    const smtp_io *lower = tls->lower;
    return lower->clock && !lower->wait ? (lower->clock)(lower->ctx) : 0;
}

/* Moves records both ways until application bytes can move as `wanted`:
   BR_SSL_SENDAPP or BR_SSL_RECVAPP. Records go out first; while they cannot,
   reading goes on, so that both ends never wait for each other (with a buffer
   for one direction at a time BearSSL does not offer to). A failed write is
   told when nothing is left to read: an alert or a reply says more.

   Records without an application byte may come for ever: as many steps as a
   long handshake byte by byte has, and no more. Where a transport blocks and
   does not wait, nobody else looks at the clock meanwhile.

   SMTP_AGAIN with BR_SSL_SENDAPP and such a buffer: there are bytes to read. */
static int smtp__tls_run(smtp_tls *tls, unsigned wanted)
{
    unsigned long start = smtp__tls_now(tls);
    long steps;
    for (steps = 0; tls->status == SMTP_OK; steps++) {
        unsigned state = smtp__tls_state(tls);
        int out = tls->broken ? tls->broken : SMTP_AGAIN, in = SMTP_AGAIN;
        if (state & BR_SSL_CLOSED)
            return smtp__tls_end(tls);
        if (steps == SMTP__TLS_STEPS)
            return tls->status = SMTP_E_TLS;
        if (state & BR_SSL_SENDREC && smtp__tls_write(tls) != SMTP_AGAIN)
            continue;
        if ((state & wanted) &&
            (out == SMTP_AGAIN || wanted == BR_SSL_RECVAPP)) {
            smtp__tls_arrive(tls);
            return SMTP_OK;
        }
        if (state & BR_SSL_RECVREC)
            in = smtp__tls_read(tls);
        if (in != SMTP_OK)
            return out == SMTP_AGAIN ? in : out;
        if ((uint32_t)(smtp__tls_now(tls) - start) > SMTP__TLS_MS)
            return tls->status = SMTP_E_TIMEOUT;
        if (smtp__tls_yields(tls, wanted))
            return SMTP_AGAIN;
    }
    return tls->status;
}

/* -- the transport -- */

static ptrdiff_t smtp__tls_recv(void *ctx, void *buffer, size_t size)
{
    smtp_tls *tls = (smtp_tls *)ctx;
    br_ssl_engine_context *engine = &tls->client.eng;
    const unsigned char *from;
    size_t n;
    int status;
    if (!tls->active)
        return (tls->lower->recv)(tls->lower->ctx, buffer, size);
    status = smtp__tls_run(tls, BR_SSL_RECVAPP);
    if (status != SMTP_OK)
        return status;
    from = br_ssl_engine_recvapp_buf(engine, &n);
    if (n > size)
        n = size;
    memcpy(buffer, from, n);
    br_ssl_engine_recvapp_ack(engine, n);
    return (ptrdiff_t)n;
}

/* Whatever is taken becomes a record at once and goes out as far as it can;
   the next call, of either kind, goes on with it. */
static ptrdiff_t smtp__tls_send(void *ctx, const void *data, size_t size)
{
    smtp_tls *tls = (smtp_tls *)ctx;
    br_ssl_engine_context *engine = &tls->client.eng;
    unsigned char *to;
    size_t n;
    int status;
    if (!tls->active)
        return (tls->lower->send)(tls->lower->ctx, data, size);
    status = smtp__tls_run(tls, BR_SSL_SENDAPP);
    if (status != SMTP_OK)
        return status;
    to = br_ssl_engine_sendapp_buf(engine, &n);
    if (n > size)
        n = size;
    memcpy(to, data, n);
    br_ssl_engine_sendapp_ack(engine, n);
    br_ssl_engine_flush(engine, 0);
    while ((smtp__tls_state(tls) & BR_SSL_SENDREC) &&
           smtp__tls_write(tls) == SMTP_OK)
        continue;
    return (ptrdiff_t)n;
}

static int smtp__tls_starttls(void *ctx)
{
    smtp_tls *tls = (smtp_tls *)ctx;
    tls->active = 1;
    return smtp__tls_run(tls, BR_SSL_SENDAPP);
}

/* A call of the session would move bytes or fail at once. Bytes to read count
   also where it wants to write: they may be what keeps it from that. */
static int smtp__tls_ready(const smtp_tls *tls, int wants)
{
    unsigned state = smtp__tls_state(tls);
    return tls->status != SMTP_OK || tls->broken != SMTP_OK ||
           (state & (BR_SSL_CLOSED | BR_SSL_RECVAPP)) ||
           ((wants & SMTP_WRITE) && (state & BR_SSL_SENDAPP) &&
            !(state & BR_SSL_SENDREC));
}

/* What records wait for. A stream that is ready is written as "either": a
   socket that has room wakes its loop at once. */
static int smtp__tls_below(const smtp_tls *tls, int wants)
{
    unsigned state = smtp__tls_state(tls);
    if (!tls->active || wants == 0)
        return wants;
    if (smtp__tls_ready(tls, wants))
        return SMTP_READ | SMTP_WRITE;
    return ((state & BR_SSL_RECVREC) ? SMTP_READ : 0)
         | ((state & BR_SSL_SENDREC) ? SMTP_WRITE : 0);
}

static int smtp__tls_wants(void *ctx, int wants)
{
    const smtp_tls *tls = (const smtp_tls *)ctx;
    const smtp_io *lower = tls->lower;
    wants = smtp__tls_below(tls, wants);
    return lower->wants ? (lower->wants)(lower->ctx, wants) : wants;
}

static int smtp__tls_wait(void *ctx, int wants, unsigned long ms)
{
    const smtp_tls *tls = (const smtp_tls *)ctx;
    const smtp_io *lower = tls->lower;
    if (tls->active && wants != 0 && smtp__tls_ready(tls, wants))
        return SMTP_OK;
    return (lower->wait)(lower->ctx, smtp__tls_below(tls, wants), ms);
}

static unsigned long smtp__tls_clock(void *ctx)
{
    const smtp_io *lower = ((const smtp_tls *)ctx)->lower;
    return (lower->clock)(lower->ctx);
}

/* close_notify, as far as a second allows. The server's own is not awaited. */
static void smtp__tls_goodbye(smtp_tls *tls)
{
    const smtp_io *lower = tls->lower;
    int patience = 4, status = SMTP_OK;
    br_ssl_engine_close(&tls->client.eng);
    while (status == SMTP_OK && (smtp__tls_state(tls) & BR_SSL_SENDREC)) {
        status = smtp__tls_write(tls);
        if (status == SMTP_AGAIN && lower->wait && patience-- > 0)
            status = (lower->wait)(lower->ctx, SMTP_WRITE, 250);
    }
}

/* What is left says that it is closed. */
static void smtp__tls_wipe(smtp_tls *tls)
{
    const smtp_io *lower = tls->lower;
    const smtp_tls_config *config = tls->config;
    if (config->buffer)
        smtp__wipe(config->buffer, config->buffer_size);
    smtp__wipe(tls, sizeof *tls);
    tls->lower = lower;
    tls->config = config;
    tls->active = 1;
    tls->status = SMTP_E_CLOSED;
}

static void smtp__tls_close(void *ctx)
{
    smtp_tls *tls = (smtp_tls *)ctx;
    const smtp_io *lower = tls->lower;
    if (tls->up && tls->status == SMTP_OK)
        smtp__tls_goodbye(tls);
    smtp__tls_wipe(tls);
    if (lower->close)
        (lower->close)(lower->ctx);
}

/* -- opening -- */

#ifdef SMTP_POSIX
enum { SMTP__TLS_HAS_DATE = 1 };
#else
enum { SMTP__TLS_HAS_DATE = 0 };
#endif

/* A certificate has addresses in a form of their own, that BearSSL does not
   compare; as a name an address must not be compared (RFC 6125, 6.4). */
static int smtp__tls_is_address(const char *name)
{
    const char *p = name;
    while (*p == '.' || (*p >= '0' && *p <= '9'))
        p++;
    return *p == 0 || memchr(name, ':', strlen(name)) != NULL;
}

static int smtp__tls_check(const smtp_tls_config *c)
{
    if (!c->buffer || c->buffer_size < SMTP_TLS_BUFFER_MIN)
        return SMTP_E_BUFFER;
    if (c->entropy && c->entropy_size < 32)
        return SMTP_E_TLS_ENTROPY;
    if (c->unsafe_no_verify)
        return SMTP_OK;
    if (!c->server_name || !*c->server_name)
        return SMTP_E_ARGUMENT;
    if (smtp__tls_is_address(c->server_name))
        return SMTP_E_TLS_NAME;
    if (!SMTP__TLS_HAS_DATE && c->days == 0 && c->seconds == 0)
        return SMTP_E_TLS_TIME;
    return SMTP_OK;
}

/* Beyond BearSSL's defaults: no SHA-1 under a certificate, no short RSA key,
   no renegotiation. */
static void smtp__tls_policy(smtp_tls *tls)
{
    br_x509_minimal_context *x509 = &tls->trust.x509.minimal;
    br_ssl_engine_context *engine = &tls->client.eng;
    br_x509_minimal_set_hash(x509, br_sha1_ID, NULL);
    br_x509_minimal_set_minrsa(x509, 2048 / 8);
    br_x509_minimal_set_time(x509, tls->config->days, tls->config->seconds);
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
}

/* Both directions at once where a full record and a small one fit. */
static int smtp__tls_buffer(smtp_tls *tls)
{
    br_ssl_engine_context *engine = &tls->client.eng;
    unsigned char *buffer = (unsigned char *)tls->config->buffer;
    size_t in = BR_SSL_BUFSIZE_INPUT;
    if (tls->room < SMTP_TLS_BUFFER_MIN)
        return SMTP_E_BUFFER;
    if (tls->room < SMTP_TLS_BUFFER_DUPLEX)
        br_ssl_engine_set_buffer(engine, buffer, tls->room, 0);
    else
        br_ssl_engine_set_buffers_bidi(engine, buffer, in, buffer + in,
                                       tls->room - in);
    return SMTP_OK;
}

static int smtp__tls_resume(smtp_tls *tls)
{
    const br_ssl_session_parameters *session = tls->config->session;
    if (!session || session->session_id_len == 0 ||
        session->version != BR_TLS12)
        return 0;
    br_ssl_engine_set_session_parameters(&tls->client.eng, session);
    return 1;
}

/* Makes the client's first message ready. An address is no server name for
   the server either (RFC 6066, section 3); and no name there, or in a
   certificate, has the dot that may end it in DNS. */
static int smtp__tls_reset(smtp_tls *tls)
{
    const smtp_tls_config *c = tls->config;
    const char *given = smtp__or_empty(c->server_name);
    size_t size = smtp__tls_is_address(given) ? 0 : strlen(given);
    char name[256];
    if (size > 0 && given[size - 1] == '.')
        size--;
    if (size >= sizeof name)
        return SMTP_E_ARGUMENT;
    memcpy(name, given, size);
    name[size] = 0;
    if (c->entropy)
        br_ssl_engine_inject_entropy(&tls->client.eng, c->entropy,
                                     c->entropy_size);
    if (br_ssl_client_reset(&tls->client, name, smtp__tls_resume(tls)))
        return SMTP_OK;
    return smtp__tls_end(tls);
}

static int smtp__tls_prepare(smtp_tls *tls)
{
    int status = smtp__tls_check(tls->config);
    if (status != SMTP_OK)
        return status;
    smtp__tls_profile(tls);
    smtp__tls_policy(tls);
    status = smtp__tls_trust(tls);
    smtp__tls_bind(tls);
    if (status == SMTP_OK)
        status = smtp__tls_client_cert(tls);
    if (status == SMTP_OK)
        status = smtp__tls_buffer(tls);
    if (status == SMTP_OK)
        status = smtp__tls_reset(tls);
    return status;
}

SMTP_API smtp_status smtp_tls_open(smtp_tls *tls, const smtp_io *lower,
                                   const smtp_tls_config *config,
                                   int starttls, smtp_io *io)
{
    int status;
    memset(tls, 0, sizeof *tls);
    tls->lower = lower;
    tls->config = config;
    tls->room = config->buffer_size;
    tls->active = !starttls;
    status = smtp__tls_prepare(tls);
    if (status != SMTP_OK)
        smtp__tls_wipe(tls);
    io->ctx = tls;
    io->recv = smtp__tls_recv;
    io->send = smtp__tls_send;
    io->starttls = starttls ? smtp__tls_starttls : NULL;
    io->close = smtp__tls_close;
    io->wait = lower->wait ? smtp__tls_wait : NULL;
    io->wants = smtp__tls_wants;
    io->clock = lower->clock ? smtp__tls_clock : NULL;
    return (smtp_status)status;
}

#endif /* SMTP_BEARSSL */

/* ---- SCRAM and CRAM-MD5 -------------------------------------------------- */
#if SMTP__SASL

enum {                             /* smtp_scram.state */
    SMTP__SC_NONE,
    SMTP__SC_FIRST,                /* the server's first message is awaited */
    SMTP__SC_FINAL,                /* the server's last message is awaited */
    SMTP__SC_PROVEN
};

#define SMTP__NONCE 24             /* characters of our nonce */

/* -- hashes and random bytes -- */

#ifdef SMTP_BEARSSL

static const br_hash_class *smtp__bear_hash(int hash)
{
    return hash == SMTP_MD5 ? &br_md5_vtable
         : hash == SMTP_SHA1 ? &br_sha1_vtable : &br_sha256_vtable;
}

static void smtp__bear_hmac(void *ctx, int hash, const void *key,
                            size_t key_size, const void *data, size_t size,
                            void *result)
{
    const br_hash_class *h = smtp__bear_hash(hash);
    br_hmac_key_context start;
    br_hmac_context hmac;
    br_hash_compat_context plain;
    (void)ctx;
    if (key == NULL) {
        h->init(&plain.vtable);
        h->update(&plain.vtable, data, size);
        h->out(&plain.vtable, result);
        return;
    }
    br_hmac_key_init(&start, h, key, key_size);
    br_hmac_init(&hmac, &start, 0);
    br_hmac_update(&hmac, data, size);
    br_hmac_out(&hmac, result);
    smtp__wipe(&start, sizeof start);
    smtp__wipe(&hmac, sizeof hmac);
}

/* As smtp__scram_iterate(), where the hash is BearSSL's: the key's part is
   computed once. 0: it is another. */
static int smtp__bear_iterate(smtp_scram *x, const char *key, uint32_t n)
{
    br_hmac_key_context start;
    br_hmac_context hmac;
    int i;
    if (x->hmac != smtp__bear_hmac)
        return 0;
    br_hmac_key_init(&start, smtp__bear_hash(x->hash), key, strlen(key));
    do {
        br_hmac_init(&hmac, &start, 0);
        br_hmac_update(&hmac, x->last, x->hash);
        br_hmac_out(&hmac, x->last);
        for (i = 0; i < x->hash; i++)
            x->sum[i] ^= x->last[i];
    } while (--x->left && --n);
    smtp__wipe(&start, sizeof start);
    smtp__wipe(&hmac, sizeof hmac);
    return 1;
}

/* 0: there are none. */
static int smtp__bear_random(smtp_scram *x, void *to, size_t size)
{
    br_prng_seeder seed = br_prng_seeder_system(NULL);
    br_hmac_drbg_context random;
    if (x->tls && x->tls->up) {
        br_hmac_drbg_generate(&x->tls->client.eng.rng, to, size);
        return 1;
    }
    br_hmac_drbg_init(&random, &br_sha256_vtable, NULL, 0);
    if (!seed || !seed(&random.vtable))
        return 0;
    br_hmac_drbg_generate(&random, to, size);
    return 1;
}

static void smtp__bear_sasl(smtp_scram *x)
{
    if (!x->hmac)
        x->hmac = smtp__bear_hmac;
}

#else

static int smtp__bear_iterate(smtp_scram *x, const char *key, uint32_t n)
{
    (void)x, (void)key, (void)n;
    return 0;
}

static int smtp__bear_random(smtp_scram *x, void *to, size_t size)
{
    (void)x, (void)to, (void)size;
    return 0;
}

static void smtp__bear_sasl(smtp_scram *x)
{
    (void)x;
}

#endif

#if defined SMTP_BEARSSL && SMTP_TLS_BINDING

static const void *smtp__scram_binding(const smtp_scram *x, size_t *size)
{
    *size = x->binding_size;
    if (x->binding || !x->tls || !x->tls->up || !x->tls->binding.size)
        return x->binding;
    *size = x->tls->binding.size;
    return x->tls->binding.digest;
}

#else

static const void *smtp__scram_binding(const smtp_scram *x, size_t *size)
{
    *size = x->binding_size;
    return x->binding;
}

#endif

/* By a key as long as the hash; NULL: none. */
static void smtp__scram_hmac(const smtp_scram *x, const void *key,
                             const void *data, size_t size, void *result)
{
    (x->hmac)(x->ctx, x->hash, key, key ? x->hash : 0, data, size, result);
}

SMTP__APART
static void smtp__scram_xor(const smtp_scram *x, unsigned char *to,
                            const unsigned char *from)
{
    unsigned i;
    for (i = 0; i < x->hash; i++)
        to[i] ^= from[i];
}

/* HMAC by the password, into x->last, which is added to x->sum. */
static void smtp__scram_round(smtp_scram *x, const smtp_session *s,
                              const void *data, size_t size)
{
    const char *password = smtp__or_empty(s->config->password);
    (x->hmac)(x->ctx, x->hash, password, strlen(password), data, size, x->last);
    smtp__scram_xor(x, x->sum, x->last);
}

/* -- text: appended as to a row, by an `out` that is the session but for its
   row, which is x->text -- */

static void smtp__scram_base64(smtp_session *out, const void *p, size_t size)
{
    smtp__end64(out, smtp__put64_n(out, 1, (const char *)p, size));
}

/* The end of the attribute at `p`, like ",s=" and its value: the next comma.
   What is looked at is there: after the last one stands ",c=". 0: another
   attribute, or none before it. */
static const char *smtp__scram_end(const char *p, char name)
{
    if (p == NULL || p[1] != name || p[2] != '=')
        return NULL;
    for (p += 3; *p != ','; p++)
        ;
    return p;
}

/* -- messages of RFC 5802, section 7 -- */

/* gs2-header: "p", we bind to the channel; "y", we would, but the server does
   not offer it, or refused it: one that can bind stops here, for somebody in
   between may have said so (RFC 5802, section 6); "n", we cannot, or may
   not. */
#define SMTP__PLUS (SMTP_AUTH_SCRAM_SHA_1_PLUS | SMTP_AUTH_SCRAM_SHA_256_PLUS)
static void smtp__scram_header(smtp_session *out, const void *binding)
{
    if (out->mechanism & SMTP__PLUS)
        smtp__put(out, "p=tls-server-end-point");
    else if (binding && (!(out->auth & SMTP__PLUS) ||
                         smtp__usable(out) & SMTP__PLUS))
        smtp__put_char(out, 'y');
    else
        smtp__put_char(out, 'n');
    smtp__put_char(out, ',');
    if (out->config->authzid)
        smtp__put_filled(out, 0, "a=;");
}

static int smtp__scram_nonce(smtp_scram *x, smtp_session *out)
{
    unsigned char random[SMTP__NONCE / 4 * 3];
    const void *p = x->entropy ? x->entropy : random;
    if (p == random && !smtp__bear_random(x, random, sizeof random))
        return 0;
    smtp__scram_base64(out, p, sizeof random);
    return 1;
}

SMTP__APART
static ptrdiff_t smtp__scram_begin(smtp_scram *x, smtp_session *out)
{
    const unsigned sha1 = SMTP_AUTH_SCRAM_SHA_1 | SMTP_AUTH_SCRAM_SHA_1_PLUS;
    size_t size;
    const void *binding = smtp__scram_binding(x, &size);
    if (size > 64)
        binding = NULL;
    x->state = SMTP__SC_FIRST;
    x->hash = out->mechanism == SMTP_AUTH_CRAM_MD5 ? SMTP_MD5
            : out->mechanism & sha1 ? SMTP_SHA1 : SMTP_SHA256;
    if (!x->hmac || (out->mechanism & SMTP__PLUS && !binding))
        return SMTP_E_MECHANISM;
    if (x->hash == SMTP_MD5)
        return 0;
    smtp__scram_header(out, binding);
    x->bare = (uint16_t)(out->out_to + 1);
    smtp__put_filled(out, 0, ",n=8,r=");
    if (!smtp__scram_nonce(x, out))
        return SMTP_E_TLS_ENTROPY;
    x->first = out->out_to;
    return (ptrdiff_t)x->first;
}

/* The first iteration: HMAC of the salt and a 1, which stand after the text
   for a while. */
static int smtp__scram_salt(smtp_scram *x, smtp_session *out,
                            const char *salt)
{
    unsigned start = out->out_to;
    smtp_size bits = 0;
    char ch;
    do
        if (smtp__decode64(&bits, *salt, &ch))
            smtp__put_char(out, ch);
    while (*++salt != ',');
    smtp__put_n(out, "\0\0\0\1", 4);
    smtp__scram_round(x, out, x->text + start, out->out_to - start);
    out->out_to = (uint16_t)start;
    return smtp__whole64(bits) && !out->cut;
}

/* ",r=" both nonces ",s=" salt ",i=" iterations. */
static int smtp__scram_first(smtp_scram *x, smtp_session *out)
{
    const char *start = x->text + x->first;
    const char *nonce = smtp__scram_end(start, 'r');
    const char *salt = smtp__scram_end(nonce, 's');
    const char *count = smtp__scram_end(salt, 'i'), *p;
    smtp_size n = 0;
    if (!count || nonce - start <= 3 + SMTP__NONCE ||
        memcmp(start + 3, start - SMTP__NONCE, SMTP__NONCE) != 0 ||
        !smtp__scram_salt(x, out, nonce + 3))
        return SMTP_E_CHALLENGE;
    for (p = salt + 3; smtp__is_digit(*p); p++)
        n = smtp__grow(n, *p, 0xFFFFFFFF);
    if (p != count)
        return SMTP_E_CHALLENGE;
    if (n < 4096 || n > (x->iterations ? x->iterations : 1000000))
        return SMTP_E_ITERATIONS;
    x->left = (uint32_t)n - 1;
    x->nonces = (uint16_t)(nonce - start);
    return SMTP_OK;
}

/* Iterations that are left, a slice of them at most. */
static void smtp__scram_iterate(smtp_scram *x, const smtp_session *s)
{
    uint32_t n = x->slice;
    if (smtp__bear_iterate(x, smtp__or_empty(s->config->password), n))
        return;
    do
        smtp__scram_round(x, s, x->last, x->hash);
    while (--x->left && --n);
}

/* "c=": the header, and the binding where the header asks for it. */
static void smtp__scram_channel(const smtp_scram *x, smtp_session *out)
{
    size_t size = 0;
    smtp_size bits = smtp__put64_n(out, 1, x->text, x->bare);
    const char *binding = (const char *)smtp__scram_binding(x, &size);
    if (x->text[0] == 'p')
        bits = smtp__put64_n(out, bits, binding, size);
    smtp__end64(out, bits);
}

/* RFC 5802, section 3. The server's signature is kept to compare. */
static void smtp__scram_prove(smtp_scram *x, smtp_session *out)
{
    const char *message = x->text + x->bare;
    size_t length = (size_t)(out->out_to - x->bare);
    unsigned char proof[32];
    smtp__scram_hmac(x, x->sum, "Client Key", 10, x->last);
    smtp__scram_hmac(x, NULL, x->last, x->hash, proof);   /* StoredKey */
    smtp__scram_hmac(x, proof, message, length, proof);   /* ClientSignature */
    smtp__scram_xor(x, proof, x->last);                   /* ClientProof */
    smtp__scram_hmac(x, x->sum, "Server Key", 10, x->sum);
    smtp__scram_hmac(x, x->sum, message, length, x->last);
    smtp__put(out, ",p=");
    smtp__scram_base64(out, proof, x->hash);
}

/* From "c=" on: the channel, then ",r=" and both nonces as the server's message
   has them. */
static ptrdiff_t smtp__scram_final(smtp_scram *x, smtp_session *out)
{
    unsigned start = out->out_to - 2u;
    smtp__scram_channel(x, out);
    smtp__put_n(out, x->text + x->first, x->nonces);
    smtp__scram_prove(x, out);
    x->state = SMTP__SC_FINAL;
    return (ptrdiff_t)(out->out_to - start);
}

/* "v=" the server's signature, or "e=" why not. Ours is written after it. How
   long it takes to compare does not tell where it differs. */
static ptrdiff_t smtp__scram_verify(smtp_scram *x, smtp_session *out)
{
    const char *own = smtp__scram_end(x->text, 'v');
    size_t size;
    int differs = 0;
    if (own == NULL)
        return smtp__scram_end(x->text, 'e') ? SMTP_E_LOGIN : SMTP_E_PROOF;
    size = (size_t)(own - x->text);
    out->out_to = (uint16_t)size;
    smtp__scram_base64(out, x->last, x->hash);
    if (out->out_to + 3u != 2 * size)
        return SMTP_E_PROOF;
    while (size-- > 3)
        differs |= x->text[size] ^ own[size - 3];
    if (differs)
        return SMTP_E_PROOF;
    x->state = SMTP__SC_PROVEN;
    return 0;
}

/* RFC 2195, section 2: the name and the HMAC of the challenge. */
static ptrdiff_t smtp__cram(smtp_scram *x, smtp_session *out)
{
    unsigned i;
    smtp__scram_round(x, out, x->text, x->fill);
    out->out_to = 0;
    x->state = SMTP__SC_PROVEN;    /* CRAM-MD5 has no more of it */
    smtp__put_filled(out, 0, "4 ");
    for (i = 0; i < SMTP_MD5; i++) {
        smtp__put_hex(out, x->last[i] >> 4u, ' ');
        smtp__put_hex(out, x->last[i] & 15u, ' ');
    }
    return (ptrdiff_t)out->out_to;
}

/* A challenge is complete. */
SMTP__APART
static ptrdiff_t smtp__scram_answer(smtp_scram *x, smtp_session *out)
{
    int status;
    if (x->state == SMTP__SC_PROVEN)
        return SMTP_E_CHALLENGE;
    if (x->hash == SMTP_MD5)
        return smtp__cram(x, out);
    if (x->left == 0) {
        smtp__put(out, ",c=");     /* ends the last attribute */
        if (out->cut)
            return SMTP_E_CHALLENGE;
        if (x->state == SMTP__SC_FINAL)
            return smtp__scram_verify(x, out);
        status = smtp__scram_first(x, out);
        if (status != SMTP_OK)
            return status;
    }
    smtp__scram_iterate(x, out);
    return x->left ? (ptrdiff_t)SMTP_AGAIN : smtp__scram_final(x, out);
}

/* What overflows the text is refused here: our own, or the server's. */
static ptrdiff_t smtp__scram_step(void *ctx, const smtp_session *s,
                                  const char *challenge, size_t size,
                                  const char **response)
{
    smtp_scram *x = (smtp_scram *)ctx;
    ptrdiff_t r = 0;
    smtp_session out = *s;
    out.out = x->text;
    out.out_size = SMTP_SCRAM_ROOM;
    out.out_to = x->fill;
    out.now.skip = 0;
    out.cut = 0;
    if (size)
        smtp__put_n(&out, challenge, size);
    else
        r = challenge ? smtp__scram_answer(x, &out)
                      : smtp__scram_begin(x, &out);
    if (r > 0) {                   /* the next message: after it, or instead */
        *response = x->text + out.out_to - r;
        if (x->state == SMTP__SC_FINAL)
            out.out_to = 0;
        smtp__put_char(&out, ',');
    }
    x->fill = out.out_to;
    if (r < 0 || !out.cut)
        return r;
    return r && x->state != SMTP__SC_FINAL ? SMTP_E_BUFFER : SMTP_E_CHALLENGE;
}

static int smtp__scram_done(void *ctx, const smtp_session *s, int status)
{
    const size_t secrets = offsetof(smtp_scram, state);
    smtp_scram *x = (smtp_scram *)ctx;
    int proven = x->state == SMTP__SC_PROVEN;
    (void)s;
    smtp__wipe((char *)x + secrets, sizeof *x - secrets);
    return status != SMTP_OK || proven ? status : (int)SMTP_E_PROOF;
}

SMTP_API smtp_sasl smtp_scram_sasl(smtp_scram *scram)
{
    smtp_sasl sasl;
    smtp__bear_sasl(scram);
    sasl.mechanisms = SMTP_AUTH_EXTERNAL - SMTP_AUTH_CRAM_MD5;
    sasl.name = NULL;
    sasl.ctx = scram;
    sasl.step = smtp__scram_step;
    sasl.done = smtp__scram_done;
    return sasl;
}

#endif /* SMTP__SASL */

/* ---- DKIM ---------------------------------------------------------------- */
#if defined(SMTP_BEARSSL) && !defined(SMTP_NO_DKIM)

/* Each of these stands once at most, so the order in h= is free (RFC 6376,
   section 5.4.2): that of the message, so that it is hashed as it passes. */
static const char *const smtp__d_names[] = {
    "from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id",
    "in-reply-to", "references", "mime-version", "content-type",
    "content-transfer-encoding"
};

enum {
    SMTP__D_FROM = 0,              /* which has to be signed (section 5.4) */
    SMTP__D_NAME_COUNT = sizeof smtp__d_names / sizeof *smtp__d_names
};

enum {                             /* smtp_dkim.state: what is awaited */
    SMTP__D_NAME,                  /* a field, or the empty line */
    SMTP__D_SIGN,                  /* more of a value to be signed */
    SMTP__D_SKIP,                  /* more of one that is not */
    SMTP__D_BODY,
    SMTP__D_DONE
};

enum {                             /* smtp_dkim.flags */
    SMTP__D_SPACE = 1,             /* white space not yet hashed */
    SMTP__D_BEGUN = 2,             /* a byte of the value, of the body */
    SMTP__D_CR = 4,                /* LF after this is the same line end */
    SMTP__D_BOL = 8,               /* at the beginning of a line */
    SMTP__D_TWICE = 16             /* a field that may stand once */
};

/* A byte of a value, white space shrunk (section 3.4.2). */
static void smtp__d_value(smtp_dkim *d, char ch)
{
    if (ch == ' ' || ch == '\t') {
        d->flags |= SMTP__D_SPACE;
        return;
    }
    if ((d->flags & SMTP__D_SPACE) && (d->flags & SMTP__D_BEGUN))
        br_sha256_update(&d->head, " ", 1);
    br_sha256_update(&d->head, &ch, 1);
    d->flags &= (uint8_t)~SMTP__D_SPACE;
    d->flags |= SMTP__D_BEGUN;
}

/* The name of a field is complete: is it to be signed? */
static void smtp__d_choose(smtp_dkim *d)
{
    unsigned i, n = d->name_size;
    while (n > 0 && (d->name[n - 1] == ' ' || d->name[n - 1] == '\t'))
        n--;
    d->state = SMTP__D_SKIP;
    d->flags &= (uint8_t)~(SMTP__D_SPACE | SMTP__D_BEGUN);
    for (i = 0; i < SMTP__D_NAME_COUNT; i++)
        if (strlen(smtp__d_names[i]) == n &&
            memcmp(smtp__d_names[i], d->name, n) == 0) {
            if (d->seen >> i & 1) {
                d->flags |= SMTP__D_TWICE;
                return;
            }
            d->seen = (uint16_t)(d->seen | 1u << i);
            d->order[d->count++] = (uint8_t)i;
            d->state = SMTP__D_SIGN;
            br_sha256_update(&d->head, d->name, n);
            br_sha256_update(&d->head, ":", 1);
        }
}

static void smtp__d_head(smtp_dkim *d, char ch)
{
    int bol = d->flags & SMTP__D_BOL;
    if (ch == '\n') {
        if (d->state == SMTP__D_SIGN && !bol)
            d->flags |= SMTP__D_SPACE;
        else if (d->state == SMTP__D_SIGN)
            br_sha256_update(&d->head, "\r\n", 2);
        else                       /* a line without a colon is no field */
            d->state = SMTP__D_SKIP;
        if (bol) {
            d->state = SMTP__D_BODY;
            d->flags &= (uint8_t)~(SMTP__D_SPACE | SMTP__D_BEGUN);
            return;
        }
        d->flags |= SMTP__D_BOL;
        return;
    }
    d->flags &= (uint8_t)~SMTP__D_BOL;
    if (bol && ch != ' ' && ch != '\t') {
        if (d->state == SMTP__D_SIGN)
            br_sha256_update(&d->head, "\r\n", 2);
        d->state = SMTP__D_NAME;
        d->name_size = 0;
    }
    if (d->state == SMTP__D_SIGN)
        smtp__d_value(d, ch);
    else if (d->state == SMTP__D_NAME && ch == ':')
        smtp__d_choose(d);
    else if (d->state == SMTP__D_NAME && d->name_size < sizeof d->name)
        d->name[d->name_size++] =
            (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
}

/* Section 3.4.4: white space shrunk, none at a line's end; lines at the end
   that are empty do not count. */
static void smtp__d_body(smtp_dkim *d, char ch)
{
    if (ch == '\n') {
        d->lines++;
        d->flags &= (uint8_t)~SMTP__D_SPACE;
    } else if (ch == ' ' || ch == '\t') {
        d->flags |= SMTP__D_SPACE;
    } else {
        for (; d->lines > 0; d->lines--)
            br_sha256_update(&d->content, "\r\n", 2);
        if (d->flags & SMTP__D_SPACE)
            br_sha256_update(&d->content, " ", 1);
        br_sha256_update(&d->content, &ch, 1);
        d->flags &= (uint8_t)~SMTP__D_SPACE;
        d->flags |= SMTP__D_BEGUN;
    }
}

/* Line ends as they will be sent: CR, LF and CRLF are one. */
static void smtp__d_byte(smtp_dkim *d, char ch)
{
    int after_cr = d->flags & SMTP__D_CR;
    d->flags &= (uint8_t)~SMTP__D_CR;
    if (ch == '\n' && after_cr)
        return;
    if (ch == '\r') {
        d->flags |= SMTP__D_CR;
        ch = '\n';
    }
    if (d->state == SMTP__D_BODY)
        smtp__d_body(d, ch);
    else
        smtp__d_head(d, ch);
}

static ptrdiff_t smtp__d_inner(smtp_dkim *d, smtp_size offset,
                               const char **data)
{
    if (d->body.pull != NULL)
        return (d->body.pull)(d->body.ctx, offset, data);
    *data = smtp__or_empty(d->body.data) + offset;
    return (ptrdiff_t)(d->body.size - offset);
}

static void smtp__d_put(smtp_dkim *d, const char *text, size_t n)
{
    memcpy(d->text + d->size, text, n);
    d->size = (uint16_t)(d->size + n);
}

static void smtp__d_puts(smtp_dkim *d, const char *text)
{
    smtp__d_put(d, text, strlen(text));
}

/* Folded at 72: white space is free in b= and bh=. */
static void smtp__d_put_base64(smtp_dkim *d, const unsigned char *data,
                               size_t n)
{
    for (; n > 54; n -= 54, data += 54) {
        smtp__encode64(d->text + d->size, data, 54);
        d->size = (uint16_t)(d->size + 72);
        smtp__d_puts(d, "\r\n\t");
    }
    d->size = (uint16_t)(smtp__encode64(d->text + d->size, data, n) - d->text);
}

static void smtp__d_put_number(smtp_dkim *d, uint32_t value)
{
    char digits[10], *end = digits + sizeof digits;
    char *p = smtp__number(end, value);
    smtp__d_put(d, p, (size_t)(end - p));
}

/* The field up to "b=". */
static void smtp__d_fields(smtp_dkim *d)
{
    unsigned char hash[32];
    unsigned i;
    smtp__d_puts(d, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;"
                    "\r\n\td=");
    smtp__d_puts(d, d->config->domain);
    smtp__d_puts(d, ";\r\n\ts=");
    smtp__d_puts(d, d->config->selector);
    if (d->config->date != 0) {
        smtp__d_puts(d, "; t=");
        smtp__d_put_number(d, d->config->date);
    }
    smtp__d_puts(d, ";\r\n\th=");
    for (i = 0; i < d->count; i++) {
        smtp__d_puts(d, i == 0 ? "" : i % 5 == 0 ? ":\r\n\t" : ":");
        smtp__d_puts(d, smtp__d_names[d->order[i]]);
    }
    smtp__d_puts(d, ";\r\n\tbh=");
    br_sha256_out(&d->content, hash);
    smtp__d_put_base64(d, hash, sizeof hash);
    smtp__d_puts(d, ";\r\n\tb=");
}

/* Hashes the field itself, without the line end, and signs (section 3.7). */
static smtp_status smtp__d_sign(smtp_dkim *d)
{
    static const char name[] = "dkim-signature:";
    unsigned char hash[32], signature[512];
    const br_rsa_private_key *key = d->config->key;
    size_t i;
    smtp__d_fields(d);
    br_sha256_update(&d->head, name, sizeof name - 1);
    d->flags = 0;
    for (i = sizeof name - 1; i < d->size; i++)
        smtp__d_value(d, d->text[i] == '\r' || d->text[i] == '\n'
                             ? ' ' : d->text[i]);
    br_sha256_out(&d->head, hash);
    if (!br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, hash,
                                         sizeof hash, key, signature))
        return SMTP_E_ARGUMENT;
    smtp__d_put_base64(d, signature, (size_t)(key->n_bitlen + 7) / 8);
    smtp__d_puts(d, "\r\n");
    return SMTP_OK;
}

static ptrdiff_t smtp__d_pull(void *ctx, smtp_size offset, const char **data)
{
    smtp_dkim *d = (smtp_dkim *)ctx;
    if (offset >= d->size)
        return smtp__d_inner(d, offset - d->size, data);
    *data = d->text + offset;
    return (ptrdiff_t)(d->size - offset);
}

/* A domain, as the value of a tag: labels of letters (RFC 8616: of UTF-8, too),
   digits, hyphens, and the underscores that selectors have. */
static int smtp__d_domain(const char *p, size_t most)
{
    size_t i;
    char before = '.';
    for (i = 0; p && p[i]; before = p[i++]) {
        char c = p[i], letter = (char)(c | 32);
        int inner = (letter >= 'a' && letter <= 'z') || smtp__is_digit(c) ||
                    c == '-' || c == '_' || (unsigned char)c > 127;
        if (!inner && (c != '.' || before == '.'))
            return 0;
    }
    return before != '.' && i <= most;
}

/* Fits text[] with all its fields: 600 bytes, and 4 for 3 of the signature. A
   binary body could not be converted on its way (section 5.3). */
static int smtp__d_good(const smtp_dkim_config *config, const smtp_body *body)
{
    return smtp__d_domain(config->domain, 255) &&
           smtp__d_domain(config->selector, 63) && config->key != NULL &&
           config->key->n_bitlen >= 1024 && config->key->n_bitlen <= 4096 &&
           smtp__body_ok(body) &&
           !(body->pull != NULL && (body->flags & SMTP_BODY_ONCE)) &&
           !(body->flags & SMTP_BODY_BINARY);
}

static smtp_status smtp__d_end(smtp_dkim *d)
{
    while (d->state != SMTP__D_BODY)
        smtp__d_head(d, '\n');     /* a message without a body */
    d->state = SMTP__D_DONE;
    if (d->flags & SMTP__D_TWICE)
        return SMTP_E_FIELD_NAME;
    if ((d->seen & 1u << SMTP__D_FROM) == 0)
        return SMTP_E_FIELD_MISSING;
    if (d->flags & SMTP__D_BEGUN)
        br_sha256_update(&d->content, "\r\n", 2);
    return smtp__d_sign(d);
}

SMTP_API smtp_status smtp_dkim_sign(smtp_dkim *dkim,
                                    const smtp_dkim_config *config,
                                    smtp_mail *mail)
{
    smtp_dkim *d = dkim;
    const char *data;
    smtp_status st;
    ptrdiff_t n, i;
    if (!smtp__d_good(config, &mail->body) || d->state == SMTP__D_DONE)
        return SMTP_E_ARGUMENT;
    if (d->config == NULL) {
        d->config = config;
        d->body = mail->body;
        d->flags = SMTP__D_BOL;
        br_sha256_init(&d->head);
        br_sha256_init(&d->content);
    }
    while ((n = smtp__d_inner(d, d->at, &data)) > 0) {
        if ((size_t)n > (smtp_size)-1 - sizeof d->text - d->at)
            return SMTP_E_BODY;
        if (d->at == 0 && (*data == ' ' || *data == '\t'))
            return SMTP_E_FIELD_SYNTAX;
        for (i = 0; i < n; i++)
            smtp__d_byte(d, data[i]);
        d->at += (smtp_size)n;
    }
    if (n < 0 || d->at < d->body.size)
        return n == SMTP_AGAIN ? SMTP_AGAIN : SMTP_E_BODY;
    st = smtp__d_end(d);
    if (st != SMTP_OK)
        return st;
    mail->body.pull = smtp__d_pull;
    mail->body.ctx = d;
    mail->body.size = d->at + d->size;
    return SMTP_OK;
}

#endif

/* ---- adapter: one call --------------------------------------------------- */
#ifdef SMTP_POSIX

#define SMTP__QUIT_SECONDS 5

typedef struct smtp__url {
    const char *host;              /* decoded; a path if it starts with / */
    const char *service;           /* 0: the scheme's */
    const char *user, *password;   /* decoded, or 0 */
    char *at, *end;                /* free room for decoded parts */
    uint8_t scheme;                /* index of smtp__schemes */
} smtp__url;

static const struct {
    const char *name, *service, *login_service;
    uint8_t tls, lmtp;
} smtp__schemes[] = {
    {"smtp://", "25", "587", SMTP_TLS_STARTTLS, 0},
    {"smtps://", "465", "465", SMTP_TLS_IMPLICIT, 0},
    {"lmtp://", "24", "24", SMTP_TLS_STARTTLS, 1}
};

/* What stands after the scheme, or 0. */
static const char *smtp__url_scheme(smtp__url *u, const char *url)
{
    for (u->scheme = 0; u->scheme < 3; u->scheme++) {
        const char *name = smtp__schemes[u->scheme].name;
        size_t n = strlen(name);
        if (smtp__same(url, name, n))
            return url + n;
    }
    return NULL;
}

/* 0 to 15, or 255. */
static unsigned smtp__url_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return 255;
}

/* Takes one decoded byte; 0 for what a URL may not hold: a space or control
   character as it is, %00, a % without two digits. */
static char smtp__url_byte(const char **from, const char *to)
{
    const char *p = *from;
    unsigned high, low;
    *from = p + 1;
    if (*p != '%')
        return (unsigned char)*p <= ' ' || *p == 127 ? '\0' : *p;
    if (to - p < 3)
        return 0;
    high = smtp__url_digit(p[1]);
    low = smtp__url_digit(p[2]);
    *from = p + 3;
    return high > 15 || low > 15 ? '\0' : (char)(high << 4 | low);
}

/* The decoded part as a string in the room of u, or 0. */
static const char *smtp__url_decode(smtp__url *u, const char *from,
                                    const char *to)
{
    const char *start = u->at;
    while (from < to) {
        char c = smtp__url_byte(&from, to);
        if (c == 0 || u->at == u->end)
            return NULL;
        *u->at++ = c;
    }
    if (u->at == u->end)
        return NULL;
    *u->at++ = 0;
    return start;
}

/* The last `c` before `to`, or 0. */
static const char *smtp__url_last(const char *from, const char *to, char c)
{
    while (to > from)
        if (*--to == c)
            return to;
    return NULL;
}

/* user[:password], 1: fine. */
static int smtp__url_login(smtp__url *u, const char *from, const char *to)
{
    size_t size = (size_t)(to - from);
    const char *colon = (const char *)memchr(from, ':', size);
    u->user = smtp__url_decode(u, from, colon ? colon : to);
    if (colon)
        u->password = smtp__url_decode(u, colon + 1, to);
    return u->user && *u->user && (!colon || u->password);
}

/* [:port] or [:], 1: fine. */
static int smtp__url_port(smtp__url *u, const char *from, const char *to)
{
    const char *p;
    if (to - from < 2)
        return from == to || *from == ':';
    for (p = from + 1; p < to; p++)
        if (*p < '0' || *p > '9')
            return 0;
    u->service = smtp__url_decode(u, from + 1, to);
    return *from == ':' && smtp__posix_service_check(u->service);
}

/* What stands in brackets: a number of IPv6, with %25 and a zone perhaps. */
static int smtp__url_literal(smtp__url *u, const char *from, const char *to)
{
    char number[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    size_t size;
    u->host = smtp__url_decode(u, from, to);
    size = u->host ? strcspn(u->host, "%") : sizeof number;
    if (size >= sizeof number)
        return 0;
    memcpy(number, u->host, size);
    number[size] = 0;
    return inet_pton(AF_INET6, number, &binary) == 1;
}

/* A name, an IPv4 number, or a path in percent notation. */
static int smtp__url_name(smtp__url *u, const char *from, const char *to)
{
    const char *p;
    u->host = smtp__url_decode(u, from, to);
    if (!u->host || !*u->host)
        return 0;
    if (*u->host == '/')
        return 1;
    for (p = u->host; *p; p++)
        if ((unsigned char)*p <= ' ' || strchr("\"#%/:<>?@[\\]^`{|}\177", *p))
            return 0;
    return 1;
}

/* host[:port], 1: fine. */
static int smtp__url_place(smtp__url *u, const char *from, const char *to)
{
    size_t size = (size_t)(to - from);
    const char *stop;
    if (*from == '[') {
        stop = (const char *)memchr(from, ']', size);
        return stop && smtp__url_literal(u, from + 1, stop) &&
               smtp__url_port(u, stop + 1, to);
    }
    stop = (const char *)memchr(from, ':', size);
    if (!stop)
        stop = to;
    return smtp__url_name(u, from, stop) && smtp__url_port(u, stop, to) &&
           !(*u->host == '/' && u->service);
}

/* The path of a Unix socket after an empty host, 1: fine. */
static int smtp__url_path(smtp__url *u, const char *from)
{
    if (from[0] != '/' || from[1] == 0 || strpbrk(from, "?#"))
        return 0;
    u->host = smtp__url_decode(u, from, from + strlen(from));
    return u->host != NULL;
}

/* Takes a URL apart; its parts go into `room`. The last @ ends the login, as a
   user is often written with one. SMTP_OK, SMTP_E_URL. */
static smtp_status smtp__url_parse(smtp__url *u, const char *url, char *room,
                                   size_t size)
{
    const char *from, *to, *login;
    int fine = 1;
    memset(u, 0, sizeof *u);
    u->at = room;
    u->end = room + size;
    from = url ? smtp__url_scheme(u, url) : NULL;
    if (!from)
        return SMTP_E_URL;
    to = from + strcspn(from, "/?#");
    login = smtp__url_last(from, to, '@');
    if (login) {
        fine = smtp__url_login(u, from, login);
        from = login + 1;
    }
    if (from == to)
        fine &= smtp__url_path(u, to);
    else
        fine &= smtp__url_place(u, from, to) && (!*to || !strcmp(to, "/"));
    return fine ? SMTP_OK : SMTP_E_URL;
}

#if defined SMTP_BEARSSL && SMTP__SASL
static void smtp__client_sasl(smtp_client *c)
{
    if (c->config.sasl)
        return;
    c->scram.tls = &c->tls;
    c->sasl = smtp_scram_sasl(&c->scram);
    c->config.sasl = &c->sasl;
}
#else
static void smtp__client_sasl(smtp_client *c)
{
    (void)c;
}
#endif

#ifdef SMTP_BEARSSL
/* Reads what TLS needs; no byte moves yet. */
static smtp_status smtp__client_tls(smtp_client *c,
                                    const smtp_client_options *options)
{
    c->tls_config = options->tls;
    if (!c->tls_config.server_name)
        c->tls_config.server_name = c->host;
    if (!c->tls_config.buffer) {
        c->tls_config.buffer = c->records;
        c->tls_config.buffer_size = sizeof c->records;
    }
    if (c->config.tls == SMTP_TLS_NONE)
        return SMTP_OK;
    return smtp_tls_open(&c->tls, &c->lower, &c->tls_config,
                         c->config.tls != SMTP_TLS_IMPLICIT, &c->io);
}

static void smtp__client_wipe_tls(smtp_client *c)
{
    smtp__wipe(&c->tls, sizeof c->tls);
    smtp__wipe(c->records, sizeof c->records);
}
#else
static smtp_status smtp__client_tls(const smtp_client *c,
                                    const smtp_client_options *options)
{
    (void)options;
    return c->config.tls == SMTP_TLS_STARTTLS ||
           c->config.tls == SMTP_TLS_IMPLICIT ? SMTP_E_NO_TLS : SMTP_OK;
}

static void smtp__client_wipe_tls(smtp_client *c)
{
    (void)c;
}
#endif

/* smtp_client.config from the options and the URL. */
static void smtp__client_configure(smtp_client *c, const smtp__url *u,
                                   const smtp_config *config)
{
    c->config = *config;
    if (u->user)
        c->config.user = u->user;
    if (u->password)
        c->config.password = u->password;
    if (smtp__schemes[u->scheme].lmtp)
        c->config.lmtp = 1;
    if (c->config.tls == 0)
        c->config.tls = smtp__schemes[u->scheme].tls;
    if (c->config.tls == SMTP_TLS_STARTTLS && *u->host == '/')
        c->config.tls = SMTP_TLS_NONE;
    c->host = u->host;
    c->service = u->service;
    if (!c->service)
        c->service = c->config.user ? smtp__schemes[u->scheme].login_service
                                    : smtp__schemes[u->scheme].service;
    if (*c->host == '/')
        c->service = "";
}

/* The connection is there: starts the session on it. */
static smtp_status smtp__client_start(smtp_client *c)
{
    smtp_status st;
    if (!c->config.domain) {
        (void)smtp_posix_domain(&c->posix, c->domain, sizeof c->domain);
        c->config.domain = c->domain;
    }
    st = smtp_open(&c->session, &c->io, &c->config, c->buffer,
                   sizeof c->buffer);
    return st == SMTP_OK ? smtp_run(&c->session) : st;
}

SMTP_API smtp_status smtp_client_open(smtp_client *client, const char *url,
                                      const smtp_client_options *options)
{
    smtp_client_options chosen;
    smtp__url u;
    smtp_status st;
    memset(client, 0, sizeof *client);
    memset(&chosen, 0, sizeof chosen);
    if (options)
        chosen = *options;
    client->posix.fd = -1;
    client->session.status = SMTP__BYTE(SMTP_E_CLOSED);
    client->session.reply.text = client->buffer;
    st = smtp__url_parse(&u, url, client->url, sizeof client->url);
    if (st != SMTP_OK)
        return st;
    smtp__client_configure(client, &u, &chosen.config);
    smtp__client_sasl(client);
    client->io = client->lower = smtp_posix_io(&client->posix, 1);
    st = smtp__client_tls(client, &chosen);
    if (st == SMTP_OK)
        st = smtp_posix_connect(&client->posix, client->host, client->service,
                                chosen.source, chosen.connect_ms);
    return st == SMTP_OK ? smtp__client_start(client) : st;
}

SMTP_API void smtp_client_close(smtp_client *client)
{
    if (client->session.io)
        smtp_close(&client->session);
    smtp_posix_close(&client->posix);
    client->config.user = client->config.password = NULL;
    smtp__wipe(client->url, sizeof client->url);
    smtp__wipe(client->buffer, sizeof client->buffer);
    smtp__client_wipe_tls(client);
}

static void smtp__client_not_taken(smtp_mail *mail)
{
    size_t i;
    mail->status = SMTP_NOT_TAKEN;
    memset(&mail->code, 0, sizeof mail->code);
    for (i = 0; i < mail->to_count; i++) {
        mail->to[i].status = SMTP_NOT_TAKEN;
        memset(&mail->to[i].code, 0, sizeof mail->to[i].code);
    }
}

/* QUIT, whose answer changes nothing and so is not long waited for. */
static void smtp__client_leave(smtp_client *c)
{
    uint16_t *limit = &c->config.timeout.command;
    if (*limit == 0 || *limit > SMTP__QUIT_SECONDS)
        *limit = SMTP__QUIT_SECONDS;
    if (c->session.io)
        (void)smtp_quit(&c->session);
}

/* Goes on until a source of the caller's, or his login mechanism, is ready. */
static smtp_status smtp__client_finish(smtp_client *c, smtp_status st)
{
    while (st == SMTP_AGAIN) {
        (void)poll(NULL, 0, SMTP__RETRY_MS);
        st = smtp_run(&c->session);
    }
    return st;
}

SMTP_API smtp_status smtp_send_url(const char *url, smtp_mail *mail,
                                   const smtp_client_options *options)
{
    smtp_client client;
    smtp_status st;
    if (!mail || (mail->to_count && !mail->to))
        return SMTP_E_ARGUMENT;
    smtp__client_not_taken(mail);
    st = smtp__client_finish(&client, smtp_client_open(&client, url, options));
    if (st == SMTP_OK)
        st = smtp__client_finish(&client, smtp_send(&client.session, mail));
    smtp__client_leave(&client);
    smtp_client_close(&client);
    return st;
}
#endif /* SMTP_POSIX */

#endif /* SMTP_IMPLEMENTED */
#endif /* SMTP_IMPLEMENTATION */

/* ---- history -------------------------------------------------------------

   0.1   the first: SMTP, ESMTP and LMTP; STARTTLS, PIPELINING, CHUNKING, SIZE,
         8BITMIME, BINARYMIME, SMTPUTF8, DSN, DELIVERBY, FUTURERELEASE,
         MT-PRIORITY, REQUIRETLS, LIMITS, PRDR, XCLIENT, XFORWARD; logins by
         SCRAM-SHA-1 and -256 (-PLUS), CRAM-MD5, PLAIN, LOGIN, OAUTHBEARER,
         XOAUTH2, EXTERNAL or your own; a dialogue by hand; mails composed from
         fields, DKIM; adapters for POSIX and BearSSL

   ---- licence -------------------------------------------------------------

smtp.h may be used under either of the two licences below, at your choice.

------------------------------------------------------------------------------
Choice A: MIT No Attribution (SPDX: MIT-0)

Copyright (c) 2026 the authors of smtp.h

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.

------------------------------------------------------------------------------
Choice B: public domain, Unlicense (SPDX: Unlicense)

This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this
software, either in source code form or as a compiled binary, for any purpose,
commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this
software dedicate any and all copyright interest in the software to the public
domain. We make this dedication for the benefit of the public at large and to
the detriment of our heirs and successors. We intend this dedication to be an
overt act of relinquishment in perpetuity of all present and future rights to
this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>
*/
