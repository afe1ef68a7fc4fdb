# SPDX-License-Identifier: MIT
"""Owns a minimal baseline JPEG (ITU-T T.81) of any size, built without an image library: one grey, or a texture.

Every block has only a DC difference. The first one sets the grey of the whole picture; the others are 0, or, for
a texture, up and down by the same random amount in turns, so that the scan is as varied as that of a real scene.
"""

import random

SOI, EOI, COM, DQT, SOF0, DHT, SOS = (
    bytes((0xFF, code)) for code in (0xD8, 0xD9, 0xFE, 0xDB, 0xC0, 0xC4, 0xDA)
)

_STEP = 16  # quantisation of every coefficient; a DC coefficient is 8 x (grey - 128)
_NUMBER = b"%010d"


class Jpeg:
    """One JPEG file whose comment carries the number of the frame."""

    def __init__(self, width: int, height: int, grey: int, *, texture: bool = False) -> None:
        body = _body(width, height, grey, texture)
        self._bytes = bytearray(SOI + _segment(COM, _NUMBER % 0) + body)
        self._number_at = len(SOI) + len(COM) + 2

    def numbered(self, number: int) -> memoryview:
        """The file with this number in it, in the same memory each time."""
        end = self._number_at + len(_NUMBER % 0)
        self._bytes[self._number_at : end] = _NUMBER % number
        return memoryview(self._bytes)


def _segment(marker: bytes, payload: bytes) -> bytes:
    return marker + (len(payload) + 2).to_bytes(2, "big") + payload


def _body(width: int, height: int, grey: int, texture: bool) -> bytes:
    level = min(max((grey - 128) * 8 // _STEP, -64), 63)
    category = abs(level).bit_length()
    waves = 3 if category != 3 else 4  # bits of a texture's differences; a table must not hold a value twice
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"".join(
        (
            _segment(DQT, b"\x00" + bytes([_STEP]) * 64),
            _segment(SOF0, b"\x08" + size + b"\x01" + b"\x01\x11\x00"),
            # DC: "0" is a difference of 0, "10" one of `category` bits, "110" of `waves`; AC: "0" ends the block.
            _segment(DHT, b"\x00" + _lengths(1, 1, 1) + bytes([0, category or 1, waves])),
            _segment(DHT, b"\x10" + _lengths(1) + b"\x00"),
            _segment(SOS, b"\x01" + b"\x01\x00" + b"\x00\x3f\x00"),
            _entropy(-(-width // 8) * -(-height // 8), level, category, waves if texture else 0),
            EOI,
        )
    )


def _lengths(*codes: int) -> bytes:
    """How many Huffman codes there are of 1, 2, ... 16 bits."""
    return bytes(codes).ljust(16, b"\x00")


def _entropy(blocks: int, level: int, category: int, waves: int) -> bytes:
    value = (
        level if level >= 0 else level + (1 << category) - 1
    )  # negative: one's complement, as the standard has it
    first = f"10{value:0{category}b}0" if category else "00"
    bits = first + ("".join(_waves(blocks - 1, waves)) if waves else "00" * (blocks - 1))
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return packed.replace(b"\xff", b"\xff\x00")  # a bare FF would begin a marker


def _waves(blocks: int, size: int) -> list[str]:
    """Differences of `size` bits, up and down again in turns; the same ones for every picture."""
    dice = random.Random(blocks)  # noqa: S311 - a texture, no secret
    waves: list[str] = []
    while len(waves) < blocks:
        up = dice.randrange(1 << (size - 1), 1 << size)
        down = ~up & (1 << size) - 1
        # A flat block in between, or all codes would begin at the same few bits of a byte.
        waves += [f"110{up:0{size}b}0", *(["00"] * dice.randrange(2)), f"110{down:0{size}b}0"]
    return waves[:blocks]
