"""Tasks of a stage over processes: those whose part is there already are not done again.

Processes are spawned, never forked: a fork after a thread pool was used hangs. A worker whose parent was
killed ends itself.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from matcher.dedup.work import Arrays, WorkFolder
from matcher.errors import WorkerLostError

Task = Callable[[Any, Any], Arrays]
"""A stage's function, at a module's top: (context, argument) to the arrays of the part."""

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, all)."""

AHEAD = 2
"""Tasks handed out for each worker: enough that none waits."""

PARENT_CHECK_S = 1.0
"""How often a worker looks whether its parent is there."""

_state: dict[str, Any] = {}


def run_tasks(
    stage: str,
    task: Task,
    context: Any,
    arguments: Sequence[tuple[str, Any]],
    work: WorkFolder,
    *,
    workers: int,
    progress: Progress,
) -> None:
    """Do the tasks whose parts are missing.

    Parameters
    ----------
    stage : str
        For `progress`.
    task : callable
    context : object
        Handed to every task; it travels once to each worker.
    arguments : sequence of (str, object)
        Name of the part, and what the task is given.
    work : WorkFolder
    workers : int
    progress : callable

    Raises
    ------
    WorkerLostError
        If a worker was killed from outside: mostly there was not memory enough for all.
    Whatever a task raises; parts that were finished stay.
    """
    missing = [(name, argument) for name, argument in arguments if not work.has(name)]
    done, total = len(arguments) - len(missing), len(arguments)
    progress(stage, done, total)
    if workers == 1 or len(missing) <= 1:
        for name, argument in missing:
            work.write(name, task(context, argument))
            done += 1
            progress(stage, done, total)
        return
    pool = ProcessPoolExecutor(
        max_workers=min(workers, len(missing)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(task, context, work, os.getpid()),
    )
    try:
        waiting: set[Future[None]] = set()
        queue = iter(missing)
        for name, argument in queue:
            waiting.add(pool.submit(_one, name, argument))
            if len(waiting) >= AHEAD * workers:
                break
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                done += 1
                following = next(queue, None)
                if following is not None:
                    waiting.add(pool.submit(_one, *following))
            progress(stage, done, total)
    except BrokenProcessPool:
        raise WorkerLostError(
            f"Stage {stage}: a worker process was killed, most often for want of memory.",
            hint="Run again with fewer --workers or less --memory; finished parts are kept.",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(task: Task, context: Any, work: WorkFolder, parent: int) -> None:
    _state.update(task=task, context=context, work=work)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _one(name: str, argument: Any) -> None:
    _state["work"].write(name, _state["task"](_state["context"], argument))
