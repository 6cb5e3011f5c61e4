/* One mail of readings, sent in steps that never wait. */
#ifndef MAILER_H
#define MAILER_H

#include <stdint.h>

/* Begins the mail with this number (0 to 9999): SMTP_AGAIN, or why not. */
int mailer_start(uint32_t number);

/* Call it from the main loop. SMTP_AGAIN: under way. Else the session has
   ended and this is the mail's outcome. */
int mailer_step(void);

/* What the session was waiting for. */
const char *mailer_stage(void);

/* Writes the outcome to the console. */
void mailer_report(int outcome);

#endif
