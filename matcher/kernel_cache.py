"""Where numba keeps compiled kernels, and how they are compiled ahead of need.

numba's own index looks at the file of a kernel only; a kernel that calls one in another file would keep the
old code. So the cache folder's name is a hash over every kernel file: a change anywhere is a fresh folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

ENV_CACHE = "MATCHER_CACHE"
"""Environment variable that moves every cache of this package (kernels, models)."""

PACKAGE = Path(__file__).parent


def user_cache() -> Path:
    """Return the folder for caches: `MATCHER_CACHE`, or the user's cache folder of the platform."""
    override = os.environ.get(ENV_CACHE)
    if override:
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("matcher")


@lru_cache(maxsize=1)
def kernels_digest() -> str:
    """Return a hash over all kernel files, their names and numba's version."""
    import numba

    digest = hashlib.sha256(numba.__version__.encode())
    roots = [PACKAGE, PACKAGE / "datasets"]
    for path in sorted({p.resolve() for root in roots for p in root.rglob("kernels/*.py")}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@lru_cache(maxsize=1)
def configure() -> Path:
    """Point numba at this package's cache folder; called once by every `kernels/__init__.py`.

    An explicit `NUMBA_CACHE_DIR` wins. Without a writable cache folder (a read-only home), a folder private
    to this process is used: slower at the next start, never an error.
    """
    import numba

    explicit = os.environ.get("NUMBA_CACHE_DIR")
    if explicit:
        return Path(explicit)
    folder = user_cache() / "numba" / kernels_digest()
    if not _writable(folder):
        folder = Path(tempfile.mkdtemp(prefix="matcher-numba-"))
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder
