/* What to fill in. Each can be given to the compiler instead (-D). */
#ifndef SETTINGS_H
#define SETTINGS_H

#ifndef MAIL_SERVER                /* the name in its certificate */
#define MAIL_SERVER "mail.example.org"
#endif
#ifndef MAIL_USER
#define MAIL_USER "sensor"
#endif
#ifndef MAIL_PASSWORD
#define MAIL_PASSWORD "a secret of 1 sensor"
#endif
#ifndef MAIL_DOMAIN                /* of this device, said in EHLO */
#define MAIL_DOMAIN "sensor.example.org"
#endif
#ifndef MAIL_FROM
#define MAIL_FROM "sensor@example.org"
#endif
#ifndef MAIL_TO
#define MAIL_TO "ops@example.net"
#endif
#ifndef MAIL_SECONDS               /* without a step forward end a session; */
#define MAIL_SECONDS 30            /* 0: the limits of RFC 5321, minutes */
#endif
#ifndef MAIL_BUFFER                /* bytes for SMTP, a direction half of it */
#define MAIL_BUFFER 512
#endif
#ifndef MAIL_RECORDS               /* bytes for TLS, see README */
#define MAIL_RECORDS SMTP_TLS_BUFFER_FULL
#endif

/* Where lwIP finds the server, and itself. */
#ifndef SERVER_ADDRESS
#define SERVER_ADDRESS LWIP_MAKEU32(10, 0, 2, 100)
#endif
#ifndef SERVER_PORT
#define SERVER_PORT 587
#endif
#ifndef OWN_ADDRESS
#define OWN_ADDRESS LWIP_MAKEU32(10, 0, 2, 15)
#endif
#ifndef OWN_NETMASK
#define OWN_NETMASK LWIP_MAKEU32(255, 255, 255, 0)
#endif
#ifndef OWN_GATEWAY
#define OWN_GATEWAY LWIP_MAKEU32(10, 0, 2, 2)
#endif

#endif
