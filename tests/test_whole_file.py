"""What is written through `whole_file` appears whole or not at all, under any name."""

import os
import threading

import pytest

from simnet.whole_file import whole_file


def names(directory):
    return [path.name for path in directory.iterdir()]


def write(file, text):
    with whole_file(file) as part:
        part.write_text(text)


def test_a_file_appears_when_it_is_complete(tmp_path):
    file = tmp_path / "new" / "name.txt"
    with whole_file(file) as part:
        part.write_text("text")
        assert not file.exists()
    assert file.read_text() == "text"
    assert names(file.parent) == ["name.txt"]


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt()])
def test_a_failure_leaves_what_was_there(tmp_path, error):
    file = tmp_path / "name.txt"
    file.write_text("before")

    def fail(part):
        part.write_text("half")
        raise error

    with pytest.raises(type(error)), whole_file(file) as part:
        fail(part)
    assert file.read_text() == "before"
    assert names(tmp_path) == ["name.txt"]


def test_a_link_leads_where_it_led(tmp_path):
    (tmp_path / "far").mkdir()
    file = tmp_path / "near"
    file.symlink_to(tmp_path / "far" / "name.txt")
    for text in ("first", "second"):
        write(file, text)
        assert file.is_symlink()
        assert (tmp_path / "far" / "name.txt").read_text() == text


def test_a_pipe_is_written_itself(tmp_path):
    file = tmp_path / "pipe"
    os.mkfifo(file)
    writer = threading.Thread(target=write, args=(file, "text"))
    writer.start()
    assert file.read_text() == "text"
    writer.join()
    assert file.is_fifo()


def test_an_error_names_the_file_and_not_its_part(tmp_path):
    (tmp_path / "name").mkdir()
    with pytest.raises(IsADirectoryError) as found:
        write(tmp_path / "name", "text")
    assert found.value.filename == str(tmp_path / "name")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError) as found:
        write(tmp_path / "file" / "name", "text")
    assert found.value.filename == str(tmp_path / "file" / "name")
