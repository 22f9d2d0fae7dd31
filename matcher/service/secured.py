"""What a server needs of the file that says how it is secured: credentials, guard, log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from matcher.audit.index import AccessIndex
from matcher.audit.keys import load_key, load_publics
from matcher.audit.log import AuditLog
from matcher.audit.owing import OwingLog
from matcher.engine import Engine
from matcher.errors import ArgumentError
from matcher.image.limits import lower_max_pixels
from matcher.security.settings import SecuritySettings, Tls, read_settings
from matcher.service.address import is_loopback, split_address
from matcher.service.guard import Guard
from matcher.service.recover import recover
from matcher.service.scopes import EngineLookup

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Secured:
    """Parts of a secured server; the caller closes the log after the server has drained.

    Attributes
    ----------
    settings : SecuritySettings
    guard : Guard
        An interceptor for `Server`.
    credentials : grpc.ServerCredentials or None
    log : AuditLog or None
    accesses : AccessIndex or None
        Of the log.
    """

    settings: SecuritySettings
    guard: Guard
    credentials: grpc.ServerCredentials | None
    log: AuditLog | None
    accesses: AccessIndex | None

    def begin(self, engine: Engine) -> None:
        """Look up in an engine what requests name, and enter its changes that the log does not have.

        Raises
        ------
        StoreError, AuditError
            If the store cannot be read, or the log not written.
        """
        self.guard.lookup = EngineLookup(engine)
        if self.log is not None and self.accesses is not None:
            recover(engine, self.log, self.accesses)

    def close(self) -> None:
        """Close the log and its index."""
        self.guard.finish()
        if self.accesses is not None:
            self.accesses.close()
        if self.log is not None:
            self.log.close()


def secured(path: Path, listen: str) -> Secured:
    """Return what a settings file asks for.

    Parameters
    ----------
    path : Path
        See `security.settings`.
    listen : str
        HOST:PORT of the server: tokens are not taken in the clear beyond loopback.

    Raises
    ------
    ArgumentError
        If the file, or one that it names, cannot be used.
    AuditError
        If the log cannot be gone on with.
    """
    settings = read_settings(path)
    host, _ = split_address(listen)
    if settings.tokens is not None and settings.tls is None and not is_loopback(host):
        raise ArgumentError(
            f"{path.name}: whoever reads a token in the clear can use it.",
            hint="Give [tls], or listen at loopback.",
        )
    if not settings.identifies and not is_loopback(host):
        logger.warning(
            "LISTENING BEYOND LOOPBACK AT %s WITHOUT IDENTITIES: anybody who reaches this port can enrol, "
            "search and delete people.",
            listen,
        )
    if settings.limits.pixels is not None:
        lower_max_pixels(settings.limits.pixels)
    credentials = None if settings.tls is None else server_credentials(settings.tls)
    guard, audit, log = Guard(settings), settings.audit, None
    if audit is not None:
        log = AuditLog(audit.folder, load_key(audit.key), known=load_publics(audit.known))
        guard.log = OwingLog(log)
    accesses = None if audit is None else AccessIndex(audit.folder)
    return Secured(settings, guard, credentials, log, accesses)


def server_credentials(tls: Tls) -> grpc.ServerCredentials:
    """Return credentials whose files are read again when they change; mutual where `client_ca` is given.

    Raises
    ------
    ArgumentError
        If a file cannot be read.
    """
    files = [path for path in (tls.key, tls.certificate, tls.client_ca) if path is not None]
    state = {"changed": _changed(files)}

    def configuration() -> grpc.ServerCertificateConfiguration:
        key, chain = _read(tls.key), _read(tls.certificate)
        root = None if tls.client_ca is None else _read(tls.client_ca)
        return grpc.ssl_server_certificate_configuration([(key, chain)], root)

    def fetched() -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration where a file changed, else None: gRPC keeps the last one."""
        try:
            changed = _changed(files)
            if changed == state["changed"]:
                return None
            made = configuration()
        except ArgumentError as error:
            logger.warning("The certificates stay as they were: %s", error)
            return None
        state["changed"] = changed
        return made

    return _dynamic(configuration(), fetched, tls.client_ca is not None)


def _dynamic(
    first: grpc.ServerCertificateConfiguration,
    fetched: Callable[[], grpc.ServerCertificateConfiguration | None],
    mutual: bool,
) -> grpc.ServerCredentials:
    return grpc.dynamic_ssl_server_credentials(first, fetched, require_client_authentication=mutual)  # type: ignore[arg-type]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read ({error.strerror}).") from None


def _changed(paths: list[Path]) -> list[int]:
    try:
        return [path.stat().st_mtime_ns for path in paths]
    except OSError as error:
        raise ArgumentError(f"{error.filename}: cannot be read ({error.strerror}).") from None
