"""Stands in for kms++, which Debian does not package and picamera2 imports even without a display."""


class _Names(type):
    def __getattr__(cls, name: str) -> str:
        return name


class PixelFormat(metaclass=_Names):
    """The DRM preview, never used here, looks its colour formats up at import."""
