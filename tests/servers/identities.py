"""What servers and clients prove themselves with, made anew for each test by the openssl command: certificates of an
authority of our own, and NATS' operator, accounts and users."""
import base64
import hashlib
import json
import subprocess
import time
from typing import NamedTuple


def openssl(*words, given=None):
    return subprocess.run(["openssl", *map(str, words)], input=given, check=True, capture_output=True).stdout


def certificates(folder):
    """Writes NAME.pem and NAME.key: ca and other-ca, authorities; server, which is localhost and 127.0.0.1; client; badname,
    which is another host; expired."""
    for authority in ("ca", "other-ca"):
        key = certificate_key(folder, authority)
        openssl("req", "-x509", "-new", "-key", key, "-days", 3650, "-subj", f"/CN={authority}", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign", "-out", folder / f"{authority}.pem")
    names = {"server": "DNS:localhost,IP:127.0.0.1,IP:::1", "client": "DNS:client", "badname": "DNS:wrong.example",
             "expired": "DNS:localhost,IP:127.0.0.1"}
    for name, hosts in names.items():
        request = openssl("req", "-new", "-key", certificate_key(folder, name), "-subj", f"/CN={name}")
        extensions = folder / f"{name}.ext"
        extensions.write_text(f"keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName={hosts}\n")
        openssl("x509", "-req", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days",
                -1 if name == "expired" else 825, "-extfile", extensions, "-out", folder / f"{name}.pem", given=request)


def certificate_key(folder, name):
    key = folder / f"{name}.key"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", key)
    return key


# NATS: an nkey's text is base32 of its kind, 32 bytes and a checksum; a JWT is signed with one.
KINDS = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED = 18 << 3
NO_LIMITS = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {"wildcards": True}
JETSTREAM = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
EXPIRED_S = 3600


def checksum(data):
    """CRC-16/XMODEM."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021) & 0xFFFF if value & 0x8000 else (value << 1) & 0xFFFF
    return value


def base32(data):
    return base64.b32encode(data + checksum(data).to_bytes(2, "little")).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Nkey(NamedTuple):
    folder: object
    pem: bytes
    public: str
    seed: str

    @staticmethod
    def make(kind, folder):
        pem = openssl("genpkey", "-algorithm", "ed25519")
        secret = openssl("pkey", "-outform", "DER", given=pem)[-32:]
        public = openssl("pkey", "-pubout", "-outform", "DER", given=pem)[-32:]
        prefix = KINDS[kind]
        seed = bytes([SEED | prefix >> 5, (prefix & 31) << 3]) + secret
        return Nkey(folder, pem, base32(bytes([prefix]) + public), base32(seed))

    def sign(self, data):
        key, message = self.folder / "signing.key", self.folder / "signed"  # openssl signs files only
        key.write_bytes(self.pem)
        message.write_bytes(data)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", message)
        key.unlink()
        message.unlink()
        return signature

    def vouch(self, subject, name, claims, expires=None):
        """A JWT in which this key says `claims` about `subject`."""
        said = {"iat": int(time.time()), "iss": self.public, "name": name, "sub": subject.public, "nats": {**claims, "version": 2}}
        if expires is not None:
            said["exp"] = expires
        said["jti"] = base64.b32encode(hashlib.sha256(json.dumps(said).encode()).digest()).decode().rstrip("=")
        head = base64url(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
        text = f"{head}.{base64url(json.dumps(said).encode())}"
        return f"{text}.{base64url(self.sign(text.encode()))}"


def credentials(folder):
    """Writes resolver.conf for the server; user.creds, system.creds and expired.creds; an nkey as user.seed and user.public,
    and nkey.conf for the server that it is a user of."""
    operator, user, other = Nkey.make("operator", folder), Nkey.make("user", folder), Nkey.make("user", folder)
    system, account = Nkey.make("account", folder), Nkey.make("account", folder)
    accounts = {system: operator.vouch(system, "SYS", {"type": "account", "limits": NO_LIMITS}),
                account: operator.vouch(account, "APP", {"type": "account", "limits": NO_LIMITS | JETSTREAM})}
    itself = operator.vouch(operator, "operator", {"type": "operator", "system_account": system.public})
    preload = "".join(f"  {key.public}: {jwt}\n" for key, jwt in accounts.items())
    (folder / "resolver.conf").write_text(f"operator: {itself}\nsystem_account: {system.public}\nresolver: MEMORY\n"
                                          f"resolver_preload: {{\n{preload}}}\n")
    claims = {"type": "user", "subs": -1, "data": -1, "payload": -1}
    for name, issuer, expires in (("user", account, None), ("system", system, None), ("expired", account, int(time.time()) - EXPIRED_S)):
        jwt = issuer.vouch(user, name, claims, expires)
        (folder / f"{name}.creds").write_text(f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
                                              f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    (folder / "user.seed").write_text(other.seed)
    (folder / "user.public").write_text(other.public)
    (folder / "nkey.conf").write_text(f"authorization {{ users: [ {{ nkey: {other.public} }} ] }}\n")
