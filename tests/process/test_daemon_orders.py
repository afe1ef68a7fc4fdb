# SPDX-License-Identifier: MIT
"""What an operator orders of a real daemon by the command line, and what a monitoring system is told of it."""

import json
from pathlib import Path

import pytest

from camwatchd import cli
from tests import schemas
from tests.exposition_format import Reader
from tests.process.daemon import QUICK, camera, daemon


def test_orders_and_figures_of_a_running_daemon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A healthy camera has its stream restarted; for one that is away a reboot is asked for and refused.

    Between the two a monitoring system reads what fits its schemas, and metrics without a mistake.
    """

    def ctl(*argv: str) -> tuple[int, str]:
        status = cli.main([*argv, "--socket", str(tmp_path / "run" / "control.sock")])
        return status, capsys.readouterr().out

    away = camera("cam1", {"kind": "missing", "at": 0})
    with daemon(tmp_path, QUICK + camera("cam0") + away) as rig:
        rig.event("camera.started", camera="cam0")
        waited = ctl("wait", "--camera", "cam0", "--timeout", "60")
        first = ctl("status", "--json")
        stream = ctl("recover", "--camera", "cam0", "--rung", "restart-stream", "--yes", "--timeout", "60")
        not_on_usb = ctl("recover", "--camera", "cam0", "--rung", "reset-device", "--yes")
        health, status, metrics = (
            ctl("health", "--json"),
            ctl("status", "--json"),
            ctl("health", "--prometheus"),
        )
        reboot = ("recover", "--camera", "cam1", "--rung", "reboot", "--no-wait")
        rig.until(lambda: ctl(*reboot)[0] == 0)  # as soon as no attempt is under way
        refused = rig.event("ladder.leave_refused", camera="cam1", rung="reboot")
        rig.event("ladder.waiting", camera="cam1", since=refused.number)

    assert (waited[0], stream[0], not_on_usb[0]) == (0, 0, 75)
    assert "cam0: healthy" in stream[1]
    assert rig.told("worker.starting", camera="cam0") == [rig.event("worker.starting", camera="cam0")]
    assert (first[0] in (1, 3), health[0] in (1, 2), metrics[0]) == (True, True, 0)
    assert schemas.mistakes(json.loads(health[1]), "health") == []
    assert schemas.mistakes(json.loads(status[1]), "status") == []
    assert Reader(metrics[1]).mistakes == []
    assert rig.told("alert.critical", camera="cam1", refusal=refused["refusal"]) == []
