"""A data set's files come from the mirror, an installed package or the network, each with its checksum."""

import email.message
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from bench.core import data, problems
from bench.core.contract import BadInput
from bench.core.records import read_json

CONTENT = b"time,value\n0,1\n1,4\n2,9\n"
PREPARE = """
from pathlib import Path

def prepare(source, out):
    text = (source / "deep" / "numbers.csv").read_text()
    with (Path(__file__).parents[1] / "prepared.log").open("a") as log:
        log.write("once\\n")
    (out / "numbers.txt").write_text(text.upper())
"""


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class World:
    """A data set `toy` with a public address (a folder), a mirror and a store."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "datasets" / "toy"

    @property
    def public(self) -> Path:
        return self.root / "public" / "deep" / "numbers.csv"

    @property
    def mirrored(self) -> Path:
        return self.root / "mirror" / "toys" / "deep" / "numbers.csv"

    @property
    def times_prepared(self) -> int:
        log = self.root / "datasets" / "prepared.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def write(self, path: Path, content: bytes = CONTENT) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def change_card(self, **changes) -> None:
        path = self.folder / "card.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes))

    def obtain(self, mirror: bool = True) -> Path:
        folder = self.root / "mirror"
        folder.mkdir(exist_ok=True)
        return data.obtain("toy", self.root / "datasets", self.root / "store", folder if mirror else None)

    @property
    def left_behind(self) -> list[str]:
        return [path.name for path in (self.root / "store").glob("toy-*")]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    card = {
        "id": "toy", "version": 1, "title": "Squares", "modality": "fmri", "source": {"url": f"file://{tmp_path}/public/"},
        "files": {"deep/numbers.csv": sha(CONTENT)}, "mirror": {"folder": "toys"},
        "licence": {"name": "CC0", "redistribution": "anyone"}, "citation": "Nobody (1900)", "subjects": 1,
        "sampling_rate": 1.0, "units": {"value": "V"}, "splits": "none", "faults": [],
    }  # fmt: skip
    made.write(made.folder / "card.yaml", yaml.safe_dump(card).encode())
    made.write(made.folder / "prepare.py", PREPARE.encode())
    return made


def test_a_file_in_the_mirror_is_taken_though_the_public_address_is_gone(world):
    world.write(world.mirrored)
    assert (world.obtain() / "numbers.txt").read_text() == CONTENT.decode().upper()


def test_a_mirror_without_the_file_leaves_it_to_the_public_address(world):
    world.write(world.public)
    assert (world.obtain() / "numbers.txt").is_file()


def test_no_mirror_and_nothing_at_the_address_is_missing_data_and_names_the_address(world):
    with pytest.raises(data.DataMissing, match=r"toy: file://.*public/deep/numbers.csv cannot be reached .* no mirror"):
        world.obtain(mirror=False)
    assert world.left_behind == []


def test_a_corrupted_file_in_the_mirror_is_bad_input_with_both_checksums_and_a_remedy(world):
    world.write(world.mirrored, CONTENT[:-1] + b"X")
    world.write(world.public)  # a good copy elsewhere must not hide the fault
    with pytest.raises(BadInput) as caught:
        world.obtain()
    for words in (str(world.mirrored), sha(CONTENT), sha(CONTENT[:-1] + b"X"), "copy the file into the mirror again"):
        assert words in str(caught.value)
    assert world.left_behind == []


def test_a_public_file_that_was_cut_short_is_bad_input_with_its_size(world):
    world.write(world.public, CONTENT[:7])
    with pytest.raises(BadInput, match=rf"numbers.csv: sha256 is {sha(CONTENT[:7])} \(7 bytes\).*{sha(CONTENT)}"):
        world.obtain()
    assert world.left_behind == []
    assert not list((world.root / "store" / "files").iterdir())


class Response(io.BytesIO):
    """What a server sends whose announced length is that of the whole file."""

    headers = email.message.Message()
    headers["Content-Length"] = str(len(CONTENT))


def test_a_transfer_that_breaks_off_says_how_many_bytes_came(world, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Response(CONTENT[:7]))
    with pytest.raises(BadInput, match=rf"7 of {len(CONTENT)} bytes came \(truncated\); run the command again"):
        world.obtain(mirror=False)


def test_what_was_prepared_is_used_again_without_any_source(world):
    world.write(world.mirrored)
    first = world.obtain()
    world.mirrored.unlink()
    assert world.obtain(mirror=False) == first
    assert world.times_prepared == 1


def test_a_prepared_file_that_lost_bytes_is_prepared_again(world):
    world.write(world.mirrored)
    (world.obtain() / "numbers.txt").write_text("TIME")
    assert (world.obtain() / "numbers.txt").read_text() == CONTENT.decode().upper()


def test_an_edited_prepare_is_run_again_and_downloads_nothing_again(world):
    world.write(world.public)
    first = world.obtain(mirror=False)
    world.public.unlink()
    world.write(world.folder / "prepare.py", (PREPARE + "\n# edited\n").encode())
    assert world.obtain(mirror=False) != first
    assert world.times_prepared == 2


def test_a_local_folder_is_a_source(world):
    world.write(world.public)
    world.change_card(source={"local": str(world.root / "public")})
    assert (world.obtain(mirror=False) / "numbers.txt").is_file()
    world.change_card(source={"local": "/nowhere"})
    with pytest.raises(data.DataMissing, match=r"/nowhere/deep/numbers.csv does not exist"):
        world.obtain(mirror=False)


def test_prepare_sees_the_files_of_the_card_and_no_others(world):
    world.write(world.mirrored)
    world.write(world.mirrored.with_name("secret.csv"))
    spy = PREPARE + '    (out / "seen.txt").write_text(" ".join(sorted(p.name for p in source.rglob("*.csv"))))\n'
    world.write(world.folder / "prepare.py", spy.encode())
    assert (world.obtain() / "seen.txt").read_text() == "numbers.csv"


def test_a_prepare_that_is_killed_half_way_leaves_nothing_that_looks_prepared(world):
    world.write(world.mirrored)
    halting = PREPARE.replace(
        "    text =", '    (out / "half.txt").write_text("half")\n    wait(source)\n    text ='
    ) + (
        "\nimport time\ndef wait(source):\n"
        "    hold = Path(__file__).parents[1] / 'hold'\n"
        "    if hold.exists():\n        hold.rename(hold.with_name('held'))\n        time.sleep(60)\n"
    )
    world.write(world.folder / "prepare.py", halting.encode())
    hold = world.root / "datasets" / "hold"
    hold.touch()
    (world.root / "mirror").mkdir(exist_ok=True)
    code = f"from bench.core import data; from pathlib import Path; r = Path({str(world.root)!r})\n"
    code += "data.obtain('toy', r / 'datasets', r / 'store', r / 'mirror')"
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(data.__file__).parents[2]) as child:
        while hold.exists() and child.poll() is None:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
    assert world.left_behind == []
    folder = world.obtain()
    assert (folder / "numbers.txt").is_file()
    assert world.times_prepared == 1
    assert not (world.root / "store" / ".toy.partial").exists()


def test_two_at_once_prepare_it_once(world):
    world.write(world.mirrored)
    slow = PREPARE.replace("    text =", "    import time; time.sleep(0.2)\n    text =")
    world.write(world.folder / "prepare.py", slow.encode())
    (world.root / "mirror").mkdir(exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(world.obtain) for _ in range(2)])
    assert first == second
    assert world.times_prepared == 1


def test_a_prepare_that_writes_nothing_is_refused(world):
    world.write(world.mirrored)
    world.write(world.folder / "prepare.py", b"def prepare(source, out):\n    pass\n")
    with pytest.raises(BadInput, match="wrote no file"):
        world.obtain()


def test_units_of_data_that_cannot_be_had_are_skipped_with_the_reason(world):
    config, output = {"results": str(world.root), "data_mirror": ""}, world.root / "toy.json"
    problems.make_data({"dataset": "toy"}, config, world.root, output)
    spec = {"datasets": {"toy": str(output)}, "units": ["a/b-v1/c/0"], "path": "/nowhere.py", "code": "0"}
    problems.make_problems(spec, config, world.root / "problems.json", lambda done, planned: None)
    (unit,) = read_json(world.root / "problems.json")["units"].values()
    assert "numbers.csv cannot be reached" in unit["skipped"]


def wheel(folder: Path, content: bytes) -> dict[str, str]:
    """A wheel `toydata-1.0` that holds the file, and the card's words for it."""
    path = folder / "toydata-1.0-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    about = "toydata-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("deep/numbers.csv", content)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: toydata\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return {"package": "toydata", "version": "1.0", "wheel": path.name, "sha256": sha(path.read_bytes())}


@pytest.fixture
def index(world, monkeypatch) -> Path:
    """A folder of wheels in the place of the package index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.root / "index"))
    return world.root / "index"


def test_a_wheel_of_the_package_index_gives_its_member(world, index):
    world.change_card(source={"pypi": wheel(index, CONTENT)})
    assert (world.obtain(mirror=False) / "numbers.txt").is_file()


def test_another_wheel_of_the_same_name_is_bad_input(world, index):
    facts = wheel(index, CONTENT)
    wheel(index, CONTENT + b"3,16\n")
    world.change_card(source={"pypi": facts})
    with pytest.raises(BadInput, match=f"toydata-1.0-py3-none-any.whl: sha256 is .*{facts['sha256']}"):
        world.obtain(mirror=False)


def test_a_wheel_that_cannot_be_had_is_missing_data(world, index):
    facts = wheel(index, CONTENT)
    (index / facts["wheel"]).unlink()
    world.change_card(source={"pypi": facts})
    with pytest.raises(data.DataMissing, match=r"toydata-1.0-py3-none-any.whl cannot be had from the package index"):
        world.obtain(mirror=False)


def test_an_installed_package_of_another_version_is_not_taken(world, monkeypatch):
    source = {
        "pypi": {"package": "nitime", "version": "0.0.1", "wheel": "nitime-0.0.1-py3-none-any.whl", "sha256": "0" * 64}
    }
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    world.change_card(source=source, files={"nitime/data/event_related_fmri.csv": "0" * 64})
    with pytest.raises(data.DataMissing, match=r"nitime-0\.0\.1"):
        world.obtain(mirror=False)
