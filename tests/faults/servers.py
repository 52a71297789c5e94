"""
What a simulated Argo CD cannot do to a connection: a front that passes requests on, or breaks them.

Every thread and socket that is begun here ends with the ``with`` block that began it.
"""

from __future__ import annotations

import gzip
import ipaddress
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MEGABYTE = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


class Link:
    """One connection that somebody made to a front."""

    def __init__(self, sock: socket.socket, ended: threading.Event) -> None:
        self._socket = sock
        self._unread = b""
        self.ended = ended

    def request(self) -> bytes:
        """Read one request, its body included; empty when the other side has gone."""
        data, self._unread = self._unread, b""
        while b"\r\n\r\n" not in data:
            piece = self._socket.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        wanted = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                wanted = int(value)
        while len(body) < wanted:
            body += self._socket.recv(65536)
        return head + b"\r\n\r\n" + body

    def unread(self, request: bytes) -> None:
        """Let the next one read a request again."""
        self._unread = request

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def wait(self) -> None:
        """Wait until the other side has gone, or the test is over; what comes is dropped."""
        self._socket.settimeout(0.05)
        while not self.ended.is_set():
            with suppress(TimeoutError):
                if not self._socket.recv(65536):
                    return

    def reset(self) -> None:
        """Let the connection end with a reset instead of an orderly close."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Silent(Link):
    """Where an answer goes that nobody is to get."""

    def __init__(self) -> None:
        """Have no connection."""

    def send(self, data: bytes) -> None:
        """Drop it."""


class Clock:
    """Seconds that pass by themselves, and more of them when a test says so."""

    def __init__(self) -> None:
        self._more = 0.0

    def __call__(self) -> float:
        """Give the seconds."""
        return time.monotonic() + self._more

    def exhaust(self, link: Link) -> None:
        """Begin an answer, and let an hour pass before it goes on: nobody waits that long."""
        with suppress(OSError):
            link.send(b"HTTP/1.1 ")
            self._more += 3600
            link.send(b"2")


Fault = Callable[[Link], None]


class Front:
    """
    A server on a port of its own that passes requests on, until it is told to break them.

    Args:
        target: Port of the server behind it.

        tls: What it speaks TLS with. None for plain HTTP.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._good_tls = tls
        self.tls = tls
        self.fault: Fault | None = None
        self.connections = 0
        self._ended = threading.Event()  # of the faults under way
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self.port = 0

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.refuse()

    def listen(self) -> None:
        """Accept connections, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener,))
        self._acceptor.start()

    def refuse(self) -> None:
        """Close the port; connections under way are waited for."""
        listener, self._listener = self._listener, None
        if listener is None or self._acceptor is None:
            return
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        listener.close()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def heal(self) -> None:
        """Pass requests on again."""
        self.fault, self.tls = None, self._good_tls
        self._ended.set()
        self._ended = threading.Event()
        if self._listener is None:
            self.listen()

    def _accept(self, listener: socket.socket) -> None:
        listener.settimeout(0)
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while self._listener is listener:
                if not selector.select(0.05):
                    continue
                try:
                    sock, _ = listener.accept()
                except OSError:
                    continue
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock, self.tls, self.fault))
                self._threads = [t for t in self._threads if t.is_alive()] + [thread]
                thread.start()

    def _serve(self, sock: socket.socket, tls: ssl.SSLContext | None, fault: Fault | None) -> None:
        sock.settimeout(5)
        with sock, suppress(OSError):
            if tls is None:
                self._talk(sock, fault)
                return
            with tls.wrap_socket(sock, server_side=True) as wrapped:
                self._talk(wrapped, fault)

    def _talk(self, sock: socket.socket, fault: Fault | None) -> None:
        link = Link(sock, self._ended)
        if fault is not None:
            fault(link)
        elif request := link.request():
            self.relay(link, request)

    def relay(self, link: Link, request: bytes) -> None:
        """Pass one request on, and its answer back."""
        closing = request.replace(b"Connection: keep-alive", b"Connection: close", 1)
        with socket.create_connection(("127.0.0.1", self._target), timeout=5) as behind:
            behind.sendall(closing)
            while piece := behind.recv(65536):
                link.send(piece)


# --- faults ---


def taken_late(front: Front, clock: Clock, told: threading.Event) -> Fault:
    """Keep a sync from the server until whoever sent it has run out of time and was *told*."""

    def fault(link: Link) -> None:
        request = link.request()
        if not request.startswith(b"POST"):
            front.relay(link, request)
            return
        clock.exhaust(link)
        told.wait(15)
        front.relay(Silent(), request)

    return fault


def black_hole(link: Link) -> None:
    """Take everything and answer nothing."""
    link.wait()


def reset_before_headers(link: Link) -> None:
    """Reset the connection instead of answering."""
    link.request()
    link.reset()


def reset_in_headers(link: Link) -> None:
    """Reset in the middle of a header line."""
    link.request()
    link.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    link.reset()


def closed_in_headers(link: Link) -> None:
    """Close in order in the middle of a header line."""
    link.request()
    link.send(b"HTTP/1.1 200 OK\r\nContent-Ty")


def reset_after_headers(link: Link) -> None:
    """Reset before the first byte of the body."""
    link.request()
    link.send(OK + b"Content-Length: 1000\r\n\r\n")
    link.reset()


def cut_short(link: Link) -> None:
    """Send less than Content-Length promises."""
    link.request()
    link.send(OK + b'Content-Length: 1000\r\n\r\n{"items": [')


def chunks_without_end(link: Link) -> None:
    """Close where the terminating chunk belongs, after JSON that looks whole."""
    link.request()
    link.send(OK + b'Transfer-Encoding: chunked\r\n\r\nf\r\n{"items": null}\r\n')


def not_http(link: Link) -> None:
    """Answer as a mail server would."""
    link.request()
    link.send(b"220 mail.example.com ESMTP canary-body-secret\r\n")


def slow_drip(link: Link) -> None:
    """Send one byte each 50 ms, for 20 seconds: far longer than anybody is ready to wait."""
    link.request()
    link.send(OK + b"Content-Length: 1000000\r\n\r\n")
    for _ in range(400):
        if link.ended.wait(0.05):
            return
        link.send(b" ")


def slow_headers(link: Link) -> None:
    """Send one byte of the headers each 50 ms."""
    link.request()
    link.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(60):  # 3 seconds, far more than anybody is ready to wait
        if link.ended.wait(0.05):
            return
        link.send(b"x")


def plain_http(link: Link) -> None:
    """Answer a TLS greeting with HTTP, as a server without TLS does."""
    link.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    link.wait()


def huge_body(link: Link) -> None:
    """Send 200 MB."""
    link.request()
    link.send(OK + b"Content-Length: %d\r\n\r\n" % (200 * MEGABYTE))
    chunk = b" " * MEGABYTE
    for _ in range(200):
        link.send(chunk)


def gzip_bomb(link: Link) -> None:
    """Send 100 kB that become 100 MB."""
    link.request()
    bomb = gzip.compress(bytes(100 * MEGABYTE), 6)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    link.send(head + bomb)


def garbage_gzip(link: Link) -> None:
    """Send what says that it is compressed and is not."""
    link.request()
    link.send(OK + b'Content-Encoding: gzip\r\nContent-Length: 11\r\n\r\n{"items":[]')


# --- certificates ---

_NOW = datetime.now(UTC)
_DAY = timedelta(days=1)


class Authority:
    """
    A certificate authority that exists only in a test.

    Args:
        folder: Where server certificates are written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test")])
        self._certificate = self._sign(
            self._name, self._key, None, _NOW - 10 * _DAY, _NOW + 10 * _DAY
        )

    @property
    def pem(self) -> str:
        """Its own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(
        self,
        name: str = "localhost",
        *,
        begins: timedelta = -2 * _DAY,
        ends: timedelta = 5 * _DAY,
        self_signed: bool = False,
    ) -> ssl.SSLContext:
        """Make what a server of that name speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([_general_name(name)])
        certificate = self._sign(
            subject, key, names, _NOW + begins, _NOW + ends, self_signed=self_signed
        )
        self._number += 1
        path = self._folder / f"server-{self._number}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: x509.SubjectAlternativeName | None,
        begins: datetime,
        ends: datetime,
        *,
        self_signed: bool = False,
    ) -> x509.Certificate:
        signer, issuer = (key, subject) if self_signed else (self._key, self._name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .add_extension(_usage(signs=names is None), critical=True)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signer, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
