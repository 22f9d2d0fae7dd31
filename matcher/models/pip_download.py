"""Runs `pip download` so that nothing inside a package can run: `python -P pip_download.py ARGUMENTS`.

pip knows the machine's indexes, proxies and credentials, and with --require-hashes it verifies an archive
before it unpacks it. But of a source archive it then asks the name and version by running the archive's
own build system. Here that question is answered from the pinned requirement itself, and an audit hook
(PEP 578) refuses every new process: a pip that asks in some other way fails instead of running foreign code.

Stands alone, standard library and pip only: it is started as a file, not imported.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

EXIT_NO_PIP = 3
"""Exit status where this Python has no pip, or one that is built otherwise."""

FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "os.startfile",
    "pty.spawn",
)
"""Audit events of new processes."""


def refuse_processes(event: str, _arguments: tuple[Any, ...]) -> None:
    """Raise at every attempt to start a process (pip starts some for its user agent, and does without)."""
    if event in FORBIDDEN:
        raise PermissionError(f"{event} is refused while a model is fetched")


def metadata_of_the_requirement(distribution: Any, *_arguments: Any, **_options: Any) -> None:
    """Take the place of pip's metadata step for source archives."""
    requirement = distribution.req.req
    [pinned] = requirement.specifier
    stem = f"{requirement.name.replace('-', '_')}-{pinned.version}"  # pip reads the name from it
    folder = os.path.join(distribution.req.unpacked_source_directory, f"{stem}.dist-info")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "METADATA"), "w", encoding="utf-8") as file:
        file.write(f"Metadata-Version: 2.1\nName: {requirement.name}\nVersion: {pinned.version}\n")
    distribution.req.metadata_directory = folder


def main() -> int:
    """Download; return pip's exit status."""
    try:
        pip: Any = importlib.import_module("pip._internal.cli.main")
        source: Any = importlib.import_module("pip._internal.distributions.sdist").SourceDistribution
        _ = source.prepare_distribution_metadata
    except (ImportError, AttributeError):
        return EXIT_NO_PIP
    source.prepare_distribution_metadata = metadata_of_the_requirement
    sys.addaudithook(refuse_processes)
    return int(pip.main(["download", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
