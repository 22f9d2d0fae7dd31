"""A plan as a page of text: what was measured, what was assumed, what follows."""

from __future__ import annotations

from collections.abc import Mapping

from matcher.plan.assumptions import Assumption
from matcher.plan.capacity import Capacity, Demand
from matcher.plan.expected import ExpectedErrors
from matcher.plan.rates import Rates

MILLI = 1e3
"""Milliseconds in a second."""

TERABYTE = 1e3
"""Gigabytes in a terabyte."""

GIGABIT = 8.0
"""Gigabits in a gigabyte."""


def page(
    demand: Demand,
    rates: Rates,
    assumed: Mapping[str, Assumption],
    needs: Capacity,
    errors: ExpectedErrors,
) -> str:
    """Return the whole page."""
    parts = (_asked(demand), _measured(rates), _assumed(assumed), _needs(needs), _errors(errors))
    return "\n\n".join("\n".join(lines) for lines in parts)


def _asked(demand: Demand) -> list[str]:
    return [
        f"For {demand.subjects:,} subjects, {demand.enrolments_per_day:,.0f} enrolments, "
        f"{demand.verifications_per_day:,.0f} verifications and {demand.searches_per_day:,.0f} other "
        "searches a day:"
    ]


def _measured(rates: Rates) -> list[str]:
    fixed, slope = rates.line()
    points = ", ".join(
        f"{n:,.0f}: {s * MILLI:.1f} ms" for n, s in zip(rates.subjects, rates.seconds, strict=True)
    )
    extraction = ", ".join(f"{m} {s * MILLI:.0f} ms" for m, s in rates.extract_seconds.items())
    return [
        f"Measured on {rates.date}, one core of {rates.machine}; a subject is {rates.subject}",
        f"  one search            {points}",
        f"                        taken as {fixed * MILLI:.2f} ms + {slope * 1e9:.1f} ns a subject",
        f"  extraction an image   {extraction}",
        f"  verification          {rates.verify_seconds * MILLI:.2f} ms, templates given",
        f"  durable enrolments    {rates.enrolments_per_second:,.0f} a second and database",
        f"  bytes a subject       {rates.hot_bytes:,.0f} in memory, {rates.stored_bytes:,.0f} stored",
        f"  mates lost by search  {rates.lost:.3%}",
    ]


def _assumed(assumed: Mapping[str, Assumption]) -> list[str]:
    lines = ["Assumed (change with --set NAME=VALUE)"]
    width = max(map(len, assumed))
    for name, one in assumed.items():
        lines.append(f"  {name:<{width}}  {one.value:<9g} {one.unit}: {one.why}")
    return lines


def _needs(needs: Capacity) -> list[str]:
    return [
        "Needed, at the busiest time",
        f"  {needs.searches:,.1f} searches, {needs.verifications:,.1f} verifications, "
        f"{needs.extractions:,.1f} extractions, {needs.commits:,.1f} commits a second",
        f"  shards     {needs.shards:,} of {needs.subjects_per_shard:,} subjects ({needs.shard_limit} bounds "
        f"them); one search takes {needs.search_seconds * MILLI:,.0f} ms",
        f"  cores      {needs.search_cores:,} searching, {needs.verify_cores:,} verifying, "
        f"{needs.extract_cores:,} extracting",
        f"  machines   {needs.machines:,}",
        f"  memory     {needs.ram_gb:,.0f} GB",
        f"  databases  {needs.databases:,}",
        f"  disk       {needs.store_gb / TERABYTE:,.2f} TB templates, "
        f"{needs.image_gb / TERABYTE:,.2f} TB images, {needs.log_gb / TERABYTE:,.2f} TB audit log",
        f"  network    {needs.network_gb_s * GIGABIT:,.2f} Gbit/s",
    ]


def _errors(errors: ExpectedErrors) -> list[str]:
    lines = [
        "Expected errors of a search",
        f"  threshold  {errors.threshold:.1f} (-10 log10(FPIR / N))",
        f"  FPIR       {errors.fpir:.3g}: {errors.false_alarms:,.1f} false alarms a day for reviewers",
        f"  FNIR       {errors.fnir:.3%}, {errors.lost:.3%} of it lost by the search: of "
        f"{errors.duplicates:,.0f} duplicates a day {errors.missed:,.1f} are missed",
    ]
    if errors.fnir < errors.least_seen:
        lines.append(
            f"  Too few mated persons were counted to tell a FNIR below {errors.least_seen:.2%} from none."
        )
    if errors.extrapolated:
        lines.append(
            "  The threshold lies above what non-mated data support: the FPIR is the calibration's "
            "extrapolation. Run the first weeks with reviewers and measure it."
        )
    if errors.beyond_mated:
        lines.append("  No mated persons were counted at so high a score: the FNIR is a lower bound.")
    return lines
