"""An upgrade in the store: new templates lie beside the old ones until one change takes all into use."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import pytest

from matcher.errors import ArgumentError, MatcherError, UpgradeConflictError, UpgradeNotFoundError
from matcher.gallery.backup import backup, restore
from matcher.gallery.generations import (
    CancelUpgrade,
    Counts,
    NextTemplate,
    SettleUpgrade,
    StageSamples,
    StartUpgrade,
    SwitchUpgrade,
    UpgradeState,
)
from matcher.gallery.operations import Enrolment, SampleDeletion, SubjectDeletion
from matcher.gallery.records import ChangeKind, sample_key_of
from matcher.gallery.store import Store
from matcher.types import Modality

START = StartUpgrade(Modality.FINGERPRINT, "new/2", "new", "old/1", "old", 600)


def do(store: Store, operation: Any) -> Any:
    return store.submit(operation).result()


def new(key: int) -> NextTemplate:
    return NextTemplate("new/2", 7, b"new %d" % key)


def stage(store: Store, keys: list[int], cursor: int) -> None:
    own = store.upgrades()[-1]
    counts = Counts(staged=len(keys))
    do(store, StageSamples(own.key, own.cursor, cursor, tuple((key, new(key)) for key in keys), counts))


def templates(store: Store, *, following: bool = False) -> dict[int, bytes]:
    """Return every template, as it is read page by page; by key it is the same."""
    with store.state(following=following) as (_, stored):
        found = {s.sample_key: (s.template, s.extractor) for page in stored.samples() for s in page}
    by_key = store.samples(found, following=following)
    assert found == {s.sample_key: (s.template, s.extractor) for s in by_key}
    plain = {key: template for key, (template, _) in found.items()}
    assert store.stored_templates(found, following=following) == plain
    return plain


def test_new_templates_are_read_from_the_switch_on(mirrored: Store, mirror: Any, tools: ModuleType) -> None:
    for number in range(4):
        do(mirrored, tools.enrolment(f"s{number}"))
    keys = sorted(templates(mirrored))
    old = templates(mirrored)
    do(mirrored, START)
    work = mirrored.upgrade_work(mirrored.upgrades()[0], 3)
    assert [one.sample_key for one in work] == keys[:3]
    stage(mirrored, keys[:3], keys[2])
    assert templates(mirrored) == old
    expected = {**old, **{key: b"new %d" % key for key in keys[:3]}}
    assert templates(mirrored, following=True) == expected
    before = mirrored.identity
    receipt = do(mirrored, SwitchUpgrade(1, keys[2]))
    assert mirrored.identity != before
    [change] = mirrored.changes_after(receipt.sequence - 1)
    assert (change.kind, change.other_id) == (ChangeKind.SWITCH, mirrored.identity)
    assert templates(mirrored) == expected
    while not do(mirrored, SettleUpgrade(1, 2)).created:
        assert templates(mirrored) == expected
    assert templates(mirrored) == expected == templates(mirrored, following=True)
    [own] = mirrored.upgrades()
    assert (own.state, own.counts, own.per_minute) == (UpgradeState.DONE, Counts(staged=3), 600)
    assert mirror.sequence == receipt.sequence  # staging and settling are no changes
    assert mirrored.samples(keys, identity=mirrored.identity)
    with pytest.raises(MatcherError):
        mirrored.samples(keys, identity=before)
    with pytest.raises(MatcherError):
        mirrored.stored_templates(keys, identity=before)


def test_whatever_was_done_is_there_after_a_restart(store_url: str, mirror: Any, tools: ModuleType) -> None:
    store = Store(store_url, mirror)
    do(store, tools.enrolment("s", 3))
    keys = [sample_key_of(1, n) for n in range(3)]
    do(store, START)
    stage(store, keys[:1], keys[0])
    store.close()
    store = Store(store_url, mirror)
    assert store.upgrades()[0].cursor == keys[0]
    stage(store, keys[1:], keys[2])
    do(store, SwitchUpgrade(1, keys[2]))
    do(store, SettleUpgrade(1, 1))
    expected, identity = templates(store), store.identity
    assert set(expected.values()) == {b"new %d" % key for key in keys}
    store.close()
    file = io.BytesIO()
    backup(store_url, file)  # in the middle of settling
    store = Store(store_url, mirror)
    assert store.identity == identity == mirror.identity
    assert templates(store) == expected
    store.close()
    file.seek(0)
    other = store_url.replace("gallery.db", "restored.db")
    if other != store_url:
        restore(file, other)
        store = Store(other, tools.Mirror())
        assert templates(store) == expected
        assert do(store, SettleUpgrade(1, 9)).created is False
        assert do(store, SettleUpgrade(1, 9)).created is True
        assert templates(store) == expected
        store.close()


def test_who_is_deleted_leaves_no_new_template(mirrored: Store, tools: ModuleType) -> None:
    for number in range(3):
        do(mirrored, tools.enrolment(f"s{number}"))
    keys = sorted(templates(mirrored))
    do(mirrored, START)
    do(mirrored, SubjectDeletion("s2"))
    stage(mirrored, keys, keys[-1])  # read before the deletion
    do(mirrored, SubjectDeletion("s0"))
    do(mirrored, SampleDeletion(keys[2]))
    do(mirrored, SwitchUpgrade(1, keys[-1]))
    assert templates(mirrored) == {keys[3]: b"new %d" % keys[3]}
    assert not do(mirrored, SettleUpgrade(1, 9)).created
    assert do(mirrored, SettleUpgrade(1, 9)).created


@pytest.mark.parametrize("end", [None, "switch", "cancel"])
def test_an_enrolment_brings_both_templates(mirrored: Store, tools: ModuleType, end: str | None) -> None:
    """It was read while the upgrade ran; what is kept is what is wanted when it is committed."""
    do(mirrored, START)
    if end is not None:
        do(mirrored, SwitchUpgrade(1, 0) if end == "switch" else CancelUpgrade(1))
    both = tools.sample(1, following=new(1))
    key = sample_key_of(do(mirrored, Enrolment("s", (both, tools.sample(2)), upgrade=1)).sequence, 0)
    now, then = templates(mirrored), templates(mirrored, following=True)
    assert now[key] == (b"new 1" if end == "switch" else both.template)
    assert then[key] == (both.template if end == "cancel" else b"new 1")
    assert now[key + 1] == then[key + 1] == tools.sample(2).template


def test_what_is_not_possible_is_refused(mirrored: Store, tools: ModuleType) -> None:
    with pytest.raises(UpgradeNotFoundError):
        do(mirrored, SwitchUpgrade(1, 0))
    with pytest.raises(ArgumentError):
        do(mirrored, StartUpgrade(Modality.FACE, "", "", "old", ""))
    with pytest.raises(ArgumentError):
        do(mirrored, StartUpgrade(Modality.FACE, "new", "", "old", "", -1))
    do(mirrored, tools.enrolment("s"))
    do(mirrored, START)
    for refused in (
        START,
        SettleUpgrade(1, 5),
        SwitchUpgrade(1, 5),
        StageSamples(1, 5, 6, (), Counts()),
    ):
        with pytest.raises(UpgradeConflictError):
            do(mirrored, refused)
    key = sample_key_of(1, 0)
    stage(mirrored, [key], key)
    do(mirrored, CancelUpgrade(1))
    assert templates(mirrored, following=True) == templates(mirrored)
    for late in (CancelUpgrade(1), SwitchUpgrade(1, key), StageSamples(1, key, 9, (), Counts())):
        with pytest.raises(UpgradeConflictError):
            do(mirrored, late)
    do(mirrored, START)
    assert [one.state for one in mirrored.upgrades()] == [UpgradeState.CANCELLED, UpgradeState.RUNNING]
