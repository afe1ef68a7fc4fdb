# SPDX-License-Identifier: MIT
"""The guard reads [reboot] without Python, and never sees reboots armed where the daemon does not."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.adapters.config import load
from camwatchd.core.settings import Reboot
from camwatchd.errors import ConfigError
from tests.adapters.guard_rig import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """One boot failed: any limit of 1 closes, the defaults do not."""
    machine = Machine(tmp_path_factory.mktemp("machine") / "root")
    machine.history("watchdog")
    return machine


def both(machine: Machine, *texts: str) -> tuple[bool, bool]:
    """Whether reboots are closed by these files: as the daemon reads them, and as the guard does."""
    etc = machine.root / "etc/camwatchd"
    for old in etc.rglob("*.toml"):
        old.unlink()
    for number, text in enumerate(texts):
        machine.configure(text, f"conf.d/{number}.toml" if number else "config.toml")
    reboot = load(etc / "config.toml", etc / "conf.d").settings.reboot
    limits = (reboot.max_boots_without_health, reboot.max_reboots_per_day, reboot.max_reboots_per_week)
    machine.generate()
    return reboot.mode != "armed" or min(limits) <= 1, bool(machine.why)


ORDINARY = [
    "",
    "[reboot]",
    '[reboot]\nmode = "armed"',
    '[reboot]\nmode = "off"',
    '[reboot]\nmode = "observe"',
    "[reboot]\nmode='off'",
    '  [ reboot ]  # now\n\tmode\t=\t"off"  # "armed"',
    '["reboot"]\n"mode" = "off"',
    "['reboot']\n'mode' = 'off'",
    'reboot.mode = "off"',
    'reboot . "mode" = "off"',
    '"reboot".mode = "off"',
    'reboot = { mode = "off" }',
    'reboot = {mode="off",max_reboots_per_day=3}',
    'reboot = { max_reboots_per_day = 3, mode = "armed" }',
    "reboot = {}",
    'reboot = { window = "02:00-04:30" }',
    '[reboot]\r\nmode = "off"\r\n',
    '\ufeff[reboot]\nmode = "off"',
    "[reboot]\nmax_boots_without_health = 1",
    "[reboot]\nmax_boots_without_health = 3",
    "[reboot]\nmax_reboots_per_day = 0",
    "[reboot]\nmax_reboots_per_day = 1 # or 4",
    "[reboot]\nmax_reboots_per_day = 100\nmax_reboots_per_week = 500",
    "[reboot]\nmax_reboots_per_week = 1",
    '[reboot]\nmin_uptime_before_reboot = 1.5\nwait_for_others = 0\nwindow = "02:00-04:30"\n',
    '# mode = "off"\n[reboot]\n# mode = "off"\n',
    '[daemon]\nlog_level = "debug"\n[reboot]\nmode = "off"\n[health]\ngood_score = 71',
    '[camera.reboot]\nid = "mode = \\"off\\""\n',
    '[camera.reboot]\nid = "[reboot]"\nmodel = \'mode = "off" #\'\n',
    '[camera.a]\nid = """\n[reboot]\nmode = "off"\n"""\n',
    '[reboot]\nmode = "off"\n[camera.a]\nid = """\n[reboot]\nmode = "armed"\n"""\n',
    "[reboot]\nmode = \"off\"\n[camera.a]\nid = '''\\\n[reboot]\nmode = \"armed\"''''\n",
    '[camera.a]\nid = """ \\""" [ """""\n[reboot]\nmode = "off"',
    '[camera.a.controls]\nX = [[1,\n2], # ]\n[3, 4]]\n[reboot]\nmode = "off"',
    '[camera.a]\ncontrols = { Y = "}", "Z z" = [1,\n2] }\n[reboot]\nmode = "off"',
    '[camera.a.controls]\nmode = "off"\nreboot = 1\n"a.b" = "\\""\n',
    '[[camera.a.fault]]\nmessage = "]"\n[camera.a]\nbackend = "simulated"\n[reboot]\nmode = "off"',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_spellings_mean_the_same(machine: Machine, text: str) -> None:
    """What people write is read by the guard as by the daemon."""
    daemon, guard = both(machine, text)

    assert daemon == guard


# What the guard does not bother to understand. The daemon has reboots armed in each of them, or could have.
ODD = [
    '[reboot]\nmode = "\\u0061rmed"',
    '[reboot]\nmode = """armed"""',
    '["re\\u0062oot"]\nmode = "armed"',
    '"re\\u0062oot".mode = "armed"',
    '[reboot]\n"\\u006dode" = "armed"',
    "[reboot]\nmax_reboots_per_day = +4",
    "[reboot]\nmax_reboots_per_day = 1_0",
    "[reboot]\nmax_reboots_per_day = 0x4",
]


@pytest.mark.parametrize("text", ODD)
def test_odd_spellings_are_closed(machine: Machine, text: str) -> None:
    """Whatever about [reboot] is not understood closes, and is named with its place."""
    assert both(machine, text) == (False, True)
    assert "/etc/camwatchd/config.toml:" in machine.why


REFUSED = [
    '[reboot]\nmode = "of"',
    "[reboot]\nmode = off",
    "[reboot]\nmode = false",
    "[reboot]\nmod = 1",
    "[reboot]\nmax_reboots_per_day = 4.0",
    "[reboot]\nmax_reboots_per_day = -1",
    'reboot = "off"',
    "reboot = 1",
    'reboot = { mode = { x = "off" } }',
    'reboot.mode.x = "off"',
    '[reboot.mode]\nx = "off"',
    '[[reboot]]\nmode = "off"',
    '[reboot]\nmode = "off',
    "[reboot]\nmax_reboots_per_day = [1,",
    '[reboot]\nmode = """off',
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_daemon_refuses_about_it_is_closed(machine: Machine, text: str) -> None:
    """A mistake in [reboot] keeps the daemon from starting, and the guard from trusting it."""
    with pytest.raises(ConfigError):
        both(machine, text)
    machine.generate()

    assert machine.why != ""


@pytest.mark.parametrize(
    "texts",
    [
        ('[reboot]\nmode = "off"', '[reboot]\nmode = "armed"'),
        ('[reboot]\nmode = "armed"', 'reboot.mode = "off"'),
        ("[reboot]\nmax_reboots_per_day = 1", '[reboot]\nmode = "armed"'),
        ("[reboot]\nmax_reboots_per_day = 1", "[reboot]\nmax_reboots_per_day = 2"),
        ("[daemon]", "", '[reboot]\nmode = "observe"'),
        ('[camera.a]\nid = "x"', '[reboot]\nmode = "off"', "[health]"),
    ],
)
def test_later_files_win_key_by_key(machine: Machine, texts: tuple[str, ...]) -> None:
    """The main file comes first, then the drop-ins by name."""
    daemon, guard = both(machine, *texts)

    assert daemon == guard


def test_a_spelling_that_is_overruled_does_not_matter(machine: Machine) -> None:
    """A value that is not understood is forgotten when a later file has one that is."""
    assert both(machine, '[reboot]\nmode = "\\u0061rmed"', '[reboot]\nmode = "armed"') == (False, False)


def test_only_drop_ins_are_read(machine: Machine) -> None:
    """Files of other names are nobody's; a name that looks like an assignment is only a name."""
    both(machine, "")
    for name in ("conf.d/.hidden.toml", "conf.d/x.toml~", "conf.d/README"):
        machine.configure('[reboot]\nmode = "off"', name)
    machine.generate()
    assert machine.why == ""
    machine.configure('[reboot]\nmode = "off"', "conf.d/a b=c.toml")
    machine.generate()

    assert machine.why == '[reboot] mode is "off"'


def test_what_is_no_file_is_closed(machine: Machine) -> None:
    """A folder, a broken link or a pipe by the name of a drop-in: the daemon refuses it, the guard does not hang."""
    both(machine, "")
    for make in (Path.mkdir, lambda path: path.symlink_to("nowhere")):
        odd = machine.root / "etc/camwatchd/conf.d/odd.toml"
        make(odd)
        machine.generate()
        assert "conf.d/odd.toml" in machine.why
        odd.rmdir() if odd.is_dir() else odd.unlink()


def test_the_guard_knows_every_key() -> None:
    """A key of [reboot] that the guard does not know would close; its defaults are the daemon's."""
    script = (Path(__file__).parents[2] / "systemd/guard.sh").read_text()
    counted = {"mode", "max_reboots_per_day", "max_reboots_per_week", "max_boots_without_health"}

    for key in dataclasses.fields(Reboot):
        if key.name in counted:
            value = f'"{key.default}"' if isinstance(key.default, str) else key.default
            assert f'set["{key.name}"] = {value}\n' in script
        else:
            assert key.name in script.split("key !~ /^(")[1].split(")")[0].split("|")


# --- made by hypothesis -----------------------------------------------------------------------------------

SPACE = st.sampled_from(["", " ", "\t", "  "])
MODES = ['"armed"', '"off"', '"observe"', "'armed'", "'off'"]
NUMBERS = ["1", "2", "7"]
ODD_MODES = ['"\\u0061rmed"', '"o\\u0066f"', '"""off"""', "'''armed'''", '"""\noff"""', '"""o\\\n  ff"""']
ODD_NUMBERS = ["+1", "0x1", "0b1", "0o1", "1_0", "+7"]
DECOYS = [
    "",
    "# [reboot]",
    '# mode = "armed" """',
    '[daemon]\nlog_level = "debug"',
    '[camera.a]\nbackend = "simulated"\nid = """\n[reboot]\nmode = "armed"\n"""',
    "[camera.b]\nbackend = \"simulated\"\nid = '''\nreboot = {}\n[reboot]\nmode = \"armed\"'''",
    '[camera.c]\nbackend = "simulated"\nid = "\\"[reboot]\\\\"\nmodel = "#"',
    '[camera.d]\nbackend = "simulated"\ncontrols = { "reboot.mode" = ["armed",\n"]" # "\n] }',
    '[camera.e]\nbackend = "simulated"\n[[camera.e.fault]]\nmessage = "mode = \'armed\'"',
]


_KEYS = ["mode", "max_reboots_per_day", "max_reboots_per_week", "max_boots_without_health"]


def escaped(name: str) -> str:
    """A key whose first letter is written by its number."""
    return f'"\\u{ord(name[0]):04x}{name[1:]}"'


@st.composite
def documents(
    draw: st.DrawFn, modes: list[str], numbers: list[str], spellings: list[Callable[[str], str]]
) -> str:
    """A file that the daemon accepts, with some keys of [reboot] and much that looks like them."""
    space = [draw(SPACE) for _ in range(4)]
    spelling = st.sampled_from(spellings)
    lines = [
        f"{draw(spelling)(key)}{space[0]}={space[1]}{draw(st.sampled_from(modes if key == 'mode' else numbers))}"
        for key in draw(st.lists(st.sampled_from(_KEYS), unique=True, max_size=3))
    ]
    table = draw(spelling)("reboot")
    first, *others = draw(st.permutations(DECOYS))[: draw(st.integers(1, 4))]
    parts = {
        "table": [first, f"{space[2]}[{space[3]}{table}{space[0]}]{space[1]}# x", *lines, *others],
        "dotted": [*(f"{table}{space[2]}.{space[3]}{line}" for line in lines), first, *others],
        "inline": [f"{table} = {{{space[2]}{', '.join(lines)}{space[3]}}} # }}", first, *others],
    }[draw(st.sampled_from(["table", "dotted", "inline"]))]
    text = "\n".join(parts).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return draw(st.sampled_from(["", "\ufeff"])) + text


PLAIN = documents(MODES, NUMBERS, [str, lambda name: f'"{name}"', lambda name: f"'{name}'"])
STRANGE = documents(MODES + ODD_MODES, NUMBERS + ODD_NUMBERS, [str, lambda name: f'"{name}"', escaped])


@settings(deadline=None)
@given(st.lists(PLAIN, min_size=1, max_size=3))
def test_any_ordinary_configuration_means_the_same(machine: Machine, texts: list[str]) -> None:
    """Whatever else stands in the files, the guard finds of [reboot] what the daemon finds."""
    daemon, guard = both(machine, *texts)

    assert daemon == guard


@settings(deadline=None)
@given(st.lists(STRANGE, min_size=1, max_size=3))
def test_no_configuration_is_open_that_the_daemon_has_closed(machine: Machine, texts: list[str]) -> None:
    """However strangely it is spelt, as long as the daemon accepts it."""
    daemon, guard = both(machine, *texts)

    assert guard or not daemon
