# SPDX-License-Identifier: MIT
"""Tests of the way from files to settings: defaults, merging, origins."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camwatchd.adapters.config import Loaded, build, load, merge
from camwatchd.adapters.config_read import Entry
from camwatchd.core.ladder import LADDER, Rung
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings

ORIGINAL = {  # the keys and defaults of the original requirement
    "supervision.max_consecutive_failures": 3, "supervision.no_frame_timeout": 30.0,
    "supervision.max_recovery_attempts": 5, "supervision.frame_timeout": 5.0, "supervision.recovery_cooldown": 30.0,
    "supervision.system_reboot_threshold": 10, "health.excellent_score": 90, "health.good_score": 70,
    "health.warning_score": 30, "health.critical_score": 0,
}  # fmt: skip


def _load(root: Path, main: str | None = None, **drop_ins: str) -> Loaded:
    (root / "conf.d").mkdir()
    if main is not None:
        (root / "config.toml").write_text(main)
    for name, text in drop_ins.items():
        (root / "conf.d" / f"{name}.toml").write_text(text)
    return load(root / "config.toml", root / "conf.d")


def test_no_file_means_defaults(tmp_path: Path) -> None:
    """Without any file, or folder of drop-ins, every key has its default and says so."""
    loaded = load(tmp_path / "config.toml", tmp_path / "conf.d")

    assert loaded.settings == Settings()
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.files == ()


@pytest.mark.parametrize(("key", "value"), ORIGINAL.items())
def test_original_keys_keep_their_defaults(key: str, value: float) -> None:
    """The keys of the original requirement keep name, section and default."""
    section, _, name = key.partition(".")

    assert getattr(getattr(Settings(), section), name) == value


def test_first_camera_is_cam0(tmp_path: Path) -> None:
    """Without any [camera] table there is one camera, cam0, with all defaults."""
    assert _load(tmp_path, "[camera]\n").settings.cameras == (CameraSettings(name="cam0"),)


def test_values_arrive_typed(tmp_path: Path) -> None:
    """Each kind of key arrives as the type the settings declare; a whole number may stand for any number."""
    loaded = _load(tmp_path, """
        [daemon]
        standby = false
        log_format = "json"
        [supervision]
        frame_timeout = 7
        [camera.garden]
        backend = "simulated"
        id = "/base/soc/x@1a"
        controls = { ExposureTime = 10000, ColourGains = [1.5, 2], AfWindows = [[0, 0, 9, 9]] }
        checks.on_black = "recover"
        [[camera.garden.fault]]
        kind = "crash"
        at = 20
        until = "restart-stream"
    """)  # fmt: skip

    garden = loaded.settings.cameras[0]
    assert (loaded.settings.daemon.standby, loaded.settings.daemon.log_format) == (False, "json")
    assert repr(loaded.settings.supervision.frame_timeout) == "7.0"
    assert (garden.name, garden.id, garden.checks.on_black) == ("garden", "/base/soc/x@1a", "recover")
    assert garden.controls == {"ExposureTime": 10000, "ColourGains": [1.5, 2], "AfWindows": [[0, 0, 9, 9]]}
    assert garden.fault == (ScriptedFault(kind="crash", at=20.0, until=Rung.RESTART_STREAM),)
    assert isinstance(garden.fault[0].until, Rung)


def test_script_begins_at_once() -> None:
    """A scripted fault with neither at nor at_frame begins with the first opening; with at_frame only there."""
    assert ScriptedFault().at == 0.0
    assert ScriptedFault(at_frame=5).at is None


def test_drop_ins_win_key_by_key(tmp_path: Path) -> None:
    """A later file replaces the keys it names and leaves the others of the same table; each knows its file."""
    loaded = _load(
        tmp_path,
        "[supervision]\nframe_timeout = 2\nstable_after = 60\n",
        **{"20": "[supervision]\nframe_timeout = 4\n", "10": "[supervision]\nframe_timeout = 3\n"},
    )

    rules = loaded.settings.supervision
    assert (rules.frame_timeout, rules.stable_after, rules.import_timeout) == (4, 60, 60)
    assert loaded.origins["supervision.frame_timeout"] == str(tmp_path / "conf.d" / "20.toml")
    assert loaded.origins["supervision.stable_after"] == str(tmp_path / "config.toml")
    assert loaded.origins["supervision.import_timeout"] == "default"
    assert [Path(file).stem for file in loaded.files] == ["config", "10", "20"]


def test_tables_merge_and_scripts_are_replaced(tmp_path: Path) -> None:
    """Tables of a camera merge, its controls too; its script is one value, replaced as a whole."""
    script = "[[camera.a.fault]]\nat = 1\n[[camera.a.fault]]\nat = 2\n"
    loaded = _load(
        tmp_path,
        f'[camera.a]\nbackend = "simulated"\nwidth = 1280\ncontrols = {{ X = 1, Y = 2 }}\n{script}',
        later='[camera.a]\nheight = 720\ncontrols = { Y = 3, "Z z" = 4 }\nfault = [{ kind = "drop" }]\n',
    )

    camera = loaded.settings.cameras[0]
    assert (camera.backend, camera.width, camera.height) == ("simulated", 1280, 720)
    assert camera.controls == {"X": 1, "Y": 3, "Z z": 4}
    assert camera.fault == (ScriptedFault(kind="drop"),)
    assert loaded.origins['camera.a.controls."Z z"'] == loaded.origins["camera.a.fault"] == loaded.files[1]
    assert loaded.origins["camera.a.controls.X"] == loaded.files[0]


def test_cameras_keep_their_order(tmp_path: Path) -> None:
    """Cameras stand in the order in which the files first mention them; an empty table is a camera."""
    loaded = _load(
        tmp_path, "[camera.front]\n", more="[camera.back]\nindex = 1\n[camera.front]\nwidth = 2\n"
    )

    assert [camera.name for camera in loaded.settings.cameras] == ["front", "back"]


def test_rungs_override_their_row(tmp_path: Path) -> None:
    """A [ladder.<rung>] table changes the named numbers of that row and nothing else."""
    loaded = _load(tmp_path, "[ladder.restart-stream]\nattempts = 7\n[ladder.reset-device]\nbackoff = 9\n")

    ladder = loaded.settings.ladder
    assert [row.rung for row in ladder] == list(Rung)
    assert [row.attempts for row in ladder] == [0, 7, *(row.attempts for row in LADDER[2:])]
    assert (ladder[3].backoff, ladder[3].enabled) == (9, True)


def test_only_toml_files_are_drop_ins(tmp_path: Path) -> None:
    """Editors' and packagers' left-overs beside the drop-ins are not read; a byte order mark is no error."""
    (tmp_path / "conf.d").mkdir()
    for name in ("README", ".10.toml", "10.toml.dpkg-old", "10.toml~"):
        (tmp_path / "conf.d" / name).write_text("this is no TOML")
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[daemon]\r\nstandby = true\r\n")

    assert load(tmp_path / "config.toml", tmp_path / "conf.d").settings.daemon.standby is True


_KEYS = st.sampled_from(
    [("health", "good_score"), ("supervision", "frame_timeout"), ("camera", "a", "width")]
)
_FILES = st.lists(st.dictionaries(_KEYS, st.integers(31, 89)), max_size=5)


@given(_FILES)
def test_order_of_files_decides(files: list[dict[tuple[str, ...], int]]) -> None:
    """For each key the last file that has it wins, however the files before it are grouped."""
    entries = [Entry(str(n), path, value) for n, file in enumerate(files) for path, value in file.items()]

    merged = merge(entries)
    for path in {entry.path for entry in entries}:
        assert merged[path] == [entry for entry in entries if entry.path == path][-1]
    for cut in range(len(entries) + 1):
        first, rest = merge(entries[:cut]), merge(entries[cut:])
        assert merge([*first.values(), *rest.values()]) == merged
    assert build(merged).cameras[0].width == merged.get(("camera", "a", "width"), Entry("", (), 640)).value
