# SPDX-License-Identifier: MIT
"""Owns `camwatchctl monitor`: a line per interval, and at the end what it all came to."""

import argparse
import json
import time
from typing import Any

from camwatchd.cli import asking, colour, looking, when
from camwatchd.cli.documents import camera_status, cameras
from camwatchd.cli.duration import at_most
from camwatchd.cli.status import outcome
from camwatchd.cli.tallying import Seen, Tally
from camwatchd.cli.verb import Verb
from camwatchd.control.facts import CameraFacts, StatusFacts, condition, is_measured
from camwatchd.core.drills import MARK
from camwatchd.core.plain import to_plain
from camwatchd.core.timespan import duration
from camwatchd.errors import ExitStatus

_LONGEST = 366 * 86400.0  # seconds


def line(look: looking.Look, news: str = "") -> str:
    """One look: each camera with its score, rate and what is being done about it."""
    if not isinstance(look, StatusFacts):
        return f"{when.to_the_second()}  -- {news or look.message}"
    words = "; ".join(map(_camera, look.cameras)) or "no camera is configured"
    return f"{when.to_the_second()}  {f'-- {news} -- ' if news else ''}{words}"


def _camera(camera: CameraFacts) -> str:
    drill = f"{MARK} ({camera.drill}) " if camera.drill else ""
    score = camera.health_score if is_measured(camera) else "?"
    head = f"{camera.name} {drill}{condition(camera).name.lower()} {score}/100"
    age = (
        "no frame yet"
        if camera.last_frame_age is None
        else f"last frame {duration(camera.last_frame_age)} ago"
    )
    fault = f", {camera.fault}" if camera.fault else ""
    then = f", {camera.next_action}" if camera.next_action else ""
    return f"{head} {camera.fps:.1f} fps, {age}{fault}{then}"


def summary(tally: Tally, seconds: float) -> str:
    """For humans; what nothing is known of says why."""
    lines = [f"watched for {duration(seconds)}"]
    lines += [f"camwatchd did not answer for {duration(tally.away)}, which counts as not available"] * (
        tally.away > 0
    )
    lines += [f"camwatchd was restarted {'once' if tally.restarts == 1 else f'{tally.restarts} times'}"] * (
        tally.restarts > 0
    )
    return "\n".join([*lines, *(f"{name}: {_seen(seen)}" for name, seen in tally.cameras.items())])


def _seen(seen: Seen) -> str:
    available = "unknown" if seen.availability is None else f"{100 * seen.availability:.3f} %"
    failed = seen.outages or seen.downtime  # what was down from the start did not begin to be here
    mtbf = "unknown (it was down already)" if failed else "unknown (nothing failed)"
    mttr = "unknown (nothing recovered)" if failed else "unknown (nothing failed)"
    return (
        f"available {available}; captures {seen.captures}, failed {seen.failures}; outages {seen.outages}, "
        f"recoveries {seen.recoveries}; MTBF {mtbf if seen.mtbf is None else duration(seen.mtbf)}, "
        f"MTTR {mttr if seen.mttr is None else duration(seen.mttr)}; lowest score {seen.lowest_score}"
    )


def look_document(look: looking.Look, seconds: float) -> dict[str, Any]:
    """One look as JSON; `seconds` since the first."""
    at: dict[str, Any] = {"kind": "look", "seconds": round(seconds, 3)}
    if isinstance(look, StatusFacts):
        return {**at, "absent": "", **camera_status(look), "cameras": cameras(look)}
    return {**at, "absent": look.message}


def summary_document(tally: Tally, seconds: float) -> dict[str, Any]:
    """The summary as JSON; null is what nothing is known of."""
    seen = {
        name: {**to_plain(s), "availability": s.availability, "mtbf": s.mtbf, "mttr": s.mttr}
        for name, s in tally.cameras.items()
    }
    away = {"seconds_without_daemon": round(tally.away, 3), "daemon_restarts": tally.restarts}
    return {"kind": "summary", "seconds": round(seconds, 3), **away, "cameras": seen}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--duration", metavar="MIN", type=at_most(_LONGEST, "m"), default=float("inf"),
        help="10m, 90s or plain minutes; default: until Ctrl-C",
    )  # fmt: skip
    parser.add_argument(
        "--interval", metavar="S", type=at_most(86400.0), default=5.0,
        help="5s, 1m or plain seconds; default: 5 seconds",
    )  # fmt: skip
    asking.arguments(parser)


def _run(options: argparse.Namespace) -> int:
    tally, presence, status, began = Tally(), looking.Presence(), int(ExitStatus.EX_OK), time.monotonic()
    try:
        for look in looking.looks(options, options.interval, options.duration):
            now = time.monotonic()
            tally.note(look if isinstance(look, StatusFacts) else None, now)
            news, status = presence.news(look), outcome(look)
            asking.say(
                json.dumps(look_document(look, now - began))
                if options.json
                else colour.painted(line(look, news))
            )
    except KeyboardInterrupt:
        asking.announce(options, "")  # the terminal has written ^C
    seconds = time.monotonic() - began
    asking.say(json.dumps(summary_document(tally, seconds)) if options.json else summary(tally, seconds))
    return status or int(any(seen.outages for seen in tally.cameras.values()))


VERB = Verb("monitor", "watch for a while: a line per interval, a summary at the end", _arguments, _run)
