"""A root folder of its own for mail servers, made of Debian's packages.

Mail servers exclude each other as installed packages, so theirs are unpacked,
with the libraries they need, into build/servers/root, and run under chroot(2)
with accounts, settings and mailboxes that exist there alone. Every process
below that root is ours, however it detached itself: that is how all of them
are found and ended.
"""
import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath('build/servers')
ROOT = BUILD + '/root'
DEBS = BUILD + '/debs'

# Each line is installable by itself; dash is what OpenSMTPD delivers with.
PACKAGES = ['postfix', 'exim4-daemon-light', 'opensmtpd dash',
            'dovecot-lmtpd dovecot-submissiond']
# Of what these depend on, only libraries are needed to run them.
NEEDED = re.compile(r'(lib|zlib|netbase|postfix|exim4|opensmtpd|dash|dovecot)'
                    r'(?!.*(perl|semanage|pam-))')

ACCOUNTS = {'root': 0, 'postfix': 61001, 'Debian-exim': 61002,
            'dovecot': 61003, 'dovenull': 61004, 'opensmtpd': 61005,
            'opensmtpq': 61006, 'nobody': 61007, 'vmail': 61000}
GROUPS = {'postdrop': 61008, 'mail': 61009, 'nogroup': 61010}


class Trouble(Exception):
    """A server cannot be made or started, for a reason of one line."""


# ---- packages ---------------------------------------------------------------

def apt(*args, cwd=BUILD):
    done = subprocess.run(['apt-get', *args], cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Trouble('apt-get: ' + done.stdout[-500:])
    return done.stdout


def closure(packages):
    """What apt would install on a machine where nothing is."""
    os.makedirs(BUILD + '/none/partial', exist_ok=True)
    open(BUILD + '/none/status', 'w').close()
    plan = apt('-o', 'Dir::State::status=%s/none/status' % BUILD,
               '-o', 'Dir::Cache::archives=%s/none' % BUILD,
               '--no-install-recommends', '--print-uris', '-y', 'install',
               *packages.split())
    return set(re.findall(r"^'\S+' ([^_]+)_\S+\.deb ", plan, re.M))


def download():
    """The lists of packages may be absent, or too old."""
    for last in (False, True):
        try:
            names = set().union(*map(closure, PACKAGES))
            apt('download', '-o', 'APT::Sandbox::User=root',
                *sorted(filter(NEEDED.match, names)), cwd=DEBS)
            return
        except Trouble:
            if last:
                raise
            apt('update', '-o', 'DPkg::Lock::Timeout=300')


def unpack():
    """dpkg -x would put folders in the place of the links."""
    os.makedirs(ROOT + '/usr')
    for name in ('bin', 'sbin', 'lib', 'lib64'):
        os.mkdir(ROOT + '/usr/' + name)
        os.symlink('usr/' + name, ROOT + '/' + name)
    for deb in sorted(glob.glob(DEBS + '/*.deb')):
        with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb],
                              stdout=subprocess.PIPE) as tar:
            subprocess.run(['tar', '-x', '--keep-directory-symlink', '-C',
                            ROOT], stdin=tar.stdout, check=True)


def packages():
    """Once; the file `whole` says that it was done to the end."""
    if not os.path.exists(BUILD + '/whole'):
        for folder in (ROOT, DEBS):
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(DEBS)
        download()
        unpack()
        open(BUILD + '/whole', 'w').close()


# ---- the root ---------------------------------------------------------------

def path(name):
    return ROOT + name


def put(name, text, mode=0o644):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), 'w') as out:
        out.write(text)
    os.chmod(path(name), mode)


def folder(name, owner='root', group=None, mode=0o755):
    os.makedirs(path(name), exist_ok=True)
    os.chown(path(name), ACCOUNTS[owner],
             dict(ACCOUNTS, **GROUPS)[group or owner])
    os.chmod(path(name), mode)


def devices():
    os.makedirs(path('/dev'), exist_ok=True)
    for name, minor in (('null', 3), ('zero', 5), ('random', 8),
                        ('urandom', 9)):
        if not os.path.exists(path('/dev/' + name)):
            os.mknod(path('/dev/' + name), 0o020666, os.makedev(1, minor))
            os.chmod(path('/dev/' + name), 0o666)


def accounts():
    put('/etc/passwd', ''.join('%s:x:%d:%d::/srv:/bin/sh\n' % (name, n, n)
                               for name, n in ACCOUNTS.items()))
    put('/etc/group', ''.join('%s:x:%d:\n' % item for item in
                              dict(ACCOUNTS, **GROUPS).items()))
    put('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')
    put('/etc/hosts', '127.0.0.1 localhost\n')
    put('/etc/resolv.conf', 'nameserver 127.0.0.1\n')


def settings(values):
    """tests/servers/etc, with @NAME@ replaced."""
    for source in glob.glob(HERE + '/etc/*/*'):
        with open(source) as f:
            text = f.read()
        put(source[len(HERE):],
            re.sub(r'@(\w+)@', lambda m: str(values[m.group(1)]), text))


def clean():
    """Nothing is left of the run before."""
    for name in ('/run', '/srv', '/tmp', '/var/spool', '/var/log', '/var/lib'):
        shutil.rmtree(path(name), ignore_errors=True)
    folder('/run')
    folder('/srv', 'vmail')
    folder('/tmp', mode=0o1777)
    folder('/var/spool')
    folder('/var/log', mode=0o777)
    if not os.path.islink(path('/var/run')):
        shutil.rmtree(path('/var/run'), ignore_errors=True)
        os.symlink('/run', path('/var/run'))


def ports(names):
    """Free ones, all at once: none comes twice."""
    sockets = {name: socket.socket() for name in names}
    for s in sockets.values():
        s.bind(('127.0.0.1', 0))
    found = {name: s.getsockname()[1] for name, s in sockets.items()}
    for s in sockets.values():
        s.close()
    return found


# ---- processes --------------------------------------------------------------

def alive():
    """The processes below our root."""
    found = []
    for link in glob.glob('/proc/[0-9]*/root'):
        try:
            where = os.readlink(link)
        except OSError:
            continue
        if where == ROOT or where.startswith(ROOT + '/'):
            found.append(int(link.split('/')[2]))
    return found


def end_all():
    """Politely, then not. What is left: what could not be ended."""
    for sign, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
        for pid in alive():
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
        for _ in range(patience):
            reap()
            if not alive():
                return []
            time.sleep(0.1)
    return alive()


started = []


def reap():
    for process in started:
        process.poll()


def start(*command):
    """In the foreground, with what it says in /var/log/NAME.out."""
    log = path('/var/log/%s.out' % os.path.basename(command[0]))
    with open(log, 'wb') as out:
        process = subprocess.Popen(
            ['chroot', ROOT, *command], stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT, start_new_session=True, cwd='/',
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})
    started.append(process)
    return process


def answers(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(1)
        try:
            s.connect(address)
            return True
        except OSError:
            return False


def logs(pattern):
    """The last words of all logs that match, for who has to know why."""
    text = ''
    for name in sorted(glob.glob(path('/var/log/') + pattern)):
        if os.path.isfile(name):
            with open(name, errors='replace') as f:
                text += '--- %s\n%s' % (name, f.read()[-3000:])
    return text


def wait_for(process, addresses, log):
    for _ in range(150):
        if all(map(answers, addresses)):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise Trouble('it does not answer\n' + logs(log))


# ---- all of it --------------------------------------------------------------

def lock():
    """Two runs would end each other's servers."""
    os.makedirs(BUILD, exist_ok=True)
    kept = open(BUILD + '/lock', 'w')
    fcntl.flock(kept, fcntl.LOCK_EX)
    return kept


def prepare():
    packages()
    end_all()
    clean()
    devices()
    accounts()
