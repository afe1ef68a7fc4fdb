# SPDX-License-Identifier: MIT
"""Owns a small machine for the guard: its files, programs that stand in for systemd's, and boots that come and go."""

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.test_repository import ROOT

GUARD = ROOT / "systemd" / "guard.sh"
DROP_IN = "camwatchd.service.d/zz-camwatchd-guard.conf"

# They note how they were called; a daemon-reload runs the generator, as PID 1 does.
_PROGRAMS = {
    "systemctl": """
        echo "$*" >> "$CAMWATCHD_ROOT/calls"
        generator="$CAMWATCHD_ROOT/run/systemd/generator"
        case "$*" in
            daemon-reload)
                rm -rf "$generator"
                mkdir -p "$generator"
                exec sh "$GUARD" "$generator" "$generator.early" "$generator.late" ;;
            show*) cat "$CAMWATCHD_ROOT/restarts" ;;
            list-jobs*) cat "$CAMWATCHD_ROOT/jobs" ;;
        esac
    """,
    "stat": 'cat "$CAMWATCHD_ROOT/file-system"',
    "id": '[ ! -e "$CAMWATCHD_ROOT/no-user" ]',
    "logger": 'echo "$*" > "$CAMWATCHD_ROOT/logged"; cat >> "$CAMWATCHD_ROOT/logged"',
}


@dataclass
class Machine:
    """Root directory and present boot; `uptime` is what the kernel says now."""

    root: Path
    uptime: float = 10.0
    boots: int = 0
    said: str = ""  # by the guard, the last time
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (
            "bin",
            "etc/camwatchd/conf.d",
            "proc/sys/kernel/random",
            "run",
            "var/lib/camwatchd/state",
        ):
            (self.root / name).mkdir(parents=True)
        for name, text in _PROGRAMS.items():
            self.program(name, text)
        for name, text in {"restarts": "0\n", "jobs": "", "calls": "", "file-system": "ext2/ext3\n"}.items():
            (self.root / name).write_text(text)
        self.environ = {"CAMWATCHD_ROOT": str(self.root), "GUARD": str(GUARD)}
        self.boot()

    @property
    def folder(self) -> Path:
        """What outlives a boot."""
        return self.root / "var/lib/camwatchd"

    @property
    def file(self) -> Path:
        """The guard's own."""
        return self.folder / "guard"

    @property
    def lines(self) -> list[str]:
        """What it says, each boot by its number."""
        text = self.file.read_text()
        for number in range(1, self.boots + 1):
            text = text.replace(boot_id(number), str(number))
        return text.splitlines()

    @property
    def calls(self) -> list[str]:
        """How systemctl was called."""
        return (self.root / "calls").read_text().splitlines()

    @property
    def why(self) -> str:
        """Why reboots are closed in systemd's eyes; empty: they are open."""
        drop_in = self.root / "run/systemd/generator" / DROP_IN
        if not drop_in.exists():
            return ""
        why, *rest = [line for line in drop_in.read_text().splitlines() if not line.startswith("# Written")]
        assert rest == ["[Unit]", "StartLimitAction=none"]
        return why.removeprefix("# ")

    def program(self, name: str, text: str) -> None:
        """Have a program of our own be found before the system's."""
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def configure(self, text: str, name: str = "conf.d/x.toml") -> None:
        """Write a file of the configuration."""
        (self.root / "etc/camwatchd" / name).write_bytes(text.encode())

    def healthy(self, boot: int | None = None) -> None:
        """A camera was healthy in that boot, or is in the present one; the recorder says so."""
        (self.folder / "state/healthy").write_text(f"{boot_id(self.boots if boot is None else boot)}\n")

    def history(self, *boots: str, lasting: float = 100.0) -> None:
        """Earlier boots, each by the last word of it; the present boot follows."""
        with self.file.open("a") as file:
            for word in boots:
                file.write(lines_of(self.boots, word, 10.0, 10.0 + lasting))
                self.boots += 1
        self.boots -= 1
        self.boot()

    def boot(self) -> None:
        """The machine starts anew: systemd runs its generators before all else."""
        self.boots += 1
        shutil.rmtree(self.root / "run")
        (self.root / "proc/sys/kernel/random/boot_id").write_text(f"{boot_id(self.boots)}\n")
        self.generate()

    def generate(self) -> None:
        """Run the generator as systemd does it."""
        generator = self.root / "run/systemd/generator"
        shutil.rmtree(generator, ignore_errors=True)
        generator.mkdir(parents=True)
        self.run(str(generator), f"{generator}.early", f"{generator}.late")

    def start(self) -> str:
        """What ExecStartPre= does; what it said."""
        return self.run("start")

    def stop(self, result: str = "success", status: str = "") -> str:
        """What ExecStopPost= does after a run that ended so."""
        return self.run("stop", "camwatchd.service", SERVICE_RESULT=result, EXIT_STATUS=status)

    def run(self, *arguments: str, **environ: str) -> str:
        """Call the guard with next to no environment, as PID 1 does; it never fails."""
        (self.root / "proc/uptime").write_text(f"{self.uptime:.2f} 1.00\n")
        done = subprocess.run(
            ["sh", str(GUARD), *arguments], env={**self.environ, **environ}, text=True, timeout=60, check=True,
            capture_output=True,
        )  # fmt: skip
        assert done.stderr == ""
        self.said = done.stdout
        return self.said


def lines_of(boot: int, word: str, first: float, last: float) -> str:
    """A boot from its first line to its last. "start": the power went, after an orderly restart; "killed": the runs
    ended and nobody could write that down; else it ended with this word.
    """
    words = {"start": ["success", "start"], "killed": ["start"]}.get(word, [word])
    return "".join(
        f"{boot_id(boot)} {word} {at}\n"
        for word, at in [("start", first), *((word, last) for word in words)]
    )


def boot_id(number: int) -> str:
    """The id of a boot, as the kernel writes it."""
    return f"{number:08x}-0000-4000-8000-{number:012x}"
