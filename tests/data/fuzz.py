"""Damage small data files at random and read them: out must come the data or a DataError, soon and in little memory.

    python -m tests.data.fuzz --tries 20000

Every try follows from (seed, kind, number), so `--kinds png --first 1234 --tries 1` repeats one. Exit status 1 and a
line for each fault: a traceback of another kind than DataError, a wrong number of images without a word, more than
500 MB, more than 10 seconds. Runs on Linux, which tells the peak of a process' memory.
"""

import argparse
import collections
import contextlib
import gzip
import io
import pathlib
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from specframe.data import CIFAR10, CIFAR100, MNIST, SVHN, DataError, Digits, ImageFolder, digits, published, read_image
from tests.data.samples import cifar_pickle, cifar_records, idx_bytes, mat_bytes, python2_pickle, tar_gz

MOST_BYTES, MOST_SECONDS, HOPELESS = 500 * 2**20, 10.0, 60
COUNT = 5  # images in each sample
FAULTS = ("traceback", "wrong count", "memory", "time")


@dataclass(frozen=True)
class Kind:
    """A form of data: its files, a function that reads a folder of them, and the number of images that it must return.

    `packed` files have a shell of gzip, inside which they are damaged too. `alone` says that a file may lose images
    without another file's telling; then a word on stderr must.
    """

    files: dict[str, bytes]
    read: Callable[[pathlib.Path], int | None]
    count: int | None = COUNT
    packed: bool = False
    alone: bool = False


# ---- the samples -----------------------------------------------------------------------------------------------


def kinds() -> dict[str, Kind]:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (COUNT, 28, 28), np.uint8), np.arange(COUNT)
    idx = {"train-images-idx3-ubyte": idx_bytes(images), "train-labels-idx1-ubyte": idx_bytes(labels)}
    batches = {f"data_batch_{n}.bin": cifar_records(n, 1) for n in range(1, 6)}
    mat = {"X": rng.integers(0, 256, (32, 32, 3, COUNT), np.uint8), "y": np.arange(1, COUNT + 1)[:, None]}
    hundred = cifar_records(1, COUNT, label_bytes=2)
    return {
        "idx": Kind(idx, lambda folder: len(MNIST("train", folder))),
        "gz": Kind(
            {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in idx.items()},
            lambda folder: len(MNIST("train", folder)),
            packed=True,
        ),
        "tar": Kind(
            {"cifar-10-binary.tar.gz": tar_gz({f"cifar/{name}": content for name, content in batches.items()})},
            lambda folder: len(CIFAR10("train", folder)),
            packed=True,
        ),
        "cifar": Kind(batches, lambda folder: len(CIFAR10("train", folder))),
        "pickle": Kind(
            {
                name.removesuffix(".bin"): python2_pickle(content) if n == 0 else cifar_pickle(content, n)
                for n, (name, content) in enumerate(batches.items())
            },
            lambda folder: len(CIFAR10("train", folder)),
        ),
        "cifar100": Kind({"train.bin": hundred}, lambda folder: len(CIFAR100("train", folder)), alone=True),
        "mat": Kind({"train_32x32.mat": mat_bytes(False, **mat)}, lambda folder: len(SVHN("train", folder))),
        "mat_packed": Kind({"train_32x32.mat": mat_bytes(True, **mat)}, lambda folder: len(SVHN("train", folder))),
        "npz": Kind({"digits.npz": digits.FILE.read_bytes()}, _read_digits, 1797),
        **{suffix: Kind({f"a.{suffix}": content}, _read_picture, None) for suffix, content in _pictures(rng).items()},
        "folder": Kind(
            {f"{'ab'[n % 2]}/{n}.{suffix}": content for n, (suffix, content) in enumerate(_pictures(rng).items())},
            lambda folder: len(ImageFolder(folder, size=8)),
            len(_pictures(rng)),
        ),
    }


def _pictures(rng) -> dict[str, bytes]:
    """The same noise as a file in each format that this Pillow writes."""
    from PIL import Image, features

    def write(picture, kind, **options):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        return buffer.getvalue()

    pixels = rng.integers(0, 256, (12, 12, 4), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb, rgba, grey = (Image.fromarray(part) for part in (pixels[..., :3].copy(), pixels, pixels[..., 0].copy()))
    files = {
        "png": write(rgba, "PNG", exif=exif),
        "apng": write(grey.convert("P"), "PNG", save_all=True, append_images=[grey.convert("P").rotate(90)]),
        "jpg": write(rgb, "JPEG", exif=exif),
        "jpeg": write(rgb.convert("CMYK"), "JPEG", progressive=True),
        "gif": write(grey.convert("P"), "GIF", save_all=True, append_images=[grey.rotate(90)], transparency=3),
        "bmp": write(rgb, "BMP"),
        "tif": write(rgb, "TIFF", compression="tiff_lzw", exif=exif),
        "tiff": write(Image.fromarray(pixels[..., 0] / np.float32(255)), "TIFF"),
        "ppm": write(rgb, "PPM"),
    }
    for feature, suffix, kind in (("webp", "webp", "WEBP"), ("jpg_2000", "jp2", "JPEG2000"), ("avif", "avif", "AVIF")):
        if feature in features.get_supported():
            files[suffix] = write(rgba, kind)
    return files


def _read_digits(folder: pathlib.Path) -> int:
    before, digits.FILE = digits.FILE, folder / "digits.npz"
    try:
        return len(Digits("train")) + len(Digits("test"))
    finally:
        digits.FILE = before


def _read_picture(folder: pathlib.Path) -> None:
    (path,) = folder.iterdir()
    channels, *extent = read_image(path).shape
    assert channels in (1, 3) and len(extent) == 2 and 0 not in extent


# ---- the damage ------------------------------------------------------------------------------------------------

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 100_000, 50_000_000)


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The content after one to three accidents."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        reach = len(data) if rng.random() < 0.5 else min(len(data), 300)  # headers are short, and worth it
        at = int(rng.integers(0, max(reach, 1)))
        length = int(rng.integers(1, 1 + min(len(data) - at, int(rng.choice([4, 64, 4096]))))) if data else 0
        match rng.integers(0, 10):
            case 0:
                data[at : at + 1] = bytes([(data[at : at + 1] or b"\0")[0] ^ 1 << int(rng.integers(0, 8))])
            case 1:
                data[at : at + length] = rng.bytes(length)
            case 2:
                del data[at:]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                data[at : at + length] = bytes(length)
            case 6 | 7:
                form = ("<H", ">H", "<I", ">I")[rng.integers(0, 4)]
                number = int(rng.choice(EXTREMES)) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF)
                data[at : at + struct.calcsize(form)] = struct.pack(form, number)
            case 8:
                data += rng.bytes(int(rng.choice([1, 100, 3073])))
            case 9:  # whole records are lost
                record = int(rng.choice([512, 784, 3073, 3074]))
                start = record * int(rng.integers(0, max(len(data) // record, 1)))
                del data[start : start + record]
    return bytes(data)


def spoil(kind: Kind, folder: pathlib.Path, rng: np.random.Generator) -> None:
    """Write the files of a kind, one of them damaged."""
    victim = str(rng.choice(sorted(kind.files)))
    for name, content in kind.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if name != victim:
            path.write_bytes(content)
        elif kind.packed and rng.random() < 0.7:  # under a shell that is whole again
            path.write_bytes(gzip.compress(damaged(gzip.decompress(content), rng), 1, mtime=0))
        else:
            path.write_bytes(damaged(content, rng))


# ---- the tries -------------------------------------------------------------------------------------------------


def attempt(kind: Kind, rng: np.random.Generator) -> tuple[str, str]:
    """("read", "refused" or a fault, what was said)."""
    published.notice_other_content.cache_clear()
    published.notice_other_checksum.cache_clear()
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(said), _limited():
        folder = pathlib.Path(name)
        spoil(kind, folder, rng)
        before, start = _reset_peak(), time.perf_counter()
        try:
            count = kind.read(folder)
            result, message = "read", ""
            if count != kind.count and not (kind.alone and f"({count} " in said.getvalue()):
                result, message = "wrong count", f"{count} images, not {kind.count}"
        except DataError as error:
            result, message = "refused", str(error)
            if "\n" in message or len(message) > 1000:
                result = "traceback"
        except BaseException as error:
            result, message = "time" if isinstance(error, _Hopeless) else "traceback", traceback.format_exc()
        if time.perf_counter() - start > MOST_SECONDS:
            result, message = "time", f"{time.perf_counter() - start:.1f} s"
        if _peak() - before > MOST_BYTES:
            result, message = "memory", f"{(_peak() - before) / 2**20:.0f} MB"
    return result, message


class _Hopeless(BaseException):
    pass


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(*_):
        raise _Hopeless

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HOPELESS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _status(field: str) -> int:
    text = pathlib.Path("/proc/self/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) * 1024


def _reset_peak() -> int:
    """Start measuring the peak of the process' memory anew; what it holds now, in bytes. (Linux)"""
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def run(tries: int, seed: int = 0, first: int = 0, names: tuple[str, ...] = ()) -> dict[str, collections.Counter]:
    """How often each kind gave what, after `tries` in all; faults are printed."""
    chosen = {name: kind for name, kind in kinds().items() if name in names or not names}
    results: dict[str, collections.Counter] = {name: collections.Counter() for name in chosen}
    order = list(kinds())
    for number in range(tries):
        name = list(chosen)[number % len(chosen)]
        at = first + number // len(chosen)
        result, message = attempt(chosen[name], np.random.default_rng([seed, order.index(name), at]))
        results[name][result] += 1
        if result in FAULTS:
            print(f"{name} {at}: {result}: {message}", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--tries", type=int, default=2000, help="in all (2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first try of each kind (0)")
    parser.add_argument("--kinds", default="", help="comma-separated; all by default")
    option = parser.parse_args()
    names = tuple(filter(None, option.kinds.split(",")))
    results = run(option.tries, option.seed, option.first, names)
    columns = ("read", "refused", *FAULTS)
    print(f"{'':12}" + "".join(f"{column:>13}" for column in columns))
    results["all"] = sum(results.values(), collections.Counter())
    for name, counts in results.items():
        print(f"{name:12}" + "".join(f"{counts[column]:13}" for column in columns))
    return int(any(results["all"][fault] for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
