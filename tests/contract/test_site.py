"""The page is a pure function of the records, loads nothing from the network, and shows foreign text as text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects
import pytest

from bench.core.contract import BadInput
from leaderboard import notation, site, terminal, views
from leaderboard.tables import load
from tests import leaderboard_records as made_up
from tests.hostile_records import write_hostile


class Elements(HTMLParser):
    """All start tags with their attributes, and the text of the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def values(self, *names: str) -> list[str]:
        return [value for _, attrs in self.found for name in names if (value := attrs.get(name)) is not None]


def pages(folder: Path) -> dict[str, bytes]:
    """Every file of a built page but plotly's own script."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "plotly.min.js")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    site.build(*made_up.write(folder / "in"), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose every foreign text is hostile: reasons, logs, titles, descriptions, references."""
    folder = tmp_path_factory.mktemp("hostile")
    site.build(*write_hostile(folder / "in"), folder / "out")
    return folder / "out"


def test_the_same_records_in_any_order_give_the_same_bytes(page: Path, tmp_path: Path) -> None:
    records, catalogue = made_up.write(tmp_path / "in")
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(lines[1::2] + lines[::2]))
    site.build(records, catalogue, tmp_path / "out")
    assert pages(tmp_path / "out") == pages(page)


def test_building_again_removes_the_pages_of_methods_that_are_gone(tmp_path: Path) -> None:
    site.build(*made_up.write(tmp_path / "in"), tmp_path / "out")
    fewer = [entry for entry in made_up.records() if entry["method"] != "crasher"]
    site.build(*made_up.write(tmp_path / "in", fewer), tmp_path / "out")
    site.build(*made_up.write(tmp_path / "in", fewer), tmp_path / "fresh")
    assert pages(tmp_path / "out") == pages(tmp_path / "fresh")


def test_every_method_control_and_mutant_of_a_board_has_a_row_and_a_page(page: Path) -> None:
    index = (page / "index.html").read_text()
    tables = load(page / "records.jsonl", page.parent / "in" / "catalogue.json")
    for table in tables.tracks:
        for row in table.rows:
            link = views.record_page(table, row.method)
            assert f'href="{link}' in index
            assert all(f'id="{views.unit_id(unit.key)}"' in (page / link).read_text() for unit in row.records)


def test_the_records_stand_beside_the_page_unchanged(page: Path) -> None:
    copied = [json.loads(line) for line in (page / "records.jsonl").read_text().splitlines()]
    assert copied == list(made_up.records())


@pytest.mark.parametrize("which", ["page", "hostile"])
def test_nothing_is_loaded_from_the_network(which: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(which)
    for path in folder.rglob("*.html"):
        for value in Elements(path.read_text()).values("src", "href", "action", "data", "poster", "srcset"):
            assert not re.match(r"(?i)\s*([a-z][a-z0-9+.-]*:|//)", value) or value == "data:,", (path.name, value)
    assert not re.search(r"https?:|url\(|@import", (folder / "assets/page.css").read_text())
    assert not re.search(r"https?:|fetch\(|import[ (]", (folder / "assets/page.js").read_text())


def test_foreign_text_makes_no_element_and_runs_no_script(page: Path, hostile: Path) -> None:
    for name in ("index.html", "records/maze-truth-crasher.html"):
        text = (hostile / name).read_text()
        tags = [(tag, attrs) for tag, attrs in Elements(text).found if tag in ("script", "img", "iframe", "object")]
        sound = [(tag, attrs) for tag, attrs in Elements((page / name).read_text()).found if tag in ("script",)]
        assert tags == sound
        assert not [attrs for _, attrs in Elements(text).found if any(key.startswith("on") for key in attrs)]
        assert "alert(1)" in text
        assert "{{ 7*7 }}" in text


def test_a_figure_cannot_end_its_script_element() -> None:
    value = {"b": "</script><!-- & \u2028", "a": [1.5, None, True]}
    text = site.json_script(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
    assert text.index('"a"') < text.index('"b"')


def test_control_characters_and_long_lines_are_shown_as_such(hostile: Path) -> None:
    for name in ("index.html", "records/maze-truth-crasher.html"):
        text = (hostile / name).read_text()
        assert "red\\x07\\u202egnp.exe" in text
        assert re.search(r"… \[\d+ characters cut\]", text)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)


def test_a_cut_text_says_how_much_is_missing() -> None:
    assert notation.printable("a" * 500) == "a" * 400 + " … [100 characters cut]"
    assert notation.printable("\n".join(["line"] * 100), 40).startswith("[459 characters cut] … ")
    assert notation.printable("\x1b]0;title\x07plain\r\nnext\x1b[1;31m!") == "plain\nnext!"


def test_every_figure_is_one_that_plotly_accepts(page: Path) -> None:
    index = (page / "index.html").read_text()
    figures = re.findall(r'<script type="application/json" id="(plot-[^"]+)-figure">(.*?)</script>', index)
    assert len(figures) >= 8
    assert len({name for name, _ in figures}) == len(figures)
    for name, text in figures:
        figure = json.loads(re.sub(r'"--[a-z-]+"', '"#123456"', text))
        assert plotly.graph_objects.Figure(figure).data, name


def test_element_ids_are_unique_and_every_label_refers_to_one(page: Path, hostile: Path) -> None:
    for path in (*page.rglob("*.html"), *hostile.rglob("*.html")):
        elements = Elements(path.read_text())
        ids = elements.values("id")
        assert len(ids) == len(set(ids)), path.name
        assert set(elements.values("aria-labelledby")) <= set(ids), path.name


def test_tables_have_captions_and_heads_that_name_their_direction(page: Path) -> None:
    index = (page / "index.html").read_text()
    for table in re.findall(r"<table.*?</table>", index, re.DOTALL):
        assert "<caption>" in table
        assert 'scope="row"' in table
        assert table.count("aria-sort=") == table.count('class="sort"') >= 2


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    table = load(*made_up.write(tmp_path)).tracks[0]
    with pytest.raises(BadInput, match="cannot name a file"):
        views.record_page(table, "../../index")


def test_numbers_are_written_with_their_interval() -> None:
    assert [notation.number(x) for x in (0.12345, -0.0001, -1.5, 123.456, 45678.0, None)] == [
        "0.123", "0.000", "\N{MINUS SIGN}1.500", "123", "45,678", "\N{EN DASH}",
    ]  # fmt: skip
    assert notation.cost(0.00001) == "< 0.001"
    assert [notation.memory(x) for x in (10, 2048, 3 << 20, 5 << 30)] == ["10 B", "2 KiB", "3 MiB", "5 GiB"]


def test_the_terminal_shows_every_row_in_columns_that_line_up(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tables = load(*made_up.write(tmp_path))
    terminal.print_tables(tables)
    printed = capsys.readouterr().out
    for table in tables.tracks:
        for row in table.methods + table.controls:
            assert row.method in printed
    blocks = [block.splitlines() for block in printed.split("\n\n") if "  ---" in block]
    assert len(blocks) >= 6
    for head, rule, *rows in blocks:
        ends = [match.end() for match in re.finditer("-+", rule)]
        gaps = [end for end in ends[:-1] if end < len(rule)]
        assert all(
            line[gap : gap + 2].strip() == "" for line in (head, *rows) for gap in gaps if "taken off" not in line
        )


def test_wide_signs_take_two_columns() -> None:
    shown = list(terminal.aligned(["method", "score"], [["脳", "0.5"], ["ab", "0.25"]]))
    assert shown[3:] == ["脳        0.5", "ab       0.25"]
