"""The measurements beside other clients, each a function of the results."""
import concurrent.futures
import os
import re
import statistics
import subprocess
import time

import lab
from lab import BDAT, CLIENTS, DATA

COMPILED = [DATA, BDAT, 'libcurl', 'libESMTP', 'smtp-source']


# ---- turns ------------------------------------------------------------------

def count_turns(client, messages, recipients):
    with lab.turnsink() as sink:
        lab.send(client, sink.port, messages, recipients)
    if sink.result['messages'] != messages:
        raise lab.Trouble('%s: %d of %d messages arrived'
                          % (client, sink.result['messages'], messages))
    return sink.result['turns']


def turns(results):
    """Waits for the server, that for the greeting apart."""
    for recipients, messages in ((1, 100), (5, 100), (100, 10)):
        total = {c: count_turns(c, messages, recipients) for c in CLIENTS}
        results.row('turns per message, %d recipient%s'
                    % (recipients, 's'[:recipients > 1]),
                    {c: n / messages for c, n in total.items()}, '%.2f')
        if recipients == 5:
            results.at_most('turns, 100 messages x 5 recipients, DATA',
                            total[DATA], 105, '%d')
            results.at_most('turns, 100 messages x 5 recipients, BDAT',
                            total[BDAT], 8, '%d')


# ---- delay ------------------------------------------------------------------

def seconds_far_away(client):
    with lab.turnsink('--quiet', 0) as sink:
        with lab.delay(25, sink.port) as line:
            return lab.send(client, line.port, 100).seconds


def delay(results):
    """All of them only wait, so those of others go side by side."""
    seconds = {c: seconds_far_away(c) for c in (DATA, BDAT)}
    with concurrent.futures.ThreadPoolExecutor(len(lab.OTHERS)) as pool:
        seconds.update(zip(lab.OTHERS, pool.map(seconds_far_away,
                                                lab.OTHERS)))
    results.row('s for 100 messages, 50 ms round trip', seconds, '%.2f')
    results.at_most('s, 100 messages, 50 ms round trip, DATA',
                    seconds[DATA], 6)
    results.at_most('s, 100 messages, 50 ms round trip, BDAT',
                    seconds[BDAT], 1)


# ---- instructions -----------------------------------------------------------

CALLS = os.path.join(lab.BUILD, 'callgrind.%d' % os.getpid())


def callgrind(line, client, out, *options):
    tool = ['valgrind', '--tool=callgrind', '--callgrind-out-file=' + out]
    lab.Run(client, tool + list(options) + line)
    with open(out) as f:
        return int(re.search(r'^(?:summary|totals): (\d+)', f.read(),
                             re.M).group(1))


# libESMTP uses CHUNKING where it is offered, so that for DATA it is not.
OFFER = {False: ['--ext', 'PIPELINING,SIZE 1000000000,8BITMIME'],
         True: ['--ext', 'PIPELINING,SIZE 1000000000,8BITMIME,CHUNKING']}


def instructions_of(client, messages, recipients=1, size=1024, program=None,
                    mode=None, options=(), offer=()):
    with lab.turnsink(*(offer or OFFER[client == BDAT])) as sink:
        line = lab.command(client, sink.port, messages, recipients, size)
        if program:
            line[0] = program
        if mode:
            line[5] = mode
        return callgrind(line, client, CALLS, *options)


def further(client, *args, **how):
    """Instructions for ten messages more."""
    return (instructions_of(client, 14, *args, **how) -
            instructions_of(client, 4, *args, **how))


# The driver has its slots for mails all in use from 512 messages on.
BEFORE = {DATA: 520, BDAT: 520}


def per_message(client):
    before = BEFORE.get(client, 20)
    return (instructions_of(client, before + 100) -
            instructions_of(client, before)) / 100


def per_recipient(client):
    """What ten messages to 51 cost more than ten to 1 recipient."""
    return (further(client, 51) - further(client)) / (10 * 50)


def per_byte(client, **how):
    """What ten messages of 513 KB cost more than ten of 1 KB."""
    return (further(client, 1, 513 << 10, **how) -
            further(client, 1, 1 << 10, **how)) / (10 * (512 << 10))


PORTABLE = ['-DSMTP_NO_SIMD']


def instructions(results):
    message = {c: per_message(c) for c in COMPILED}
    results.row('instructions per 1 KB message', message)
    recipient = {c: per_recipient(c) for c in COMPILED}
    results.row('instructions per further recipient', recipient)
    byte = {c: per_byte(c) for c in COMPILED}
    results.row('instructions per body byte', byte, '%.2f')
    chunks = per_byte('libESMTP', offer=OFFER[True])
    portable = lab.driver('smtp', *PORTABLE, suffix='_portable')
    slow = per_byte(DATA, program=portable)
    checked = per_byte(BDAT, mode='checked')
    results.row('the same in portable C', {DATA: slow}, '%.2f')
    results.row('the same, body not promised canonical',
                {BDAT: checked, 'libESMTP': chunks}, '%.2f')
    results.at_most('instructions per message, DATA', message[DATA], 3600,
                    '%.0f')
    results.at_most('instructions per message, BDAT', message[BDAT], 2500,
                    '%.0f')
    for c in (DATA, BDAT):
        results.at_most('instructions per further recipient, ' + c[-4:],
                        recipient[c], 400, '%.0f')
    results.at_most('instructions per body byte, DATA, SIMD', byte[DATA], 0.8)
    results.at_most('the same, portable C', slow, 1.4)
    results.at_most('instructions per body byte, BDAT, checked', checked, 0.8)
    results.at_most('the same, promised canonical', byte[BDAT], 0.05)


CASES = (('DATA, 1 KB', DATA, 120, 1, 1024, 'data'),
         ('BDAT, 1 KB', BDAT, 120, 1, 1024, 'bdat'),
         ('DATA, 50 recipients', DATA, 20, 50, 1024, 'data'),
         ('DATA, 2 MB', DATA, 1, 1, 2 << 20, 'data'),
         ('BDAT checked, 2 MB', BDAT, 1, 1, 2 << 20, 'checked'))


def profile():
    """Which functions take the instructions inside smtp_run(): of a build
    where none is inlined, so that each has its name."""
    program = lab.driver('smtp', '-fno-inline', suffix='_apart')
    for name, client, messages, recipients, size, mode in CASES:
        total = instructions_of(client, messages, recipients, size, program,
                                mode, ['--toggle-collect=smtp_run'])
        text = lab.call('callgrind_annotate', '--auto=no', '--threshold=97',
                        CALLS)
        lab.say('--- %s: %d instructions a message, %.2f a byte'
                % (name, total / messages, total / messages / size))
        for count, share, where in re.findall(
                r'^ *([\d,]+) \( *([\d.]+)%\) +\S*?([^/ ]+(?: \[|$).*)', text,
                re.M)[:25]:
            lab.say('%8.0f %6s %%  %s' % (int(count.replace(',', ''))
                                         / messages, share,
                                         where.split(' [')[0]))


# ---- speed ------------------------------------------------------------------

def sample(runs, client, *args, **options):
    """A client of others that fails or stands still is left out of a round:
    libESMTP over TLS waits now and then for an answer that is there."""
    try:
        runs[client].append(lab.send(client, *args, timeout=20, **options))
    except lab.Trouble as trouble:
        if client in (DATA, BDAT):
            raise
        lab.say('left out: ' + str(trouble))


def rounds(clients, port, messages, size, tls=False, times=5):
    """Medians of `times` runs each, taken in turn: (seconds, processor)."""
    runs = {c: [] for c in clients}
    for _ in range(times):
        for c in clients:
            sample(runs, c, port, messages(c), 1, size, tls=tls)
    return {c: (statistics.median(r.seconds for r in done) / messages(c),
                statistics.median(r.cpu for r in done) / messages(c))
            for c, done in runs.items() if done}


def count_for(client):
    return {DATA: 10000, BDAT: 30000, 'smtplib': 500,
            'nodemailer': 300}.get(client, 3000)


def speed_of_small(results, port, tls, name, clients):
    each = rounds(clients, port, count_for, 1024, tls)
    rate = {c: 1 / s for c, (s, _) in each.items()}
    results.row('messages/s' + name, rate)
    results.row('of smtp.h, %' + name,
                {c: 100 * r / rate[DATA] for c, r in rate.items()})
    results.row('processor, us a message' + name,
                {c: 1e6 * p for c, (_, p) in each.items()}, '%.1f')
    return rate


def speed_of_large(results, port, tls, name, clients):
    size = 64 << 20
    each = rounds(clients, port, lambda c: 1, size, tls, 3)
    rate = {c: size / 1e6 / s for c, (s, _) in each.items()}
    results.row('MB/s, a message of 64 MB' + name, rate)
    return rate


def judge_rates(results, name, rate, why):
    for other, times in ('libESMTP', 3), ('libcurl', 4):
        results.at_least('messages/s, times %s%s' % (other, name),
                         rate[DATA] / rate[other], times, why=why)


def speed(results):
    """smtp-sink has no CHUNKING, smtp-source no TLS. What a client can do
    where the server does not limit it is measured with our own sink."""
    small = [c for c in CLIENTS if c != BDAT]
    large = [DATA, 'libcurl', 'libESMTP', 'smtp-source']
    with lab.one_processor(), lab.smtp_sink() as port:
        alone = speed_of_small(results, port, False, ', one processor', small)
    with lab.smtp_sink() as port:
        rate = speed_of_small(results, port, False, ', loopback', small)
        mass = speed_of_large(results, port, False, ', loopback', large)
        with lab.stunnel(port) as secure:
            speed_of_small(results, secure, True, ', TLS', small[:-1])
            speed_of_large(results, secure, True, ', TLS', large[:-1])
    with lab.fast_sink() as sink:
        speed_of_small(results, sink.port, False, ', fast sink', CLIENTS)
        speed_of_large(results, sink.port, False, ', fast sink',
                       [BDAT] + large)
    judge_rates(results, ', one processor', alone, '')
    judge_rates(results, '', rate,
                'a turn of smtp.h takes %.0f us, on one processor %.0f: the '
                'rest is waking idle ones, which all clients do once a turn; '
                'recv() waits by itself already, one system call less'
                % (1e6 / rate[DATA], 1e6 / alone[DATA]))
    results.at_least('MB/s of a 64 MB message, times smtp-source',
                     mass[DATA] / mass['smtp-source'], 1)


# ---- memory -----------------------------------------------------------------

def heap(client):
    """Its peak while one message of 1 KB is sent, which is part of it."""
    out = os.path.join(lab.BUILD, 'massif.out')
    with lab.turnsink() as sink:
        line = lab.command(client, sink.port, 1)
        lab.Run(client, ['valgrind', '--tool=massif', '--max-snapshots=1000',
                         '--detailed-freq=1000000', '--massif-out-file=' + out,
                         *line])
    with open(out) as f:
        return max(map(int, re.findall(r'^mem_heap_B=(\d+)', f.read(), re.M)))


def stack(client):
    """Depth of the stack while 100 messages of 1 KB are sent."""
    with lab.turnsink('--quiet', 0) as sink:
        done = lab.Run(client, ['env', 'BENCH_STACK=1',
                                *lab.command(client, sink.port, 100)])
    return int(re.search(r'^stack (\d+)', done.output, re.M).group(1))


def resident(program, sessions):
    """Resident bytes of bulk at most, all its sessions being there at once
    because the server is slow to answer; and what bulk tells at the end."""
    with lab.turnsink('--quiet', 1) as sink:
        process = subprocess.Popen(
            [program, '-s', str(sessions), '-m', str(sessions * 5), '-d',
             '127.0.0.1:%d' % sink.port], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            with open('/proc/%d/status' % process.pid) as f:
                peak = re.search(r'VmHWM:\s+(\d+)', f.read())
            most = int(peak.group(1)) if peak else most
            time.sleep(0.01)
        text = process.stdout.read()
    if process.returncode or sink.result['most'] != sessions:
        raise lab.Trouble('bulk: %d sessions at once\n%s'
                          % (sink.result['most'], text))
    return most * 1024, text


def memory(results):
    results.row('heap, bytes at most', {c: heap(c) for c in COMPILED})
    results.row('stack, bytes at most', {c: stack(c) for c in COMPILED[:-1]})
    program = lab.bulk()
    one, _ = resident(program, 1)
    many, text = resident(program, 1000)
    own = int(re.search(r'memory +(\d+) bytes a session', text).group(1))
    results.row('bytes resident per session, 1,000 sessions (bulk)',
                {DATA: (many - one) / 999})
    results.row('of them smtp.h with its buffer', {DATA: own})
    results.at_most("smtp.h's own memory per session, bytes", own, 1024, '%d')
    results.true('1,000 sessions, none lost or doubled',
                 'messages    5000 delivered (0 in part)' in text)
