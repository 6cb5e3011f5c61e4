/* The line to the mail server, one session at a time: serial/uart.c or
   lwip/link.c. */
#ifndef LINK_H
#define LINK_H

#include "library.h"

/* Once, after reset. */
void link_start(void);

/* A new connection: *io is the transport over it, which may still be under
   way. SMTP_OK or a failure. Its `close` ends it. */
int link_open(smtp_io *io);

/* In each turn of the main loop: let the network move. */
void link_poll(void);

#endif
