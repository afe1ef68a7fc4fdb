# SPDX-License-Identifier: MIT
"""Proves who may do what with the verbs: whoever may not is told so, and what to do about it."""

import re

import pytest

from .container import Container
from .quick import QUICK, camera
from .verb_rows import TO_A_READER

pytestmark = pytest.mark.system

# A user of no group, of the group video, of the group camwatchd.
USERS = {"nobody": "", "viewer": "video", "keeper": "camwatchd"}
REFUSED = 77
# What each may, as camwatchctl(1) promises: ask everybody, see frames `video`, anything `camwatchd`.
# fmt: off
MAY: dict[str, tuple[int, int, int]] = {
    "status":                                 (0,        0,        0),
    "health --json":                          (0,        0,        0),
    "wait --timeout 30":                      (0,        0,        0),
    "ladder":                                 (0,        0,        0),
    "version":                                (0,        0,        0),
    "check-config":                           (0,        0,        0),
    "snapshot /dev/shm/NAME.jpg":             (REFUSED,  0,        0),
    "stream --give-up":                       (REFUSED,  141,      141),
    "test -n 1":                              (REFUSED,  0,        0),
    "controls":                               (REFUSED,  REFUSED,  0),
    "drill crash --yes":                      (REFUSED,  REFUSED,  0),
    "recover --dry-run":                      (REFUSED,  REFUSED,  0),
    "recover --yes":                          (REFUSED,  REFUSED,  0),
    "reload":                                 (REFUSED,  REFUSED,  0),
    "pause 1m":                               (REFUSED,  REFUSED,  0),
    "resume":                                 (REFUSED,  REFUSED,  0),
    "history":                                (REFUSED,  REFUSED,  0),
    "incident":                               (REFUSED,  REFUSED,  0),
    "logs":                                   (REFUSED,  REFUSED,  0),  # of the ledger, where not of the journal
}
# fmt: on
# Of the remedy; else it is camwatchd.
_GROUP = {"logs": "systemd-journal", "snapshot": "video", "stream": "video", "test": "video"}


@pytest.mark.scenario(
    17, "the verbs by users of no group, of video, of camwatchd: what each may, and the remedy"
)
def test_who_may_do_what(container: Container) -> None:
    """Exit status 77 and a command that helps, in text and as JSON; nothing was done for whoever is refused."""
    container.configure(QUICK, camera("cam0", format="MJPEG"))
    container.boot()
    container.entry(EVENT="camera.started")
    for name, group in USERS.items():
        if group:
            container.run(f"useradd --system --groups {group} {name}")

    wrong = []
    for number, name in enumerate(USERS):
        for words, statuses in MAY.items():
            wrong += _wrong(container, name, words.replace("NAME", name), statuses[number])
        if name != "keeper":
            assert _orders(container) == []
    assert not wrong, "\n".join(wrong)
    assert len(_orders(container)) >= 5


def _orders(container: Container) -> list[str]:
    """What the daemon was told to do, and did."""
    return [
        entry.message
        for entry in container.journal.all("^asked for by uid ")
        if "dry_run=True" not in entry.message
    ]


def _wrong(container: Container, name: str, words: str, expected: int) -> list[str]:
    shell = TO_A_READER.replace("/root/film", "/dev/null") if words.startswith("stream") else "{}"
    done = container.run(f"runuser -u {name} -- {shell.format(f'camwatchctl {words}')}", check=False)
    if done.returncode != expected:
        return [f"{name}: {words}: status {done.returncode}, not {expected}: {done.stdout}{done.stderr}"]
    remedy = rf"hint: .*sudo.*usermod -aG {_GROUP.get(words.split()[0], 'camwatchd')} "
    if expected == REFUSED and not re.search(remedy, done.stderr):
        return [f"{name}: {words}: no remedy: {done.stderr!r}"]
    return []
