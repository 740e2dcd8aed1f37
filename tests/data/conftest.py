"""Small data files, a folder for downloads, and a mirror on this computer."""

import gzip
import http.server
import threading

import numpy as np
import pytest

from specframe.data import published
from tests.data.samples import idx_bytes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No test sees the user's own data: SPECFRAME_DATA is unset and the cache is an empty temporary folder."""
    monkeypatch.delenv("SPECFRAME_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    published.notice_other_content.cache_clear()  # what one test was told is news to the next
    published.notice_other_checksum.cache_clear()
    return tmp_path / "xdg" / "specframe"


@pytest.fixture
def write_idx(tmp_path):
    """write_idx(name, array) -> path of an IDX file below tmp_path, packed when the name ends in .gz."""

    def write(name, array):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = idx_bytes(np.asarray(array))
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    return write


@pytest.fixture
def mirror(monkeypatch):
    """A web server on 127.0.0.1: mirror.files["/name"] = bytes, or a function of the request handler.

    mirror.url is its address, mirror.requests the list of paths it was asked for.
    """
    monkeypatch.setenv("no_proxy", "*")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.requests.append(self.path)
            content = self.server.files.get(self.path)
            if content is None:
                self.send_error(404)
            elif callable(content):
                content(self)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests, server.url = {}, [], f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
