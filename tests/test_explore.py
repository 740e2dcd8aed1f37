"""docs/explore.html: it is what its command builds, asks the network for nothing, and computes what specframe does.

The tests in a browser need Chromium and ChromeDriver; that of accessibility also axe-core (`npm install --no-save
axe-core@4` in the repository).
"""

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.data import Digits
from tests.kit import browser as kit

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explore.html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = (1280, 900), (360, 740)


def load_builder():
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "explore" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = load_builder()

# ---- the file ------------------------------------------------------------------------------------------------------


def test_the_page_is_what_its_command_builds():
    assert PAGE.read_text(encoding="utf-8") == builder.build(), "run python docs/explore/build.py"


class Tags(HTMLParser):
    """(tag, attributes) of a page, and all text in <style>, <script> and the attributes."""

    def __init__(self, text):
        super().__init__()
        self.found, self.code = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.code += data if self.found and self.found[-1][0] in ("style", "script") else ""


@pytest.fixture(scope="module")
def tags():
    return Tags(PAGE.read_text(encoding="utf-8"))


def test_nothing_in_the_page_asks_for_another_file(tags):
    for tag, attributes in tags.found:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "data:").startswith("data:"), f"<{tag} {name}={attributes[name]}>"
    assert not re.search(r"https?:|//\w+\.|@import|url\(|\bfetch\b|XMLHttpRequest|WebSocket|\bimport\b", tags.code)


def test_the_browser_is_told_to_load_nothing(tags):
    (policy,) = [a["content"] for tag, a in tags.found if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "http" not in policy and "*" not in policy


def test_the_page_has_a_language_a_title_and_a_name_for_all_that_can_be_moved(tags):
    labels = {attributes.get("for") for tag, attributes in tags.found if tag == "label"}
    assert ("html", {"lang": "en"}) in tags.found and any(tag == "title" for tag, _ in tags.found)
    for tag, attributes in tags.found:
        if tag in ("input", "canvas"):
            assert attributes.get("id") in labels or attributes.get("aria-label"), attributes


def test_the_net_of_the_page_reads_its_twenty_digits():
    net, saved = builder.load()
    images = saved["digits"].astype(np.float32) / np.float32(255)
    logits = net(sf.Tensor(np.ascontiguousarray(images.transpose(1, 2, 0)[..., None]))).numpy()
    assert logits.argmax(axis=1).tolist() == saved["labels"].tolist() == [digit for digit in range(10) for _ in "ab"]


# ---- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def window():
    if kit.missing:
        pytest.skip(f"{kit.missing} not installed: the page is not tried in a browser")
    with kit.Browser() as browser:
        yield browser


@pytest.fixture
def page(window):
    """The page, opened anew in a window of the size of a desk's; whatever it complains about fails the test."""
    resize(window, DESKTOP)
    window.open(PAGE)
    yield window
    assert window.complaints() == []


def resize(window, size, dark=False):
    width, height = size
    window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    window.cdp("Emulation.setEmulatedMedia", features=[theme])


def text(page, selector):
    return page.run("return document.querySelector(arguments[0]).textContent", selector)


def digits(count):
    """The first bundled test digits, as the page takes them and as the net does."""
    images = Digits("test").images[:count, 0]
    return images.reshape(count, 784), np.ascontiguousarray(images.transpose(1, 2, 0)[..., None])


def nearest_to(beta, net, x):
    """A threshold near beta that no |Y| of either block is near, so that rounding decides nothing.

    Sets it in the net.
    """

    def margin(block, x):
        Y = ops.spectral_conv2d(ops.rfft2(x, x.shape[:2]), block.weight, block.bias)
        return float(abs(abs(Y.numpy()) - block.beta).min())

    for step in range(100):
        net.conv1.beta = net.conv2.beta = float(np.float32(beta + 1e-3 * step))
        if min(margin(net.conv1, sf.Tensor(x)), margin(net.conv2, net.stage(0, sf.Tensor(x)))) > 5e-6:
            return net.conv1.beta
    raise AssertionError(f"every threshold near {beta} has entries on its edge")


@pytest.mark.parametrize("scale", [2.0, 0.7])
@pytest.mark.parametrize("beta", [0.0, 0.3, 0.5, 1.2])
def test_logits_are_those_of_specframe(page, beta, scale):
    net, _ = builder.load()
    net.conv1.scale = net.conv2.scale = scale
    flat, x = digits(50)
    net.conv1.beta = net.conv2.beta = beta
    if beta:  # with 0, what may fall either way is nothing
        beta = nearest_to(beta, net, x)
    expected = net(sf.Tensor(x)).numpy()
    logits = page.run("return arguments[0].map(image => [...forward(net, Float32Array.from(image), arguments[1], "
                      "arguments[2]).logits])", flat.tolist(), beta, scale)  # fmt: skip
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4)


def test_spectra_and_maps_are_those_of_specframe(page):
    net, _ = builder.load()
    flat, x = digits(1)
    beta = nearest_to(0.5, net, x)
    Z = net.conv1.spectrum(sf.Tensor(x))
    found = page.run("""
        const { blocks: [first] } = forward(net, Float32Array.from(arguments[0]), arguments[1], 2);
        const plain = ({ re, im }) => [[...re], [...im]];
        return { X: plain(first.X[0]), Z: plain(first.outputs[2].Z), y: [...first.outputs[2].y] };
    """, flat[0].tolist(), beta)  # fmt: skip
    X = ops.rfft2(sf.Tensor(x), (28, 28)).numpy()[:, :, 0, 0]
    for array, (real, imaginary) in ((X, found["X"]), (Z.numpy()[:, :, 0, 2], found["Z"])):
        np.testing.assert_allclose(np.reshape(real, array.shape), array.real, atol=1e-5)
        np.testing.assert_allclose(np.reshape(imaginary, array.shape), array.imag, atol=1e-5)
    np.testing.assert_allclose(np.reshape(found["y"], (28, 28)), ops.irfft2(Z).numpy()[:, :, 0, 2], atol=1e-5)


@pytest.mark.parametrize("beta", [0.0, 0.5, 3.5])  # nothing, some, and nearly all of it zero
def test_bytes_are_those_of_the_ledger(page, beta):
    net, _ = builder.load()
    flat, x = digits(1)
    beta = nearest_to(beta, net, x)
    with sf.Tape() as tape, sf.reference():  # the fast body lists the rows of Z even where none is empty
        ops.softmax_cross_entropy(net(sf.Tensor(x)), np.array([3]))
    spectra = [row for row in tape.ledger.rows if row.array == "Z"]
    found = page.run("""
        const { spectra, total } = ledger(forward(net, Float32Array.from(arguments[0]), arguments[1], 2));
        return { total, spectra: spectra.map(({ format, kept, count, entries }) => [format, kept, count / entries]) };
    """, flat[0].tolist(), beta)  # fmt: skip
    assert found["total"] == tape.ledger.nbytes
    for mine, row in zip(found["spectra"], spectra, strict=True):
        assert mine == [row.format, row.nbytes, pytest.approx(row.density)]


def test_the_page_loads_nothing(page):
    assert page.run("return performance.getEntriesByType('resource').map(entry => entry.name)") == []


def test_a_threshold_that_is_dragged_changes_the_answer_and_the_bytes(page):
    before = text(page, "#total")
    assert text(page, "#class") == "7" and "trained with." in text(page, "#change")
    width = page.run("return document.querySelector('#beta').clientWidth")
    page.drag("#beta", (round(-width / 2 + width * 0.5 / 4), 0), (0, 0), (width // 2 - 4, 0))
    assert float(text(page, "#beta-value")) > 3.5
    assert text(page, "#class") != "7" and "it reads 7" in text(page, "#change")
    assert int(text(page, "#total").split()[0].replace(",", "")) < int(before.split()[0].replace(",", ""))
    page.run("document.querySelector('#trained').click()")
    page.wait("await new Promise(requestAnimationFrame)")
    assert text(page, "#class") == "7" and text(page, "#total") == before


def test_dragging_answers_within_50_ms(page):
    # The page's own time, and its fastest answer: what else the machine does must not decide.
    times = page.wait("""
        const times = [];
        for (let i = 0; i < 41; i++) {
            const slider = document.querySelector(i % 2 ? '#scale' : '#beta');
            slider.value = 0.1 * i + 0.1;
            slider.dispatchEvent(new Event('input'));
            const start = performance.now();
            update();
            document.body.offsetHeight;  // with the layout
            times.push(performance.now() - start);
        }
        await new Promise(requestAnimationFrame);
        return times;
    """)
    assert min(times) < 50, times
    assert text(page, "#beta-value") == "4.00"  # the last one was 4.1, and the slider ends at 4


def test_a_digit_can_be_drawn(page):
    page.run("document.querySelector('#clear').click()")
    page.wait("await new Promise(requestAnimationFrame)")
    assert page.run("return largest(state.image)") == 0
    page.drag("#pad", (0, -90), (0, -30), (0, 30), (0, 90))
    assert page.run("return state.image[14 * 28 + 14] > 0.5 && largest(state.image) === 1")
    assert (
        text(page, "#class") == "1" and page.run("return document.querySelectorAll('[aria-pressed=true]').length") == 0
    )


def test_a_drawing_is_centred_by_its_mass(page):
    page.run("document.querySelector('#clear').click()")
    page.drag("#pad", (-100, -100), (-100, 0))
    page.run("document.querySelector('#centre').click()")
    row, col = page.run("""
        let mass = 0, row = 0, col = 0;
        state.image.forEach((v, i) => { mass += v; row += v * Math.floor(i / 28); col += v * (i % 28); });
        return [row / mass, col / mass];
    """)
    assert abs(row - 13.5) <= 0.5 and abs(col - 13.5) <= 0.5


def test_everything_works_by_keyboard(page):
    names = []
    for _ in range(60):
        page.press("Tab")
        names.append(page.run("const e = document.activeElement; return e.id || e.getAttribute('aria-label') || ''"))
        if names[-1] == "pad":
            page.press("Delete", "Up", "Up", "Up", "Space", *["Shift+Down"] * 8)
            assert page.run("return state.image[14 * 28 + 14] > 0.5 && state.image[5 * 28] === 0")
        elif names[-1] == "A 3, number 2":
            page.press("Enter")
            assert text(page, "#class") == "3" and page.run("return state.digit") == 7
        elif names[-1] == "beta":
            page.press("Right", "Right")
            assert text(page, "#beta-value") == "0.52"
        elif names[-1] == "trained":
            page.press("Enter")
            assert text(page, "#beta-value") == "0.50"
        elif names[-1] == "Map 1":
            page.press("Right")
            assert page.run("return state.chosen").count(1) == names.count("Map 1")
        elif not names[-1]:
            break
    assert {"pad", "clear", "centre", "beta", "scale", "trained", "A 0, number 1", "A 9, number 2"} <= set(names)
    assert names.count("Map 1") == 2


def test_the_page_fits_a_phone_and_keeps_its_sliders_in_sight(page):
    resize(page, PHONE)
    assert page.run("return document.scrollingElement.scrollWidth") <= PHONE[0]
    for share in (0, 0.5, 1):
        page.run("scrollTo(0, arguments[0] * document.scrollingElement.scrollHeight)", share)
        top, bottom = page.run("const { top, bottom } = document.querySelector('#beta').getBoundingClientRect(); "
                               "return [top, bottom]")  # fmt: skip
        assert 0 <= top < bottom <= PHONE[1]
    page.run("scrollTo(0, 0); document.querySelector('#clear').click()")
    page.drag("#pad", (0, -80), (0, 0), (0, 80), kind="touch")
    assert text(page, "#class") == "1" and page.run("return scrollY") == 0


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(page, size, dark):
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm install --no-save axe-core@4")
    resize(page, size, dark)
    page.run(AXE.read_text(encoding="utf-8"))
    violations = page.wait("return (await axe.run()).violations")
    found = [(v["id"], v["impact"], [node["html"] for node in v["nodes"]]) for v in violations]
    assert not [each for each in found if each[1] in ("serious", "critical")], found
