"""What Python's cryptography and pyjks find in the files that certctl made, several directories in one run.

On stdin a JSON array of {directory, alias, password, key, chain}: the key as PEM in the form it came, the chain's
certificates in hexadecimal, the leaf first. Each directory holds every format, the old kind of PKCS#12 as legacy.p12.
Prints as JSON a list of whatever is not what it should be.
"""
import base64
import json
import sys
from pathlib import Path

import jks
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_der_private_key, load_pem_private_key, pkcs12)


def key_bytes(key):
    """One form for keys that are the same."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()).hex()


def hexadecimal(certificates):
    return [certificate.public_bytes(Encoding.DER).hex() for certificate in certificates]


def of_pem(data):
    """A PEM file's key, if it has one, and its certificates."""
    key = key_bytes(load_pem_private_key(data, None)) if b"PRIVATE KEY" in data else None
    return key, hexadecimal(x509.load_pem_x509_certificates(data)) if b"CERTIFICATE" in data else []


def of_pkcs12(data, password, alias):
    found = pkcs12.load_pkcs12(data, password.encode())
    assert found.cert.friendly_name.decode() == alias, found.cert.friendly_name
    certificates = [found.cert, *found.additional_certs]
    return key_bytes(found.key), hexadecimal(one.certificate for one in certificates)


def of_jks(data, password, alias):
    (entry,) = jks.KeyStore.loads(data, password).private_keys.values()
    assert entry.alias == alias.lower(), entry.alias
    return key_bytes(load_der_private_key(entry.pkey_pkcs8, None)), [der.hex() for _, der in entry.cert_chain]


def of_secret(data):
    fields = dict(line.strip().split(": ") for line in data.decode().splitlines() if "tls." in line)
    key, none = of_pem(base64.b64decode(fields["tls.key"]))
    assert none == []
    return key, of_pem(base64.b64decode(fields["tls.crt"]))[1]


def readings(case):
    """What each file holds, and what it should hold."""
    read = lambda name: (Path(case["directory"]) / name).read_bytes()
    key, chain = key_bytes(load_pem_private_key(case["key"].encode(), None)), case["chain"]
    names = (case["password"], case["alias"])
    yield "cert.pem", lambda: of_pem(read("cert.pem")), (None, chain[:1])
    yield "chain.pem", lambda: of_pem(read("chain.pem")), (None, chain[1:])
    yield "fullchain.pem", lambda: of_pem(read("fullchain.pem")), (None, chain)
    yield "privkey.pem", lambda: of_pem(read("privkey.pem")), (key, [])
    yield "combined.pem", lambda: of_pem(read("combined.pem")), (key, chain)
    yield "cert.der", lambda: [hexadecimal([x509.load_der_x509_certificate(read("cert.der"))])], [chain[:1]]
    yield "privkey.der", lambda: key_bytes(load_der_private_key(read("privkey.der"), None)), key
    yield "keystore.p12", lambda: of_pkcs12(read("keystore.p12"), *names), (key, chain)
    yield "legacy.p12", lambda: of_pkcs12(read("legacy.p12"), *names), (key, chain)
    yield "keystore.jks", lambda: of_jks(read("keystore.jks"), *names), (key, chain)
    yield "secret.yaml", lambda: of_secret(read("secret.yaml")), (key, chain)


def complaints(number, case):
    for name, read, wanted in readings(case):
        try:
            found = read()
        except Exception as error:
            yield f"case {number}, {name}: {error!r}"
        else:
            if found != wanted:
                yield f"case {number}, {name}: {found} is not {wanted}"


print(json.dumps([text for number, case in enumerate(json.load(sys.stdin)) for text in complaints(number, case)]))
