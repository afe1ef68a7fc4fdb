# SPDX-License-Identifier: MIT
"""Shows a camera to as many browsers as you like, over HTTP as MJPEG.

    python3 -m camwatchd.examples.cam1_stream [--camera cam0] [--port 8000] [--fps 10]

While the camera is recovered viewers keep their connection and see the last picture; then it goes on.
"""

import argparse
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from camwatchd.client import Camera, FrameTimeoutError, to_jpeg

PAGE = b"<!doctype html><title>camera</title><img src='/stream.mjpg' style='max-width: 100%'>"
BOUNDARY = "frame"


class Viewer(BaseHTTPRequestHandler):
    """One viewer; each has a thread, and so a place of its own in the stream."""

    camera: Camera
    fps: float

    def do_GET(self) -> None:  # the name is http.server's
        """The page, or the stream in it."""
        if self.path == "/":
            self._head("text/html; charset=utf-8")
            self.wfile.write(PAGE)
        elif self.path == "/stream.mjpg":
            self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self._stream()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _head(self, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _stream(self) -> None:
        while True:
            try:
                for frame in self.camera.frames(max_fps=self.fps):
                    jpeg = to_jpeg(frame)
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
            except FrameTimeoutError as error:
                self.log_message("%s", error.message)  # and wait for the camera
            except ConnectionError:
                return  # the viewer has left


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--camera", default="cam0")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--fps", type=float, default=10.0)
    asked = parser.parse_args()
    Viewer.camera, Viewer.fps = Camera(asked.camera), asked.fps
    server = ThreadingHTTPServer(("", asked.port), Viewer)
    print(f"{asked.camera} is to be seen on port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
