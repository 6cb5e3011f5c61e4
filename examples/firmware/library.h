/* smtp.h as this firmware wants it: the same options in every file. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <bearssl.h>

#define SMTP_BEARSSL
#define SMTP_TLS_PROFILE choose_algorithms      /* tls.c */
#define SMTP_TLS_PEM 0             /* trust is in flash, see anchors.h */
#define SMTP_TLS_CLIENT_CERT 0
#define SMTP_NO_HAND               /* no dialogue by hand, */
#define SMTP_NO_LMTP
#define SMTP_NO_CHUNKING
#define SMTP_NO_DSN
#define SMTP_NO_UTF8
#define SMTP_NO_TRACE
#define SMTP_NO_SASL               /* PLAIN over TLS will do, */
#define SMTP_NO_RARE
#define SMTP_NO_NEXT               /* one mail at a time, */
#define SMTP_NO_PARAMS
#define SMTP_NO_ALL_OR_NONE
#define SMTP_NO_OPPORTUNISTIC
#define SMTP_NO_WAIT               /* and the main loop waits */

void choose_algorithms(br_ssl_client_context *client,
                       br_x509_minimal_context *x509,
                       const br_x509_trust_anchor *anchors, size_t count);

#include "smtp.h"

#endif
