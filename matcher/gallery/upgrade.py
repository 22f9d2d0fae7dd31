"""How an upgrade is kept in the store; see `matcher.gallery.generations`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

from matcher.errors import ArgumentError, UpgradeConflictError, UpgradeNotFoundError
from matcher.gallery.backend import KeyedQuery
from matcher.gallery.generations import (
    LIVE,
    CancelUpgrade,
    NextTemplate,
    SettleUpgrade,
    StageSamples,
    StartUpgrade,
    SwitchUpgrade,
    Upgrade,
    UpgradeState,
)
from matcher.gallery.ledger import Ledger
from matcher.gallery.records import ChangeKind, Receipt
from matcher.gallery.schema import (
    MAX_EXTRACTOR_LENGTH,
    next_samples,
    samples,
    store_info,
    upgrades,
)
from matcher.gallery.upgrade_read import upgrades_of

MAX_PER_MINUTE = 1_000_000
"""Greatest limit of samples a minute."""

MAX_SETTING_LENGTH = 4096
"""Longest name or path of an extractor, characters."""

u, n, t = upgrades.c, next_samples.c, samples.c

THERE = KeyedQuery(select(t.sample_key), t.sample_key)
FIRST_STAGED = select(next_samples).order_by(n.sample_key).limit(bindparam("page"))


def start(ledger: Ledger, operation: StartUpgrade) -> Receipt:
    """Begin an upgrade; the receipt's subject id is its key.

    Raises
    ------
    ArgumentError
    UpgradeConflictError
        If another one is on its way.
    """
    for extractor in (operation.extractor, operation.former_extractor):
        if not 1 <= len(extractor) <= MAX_EXTRACTOR_LENGTH:
            raise ArgumentError(f"Extractor: expected 1 to {MAX_EXTRACTOR_LENGTH} characters.")
    if max(len(operation.setting), len(operation.former_setting)) > MAX_SETTING_LENGTH:
        raise ArgumentError(f"Upgrade: expected names of at most {MAX_SETTING_LENGTH} characters.")
    if not 0 <= operation.per_minute <= MAX_PER_MINUTE:
        raise ArgumentError(
            f"per_minute: expected 0 (no limit) to {MAX_PER_MINUTE}, got {operation.per_minute}."
        )
    known = _all(ledger)
    if any(one.state in LIVE for one in known):
        raise UpgradeConflictError(
            "Another upgrade is on its way.", hint="Switch it, or cancel it, before the next one begins."
        )
    key = 1 + max((one.key for one in known), default=0)
    ledger.insert(
        upgrades,
        {
            "upgrade_key": key,
            "state": int(UpgradeState.RUNNING),
            "modality": int(operation.modality),
            "extractor": operation.extractor,
            "setting": operation.setting,
            "former_extractor": operation.former_extractor,
            "former_setting": operation.former_setting,
            "per_minute": operation.per_minute,
            "cursor": 0,
            "staged": 0,
            "kept": 0,
            "without_image": 0,
            "failed": 0,
            "started_at_us": ledger.now_us,
            "ended_at_us": None,
        },
    )
    return Receipt(str(key), True, ledger.before)


def stage(ledger: Ledger, operation: StageSamples) -> Receipt:
    """Keep new templates and move the cursor; a repetition of what is done already changes nothing.

    Raises
    ------
    UpgradeNotFoundError, UpgradeConflictError
        If the upgrade is not running.
    """
    own = _running(ledger, operation.upgrade)
    if own.cursor != operation.after:
        raise UpgradeConflictError("Somebody else works at this upgrade.", hint="Let one process do it.")
    keys = [key for key, _ in operation.templates]
    there = {row[0] for row in THERE.fetch(ledger.backend, ledger.connection, keys)}
    keep(ledger, [(key, one) for key, one in operation.templates if key in there])
    counts = operation.counts
    values = {
        "cursor": operation.cursor,
        "staged": own.counts.staged + counts.staged,
        "kept": own.counts.kept + counts.kept,
        "without_image": own.counts.without_image + counts.without_image,
        "failed": own.counts.failed + counts.failed,
    }
    ledger.execute(update(upgrades).where(u.upgrade_key == own.key).values(**values))
    return Receipt(str(own.key), False, ledger.before)


def keep(ledger: Ledger, templates: Sequence[tuple[int, NextTemplate]]) -> None:
    """Write new templates beside the old ones; each sample has at most one."""
    ledger.insert(
        next_samples,
        *(
            {"sample_key": key, "quality": one.quality, "extractor": one.extractor, "template": one.template}
            for key, one in templates
        ),
    )


def switch(ledger: Ledger, operation: SwitchUpgrade) -> Receipt:
    """Take the new templates into use: from this change on the store's history is another one.

    Its templates are no longer those that earlier snapshots were made of.

    Raises
    ------
    UpgradeNotFoundError, UpgradeConflictError
        If the upgrade is not running, or went on since what is to be used was made.
    """
    own = _running(ledger, operation.upgrade)
    if own.cursor != operation.cursor:
        raise UpgradeConflictError("The upgrade went on meanwhile.", hint="Ask for the switch again.")
    _set_state(ledger, own.key, UpgradeState.SWITCHED, ended_at_us=ledger.now_us)
    identity = uuid.uuid4().hex
    ledger.execute(update(store_info).values(store_id=identity))
    change = ledger.log(ChangeKind.SWITCH, 0, "", other_id=identity)
    return Receipt(str(own.key), True, change.sequence)


def settle(ledger: Ledger, operation: SettleUpgrade) -> Receipt:
    """Move some new templates to where the old ones are; `created` says that none is left.

    Raises
    ------
    UpgradeNotFoundError, UpgradeConflictError
        If it was not switched.
    """
    own = _one(ledger, operation.upgrade)
    if own.state is not UpgradeState.SWITCHED:
        raise UpgradeConflictError(f"Upgrade {own.key} is {own.state.name}: there is nothing to settle.")
    rows = ledger.fetch(FIRST_STAGED, page=operation.limit)
    for key, quality, extractor, template in rows:
        ledger.run(SETTLE, this_key=key, its_quality=quality, its_extractor=extractor, its_template=template)
    if rows:
        ledger.execute(delete(next_samples).where(n.sample_key <= rows[-1][0]))
    else:
        _set_state(ledger, own.key, UpgradeState.DONE)
    return Receipt(str(own.key), not rows, ledger.before)


SETTLE = (
    update(samples)
    .where(t.sample_key == bindparam("this_key"))
    .values(
        quality=bindparam("its_quality"),
        extractor=bindparam("its_extractor"),
        template=bindparam("its_template"),
    )
)


def cancel(ledger: Ledger, operation: CancelUpgrade) -> Receipt:
    """Give an upgrade up and remove its templates.

    Raises
    ------
    UpgradeNotFoundError, UpgradeConflictError
        If it is not running.
    """
    own = _running(ledger, operation.upgrade)
    ledger.execute(delete(next_samples))
    _set_state(ledger, own.key, UpgradeState.CANCELLED, ended_at_us=ledger.now_us)
    return Receipt(str(own.key), True, ledger.before)


def state_of(ledger: Ledger, key: int) -> UpgradeState:
    """Return how far an upgrade is at this point of the group."""
    if key not in ledger.upgrade_states:
        ledger.upgrade_states[key] = _one(ledger, key).state
    return ledger.upgrade_states[key]


def _set_state(ledger: Ledger, key: int, state: UpgradeState, **more: int) -> None:
    ledger.execute(update(upgrades).where(u.upgrade_key == key).values(state=int(state), **more))
    ledger.upgrade_states.pop(key, None)


def _all(ledger: Ledger) -> list[Upgrade]:
    ledger.flush()
    return upgrades_of(ledger.connection)


def _one(ledger: Ledger, key: int) -> Upgrade:
    found = [one for one in _all(ledger) if one.key == key]
    if not found:
        raise UpgradeNotFoundError(f"There is no upgrade {key}.")
    return found[0]


def _running(ledger: Ledger, key: int) -> Upgrade:
    own = _one(ledger, key)
    if own.state is not UpgradeState.RUNNING:
        raise UpgradeConflictError(f"Upgrade {key} is {own.state.name}, not RUNNING.")
    return own
