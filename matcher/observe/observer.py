"""Everything that watches one server, switched on together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from matcher.observe.calls import CallWatch
from matcher.observe.exposition import exposed
from matcher.observe.metrics import Depths, Metrics, Watched, no_queues
from matcher.observe.reading import counted
from matcher.observe.traces import Tracing, tracing_from_environment
from matcher.samples import SampleReader
from matcher.stages import observed


class Observer:
    """Metrics always, traces where the environment asks for them.

    Parameters
    ----------
    log_calls : bool
        Whether each call is a line in the log.
    tracing : Tracing, optional
        By default what the environment says.

    Raises
    ------
    ArgumentError
        If traces are asked for and cannot be made.
    """

    def __init__(self, *, log_calls: bool = False, tracing: Tracing | None = None) -> None:
        self.metrics = Metrics()
        self.tracing = tracing if tracing is not None else tracing_from_environment()
        self.interceptor = CallWatch(self.metrics, self.tracing, log_calls=log_calls)

    def reader(self, read: SampleReader) -> SampleReader:
        """Return a reader of samples that is counted."""
        return counted(read, self.metrics)

    @contextmanager
    def watching(
        self, engine: Watched, address: tuple[str, int] | None = None, queues: Depths = no_queues
    ) -> Iterator[int | None]:
        """Watch an engine until the block ends; gives the port of the metrics.

        Parameters
        ----------
        engine : Watched
        address : (host, port), optional
            Where Prometheus asks; by default nowhere.
        queues : callable
            Tells how many calls wait in each of the server's queues.

        Raises
        ------
        ArgumentError
            If the address cannot be listened at.
        """
        with ExitStack() as stack:
            if self.tracing is not None:
                stack.callback(self.tracing.close)
                stack.enter_context(observed(self.tracing.stage))
            stack.enter_context(self.metrics.watching(engine, queues))
            yield stack.enter_context(exposed(self.metrics.registry, *address)) if address else None
