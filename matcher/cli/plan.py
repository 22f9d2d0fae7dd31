"""`matcher plan`: what a register of a given size needs, from rates measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matcher.errors import ArgumentError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(
    subjects: Annotated[int, typer.Option(min=1, help="People in the register.")],
    enrolments_per_day: Annotated[
        float, typer.Option(min=0, help="Each with a search for the person in the whole register.")
    ] = 0.0,
    verifications_per_day: Annotated[float, typer.Option(min=0, help="1:1 comparisons.")] = 0.0,
    searches_per_day: Annotated[
        float, typer.Option(min=0, help="Identifications beside those of enrolments.")
    ] = 0.0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change an assumption; may be repeated."),
    ] = None,
    rates_file: Annotated[
        Path | None,
        typer.Option(
            "--rates", help="Measured rates, made by python -m benchmarks.plan_rates; default: shipped ones."
        ),
    ] = None,
    private: Annotated[
        bool,
        typer.Option("--private", help="What three parties need that search irises none of them can read."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a page.")] = False,
) -> None:
    """Say how many shards, cores, bytes and errors a country means, with every assumption printed."""
    import dataclasses
    import json

    if private:
        if settings or rates_file is not None:
            raise ArgumentError(
                "--private: no rates to change, they are matcher/privacy/plan.py's.",
                hint="Leave --set and --rates out.",
            )
        from matcher.privacy.plan import page as private_page
        from matcher.privacy.plan import plan as private_plan

        parties = private_plan(subjects, enrolments_per_day + searches_per_day)
        print(json.dumps(dataclasses.asdict(parties), indent=2) if as_json else private_page(parties))
        return

    from matcher.plan.assumptions import changed
    from matcher.plan.capacity import Demand, capacity
    from matcher.plan.expected import expected_errors
    from matcher.plan.rates import load_rates
    from matcher.plan.text import page

    demand = Demand(subjects, enrolments_per_day, verifications_per_day, searches_per_day)
    assumed = changed(settings or [])
    rates = load_rates(rates_file)
    needs = capacity(demand, rates, assumed)
    errors = expected_errors(demand, rates, assumed)
    if not as_json:
        print(page(demand, rates, assumed, needs, errors))
        return
    value = {
        "demand": dataclasses.asdict(demand),
        "assumptions": {name: dataclasses.asdict(one) for name, one in assumed.items()},
        "needs": dataclasses.asdict(needs),
        "errors": dataclasses.asdict(errors),
        "rates": {"date": rates.date, "machine": rates.machine, "subject": rates.subject},
    }
    # An upper bound of "none" is no JSON number.
    for one in value["assumptions"].values():
        one["most"] = None if one["most"] == float("inf") else one["most"]
    print(json.dumps(value, indent=2))
