"""Cost of each stage of a search against the size of the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw what `benchmarks.losses.measure` returned into a PNG: one panel for each kind of probe."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = [name for name in ("all good", "two fingers") if found["sizes"][0]["mated"][name]["probes"]]
    figure, panels = pyplot.subplots(
        1, len(kinds), figsize=(5.5 * len(kinds), 4.2), layout="constrained", squeeze=False
    )
    sizes = [of_size["subjects"] for of_size in found["sizes"]]
    for panel, kind in zip(panels[0], kinds, strict=True):
        rows = [of_size["mated"][kind] for of_size in found["sizes"]]
        for stage in rows[0]["stage_ms_median"]:
            panel.plot(sizes, [row["stage_ms_median"][stage] for row in rows], marker="o", label=stage)
        panel.plot(sizes, [row["search_ms_median"] for row in rows], "k--", marker="o", label="whole search")
        panel.set(xscale="log", yscale="log", xlabel="subjects", ylabel="CPU ms of one thread, median")
        panel.set_title(kind)
        panel.legend(fontsize=7)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
