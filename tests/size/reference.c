/* The least that a program calls to send mail: what of smtp.h it links is the
   code size that `make size` reports. */
#include "smtp.h"

extern smtp_io io;
extern smtp_config config;
extern smtp_session session;
extern smtp_mail mail;
extern char buffer[256];

void start(void);
void start(void)
{
    smtp_open(&session, &io, &config, buffer, sizeof buffer);
    if (smtp_send(&session, &mail) == SMTP_AGAIN)
        while (smtp_run(&session) == SMTP_AGAIN)
            continue;
    smtp_quit(&session);
    smtp_close(&session);
}
