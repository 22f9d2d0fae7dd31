"""The dashboard file asks for metrics that there are, with labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

from prometheus_client.parser import text_string_to_metric_families

from matcher.engine import Engine
from matcher.observe.metrics import Metrics
from matcher.samples import Sample
from matcher.types import Modality
from tools import generate_dashboard

SUFFIXES = re.compile(r"_(bucket|total|count|sum)$")


def test_the_file_is_what_the_tool_gives() -> None:
    """Edited in one place only."""
    assert generate_dashboard.TARGET.read_text() == generate_dashboard.text()


def test_every_query_names_what_is_exported(tmp_path: Path, fakes: ModuleType) -> None:
    """A metric renamed without its panel would leave an empty picture that looks like calm."""
    from prometheus_client import generate_latest

    metrics = Metrics()
    with metrics.call("Verify"):
        pass
    metrics.sample(Modality.IRIS, "image", "template")
    with (
        Engine(f"sqlite:///{tmp_path}/gallery.db", scorers=fakes.scorers(), read=fakes.read) as engine,
        metrics.watching(engine, lambda: {"search": 0}),
    ):
        engine.enroll("A", [Sample(b"IMG 1 1")])
        exported = generate_latest(metrics.registry).decode()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exported):
        for sample in family.samples:
            labels.setdefault(SUFFIXES.sub("", sample.name), set()).update(sample.labels)
    asked: set[str] = set()
    for panel in json.loads(generate_dashboard.text())["panels"]:
        for target in panel["targets"]:
            names = re.findall(r"matcher_\w+", target["expr"])
            assert names, target
            used = set(re.findall(r"(\w+)!?=\"", target["expr"]))
            for group in re.findall(r"by \(([^)]*)\)", target["expr"]):
                used.update(part.strip() for part in group.split(","))
            for name in names:
                own = SUFFIXES.sub("", name)
                asked.add(own)
                assert own in labels, f"{name} is not exported"
                assert used - {"le"} <= labels[own], f"{name} has no labels {used - labels[own]}"
    assert asked >= set(labels) - {"matcher_change_sequence"} - {name for name in labels if "created" in name}
