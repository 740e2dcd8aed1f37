"""Writing a file whole or not at all."""

import contextlib
import os
import tempfile


def write_atomically(path, write):
    """Call `write(binary file)` on a temporary file in the folder of `path`, then put it in place.

    Whatever happens on the way, `path` holds its old content or its new one, and no temporary file stays.
    """
    folder, name = os.path.split(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes it private; give it the mode of any new file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
