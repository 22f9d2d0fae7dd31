"""tools/fit_population.py and its statistics: they see what differs, and the report holds numbers only."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from matcher.datasets.population import PrintSettings, fitted_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("tools.fit_population")


def test_the_loss_sees_what_is_changed(tool: ModuleType) -> None:
    """Generated prints as the target: their own settings lose least."""
    settings = fitted_settings()
    target = tool.Target.of(tool.generated_prints(settings, 25, 2, seed=5))
    same = target.loss(settings, 25)
    for name, factor in (("jitter", 4.0), ("semi_height", 0.6), ("quality_middle", 0.5), ("carried", 0.2)):
        changed = settings._replace(**{name: getattr(settings, name) * factor})
        assert target.loss(changed, 25) > 2 * same, name


def test_halves_share_no_finger(tool: ModuleType) -> None:
    """Every finger is in one of them."""
    made = tool.generated_prints(fitted_settings(), 6, 2)
    one, two = made.half(False), made.half(True)
    assert not set(one.fingers) & set(two.fingers)
    assert len(one.templates) + len(two.templates) == len(made.templates)


def test_the_run_writes_settings_and_numbers(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a round the settings stay; everything else is a number or a set's title."""
    monkeypatch.setattr(tool, "real_prints", lambda: tool.generated_prints(fitted_settings(), 10, 3, seed=9))
    out = tmp_path / "settings.json"
    tool.main(["--rounds", "0", "--people", "8", "--out", str(out)])
    written = json.loads(out.read_text())
    assert set(written["settings"]) == set(PrintSettings._fields)
    assert written["settings"]["jitter"] == pytest.approx(fitted_settings().jitter, abs=1e-4)
    rates = written["fitted_to"]["at_generated_thresholds"]
    assert set(rates) == {"fitted", "held_back", "all"}
    for rows in rates.values():
        for row in rows.values():
            assert all(isinstance(value, int | float) for value in row.values())
    for pair in written["fitted_to"]["real_and_generated"].values():
        assert len(pair) == 2
