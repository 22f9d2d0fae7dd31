"""`matcher serve`: the gRPC server as a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from matcher.observe.logs import LogFormat, set_up_logging

HEALTH_CHECK_S = 0.5
"""How often the announced health is brought in line with the engine's, seconds."""

DEFAULT_LISTEN = "127.0.0.1:50051"
"""Loopback only: there is no authentication."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def default_store() -> str:
    """Return the URL of the store in the user's data folder, which is made if missing."""
    from platformdirs import user_data_path

    folder = user_data_path("matcher", ensure_exists=True)
    return f"sqlite:///{folder / 'gallery.db'}"


def serve(
    store: str = typer.Option("", help="Store URL; by default sqlite in the user's data folder."),
    listen: str = typer.Option(DEFAULT_LISTEN, help="HOST:PORT; port 0 takes a free one."),
    threads: int = typer.Option(0, min=0, help="For one search; 0 takes all cores."),
    extractor: str = typer.Option("numba", help="Of fingerprint images: numba, or leader (a fetched model)."),
    face_model: str | None = typer.Option(
        None, help="Manifest of the face model: a name, or a path that ends in .toml; by default the default."
    ),
    keep_images: bool = typer.Option(
        False, help="Store images with the templates that come of them: `matcher upgrade` needs them."
    ),
    snapshot: Path | None = typer.Option(
        None,
        help="Where the file is kept that makes a start fast; by default beside an SQLite store, or nowhere.",
    ),
    metrics: str = typer.Option("", help="HOST:PORT where Prometheus asks for metrics; by default nowhere."),
    log_format: LogFormat = typer.Option(LogFormat.TEXT, help="text for people, json for machines."),
    log_calls: bool = typer.Option(False, help="One line in the log for each call."),
    decoders: int = typer.Option(2, min=0, help="Processes that decode images; 0 decodes in the server."),
    security: Path | None = typer.Option(
        None,
        help="File (TOML): how clients are known, what they may do, where accesses are logged.",
    ),
    spread_calls: bool = typer.Option(
        False, help="Answer calls on every core; by default their threads share one, which is faster."
    ),
    port_file: Path | None = typer.Option(None, help="Written with the port once the server is ready."),
) -> None:
    """Run the gRPC server until SIGTERM or Ctrl-C."""
    _one_openmp_thread()
    import logging
    import signal
    import threading

    from matcher.audit.log import THREAD as AUDIT
    from matcher.engine import Engine
    from matcher.image.apart import start_decoders, stop_decoders
    from matcher.observe.observer import Observer
    from matcher.reader import reader
    from matcher.service.address import is_loopback, split_address
    from matcher.service.home import home_of_calls
    from matcher.service.server import Server
    from matcher.service.turns import Turns
    from matcher.warm import warm_all

    set_up_logging(log_format)
    observer = Observer(log_calls=log_calls)
    asked_at = split_address(metrics) if metrics else None
    if asked_at is not None and not is_loopback(asked_at[0]):
        logging.getLogger(__name__).warning("Metrics can be read by anybody who reaches %s.", metrics)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    safe = None
    if security is not None:
        from matcher.service.secured import secured

        safe = secured(security, listen)
    home = None if spread_calls else home_of_calls()
    if home is not None:
        home.adopt(thread for thread in threading.enumerate() if thread.name == AUDIT)
    turns = Turns(home=home)
    server = Server(
        listen,
        turns=turns,
        outermost=observer.interceptor,
        interceptors=() if safe is None else (safe.guard,),
        credentials=None if safe is None else safe.credentials,
    )
    try:
        if decoders:
            start_decoders(decoders)
        warm_all(extractor, models=True)
        read = observer.reader(reader(extractor, face_model))
        engine = Engine(
            store or default_store(),
            threads=threads or None,
            read=read,
            extractor=extractor,
            face_model=face_model,
            keep_images=keep_images,
            snapshot=snapshot,
        )
    except BaseException:
        server.drain(0)
        stop_decoders()
        raise
    try:
        if safe is not None:
            safe.begin(engine)
        with observer.watching(engine, asked_at, turns.waiting) as port:
            if port is not None and asked_at is not None:
                logging.getLogger(__name__).info("Metrics at http://%s:%d/metrics", asked_at[0], port)
            server.serve(engine, None if safe is None else safe.accesses)
            print(f"matcher: ready at {server.address}", flush=True)
            _freeze()
            if port_file is not None:
                _write_whole(port_file, server.address.rpartition(":")[2] + "\n")
            try:
                while not stop.wait(HEALTH_CHECK_S):
                    server.check()
                logging.getLogger(__name__).info("Stopping: finishing the calls in flight")
            finally:
                server.drain()
    finally:
        server.drain(0)
        engine.close()
        stop_decoders()
        if safe is not None:
            safe.close()


def _one_openmp_thread() -> None:
    """Start over with one OpenMP thread: libraries read the variable when loaded, and some are by now.

    Our own pools do the work; two OpenMP threads on a busy core are ruinous.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "matcher.cli.main", *sys.argv[1:]])


def _freeze() -> None:
    """Take what is there now out of the search for garbage: modules, kernels and the gallery stay."""
    import gc

    gc.collect()
    gc.freeze()


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    staged = path.with_name(path.name + f".{os.getpid()}")
    staged.write_text(text)
    staged.replace(path)
