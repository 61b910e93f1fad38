"""A server on this machine that does what servers do: sends, cuts, stalls, leads elsewhere, sends a page instead."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = [
    "Server",
    "answers",
    "busy",
    "cut",
    "page",
    "redirect",
    "sends",
    "serving",
    "slow",
    "stalls",
    "status",
    "then",
]


class Server:
    """What is served at which path, and what was asked for: (path, Range header)."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.routes = {}
        self.asked = []


@contextlib.contextmanager
def serving():
    """Serve while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.path, self.headers.get("Range")))
            with contextlib.suppress(ConnectionError):
                server.routes.get(self.path, status(404))(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = Server(http.server_port)
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            http.shutdown()


def sends(content, ranges=True, length=True, kind="application/octet-stream", pause=0.0, most=None, tag=""):
    """Send bytes, from where they are asked for if `ranges`; pausing after each 64 KiB; ending after `most`.

    With a `tag` they are those of that version, and one who wants the rest of another gets them all.
    """

    def handle(request):
        asked = request.headers.get("Range", "")
        same = request.headers.get("If-Range", tag) == tag
        start = int(asked[6:-1]) if ranges and asked and same else 0
        if start and start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Type", kind)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if length:
            request.send_header("Content-Length", str(len(content) - start))
        if tag:
            request.send_header("ETag", tag)
        request.end_headers()
        rest = content[start : None if most is None else start + most]
        for place in range(0, len(rest), 2**16):
            request.wfile.write(rest[place : place + 2**16])
            request.wfile.flush()
            time.sleep(pause)

    return handle


def cut(content, after, ranges=True, times=10**9, tag=""):
    """Break the connection after so many bytes, so many times; then send all."""
    left = [times]

    def handle(request):
        left[0] -= 1
        sends(content, ranges, most=after if left[0] >= 0 else None, tag=tag)(request)

    return handle


def slow(content, pause=0.05):
    return sends(content, pause=pause)


def stalls(content, after, seconds):
    """Fall silent after so many bytes, the first time."""

    def silent(request):
        sends(content, most=after)(request)
        time.sleep(seconds)

    return then(silent, sends(content))


def answers(code, headers, content=b""):
    """Send exactly this."""

    def handle(request):
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    return handle


def page(text="<!DOCTYPE html><html><title>Log in</title></html>", kind="text/html; charset=utf-8"):
    """Send a page with the status 200, as log-ins and notices do."""
    return sends(text.encode(), kind=kind)


def redirect(to):
    def handle(request):
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    return handle


def status(code):
    def handle(request):
        request.send_response(code)
        request.end_headers()

    return handle


def then(first, other):
    """Do the first the first time, and the other from then on."""
    routes = [first]
    return lambda request: (routes.pop() if routes else other)(request)


def busy(content, times):
    """Answer 503 so many times; then send all."""
    left = [times]

    def handle(request):
        left[0] -= 1
        (status(503) if left[0] >= 0 else sends(content))(request)

    return handle
