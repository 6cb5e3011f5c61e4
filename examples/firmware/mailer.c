/* One mail of readings by STARTTLS, with login. */
#include "mailer.h"

#include "board.h"
#include "link.h"
#include "settings.h"

#include "anchors.h"               /* made from a PEM file: make ANCHORS= */

#include <string.h>

/* ---- the message: a header, then readings made line by line -------------- */

#define READINGS 100u
#define LINE_SIZE 17u

static char head[] = "From: <" MAIL_FROM ">\nTo: <" MAIL_TO ">\n"
                     "Subject: readings 0000\n\n";
enum { HEAD_SIZE = sizeof head - 1, HEAD_NUMBER = HEAD_SIZE - 6 };

static uint32_t mail_number;

static void put_digits(char *to, unsigned digits, uint32_t number)
{
    while (digits-- > 0) {
        to[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

static uint32_t measured(uint32_t number, uint32_t index)
{
    return (number * 37 + index * 101) % 1000;
}

/* smtp_body.pull: any offset, so that the engine can go back. */
static ptrdiff_t pull(void *ctx, smtp_size offset, const char **data)
{
    static char line[] = ".000 V at 0000 s\n";
    const uint32_t at = (uint32_t)offset - HEAD_SIZE, index = at / LINE_SIZE;

    (void)ctx;
    if (offset < HEAD_SIZE) {
        *data = head + offset;
        return (ptrdiff_t)(HEAD_SIZE - offset);
    }
    if (index >= READINGS)
        return 0;
    put_digits(line + 1, 3, measured(mail_number, index));
    put_digits(line + 10, 4, index);
    *data = line + at % LINE_SIZE;
    return (ptrdiff_t)(LINE_SIZE - at % LINE_SIZE);
}

/* ---- the session --------------------------------------------------------- */

static const smtp_config config = {
    .domain = MAIL_DOMAIN,
    .user = MAIL_USER,
    .password = MAIL_PASSWORD,
    .timeout = {MAIL_SECONDS, MAIL_SECONDS, MAIL_SECONDS, MAIL_SECONDS,
                MAIL_SECONDS}
};

/* Apart from one another, so that the link map shows the size of each. */
static smtp_session session;
static char buffer[MAIL_BUFFER];
static smtp_tls tls;
static unsigned char records[MAIL_RECORDS];

static smtp_tls_config tls_config;
static smtp_io line, io;           /* below TLS, above it */
static unsigned char entropy[32];
static smtp_recipient to;
static smtp_mail mail;
static int status;                 /* of the call under way */
static uint8_t leaving;            /* QUIT was said */
static int reason;                 /* what ended the session before that */

/* Without date or entropy smtp_tls_open() refuses, with a status for each. */
static void prepare_tls(void)
{
    memset(&tls_config, 0, sizeof tls_config);
    tls_config.server_name = MAIL_SERVER;
    tls_config.buffer = records;
    tls_config.buffer_size = sizeof records;
    tls_config.anchors = TAs;
    tls_config.anchor_count = TAs_NUM;
    board_date(&tls_config.days, &tls_config.seconds);
    if (board_entropy(entropy, sizeof entropy)) {
        tls_config.entropy = entropy;
        tls_config.entropy_size = sizeof entropy;
    }
}

static void prepare_mail(uint32_t number)
{
    mail_number = number;
    put_digits(head + HEAD_NUMBER, 4, number);
    memset(&to, 0, sizeof to);
    to.address = MAIL_TO;
    memset(&mail, 0, sizeof mail);
    mail.from = MAIL_FROM;
    mail.to = &to;
    mail.to_count = 1;
    mail.body.pull = pull;
    mail.body.size = HEAD_SIZE + READINGS * LINE_SIZE;
}

static int open_session(void)
{
    int opened = link_open(&line);

    if (opened == SMTP_OK)
        opened = smtp_tls_open(&tls, &line, &tls_config, 1, &io);
    if (opened == SMTP_OK)
        opened = smtp_open(&session, &io, &config, buffer, sizeof buffer);
    if (opened != SMTP_OK && line.close)
        line.close(line.ctx);
    return opened;
}

int mailer_start(uint32_t number)
{
    leaving = 0;
    reason = SMTP_OK;
    prepare_mail(number);
    prepare_tls();
    status = open_session();
    if (status != SMTP_OK)
        return status;
    status = smtp_send(&session, &mail);
    return SMTP_AGAIN;
}

int mailer_step(void)
{
    if (status == SMTP_AGAIN)
        status = smtp_run(&session);
    if (status != SMTP_AGAIN && !leaving) {
        leaving = 1;
        reason = smtp_run(&session);     /* what ended it, or SMTP_OK */
        status = smtp_quit(&session);
    }
    if (status == SMTP_AGAIN)
        return SMTP_AGAIN;
    smtp_close(&session);
    return mail.status;
}

const char *mailer_stage(void)
{
    return smtp_stage(&session);
}

void mailer_report(int outcome)
{
    board_print("mail ");
    board_print_number(mail_number);
    board_print(": ");
    board_print(smtp_status_text(outcome));
    if (reason != SMTP_OK) {
        board_print("; ");
        board_print(smtp_status_text(reason));
    }
    board_print("\n");
}
