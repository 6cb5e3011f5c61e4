"""What the parts of the bench share: programs, servers and clients."""
import contextlib
import functools
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
HERE = os.path.join(ROOT, 'tests', 'bench')
BUILD = os.path.join(ROOT, 'build', 'bench')

# Columns of the table, in this order.
DATA, BDAT = 'smtp.h DATA', 'smtp.h BDAT'
OTHERS = ['libcurl', 'libESMTP', 'smtplib', 'nodemailer', 'smtp-source']
CLIENTS = [DATA, BDAT] + OTHERS


class Trouble(Exception):
    """The bench cannot go on, for a reason to be told in one line."""


def say(text):
    print(text, flush=True)


# ---- programs ---------------------------------------------------------------

def call(*command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise Trouble(' '.join(command[:3]) + ': ' + done.stdout[-2000:])
    return done.stdout


def newer(target, *sources):
    return os.path.exists(target) and all(
        os.path.getmtime(target) > os.path.getmtime(s) for s in sources)


def build_program(target, source, *flags):
    os.makedirs(BUILD, exist_ok=True)
    call('gcc', '-std=c99', '-O2', '-g', '-Wall', '-Wextra', '-pthread',
         '-Wl,-z,now', '-o', target, source, *flags)


@functools.lru_cache(None)       # one build for the whole run
def driver(name, *flags, suffix=''):
    """Compiles drive_NAME.c once; the program's path."""
    source = os.path.join(HERE, 'drive_%s.c' % name)
    header = os.path.join(ROOT, 'smtp.h')
    target = os.path.join(BUILD, 'drive_' + name + suffix)
    libraries = {'smtp': '-lbearssl', 'curl': '-lcurl', 'esmtp': '-lesmtp'}
    if not newer(target, source, header, os.path.join(HERE, 'message.h')):
        build_program(target, source, *flags, libraries[name])
    return target


def bulk():
    """build/bulk, as the Makefile builds it."""
    call('make', '-s', 'build/bulk', cwd=ROOT)
    return os.path.join(ROOT, 'build', 'bulk')


def nodemailer():
    folder = os.path.join(BUILD, 'npm')
    if not os.path.isdir(os.path.join(folder, 'node_modules', 'nodemailer')):
        os.makedirs(folder, exist_ok=True)
        call('npm', 'install', '--prefix', folder, '--no-audit', '--no-fund',
             '--silent', 'nodemailer')
    return os.path.join(folder, 'node_modules')


def postfix_root():
    """'/' where Postfix is installed, else the folder where its package is
    unpacked: mail servers exclude each other as installed packages."""
    if os.path.exists('/usr/sbin/smtp-sink'):
        return '/'
    folder = os.path.join(BUILD, 'postfix')
    if not os.path.exists(folder + '/usr/sbin/smtp-sink'):
        with tempfile.TemporaryDirectory() as scratch:
            call('apt-get', 'download', 'postfix', cwd=scratch)
            call('dpkg', '-x', glob.glob(scratch + '/postfix_*.deb')[0],
                 folder)
    return folder + '/'


def postfix_environment():
    return dict(os.environ,
                LD_LIBRARY_PATH=postfix_root() + 'usr/lib/postfix')


def postfix_program(name):
    return postfix_root() + 'usr/sbin/' + name


# ---- servers ----------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for_port(port, process=None):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(('127.0.0.1', port)) == 0:
                return
        if process and process.poll() is not None:
            break
        time.sleep(0.05)
    raise Trouble('no server came up on port %d' % port)


def stop(process):
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Child:
    """One of our own servers: it tells its port, and ends with its input."""

    def __init__(self, name, *args):
        self.process = subprocess.Popen(
            [os.path.join(HERE, name), *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.result = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        last = self.process.stdout.read()
        stop(self.process)
        self.result = json.loads(last) if last.startswith('{') else None


def turnsink(*args):
    return Child('turnsink', *args)


def fast_sink():
    source = os.path.join(HERE, 'fastsink.c')
    target = os.path.join(BUILD, 'fastsink')
    if not newer(target, source):
        build_program(target, source)
    return Child(target)


def delay(milliseconds, port):
    return Child('delay', milliseconds, port)


@contextlib.contextmanager
def running(command, port, **options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, **options)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        stop(process)


@contextlib.contextmanager
def one_processor():
    """What is started within runs on a single one: no turn then depends on
    how long the machine takes to wake an idle one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def smtp_sink():
    """As root it wants to be told whom to run as."""
    port = free_port()
    whom = [] if os.getuid() else ['-u', 'root']
    return running([postfix_program('smtp-sink'), '-m', '2000', *whom,
                    '127.0.0.1:%d' % port, '1000'], port,
                   env=postfix_environment())


def certificate():
    """A certificate for localhost that is its own issuer."""
    folder = os.path.join(BUILD, 'tls')
    cert, key = folder + '/cert.pem', folder + '/key.pem'
    if not os.path.exists(cert):
        os.makedirs(folder, exist_ok=True)
        call('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
             '-days', '3650', '-subj', '/CN=localhost', '-addext',
             'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key,
             '-out', cert)
    return cert, key


def stunnel(target):
    """STARTTLS in front of a server that has none."""
    cert, key = certificate()
    port = free_port()
    path = os.path.join(BUILD, 'tls', 'stunnel.conf')
    with open(path, 'w') as f:
        f.write('foreground = yes\npid =\nsyslog = no\ndebug = 3\n'
                '[smtp]\nprotocol = smtp\naccept = 127.0.0.1:%d\n'
                'connect = 127.0.0.1:%d\ncert = %s\nkey = %s\n'
                'socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n'
                % (port, target, cert, key))
    return running([shutil.which('stunnel4') or 'stunnel', path], port)


# ---- clients ----------------------------------------------------------------

def command(client, port, messages, recipients=1, size=1024, tls=False):
    """The command line that makes `client` send; None where it cannot."""
    task = [str(port), str(messages), str(recipients), str(size)]
    mode = 'bdat' if client == BDAT else 'data'
    rest = [mode] + ([certificate()[0]] if tls else [])
    if client in (DATA, BDAT):
        return [driver('smtp')] + task + rest
    if client == 'libcurl':
        return [driver('curl')] + task + rest
    if client == 'libESMTP':
        return [driver('esmtp')] + task + rest
    if client == 'smtplib':
        return [os.path.join(HERE, 'drive_smtplib')] + task + rest
    if client == 'nodemailer':
        return ['node', os.path.join(HERE, 'drive_nodemailer.js')] + task + rest
    if tls:
        return None
    return [postfix_program('smtp-source'), '-d', '-m', str(messages), '-r',
            str(recipients), '-l', str(size), '127.0.0.1:%d' % port]


def environment(client):
    if client == 'smtp-source':
        return postfix_environment()
    if client == 'nodemailer':
        return dict(os.environ, NODE_PATH=nodemailer())
    return None


class Run:
    """One run of a client: its seconds, processor seconds, peak memory."""

    def __init__(self, client, line, timeout=300):
        began = time.monotonic()
        self.process = subprocess.Popen(line, env=environment(client),
                                        stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        watch = threading.Timer(timeout, self.process.kill)
        watch.start()
        self.output = self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        watch.cancel()
        self.process.returncode = status
        self.seconds = time.monotonic() - began
        self.cpu = usage.ru_utime + usage.ru_stime
        self.rss = usage.ru_maxrss
        told = re.search(r'seconds ([\d.]+) delivered (\d+)', self.output)
        if told:
            self.seconds = float(told.group(1))
        if status:
            raise Trouble('%s: %s' % (client, self.output[-500:].strip() or
                                      'ended after %.0f s' % self.seconds))


def send(client, *args, timeout=300, **options):
    return Run(client, command(client, *args, **options), timeout)
