"""Pictures of one drawing in every form that a file may have; each must be read as the same drawing."""

import builtins
import itertools
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest

from specframe.data import DataError, image, read_image

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")

DRAWING = np.zeros((12, 8), np.uint8)  # an L, higher than wide and unlike each of its mirror images
DRAWING[1:11, 2:4] = DRAWING[9:11, 2:7] = 255
GREY, RAMP = Image.fromarray(DRAWING), np.arange(96, dtype=np.uint8).reshape(12, 8) * 2
COLOUR = np.stack([DRAWING, RAMP, 255 - DRAWING], axis=-1)
BILEVEL, RGB = GREY.convert("1"), Image.fromarray(COLOUR)


def transparent(ink, mode="RGBA"):
    """The drawing in one colour on nothing."""
    picture = Image.new("RGBA", GREY.size, (ink, ink, ink, 0))
    picture.putalpha(GREY)
    return picture.convert(mode)


@pytest.fixture
def save(tmp_path):
    """save(picture, suffix, **options) -> path of the file."""

    def save(picture, suffix="png", **options):
        path = tmp_path / f"picture.{suffix}"
        picture.save(path, **options)
        return path

    return save


def refused(path, **settings):
    """The message with which a file is refused; one line that begins with the file's name."""
    with pytest.raises(DataError) as caught:
        read_image(path, **settings)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    return str(caught.value)


# ---- every form of the same ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "suffix", "options"),
    [
        (GREY, "png", {}),
        (GREY, "png", {"bits": 8}),
        (GREY, "bmp", {}),
        (GREY, "tif", {"compression": "tiff_lzw"}),
        (GREY, "pgm", {}),
        (GREY, "gif", {}),
        (GREY.convert("P"), "png", {}),
        (BILEVEL, "png", {}),
        (BILEVEL, "tif", {"compression": "group4"}),
        (BILEVEL, "pbm", {}),
        (GREY.convert("P"), "gif", {"save_all": True, "append_images": [Image.new("P", GREY.size)] * 2}),  # the first
        (GREY, "tif", {"save_all": True, "append_images": [Image.new("L", GREY.size)]}),
        (GREY, "png", {"save_all": True, "append_images": [Image.new("L", GREY.size)]}),
    ],
)
def test_grey_picture_comes_back_as_drawn(save, picture, suffix, options):
    pixels = read_image(save(picture, suffix, **options))
    assert pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, DRAWING[None])


@pytest.mark.parametrize(
    ("picture", "suffix", "options"),
    [
        (RGB, "png", {}),
        (RGB, "ppm", {}),
        (RGB.convert("P", palette=Image.Palette.ADAPTIVE, colors=256), "png", {}),
        (RGB.convert("RGBA"), "png", {}),
        (RGB.convert("CMYK"), "tif", {}),
        (RGB, "webp", {"lossless": True}),
    ],
)
def test_coloured_picture_comes_back_as_drawn(save, picture, suffix, options):
    pixels = read_image(save(picture, suffix, **options))
    assert pixels.shape == (3, 12, 8) and pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels.transpose(1, 2, 0).astype(int), COLOUR, atol=1)


@pytest.mark.parametrize(("suffix", "options"), [("jpg", {}), ("jpg", {"progressive": True}), ("webp", {})])
def test_lossy_pictures_are_close(save, suffix, options):
    for picture in (GREY, GREY.convert("RGB"), *([GREY.convert("RGB").convert("CMYK")] if suffix == "jpg" else [])):
        pixels = read_image(save(picture, suffix, quality=95, **options), channels=1)
        assert abs(pixels[0].astype(int) - DRAWING).max() < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("jpg", {"quality": 95}),
        ("png", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
        ("webp", {"lossless": True}),
    ],
)
def test_orientation_of_the_camera_is_undone(save, orientation, suffix, options):
    # How the sensor's rows and columns lie when the tag says so, from the definition of the tag.
    seen_to_stored = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.T, 6: lambda a: a.T[::-1], 7: lambda a: a.T[::-1, ::-1], 8: lambda a: a.T[:, ::-1],
    }  # fmt: skip
    stored = Image.fromarray(np.ascontiguousarray(seen_to_stored[orientation](DRAWING)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_image(save(stored, suffix, exif=exif, **options), channels=1)
    assert pixels.shape == (1, 12, 8)
    assert abs(pixels[0].astype(int) - DRAWING).max() < 40


def test_orientation_that_cannot_be_made_out_is_none(save):
    path = save(GREY, "png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    np.testing.assert_array_equal(read_image(path), DRAWING[None])


# ---- more than 8 bits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "full", "suffix"),
    [
        (np.uint16, 65535, "png"),
        (np.uint16, 65535, "tif"),
        (">u2", 65535, "tif"),
        (np.int32, 65535, "tif"),
        (np.float32, 1, "tif"),
        (np.float32, 255, "tif"),
        (np.float32, 65535, "tif"),
    ],
)
def test_deep_pictures_are_float_from_0_to_1(save, dtype, full, suffix):
    expected = RAMP / np.float32(RAMP.max())
    path = save(Image.fromarray((expected * full).astype(dtype)), suffix)
    pixels = read_image(path)
    assert pixels.dtype == np.float32 and pixels.shape == (1, 12, 8)
    np.testing.assert_allclose(pixels[0], expected, atol=2e-5)
    coloured = read_image(path, channels=3)
    assert coloured.shape == (3, 12, 8) and (coloured == pixels).all()


def test_dark_16_bit_picture_stays_dark(save):
    path = save(Image.fromarray(RAMP.astype(np.uint16)))
    assert read_image(path).max() == np.float32(RAMP.max() / 65535)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, 70_000])
def test_values_that_mean_no_brightness_are_refused(save, value):
    values = np.full((4, 4), 0.5, np.float32)
    values[1, 1] = value
    assert "expected values from 0 to 1, 255 or 65535, got some from" in refused(save(Image.fromarray(values), "tif"))


def test_deep_picture_is_resized_without_losing_its_depth(save):
    values = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 64, axis=0)
    pixels = read_image(save(Image.fromarray(values), "tif"), size=8)
    assert pixels.shape == (1, 8, 8) and pixels.dtype == np.float32
    np.testing.assert_allclose(
        pixels[0, :, 1:-1], np.broadcast_to(np.linspace(3.5, 59.5, 8)[1:-1] / 63, (8, 6)), atol=1e-3
    )


# ---- transparent pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "suffix", "options"),
    [
        (transparent(255), "png", {}),
        (transparent(255, "LA"), "png", {}),
        (transparent(255), "webp", {"lossless": True, "exact": True}),
        (transparent(255), "tif", {}),
        (GREY, "png", {"transparency": 0}),
        (GREY.convert("RGB"), "png", {"transparency": (0, 0, 0)}),
        (GREY.convert("P"), "png", {"transparency": 0}),
        (GREY.convert("P"), "gif", {"transparency": 0}),
    ],
)
def test_light_drawing_on_nothing_is_seen_on_black(save, picture, suffix, options):
    path = save(picture, suffix, **options)
    np.testing.assert_array_equal(read_image(path, channels=1), DRAWING[None])
    kept = read_image(path, channels=1, background=None)
    np.testing.assert_array_equal(kept[1], DRAWING)
    np.testing.assert_array_equal(read_image(path, channels=3, background="white"), np.full((3, 12, 8), 255))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_dark_drawing_on_nothing_is_seen_on_white(save, mode):
    path = save(transparent(0, mode))
    np.testing.assert_array_equal(read_image(path, channels=1), 255 - DRAWING[None])
    assert not read_image(path, background="black").any()


def test_half_opaque_parts_are_mixed_and_weigh_half(save):
    table = np.array([[[200, 0, 0, 255], [100, 100, 100, 51]]], np.uint8)  # light, seen as a fifth
    pixels = read_image(save(Image.fromarray(table)))
    np.testing.assert_array_equal(pixels[:, 0].T, [[200, 0, 0], [224, 224, 224]])


def test_opaque_channel_of_opacity_is_no_transparency(save):
    assert read_image(save(RGB.convert("RGBA")), background=None).shape == (3, 12, 8)


def test_large_transparent_picture_is_flattened_as_a_small_one(save):
    big = np.random.default_rng(0).integers(0, 256, (200, 30, 4), np.uint8)
    share = big[..., 3:] / 255
    expected = big[..., :3] * share + 255 * (1 - share)
    pixels = read_image(save(Image.fromarray(big)), background="white")
    np.testing.assert_allclose(pixels.transpose(1, 2, 0), expected, atol=0.51)


# ---- size and channels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "shape"), [(5, (5, 5)), ((6, 4), (6, 4)), ([3, 9], (3, 9)), (np.int64(7), (7, 7))])
def test_size_is_rows_and_columns(save, size, shape):
    assert read_image(save(GREY), size).shape == (1, *shape)
    assert read_image(save(RGB, "jpg"), size, channels=1).shape == (1, *shape)


def test_reduction_averages(save):
    checks = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(255)
    pixels = read_image(save(Image.fromarray(checks.astype(np.uint8))), 4)
    assert abs(pixels.astype(int) - 127).max() <= 2


def test_channels_are_made_as_asked(save):
    assert read_image(save(GREY), channels=3).shape == (3, 12, 8)
    expected = COLOUR @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(read_image(save(RGB), channels=1)[0], expected, atol=1)


@pytest.mark.parametrize("size", [0, -1, 2.5, (3,), (1, 2, 3), "big", (0, 3), (3, 0), 10**6])
def test_other_sizes_are_refused(save, size):
    with pytest.raises(ValueError, match="read_image: expected a size of one or two whole numbers of at least 1, got"):
        read_image(save(GREY), size)


@pytest.mark.parametrize("settings", [{"channels": 2}, {"channels": 4}, {"background": "pink"}])
def test_other_settings_are_refused(save, settings):
    with pytest.raises(ValueError, match="read_image: expected channels 1, 3 or None, and a background"):
        read_image(save(GREY), **settings)


# ---- what cannot be read ---------------------------------------------------------------------------------------


def png(rows, cols, *, extra=b"", body=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [5001, 10_000, 20_000, 2**31 - 1])
@pytest.mark.parametrize("size", [None, 28])
def test_small_file_that_claims_a_huge_picture_takes_no_memory(tmp_path, side, size):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side))
    tracemalloc.start()
    assert "pixels, got" in refused(path, size=size) or "whole picture" in refused(path, size=size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(("suffix", "most"), [("png", 25_000_000), ("jpg", 25_000_000)])
def test_huge_pictures_are_a_sentence(save, suffix, most):
    path = save(Image.new("1", (6000, 4200)).convert("L"), suffix)
    assert f"expected 1 to {most} pixels, got a picture of 4200 x 6000" in refused(path)


def test_decoders_that_keep_copies_get_smaller_pictures(save, monkeypatch):
    monkeypatch.setattr(image, "HUNGRY", {"WEBP": 95})
    assert "expected 1 to 95 pixels, got a picture of 12 x 8" in refused(save(GREY, "webp"))
    assert read_image(save(GREY, "png")).shape == (1, 12, 8)


def test_jpeg_of_more_pixels_than_any_camera_is_a_sentence(save):
    path = save(Image.new("L", (9000, 9000)), "jpg")
    assert "expected 1 to 65000000 pixels, got a picture of 9000 x 9000" in refused(path, size=28)


def test_huge_jpeg_is_reduced_while_it_is_decoded(save):
    path = save(GREY.resize((8000, 6000), Image.Resampling.NEAREST), "jpg")
    small = read_image(path, (12, 8))
    np.testing.assert_allclose(small[0], DRAWING, atol=60)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_picture_is_named(save, suffix, part):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    path = save(Image.fromarray(noise), suffix)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert "whole picture, got a truncated" in (message := refused(path)) or "not an image" in message


def test_no_flipped_bit_of_a_png_changes_a_pixel(save):
    path = save(Image.new("L", (40, 40), 7))
    content = path.read_bytes()
    for at, bit in itertools.product(range(len(content)), range(8)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
        try:
            pixels = read_image(path)
        except DataError:
            continue
        assert pixels.shape == (1, 40, 40) and (pixels == 7).all(), (at, bit)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"<html></html>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_files_of_another_kind_are_refused(tmp_path, content):
    (tmp_path / "text.png").write_bytes(content)
    assert "not an image that Pillow can read (of the formats PNG, JPEG" in refused(tmp_path / "text.png")


def test_missing_file_folder_and_device_are_named(tmp_path):
    assert refused(tmp_path / "none.png").endswith("the file cannot be read: No such file or directory")
    assert "expected a picture file, got a folder or device" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "expected a picture file, got a folder or device" in refused(tmp_path / "pipe")


def test_colours_that_are_not_read_are_named(save):
    assert "pictures in the colours LAB are not read" in refused(save(RGB.convert("LAB"), "tif"))


def test_missing_pillow_names_the_extra(tmp_path, monkeypatch):
    def absent(name, *rest):
        if name.startswith("PIL"):
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", absent)
    message = refused(tmp_path / "picture.png")
    assert message.endswith("to read pictures install Pillow (pip install 'specframe[images]')")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory for this picture"),
        (RuntimeError("lines\nof " + "noise " * 100), "a truncated or damaged one (lines of noise noise"),
        (RuntimeError(), "a truncated or damaged one (RuntimeError)"),
    ],
)
def test_whatever_a_decoder_raises_is_one_short_sentence(save, monkeypatch, error, words):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(image, "_decode", fail)
    message = refused(save(GREY))
    assert words in message and len(message) < 300


def test_new_process_knows_all_formats_and_keeps_pillow_quiet(save):
    path = save(RGB, "tif")
    content = path.read_bytes()
    samples = content.index(b"\x15\x01\x03\0\x01\0\0\0") + 8  # of a pixel, in the directory
    path.write_bytes(content[:samples] + b"\x7f" + content[samples + 1 :])  # Pillow logs an error of it
    good = save(GREY, "webp")
    script = (
        "import sys\nfrom specframe.data import read_image\nfor path in sys.argv[1:]: print(read_image(path).shape)"
    )
    run = subprocess.run([sys.executable, "-c", script, good, path], capture_output=True, text=True)
    assert run.stdout == "(3, 12, 8)\n" and run.returncode == 1
    assert run.stderr.startswith("Traceback") and "DataError: " in run.stderr.splitlines()[-1]


def test_warnings_of_pillow_are_no_matter(save, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90)
    np.testing.assert_array_equal(read_image(save(GREY)), DRAWING[None])


def test_file_is_closed(save):
    path = save(GREY)
    read_image(path)
    descriptors = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
    assert str(path) not in descriptors
