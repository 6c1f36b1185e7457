"""Files appear whole or not at all, and leave nothing beside them."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from mien.files import check_file, check_writable, replacing, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("old", [None, "", "old"])
def test_a_file_appears_when_the_block_ends(old: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if old is not None:
        path.write_text(old)
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert temporary.suffix == ".json"
        assert (path.read_text() if path.exists() else None) == old
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_an_exception_leaves_what_was_there(old: str | None, error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if old is not None:
        path.write_text(old)
    with pytest.raises(error), replacing(path) as temporary:  # noqa: PT012 - half-written is the point
        temporary.write_text("half")
        raise error
    assert names(tmp_path) == ([] if old is None else ["a.json"])
    assert old is None or path.read_text() == old


class SealedError(OSError):
    """As PyAV's are: its file's name is given once."""

    filename = property(lambda _: None)


@pytest.mark.parametrize("kind", [OSError, SealedError])
@pytest.mark.parametrize(("number", "named"), [(errno.ENOSPC, True), (errno.EFBIG, True), (errno.EACCES, False)])
def test_a_full_disk_is_told_with_the_file(number: int, named: bool, kind: type[OSError], tmp_path: Path) -> None:
    with pytest.raises(OSError, match=os.strerror(number)) as told, replacing(tmp_path / "a.csv"):
        raise kind(number, os.strerror(number))
    assert told.value.filename == (str(tmp_path / "a.csv") if named else None)
    assert names(tmp_path) == []


def test_what_goes_wrong_is_told_with_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """PyAV and others name the file that they are given, which is a temporary one."""
    with pytest.raises(OSError, match="too large") as told, replacing(tmp_path / "a.webm") as temporary:
        raise OSError(errno.EFBIG, "too large", str(temporary))
    assert told.value.filename == str(tmp_path / "a.webm")


def test_an_exception_after_the_temporary_file_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a") as temporary:
        temporary.unlink()
    assert names(tmp_path) == []


def test_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "folder" / "a.txt", "ü\n")
    assert (tmp_path / "new" / "folder" / "a.txt").read_bytes() == "ü\n".encode()


def test_whether_a_folder_takes_files_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()
    for folder in ("here", "new", "new/below"):
        check_writable(tmp_path / folder)
        assert names(tmp_path) == ["file", "here"]
    for folder in ("file", "file/below", "file/far/below"):
        for write in (check_writable, lambda place: write_text(place / "a.txt", "a")):
            with pytest.raises(NotADirectoryError) as caught:
                write(tmp_path / folder)
            assert caught.value.filename == str(tmp_path / "file")
            assert "in the way" in str(caught.value)
    assert names(tmp_path) == ["file", "here"]


def test_a_folder_that_takes_no_file_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "tmpa1b2c3"))

    monkeypatch.setattr("mien.files.TemporaryFile", refused)
    for check in (partial(check_writable, tmp_path), partial(check_file, tmp_path / "a.csv")):
        with pytest.raises(PermissionError, match="denied") as told:
            check()
        assert told.value.filename == str(tmp_path)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_who_may_read_a_new_file_is_the_users_to_say(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


def test_who_may_read_a_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError, match="a folder is in the way of a file: choose another"):
        write_text(tmp_path / "a", "text")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name here")
def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """As `/dev/null` is none, which whoever may do all would lose."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        for write in (check_file, lambda place: write_text(place, "a")):
            with pytest.raises(FileExistsError, match="a device or a pipe is in the way of a file"):
                write(tmp_path / name)
    assert names(tmp_path) == ["link", "pipe"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_file_is_replaced(there: bool, tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    if there:
        (tmp_path / "large" / "a.csv").write_text("old")
    (tmp_path / "latest.csv").symlink_to("large/a.csv")
    check_file(tmp_path / "latest.csv")
    with replacing(tmp_path / "latest.csv") as temporary:
        assert temporary.parent == tmp_path / "large"
        temporary.write_text("new")
    assert (tmp_path / "latest.csv").is_symlink()
    assert (tmp_path / "large" / "a.csv").read_text() == "new"
    assert (names(tmp_path), names(tmp_path / "large")) == (["large", "latest.csv"], ["a.csv"])


def test_two_writers_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with replacing(path) as one, replacing(path) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_kill_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path; from mien.files import replacing\n"
        "with replacing(Path(sys.argv[1])) as t: t.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    result = subprocess.run([sys.executable, "-c", code, os.fspath(path)], check=False)
    assert result.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["a.txt"]
