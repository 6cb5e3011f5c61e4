/* dialogue.c - the engine's dialogues, as data; scene.h tells how to read
   them, sweep.h in how many ways each is played */
#define SMTP_IMPLEMENTATION
#include "smtp.h"

#include "sweep.h"

#define ONE "mail box@a ops@b\nbody S: x||hi|\n"
#define TWO "mail box@a ops@b dev@b\nbody S: x||hi|\n"
#define HELLO "EHLO [127.0.0.1]\n"
#define SAY_ONE "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\nDATA\n"
#define SAY_TWO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\nRCPT TO:<dev@b>\nDATA\n"
#define TEXT "S: x\n\nhi\n.\n"
#define CHUNK "BDAT 12 LAST\nS: x\n\nhi\n"
#define PIPE "offer PIPELINING\n"
#define BDAT "offer PIPELINING;CHUNKING\n"
#define STORED "OK 250 2.6.0: OK 250 2.6.0\n"
#define STORED_TWO "OK 250 2.6.0: OK 250 2.6.0, OK 250 2.6.0\n"
#define NEVER "NOT_TAKEN *: NOT_TAKEN *\n"
#define NEVER_TWO "NOT_TAKEN *: NOT_TAKEN *, NOT_TAKEN *\n"
#define FINE "end OK\n"

/* ---- greeting and EHLO --------------------------------------------------- */

static const dialogue greetings[] = {
    {"one recipient, lock-step", ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"one recipient, pipelined", PIPE ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"one recipient, answers kept back", PIPE ONE "hold MAIL DATA\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"pipelining not wanted", PIPE ONE "no_pipelining\nMAIL 550 no\n",
     HELLO "MAIL FROM:<box@a>\nQUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"a domain of one's own", ONE "domain sensor.example.org\n",
     "EHLO sensor.example.org\n" SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"a greeting of many lines",
     ONE "greeting 220-mx|220-no spam here|220-|220 ESMTP\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"a greeting without text", ONE "greeting 220\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"a greeting of bare LF", ONE "greeting+raw 220-mx%0A220 ESMTP%0A\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"greeting 554", ONE "greeting 554 5.3.2 no service\n",
     "QUIT\n", NEVER "end E_GREETING\n"},
    {"greeting 450", ONE "greeting 450 later\n",
     "QUIT\n", NEVER "end E_GREETING\n"},
    {"greeting 421", ONE "greeting 421 4.3.2 bye\n",
     "", NEVER "end E_SHUTDOWN\n"},
    {"greeting 421 and the end", ONE "greeting+close 421 4.3.2 bye\n",
     "", NEVER "end E_SHUTDOWN\n"},
    {"no greeting, the end", ONE "greeting+close \n", "", NEVER "end EOF\n"},
    {"half a greeting, the end", ONE "greeting+close+raw 220 m\n",
     "", NEVER "end EOF\n"},
    {"a greeting that is garbage", ONE "greeting SSH-2.0-OpenSSH\n",
     "", NEVER "end E_PROTOCOL\n"},
    {"a greeting of HTTP", ONE "greeting HTTP/1.0 400 Bad Request\n",
     "", NEVER "end E_PROTOCOL\n"},
    {"a greeting 354", ONE "greeting 354 go on\n",
     "QUIT\n", NEVER "end E_GREETING\n"},
    {"EHLO 502, HELO", ONE "EHLO 502 5.5.1 what\n",
     HELLO "HELO [127.0.0.1]\n" SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"EHLO 500, HELO of many lines", ONE "EHLO 500 what\nHELO 250-mx|250 hi\n",
     HELLO "HELO [127.0.0.1]\n" SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"HELO: no extension counts", ONE
     "EHLO 550 no\nHELO 250-mx|250-PIPELINING|250 SIZE 3\nRCPT 550 no\n",
     HELLO "HELO [127.0.0.1]\nMAIL FROM:<box@a>\nRCPT TO:<ops@b>\nQUIT\n",
     "E_RECIPIENTS 550: E_REFUSED 550\n" FINE},
    {"EHLO and HELO refused", ONE "EHLO 502 what\nHELO 550 no\n",
     HELLO "HELO [127.0.0.1]\nQUIT\n", NEVER "end E_HELO\n"},
    {"EHLO 421", ONE "EHLO 421 bye\n", HELLO, NEVER "end E_SHUTDOWN\n"},
    {"EHLO, the end", ONE "EHLO+close \n", HELLO, NEVER "end EOF\n"},
    {"EHLO in odd case", ONE "EHLO 250-mx|250-PipeLining|250 siZE 1000\n"
     "MAIL 550 no\n",
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\nQUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"EHLO of bare LF", ONE "EHLO+raw 250-mx%0A250 PIPELINING%0A\n"
     "MAIL 550 no\n",
     HELLO SAY_ONE "QUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"EHLO lines without text", ONE "EHLO 250-|250-|250-PIPELINING|250\n"
     "MAIL 550 no\n",
     HELLO SAY_ONE "QUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"EHLO, keywords that only look alike", ONE
     "EHLO 250-PIPELINING mx|250-XPIPELINING|250-PIPELININGX|250-SIZES 3|"
     "250-X PIPELINING|250-CHUNKINGX|250 PIPE-LINING\nMAIL 550 no\n",
     HELLO "MAIL FROM:<box@a>\nQUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"EHLO with everything", ONE
     "EHLO 250-mx|250-PIPELINING|250-SIZE 35882577|250-8BITMIME|250-DSN|"
     "250-ENHANCEDSTATUSCODES|250-SMTPUTF8|250-STARTTLS|250-VRFY|250-ETRN|"
     "250-AUTH PLAIN LOGIN|250-XYZZY {x*300}|250-HELP|250 DELIVERBY\n",
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"QUIT, the end", ONE "QUIT+close \n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"QUIT 421", ONE "QUIT+close 421 bye\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"QUIT 500", ONE "QUIT 500 no\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
};

/* ---- STARTTLS ------------------------------------------------------------ */

#define TLS1 "tls starttls\nEHLO 250-mx|250 STARTTLS\n"
#define SAY_TLS HELLO "STARTTLS\n<TLS>\n" HELLO

static const dialogue starttls[] = {
    {"STARTTLS", TLS1 PIPE ONE, SAY_TLS SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"STARTTLS not offered", "tls starttls\n" PIPE ONE,
     HELLO "QUIT\n", NEVER "end E_NO_STARTTLS\n"},
    {"STARTTLS and only HELO", "tls starttls\nEHLO 502 no\n" ONE,
     HELLO "HELO [127.0.0.1]\nQUIT\n", NEVER "end E_NO_STARTTLS\n"},
    {"STARTTLS refused", TLS1 "STARTTLS 454 4.7.0 no TLS now\n" ONE,
     HELLO "STARTTLS\nQUIT\n", NEVER "end E_STARTTLS\n"},
    {"STARTTLS 421", TLS1 "STARTTLS 421 bye\n" ONE,
     HELLO "STARTTLS\n", NEVER "end E_SHUTDOWN\n"},
    {"STARTTLS, the end", TLS1 "STARTTLS+close \n" ONE,
     HELLO "STARTTLS\n", NEVER "end EOF\n"},
    {"STARTTLS, a reply behind it", TLS1 "STARTTLS 220 go|250 injected\n" ONE,
     HELLO "STARTTLS\n", NEVER "end E_INJECTION/E_TLS\n"},
    {"STARTTLS, one byte behind it", TLS1 "STARTTLS+raw 220 go%0D%0A2\n" ONE,
     HELLO "STARTTLS\n", NEVER "end E_INJECTION/E_TLS\n"},
    {"offers before TLS are forgotten",
     "tls starttls\nEHLO 250-mx|250-PIPELINING|250-SIZE 5|250 STARTTLS\n"
     "EHLO 250 mx\nMAIL 550 no\n" ONE,
     SAY_TLS "MAIL FROM:<box@a>\nQUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"offers after TLS count",
     "tls starttls\nEHLO 250-mx|250 STARTTLS\n"
     "EHLO 250-mx|250-PIPELINING|250 SIZE 500\nMAIL 550 no\n" ONE,
     SAY_TLS "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\nQUIT\n",
     "E_SENDER 550: E_SENDER 550\n" FINE},
    {"EHLO after TLS refused, HELO", TLS1 "EHLO 502 no\n" ONE,
     SAY_TLS "HELO [127.0.0.1]\n" SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"opportunistic, offered", "tls opportunistic\n"
     "EHLO 250-mx|250 STARTTLS\n" PIPE ONE,
     SAY_TLS SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"opportunistic, not offered", "tls opportunistic\n" PIPE ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"opportunistic, refused", "tls opportunistic\n"
     "EHLO 250-mx|250 STARTTLS\nSTARTTLS 454 not now\n" ONE,
     HELLO "STARTTLS\n" SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"implicit TLS", "tls implicit\n"
     "EHLO 250-mx|250-STARTTLS|250 PIPELINING\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
};

/* ---- login --------------------------------------------------------------- */

#define BOX "tls implicit\nuser box\npassword secret\n"

static const dialogue logins[] = {
    {"PLAIN", BOX "offer AUTH PLAIN LOGIN\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"PLAIN without initial response",
     BOX "offer AUTH PLAIN\nno_initial_response\n" ONE,
     HELLO "AUTH PLAIN\nAGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"PLAIN, a challenge without text",
     BOX "offer AUTH PLAIN\nno_initial_response\nAUTH 334\n" ONE,
     HELLO "AUTH PLAIN\nAGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"PLAIN for another", BOX "authzid adm\noffer AUTH PLAIN\n" ONE,
     HELLO "AUTH PLAIN YWRtAGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"PLAIN after STARTTLS", TLS1 "user box\npassword secret\n"
     "offer AUTH PLAIN;PIPELINING\n" ONE,
     SAY_TLS "AUTH PLAIN AGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"LOGIN", BOX "offer AUTH LOGIN\n" ONE,
     HELLO "AUTH LOGIN Ym94\nc2VjcmV0\n"
     SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"LOGIN without initial response",
     BOX "offer AUTH LOGIN\nno_initial_response\n" ONE,
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"LOGIN by the old AUTH=", BOX "no_initial_response\n"
     "EHLO 250-mx|250 AUTH=LOGIN\n" ONE,
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"mechanisms in odd case", BOX "EHLO 250-mx|250 auth cram-md5 pLaIn\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"only LOGIN allowed", BOX "mechanisms 1\nno_initial_response\n"
     "offer AUTH PLAIN LOGIN\n" ONE,
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"EXTERNAL asked for, not to be had", "tls implicit\nmechanisms 512\n"
     "offer AUTH PLAIN\n" ONE, HELLO "QUIT\n", NEVER "end E_MECHANISM\n"},
    {"login refused", BOX "offer AUTH PLAIN\nAUTH 535 5.7.8 bad\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", NEVER "end E_LOGIN\n"},
    {"login refused at the response", BOX "offer AUTH LOGIN\n"
     "no_initial_response\nRESPONSE 334 UGFzc3dvcmQ6\n"
     "RESPONSE 535 5.7.8 bad\n" ONE,
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\nQUIT\n", NEVER "end E_LOGIN\n"},
    {"login 454", BOX "offer AUTH PLAIN\nAUTH 454 4.7.0 later\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n", NEVER "end E_LOGIN\n"},
    {"PLAIN 504, LOGIN", BOX "offer AUTH PLAIN LOGIN\nAUTH 504 5.5.4 no\n"
     "no_initial_response\n" ONE,
     HELLO "AUTH PLAIN\nAUTH LOGIN\nYm94\nc2VjcmV0\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"PLAIN 504, LOGIN 504", BOX "offer AUTH PLAIN LOGIN\n"
     "AUTH* 504 5.5.4 no\nno_initial_response\n" ONE,
     HELLO "AUTH PLAIN\nAUTH LOGIN\nQUIT\n",
     NEVER "end E_LOGIN\n"},
    {"a challenge behind PLAIN", BOX "offer AUTH PLAIN\nAUTH 334 YQ==\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n*\nQUIT\n", NEVER "end E_LOGIN\n"},
    {"challenges without end", BOX "offer AUTH LOGIN\nno_initial_response\n"
     "RESPONSE* 334 YQ==\n" ONE,
     HELLO "AUTH LOGIN\nYm94\nc2VjcmV0\n*\nQUIT\n",
     NEVER "end E_LOGIN\n"},
    {"no login offered", BOX PIPE ONE,
     HELLO "QUIT\n", NEVER "end E_NO_AUTH\n"},
    {"login, and only HELO", BOX "EHLO 502 no\n" ONE,
     HELLO "HELO [127.0.0.1]\nQUIT\n", NEVER "end E_NO_AUTH\n"},
    {"no mechanism in common", BOX "offer AUTH GSSAPI XPLAIN PLAINX\n" ONE,
     HELLO "QUIT\n", NEVER "end E_MECHANISM\n"},
    {"no login in clear", "user box\npassword secret\n"
     "offer AUTH PLAIN LOGIN\n" ONE,
     HELLO "QUIT\n", NEVER "end E_CLEAR_LOGIN\n"},
    {"login in clear, asked for", "user box\npassword secret\nclear_login\n"
     "offer AUTH PLAIN LOGIN\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n" SAY_ONE TEXT "QUIT\n",
     STORED FINE},
    {"no login in clear, opportunistic", "user box\npassword secret\n"
     "tls opportunistic\noffer AUTH PLAIN\n" ONE,
     HELLO "QUIT\n", NEVER "end E_CLEAR_LOGIN\n"},
    {"a password of 400 bytes: too long for an initial response",
     "tls implicit\nuser box\npassword {p*400}\noffer AUTH PLAIN\n" ONE,
     NULL, STORED FINE},
    {"login 421", BOX "offer AUTH PLAIN\nAUTH 421 bye\n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n", NEVER "end E_SHUTDOWN\n"},
    {"login, the end", BOX "offer AUTH PLAIN\nAUTH+close \n" ONE,
     HELLO "AUTH PLAIN AGJveABzZWNyZXQ=\n", NEVER "end EOF\n"},
};

/* ---- envelope ------------------------------------------------------------ */

#define SENDER_NO "E_SENDER 550 5.1.8: E_SENDER 550 5.1.8\n"
#define NO "E_REFUSED 550 5.1.1"

static const dialogue envelopes[] = {
    {"null sender", PIPE "mail <> ops@b\nbody S: x||hi|\n",
     HELLO "MAIL FROM:<>\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"two recipients, lock-step", TWO,
     HELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"twenty recipients", PIPE "mail box@a t1@b t2@b t3@b t4@b t5@b t6@b t7@b "
     "t8@b t9@b t10@b t11@b t12@b t13@b t14@b t15@b t16@b t17@b t18@b t19@b "
     "t20@b\nbody hi|\n",
     HELLO "MAIL FROM:<box@a>\nRCPT TO:<t1@b>\nRCPT TO:<t2@b>\n"
     "RCPT TO:<t3@b>\nRCPT TO:<t4@b>\nRCPT TO:<t5@b>\nRCPT TO:<t6@b>\n"
     "RCPT TO:<t7@b>\nRCPT TO:<t8@b>\nRCPT TO:<t9@b>\nRCPT TO:<t10@b>\n"
     "RCPT TO:<t11@b>\nRCPT TO:<t12@b>\nRCPT TO:<t13@b>\nRCPT TO:<t14@b>\n"
     "RCPT TO:<t15@b>\nRCPT TO:<t16@b>\nRCPT TO:<t17@b>\nRCPT TO:<t18@b>\n"
     "RCPT TO:<t19@b>\nRCPT TO:<t20@b>\nDATA\nhi\n.\nQUIT\n",
     "OK 250 2.6.0: OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, "
     "OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, "
     "OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, "
     "OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, OK 250 2.6.0, "
     "OK 250 2.6.0\n" FINE},
    {"a window of one", PIPE "window 1\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"a window of two", PIPE "window 2\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"sender refused, lock-step", "MAIL 550 5.1.8 no\n" ONE,
     HELLO "MAIL FROM:<box@a>\nQUIT\n", SENDER_NO FINE},
    {"sender refused, pipelined", PIPE "MAIL 550 5.1.8 no\n" ONE,
     HELLO SAY_ONE "QUIT\n", SENDER_NO FINE},
    {"sender refused for now", PIPE "MAIL 451 4.7.1 greylisted\n" ONE,
     HELLO SAY_ONE "QUIT\n",
     "E_SENDER 451 4.7.1: E_SENDER 451 4.7.1\n" FINE},
    {"sender refused, but 354", PIPE "MAIL 550 5.1.8 no\nDATA 354 go\n" ONE,
     HELLO SAY_ONE ".\nQUIT\n", SENDER_NO FINE},
    {"sender refused, a recipient accepted, and 354: no empty message",
     PIPE "MAIL 550 5.1.8 no\nRCPT 250 what\nDATA 354 go\n" ONE,
     HELLO SAY_ONE, SENDER_NO "end E_PROTOCOL\n"},
    {"first recipient refused", "RCPT 550 5.1.1 no\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", OK 250 2.6.0\n" FINE},
    {"last recipient refused", PIPE "RCPT 250 ok\nRCPT 550 5.1.1 no\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL 250 2.6.0: OK 250 2.6.0, " NO "\n" FINE},
    {"a recipient refused for now", PIPE "RCPT 450 4.2.0 later\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL 250 2.6.0: E_REFUSED 450 4.2.0, "
     "OK 250 2.6.0\n" FINE},
    {"RCPT 251 and 252", PIPE "RCPT 251 will forward\nRCPT 252 maybe\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"all recipients refused, lock-step", "RCPT* 550 5.1.1 no\n" TWO,
     HELLO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\nRCPT TO:<dev@b>\nQUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"all recipients refused, pipelined", PIPE "RCPT* 550 5.1.1 no\n" TWO,
     HELLO SAY_TWO "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"all recipients refused, but 354: a lone dot",
     PIPE "RCPT* 550 5.1.1 no\nDATA 354 go\n" TWO,
     HELLO SAY_TWO ".\nQUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"all recipients refused, 354, and 250 for the dot",
     PIPE "RCPT* 550 5.1.1 no\nDATA 354 go\nNONE 250 stored\n" TWO,
     HELLO SAY_TWO ".\nQUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"all refused, 4yz and 5yz", PIPE "RCPT 450 later\nRCPT 550 no\n" TWO,
     HELLO SAY_TWO "QUIT\n",
     "E_RECIPIENTS 450/550: E_REFUSED 450, "
     "E_REFUSED 550\n" FINE},
    {"all or none: one refused, pipelined",
     PIPE "RCPT 550 5.1.1 no\n" TWO "all_or_none\n",
     NULL, "E_RECIPIENTS 550 5.1.1: " NO ", NOT_TAKEN *\n" FINE},
    {"all or none: one refused, lock-step",
     "RCPT 550 5.1.1 no\n" TWO "all_or_none\n",
     NULL, "E_RECIPIENTS 550 5.1.1: " NO ", NOT_TAKEN *\n" FINE},
    {"all or none: one refused, chunks",
     BDAT "RCPT 550 5.1.1 no\n" TWO "all_or_none\n",
     NULL, "E_RECIPIENTS 550 5.1.1: " NO ", NOT_TAKEN *\n" FINE},
    {"all or none: all", PIPE TWO "all_or_none\n",
     HELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"DATA refused", PIPE "DATA 451 4.3.0 no\n" ONE,
     HELLO SAY_ONE "QUIT\n", "E_DATA 451 4.3.0: E_DATA 451 4.3.0\n" FINE},
    {"DATA answered 250", PIPE "DATA 250 ok\n" ONE,
     HELLO SAY_ONE, NEVER "end E_PROTOCOL\n"},
    {"message refused", PIPE "END 554 5.7.1 spam\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "E_DATA 554 5.7.1: E_DATA 554 5.7.1, E_DATA 554 5.7.1\n" FINE},
    {"message refused, a recipient before", PIPE
     "RCPT 550 5.1.1 no\nEND 452 4.3.1 full\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "E_DATA 452 4.3.1: " NO ", E_DATA 452 4.3.1\n" FINE},
    {"answers of many lines", PIPE "MAIL 250-2.1.0 a|250 2.1.0 b\n"
     "RCPT 550-5.1.1 a|550-5.1.1 b|550 5.1.1 c\nDATA 354-go|354 on\n"
     "END 250-2.6.0 stored|250 2.6.0 id 5\n" TWO,
     HELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", OK 250 2.6.0\n" FINE},
    {"answers of one digit more", PIPE "END 2500 what\n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN *: UNKNOWN *\nend E_PROTOCOL\n"},
    {"an answer of long lines", "MAIL 250-{x*700}|250 ok\n"
     "RCPT 250 {y*3000}\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"an address of 900 bytes",
     PIPE "mail {x*900}@a {y*900}@b\nbody hi|\n", NULL, STORED FINE},
    {"quoted local parts", PIPE
     "mail \"a%20>b\"@a \"x<y\\\"z\"@b\nbody hi|\n",
     HELLO "MAIL FROM:<\"a >b\"@a>\nRCPT TO:<\"x<y\\\"z\"@b>\nDATA\n"
     "hi\n.\nQUIT\n", STORED FINE},
    {"an address that cannot be sent", PIPE
     "mail box@a ops@b%0D%0ARSET\nbody hi|\nmail box2@a ops@b\nbody hi|\n",
     HELLO "MAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\nhi\n.\nQUIT\n",
     "E_RECIPIENT_SYNTAX 0: E_RECIPIENT_SYNTAX 0\n"
     STORED FINE},
    {"a sender that cannot be sent", PIPE
     "mail box@a>%20X ops@b\nbody hi|\nmail box2@a ops@b\nbody hi|\n",
     HELLO "MAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\nhi\n.\nQUIT\n",
     "E_SENDER_SYNTAX 0: NOT_TAKEN 0\n" STORED FINE},
    {"two mails, one after the other", PIPE
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO SAY_ONE "one\n.\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n", STORED STORED FINE},
    {"recipients refused, then another mail", PIPE "RCPT 550 5.1.1 no\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO SAY_ONE "RSET\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO "\n" STORED FINE},
    {"recipients refused, then another mail, lock-step", "RCPT 550 5.1.1 no\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\n"
     "RSET\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\ntwo\n.\nQUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO "\n" STORED FINE},
    {"DATA refused, then another mail", PIPE "DATA 451 4.3.0 no\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO SAY_ONE "RSET\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n",
     "E_DATA 451 4.3.0: E_DATA 451 4.3.0\n" STORED FINE},
    {"sender refused, then another mail", "MAIL 550 5.1.8 no\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO "MAIL FROM:<box@a>\nRSET\n"
     "MAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n", SENDER_NO STORED FINE},
    /* Postfix 3.7 leaves the transaction open where one of its
       smtpd_end_of_data_restrictions refuses. */
    {"message refused, then another mail", "END 554 5.7.1 spam\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     HELLO SAY_ONE "one\n.\nRSET\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n",
     "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n" STORED FINE},
    {"RSET refused", PIPE "RCPT 550 5.1.1 no\nRSET 500 what\nMAIL 250 ok\n"
     "mail box@a ops@b\nbody one|\nmail box2@a ops@b\nbody two|\n",
     NULL, "E_RECIPIENTS 550 5.1.1: " NO "\n" NEVER "end E_SHUTDOWN\n"},
};

/* ---- extensions ---------------------------------------------------------- */

#define ORDER "MAIL FROM:<box@a> SIZE=13 BODY=8BITMIME SMTPUTF8 RET=FULL "

static const dialogue extensions[] = {
    {"SIZE", "offer SIZE 1000\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE, just fits", "offer SIZE 12\nno_once\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE, one too many", "offer SIZE 11\nno_once\n" ONE,
     HELLO "QUIT\n", "E_SIZE 0: NOT_TAKEN 0\n" FINE},
    {"SIZE, too many, then a smaller one", "offer SIZE 11\nno_once\n"
     "next\n" ONE "mail box2@a ops@b\nbody hi|\n",
     HELLO "MAIL FROM:<box2@a> SIZE=4\nRCPT TO:<ops@b>\nDATA\nhi\n.\nQUIT\n",
     "E_SIZE 0: NOT_TAKEN 0\n" STORED FINE},
    {"SIZE 0: no limit", "offer SIZE 0\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE alone", "offer SIZE\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE -1", "offer SIZE -1\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE in megabytes", "offer SIZE 10M\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE beyond 64 bits", "offer SIZE 99999999999999999999999\n" ONE,
     HELLO "MAIL FROM:<box@a> SIZE=12\nRCPT TO:<ops@b>\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"SIZE counts no doubled dots", "offer SIZE 1000\n"
     "mail box@a ops@b\nbody .|.%0D%0A.\n",
     HELLO "MAIL FROM:<box@a> SIZE=9\nRCPT TO:<ops@b>\nDATA\n"
     "..\n..\n..\n.\nQUIT\n", STORED FINE},
    {"8BITMIME", "offer 8BITMIME\nno_once\nmail box@a ops@b\n"
     "body %C3%A9|\n",
     HELLO "MAIL FROM:<box@a> BODY=8BITMIME\nRCPT TO:<ops@b>\nDATA\n"
     "\303\251\n.\nQUIT\n", STORED FINE},
    {"8BITMIME, as it is told", "offer 8BITMIME\nmail box@a ops@b\n"
     "body %C3%A9|\nbody_flags 2\n",
     HELLO "MAIL FROM:<box@a> BODY=8BITMIME\nRCPT TO:<ops@b>\nDATA\n"
     "\303\251\n.\nQUIT\n", STORED FINE},
    {"8BITMIME, not needed", "offer 8BITMIME\nno_once\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"8 bit, not offered", "mail box@a ops@b\nbody %C3%A9|\n",
     HELLO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\nDATA\n\303\251\n.\nQUIT\n",
     STORED FINE},
    {"SMTPUTF8", "offer SMTPUTF8;8BITMIME\nmail box@a j%C3%B6@b\n"
     "body hi|\n",
     HELLO "MAIL FROM:<box@a> SMTPUTF8\nRCPT TO:<j\303\266@b>\nDATA\n"
     "hi\n.\nQUIT\n", STORED FINE},
    {"SMTPUTF8, the sender", "offer SMTPUTF8;8BITMIME\nmail j%C3%B6@a ops@b\n"
     "body hi|\n",
     HELLO "MAIL FROM:<j\303\266@a> SMTPUTF8\nRCPT TO:<ops@b>\nDATA\n"
     "hi\n.\nQUIT\n", STORED FINE},
    {"SMTPUTF8, not needed", "offer SMTPUTF8;8BITMIME\nno_once\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"SMTPUTF8, not offered", "offer 8BITMIME\nmail box@a j%C3%B6@b\n"
     "body hi|\n" "mail box2@a ops@b\nbody hi|\n",
     HELLO "MAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\nhi\n.\nQUIT\n",
     "E_UTF8 0: NOT_TAKEN 0\n" STORED FINE},
    {"DSN", "offer DSN\n" ONE "ret 2\nenvid QQ314159\nnotify 6\n"
     "orcpt rfc822;ops@b\n",
     HELLO "MAIL FROM:<box@a> RET=HDRS ENVID=QQ314159\n"
     "RCPT TO:<ops@b> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ops@b\nDATA\n"
     TEXT "QUIT\n", STORED FINE},
    {"DSN, all of NOTIFY", "offer DSN\n" ONE "ret 1\nnotify 14\n",
     HELLO "MAIL FROM:<box@a> RET=FULL\n"
     "RCPT TO:<ops@b> NOTIFY=SUCCESS,FAILURE,DELAY\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"DSN, NOTIFY=NEVER", "offer DSN\n" ONE "notify 1\n",
     HELLO "MAIL FROM:<box@a>\nRCPT TO:<ops@b> NOTIFY=NEVER\nDATA\n"
     TEXT "QUIT\n", STORED FINE},
    {"DSN, xtext", "offer DSN\n" ONE "envid a+b=c\norcpt rfc822;x+y@b\n",
     HELLO "MAIL FROM:<box@a> ENVID=a+2Bb+3Dc\n"
     "RCPT TO:<ops@b> ORCPT=rfc822;x+2By@b\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"DSN, xtext begins behind the address type",
     "offer DSN\n" ONE "orcpt x-a+b;c+d;e+f\n",
     HELLO "MAIL FROM:<box@a>\n"
     "RCPT TO:<ops@b> ORCPT=x-a+b;c+2Bd;e+2Bf\nDATA\n" TEXT "QUIT\n",
     STORED FINE},
    {"DSN, not offered", PIPE ONE "envid Q\n",
     HELLO "QUIT\n", "E_UNSUPPORTED 0: NOT_TAKEN 0\n" FINE},
    {"parameters, all in order",
     "offer SIZE 1000;8BITMIME;SMTPUTF8;DSN;X-A;PIPELINING\n"
     "mail box@a j%C3%B6@b\nbody S: x||h%C3%A9|\nbody_flags 2\nret 1\n"
     "envid Q\nparams X-A=1 X-B\nnotify 4\nrcpt_params X-C=2\n",
     HELLO ORDER "ENVID=Q X-A=1 X-B\n"
     "RCPT TO:<j\303\266@b> NOTIFY=FAILURE X-C=2\nDATA\n"
     "S: x\n\nh\303\251\n.\nQUIT\n", STORED FINE},
    {"a parameter that cannot be sent", PIPE ONE "params X%0D%0ARSET\n",
     HELLO "QUIT\n", "E_PARAMETER 0: NOT_TAKEN 0\n" FINE},
    {"an envelope identifier with a space", "offer DSN\n" ONE "envid a b\n",
     HELLO "MAIL FROM:<box@a> ENVID=a+20b\nRCPT TO:<ops@b>\nDATA\n"
     TEXT "QUIT\n", STORED FINE},
    {"an envelope identifier that cannot be sent",
     "offer DSN;PIPELINING\n" ONE "envid Q%0D\n",
     HELLO "QUIT\n", "E_PARAMETER 0: NOT_TAKEN 0\n" FINE},
    {"a recipient's parameter that cannot be sent",
     PIPE ONE "rcpt_params X%0ARSET\n",
     HELLO "QUIT\n", "E_PARAMETER 0: E_PARAMETER 0\n" FINE},
};

/* ---- bodies -------------------------------------------------------------- */

#define BODY(text) "mail box@a ops@b\nbody " text "\n"

static const dialogue bodies[] = {
    {"dots at line starts", BODY(".|..|x.|.|.y|"),
     HELLO SAY_ONE "..\n...\nx.\n..\n..y\n.\nQUIT\n", STORED FINE},
    {"a dot alone, no line end", BODY("."),
     HELLO SAY_ONE "..\n.\nQUIT\n", STORED FINE},
    {"dots behind every line end", BODY("a%0D.b%0A.c%0D%0A.d%0D%0D.e%0A%0A.f"),
     HELLO SAY_ONE "a\n..b\n..c\n..d\n\n..e\n\n..f\n.\nQUIT\n", STORED FINE},
    {"smuggling: LF . LF", BODY("a%0A.%0AMAIL FROM:<x@y>%0A"),
     HELLO SAY_ONE "a\n..\nMAIL FROM:<x@y>\n.\nQUIT\n", STORED FINE},
    {"smuggling: CR . CR", BODY("a%0D.%0DMAIL FROM:<x@y>%0D"),
     HELLO SAY_ONE "a\n..\nMAIL FROM:<x@y>\n.\nQUIT\n", STORED FINE},
    {"smuggling: CRLF . CR LF", BODY("a%0D%0A.%0D%0AMAIL FROM:<x@y>%0D%0A"),
     HELLO SAY_ONE "a\n..\nMAIL FROM:<x@y>\n.\nQUIT\n", STORED FINE},
    {"bare CR", BODY("a%0Db%0D"), HELLO SAY_ONE "a\nb\n.\nQUIT\n",
     STORED FINE},
    {"bare LF", BODY("a%0Ab"), HELLO SAY_ONE "a\nb\n.\nQUIT\n", STORED FINE},
    {"CR CR LF", BODY("a%0D%0D%0Ab%0D%0A%0D"),
     HELLO SAY_ONE "a\n\nb\n\n.\nQUIT\n", STORED FINE},
    {"LF CR", BODY("a%0A%0Db"), HELLO SAY_ONE "a\n\nb\n.\nQUIT\n",
     STORED FINE},
    {"line ends alone", BODY("%0A%0D%0D%0A%0A"),
     HELLO SAY_ONE "\n\n\n\n.\nQUIT\n", STORED FINE},
    {"no bytes", BODY(""), HELLO SAY_ONE ".\nQUIT\n", STORED FINE},
    {"no bytes, pipelined", PIPE BODY(""), HELLO SAY_ONE ".\nQUIT\n",
     STORED FINE},
    {"NUL in a body", BODY("a%00b|"), HELLO SAY_ONE "a<0>b\n.\nQUIT\n",
     STORED FINE},
    {"a line over 998", BODY("{x*1200}|y|"), NULL, STORED FINE},
    {"a longer text", PIPE BODY("{.a line of the text|%0D..%0A|*60}"),
     NULL, STORED FINE},
    {"canonical as promised",
     BODY("S: x%0D%0A%0D%0A.hi%0D%0A") "body_flags 1\n",
     HELLO SAY_ONE "S: x\n\n..hi\n.\nQUIT\n", STORED FINE},
    {"it looks like QUIT", BODY("QUIT|RSET|.QUIT|"),
     HELLO SAY_ONE "QUIT\nRSET\n..QUIT\n.\nQUIT\n", STORED FINE},
};

/* ---- chunks -------------------------------------------------------------- */

#define SAY_TO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\n"
#define SAY_TO_TWO SAY_TO "RCPT TO:<dev@b>\n"

static const dialogue chunks[] = {
    {"BDAT", BDAT ONE, HELLO SAY_TO CHUNK "QUIT\n", STORED FINE},
    {"BDAT, lock-step", "offer CHUNKING\n" ONE,
     HELLO SAY_TO CHUNK "QUIT\n", STORED FINE},
    {"BDAT not wanted", BDAT "no_chunking\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"BDAT, answers kept back", BDAT ONE "hold MAIL BDAT\nno_once\n",
     HELLO SAY_TO CHUNK "QUIT\n", STORED FINE},
    {"BDAT, no bytes", BDAT BODY(""),
     HELLO SAY_TO "BDAT 0 LAST\nQUIT\n", STORED FINE},
    {"BDAT doubles no dot", BDAT BODY(".|..|"),
     HELLO SAY_TO "BDAT 7 LAST\n.\n..\nQUIT\n", STORED FINE},
    {"BDAT ends lines in CRLF", BDAT BODY("a%0Db%0Ac%0D%0Ad"),
     HELLO SAY_TO "BDAT 12 LAST\na\nb\nc\nd\nQUIT\n", STORED FINE},
    {"BDAT, canonical as promised", BDAT BODY("a%0D%0A.%0D%0A")
     "body_flags 1\n",
     HELLO SAY_TO "BDAT 6 LAST\na\n.\nQUIT\n", STORED FINE},
    {"BDAT, binary", "offer PIPELINING;CHUNKING;BINARYMIME\n"
     BODY("a%00%0Db%0A.%0A%FF") "body_flags 4\n",
     HELLO "MAIL FROM:<box@a> BODY=BINARYMIME\nRCPT TO:<ops@b>\n"
     "BDAT 8 LAST\na<0><CR>b<LF>.<LF>\377QUIT\n", STORED FINE},
    {"binary, not offered", BDAT BODY("a%00%0Db") "body_flags 4\n",
     HELLO "QUIT\n", "E_BINARY 0: NOT_TAKEN 0\n" FINE},
    {"binary, chunks not wanted", "offer CHUNKING;BINARYMIME\nno_chunking\n"
     BODY("a%00%0Db") "body_flags 4\n",
     HELLO "QUIT\n", "E_BINARY 0: NOT_TAKEN 0\n" FINE},
    {"BDAT, sender refused", BDAT "MAIL 550 5.1.8 no\n" ONE,
     HELLO SAY_TO CHUNK "QUIT\n", SENDER_NO FINE},
    {"BDAT, sender refused, lock-step",
     "offer CHUNKING\nMAIL 550 5.1.8 no\n" ONE,
     HELLO "MAIL FROM:<box@a>\nQUIT\n", SENDER_NO FINE},
    {"BDAT, one recipient refused", BDAT "RCPT 550 5.1.1 no\n" TWO,
     HELLO SAY_TO_TWO CHUNK "QUIT\n",
     "PARTIAL 250 2.6.0: " NO ", OK 250 2.6.0\n" FINE},
    {"BDAT, all recipients refused", BDAT "RCPT* 550 5.1.1 no\n" TWO,
     HELLO SAY_TO_TWO CHUNK "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"BDAT, all recipients refused, and 250 for the chunk",
     BDAT "RCPT* 550 5.1.1 no\nNONE 250 ok\n" TWO,
     HELLO SAY_TO_TWO CHUNK "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"BDAT, all refused, lock-step",
     "offer CHUNKING\nRCPT* 550 5.1.1 no\n" TWO,
     HELLO SAY_TO_TWO "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"BDAT, message refused", BDAT "END 554 5.7.1 spam\n" ONE,
     HELLO SAY_TO CHUNK "QUIT\n",
     "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n" FINE},
    {"BDAT refused before its payload",
     BDAT "BDAT+now 554 5.7.1 no\nno_once\n" ONE,
     HELLO SAY_TO CHUNK "QUIT\n",
     "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n" FINE},
    {"BDAT 421", BDAT "END+close 421 bye\n" ONE,
     HELLO SAY_TO CHUNK, "NOT_TAKEN *: NOT_TAKEN *\n"
     "end E_SHUTDOWN\n"},
    {"BDAT, the end", BDAT "END+close \n" ONE,
     HELLO SAY_TO CHUNK, "UNKNOWN 0: UNKNOWN 0\nend EOF\n"},
    {"BDAT, 421 at RCPT", BDAT "RCPT+close 421 bye\n" ONE,
     HELLO SAY_TO CHUNK, NEVER "end E_SHUTDOWN\n"},
    {"BDAT, the end at RCPT", BDAT "RCPT+close \n" ONE,
     HELLO SAY_TO CHUNK, "UNKNOWN/NOT_TAKEN 0: UNKNOWN/NOT_TAKEN 0\n"
     "end EOF\n"},
    {"BDAT of a longer text", BDAT BODY("{.a line of the text|%0D..%0A|*60}"),
     NULL, STORED FINE},
};

/* ---- 421 and the end ----------------------------------------------------- */

static const dialogue ends[] = {
    {"MAIL 421", PIPE "MAIL 421 4.3.2 bye\n" ONE,
     HELLO SAY_ONE, NEVER "end E_SHUTDOWN\n"},
    {"MAIL 421 and the end", PIPE "MAIL+close 421 4.3.2 bye\n" ONE,
     HELLO SAY_ONE, NEVER "end E_SHUTDOWN\n"},
    {"MAIL 421, lock-step", "MAIL 421 4.3.2 bye\n" ONE,
     HELLO "MAIL FROM:<box@a>\n", NEVER "end E_SHUTDOWN\n"},
    {"RCPT 421", PIPE "RCPT 421 4.3.2 bye\n" TWO,
     HELLO SAY_TWO, NEVER_TWO "end E_SHUTDOWN\n"},
    {"second RCPT 421", PIPE "RCPT 550 5.1.1 no\nRCPT+close 421 bye\n" TWO,
     HELLO SAY_TWO, "NOT_TAKEN *: " NO ", NOT_TAKEN *\nend E_SHUTDOWN\n"},
    {"DATA 421", PIPE "DATA+close 421 bye\n" ONE,
     HELLO SAY_ONE, NEVER "end E_SHUTDOWN\n"},
    {"421 for the message", PIPE "END+close 421 bye\n" ONE,
     HELLO SAY_ONE TEXT, "NOT_TAKEN *: NOT_TAKEN *\n"
     "end E_SHUTDOWN\n"},
    {"MAIL, the end", PIPE "MAIL+close \n" ONE,
     HELLO SAY_ONE, NEVER "end EOF\n"},
    {"RCPT, the end", PIPE "RCPT+close \n" ONE,
     HELLO SAY_ONE, NEVER "end EOF\n"},
    {"DATA, the end", PIPE "DATA+close \n" ONE,
     HELLO SAY_ONE, NEVER "end EOF\n"},
    {"354 and the end", PIPE "DATA+close 354 go\n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN/NOT_TAKEN *: UNKNOWN/NOT_TAKEN *\n"
     "end EOF\n"},
    {"no answer to the message, the end", PIPE "END+close \n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN 0: UNKNOWN 0\nend EOF\n"},
    {"half an answer to the message", PIPE "END+close+raw 250 2.6.0 st\n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN 0: UNKNOWN 0\nend EOF\n"},
    {"a line of an answer to the message",
     PIPE "END+close+raw 250-2.6.0 st%0D%0A\n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN 0: UNKNOWN 0\nend EOF\n"},
    {"unknown for one, refused for the other",
     PIPE "RCPT 550 5.1.1 no\nEND+close \n" TWO,
     HELLO SAY_TWO TEXT, "UNKNOWN 0: " NO ", UNKNOWN 0\nend EOF\n"},
    {"a lone dot, the end: all refused is known",
     PIPE "RCPT* 550 5.1.1 no\nDATA 354 go\nNONE+close \n" TWO,
     HELLO SAY_TWO ".\n", "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\nend *\n"},
    {"garbage for the message", PIPE "END garbage\n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN *: UNKNOWN *\nend E_PROTOCOL\n"},
    {"garbage for MAIL", PIPE "MAIL ab\n" ONE "cut\n",
     HELLO SAY_ONE, NEVER "end E_PROTOCOL\n"},
    {"a code of one digit", PIPE "MAIL 2\n" ONE "cut\n",
     HELLO SAY_ONE, NEVER "end E_PROTOCOL\n"},
    {"a code beyond 599", PIPE "MAIL 650 what\n" ONE "cut\n",
     HELLO SAY_ONE, NEVER "end E_PROTOCOL\n"},
    {"a code below 200", PIPE "MAIL 150 what\n" ONE "cut\n",
     HELLO SAY_ONE, "*: *\nend E_PROTOCOL\n"},
    {"refused inside a body", PIPE "BODY@5 451 4.3.0 no space\n" ONE "cut\n",
     HELLO SAY_ONE TEXT "QUIT\n",
     "E_DATA 451 4.3.0: E_DATA 451 4.3.0\nend *\n"},
    {"refused inside a longer body, the end",
     PIPE "BODY@500+close 552 5.3.4 too big\n" BODY("{a line|*200}") "cut\n",
     NULL, "E_DATA 552 5.3.4: E_DATA 552 5.3.4\nend *\n"},
    {"421 inside a body", PIPE "BODY@5+close 421 bye\n" ONE,
     HELLO SAY_ONE TEXT, "NOT_TAKEN *: NOT_TAKEN *\n"
     "end E_SHUTDOWN\n"},
    {"the end inside a body", PIPE "BODY@5+close \n" ONE,
     HELLO SAY_ONE TEXT, "UNKNOWN/NOT_TAKEN *: UNKNOWN/NOT_TAKEN *\n"
     "end EOF\n"},
    {"an answer to nothing inside a body", PIPE "BODY@5 250 2.6.0 ok\n" ONE
     "broken\n", NULL, "OK/NOT_TAKEN *: OK/NOT_TAKEN *\nend *\n"},
    {"an answer too many", "END 250 2.6.0 ok|250 2.6.0 more\n" ONE "broken\n",
     HELLO SAY_ONE TEXT "QUIT\n", STORED "end *\n"},
};

/* ---- LMTP ---------------------------------------------------------------- */

#define LMTP "lmtp\n" PIPE
#define LHELLO "LHLO [127.0.0.1]\n"

static const dialogue lmtp[] = {
    {"LMTP", LMTP ONE, LHELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"LMTP, two recipients", LMTP TWO,
     LHELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"LMTP, lock-step", "lmtp\noffer X\n" TWO,
     LHELLO SAY_TWO TEXT "QUIT\n", STORED_TWO FINE},
    {"LMTP, one refused in the end", LMTP "END 250 2.6.0 ok\n"
     "END 452 4.2.2 full\n" TWO,
     LHELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL *: OK 250 2.6.0, E_REFUSED 452 4.2.2\n" FINE},
    {"LMTP, the first refused in the end", LMTP "END 452 4.2.2 full\n" TWO,
     LHELLO SAY_TWO TEXT "QUIT\n",
     "PARTIAL *: E_REFUSED 452 4.2.2, OK 250 2.6.0\n" FINE},
    {"LMTP, both refused in the end", LMTP "END* 452 4.2.2 full\n" TWO,
     LHELLO SAY_TWO TEXT "QUIT\n",
     "E_DATA 452 4.2.2: E_REFUSED 452 4.2.2, "
     "E_REFUSED 452 4.2.2\n" FINE},
    {"LMTP, answers for those accepted only", LMTP "RCPT 250 ok\n"
     "RCPT 550 5.1.1 no\nEND 452 4.2.2 full\n"
     "mail box@a ops@b dev@b qa@b\nbody S: x||hi|\n",
     LHELLO "MAIL FROM:<box@a>\nRCPT TO:<ops@b>\nRCPT TO:<dev@b>\n"
     "RCPT TO:<qa@b>\nDATA\n" TEXT "QUIT\n",
     "PARTIAL *: E_REFUSED 452 4.2.2, " NO ", OK 250 2.6.0\n" FINE},
    {"LMTP, the end between answers", LMTP "END 250 2.6.0 ok\nEND+close \n"
     TWO, LHELLO SAY_TWO TEXT,
     "UNKNOWN/PARTIAL *: OK 250 2.6.0, UNKNOWN 0\nend EOF\n"},
    {"LMTP, 421 between answers", LMTP "END 250 2.6.0 ok\n"
     "END+close 421 bye\n" TWO, LHELLO SAY_TWO TEXT,
     "PARTIAL/UNKNOWN *: OK 250 2.6.0, NOT_TAKEN/E_REFUSED *\n"
     "end E_SHUTDOWN\n"},
    {"LMTP, 421 for one of them", LMTP "END+on 421 4.3.2 bye\n" TWO,
     LHELLO SAY_TWO TEXT, "PARTIAL *: E_REFUSED 421 4.3.2, OK 250 2.6.0\n"
     "end E_SHUTDOWN\n"},
    {"LMTP, 421 for the first and the end", LMTP "END+close 421 4.3.2 bye\n"
     TWO, LHELLO SAY_TWO TEXT,
     "UNKNOWN 0: E_REFUSED 421 4.3.2, UNKNOWN 0\nend E_SHUTDOWN\n"},
    {"LMTP, all refused", LMTP "RCPT* 550 5.1.1 no\n" TWO,
     LHELLO SAY_TO_TWO "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"LMTP, all refused and 354", LMTP "RCPT* 550 5.1.1 no\nDATA 354 go\n"
     TWO, LHELLO SAY_TO_TWO "QUIT\n",
     "E_RECIPIENTS 550 5.1.1: " NO ", " NO "\n" FINE},
    {"LMTP, LHLO refused", "lmtp\nLHLO 500 no\n" ONE,
     LHELLO "QUIT\n", NEVER "end E_HELO\n"},
    {"LMTP, BDAT", "lmtp\n" BDAT "END 250 2.6.0 ok\nEND 452 4.2.2 full\n" TWO,
     LHELLO SAY_TO_TWO CHUNK "QUIT\n",
     "PARTIAL *: OK 250 2.6.0, E_REFUSED 452 4.2.2\n" FINE},
    {"LMTP, two mails at once", LMTP "next\nEND 452 4.2.2 full\n" TWO
     "mail box2@a ops@b\nbody two|\n",
     LHELLO SAY_TWO TEXT "RSET\nMAIL FROM:<box2@a>\nRCPT TO:<ops@b>\nDATA\n"
     "two\n.\nQUIT\n",
     "PARTIAL *: E_REFUSED 452 4.2.2, OK 250 2.6.0\n" STORED FINE},
};

/* ---- overlapping mails --------------------------------------------------- */

#define MAIL(n) "mail box" #n "@a ops@b\nbody text " #n "|\n"
#define TEN MAIL(0) MAIL(1) MAIL(2) MAIL(3) MAIL(4) MAIL(5) MAIL(6) MAIL(7) \
            MAIL(8) MAIL(9)
#define SAY_MAIL(n) "MAIL FROM:<box" #n "@a>\nRCPT TO:<ops@b>\nDATA\n"
#define SAY_BODY(n) "text " #n "\n.\n"
#define SAY(n) SAY_MAIL(n) SAY_BODY(n)
#define SAY_BDAT(n) "MAIL FROM:<box" #n "@a>\nRCPT TO:<ops@b>\n" \
                    "BDAT 8 LAST\ntext " #n "\n"
#define NO_RCPT "E_RECIPIENTS 550 5.1.1: " NO "\n"

static const dialogue overlaps[] = {
    {"one mail by next", PIPE "next\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", STORED FINE},
    {"no mail by next", PIPE "next\n", HELLO "QUIT\n", FINE},
    {"three by next, lock-step", "next\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) SAY(1) SAY(2) "QUIT\n", STORED STORED STORED FINE},
    {"three by next, with pauses, lock-step",
     "next again\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) SAY(1) SAY(2) "QUIT\n", STORED STORED STORED FINE},
    {"ten by next", PIPE "next\n" TEN,
     HELLO SAY(0) "RSET\n" SAY(1) "RSET\n" SAY(2) "RSET\n" SAY(3) "RSET\n"
     SAY(4) "RSET\n" SAY(5) "RSET\n" SAY(6) "RSET\n" SAY(7) "RSET\n"
     SAY(8) "RSET\n" SAY(9) "QUIT\n",
     STORED STORED STORED STORED STORED STORED STORED STORED STORED STORED
     FINE},
    {"ten by next, chunks", BDAT "next\n" TEN,
     NULL,
     STORED STORED STORED STORED STORED STORED STORED STORED STORED STORED
     FINE},
    {"ten by next, with pauses, chunks", BDAT "next again\n" TEN,
     NULL,
     STORED STORED STORED STORED STORED STORED STORED STORED STORED STORED
     FINE},
    {"a recipient refused in the middle", PIPE "next\nRCPT 250 ok\n"
     "RCPT 550 5.1.1 no\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) "RSET\n" SAY(2) "QUIT\n",
     STORED NO_RCPT STORED FINE},
    {"a lone dot in the middle", PIPE "next\nRCPT 250 ok\n"
     "RCPT 550 5.1.1 no\nDATA 354 go\nDATA 354 go\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) ".\nRSET\n" SAY(2) "QUIT\n",
     STORED NO_RCPT STORED FINE},
    {"a sender refused in the middle", PIPE "next\nMAIL 250 ok\n"
     "MAIL 550 5.1.8 no\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) "RSET\n" SAY(2) "QUIT\n",
     STORED SENDER_NO STORED FINE},
    {"a message refused in the middle", PIPE "next\nEND 250 2.6.0 ok\n"
     "END 554 5.7.1 spam\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(1) "RSET\n" SAY(2) "QUIT\n",
     STORED "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n" STORED FINE},
    {"refusals of every kind among ten", PIPE "next\n"
     "MAIL 250 ok\nMAIL 550 5.1.8 no\nMAIL 250 ok\n"
     "RCPT 250 ok\nRCPT 503 no\nRCPT 250 ok\nRCPT 550 5.1.1 no\n"
     "END 250 2.6.0 ok\nEND 250 2.6.0 ok\nEND 554 5.7.1 spam\n" TEN,
     NULL,
     STORED SENDER_NO STORED NO_RCPT
     "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n"
     STORED STORED STORED STORED STORED FINE},
    {"refusals of every kind among ten, chunks", BDAT "next\n"
     "MAIL 250 ok\nMAIL 550 5.1.8 no\nMAIL 250 ok\n"
     "RCPT 250 ok\nRCPT 503 no\nRCPT 250 ok\nRCPT 550 5.1.1 no\n" TEN,
     NULL,
     STORED SENDER_NO STORED NO_RCPT STORED
     STORED STORED STORED STORED STORED FINE},
    {"unknown in the middle", PIPE "next\nEND 250 2.6.0 ok\nEND+close \n"
     MAIL(0) MAIL(1) MAIL(2) MAIL(3),
     HELLO SAY(0) "RSET\n" SAY(1) "RSET\n" SAY_MAIL(2),
     STORED "UNKNOWN 0: UNKNOWN 0\n" NEVER NEVER "end EOF\n"},
    {"421 in the middle", PIPE "next\nMAIL 250 ok\nMAIL+close 421 bye\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1), STORED NEVER NEVER
     "end E_SHUTDOWN\n"},
    {"421 for a message in the middle", PIPE "next\nEND 250 2.6.0 ok\n"
     "END+close 421 bye\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(1) "RSET\n" SAY_MAIL(2),
     STORED "NOT_TAKEN *: NOT_TAKEN *\n" NEVER
     "end E_SHUTDOWN\n"},
    {"421 in the middle, chunks", BDAT "next\nMAIL 250 ok\n"
     "MAIL+close 421 bye\n" MAIL(0) MAIL(1) MAIL(2),
     NULL, STORED NEVER NEVER "end E_SHUTDOWN\n"},
    /* Courier throws away what it has read along with the end of a body. */
    {"what follows a body is lost", "offer PIPELINING;XEXDATA\nnext\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) SAY(1) SAY(2) "QUIT\n",
     STORED STORED STORED FINE},
    /* Haraka 3.3.4 refuses whatever came before its answer to a body. */
    {"nothing is taken ahead of the answer to a body", PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\n"
     "RCPT 250 ok\nRCPT 503 early\nDATA 354 go\nDATA 503 early\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) "RSET\n" SAY(1) SAY(2) "QUIT\n",
     STORED STORED STORED FINE},
    {"its beginning is not", PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\n"
     "RCPT 250 ok\nRCPT 503 no MAIL\nDATA 354 go\nDATA 503 no RCPT\n"
     MAIL(0) "mail box1@a ops@b dev@b\nbody text 1|\n" MAIL(2),
     NULL, STORED STORED_TWO STORED FINE},
    {"RSET alone is not", PIPE "next\nRSET 503 early\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(1) SAY(2) "QUIT\n",
     STORED STORED STORED FINE},
    {"RSET alone is not, and the next sender is refused", PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 250 ok\nMAIL* 550 5.1.8 no\n"
     "RCPT 250 ok\nRCPT 250 ok\nRCPT* 503 no MAIL\n"
     "DATA 354 go\nDATA 354 go\nDATA* 503 no MAIL\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(1) SAY_MAIL(2) "QUIT\n",
     STORED STORED SENDER_NO FINE},
    {"nothing is, and the sender is refused later", PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\nMAIL 550 5.1.8 no\n"
     "RCPT 250 ok\nRCPT 503 early\nRCPT 503 no MAIL\n"
     "DATA 354 go\nDATA 503 early\nDATA 503 no MAIL\n"
     MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) "RSET\n" SAY_MAIL(1) "RSET\n" SAY(2)
     "QUIT\n",
     STORED SENDER_NO STORED FINE},
    {"nothing is, nor afterwards", PIPE "next\nRSET* 503 early\n"
     "MAIL 250 ok\nMAIL* 503 early\nRCPT 250 ok\nRCPT* 503 early\n"
     "DATA 354 go\nDATA* 503 early\n" MAIL(0) MAIL(1) MAIL(2),
     NULL, STORED NEVER NEVER "end E_SHUTDOWN\n"},
    {"nothing is, then the line is cut", PIPE "next\nRSET 503 early\n"
     "MAIL 250 ok\nMAIL 503 early\nRCPT 250 ok\nRCPT+close 503 early\n"
     MAIL(0) MAIL(1) MAIL(2),
     NULL, STORED NEVER NEVER "end EOF\n"},
    {"a recipient of a mail that came early is accepted", PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\n"
     "RCPT 250 ok\nRCPT 250 what\n" MAIL(0) MAIL(1) MAIL(2),
     HELLO SAY(0) "RSET\n" SAY_MAIL(1) "RSET\n" SAY(2) "QUIT\n",
     STORED "E_SENDER 503: E_SENDER 503\n" STORED FINE},
    {"and one is, LMTP", "lmtp\n" PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\n"
     "RCPT 250 ok\nRCPT 250 what\nRCPT 503 early\nDATA* 354 go\n"
     MAIL(0) "mail box1@a ops@b dev@b\nbody text 1|\n" MAIL(2),
     NULL, STORED "E_SENDER 503: E_SENDER 503, E_SENDER 503\n" STORED FINE},
    {"and then the line is cut, LMTP", "lmtp\n" PIPE "next\n"
     "RSET 503 early\nMAIL 250 ok\nMAIL 503 early\n"
     "RCPT 250 ok\nRCPT 250 what\nRSET+close \n"
     MAIL(0) MAIL(1) MAIL(2),
     NULL, STORED "E_SENDER 503: E_SENDER 503\n" NEVER "end EOF\n"},
    {"RSET and MAIL are refused, mails one by one", PIPE
     "END 554 5.7.1 no\nRSET 503 no\nMAIL 250 ok\nMAIL 503 no\n"
     MAIL(0) MAIL(1),
     NULL, "E_DATA 554 5.7.1: E_DATA 554 5.7.1\n" NEVER "end E_SHUTDOWN\n"},
    {"nothing is taken ahead of the answer to a chunk", BDAT "next\nno_once\n"
     "RSET* 503 early\nMAIL 250 ok\nMAIL* 503 early\n"
     "RCPT 250 ok\nRCPT* 503 early\nBDAT 250 ok\nBDAT* 503 early\n"
     MAIL(0) MAIL(1) MAIL(2),
     NULL, STORED NEVER NEVER "end E_SHUTDOWN\n"},
    {"an address that cannot be sent in the middle", PIPE "next\n" MAIL(0)
     "mail box1@a ops%0D@b\nbody x|\n" MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(2) "QUIT\n",
     STORED "E_RECIPIENT_SYNTAX 0: E_RECIPIENT_SYNTAX 0\n" STORED
     FINE},
    {"no recipients", PIPE "next\n" MAIL(0) "mail box1@a\nbody x|\n" MAIL(2),
     HELLO SAY(0) "RSET\n" SAY(2) "QUIT\n",
     STORED "E_ARGUMENT 0\n" STORED FINE},
};

/* ---- by hand ------------------------------------------------------------- */

static const dialogue by_hand[] = {
    {"by hand, a mail", "do ehlo\ndo mail_from box@a\ndo rcpt_to ops@b\n"
     "do data\ndo quit\nmail box@a ops@b\nbody .hi|\n",
     HELLO SAY_ONE "..hi\n.\nQUIT\n",
     "ehlo OK 250\nmail_from OK 250 2.1.0\nrcpt_to OK 250 2.1.5\n"
     "data OK 250 2.6.0\nquit OK *\nend OK\n"},
    {"by hand, each command", "do greet\ndo ehlo\ndo noop\ndo rset\n"
     "do verify ops\ndo expn all\ndo help\ndo help MAIL\ndo docmd XFOO\n"
     "do docmd XFOO bar  baz\n",
     HELLO "NOOP\nRSET\nVRFY ops\nEXPN all\nHELP\nHELP MAIL\nXFOO\n"
     "XFOO bar  baz\nQUIT\n",
     "greet OK 220\nehlo OK 250\nnoop OK 250 2.6.0\nrset OK 250 2.6.0\n"
     "verify OK 250 2.6.0\nexpn OK 250 2.6.0\nhelp OK 250 2.6.0\n"
     "help OK 250 2.6.0\ndocmd E_REFUSED 500 5.5.2\n"
     "docmd E_REFUSED 500 5.5.2\nend OK\n"},
    {"by hand, codes", "XFOO 200 x\nXFOO 399 x\nXFOO 400 x\nXFOO 599 x\n"
     "do greet\ndo docmd XFOO\ndo docmd XFOO\ndo docmd XFOO\ndo docmd XFOO\n",
     "XFOO\nXFOO\nXFOO\nXFOO\nQUIT\n",
     "greet OK 220\ndocmd OK 200\ndocmd OK 399\ndocmd E_REFUSED 400\n"
     "docmd E_REFUSED 599\nend OK\n"},
    {"no enhanced code in an empty text", ONE
     "MAIL 250 2.1.0 ok\nRCPT 250 2.1.5 ok\nEND 250\n",
     HELLO SAY_ONE TEXT "QUIT\n", "OK 250: OK 250\nend OK\n"},
    {"an enhanced code of another class is none", ONE
     "MAIL 250 5.1.0 ok\nRCPT 250 4.1.5 ok\nEND 250 5.6.0 stored\n",
     HELLO SAY_ONE TEXT "QUIT\n", "OK 250: OK 250\nend OK\n"},
    {"by hand, refusals", "MAIL 501 5.1.7 no\nRCPT 503 5.5.1 no\n"
     "DATA 503 5.5.1 no\nmail box@a ops@b\nbody hi|\n"
     "do helo\ndo mail_from box@a\ndo rcpt_to ops@b\ndo data\ndo noop\n",
     "HELO [127.0.0.1]\nMAIL FROM:<box@a>\nRCPT TO:<ops@b>\nDATA\nNOOP\n"
     "QUIT\n",
     "helo OK 250\nmail_from E_REFUSED 501 5.1.7\n"
     "rcpt_to E_REFUSED 503 5.5.1\ndata E_REFUSED 503 5.5.1\n"
     "noop OK 250 2.6.0\nend OK\n"},
    {"by hand, LMTP", "lmtp\nEND 250 2.6.0 ok\nEND 452 4.2.2 full\n"
     "RCPT 250 ok\nRCPT 550 no\nRCPT 250 ok\nmail box@a ops@b\nbody hi|\n"
     "do ehlo\ndo mail_from box@a\ndo rcpt_to ops@b\ndo rcpt_to no@b\n"
     "do rcpt_to dev@b\ndo data\ndo noop\n",
     "LHLO [127.0.0.1]\nMAIL FROM:<box@a>\nRCPT TO:<ops@b>\nRCPT TO:<no@b>\n"
     "RCPT TO:<dev@b>\nDATA\nhi\n.\nNOOP\nQUIT\n",
     "ehlo OK 250\nmail_from OK 250 2.1.0\nrcpt_to OK 250\n"
     "rcpt_to E_REFUSED 550\nrcpt_to OK 250\ndata PARTIAL\n"
     "noop OK 250 2.6.0\nend OK\n"},
    {"by hand, LMTP, MAIL is refused inside a transaction", "lmtp\n"
     "MAIL 250 ok\nMAIL 503 nested\nEND 250 2.6.0 ok\nEND 452 4.2.2 full\n"
     "mail box@a ops@b\nbody hi|\n"
     "do ehlo\ndo mail_from box@a\ndo rcpt_to ops@b\n"
     "do rcpt_to dev@b\ndo mail_from x@a\ndo data\ndo noop\n",
     "LHLO [127.0.0.1]\nMAIL FROM:<box@a>\nRCPT TO:<ops@b>\n"
     "RCPT TO:<dev@b>\nMAIL FROM:<x@a>\nDATA\nhi\n.\nNOOP\nQUIT\n",
     "ehlo OK 250\nmail_from OK 250\nrcpt_to OK 250 2.1.5\n"
     "rcpt_to OK 250 2.1.5\nmail_from E_REFUSED 503\ndata PARTIAL\n"
     "noop OK 250 2.6.0\nend OK\n"},
    {"by hand, parameters", "do ehlo\ndo mail_from box@a SIZE=10 X\n"
     "do rcpt_to ops@b NOTIFY=NEVER\n",
     HELLO "MAIL FROM:<box@a> SIZE=10 X\nRCPT TO:<ops@b> NOTIFY=NEVER\n"
     "QUIT\n",
     "ehlo OK 250\nmail_from OK 250 2.1.0\nrcpt_to OK 250 2.1.5\nend OK\n"},
    {"by hand, what cannot be sent", "do ehlo\ndo mail_from b%0D%0A@a\n"
     "do rcpt_to a%20b@c\ndo docmd NOOP x%0D%0ARSET\ndo docmd X%0AY\n"
     "do verify a%0Db\ndo mail_from box@a X%0DY\ndo noop\n",
     HELLO "NOOP\nQUIT\n",
     "ehlo OK 250\nmail_from E_SENDER_SYNTAX\nrcpt_to E_RECIPIENT_SYNTAX\n"
     "docmd E_LINE\ndocmd E_LINE\nverify E_LINE\nmail_from E_PARAMETER\n"
     "noop OK 250 2.6.0\nend OK\n"},
    {"by hand, STARTTLS and login", "EHLO 250-mx|250 STARTTLS\n"
     "offer AUTH PLAIN\nuser box\npassword secret\ndo ehlo\ndo starttls\n"
     "do ehlo\ndo login\n",
     SAY_TLS "AUTH PLAIN AGJveABzZWNyZXQ=\nQUIT\n",
     "ehlo OK 250\nstarttls OK 220 2.6.0\nehlo OK 250\nlogin OK 235 2.7.0\n"
     "end OK\n"},
    {"by hand, 421", "NOOP+close 421 4.4.2 idle\ndo ehlo\ndo noop\ndo noop\n",
     HELLO "NOOP\n", "ehlo OK 250\nnoop E_SHUTDOWN\nnoop E_SHUTDOWN\n"
     "end OK\n"},
    {"by hand, a long answer", "HELP 214-{x*500}|214-two|214 three\n"
     "do help\ndo noop\n",
     "HELP\nNOOP\nQUIT\n", "help OK 214\nnoop OK 250 2.6.0\nend OK\n"},
    {"by hand, then a mail", "do ehlo\ndo send\n" ONE,
     HELLO SAY_ONE TEXT "QUIT\n", "ehlo OK 250\nsend OK 250 2.6.0\nend OK\n"},
};

/* ---- running ------------------------------------------------------------- */

typedef struct chapter {
    const char *name;
    const dialogue *first;
    size_t count;
} chapter;

#define CHAPTER(name) {#name, name, sizeof name / sizeof *name}

static const chapter chapters[] = {
    CHAPTER(greetings), CHAPTER(starttls), CHAPTER(logins),
    CHAPTER(envelopes), CHAPTER(extensions), CHAPTER(bodies),
    CHAPTER(chunks), CHAPTER(ends), CHAPTER(lmtp), CHAPTER(overlaps),
    CHAPTER(by_hand)
};

/* `dialogue NAME` plays the dialogues whose names contain NAME, and shows
   how they go. */
int main(int count, char **arguments)
{
    sweep s;
    size_t i, k, played = 0;
    check_begin();
    sweep_open(&s);
    for (i = 0; i < sizeof chapters / sizeof *chapters; i++)
        for (k = 0; k < chapters[i].count; k++) {
            const dialogue *text = &chapters[i].first[k];
            if (count > 1 && !strstr(text->name, arguments[1]))
                continue;
            s.verbose = count > 1;
            sweep_dialogue(&s, text);
            played++;
            if (count > 1)
                sweep_show(&s);
        }
    printf("%lu dialogues, %lu runs\n", (unsigned long)played, s.runs);
    sweep_close(&s);
    return check_end();
}
