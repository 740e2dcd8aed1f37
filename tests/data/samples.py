"""Small files in every format that the data sets are read from, as their publishers' tools write them."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
from scipy.io import savemat

from specframe.data.published import DataFile

CONTENT = bytes(range(256)) * 1000


def data_file(*urls, content=CONTENT, name="digits.bin", **other):
    """A published file of that content."""
    fields = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **other}
    return DataFile(name, urls=urls, aliases=("digits",), **fields)


def idx_bytes(array):
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def tar_gz(files, **settings):
    """A packed archive of {name: content}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **settings) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def cifar_records(seed, n=2, label_bytes=1):
    """n records as bytes; labels count up from the seed."""
    content = np.random.default_rng(seed).integers(0, 256, (n, label_bytes + 3072), np.uint8)
    content[:, :label_bytes] = (seed + np.arange(n))[:, None] % 10
    return content.tobytes()


def cifar_pickle(records, protocol=2, label_key="labels", label_bytes=1):
    """The pickled dict that has the same images and labels."""
    table = np.frombuffer(records, np.uint8).reshape(-1, label_bytes + 3072)
    value = {
        "batch_label": "training batch 1 of 5",
        label_key: table[:, label_bytes - 1].tolist(),
        "data": table[:, label_bytes:].copy(),
        "filenames": [f"image_{number}.png" for number in range(len(table))],
    }
    return pickle.dumps(value, protocol)


def python2_pickle(records):
    """The same, instruction by instruction as Python 2 wrote it, which Python 3 no longer does."""
    table = np.frombuffer(records, np.uint8).reshape(-1, 3073)
    pixels = table[:, 1:].tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05(",
            *(b"K" + bytes([label]) for label in table[:, 0]),
            b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09",
            b"(K\x01K",
            bytes([len(table)]),
            b"M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNN",
            b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<i", len(pixels)) + pixels,
            b"tbU\x09filenamesq\x0d]q\x0e(U\x07cat.pngq\x0feu.",
        ]
    )


def mat_bytes(compressed=True, **variables):
    """A MATLAB file as SciPy writes it."""
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=compressed)
    return buffer.getvalue()
