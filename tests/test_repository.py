# SPDX-License-Identifier: MIT
"""The linters are tests, and what is written in two places of the repository is the same in both."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import camwatchd

ROOT = Path(__file__).parents[1]
_MADE = {
    ".git",
    ".venv",
    "build",
    "__pycache__",
    ".hypothesis",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}
_BINARY = {".pyc", ".png", ".jpg", ".gz"}


def files() -> Iterator[Path]:
    """Every file that somebody wrote."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in _MADE and not name.endswith(".egg-info")]
        yield from (Path(folder, name) for name in names if Path(name).suffix not in _BINARY)


def lint(*command: str) -> None:
    """Run a tool over the repository; its complaints are the failure."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command[:5])}\n{done.stdout}{done.stderr}", pytrace=False)


def test_ruff_check() -> None:
    """The code breaks no rule that pyproject.toml asks for."""
    lint(sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise")


def test_ruff_format() -> None:
    """The code is formatted as `ruff format` does it."""
    lint(sys.executable, "-m", "ruff", "format", "--quiet", "--diff")


def test_mypy() -> None:
    """Package and tests are fully annotated and agree with their annotations."""
    lint(sys.executable, "-m", "mypy", "--strict", "--no-error-summary")


def test_codespell() -> None:
    """No word is misspelt."""
    lint(sys.executable, "-m", "codespell_lib")


def test_shellcheck() -> None:
    """The shell scripts have no known pitfall."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt install shellcheck)")
    scripts = [str(path) for path in files() if path.suffix == ".sh" or path == ROOT / ".ci" / "run"]

    assert len(scripts) >= 2
    # SC2187: busybox's own shell is checked as the nearest one that shellcheck knows.
    lint("shellcheck", "--exclude=SC2187", *scripts)


def test_one_version() -> None:
    """The package, pyproject.toml and Debian's changelog name the same version."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = re.match(r"camwatchd \(([^)]+)\) ", (ROOT / "debian" / "changelog").read_text())

    assert changelog is not None
    assert (pyproject, changelog[1]) == (camwatchd.__version__, camwatchd.__version__)


# Where documentation is. A mirror, a registry or a machine of ours has no business in the repository.
_DOCUMENTATION = {
    "no-color.org",
    "systemd.io",
    "www.freedesktop.org",
    "github.com",
    "datasheets.raspberrypi.com",
    "json-schema.org",  # a schema says by it what it is written in
    "prometheus.io",
    "www.debian.org",  # the format of debian/copyright is named by its address
}


def test_urls_name_documentation_only() -> None:
    """Every address in the repository is one of documentation."""
    found = {
        (host, str(path.relative_to(ROOT)))
        for path in files()
        for host in re.findall(r"https?://([\w.-]*\w)", path.read_text(errors="replace"))
    }

    assert {place for place in found if place[0] not in _DOCUMENTATION} == set()


def test_no_place_of_a_developers_machine() -> None:
    """No file names a folder that only the machine of whoever wrote it has."""
    pattern = re.compile(r"(?<![\w.$}/])/(?:home|Users|work|mnt)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []
