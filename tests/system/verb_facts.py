# SPDX-License-Identifier: MIT
"""Owns which facts of a verb's JSON its text must tell as well, and how one finds them there."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.exposition_format import Reader

Document = Any
_SPAN = r"\d[\d.]* (?:s|min|h|d|ms)\b"
_MOVES = re.compile(rf"(?:{_SPAN}|\d+(?=/100))")
_TIME = r"(\d[\d.]*) (s|min)\b"
_SIZES = {"s": 1.0, "min": 60.0}
_PRAISE = {"healthy": "EXCELLENT", "paused": "PAUSED", "critical": "PARKED", "trouble": "RECOVERING"}


def missing(command: str, documents: list[Document], text: str) -> list[str]:
    """What the JSON tells and the text does not. Spans and counts move from one answer to the next: any will do."""
    told = " ".join(text.split())
    return [words for words in _words(command, documents) if not _said(words, told)]


def alike(one: str, other: str) -> bool:
    """Whether two texts are the same but for what moves."""
    return _MOVES.sub("#", one) == _MOVES.sub("#", other)


def _said(words: str, told: str) -> bool:
    parts = _MOVES.split(" ".join(words.split()))
    return re.search(_MOVES.pattern.join(map(re.escape, parts)), told) is not None


def _words(command: str, documents: list[Document]) -> Iterator[str]:
    verb = command if command in _BY_VERB else command.split()[0]
    for document in documents:
        yield from filter(None, _BY_VERB.get(verb, _nothing)(document))


def at_odds(before: Document, text: str, after: Document) -> list[str]:
    """Scores and times of a status that are not between those of two answers, one before the text and one after."""
    found: list[str] = []
    text = " ".join(text.split())
    for name, camera in before["cameras"].items():
        later = after["cameras"][name]
        pause, probe = ([at[key] for at in (later, camera)] for key in ("paused_for", "next_in"))
        if all(pause):
            found += _outside(rf"{name} PAUSED for {_TIME}", text, pause)
            continue
        found += _outside(rf"{name} \w+ (\d+)/100", text, [later["health_score"], camera["health_score"]])
        if all(probe):
            found += _outside(rf"next: .*?in {_TIME}", text, probe)
    return found


def _outside(pattern: str, text: str, bounds: list[float]) -> list[str]:
    """What is told by this pattern must be between these, rounded as it is."""
    match = re.search(pattern, text)
    if match is None:
        return [f"nothing is like {pattern}"]
    size = _SIZES[match[2]] if match.lastindex == 2 else 0.0
    value, slack = float(match[1]) * (size or 1.0), size / 2
    low, high = sorted(bounds)
    return [] if low - slack <= value <= high + slack else [f"{match[0]!r} is not between {low} and {high}"]


# --- verb by verb -----------------------------------------------------------------------------------------


def _nothing(_document: Document) -> Iterator[str]:
    """Of what follows the journal the text has other lines by then; metrics are read by `exposition`; pictures tell
    nothing of themselves.
    """
    yield ""


def _absence(absence: Document) -> Iterator[str]:
    yield from (absence["message"], absence["hint"])
    unit = absence["unit"] or {}
    yield from (
        unit.get("ActiveState", ""),
        unit.get("StateChangeTimestamp", ""),
        unit.get("StatusText", ""),
    )


def _status(document: Document) -> Iterator[str]:
    if document["absence"]:
        yield from _absence(document["absence"])
        return
    daemon = document["daemon"]
    yield f"camwatchd {daemon['version']}, pid {daemon['pid']}, up"
    yield f"reboots {daemon['reboot_mode']}"
    for name, camera in document["cameras"].items():
        yield f"{name} {_PRAISE[camera['condition']]}"
        yield f"{camera['fault']}: {camera['fault_meaning']}" if camera["fault"] else ""
        yield camera["next_action"]
        yield ": ".join(filter(None, (camera["refusal"], camera["refusal_detail"])))
        yield f"{camera['model']} {camera['camera_id']}"


def _watched(document: Document) -> Iterator[str]:
    """That nobody answers is said shorter to one who goes on watching."""
    if document["absence"]:
        yield document["absence"]["message"]
        return
    yield from _status(document)


def _detailed(document: Document) -> Iterator[str]:
    yield from _status(document)
    for camera in document["cameras"].values():
        yield from (f"phase {camera['phase']}", f"condition {camera['condition']}")
        yield f"{camera['rung']} {camera['attempt']}/{camera['attempts']}" if camera["attempt"] else ""
        yield f"failed recoveries {camera['failed_recoveries']}"
        yield f"asks for a reboot {'yes' if camera['should_reboot'] else 'no'}"


def _health(document: Document) -> Iterator[str]:
    yield document["level"].upper()
    yield from (remark["text"] for remark in document["remarks"])
    yield document["host"]["hostname"]
    yield document["disk"]["path"]
    if document["daemon"]["running"]:
        yield f"camwatchd {document['daemon']['version']}, pid {document['daemon']['pid']}"


def _nagios(document: Document) -> Iterator[str]:
    yield f"CAMWATCHD {document['level'].upper()} - "
    yield from (remark["text"] for remark in document["remarks"])
    yield from (f"'{name}_score'=" for name in document["camera_status"]["cameras"])


def exposition(document: Document, text: str) -> list[str]:
    """What is wrong with the metrics, by their format and by the JSON."""
    read = Reader(text)
    expected = {("camwatchd_up", ""): float(document["daemon"]["running"])}
    for name, camera in document["camera_status"]["cameras"].items():
        label = f'camera="{name}"'
        expected[("camwatchd_camera_capturing", label)] = float(camera["is_capturing"])
        expected[("camwatchd_camera_condition", f'{label},condition="{camera["condition"]}"')] = 1.0
    wrong = [
        f"{key}: {read.samples.get(key)}"
        for key, value in expected.items()
        if read.samples.get(key) != value
    ]
    return read.mistakes + wrong


def _monitor(document: Document) -> Iterator[str]:
    if document["kind"] == "summary":
        yield from (f"{name}: available " for name in document["cameras"])
        return
    yield document["absent"]
    for name, camera in document.get("cameras", {}).items():
        yield f"{name} {camera['condition']} "
        yield from (camera["fault"], camera["next_action"])


def _wait(document: Document) -> Iterator[str]:
    yield document["reason"] or document["outcome"]


def _recover(document: Document) -> Iterator[str]:
    for plan in document["plans"]:
        yield plan["camera"]
        yield plan["objection"] or plan["steps"][0]
    for end in document.get("ends", []):
        # One that is still under way may be a step further in the text.
        yield {"healthy": "healthy", "under-way": end["camera"]}.get(end["outcome"], end["words"])


def _pause(document: Document) -> Iterator[str]:
    yield f"{', '.join(document['cameras'])}: paused until"
    yield f"free for other programs: {', '.join(document['cameras'])}"
    yield from document["occupied"]


def _resume(document: Document) -> Iterator[str]:
    yield "the pause is over" if document["cameras"] else "nothing was paused"


def _reload(document: Document) -> Iterator[str]:
    yield document["problems"] or "in force"


def _controls(document: Document) -> Iterator[str]:
    yield from document["offered"]
    yield from (
        str(limit) for limits in document["offered"].values() for limit in limits if limit is not None
    )


def _logs(document: Document) -> Iterator[str]:
    if document["kind"] == "event":
        camera = document["camera"]
        yield f"camera={camera or '-'}"
        yield document["message"].splitlines()[0].removeprefix(f"{camera}: ")
    else:
        yield from (f"{fault['fault']} {fault['alert']} {fault['count']}" for fault in document["faults"])
        yield from (f"camera={fault['camera']}: {fault['fault']} since" for fault in document["open"])


def _history(document: Document) -> Iterator[str]:
    for boot in document["boots"]:
        yield f"{boot['wall']} boot {boot['number']}"
    for incident in document["incidents"]:
        yield f"{incident['wall']} incident {incident['number']}"
        yield f"{_what(incident)}: {incident['ended'] or 'OPEN'}"
    yield from document["notes"]


def _what(incident: Document) -> str:
    return f"{incident['camera']}: {'DRILL: ' if incident['drill'] else ''}{incident['fault']}"


def _incident(document: Document) -> Iterator[str]:
    yield f"incident {document['number']}: {_what(document)}"
    yield from (document["meaning"], document["evidence"], document["wall"], document["ended"] or "OPEN")
    for step in document["steps"]:
        attempt = f" {step['attempt']}" if step["attempt"] else ""
        yield f"{step['rung']}{attempt} {step['outcome']}".strip()
        yield step["reason"]


def _test(document: Document) -> Iterator[str]:
    verdict = "good" if document["passed"] else "FAILED"
    yield f"{document['camera']}: {verdict}: {document['good']} of {document['asked']} test captures"
    yield {"daemon": "through the running daemon", "direct": "directly"}[document["through"]]
    yield from (problem.splitlines()[0] for problem in document["problems"])


def _ladder(rows: Document) -> Iterator[str]:
    for row in rows:
        yield from (row["rung"], row["cures"])
        yield from (f"> {name} is at {row['rung']}" for name in row["cameras"] or [])


def _simulated(found: Document) -> Iterator[str]:
    yield from (f"{one['fault']} " for one in found)
    yield from (one["latest"]["end"] for one in found)


def _drill(document: Document) -> Iterator[str]:
    yield f"camwatchd {document['release']} on {document['host']}"
    for drill in document["drills"]:
        found = drill["found"]
        yield f"{drill['camera']} {drill['exercise']}"
        yield f"{found['fault']} {found['cure']} {found['attempt']}"
    yield f"{len(document['drills'])} of {len(document['drills'])} drills were noticed and cured"


def _faults(rows: Document) -> Iterator[str]:
    yield from (f"{row['name']} {row['issue']}" for row in rows)
    yield from (row["human"] for row in rows)


def _doctor(findings: Document) -> Iterator[str]:
    for finding in findings:
        yield f"{finding['result']} {finding['name']}"
        yield finding["remedy"]
        # Figures of memory and processor move; what moves not is the beginning.
        yield " ".join(re.split(r"\d", finding["reason"])[0].split()[:-1])


def _check(document: Document) -> Iterator[str]:
    yield "configuration is valid" if document["valid"] else ""
    yield from (*document["cameras"], *document["files"])


def _version(document: Document) -> Iterator[str]:
    yield f"camwatchd {document['version']}"


# fmt: off
_BY_VERB: dict[str, Callable[[Document], Iterator[str]]] = {
    "status": _status, "status --detailed": _detailed, "status --watch --interval 0.2": _watched,
    "health": _health, "health --nagios": _nagios,
    "health --prometheus": _nothing, "monitor": _monitor, "wait": _wait, "recover": _recover, "pause": _pause,
    "resume": _resume, "reload": _reload, "snapshot": _nothing, "stream": _nothing, "controls": _controls,
    "logs": _logs, "logs --follow": _nothing, "history": _history, "incident": _incident, "test": _test,
    "ladder": _ladder, "ladder --simulate all": _simulated, "drill": _drill, "faults": _faults, "doctor": _doctor,
    "check-config": _check, "version": _version,
}
# fmt: on
