# SPDX-License-Identifier: MIT
"""Owns what can be said of the Debian package without building it: its man pages, its parts, its scripts."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from camwatchd import __main__ as daemon
from camwatchd import cli
from camwatchd.cli import exits
from camwatchd.core.alerts import ALERTS
from camwatchd.errors import ExitStatus

ROOT = Path(__file__).parents[1]
DEBIAN = ROOT / "debian"
MANUAL = sorted(path.name for path in (DEBIAN / "man").iterdir())
PAGES = {name: (DEBIAN / "man" / name).read_text() for name in ("camwatchd.8", "camwatchctl.1")}

_REFUSING = ("core/budget.py", "core/lastrungs.py", "core/escalation.py", "departure.py")
_REFUSAL = re.compile(r'(?:_no|_later|LeaveRefused|Kind\.OBSERVED,)[(\s]*"([a-z-]+)"')


def section(page: str, name: str) -> str:
    """One section of a man page, up to the next one (or subsection)."""
    return re.split(r"^\.S[hs] ", PAGES[page].split(f" {name}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def items(text: str) -> list[str]:
    """The heads of a list."""
    return re.findall(r"^\.It (.*)", text, re.MULTILINE)


def flags(head: str) -> set[str]:
    """The options in the head of an item: `Fl h , -help` are -h and --help."""
    names = re.findall(r"(?:Fl|,) (-?[a-z][a-z-]*)", head)
    return {f"-{name}" for name in names}


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Each verb of camwatchctl and its arguments."""
    (found,) = [a for a in cli.arguments()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(found.choices)


@pytest.mark.parametrize(
    ("page", "parser"), [("camwatchd.8", daemon.arguments()), ("camwatchctl.1", cli.arguments())]
)
def test_the_man_pages_have_every_option(page: str, parser: argparse.ArgumentParser) -> None:
    """Each option of a command is in its man page, and no other."""
    documented = set().union(*map(flags, items(section(page, "OPTIONS"))))

    assert documented == options(parser)


def test_the_man_page_has_every_verb() -> None:
    """Each verb of camwatchctl is in its man page with all of its options, and no other."""
    heads = items(section("camwatchctl.1", "VERBS"))
    documented = {head.split()[1]: flags(head) for head in heads}

    general = options(cli.arguments())  # --socket may follow the verb, too
    assert documented == {name: options(parser) - general for name, parser in verbs().items()}


def test_the_man_page_has_every_refusal() -> None:
    """Each name by which a reboot can be refused is explained, and no other."""
    code = "".join((ROOT / "camwatchd" / name).read_text() for name in _REFUSING)
    documented = [
        name for head in items(section("camwatchd.8", "Refusals")) for name in head[3:].split(" , ")
    ]

    assert set(documented) == set(_REFUSAL.findall(code))
    assert len(documented) == len(set(documented)) > 15


def test_the_man_page_has_every_alert() -> None:
    """Each alert is explained by its required name, and no other."""
    heads = items(section("camwatchd.8", "ALERTS"))

    assert [head.removeprefix("Qq ") for head in heads] == [alert.name for alert in ALERTS]


def test_every_verb_has_its_exit_statuses() -> None:
    """The man page says what the table says of each verb, and the help of the verb does, too."""
    (verbs,) = [a for a in cli.arguments()._actions if isinstance(a, argparse._SubParsersAction)]

    assert {verb.name for verb in cli.VERBS} == set(exits.EXITS)
    assert section("camwatchctl.1", "EXIT STATUS").split(".Pp")[0].strip() == exits.manual().strip()
    for name, parser in verbs.choices.items():
        assert exits.text(name) in parser.format_help()


def test_the_help_has_every_exit_status() -> None:
    """In columns, with the one that all verbs have."""
    assert exits.text("faults") == (
        "exit status:\n  0   shown\n  2   wrong arguments\n  74  standard output is closed, or has no room"
    )


def test_the_exit_statuses_are_the_codes() -> None:
    """Statuses that are explained are those by which our processes end; the low ones are each verb's own."""
    documented = [int(head) for head in items(section("camwatchd.8", "EXIT STATUS"))]
    ours = {ExitStatus.EX_OK, ExitStatus.EX_USAGE, ExitStatus.EX_CONFIG}

    assert documented == sorted(documented)
    assert ours <= set(documented)
    for meanings in exits.EXITS.values():
        assert list(meanings) == sorted(meanings)
        assert {status for status in meanings if status > 3} <= set(ExitStatus)
        assert {ExitStatus.EX_OK, ExitStatus.EX_USAGE} <= set(meanings)


@pytest.mark.parametrize("page", MANUAL)
def test_the_man_pages_are_well_formed(page: str) -> None:
    """groff renders each man page without a warning."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed (apt install groff-base)")
    render = ["groff", "-mandoc", "-Tutf8", "-ww", "-z", str(DEBIAN / "man" / page)]
    done = subprocess.run(render, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["man --warnings --local-file", "mandoc -Tlint -Wwarning"])
def test_the_man_pages_are_shown_without_a_warning(command: str) -> None:
    """Neither of the programs that people read man pages with finds fault with one."""
    words = command.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed (apt install man-db mandoc)")
    pages = [str(DEBIAN / "man" / page) for page in MANUAL]
    done = subprocess.run([*words, *pages], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "warning" not in done.stdout.lower() or words[0] == "man"


def test_what_is_there_is_installed() -> None:
    """Every file of systemd/ has its place in the package, and every man page its line."""
    linked = {path.resolve().name for path in DEBIAN.iterdir() if path.is_symlink()}
    by_rules = set(re.findall(r" systemd/(\S+)", (DEBIAN / "rules").read_text()))
    pages = {Path(line).name for line in (DEBIAN / "camwatchd.manpages").read_text().split()}

    assert linked | by_rules == {path.name for path in (ROOT / "systemd").iterdir()}
    assert pages == set(MANUAL) > set(PAGES)


def test_what_is_there_is_in_the_source_package() -> None:
    """The copy that is built has all of the repository but what is only for working on it."""
    copied = re.search(r'^sources="(.*)"', (DEBIAN / "build.sh").read_text(), re.MULTILINE)
    made = {"build", "__pycache__"}

    assert copied is not None
    assert set(copied[1].split()) == {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and path.name not in made and path.suffix != ".egg-info"
    }


def test_udev_hears_of_the_rule_when_its_user_is_there() -> None:
    """The rule is read after debhelper's part, which creates the user it names, and as changed: udev took it for read
    when it did not know the user yet. When the package goes, so does what the rule has given, before the user."""
    postinst = (DEBIAN / "camwatchd.postinst").read_text()
    postrm = (DEBIAN / "camwatchd.postrm").read_text()
    steps = ["#DEBHELPER#", "touch /usr/lib/udev/rules.d/60-camwatchd.rules", "--reload", "udevadm trigger"]
    going = ['"$1" = remove ] && [ -d /dev/bus/usb', "= camwatchd ]; then chown root", "userdel"]

    assert steps == sorted(steps, key=postinst.index)
    assert going == sorted(going, key=postrm.index)


def test_the_licence_is_the_licence() -> None:
    """debian/copyright has the text of LICENSE."""
    text = (DEBIAN / "copyright").read_text().split("License: MIT\n")[-1]
    paragraphs = "\n".join("" if line == " ." else line.strip() for line in text.splitlines()).strip()

    assert paragraphs in (ROOT / "LICENSE").read_text()
    assert len(paragraphs) > 900


def test_the_scripts_have_no_known_pitfall() -> None:
    """shellcheck has nothing to say about what runs as root on other people's machines."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt install shellcheck)")
    scripts = sorted(
        path
        for path in DEBIAN.rglob("*")
        if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash"))
    )
    done = subprocess.run(["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False)

    assert len(scripts) >= 6
    assert done.returncode == 0, done.stdout
