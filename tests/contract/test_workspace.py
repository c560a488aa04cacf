"""Files that problems share lie on the disk once, however often they are made."""

from bench.core.contract import Blob
from bench.core.problems import Workspace


def test_a_blob_that_is_made_again_is_the_same_file(tmp_path):
    workspace = Workspace(tmp_path / "blobs", {})
    first, second = (workspace.blob(lambda path: path.write_bytes(b"weights")) for _ in range(2))
    inode = first.path.stat().st_ino
    assert first == second == Blob.of(first.path)
    assert [path.stat().st_ino for path in (tmp_path / "blobs").iterdir()] == [inode]
    (tmp_path / "problem").hardlink_to(first.path)
    workspace.blob(lambda path: path.write_bytes(b"weights"))
    assert first.path.stat().st_nlink == 2


def test_a_blob_that_was_cut_short_is_made_anew(tmp_path):
    workspace = Workspace(tmp_path / "blobs", {})
    path = workspace.blob(lambda path: path.write_bytes(b"weights")).path
    path.write_bytes(b"wei")
    assert workspace.blob(lambda path: path.write_bytes(b"weights")).path.read_bytes() == b"weights"
