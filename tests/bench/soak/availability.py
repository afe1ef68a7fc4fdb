# SPDX-License-Identifier: MIT
"""Owns the availability figure: healthy time over total time of months in virtual time, under a stated fault mix.

    python -m tests.bench.soak availability [--days 30] [--seed 1] [--no-standby] [--imports S ...]

The ladder is the real one with its defaults. What its actions cost is measured first on this machine, and assumed
for a Raspberry Pi; both are printed, and so is everything else that the figures rest on.
"""

import argparse
import math
import statistics
import time
from dataclasses import fields, replace

from camwatchd.core.budget import DAY
from camwatchd.core.state import Policy
from tests.bench.soak import costs
from tests.bench.soak.mix import MIX, Kind, draw
from tests.bench.soak.virtual import Costs, Life
from tests.bench.table import grid

TARGET = 0.999
_MONTHS = 12
_A_MONTH = 30 * DAY
_STORY = 120  # faults from which a rate's availability is taken
_RATES = 0.1, 1000.0  # faults a day, between which the answer is sought
_STEPS = 11  # halvings of that range, to half a percent
_APART = (
    2 * DAY
)  # between faults that are priced: nothing of one is left when the next comes, no budget is spent

Row = tuple[str, ...]


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--days", type=float, default=30, help="of one life (30)")
    parser.add_argument("--seed", type=int, default=1, help="of the faults (1)")
    parser.add_argument("--no-standby", dest="standby", action="store_false", help="as on a Pi with 512 MB")
    costs.options(parser)


def run(asked: argparse.Namespace) -> int:
    """Always 0: it measures."""
    print("measuring what the actions cost here ...", flush=True)
    sets = {"measured here": costs.measured(), "assumed for a Pi": costs.assumed(asked)}
    grid("seconds that an action takes", list(_costs(sets)))
    grid("fault mix: the kinds are from reports, the rates are assumed", list(_mix()))
    for name, one in sets.items():
        began = time.monotonic()
        months = [
            month(one, asked.seed + number, asked.days, standby=asked.standby) for number in range(_MONTHS)
        ]
        each = (time.monotonic() - began) / _MONTHS
        spread = f"mean {_percent(statistics.mean(months))}, worst {_percent(min(months))}"
        print(f"\n{name}: {asked.days:g} days of seed {asked.seed}: {_percent(months[0])}")
        print(f"  {_MONTHS} such lives: {spread} ({each:.2f} s to compute each)")
        grid(f"{name}: up to how many faults a day {_percent(TARGET)} hold", list(_limits(one, asked)))
    print(_CAVEATS)
    return 0


_CAVEATS = """
A fault costs from its first lost frame until the third healthy one: hiccups count, and so does time before we notice.
"Seconds each" are of faults two days apart. At the rates beside them faults meet the memory of the ones before: a
second restart of the worker within five minutes waits, and reboots run into their budget of 4 a day and 10 a week.
The time to boot is assumed in both columns: nothing here can be rebooted to measure it.
Not in it: what only hands can mend, a second camera, undervoltage, a full or dying SD card, reboots that hang until
the hardware watchdog ends them, upgrades. A "stall that ends" and a camera "unplugged for a while" cost at least
as long as they last: no remedy is faster than their end."""


def month(one: Costs, seed: int, days: float, *, standby: bool) -> float:
    """The availability of one life under the mix."""
    rate = sum(kind.a_month for kind in MIX) / _A_MONTH
    count = math.ceil(2 * rate * days * DAY) + 20
    return Life(Policy(), one, standby=standby).live(draw(seed, MIX, rate, count), days * DAY)


def at_rate(one: Costs, kinds: tuple[Kind, ...], a_day: float, seed: int, *, standby: bool = True) -> float:
    """The availability if so many faults of these kinds come every day."""
    drawn, gap = draw(seed, kinds, 1.0, _STORY), DAY / a_day
    scale = (
        (_STORY - 1) * gap / drawn[-1].at
    )  # so many faults in exactly so many gaps: chance has no part in the rate
    story = [replace(onset, at=onset.at * scale) for onset in drawn]
    return Life(Policy(), one, standby=standby).live(story, _STORY * gap)


def limit(one: Costs, kinds: tuple[Kind, ...], seed: int, *, standby: bool = True) -> float:
    """Up to how many faults a day the target holds, by bisection; the faults are the same at every rate."""
    low, high = _RATES
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        if at_rate(one, kinds, middle, seed, standby=standby) >= TARGET:
            low = middle
        else:
            high = middle
    return low


def price(one: Costs, kind: Kind, seed: int, *, standby: bool = True) -> list[float]:
    """The seconds that faults of one kind cost, when each comes alone."""
    drawn = draw(seed, (kind,), 1.0, _STORY)
    story = [replace(onset, at=number * _APART) for number, onset in enumerate(drawn, 1)]
    life = Life(Policy(), one, standby=standby)
    life.live(story, story[-1].at + DAY)
    return [outage.seconds for outage in life.outages]


def _limits(one: Costs, asked: argparse.Namespace) -> list[Row]:
    rows: list[Row] = [("kind", "seconds each, mean", "worst", "a day", "in the mix, a day")]
    for kind in MIX:
        prices = price(one, kind, asked.seed, standby=asked.standby)
        most = limit(one, (kind,), asked.seed, standby=asked.standby)
        row = (
            f"{statistics.mean(prices):.1f}",
            f"{max(prices):.1f}",
            f"{most:.3g}",
            f"{kind.a_month / 30:.3g}",
        )
        rows.append((kind.name, *row))
    total = sum(kind.a_month for kind in MIX) / 30
    whole = limit(one, MIX, asked.seed, standby=asked.standby)
    return [*rows, ("the mix, in these proportions", "", "", f"{whole:.3g}", f"{total:.3g}")]


def _costs(sets: dict[str, Costs]) -> list[Row]:
    values = [(field.name, *(getattr(one, field.name) for one in sets.values())) for field in fields(Costs)]
    return [("action", *sets), *((name, *(f"{value:.3f}" for value in row)) for name, *row in values)]


def _mix() -> list[Row]:
    rows: list[Row] = [("kind", "a month", "what shows", "ends", "reported in")]
    for kind in MIX:
        end = f"after {kind.lasts[0]:g} to {kind.lasts[1]:g} s" if kind.lasts else f"by {kind.cure}"
        rows.append((kind.name, f"{kind.a_month:g}", kind.shows.value, end, kind.source))
    return rows


def _percent(share: float) -> str:
    return f"{100 * share:.3f} %"
