"""`matcher privacy`: a deployment made, templates split, share files loaded by their owners."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from matcher.cli.main import app
from matcher.errors import ArgumentError, MatcherError, ShareCorruptError
from matcher.iris.parameters import EXTRACTOR_ID
from matcher.iris.types import ANGLES, EyePosition, IrisTemplate
from matcher.privacy.layout import Layout
from matcher.privacy.sharing import join
from matcher.privacy.store import ShareStore
from matcher.template.iris_codec import encode_iris

RUNNER = CliRunner()


def run(*arguments: object) -> str:
    result = RUNNER.invoke(app, ["privacy", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def write_eye(path: Path, seed: int, mask_share: float = 1.0) -> IrisTemplate:
    rng = np.random.default_rng(seed)
    mask = np.full(ANGLES, 0xFF, np.uint8)
    mask[int(ANGLES * mask_share) :] = 0
    wide = mask.astype(np.uint64) * np.uint64(0x0101010101010101)
    code = rng.integers(0, 256, ANGLES, dtype=np.uint8) & mask
    full = rng.integers(0, 1 << 63, ANGLES, dtype=np.uint64) & wide
    template = IrisTemplate(full, wide, code, mask, EXTRACTOR_ID, position=EyePosition.RIGHT)
    path.write_bytes(encode_iris(template))
    return template


def test_split_and_load(tmp_path: Path) -> None:
    keys, eye = tmp_path / "keys", tmp_path / "eye.tpl"
    run("keys", "--out", keys, "--fmr", "1e-4")
    layout = Layout.from_json(json.loads((keys / "layout.json").read_text()))
    template = write_eye(eye, 1)
    shown = run(
        "split", "--subject", "ann", "--deployment", keys, "--iris", f"right={eye}", "--out", tmp_path
    )
    files = shown.split()
    for index, file in enumerate(files):
        run("load", file, "--store", tmp_path / f"s{index}", "--identity", keys / f"party-{index}")
    stores = [ShareStore(tmp_path / f"s{k}", layout) for k in range(3)]
    assert all(store.row_of("ann") == 0 for store in stores)
    found = join(np.array(stores[0].array("right.code")[0]), np.array(stores[1].array("right.code")[0]))
    bits = np.unpackbits(template.search_code, bitorder="little").astype(np.int16)
    np.testing.assert_array_equal(found.view(np.int16), 1 - 2 * bits)
    # A part that was not given is shared zeros, which look like any share.
    assert stores[0].array("left.code")[0].any()
    with pytest.raises(ShareCorruptError):
        run("load", files[0], "--store", tmp_path / "x", "--identity", keys / "party-1")


def test_what_cannot_be_split_is_refused(tmp_path: Path) -> None:
    keys, eye = tmp_path / "keys", tmp_path / "eye.tpl"
    run("keys", "--out", keys)
    write_eye(eye, 2, mask_share=0.05)
    with pytest.raises(MatcherError, match="valid bits"):
        run("split", "--subject", "ann", "--deployment", keys, "--iris", f"right={eye}", "--out", tmp_path)
    with pytest.raises(ArgumentError, match="already"):
        run("keys", "--out", keys)
    with pytest.raises(ArgumentError):
        run("keys", "--out", tmp_path / "k2", "--code", "short")
    with pytest.raises(ArgumentError, match="three addresses"):
        run("status", "--deployment", keys, "--parties", "localhost:1")


def test_full_codes_and_faces(tmp_path: Path) -> None:
    run("keys", "--out", tmp_path / "k", "--code", "full", "--face", "129", "--cosine", "0.9")
    layout = Layout.from_json(json.loads((tmp_path / "k" / "layout.json").read_text()))
    assert layout.face == 130
    assert layout.parts == ("right", "left", "face")
    assert not layout.rule.narrow
