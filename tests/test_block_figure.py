"""docs/images/block.svg: what its command draws, from arrays that obey the equations beside them."""

import base64
import importlib
import re
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import specframe as sf
from specframe import ops

FOLDER = Path(__file__).parent.parent / "docs" / "explore"
FIGURE = FOLDER.parent / "images" / "block.svg"
PNG = re.compile(r"data:image/png;base64,([\w+/=]+)")


@pytest.fixture(scope="module")
def block():
    """docs/explore/block.py, as a program run there imports it."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("block")
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("block", "block_arrays", "build"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def arrays(block):
    return block.arrays()


def pixels(encoded):
    """(rows, cols, 3) of a PNG of three bytes a pixel whose lines are not filtered."""
    data = base64.b64decode(encoded)
    cols, rows = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    start = data.index(b"IDAT") + 4
    lines = np.frombuffer(zlib.decompress(data[start:]), np.uint8).reshape(rows, 1 + 3 * cols)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(rows, cols, 3)


def test_the_figure_is_what_its_command_draws(block):
    drawn, there = block.draw(), FIGURE.read_text(encoding="utf-8")
    ElementTree.fromstring(there)
    assert PNG.sub("", drawn) == PNG.sub("", there), "run python docs/explore/block.py"
    for mine, its in zip(PNG.findall(drawn), PNG.findall(there), strict=True):
        assert abs(pixels(mine).astype(int) - pixels(its)).max() <= 1  # a colour may round either way


def test_the_arrays_obey_the_equations_of_the_block(arrays):
    a, beta, scale = arrays, 0.5, 2.0
    product = a["X"] * a["K"]
    np.testing.assert_allclose(a["Y"].ravel()[1:], product.ravel()[1:], atol=1e-12)  # the bias is in the first
    np.testing.assert_array_equal(a["T"], np.where(abs(a["Y"]) > beta, a["Y"], 0))
    Z = scale * (np.tanh(a["T"].real / scale) + 1j * np.tanh(a["T"].imag / scale))
    np.testing.assert_allclose(a["Z"], Z, atol=1e-12)
    np.testing.assert_allclose(a["y"], np.fft.irfft2(a["Z"], (28, 28), norm="ortho"), atol=1e-12)
    slope = [1 - (part / scale) ** 2 for part in (a["Z"].real, a["Z"].imag)]
    np.testing.assert_allclose(a["gT"], slope[0] * a["gZ"].real + 1j * slope[1] * a["gZ"].imag, rtol=1e-9)
    np.testing.assert_array_equal(a["gY"], np.where(a["Z"] != 0, a["gT"], 0))


def test_the_gradients_are_those_of_the_whole_net(block, arrays):
    build = sys.modules["build"]
    single, saved = build.load()
    net = type(single)(beta=single.conv1.beta, scale=single.conv1.scale, dtype=np.float64)
    net.load_state_dict(single.state_dict())
    digit = saved["digits"][14].astype(np.float64) / 255
    x = sf.Tensor(digit[:, :, None, None], requires_grad=True)
    with sf.Tape() as tape:
        loss = ops.softmax_cross_entropy(net(x), saved["labels"][14:15])
    tape.backward(loss)
    np.testing.assert_allclose(arrays["gx"], x.grad[:, :, 0, 0], rtol=1e-6, atol=1e-12 * abs(x.grad).max())
    by_row, by_col = (np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(-2, 3)) / 28) for n in (28, 15))
    gk = np.einsum("pi,qj,pq->ij", by_row.conj(), by_col.conj(), arrays["gK"]).real  # eq. (4)
    np.testing.assert_allclose(gk, net.conv1.weight.grad[0, 0], rtol=1e-6, atol=1e-9 * abs(gk).max())


def test_what_the_threshold_dropped_is_grey_and_counted(block, arrays):
    root = ElementTree.parse(FIGURE).getroot()
    images = [pixels(PNG.search(image.get("href"))[1]) for image in root.iter("{http://www.w3.org/2000/svg}image")]
    grey = [(image == block.DROPPED).all(axis=2).sum() for image in images[:6]]
    dropped = np.count_nonzero(arrays["Z"] == 0)
    assert grey == [0, 0, 0, dropped, dropped, 0]  # x, X, Y, after the threshold, Z, y
    assert f"{420 - dropped} of 420 entries" in FIGURE.read_text(encoding="utf-8")


def test_frequency_zero_lies_where_its_mark_is(block):
    constant = np.zeros((28, 15))
    constant[0, 0] = 1  # the spectrum of a constant map
    picture = block.spectrum_picture(constant, None)
    mark = re.fullmatch(r'<path class="zero" d="M (\d+\.?\d*) .* V (\d+\.?\d*)"/>', block.zero_mark(100, 100))
    x, y = float(mark[1]) + 5 - 100, float(mark[2]) - 5 - 100  # its middle, from the corner of the picture
    col, row = int(x / block.BIN), int(y / block.BIN)
    np.testing.assert_array_equal(picture[row, col], block.MAGNITUDE[-1])


def test_a_picture_of_pixels_is_a_png(block):
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(pixels(block.png(colours)), colours)
