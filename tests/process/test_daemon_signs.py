# SPDX-License-Identifier: MIT
"""A sign of trouble to come in a real daemon: told when the day is over, logged once, and shown after a start."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from camwatchd.adapters import config
from camwatchd.adapters.ledger_reading import copy
from camwatchd.core import days
from camwatchd.core.days import Day, Life
from camwatchd.core.timespan import DAY
from camwatchd.outlook import fingerprint
from tests.adapters.ledger_rig import start
from tests.process.daemon import QUICK, camera, daemon, folders
from tests.process.leaving import camera_facts

CONFIG = QUICK + camera("cam0")
_CALM = Day(observed=DAY, healthy=DAY)
_WORSE = replace(_CALM, recoveries=9)


def _life(settings: str) -> Life:
    """A month of calm, some bad days, and the one that tells is over in half a second."""
    life = Life(settings)
    for _ in range(30):
        life = life.after(_CALM)
    while not list(life.after(_WORSE).signs()):
        life = life.after(_WORSE)
    return replace(life, day=replace(_WORSE, observed=DAY - 0.5))


def _kept(directory: Path) -> str:
    with closing(copy(directory / "state" / "ledger.db")) as db:
        return str(db.execute("SELECT state FROM signs WHERE camera = 'cam0'").fetchone()[0])


def test_a_sign_is_told_once_and_outlives_the_daemon(tmp_path: Path) -> None:
    """From what the ledger kept of the weeks before; the second start shows it and does not tell it again."""
    folders(tmp_path, CONFIG)
    [settings] = config.load(tmp_path / "config.toml", tmp_path / "conf.d").settings.cameras
    with start(tmp_path / "state") as before:
        before.ledger.note(before.moment, {"cam0": days.written(_life(fingerprint(settings)))})
    with daemon(tmp_path, CONFIG) as rig:
        line = rig.event("camera.sign", camera="cam0", sign="recoveries")
        rig.stop()
    with daemon(tmp_path, CONFIG) as again:
        again.event("camera.started")
        shown = again.until(lambda: camera_facts(tmp_path).signs)
        again.stop()

    assert (
        "recoveries a day: 9 on the last day, usual before that: 0.1; "
        "the mean of the last days has been above the usual for 1 day" in line["message"]
    )
    assert ["recoveries"] == [sign.name for sign in shown]
    assert [] == again.told("camera.sign")
    life = days.read(_kept(tmp_path), fingerprint(settings))
    assert life is not None
    assert 0 < life.day.observed < 600
