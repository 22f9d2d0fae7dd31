"""The figures of a report as rows of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what, how much, between which limits, and what else to know."""

    name: str
    value: str
    interval: str = ""
    note: str = ""


def rate_rows(report: dict[str, Any]) -> list[Row]:
    """Return the error rates with their intervals, and what quality does to them."""
    rates: list[tuple[str, str, float | None]] = [("eer", "Equal error rate (EER)", report["eer"])]
    rates += [
        (f"fnmr_at_fmr.{fmr}", f"FNMR at FMR {float(fmr):.2%}", value)
        for fmr, value in report["fnmr_at_fmr"].items()
    ]
    rates.append(("zero_fmr", "FNMR without a false match", report["zero_fmr"]))
    rates.append(("rank1", "Mate found at rank 1", report["rank1"]))
    rows = [
        Row(name, _rate(value), _limits(report["intervals"].get(key)), report["flags"].get(key, ""))
        for key, name, value in rates
    ]
    discard = report.get("discard")
    if discard is not None:
        at = discard["share"].index(0.2)
        fall = discard["fnmr_fall_at_0.2"]
        note = "" if fall is None else f"{'falls' if fall >= 0 else 'rises'} by {abs(fall):.0%}"
        name = f"FNMR at the threshold of FMR {float(discard['fmr']):.2%}, worst fifth by quality discarded"
        rows.append(Row(name, _rate(discard["fnmr"][at]), "", note))
    return rows


def count_rows(report: dict[str, Any]) -> list[Row]:
    """Return how much was compared."""
    reasons = ", ".join(f"{code} {count}" for code, count in report["failure_reasons"].items())
    rows = [
        Row("Images", f"{report['images']:,}"),
        Row("Identities", f"{report['identities']:,}"),
        Row("Failures to extract", f"{report['failures_to_extract']:,}", "", reasons),
        Row("Mated comparisons", f"{report['mated']:,}"),
        Row("Non-mated comparisons", f"{report['non_mated']:,}"),
    ]
    quality = report.get("quality")
    if quality is not None and quality["median"] is not None:
        rows.append(Row("Quality, median", f"{quality['median']:.0f}", "", "0 to 100"))
        rows.append(Row("Images of quality below 30", _rate(quality["share_below_30"])))
    return rows


def calibration_rows(report: dict[str, Any]) -> list[Row]:
    """Return the rates observed at calibrated thresholds; none without a calibration."""
    return [
        Row(
            f"score {point}",
            _rate(found["fmr"]),
            _rate(found["fnmr"]),
            f"promises an FMR of {10 ** (-float(point) / 10):.2%}",
        )
        for point, found in (report["at_score"] or {}).items()
    ]


def cost_rows(report: dict[str, Any]) -> list[Row]:
    """Return times and sizes."""
    return [
        Row("Extraction, median", _number(report["extract_ms_median"], ".1f", "ms"), "", "CPU time"),
        Row(
            "Comparisons a second on one core",
            _number(report["comparisons_per_second_core"], ",.0f", ""),
            "",
            "1:N, all work counted",
        ),
        Row("Stored template, median", _number(report["template_bytes_median"], ",.0f", "bytes")),
        Row("Template in memory, median", _number(report["resident_bytes_median"], ",.0f", "bytes")),
    ]


def _rate(value: float | None) -> str:
    if value is None:
        return "not stated"
    # Two digits of a small rate say more than two decimals of a percentage.
    return f"{value:.2%}" if value == 0 or value >= 0.001 else f"{100 * value:.2g} %".replace(" %", "%")


def _limits(limits: list[float] | None) -> str:
    return "" if limits is None else f"{_rate(limits[0])} to {_rate(limits[1])}"


def _number(value: float | None, form: str, unit: str) -> str:
    return "not measured" if value is None else f"{value:{form}} {unit}".rstrip()
