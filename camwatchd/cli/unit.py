# SPDX-License-Identifier: MIT
"""Owns what systemd says about the daemon's unit, for whoever finds that it does not run."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from camwatchd.adapters import mask

UNIT = "camwatchd.service"
_ASKED = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "StatusText",
    "ConditionResult",
    "ConditionTimestamp",
    "StateChangeTimestamp",
    "NRestarts",
    "MainPID",
    "StartLimitAction",
    "DropInPaths",
)
PATIENCE = 2.5  # seconds
_DISABLE = "/boot/firmware/camwatchd.disable"  # ConditionPathExists=! of the unit


def said() -> str:
    """A sentence; empty where there is no systemd to ask."""
    facts = properties()
    return sentence(facts) if facts else ""


def stopped() -> str:
    """A sentence, if the unit is down and systemd does not start it again by itself; empty: it runs, or who knows."""
    facts = properties()
    return sentence(facts) if facts.get("ActiveState") in ("inactive", "failed") else ""


def properties() -> dict[str, str]:
    """What systemd has on the unit, by its own names; nothing where there is no systemd to ask."""
    try:
        done = subprocess.run(  # noqa: S603  # our own words, and no shell
            ["systemctl", "show", UNIT, f"--property={','.join(_ASKED)}"],  # noqa: S607  # wherever it is
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {}
    facts = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return facts if facts.get("ActiveState") else {}


def sentence(facts: Mapping[str, str], root: Path = Path("/")) -> str:
    """What a human makes of the unit's properties; `root`: where a mask lies."""
    if facts.get("LoadState") == "not-found":
        return f"systemd knows no {UNIT}: is the package installed?"
    if facts.get("LoadState") == "masked":
        return f"{UNIT} is {': '.join(mask.explained(UNIT, root))}"
    if facts.get("ConditionResult") == "no" and facts.get("ConditionTimestamp"):
        return f"systemd did not start it because a condition of the unit is not met; is there {_DISABLE}?"
    state = f"{facts['ActiveState']} ({facts.get('SubState', '')})"
    result = facts.get("Result", "success")
    restarts = facts.get("NRestarts") or "0"
    parts = [
        f"systemd says: {state}",
        f"since {facts['StateChangeTimestamp']}" if facts.get("StateChangeTimestamp") else "",
        "" if result == "success" else f"result {result}",
        "" if restarts == "0" else f"restarted by systemd {restarts} times",
        f"last status: {facts['StatusText']}" if facts.get("StatusText") else "",
    ]
    return ", ".join(filter(None, parts))
