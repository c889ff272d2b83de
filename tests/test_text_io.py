r"""Only \n ends a line; what is written is whole or not there."""

import gzip
import io
import os
from pathlib import Path

import pytest

from seq2seq import text_io
from seq2seq.errors import UserError


def lines_of(path, warnings=None):
    return list(text_io.read_lines(path, ([] if warnings is None else warnings).append))


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\n\r\nb", ["a", "", "b"]),
        (b"a\rb\n", ["a\rb"]),
        ("a\u2028b\x0bc\x0cd\x85e\x1ef\0g\n".encode(), ["a\u2028b\x0bc\x0cd\x85e\x1ef\0g"]),
    ],
)
def test_only_newlines_end_lines(tmp_path, content, lines):
    path = tmp_path / "text"
    path.write_bytes(content)
    assert lines_of(path) == lines
    path.write_bytes(gzip.compress(content))
    assert lines_of(path) == lines


def test_bytes_that_are_not_utf8_are_replaced_with_a_warning(tmp_path):
    (tmp_path / "text").write_bytes(b"a\nb\xe9c\n")
    warnings = []
    assert lines_of(tmp_path / "text", warnings) == ["a", "b\ufffdc"]
    found = "byte 0xe9 at column 2 is not UTF-8: replaced by \ufffd"
    assert warnings == [f"{tmp_path / 'text'}:2: warning: {found}"]


@pytest.fixture
def pipe(monkeypatch):
    """The end of stdin that is written to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "wb", buffering=0) as file:
        monkeypatch.setattr("sys.stdin", stdin)
        yield file


def test_lines_of_a_pipe_come_as_they_are_written(pipe):
    warnings = []
    chunks = text_io.read_chunks(Path("-"), 100, warnings.append)
    pipe.write(b"one\n")
    assert next(chunks) == ["one"]
    pipe.write(b"two\r\nthr")
    assert next(chunks) == ["two"]
    pipe.write(b"ee \xff\n\nfour\nhalf")
    assert next(chunks) == ["three \ufffd", "", "four"]
    pipe.close()
    assert next(chunks) == ["half"]
    assert list(chunks) == []
    assert warnings == ["stdin:3: warning: byte 0xff at column 7 is not UTF-8: replaced by \ufffd"]


def test_lines_of_a_named_pipe_come_as_they_are_written(tmp_path):
    path = tmp_path / "named"
    os.mkfifo(path)
    holding = os.open(path, os.O_RDWR)  # neither end waits for the other any more
    warnings = []
    chunks = text_io.read_chunks(path, 100, warnings.append)
    os.write(holding, b"one\n")
    assert next(chunks) == ["one"]
    os.write(holding, b"two\n\xff\n")
    assert next(chunks) == ["two", "\ufffd"]
    found = "byte 0xff at column 1 is not UTF-8: replaced by \ufffd"
    assert warnings == [f"{path}:3: warning: {found}"]
    os.close(holding)
    assert list(chunks) == []


def test_gzip_from_a_pipe_is_refused(pipe):
    pipe.write(gzip.compress(b"one\n") + b"\n")
    with pytest.raises(UserError, match="stdin: expected text, found gzip: unpack it"):
        next(text_io.read_chunks(Path("-"), 100, [].append))


def test_a_pipe_gives_about_as_many_lines_as_asked(pipe):
    pipe.write(b"a\n" * 20_000)
    pipe.close()
    found = list(text_io.read_chunks(Path("-"), 5, [].append))
    assert sum(map(len, found)) == 20_000
    assert len(found) > 0
    assert max(map(len, found)) < 40_000


def test_lines_of_a_file_come_in_lists_of_a_size(tmp_path):
    path = tmp_path / "text"
    path.write_text("a\nb\nc")
    assert list(text_io.read_chunks(path, 2, [].append)) == [["a", "b"], ["c"]]


def test_stdin_is_read_for_none_and_for_a_dash(monkeypatch):
    for path in (None, Path("-")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
        assert lines_of(path) == ["a", "b"]
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UserError, match="stdin: expected text, found it closed"):
        lines_of(None)


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(UserError, match=r"missing: cannot be read: No such file"):
        lines_of(tmp_path / "missing")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a line\n" * 100)[:-9])
    with pytest.raises(UserError, match=r"cut.gz: expected a whole gzip file, found damage"):
        lines_of(tmp_path / "cut.gz")


def test_chunks_hold_all_in_order():
    assert list(text_io.chunks(iter("abcde"), 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_output_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "out"
    path.write_text("before")
    with text_io.output(path) as file:
        file.write("aß\n")
        assert path.read_text() == "before"
    assert path.read_bytes() == "aß\n".encode()
    with pytest.raises(TypeError), text_io.output(path) as file:
        file.writelines(["half", None])
    assert path.read_bytes() == "aß\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_output_goes_through_links_and_into_devices(tmp_path):
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    with text_io.output(tmp_path / "link") as file:
        file.write("text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"
    text_io.check_output(Path("/dev/null"))
    with text_io.output(Path("/dev/null")) as file:
        file.write("text")
    assert Path("/dev/null").is_char_device()


def test_a_full_disk_is_told():
    match = "/dev/full: cannot be written: No space left on device"
    with pytest.raises(UserError, match=match), text_io.output(Path("/dev/full")) as file:
        file.write("text")


def test_places_that_cannot_be_written_are_told_beforehand(tmp_path):
    (tmp_path / "file").touch()
    text_io.check_output(None)
    text_io.check_output(tmp_path / "new")
    for path, match in (
        (tmp_path, "expected a file to write, found a folder"),
        (tmp_path / "no" / "out", f"expected a folder {tmp_path / 'no'}, found nothing"),
        (tmp_path / "file" / "out", f"expected a folder {tmp_path / 'file'}, found a file"),
    ):
        with pytest.raises(UserError, match=f"^{path}: .*{match}$"):
            text_io.check_output(path)
    for path, found in ((tmp_path, "a folder"), (tmp_path / "no", "nothing")):
        with pytest.raises(UserError, match=f"^{path}: expected a text file, found {found}$"):
            text_io.check_input(path)
    text_io.check_input(tmp_path / "file")
    text_io.check_input(Path("-"))
