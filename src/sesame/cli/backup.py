"""`sesame backup` and `sesame restore`: the whole state in one file, made beside a running server."""

import argparse
import os
from pathlib import Path

from sesame.app.data_directory import require_database, secure
from sesame.cli.command import Subparsers, runs_on_store, settings_of
from sesame.cli.output import done, print_json
from sesame.config import Settings
from sesame.errors import ConfigError, SesameError


class RestoreRefused(SesameError):
    """A backup is not restored; nothing has changed."""


def register(subparsers: Subparsers) -> None:
    """Add the commands."""
    backup = subparsers.add_parser(
        "backup",
        help="back up the database to one file, even while the server runs",
        description="Take a consistent copy of the database, mail included, and check it. The master key is not in it: "
        "keep a copy of that elsewhere, for secrets in the backup can be decrypted with no other.",
    )
    backup.add_argument("file", help="file to write; must not exist yet")
    runs_on_store(backup, make_backup)
    restore = subparsers.add_parser(
        "restore",
        help="restore a backup to a data directory without a database",
        description=(
            "Check a backup and its master key, and put it in place. The server must be stopped. Mail"
            " that was queued when the backup was made is sent again, even if it has been delivered "
            "since."
        ),
    )
    restore.add_argument("file", help="a file written by `sesame backup`")
    restore.add_argument(
        "--key", metavar="FILE", help="copy of the master key, if the data directory has none"
    )
    runs_on_store(restore, restore_backup)


def make_backup(args: argparse.Namespace) -> int:
    """Write the file."""
    from sesame.app.foundation import master_key_path
    from sesame.db import snapshot

    settings = settings_of(args)
    require_database(settings)
    target = Path(args.file)
    if target.exists():
        raise snapshot.SnapshotError(f"`{target}` exists already; name another file")
    snapshot.make(settings.database, target)
    key = master_key_path(settings)
    if args.json:
        print_json({"file": str(target), "bytes": target.stat().st_size, "master_key": str(key)})
    else:
        print(f"{target}: {target.stat().st_size} bytes")
        print(f"not in it: the master key `{key}`; keep a copy of that elsewhere")
    return 0


def restore_backup(args: argparse.Namespace) -> int:
    """Put the file in place."""
    from sesame.app.data_directory import lock_data_directory
    from sesame.db import snapshot

    settings, source = settings_of(args), Path(args.file)
    secure(settings)
    lock = lock_data_directory(settings.data_dir)
    try:
        if settings.database.exists():
            raise RestoreRefused(
                f"there is a database in `{settings.data}`; move `sesame.db`, `sesame.db-wal` and `sesame.db-shm` away"
            )
        if not os.access(source, os.R_OK):
            raise RestoreRefused(f"backup `{source}` cannot be read")
        snapshot.check(source)
        key = _master_key(settings, args.key)
        _try_key(source, key)
        for name in (
            "sesame.db-wal",
            "sesame.db-shm",
        ):  # of the lost database: they would be played into this one
            (settings.data_dir / name).unlink(missing_ok=True)
        _put_key(settings, key)
        snapshot.make(source, settings.database)
    finally:
        os.close(lock)
    return done(args, f"`{source}` is restored to `{settings.data}`; start the server")


def _master_key(settings: Settings, named: str | None) -> bytes:
    from sesame.app.foundation import master_key_path, read_master_key

    path = master_key_path(settings)
    if path.exists():
        return read_master_key(path)
    if named is None:
        raise ConfigError(
            f"master key `{path}` does not exist; name its copy with --key: only it decrypts the backup's secrets"
        )
    return read_master_key(Path(named))


def _try_key(source: Path, key: bytes) -> None:
    import secrets

    from sesame.db import snapshot
    from sesame.store.sealed import SealBroken, Sealer

    found = snapshot.a_sealed_secret(source)
    if found is None:
        return
    row, sealed = found
    try:
        Sealer(key, random_bytes=secrets.token_bytes).open(sealed, row=row)
    except SealBroken:
        raise ConfigError(
            f"the master key is not the one of `{source}`: its secrets cannot be decrypted"
        ) from None


def _put_key(settings: Settings, key: bytes) -> None:
    from sesame.app.foundation import master_key_path, write_master_key

    path = master_key_path(settings)
    if not path.exists():
        write_master_key(path, key)
