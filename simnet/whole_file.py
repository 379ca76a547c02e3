"""Files that appear whole or not at all: written under another name, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENOTDIR
from os import strerror
from pathlib import Path


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Path under which ``file`` is written; it takes its name when the block ends.

    If the block fails, what it wrote is removed and ``file`` is as it was. Directories above it are
    made. A link goes on leading where it leads. A device or a pipe, such as ``/dev/stdout``, is
    written itself: renaming would put a file in its place.

    Raises
    ------
    OSError
        That names ``file``.
    """
    special = file.exists() and not file.is_file()
    target = file if special else file.resolve()
    part = target if special else target.with_name(f"{target.name}.part")
    try:
        if not special:
            target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if not special:
            part.replace(target)
    except BaseException as error:
        if not special:
            with suppress(OSError):
                part.unlink()
        if isinstance(error, FileExistsError):  # a directory above it is a file
            raise NotADirectoryError(ENOTDIR, strerror(ENOTDIR), str(file)) from None
        if isinstance(error, OSError):
            error.filename = str(file)
        raise
