# SPDX-License-Identifier: MIT
"""Owns the judgement on what a frame shows: frozen, black, saturated or damaged, from a thin sample of it.

Every frame is judged: a thin sample of at most 4000 points costs 6 microseconds (amd64, 640x480) including
mean and deviation, so there is nothing to gain from judging fewer. Nothing is decoded and no frame is copied.
"""

import math
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from camwatchd.core.settings import Checks

Pixels = npt.NDArray[np.uint8]
Meaning = Literal["ignore", "warn", "recover"]

SAMPLE_LIMIT = 4000  # points; the mean is within 2 grey levels (one standard error) whatever the picture

# A picture that is one flat area repeats a few bytes for ever: a block without detail is 4 or 6 bits with the
# standard tables (T.81 annex K). Any other scan is as good as random and shows nearly all 256 values.
_FLAT_SCAN_VALUES = 32


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fault` is a name of the fault table or empty; `remark` a subject and a text, said once per episode."""

    fault: str = ""
    evidence: str = ""
    remark: tuple[str, str] | None = None
    mean: float = -1.0
    deviation: float = -1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame shows: `identity` is equal for equal pictures; mean and deviation -1: not measured."""

    identity: object
    varied: bool  # enough to see that a frozen picture is no night
    mean: float = -1.0
    deviation: float = -1.0


class _Episode:
    """Since when something has been so without a break."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._told = False

    def lasted(self, present: bool, now: float) -> float:
        """Seconds since it began; -1 if it is not so now."""
        if not present:
            self._since, self._told = None, False
            return -1.0
        if self._since is None:
            self._since = now
        return now - self._since

    def tell_once(self) -> bool:
        """True the first time in this episode."""
        told, self._told = self._told, True
        return not told


class PictureCheck:
    """Follows the pictures of one camera. A restart of the stream changes nothing here: a picture that is the
    same before and after it is still frozen, and must not pass for a recovery.
    """

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._identity: object = None
        self._same = _Episode()
        self._black = _Episode()
        self._saturated = _Episode()

    def judge(self, sample: Pixels | None, encoded: memoryview | None, now: float) -> Verdict:
        """The verdict on one frame; `now` is monotonic."""
        if encoded is not None:
            broken = damage(encoded)
            return Verdict("broken-picture", broken) if broken else self._content(look_encoded(encoded), now)
        if sample is None or sample.size == 0:
            return Verdict("broken-picture", "the frame has no pixels")
        return self._content(look(sample, self._checks.frozen_min_deviation), now)

    def _content(self, seen: Look, now: float) -> Verdict:
        if frozen := self._frozen(seen, now):
            return Verdict("frozen-picture", frozen, None, seen.mean, seen.deviation)
        for verdict in (self._too_dark(seen, now), self._too_bright(seen, now)):
            if verdict:
                return verdict
        return Verdict(mean=seen.mean, deviation=seen.deviation)

    def _frozen(self, seen: Look, now: float) -> str:
        if self._identity != seen.identity:
            self._identity = seen.identity
            self._same.lasted(present=False, now=now)
        lasted = self._same.lasted(present=True, now=now)
        if not self._checks.frozen_after or not seen.varied or lasted < self._checks.frozen_after:
            return ""
        return f"the same picture for {lasted:.1f} s, deviation {seen.deviation:.1f}"

    def _too_dark(self, seen: Look, now: float) -> Verdict | None:
        lasted = self._black.lasted(0 <= seen.mean < self._checks.black_below, now)
        if lasted < 0 or lasted < self._checks.content_after:
            return None
        return _extreme("black-picture", self._checks.on_black, self._black, lasted, seen)

    def _too_bright(self, seen: Look, now: float) -> Verdict | None:
        lasted = self._saturated.lasted(seen.mean > self._checks.saturated_above, now)
        if lasted < 0 or lasted < self._checks.content_after:
            return None
        return _extreme("saturated-picture", self._checks.on_saturated, self._saturated, lasted, seen)


def _extreme(fault: str, means: Meaning, episode: _Episode, lasted: float, seen: Look) -> Verdict | None:
    text = f"mean brightness {seen.mean:.1f} for {lasted:.1f} s"
    if means == "recover":
        return Verdict(fault, text, None, seen.mean, seen.deviation)
    if means == "warn" and episode.tell_once():
        return Verdict(remark=(fault, text), mean=seen.mean, deviation=seen.deviation)
    return None


def look(sample: Pixels, min_deviation: float) -> Look:
    """Look at raw pixels. The thin sample itself is the identity: smaller than a row, and no hash to trust."""
    step = max(1, math.ceil(math.sqrt(sample.size / SAMPLE_LIMIT)))
    thin = sample[::step, ::step].tobytes()
    # A quarter of the time of mean() and std(); float32 is exact enough for sums of 4000 bytes.
    grey = np.frombuffer(thin, np.uint8).astype(np.float32)
    mean = float(grey.sum()) / grey.size
    grey -= mean
    deviation = math.sqrt(float(np.dot(grey, grey)) / grey.size)
    return Look(thin, deviation >= min_deviation, mean, deviation)


def look_encoded(encoded: memoryview) -> Look:
    """Look at an intact JPEG without decoding it: brightness is not known, sameness is."""
    middle = bytes(encoded[len(encoded) // 4 :][:SAMPLE_LIMIT])
    return Look((len(encoded), zlib.crc32(encoded)), len(set(middle)) >= _FLAT_SCAN_VALUES)


# What a frame of an MJPEG stream must have, after USB Video Class, Payload MJPEG 1.1, section 2 and ITU T.81
# annex B: SOI, DQT, SOF0, SOS, data, EOI. Huffman tables may be missing there (the standard ones count), as
# may JFIF's APP0. EOI is required and is what shows a frame that was cut short: a camera that leaves it out
# could not be told from one that loses the ends of its frames, so it is not excused. SOF1 and SOF2 (extended,
# progressive) are tolerated: odd, not damaged.
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOF = {0xC0, 0xC1, 0xC2}
_DQT, _SOS = 0xDB, 0xDA
_STANDALONE = {0x00, 0x01, *range(0xD0, 0xDA)}  # no length follows; none of them belongs into a header
# Cameras and drivers round a frame up to whole transfers; nothing but zeros, and no more than a page of them.
_PADDING_LIMIT = 4096


def damage(encoded: memoryview) -> str:
    """What is broken about a JPEG, by its structure alone; empty if nothing."""
    if encoded[:2] != _SOI:
        return f"no JPEG: begins with {encoded[:2].hex() or 'nothing'}"
    tail = bytes(encoded[-_PADDING_LIMIT - 2 :]).rstrip(b"\0")
    if not tail.endswith(_EOI):
        return f"cut short: {len(encoded)} bytes without an end marker"
    end = len(encoded) - min(len(encoded), _PADDING_LIMIT + 2) + len(tail) - 2
    return _header_damage(encoded, end)


def _header_damage(encoded: memoryview, end: int) -> str:
    at, found = 2, set[int]()
    while at + 4 <= end:
        if encoded[at] != 0xFF:
            return f"header damaged: no marker at byte {at}"
        code = encoded[at + 1]
        if code == 0xFF:  # fill byte, allowed before any marker (T.81 B.1.1.2)
            at += 1
            continue
        length = encoded[at + 2] << 8 | encoded[at + 3]
        if code in _STANDALONE or length < 2:
            return f"header damaged: marker {code:02x}, length {length} at byte {at}"
        found.add(code)
        at += 2 + length
        if code == _SOS:
            return _missing(found, end - at)
    return f"header damaged: no scan in {end} bytes"


def _missing(found: set[int], scan_bytes: int) -> str:
    if not found & _SOF:
        return "header damaged: no frame header (SOF) before the scan"
    if _DQT not in found:
        return "header damaged: no quantisation table (DQT) before the scan"
    return "" if scan_bytes > 0 else "no picture data in the scan"
