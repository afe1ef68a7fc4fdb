# SPDX-License-Identifier: MIT
"""`incident --bundle` writes one archive with all there is to know, and with nothing that is nobody's business."""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from camwatchd.cli import bundle, bundle_parts
from tests.control.rig import running
from tests.test_cli_control import run
from tests.test_cli_past import STORY, written


@contextmanager
def archive(path: Path) -> Iterator[dict[str, str]]:
    """What is in one, by name."""
    with tarfile.open(path) as found:
        files = {member: found.extractfile(member) for member in found.getmembers()}
        yield {member.name: file.read().decode() for member, file in files.items() if file}


def test_a_bundle_has_all_of_it_and_no_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Incident, history, status, configuration, versions, ledger; what is missing says so; for nobody else to read."""
    (tmp_path / "config.toml").write_text('# token = abc\n[camera.cam0]\nbackend = "simulated"\n')
    target = tmp_path / "bug.tar.gz"
    argv = [
        "incident",
        "2",
        "--config",
        str(tmp_path / "config.toml"),
        "--conf-dir",
        str(tmp_path / "conf.d"),
    ]
    argv += ["--state-dir", str(written(tmp_path / "state")), "--bundle", str(target)]
    with running(tmp_path) as rig:
        status, out, _ = run(capsys, *argv, "--socket", str(rig.path))
    again = run(capsys, *argv, "--socket", str(rig.path))
    assert (0, 0o600) == (status, target.stat().st_mode & 0o777)
    assert f"written: {target}" in out
    assert "not in it: kernel.txt: " in out  # of a boot that no journal knows
    with archive(target) as files:
        names = {name.removeprefix("camwatchd-incident-2/") for name in files}
        everything = "".join(files.values())
    assert names >= {
        "README.txt", "incident.txt", "incident.json", "history.txt", "history.json", "status.txt", "status.json",
        "config.toml", "versions.json", "ledger.json",
    }  # fmt: skip
    assert 'backend = "simulated"' in everything
    assert [] == [secret for secret in ("hunter2", "me:it@", "abc") if secret in everything]
    assert (69, True) == (again[0], "name a file that is not there yet" in again[2])

    before = target.stat()
    forced = run(capsys, *argv, "--force", "--picture", "--socket", str(rig.path))

    assert (0, True, 0o600) == (
        forced[0],
        before.st_ino != target.stat().st_ino,
        target.stat().st_mode & 0o777,
    )
    assert "not in it: picture.jpg: camwatchd is not running" in forced[1]
    assert {"config.toml", "conf.d", "state", "bug.tar.gz"} >= {
        path.name for path in tmp_path.iterdir() if "sock" not in path.name
    }


def test_a_bundle_without_daemon_and_with_a_broken_configuration(tmp_path: Path) -> None:
    """Through a pipe; both are missing with their reasons, and what was written wrong is not quoted."""
    (tmp_path / "config.toml").write_text('[camera.cam0]\nwidth = "hunter2"\n')
    command = [
        sys.executable,
        "-c",
        "import sys; from camwatchd.cli import main; sys.exit(main(sys.argv[1:]))",
    ]
    command += ["incident", "1", "--bundle", "-", "--config", str(tmp_path / "config.toml")]
    command += ["--state-dir", str(written(tmp_path / "state")), "--socket", str(tmp_path / "nobody.sock")]
    done = subprocess.run(command, capture_output=True, check=False)
    with Path("/dev/full").open("wb") as full:
        unwritten = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    (tmp_path / "piped.tar.gz").write_bytes(done.stdout)

    assert (0, b"") == (done.returncode, done.stderr)
    assert (74, b"camwatchctl: standard output: ") == (unwritten.returncode, unwritten.stderr[:30])
    with archive(tmp_path / "piped.tar.gz") as files:
        readme = files["camwatchd-incident-1/README.txt"]
        names = {name.partition("/")[2] for name in files}
    assert not {"status.txt", "status.json", "config.toml"} & names
    assert "camera.cam0.width: expected a whole number" in readme
    assert "MISSING: camwatchd is not running" in readme
    assert "hunter2" not in readme


def test_the_journal_is_asked_for_the_time_of_the_incident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its boot, from ten minutes before to ten after; all of that boot where a clock that jumped found nothing."""
    tool = tmp_path / "journalctl"
    tool.write_text('#!/bin/sh\ncase "$*" in *--dmesg*--since*) ;; *) echo "$*";; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    service, kernel = (
        bundle_parts.journal(name, "what was logged around that time", STORY, what)
        for name, what in (("journal.txt", ("--unit", "camwatchd.service")), ("kernel.txt", ("--dmesg",)))
    )

    assert (
        "--boot=b4 --unit camwatchd.service --since=2026-11-22 21:03:00 --until=2026-11-22 21:29:40"
        in service.text
    )
    assert ("", "") == (service.missing, kernel.missing)
    assert kernel.text.endswith("--boot=b4 --dmesg\n")
    assert "what was logged, the last 5000 lines" == kernel.about


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("api_key: 'abc', x = 1", "api_key: '(taken out)', x = 1"),
        ('"wifi_password": "a"', '"wifi_password": "(taken out)"'),
        ("rtsp://me:it@host/stream", "rtsp://(taken out)@host/stream"),
        ("wlan0: link aa:BB:0c:1d:2e:3f", "wlan0: link (taken out)"),
        ("dhcp: 192.168.1.17 from fe80::1ff:fe23:4567:890a: ok", "dhcp: (taken out) from (taken out): ok"),
        ("10.0.0.5:8554, not 127.0.0.1 nor ::1", "(taken out):8554, not 127.0.0.1 nor ::1"),
        ("wpa psk=abc; Authorization: Bearer a.b", "wpa psk=(taken out) Authorization: Bearer (taken out)"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----", "(taken out)"),
        (
            "usb 1-1.2.3.4: xhci 0000:01:00.0, 1.2.3.4-1, std::ab::c",
            "usb 1-1.2.3.4: xhci 0000:01:00.0, 1.2.3.4-1, std::ab::c",
        ),
        ("usb 1-1.3: SerialNumber: 9E1D", "usb 1-1.3: SerialNumber: (taken out)"),
        (
            "imx708 11-001a: 12:34:56.789 [0:04:11.18] token",
            "imx708 11-001a: 12:34:56.789 [0:04:11.18] token",
        ),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, left: str) -> None:
    """What stands beside it stays: it is what the report is for."""
    assert left == bundle.without_secrets(text)


def test_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """Its name until it is whole is gone; a link to elsewhere is not followed, nor replaced unasked."""
    part = bundle.Part("a.txt", "something", "text")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    bundle.write(str(tmp_path / "new"), "folder", [part])

    with pytest.raises(FileExistsError):
        bundle.write(str(tmp_path / "link"), "folder", [part])
    bundle.write(str(tmp_path / "link"), "folder", [part], force=True)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "link"}
    assert not (tmp_path / "link").is_symlink()
    with archive(tmp_path / "new") as files:
        assert "No pictures.\nTaken out" in files["folder/README.txt"]
