"""The curve of mates lost against the length of the shortlist, and cost against the size of the gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LEAST = 1e-4
"""Where no mate was lost: the plot's lower edge."""


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw what `benchmarks.fingerprint_shortlist.measure` returned into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (lost, cost) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for of_size in found["sizes"]:
        shares = [float(share) for share in of_size["lost_by_share"]]
        for group, style in (("real", "-"), ("synthetic", ":")):
            of_group = [entry.get(group) for entry in of_size["lost_by_share"].values()]
            if any(entry is None or not entry["mates"] for entry in of_group):
                continue
            rates = [max(entry["lost"] / entry["mates"], LEAST) for entry in of_group]
            label = f"{group}, {of_size['subjects']:,} subjects ({of_group[0]['mates']:,} mates)"
            lost.plot([100 * s for s in shares], [100 * r for r in rates], style, marker="o", label=label)
    lost.axhline(0.5, color="grey", linewidth=0.8)
    lost.set(xscale="log", yscale="log", xlabel="shortlist, % of subjects", ylabel="accepted mates lost, %")
    lost.set_title("Mates lost by the shortlist (two index fingers)")
    lost.legend(fontsize=7)
    sizes = [of_size["subjects"] for of_size in found["sizes"]]
    for key, label in (
        ("shortlist_ms_median", "votes, median"),
        ("shortlist_ms_p99", "votes, 99 %"),
        ("scorer_ms", "scorer on the shortlist"),
        ("search_ms_median", "both, median"),
    ):
        cost.plot(sizes, [of_size[key] for of_size in found["sizes"]], marker="o", label=label)
    cost.set(xscale="log", yscale="log", xlabel="subjects", ylabel="CPU ms of one thread")
    cost.set_title("Cost of a search")
    cost.legend(fontsize=7)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
