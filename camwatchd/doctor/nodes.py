# SPDX-License-Identifier: MIT
"""Owns the device nodes that libcamera opens: which there are, whose they are, who may use them."""

import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from camwatchd.doctor.place import Place

_KINDS = ("video*", "media*", "v4l-subdev*", "dma_heap/*", "udmabuf")
_HEAPS = re.compile(r"dma_heap/(vidbuf_cached|linux,cma|default_cma_region|cma|reserved|system)$|udmabuf$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node, or a file, as stat(2) sees it; `name` is its path below /dev."""

    name: str
    uid: int
    gid: int
    mode: int  # permission bits

    @property
    def opens_for_group(self) -> bool:
        """Whether its group may read and write, and others may not."""
        return self.mode & 0o066 == 0o060

    @property
    def is_camera(self) -> bool:
        """Whether it is a camera's, or of what is behind it; they all belong together."""
        return self.name.startswith(("video", "media", "v4l-subdev"))

    @property
    def is_heap(self) -> bool:
        """Whether libcamera takes buffers from it; one of them is enough."""
        return _HEAPS.match(self.name) is not None

    def usable(self, uid: int, gids: Collection[int]) -> bool:
        """Whether such a user may read and write it."""
        return self.allows(uid, gids, 0o6)

    def allows(self, uid: int, gids: Collection[int], bits: int) -> bool:
        """Whether owner, group and mode give such a user these bits, in the kernel's order."""
        shift = 6 if uid == self.uid else 3 if self.gid in gids else 0
        return uid == 0 or self.mode >> shift & bits == bits

    @classmethod
    def at(cls, path: Path, folder: Path) -> "Node | None":
        """The one there, named from this folder; None: there is none, or it is not shown."""
        try:
            status = path.stat()  # what a link stands for, if it stands for anything
        except OSError:
            return None
        name = str(path.relative_to(folder))
        return cls(name=name, uid=status.st_uid, gid=status.st_gid, mode=stat.S_IMODE(status.st_mode))


def nodes(place: Place) -> tuple[Node, ...]:
    """All of them."""
    found = (path for kind in _KINDS for path in place.files(f"dev/{kind}"))
    return tuple(node for path in found if (node := Node.at(path, place.root / "dev")))
