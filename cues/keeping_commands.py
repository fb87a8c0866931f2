"""Commands about the library as a whole: its key, encrypting it, backups of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cues.encryption.keys import (
    FILE_NAME,
    LibraryKeyError,
    change_key,
    given_key,
    is_encrypted,
    read_key_file,
    write_key_file,
)
from cues.parameters import Keeping
from cues.terminal import told
from cues.web.settings import read_settings

console = Console()

LibraryOption = Annotated[
    Path | None, typer.Option("--library", help="The library's folder; CUES_LIBRARY when not given.")
]


def key(file: Annotated[Path, typer.Argument(help="Where the key is written; nothing is replaced.")]) -> None:
    """Makes a random key, with which a library's recordings can be encrypted."""
    with told():
        write_key_file(file)
        _say(
            f"Written: {file}. Keep a copy of it in another place than the library and its backups: without it nothing "
            f"of the recordings can be read, by anybody. Start with CUES_KEY_FILE={file}."
        )


def encrypt(library: LibraryOption = None) -> None:
    """Encrypts the recordings of a library that is there, with the key that CUES_KEY_FILE or CUES_PASSPHRASE gives."""
    from cues.library.encrypting import clear_backups, encrypt_library

    with told():
        folder = _library(library)
        said = [-1]

        def progress(share: float) -> None:
            if int(10 * share) > said[0]:
                said[0] = int(10 * share)
                print(f"Encrypting: {10 * said[0]} %", flush=True)

        files, size = encrypt_library(folder, progress)
        _say(f"Encrypted: {files} files, {size / 1e6:.0f} MB. What comes in from now on is encrypted as it comes.")
        if clear := clear_backups(folder):
            _say("Backups made before hold readable recordings; delete them:")
            for place in clear:
                _say(f"  {place}")


def change_key_(
    new_key_file: Annotated[Path | None, typer.Option(help="The new key file.")] = None,
    library: LibraryOption = None,
) -> None:
    """Locks a library's recordings with another key: a key file, or a new passphrase, which is asked for."""
    from cues.encryption.keys import GivenKey
    from cues.library.backup import refuse_while_running
    from cues.library.database import open_rows
    from cues.library.deeds import record, system_user

    with told():
        folder, old = _library(library), given_key()
        if not is_encrypted(folder):
            raise LibraryKeyError(f"The library in {folder} is not encrypted: there is no {FILE_NAME}.")
        if old is None:
            raise LibraryKeyError("Give the key that holds now by CUES_KEY_FILE or CUES_PASSPHRASE.")
        refuse_while_running(folder)
        if new_key_file is not None:
            new = read_key_file(new_key_file)
        else:
            new = GivenKey("passphrase", typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True))
        change_key(folder, old, new)
        rows = open_rows(folder)
        with rows.writing() as db:
            record(db, None, "change key", details={"locked_by": new.kind, "by": system_user()})
        rows.close()
        _say("Changed. Backups made before still open with the old key, and so does a copy of the library's folder.")


def backup(
    target: Annotated[Path, typer.Argument(help="Folder of the backups, best on another disk; made when missing.")],
    keep_days: Annotated[int, typer.Option(min=1, help="Days after which it is removed.")] = Keeping().backup_days,
    library: LibraryOption = None,
) -> None:
    """Makes a backup of the library, while the application runs or not."""
    from cues.library.backup import make_backup

    with told():
        folder = _library(library)
        made = make_backup(folder, read_settings().database_url, target, keep_days)
        _say(
            f"{made.folder}: {made.sessions} sessions, {made.bytes / 1e6:.0f} MB, of which {made.copied / 1e6:.0f} MB "
            f"new on this disk. It is removed after {made.expires}."
        )
        if made.copied * 2 < made.bytes:
            _say("It shares the library's disk: it helps against mistakes, not against a disk that breaks.")
        for name in made.missing:
            _say(f"Not there, so not in it: {name}")
        for path in made.expired:
            _say(f"Removed, its time was over: {path}")


def restore(
    backup_folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder that cues backup has made.")],
    library: LibraryOption = None,
) -> None:
    """Brings a backup back. What is there now is kept beside it; what was deleted since stays deleted."""
    from cues.library.backup import restore_backup

    with told():
        settings = read_settings()
        done = restore_backup(backup_folder, library or settings.library, settings.database_url)
        _say(f"The library is as it was at {done.made}. Everybody signs in again.")
        if done.sessions or done.people:
            _say(f"Deleted since, and deleted again: {done.sessions} sessions, {done.people} people.")
        if done.before is not None:
            _say(
                f"What was there is in {done.before} for {Keeping().backup_days} days, with recordings of everybody: "
                "delete it when all is well. Shares taken back and roles changed since must be changed again."
            )


def delete_again(library: LibraryOption = None) -> None:
    """Deletes again what was deleted after a database was dumped that is back now; every part of the tool ended."""
    from cues.library.deleting_again import delete_again_from_log

    with told():
        sessions, people = delete_again_from_log(_library(library), read_settings().database_url)
        _say(f"Deleted again: {sessions} sessions, {people} people. What the log of deletions has is gone.")


def move_database(
    to: Annotated[str, typer.Option("--to", help="postgresql+psycopg://user:password@host/name of an empty database.")],
    library: LibraryOption = None,
) -> None:
    """Moves the rows of a library from its SQLite file to PostgreSQL; the application ended."""
    from cues.library.moving import move_database as move

    with told():
        moved = move(_library(library), to)
        filled = {table: count for table, count in moved.rows.items() if count}
        _say(f"Moved: {sum(filled.values())} rows, counted on both sides.")
        for table, count in filled.items():
            _say(f"  {table}: {count}")
        _say(
            f"Start every part with CUES_DATABASE_URL set to this address. The SQLite file is now {moved.aside}, with "
            f"everything of everybody: it goes after {Keeping().backup_days} days; delete it when all is well."
        )


def _library(given: Path | None) -> Path:
    folder = given or read_settings().library
    if not folder.is_dir():
        raise LibraryKeyError(f"There is no library in {folder}: name it by --library or CUES_LIBRARY.")
    return folder


def _say(words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)
