"""The authority of a cluster, and a certificate for each of its three roles.

All connections of the cluster are encrypted, and both ends show a certificate of this authority. `make` writes into one
folder; a machine needs the certificate of the authority, and certificate and key of its own role. The key of the
authority stays where it was made: with it, or with a certificate of the authority, a process can run code on the
machines.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Literal, get_args

from rnnlab import private
from rnnlab.errors import RunError

Role = Literal["scheduler", "agent", "app"]
ROLES: tuple[Role, ...] = get_args(Role)
AUTHORITY = "authority"
_DAYS = 3650


def certificate_file(folder: Path, name: str) -> Path:
    """Return the file of a certificate."""
    return folder / f"{name}.pem"


def key_file(folder: Path, name: str) -> Path:
    """Return the file of the key of a certificate."""
    return folder / f"{name}-key.pem"


def make(folder: Path) -> list[Path]:
    """Make an authority and the certificates of all roles, and return the files; only their owner can read them.

    Raises:
        RunError: ``certificates_exist``: there is an authority in the folder.
        OSError: a file cannot be written.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    if certificate_file(folder, AUTHORITY).exists() or key_file(folder, AUTHORITY).exists():
        raise RunError(
            "certificates_exist", f"There are certificates in {folder}; name an empty folder.", folder=str(folder)
        )
    private.make_folder(folder)
    now = datetime.datetime.now(datetime.UTC)
    written: list[Path] = []

    def name_of(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"RNN Lab {text}")])

    def write(path: Path, data: bytes) -> None:
        with open(path, "xb", opener=private.opener) as file:
            file.write(data)
        written.append(path)

    def make_one(name: str, authority_key: ec.EllipticCurvePrivateKey | None) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_of(name))
            .issuer_name(name_of(AUTHORITY))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
            .add_extension(x509.BasicConstraints(ca=authority_key is None, path_length=None), critical=True)
        )
        signer = authority_key or key
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        of_signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False).add_extension(of_signer, critical=False)
        if authority_key is None:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(both, critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        write(key_file(folder, name), key.private_bytes(encoding, form, serialization.NoEncryption()))
        write(certificate_file(folder, name), certificate.public_bytes(encoding))
        return key

    authority_key = make_one(AUTHORITY, None)
    for role in ROLES:
        make_one(role, authority_key)
    return written


def check(folder: Path, role: Role) -> None:
    """Check that the files of a role are there, and that only their owner can read its key.

    Raises:
        RunError: ``certificates_missing`` or ``certificates_open``.
    """
    needed = [certificate_file(folder, AUTHORITY), certificate_file(folder, role), key_file(folder, role)]
    missing = [path.name for path in needed if not os.access(path, os.R_OK)]
    if missing:
        raise RunError(
            "certificates_missing",
            f"{', '.join(missing)} cannot be read in {folder}. Make certificates with:"
            f" python -m rnnlab cluster certificates {folder}",
            files=", ".join(missing),
            folder=str(folder),
        )
    if private.is_private(needed[-1]) is False:
        raise RunError(
            "certificates_open",
            f"Other users can read {needed[-1]}. Allow only yourself: chmod 600 {needed[-1]}",
            file=str(needed[-1]),
        )
