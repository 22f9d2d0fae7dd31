"""Between the wire and the methods: who calls, may it, how often; and the entry of the log before."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import grpc

from matcher.audit.owing import OwingLog
from matcher.errors import ArgumentError, MatcherError, UnauthenticatedError
from matcher.observe.handlers import Handler, Wrapped
from matcher.security.allowance import Allowances
from matcher.security.identity import ANYBODY, Identity
from matcher.security.settings import SecuritySettings
from matcher.security.tokens import TokenVerifier
from matcher.service.access import CallAccess
from matcher.service.boundary import Undecodable
from matcher.service.handlers.base import caller_is
from matcher.service.scopes import Lookup, check_scope, owners_of, samples_of

BEARER = "bearer "
"""How the metadata `authorization` begins (RFC 6750)."""

COMMON_NAME = "x509_common_name"
"""Property of a connection's authentication context."""

NOT_LOGGED = frozenset({"GetServerStatus", "ListGalleries", "GetUpgradeStatus"})
"""Methods that touch no person's data; a refusal is logged all the same."""

AHEAD = 64
"""Answers of one stream that wait to be durable in the log."""

Unary = Callable[[Any, grpc.ServicerContext], Any]
Streaming = Callable[[Any, grpc.ServicerContext], Iterator[Any]]


class Guard(Wrapped):
    """Lets a call of ours through, or refuses it; put behind `Boundary`.

    Parameters
    ----------
    settings : SecuritySettings
    log : OwingLog, optional
        Gets an entry for each access before its reply.

    Attributes
    ----------
    log : OwingLog or None
    lookup : Lookup or None
        Set once there is an engine; without it a client that sees some galleries only is refused.

    Raises
    ------
    ArgumentError
        If a key of the tokens cannot be used.
    """

    def __init__(self, settings: SecuritySettings, log: OwingLog | None = None) -> None:
        super().__init__(self._around)
        tokens = settings.tokens
        self._tokens = None
        if tokens is not None:
            self._tokens = TokenVerifier(
                tokens.keys, tokens.audience, tokens.issuer, leeway_s=tokens.leeway_s
            )
        self._clients, self._identifies = settings.clients or {}, settings.identifies
        self._allowances = Allowances(settings.limits.requests_per_s, settings.limits.burst)
        self._samples, self._bytes = settings.limits.samples, settings.limits.message_bytes
        self.log = log
        self.lookup: Lookup | None = None
        self._streams: list[_Recorded] = []
        self._lock = threading.Lock()

    def finish(self) -> None:
        """Wait until all that streams have done is handed to the log; after the last call, before its end."""
        for stream in self._streams:
            stream.join()

    def _around(self, path: str, handler: Handler) -> Handler:
        method = path.rpartition("/")[2]
        read, write = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler.unary_unary), read, write)
        if handler.stream_stream is not None:
            stream = self._stream(method, handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(stream, read, write)
        # There are no others; one that is added without a word here is nobody's.
        return grpc.unary_unary_rpc_method_handler(_closed, read, write)

    def _unary(self, method: str, inner: Unary) -> Unary:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            access = CallAccess(method, context)
            if self.log is not None and not isinstance(request, Undecodable):
                access.owners = owners_of(request, self.lookup)  # before the call: it may delete or move them
            try:
                access.identity = self._known(context)
                self._check(access.identity, method, request)
                reply = inner(request, context)
            except Exception as error:
                self._record(access, request, None, error)
                raise
            self._record(access, request, reply, None)
            return reply

        return call

    def _stream(self, method: str, inner: Streaming) -> Streaming:
        def call(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            access = CallAccess(method, context)
            try:
                access.identity = self._known(context)
                access.identity.check_role(method)
            except MatcherError as error:
                self._record(access, None, None, error)
                raise
            answers = inner(self._checked(access, requests, context), context)
            if self.log is None:
                yield from answers
            else:
                stream = _Recorded(answers, lambda answer: self._submit_item(access, answer))
                with self._lock:
                    self._streams = [*(one for one in self._streams if not one.ended), stream]
                yield from stream.run()

        return call

    def _checked(
        self, access: CallAccess, requests: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        for request in requests:
            try:
                access.identity = self._known(context)  # a stream may be open for longer than its token
                self._check(access.identity, access.method, request)
            except MatcherError as error:
                self._record(access, request, None, error)
                raise
            if self.log is not None:
                access.items.add(request, owners_of(request, self.lookup))
            yield request

    def _known(self, context: grpc.ServicerContext) -> Identity:
        """Return who calls, and note it for the method, where callers are told from each other."""
        identity = self._identity(context)
        if self._identifies:
            caller_is(context, identity.name)
        return identity

    def _identity(self, context: grpc.ServicerContext) -> Identity:
        """Return who calls.

        Raises
        ------
        UnauthenticatedError
        """
        if not self._identifies:
            return ANYBODY
        for key, value in context.invocation_metadata():
            if key == "authorization" and self._tokens is not None:
                text = value if isinstance(value, str) else ""
                if text[: len(BEARER)].lower() != BEARER:
                    raise UnauthenticatedError("Authorization: expected a bearer token.")
                return self._tokens.identity(text[len(BEARER) :].strip())
        names = context.auth_context().get(COMMON_NAME, ()) if self._clients else ()
        for name in names:
            identity = self._clients.get(bytes(name).decode(errors="replace"))
            if identity is not None:
                return identity
        raise UnauthenticatedError(
            "The call does not say who makes it.", hint="Use a client certificate that is known, or a token."
        )

    def _check(self, identity: Identity, method: str, request: Any) -> None:
        identity.check_role(method)
        self._allowances.take(identity.name, identity.requests_per_s, identity.burst)
        if isinstance(request, Undecodable):
            raise ArgumentError("The request is no message of this method.")
        if self._bytes is not None and request.ByteSize() > self._bytes:
            raise ArgumentError(f"Request: expected at most {self._bytes} bytes, got {request.ByteSize()}.")
        if self._samples is not None and (count := samples_of(request)) > self._samples:
            raise ArgumentError(f"Samples: expected at most {self._samples} in a request, got {count}.")
        check_scope(identity, method, request, self.lookup)
        if self.log is not None and method not in NOT_LOGGED:
            self.log.settle()

    def _submit_item(self, access: CallAccess, answer: Any) -> Future[int] | None:
        """Log an item of a stream by its answer: under its own transaction, with whom it named."""
        item = access.items.take(answer.item_id)
        if self.log is None:
            return None
        return self.log.submit(access.entry(None, answer, None, item))

    def _record(self, access: CallAccess, request: Any, reply: Any, error: Exception | None) -> None:
        """Return once the access is durable in the log."""
        done = self._submit(access, request, reply, error)
        if done is not None:
            done.result()

    def _submit(
        self, access: CallAccess, request: Any, reply: Any, error: Exception | None
    ) -> Future[int] | None:
        if self.log is None or (access.method in NOT_LOGGED and error is None):
            return None
        return self.log.submit(access.entry(request, reply, error))


class _Recorded:
    """Answers of a stream, each given on once it is durable in the log; many at one time are under way."""

    def __init__(self, answers: Iterator[Any], submit: Callable[[Any], Future[int] | None]) -> None:
        self._answers, self._submit = answers, submit
        self._waiting: queue.Queue[tuple[Any, Future[int] | None] | BaseException | None] = queue.Queue(AHEAD)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pump, name="audited stream", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether no more comes for the log."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def join(self) -> None:
        """Wait for the last of it."""
        if self._thread.ident is not None:
            self._thread.join()

    def run(self) -> Iterator[Any]:
        self._thread.start()
        try:
            while (one := self._waiting.get()) is not None:
                if isinstance(one, BaseException):
                    raise one
                answer, done = one
                if done is not None:
                    done.result()
                yield answer
        finally:
            self._over.set()
            with contextlib.suppress(queue.Empty):
                while True:
                    self._waiting.get_nowait()
            self._thread.join()

    def _pump(self) -> None:
        last: BaseException | None = None
        try:
            for answer in self._answers:
                done = self._submit(answer)
                # Whoever gave up waiting gets no answer; what was done for them is in the log all the same.
                if not self._over.is_set():
                    self._waiting.put((answer, done))
        except BaseException as error:
            last = error
        finally:
            close = getattr(self._answers, "close", None)
            if close is not None:
                close()
            if not self._over.is_set():
                self._waiting.put(last)


def _closed(request: Any, context: grpc.ServicerContext) -> Any:
    raise UnauthenticatedError("This method is not open to anybody.")
