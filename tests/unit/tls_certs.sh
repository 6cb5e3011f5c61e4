#!/bin/sh
# Certificates for the tests of TLS, into the directory $1 (emptied).
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"

rsa() { openssl genrsa -out "$1.key" "${2:-2048}" 2>/dev/null; }
ec() { openssl ecparam -name "${2:-prime256v1}" -genkey -noout -out "$1.key"; }

# root NAME DN: self-signed CA
root() {
    openssl req -x509 -new -key "$1.key" -subj "$2" -days 30 -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE
}

# issue NAME CA DN EXTENSIONS [ARGUMENTS]: certificate from a CA
issue() {
    name=$1 by=$2 dn=$3
    printf '%b' "$4" >"$name.ext"
    shift 4
    openssl req -new -key "$name.key" -subj "$dn" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" \
        -CAcreateserial -days 20 -extfile "$name.ext" -out "$name.pem" \
        "$@" 2>/dev/null
}

a_ca='basicConstraints=critical,CA:TRUE\n'
san='subjectAltName=DNS:mail.example.org,DNS:*.wild.example.org,IP:127.0.0.1\n'

rsa root; root root "/O=smtp.h/CN=Root"
rsa expired; issue expired root "/CN=mail.example.org" "$san" -days 0
rsa big 4096; root big "/O=smtp.h/CN=Big"
ec p521 secp521r1; root p521 "/O=smtp.h/CN=P-521"
ec other; root other "/O=smtp.h/CN=Other"
for twin in twin1 twin2 twin3; do
    rsa $twin; root $twin "/O=smtp.h/CN=Root"
done

ec inter; issue inter root "/O=smtp.h/CN=Intermediate" "$a_ca"
ec chained; issue chained inter "/CN=mail.example.org" "$san"
rsa direct; issue direct root "/CN=mail.example.org" "$san"
rsa of_big; issue of_big big "/CN=mail.example.org" "$san"
ec of_p521 secp384r1; issue of_p521 p521 "/CN=mail.example.org" "$san"
rsa weak 1024; issue weak root "/CN=mail.example.org" "$san"
rsa sha1; issue sha1 root "/CN=mail.example.org" "$san" -sha1
ec of_384; issue of_384 root "/CN=mail.example.org" "$san" -sha384
rsa of_512; issue of_512 root "/CN=mail.example.org" "$san" -sha512
ec ec_384; issue ec_384 inter "/CN=mail.example.org" "$san" -sha384
cat ec_384.pem inter.pem >ec_384.chain
ec pinned; issue pinned other "/CN=mail.example.org" "$san"
rsa twin; issue twin root "/CN=mail.example.org" "$san"
ec self
openssl req -x509 -new -key self.key -subj "/CN=mail.example.org" -days 20 \
    -addext basicConstraints=CA:FALSE \
    -addext subjectAltName=DNS:mail.example.org -out self.pem
long=$(printf '%0060d' 7)
rsa long
root long "/O=$long/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long\
/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long/OU=$long\
/OU=$long/CN=$long"
rsa of_long; issue of_long long "/CN=mail.example.org" "$san"

mid=$(printf '%050d' 8)
for crowd in crowd1 crowd2 crowd3 crowd4; do
    rsa $crowd; root $crowd "/O=$mid/CN=x"
done
cat crowd1.pem crowd2.pem crowd3.pem crowd4.pem >crowd.pem
rsa of_crowd1; issue of_crowd1 crowd1 "/CN=mail.example.org" "$san"
rsa of_crowd4; issue of_crowd4 crowd4 "/CN=mail.example.org" "$san"

rsa client_rsa; issue client_rsa root "/CN=client" "basicConstraints=CA:FALSE"
ec client_ec; issue client_ec root "/CN=client" "basicConstraints=CA:FALSE"
cp big.key client_big.key
issue client_big root "/CN=client" "basicConstraints=CA:FALSE"
rsa client_huge 5120
issue client_huge root "/CN=client" "basicConstraints=CA:FALSE"
openssl pkcs8 -topk8 -nocrypt -in client_ec.key -out client_ec.p8
openssl pkcs8 -topk8 -in client_ec.key -passout pass:x -out client_ec.locked

cat chained.pem inter.pem >chained.chain
cat chained.pem other.pem inter.pem >stray.chain
cat client_rsa.pem client_rsa.key >client_rsa.both
cat client_rsa.pem root.pem root.pem root.pem root.pem >client_long.pem
{ sed 's/MII/M!!/' other.pem; cat client_rsa.both; } >client_damaged.pem
cat twin1.pem twin2.pem twin3.pem root.pem >twins.pem
cat /etc/ssl/certs/ca-certificates.crt root.pem >bundle.pem
cat self.pem pinned.pem >pins.pem
sed 's/$/\r/' root.pem >crlf.pem
{ printf '\357\273\277'; cat root.pem; } >bom.pem
{ printf '\357\273\277'; cat client_rsa.both; } >client_bom.pem
printf '%s' "$(cat root.pem)" >no_eol.pem
{ echo "some text"; sed 's/MII/M!!/' other.pem; cat root.pem; } >damaged.pem
echo "no certificate" >none.pem
openssl x509 -in root.pem -outform DER -out root.der
