# SPDX-License-Identifier: MIT
"""Owns the table of exit statuses: what each verb says by which number, for its help and for the man page.

python -m camwatchd.cli.exits prints that section of the man page.
"""

import sys
import textwrap
from collections.abc import Iterator, Mapping

from camwatchd.errors import ExitStatus

_ARGUMENTS = "wrong arguments"
_CAMERA = "wrong arguments, or no such camera"
_DOWN = "the daemon does not answer"
_CROWDED = "too many programs are asking"
_NOT_YOU = "not for this user"
_UNWRITTEN = "standard output is closed, or has no room"
_CONFIG = "the configuration cannot be used"

# Each verb with all that it may end with; 69, 75 and 77 are those of sysexits.h.
_EXITS: Mapping[str, Mapping[int, str]] = {
    "status": {
        0: "every required camera is healthy; with --watch, here and below: at the last look",
        1: "a required camera is starting, in trouble, being recovered, or paused",
        2: _CAMERA,
        3: "a required camera is critical or parked: a human should look",
        69: _DOWN, 75: _CROWDED, 77: _NOT_YOU,
    },
    "health": {
        0: "OK: every required camera is healthy, and the machine too; or the metrics are written, whatever they say",
        1: "WARNING: a camera is in trouble or paused, the machine is (power, heat, room), or reboots are not as set",
        2: "CRITICAL: a camera is critical or parked, or the daemon does not answer; or wrong arguments",
        3: "UNKNOWN: the daemon's answer cannot be had or understood; or wrong arguments to --nagios",
        69: "the file for the metrics cannot be written",
    },
    "monitor": {
        0: "every required camera was healthy at the last look, and no outage was seen",
        1: "there was an outage, or a required camera is in trouble or paused at the end",
        2: _ARGUMENTS,
        3: "a required camera is critical or parked at the end",
        69: "the daemon does not answer at the end", 75: _CROWDED, 77: _NOT_YOU,
    },
    "wait": {
        0: "the cameras are healthy: those that are named, else every required one",
        2: _CAMERA,
        3: "one of them is parked",
        69: "the time is over, and no daemon has answered at the end",
        75: "the time is over", 77: _NOT_YOU,
    },
    "pause": {
        0: "the cameras are free for other programs",
        2: _CAMERA, 69: _DOWN,
        75: "one is held by a process that does not end, or was resumed before it was free; or too many are asking",
        77: _NOT_YOU,
    },
    "resume": {0: "the cameras are taken back", 2: _CAMERA, 69: _DOWN, 75: _CROWDED, 77: _NOT_YOU},
    "recover": {
        0: "every camera is healthy again; with --no-wait the recovery has begun, with --dry-run it may be done",
        1: "the time is over, and a camera is still being recovered",
        2: "wrong arguments, no such camera, or a healthy one and nobody who could be asked or said yes",
        3: "a camera ended parked, or is critical when the time is over, though its recovery goes on",
        69: "the daemon does not answer, or not when the time is over",
        75: "not now: paused (also meanwhile), something is against this rung, or it was not granted; or too many are "
        "asking",
        77: _NOT_YOU,
    },
    "reload": {0: "the configuration is in force", 2: _ARGUMENTS, 69: _DOWN, 75: _CROWDED, 77: _NOT_YOU, 78: _CONFIG},
    "snapshot": {
        0: "the picture is written", 2: _CAMERA,
        69: "the daemon does not answer, or the picture cannot be made, or not be written into its file",
        75: "no frame came in time", 77: _NOT_YOU,
    },
    "stream": {
        0: "never: it goes on until Ctrl-C, or its reader leaves",
        2: "wrong arguments, no such camera, or a terminal to write to",
        69: "the daemon does not answer, or the picture cannot be made",
        75: "no frame came in time", 77: _NOT_YOU,
    },
    "controls": {
        0: "shown, or set", 2: "wrong arguments, no such camera, or it refuses one of them",
        69: _DOWN, 75: "the camera is not streaming; or too many are asking", 77: _NOT_YOU,
    },
    "logs": {
        0: "the log was read, whatever it says; where the journal may not be: the ledger's part",
        2: "wrong arguments, or the file is no log",
        69: "neither journal nor ledger has anything of camwatchd, or the log breaks off",
        77: "what there may be is not for this user",
    },
    "history": {
        0: "no incident is open", 1: "an incident is open", 2: _CAMERA,
        69: "there is no ledger, or it cannot be used", 77: _NOT_YOU,
    },
    "incident": {
        0: "it is over; with --bundle: it is written", 1: "it is open",
        2: "wrong arguments, no such camera or incident",
        69: "there is no ledger, it cannot be used, or the archive cannot be written", 77: _NOT_YOU,
    },
    "test": {
        0: "every test capture is good", 1: "one was not", 2: _CAMERA,
        69: "neither the daemon nor the camera can be had", 75: _CROWDED, 77: _NOT_YOU, 78: _CONFIG,
    },
    "ladder": {0: "shown", 2: _CAMERA, 78: _CONFIG},
    "drill": {
        0: "every drill was noticed by its name, cured and told of; of several one that does not apply is passed over",
        1: "one was not, was named as something else, or its end was not seen",
        2: "wrong arguments, no such camera, or nobody who could be asked or said yes",
        69: _DOWN,
        75: "one was not made, and none has failed: its camera is not healthy or another drill is under way, or none "
        "applies to it; or too many are asking",
        77: _NOT_YOU,
    },
    "faults": {0: "shown", 2: _ARGUMENTS},
    "doctor": {
        0: "nothing is wrong, as far as can be told", 1: "there are warnings",
        2: "there are failures; or wrong arguments",
    },
    "check-config": {0: "the daemon would start with it", 2: _ARGUMENTS, 78: _CONFIG},
    "version": {0: "the daemon that runs is this one, or none can be asked", 1: "it is another one", 2: _ARGUMENTS},
}  # fmt: skip
EXITS: Mapping[str, Mapping[int, str]] = {
    verb: dict(sorted({**meanings, int(ExitStatus.EX_IOERR): _UNWRITTEN}.items()))
    for verb, meanings in _EXITS.items()
}


def text(verb: str) -> str:
    """What its help says."""
    return "\n".join(["exit status:", *(f"  {status:<3} {means}" for status, means in EXITS[verb].items())])


def manual() -> str:
    """The section of the man page."""
    lines = [line for verb in EXITS for line in _item(verb)]
    return "\n".join([".Bl -tag -width Ds", *lines, ".El", ""])


def _item(verb: str) -> Iterator[str]:
    yield f".It Cm {verb}"
    yield ".Bl -tag -width 99 -compact"
    for status, means in _EXITS[verb].items():  # what is common to all is said below the list
        yield f".It {status}"
        yield from textwrap.wrap(means, 118, break_long_words=False, break_on_hyphens=False)
    yield ".El"


if __name__ == "__main__":
    sys.stdout.write(manual())
