# SPDX-License-Identifier: MIT
"""Proves what stands around the verbs as apt has installed it: man pages, completion, catalog, metrics, doctor."""

import json
import re
import shutil
import subprocess

import pytest

from camwatchd.cli import VERBS, exposition
from camwatchd.core.alerts import ALERTS
from tests.exposition_format import Reader
from tests.test_cli_health import ALL
from tests.test_completion import _TAB

from .container import UNIT, Container
from .promtool import complaints
from .quick import QUICK, camera

pytestmark = pytest.mark.system

PAGES = {"camwatchctl.1.gz", "camwatchd.8.gz", "camwatchd.toml.5.gz"}
_CATALOG = "var/lib/systemd/catalog/database"
_COMPLETION = "/usr/share/bash-completion/completions/camwatchctl"
_METRICS = "/var/lib/prometheus/node-exporter"
_TIMER = "camwatchd-textfile.timer"
# Five starts would have to hang for a minute each: they never add up.
_TOO_SHORT = "[Unit]\nStartLimitIntervalSec=60\n"


@pytest.mark.scenario(17, "installed: man pages, completion, journalctl by alert and fault, metrics, doctor")
def test_what_stands_around_the_verbs(container: Container) -> None:
    """Man pages without warnings; bash completes; the journal explains alerts and finds them by their fields; the
    timer writes metrics; doctor, version and check-config, also for an ordinary user and with a broken unit.
    """
    _assert_pages(container)
    _assert_catalog_is_compiled(container)
    container.configure(QUICK, camera("cam0"), camera("cam1"))
    container.boot()
    for name in ("cam0", "cam1"):
        container.entry(EVENT="camera.started", CAMERA=name)

    _assert_completion(container)
    _assert_journal(container)
    _assert_metrics(container)
    _assert_for_everybody(container)
    _assert_doctor_finds_the_broken_unit(container)


def _assert_pages(container: Container) -> None:
    """Neither man nor groff finds fault with the pages as they were installed; every other name leads to one."""
    listed = (container.tree / "var/lib/dpkg/info/camwatchd.list").read_text().splitlines()
    pages = [container.tree / path[1:] for path in listed if re.search(r"/man/man\d/.*\.gz$", path)]
    assert {page.name for page in pages} >= PAGES
    if shutil.which("man"):
        done = subprocess.run(
            ["man", "--warnings", "--local-file", *map(str, pages)],
            env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "PAGER": "cat"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "JSON Schema of what a verb prints" in done.stdout


def _assert_catalog_is_compiled(container: Container) -> None:
    """By the installation: it was never booted since."""
    database = (container.tree / _CATALOG).read_bytes()
    assert [alert.name for alert in ALERTS if bytes.fromhex(alert.message_id) not in database] == []


def _assert_completion(container: Container) -> None:
    """In the bash of the container, which has no bash-completion: verbs, options, and the cameras that there are."""
    container.put("/srv/tab", _TAB)

    def tab(*words: str) -> set[str]:
        line = " ".join(f"'{word}'" for word in ("camwatchctl", *words))
        return set(container.run(f"bash --norc /srv/tab {_COMPLETION} {line}").stdout.split())

    assert tab("") == {verb.name for verb in VERBS}
    assert {"--detailed", "--json", "--watch"} <= tab("status", "--")
    # Whom the daemon does not answer within two seconds is offered no names: this machine may be busy.
    container.until(lambda: tab("pause", "--camera", "") == {"cam0", "cam1"}, "cameras are completed")


def _assert_journal(container: Container) -> None:
    """What an alert means stands below it; each field finds its entries, and no others."""
    container.run("camwatchctl drill buffer --yes --camera cam0")
    fault = container.entry(CAMERA_ISSUE="buffer_error")["FAULT"]
    rung = container.entry("healthy again", CAMERA="cam0", FAULT=fault)["RUNG"]
    for match in ("CAMERA_ISSUE=buffer_error", f"FAULT={fault}", f"RUNG={rung}", "CAMERA=cam0"):
        name, value = match.split("=")
        lines = container.run(f"journalctl --output=json {match}").stdout.splitlines()
        assert lines
        assert {json.loads(line)[name] for line in lines} == {value}
    explained = container.run("journalctl -x --no-pager CAMERA_ISSUE=buffer_error").stdout
    assert "Subject: CAMERA_ISSUE: buffer_error: camera cam0 has trouble with its buffers" in explained
    assert "camwatchctl logs --camera cam0 --fault buffer_error" in explained


def test_promtool_finds_no_fault_with_any_metric() -> None:
    """Of a machine that is well, of one with everything, of none; without the explanation of one it would."""
    texts = [exposition.exposition(asked) for asked in ALL]
    spoilt = re.sub(r"(?m)^# HELP camwatchd_up .*\n", "", texts[0])

    assert [complaints(text) for text in texts] == [""] * len(texts)
    assert "camwatchd_up no help text" in complaints(spoilt)
    assert complaints("no metric\n") != ""


def _assert_metrics(container: Container) -> None:
    """The timer, enabled by hand, writes what node exporter takes: whole, readable, and each time as a new file; and
    Prometheus' own tool has nothing against it.
    """
    assert container.run(f"systemctl is-enabled {_TIMER}", check=False).stdout == "disabled\n"
    container.run(f"mkdir -p {_METRICS}")
    container.drop_in("[Timer]\nOnActiveSec=\nOnActiveSec=0.2s\n", unit=_TIMER)
    container.run(f"systemctl enable --now {_TIMER}")
    folder = container.tree / _METRICS[1:]
    file = folder / "camwatchd.prom"
    container.until(file.exists, "the timer has written")
    container.await_unit(name="camwatchd-textfile.service", ActiveState="^inactive$")

    before = file.stat()
    written = file.read_text()
    read = Reader(written)
    assert (read.mistakes, read.samples["camwatchd_up", ""]) == ([], 1.0)
    assert complaints(written) == ""
    assert complaints(container.run("camwatchctl health --prometheus").stdout) == ""
    assert before.st_mode & 0o777 == 0o644
    with file.open() as held:
        container.run("systemctl start camwatchd-textfile.service")
        assert Reader(held.read()).mistakes == []  # whoever has it open reads the old one to its end
    assert file.stat().st_ino != before.st_ino
    assert [path.name for path in folder.iterdir()] == [file.name]


def _assert_for_everybody(container: Container) -> None:
    """An ordinary user gets the same answers as root; of doctor what may be seen, and how to see more."""
    for words in ("version --json", "check-config --json"):
        mine, theirs = (container.run(f"{user}camwatchctl {words}").stdout for user in ("", _NOBODY))
        assert json.loads(mine) == json.loads(theirs)
    pid = container.unit("MainPID")["MainPID"]
    assert json.loads(container.run("camwatchctl version --json").stdout)["daemon"]["pid"] == int(pid)

    everything, seen = _doctor(container), _doctor(container, _NOBODY)
    assert [name for name, result in everything.items() if result == "failure"] == []
    assert everything.keys() == seen.keys()
    assert everything["start-limit"] == everything["service"] == everything["guard"] == "ok"
    assert [name for name, result in seen.items() if result == "failure"] == []
    text = container.run(f"{_NOBODY}camwatchctl doctor", check=False).stdout
    assert "root sees more: sudo camwatchctl doctor" in text


_NOBODY = "runuser -u nobody -- "


def _doctor(container: Container, user: str = "") -> dict[str, str]:
    """The result of each check; the worst of those that have the same name."""
    found = json.loads(container.run(f"{user}camwatchctl doctor --json", check=False).stdout)
    order = ("ok", "unknown", "warning", "failure")
    return {
        f["name"]: f["result"] for f in sorted(found, key=lambda finding: order.index(finding["result"]))
    }


def _assert_doctor_finds_the_broken_unit(container: Container) -> None:
    """A drop-in by which starts that hang never reach the limit, so that the last resort would never come."""
    container.drop_in(_TOO_SHORT, unit=UNIT, name="short")
    done = container.run("camwatchctl doctor", check=False)
    assert done.returncode == 2
    assert re.search(r"^failure +start-limit +never reached: ", done.stdout, re.MULTILINE)
    assert re.search(
        r"^warning +unit-overrides|^failure +unit-overrides|short\.conf", done.stdout, re.MULTILINE
    )
    assert _doctor(container, _NOBODY)["start-limit"] == "failure"
    container.run(f"systemctl stop {UNIT}")
    assert _doctor(container)["service"] == "warning"
