#!/usr/bin/env bash
# Sees to the Debian packages that the commands of the Makefile need.
#
#   tests/deps.sh GROUP...
#
# Names those of the groups that are missing and installs them (root, or sudo
# without a password). Where it may not, it prints the command and fails.
set -u

build='make gcc libc6-dev libbearssl-dev libuv1-dev libc-ares-dev
    libidn2-dev'
test="$build g++ binutils python3 python3-aiosmtpd openssl msmtp
    ca-certificates dnsmasq-base"
check="$test clang libclang-rt-dev gcc-multilib g++-multilib
    gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-avr avr-libc
    gcc-xtensa-lx106 gcc-riscv64-unknown-elf binutils-s390x-linux-gnu
    libc6-dev-s390x-cross libssl-dev libmbedtls-dev musl-tools qemu-user
    tcc valgrind mutt pkg-config mandoc python3-dkim"
size="gcc binutils python3 gcc-multilib gcc-arm-none-eabi
    libnewlib-arm-none-eabi gcc-avr avr-libc gcc-xtensa-lx106
    gcc-riscv64-unknown-elf xz-utils"
# Postfix is unpacked, not installed: these are the libraries of its programs.
# Node.js from elsewhere than Debian brings its own npm.
node='nodejs npm'
command -v npm >/dev/null && node=
bench="$build python3 valgrind libcurl4-openssl-dev libesmtp-dev $node
    openssl stunnel4 libdb5.3 libicu72 libnsl2 libsasl2-2 libssl3"
firmware='make gcc gcc-arm-none-eabi libnewlib-arm-none-eabi binutils
    qemu-system-arm libbearssl-dev xz-utils python3 python3-aiosmtpd
    openssl'
proof='make python3 frama-c-base'

wanted=
for group; do
    case $group in
    build | test | check | size | bench | firmware | proof) ;;
    *) echo "tests/deps.sh: no group \"$group\"" >&2; exit 64 ;;
    esac
    wanted="$wanted ${!group}"
done
[ $# -gt 0 ] || exit 64

if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system; needed are the equivalents of:" $wanted >&2
    exit 0
fi

missing() {
    comm -23 <(printf '%s\n' $wanted | sort -u) \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted \
            2>/dev/null | sed -n 's/ installed$//p' | sort -u)
}

packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0
echo "Packages missing: $packages"

as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root='sudo -n'
    if ! sudo -n true 2>/dev/null; then
        echo "Please run:  sudo apt-get install $packages" >&2
        exit 1
    fi
fi

mkdir -p build
log=build/deps.log
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

# The package lists may be absent or so old that the servers have moved on.
: >"$log"
for try in 1 2 3; do
    apt install -y --no-install-recommends $packages && break
    apt update || sleep $((try * 5))
done

packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0
tail -n 20 "$log" >&2
echo "Could not install: $packages" >&2
echo "Please run:  apt-get update && apt-get install $packages" >&2
exit 1
