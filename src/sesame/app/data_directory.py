"""The data directory: for its owner's eyes alone, whatever it was before and whatever the umask.

It holds the master key, credentials, and everybody's mail. What belongs to Sesame in it is known by name, so
that a directory named by mistake (`/`, `/tmp`, a home) is never changed: only what can be told as ours is.
"""

import fcntl
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from sesame.config import Settings
from sesame.errors import ConfigError

FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600
_OURS = ("master.key", "credentials", "endpoints.json", "serve.lock")
_PATTERNS = ("sesame.db*", ".sesame.db*", ".master.key.*", ".credentials.*", ".endpoints.json.*")


def secure(settings: Settings) -> None:
    """Make the data directory if it is not there, and close it and our files in it to others.

    Raises `ConfigError` with the command that mends what cannot be mended from here.
    """
    path = settings.data_dir
    try:
        is_new = _make(path)
        _own_directory(path, is_new=is_new)
        for file in _files(path):
            _close(file)
    except OSError as error:
        raise ConfigError(_sentence(path, error)) from None
    if settings.master_key_file:
        _check_key(Path(settings.master_key_file))


def require_database(settings: Settings) -> None:
    """Raise `ConfigError` unless the data directory holds a database."""
    try:
        found = stat.S_ISREG(settings.database.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        found = False
    except OSError as error:
        raise ConfigError(_sentence(settings.data_dir, error)) from None
    if not found:
        raise ConfigError(
            f"there is no database in `{settings.data}`; start `sesame serve` once, or name the directory with --data"
        )


def _make(path: Path) -> bool:
    """Whether the directory was made just now."""
    try:
        path.mkdir(parents=True, mode=DIRECTORY_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(path)) from None
        return False
    path.chmod(DIRECTORY_MODE)  # the umask may have taken bits away
    return True


def _own_directory(path: Path, *, is_new: bool) -> None:
    if is_new:
        return
    found = path.stat()
    if os.geteuid() not in (0, found.st_uid):
        raise ConfigError(
            f"setting `data`: `{path}` belongs to another user; run `sudo chown -R {os.geteuid()} {_quoted(path)}`, or"
            " name a directory below it, which will be made"
        )
    if not stat.S_IMODE(found.st_mode) & FOR_OTHERS:
        return
    command = f"chmod 700 {_quoted(path)}"
    if not _is_ours(path):
        raise ConfigError(
            f"setting `data`: others can reach `{path}`, and it does not hold a Sesame database; name a directory"
            f" for Sesame alone, or run `{command}`"
        )
    _tighten(path, DIRECTORY_MODE, command)


def _is_ours(path: Path) -> bool:
    """Whether everything in the directory may be taken for Sesame's: it has its database or key, or nothing."""
    names = {entry.name for entry in os.scandir(path)}
    return not names or bool(names & {"sesame.db", "master.key"})


def _files(path: Path) -> Iterator[Path]:
    for name in _OURS:
        yield path / name
    for pattern in _PATTERNS:
        yield from sorted(path.glob(pattern))
    tls = path / "tls"
    yield tls
    if tls.is_dir():
        yield from sorted(tls.iterdir())


def _close(path: Path) -> None:
    """Close a file or directory to others, if it is there; a link is followed, for what it leads to is what is read."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    is_directory = stat.S_ISDIR(found.st_mode)
    if os.geteuid() not in (0, found.st_uid):
        raise ConfigError(
            f"`{path}` belongs to another user; run `sudo chown {os.geteuid()} {_quoted(path)}`"
        )
    if stat.S_IMODE(found.st_mode) & FOR_OTHERS:
        mode = DIRECTORY_MODE if is_directory else FILE_MODE
        _tighten(path, mode, f"chmod {mode:o} {_quoted(path)}")


def _tighten(path: Path, mode: int, command: str) -> None:
    try:
        path.chmod(mode)
    except OSError as error:
        raise ConfigError(
            f"others can reach `{path}`, and that cannot be changed from here ({error.strerror}); run `sudo {command}`"
        ) from None
    if (
        stat.S_IMODE(path.stat().st_mode) & FOR_OTHERS
    ):  # file systems without permissions take it and change nothing
        raise ConfigError(
            f"others can reach `{path}`, and its file system keeps no permissions; name a directory on another one"
        )


def _check_key(path: Path) -> None:
    """A master key outside the data directory is the operator's: its group may read it, the world may not."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # reading it says why
    if mode & stat.S_IRWXO:
        raise ConfigError(
            f"setting `master_key_file`: everybody on this machine can reach `{path}`; run `chmod o= {_quoted(path)}`"
        )


def _sentence(path: Path, error: OSError) -> str:
    what = error.strerror or str(error)
    where = error.filename if isinstance(error.filename, str) else str(path)
    about = "" if where == str(path) else f" (`{where}`)"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"setting `data`: `{path}` is not a directory{about}; name another with --data"
    return (
        f"setting `data`: the directory `{path}` cannot be used: {what[:1].lower()}{what[1:]}{about}; name another with"
        " --data, or correct its permissions"
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.absolute()))


def lock_data_directory(path: Path) -> int:
    """Own the data directory for this process: two servers on one spool would deliver twice.

    Raises `ConfigError` when another process has it.
    """
    try:
        descriptor = os.open(path / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"setting `data`: `{path}` cannot be written ({error.strerror}); correct its owner and permissions"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"setting `data`: `{path}` is in use by another `sesame serve`; name another directory"
        ) from None
    return descriptor
