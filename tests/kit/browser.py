"""Chromium without a window, driven through ChromeDriver by the W3C's WebDriver protocol: requests of JSON, no package.

Both programs must be installed (Debian: chromium, chromium-driver); `missing` says what is not.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

CHROMIUM, DRIVER = (next(filter(None, map(shutil.which, names)), None) for names in (
    ("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)))  # fmt: skip
missing = " and ".join(name for name, path in (("Chromium", CHROMIUM), ("ChromeDriver", DRIVER)) if path is None)

ARGUMENTS = [
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of a reference to an element, fixed by the standard


class Browser:
    """One window. Use it as a context manager; `run` and `wait` call JavaScript in the page."""

    def __enter__(self):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True)
        try:
            port = next(filter(None, (re.search(r"on port ([1-9]\d*)", line) for line in self._driver.stdout)))[1]
            self._at = f"http://127.0.0.1:{port}"
            arguments = [*ARGUMENTS, f"--user-data-dir={self._profile.name}", *["--no-sandbox"] * (os.getuid() == 0)]
            options = {"binary": CHROMIUM, "args": arguments}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._at += f"/session/{session['sessionId']}"
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *error):
        try:
            self._ask("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self._driver.terminate()
        self._driver.communicate()
        self._profile.cleanup()

    def _ask(self, method, path, content=None):
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._at + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, path):
        """A file."""
        self._ask("POST", "/url", {"url": path.resolve().as_uri()})

    def run(self, script, *arguments):
        """What the body of a function returns; `arguments` are its arguments."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """What the promise holds in the end that the body of an async function makes."""
        script = f"const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done)"
        return self._ask("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def cdp(self, command, **parameters):
        """A command of Chromium's own protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def complaints(self):
        """What the page wrote to its console since the last call: errors and warnings."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def press(self, *keys):
        """Press and let go of keys, one after another; "Shift+x" holds Shift."""
        actions = []
        for key in keys:
            *held, key = key.split("+") if len(key) > 1 else [key]
            codes = [KEYS.get(name, name) for name in (*held, key)]
            actions += [{"type": "keyDown", "value": code} for code in codes]
            actions += [{"type": "keyUp", "value": code} for code in reversed(codes)]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def drag(self, selector, *points, kind="mouse"):
        """Press at the first point, move to the others and let go: (x, y) in pixels from the middle of an element."""
        element = self.run("return document.querySelector(arguments[0])", selector)
        moves = [
            {"type": "pointerMove", "origin": {ELEMENT: element[ELEMENT]}, "x": x, "y": y, "duration": 20}
            for x, y in points
        ]
        actions = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions})

    def _act(self, source):
        self._ask("POST", "/actions", {"actions": [source]})
        self.wait("await new Promise(requestAnimationFrame)")  # the page answers in the next frame


KEYS = {
    "Tab": "\ue004", "Enter": "\ue007", "Shift": "\ue008", "Space": " ", "End": "\ue010", "Home": "\ue011",
    "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015", "Delete": "\ue017",
}  # fmt: skip
