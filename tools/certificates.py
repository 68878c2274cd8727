# SPDX-License-Identifier: Apache-2.0
"""Certificates that are made for one run, and servers that show them."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DAY = timedelta(days=1)


class Authority:
    """Signs certificates.

    Args:
        folder: where files are written.

    Attributes:
        file: its own certificate.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])
        builder = self._builder(self._name, self._key, -DAY, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.certificate = builder.sign(self._key, hashes.SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, name: x509.Name, key: EllipticCurvePrivateKey, begins: timedelta, ends: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )

    def context(self, *, host: str = "127.0.0.1", begins: timedelta = -DAY, ends: timedelta = DAY) -> ssl.SSLContext:
        """What a server of this process shows. The arguments are those of `issue`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.issue(host=host, begins=begins, ends=ends))
        return context

    def issue(self, *, host: str = "127.0.0.1", begins: timedelta = -DAY, ends: timedelta = DAY) -> Path:
        """Write a server's certificate, and its key after it.

        Args:
            host: the name or address that the certificate is for.
            begins: when it begins to be valid, from now.
            ends: when it ends.

        Returns:
            The file, which the next call writes again.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host[0].isdecimal():
            names = [x509.IPAddress(ipaddress.ip_address(host))]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of a test")])
        builder = self._builder(name, key, begins, ends).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        file = self._folder / "server.pem"
        file.write_bytes(
            builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return file
