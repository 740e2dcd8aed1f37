"""Read a picture file as the eye sees it. Needs Pillow, the extra `images`, which is imported when a picture is read.

    turned on its side      a camera's EXIF orientation is applied
    transparent             set on black or white, whichever contrasts more with what is visible
    16 bit, floating point  float32 in [0, 1]; everything else is uint8
    palette, CMYK           become grey or red, green, blue
    animated, many pages    the first
    huge                    refused before memory is taken; a JPEG is reduced while it is decoded, where a size is given

Whatever is wrong with a file ends in a DataError with its name.
"""

import contextlib
import logging
import operator
import os
import warnings
from typing import Any

import numpy as np

from specframe.data.published import DataError

FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM")  # none that runs a program
MOST_PIXELS = 25_000_000  # 100 MB a copy, and there are up to four
HUNGRY = {"WEBP": 16_000_000, "AVIF": 16_000_000, "JPEG2000": 16_000_000}  # their decoders keep copies of their own
MOST_REDUCED = 65_000_000  # of a JPEG that is reduced while it is decoded

GREY, COLOUR = {"1", "L", "LA", "La"}, {"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
DEEP = {"F", "I", "I;16", "I;16L", "I;16B", "I;16N"}
BACKGROUNDS = {"black": 0, "white": 255}
QUIET = logging.NullHandler()
STRIP = 64  # rows at a time, so that no large float arrays are made


def read_image(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    background: str | None = "contrast",
) -> np.ndarray:
    """The picture in a file.

    Parameters
    ----------
    path : path
        A PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, JPEG 2000 or PNM file, whatever its name.
    size : int or (rows, cols), optional
        What the picture is resized to, without keeping its proportions; by default it stays as it is.
    channels : {1, 3}, optional
        Grey, or red, green and blue; by default as in the file.
    background : {"contrast", "black", "white"} or None
        What shines through transparent parts. "contrast" is white behind mostly dark pictures and black behind others;
        None keeps the opacity of a transparent picture as one channel more, the last.

    Returns
    -------
    (channels, rows, cols) array
        uint8; of pictures with more than 8 bits a channel float32 in [0, 1].

    Raises
    ------
    DataError
        The file cannot be read, is no picture, truncated, damaged or too large, has values that mean no brightness, or
        Pillow is not installed.
    ValueError
        Another size, number of channels, or background.
    """
    extent = None if size is None else _extent(size)
    if channels not in (None, 1, 3) or background not in (None, "contrast", *BACKGROUNDS):
        raise ValueError(
            "read_image: expected channels 1, 3 or None, and a background 'contrast', 'black', 'white' or None,"
            f" got {channels!r} and {background!r}"
        )
    try:
        from PIL import Image, UnidentifiedImageError  # an extra: only this function needs it
    except ImportError as error:
        raise DataError(f"{path}: to read pictures install Pillow (pip install 'specframe[images]')") from error
    try:
        if not os.path.isfile(path) and os.path.exists(path):
            raise DataError(f"{path}: expected a picture file, got a folder or device")
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters of them is refused below
            pixels = _decode(Image, file, path, extent, channels)
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: expected at most {MOST_PIXELS} pixels, got many more") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: not an image that Pillow can read (of the formats {', '.join(FORMATS)})") from error
    except MemoryError as error:
        raise DataError(f"{path}: not enough memory for this picture") from error
    except Exception as error:  # a damaged picture may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path}: the file cannot be read: {error.strerror}") from error
        raise DataError(
            f"{path}: expected a whole picture, got a truncated or damaged one ({_short(error)})"
        ) from error
    if background is None or len(pixels) in (1, 3):
        return np.ascontiguousarray(pixels)
    return flatten(pixels, background)


def flatten(pixels: np.ndarray, background: str = "contrast") -> np.ndarray:
    """A uint8 picture whose last channel is its opacity, set on a background as in `read_image`."""
    colour, opacity = pixels[:-1], pixels[-1]
    if background == "contrast":
        visible = np.einsum("krc,rc->", colour, opacity, dtype=float)
        light = visible > 127.5 * len(colour) * opacity.sum(dtype=float)
        background = "black" if light else "white"
    out = np.empty(colour.shape, np.uint8)
    for top in range(0, out.shape[1], STRIP):
        rows = slice(top, top + STRIP)
        share = opacity[rows] / np.float32(255)
        out[:, rows] = np.rint(colour[:, rows] * share + BACKGROUNDS[background] * (1 - share))
    return out


def brightness(pixels: np.ndarray) -> np.ndarray:
    """A picture as float32 in [0, 1]."""
    return pixels / np.float32(255) if pixels.dtype == np.uint8 else pixels


def _decode(Image: Any, file: Any, path: Any, extent: tuple[int, int] | None, channels: int | None) -> np.ndarray:
    """(channels, rows, cols), with the opacity as last channel where the picture is transparent.

    Pillow gets the open file, not its name: of a name it maps the file into memory, and then scrambles a TIFF that is
    turned on its side.
    """
    logging.getLogger("PIL").addHandler(QUIET)  # what it complains of is said in the sentence
    Image.init()  # all formats that this Pillow has
    formats = [name for name in FORMATS if name in Image.OPEN]
    with Image.open(file, formats=formats) as image:
        most = HUNGRY.get(image.format, MOST_PIXELS)
        if image.format == "PNG":
            image.verify()  # the check sums, which loading does not look at
    with Image.open(file, formats=formats) as image:
        if image.format in ("JPEG", "MPO") and extent is not None:
            _check_size(path, image, MOST_REDUCED)
            image.draft(None, (2 * max(extent),) * 2)
        _check_size(path, image, most)
        _turn_upright(image)
        if image.mode in DEEP:
            values = _deep(path, image)
            if extent is not None:
                values = np.asarray(Image.fromarray(values).resize(extent[::-1], Image.Resampling.BILINEAR))
            return np.broadcast_to(values, (channels or 1, *values.shape))
        image = _plain(path, image, channels)
        if extent is not None:
            image = image.resize(extent[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _plain(path, image, channels):
    """A picture of 8 bits in one of the modes L, LA, RGB and RGBA."""
    if image.mode not in GREY | COLOUR:
        raise DataError(f"{path}: pictures in the colours {image.mode} are not read")
    transparent = "a" in image.mode.lower() or "transparency" in image.info
    grey, palette = image.mode in GREY, image.mode in ("P", "PA")
    image = image.convert("RGBA") if transparent else image if image.mode == "L" else image.convert("RGB")
    if transparent and image.getchannel("A").getextrema()[0] == 255:
        transparent = False
    if palette:
        grey = all(red == green == blue for _, (red, green, blue, *_) in image.getcolors(image.width * image.height))
    mode = ("L" if (grey if channels is None else channels == 1) else "RGB") + "A" * transparent
    return image if image.mode == mode else image.convert(mode)


def _deep(path, image):
    """The values of a picture with more than 8 bits, (rows, cols) float32 in [0, 1]."""
    values = np.asarray(image)
    low, high = (float(each) for each in (values.min(), values.max()))
    # Whole numbers come from 16 bits. Floating-point pictures go up to 1, or to what they were made from.
    full = 65535.0 if values.dtype.kind in "iu" else next((top for top in (1.0, 255.0, 65535.0) if high <= top), 0.0)
    if not 0 <= low <= high <= full:
        raise DataError(f"{path}: expected values from 0 to 1, 255 or 65535, got some from {low:g} to {high:g}")
    return values.astype(np.float32) / np.float32(full)


def _turn_upright(image):
    """Load a picture and undo its EXIF orientation; one that cannot be made out is none, as in every viewer."""
    from PIL import ImageOps

    image.load()
    if image.format == "TIFF":  # loading has undone it, and in older Pillows left the tag
        return
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)  # in place: without a copy where there is nothing to do


def _check_size(path, image, most):
    cols, rows = image.size
    if not 0 < rows * cols <= most:
        raise DataError(f"{path}: expected 1 to {most} pixels, got a picture of {rows} x {cols}")


def _extent(size: int | tuple[int, int]) -> tuple[int, int]:
    try:
        rows, cols = map(operator.index, size if isinstance(size, tuple | list) else (size, size))
    except (TypeError, ValueError):
        rows = cols = 0
    if not (rows >= 1 and cols >= 1 and rows * cols <= MOST_PIXELS):
        raise ValueError(f"read_image: expected a size of one or two whole numbers of at least 1, got {size!r}")
    return rows, cols


def _short(error: Exception) -> str:
    """What a decoder says, in one short line."""
    return " ".join(str(error).split())[:100] or type(error).__name__
