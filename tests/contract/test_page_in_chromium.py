"""The page in a real browser, opened from disk: sorting, filter, keyboard, links, themes, phone, plots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leaderboard import site
from tests import leaderboard_records as made_up
from tests.browser import CHROMIUM, Browser
from tests.hostile_records import write_hostile

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

TABLE = "maze-truth-methods"
NAMES = f"[...document.querySelectorAll('#{TABLE} tbody tr')].filter(x => !x.hidden).map(x => x.cells[1].dataset.sort)"
VISIBLE = "[...document.querySelectorAll('[data-row]')].filter(row => !row.hidden)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    site.build(*made_up.write(folder / "in"), folder / "out")
    return folder / "out" / "index.html"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(shared: Browser, page: Path) -> Iterator[Browser]:
    """The page, freshly loaded on a desk's screen; what it remembers is forgotten after the test."""
    shared.faults.clear()
    shared.open(page)
    yield shared
    shared.evaluate("localStorage.clear()")


def click_head(browser: Browser, title: str) -> str:
    """Click a table's head and return the direction that it then states."""
    return browser.evaluate(f"""(() => {{
        const th = [...document.querySelectorAll('#{TABLE} th')].find(x => x.textContent === {json.dumps(title)});
        th.querySelector('button').click();
        return th.getAttribute('aria-sort');
    }})()""")


def choose(browser: Browser, name: str, value: str) -> list[dict[str, Any]]:
    """Set one field of the filter and return what the rows that are left say of themselves."""
    return browser.evaluate(f"""(() => {{
        const field = document.querySelector('.filter').elements[{json.dumps(name)}];
        field.value = {json.dumps(value)};
        field.dispatchEvent(new Event('input', {{bubbles: true}}));
        return {VISIBLE}.map(row => ({{...row.dataset}}));
    }})()""")


def test_a_click_on_a_head_sorts_and_a_second_click_turns_the_order(browser: Browser) -> None:
    by_rank = browser.evaluate(NAMES)
    assert click_head(browser, "Method") == "ascending"
    assert browser.evaluate(NAMES) == sorted(by_rank) != by_rank
    assert click_head(browser, "Method") == "descending"
    assert browser.evaluate(NAMES) == sorted(by_rank, reverse=True)
    assert click_head(browser, "Rank") == "ascending"
    assert browser.evaluate(NAMES) == by_rank


def test_scores_sort_as_numbers_with_the_best_first(browser: Browser) -> None:
    assert click_head(browser, "Score") == "descending"
    scores = browser.evaluate(f"[...document.querySelectorAll('#{TABLE} td.score')].map(x => Number(x.dataset.sort))")
    assert scores == sorted(scores, reverse=True)
    assert click_head(browser, "Cost") == "ascending"
    costs = browser.evaluate(
        f"[...document.querySelectorAll('#{TABLE} tbody tr')].map(x => Number(x.cells[6].dataset.sort))"
    )
    assert costs == sorted(costs)


def test_the_keyboard_reaches_the_heads_and_sorts(browser: Browser) -> None:
    reached = f"document.activeElement.matches('#{TABLE} .sort') && document.activeElement.textContent"
    for _ in range(80):
        browser.press("Tab")
        if browser.evaluate(reached) == "Method":
            break
    else:
        pytest.fail("eighty tabs do not reach the head `Method`")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    by_rank = browser.evaluate(NAMES)
    browser.press("Enter")
    assert browser.evaluate(NAMES) == sorted(by_rank) != by_rank
    browser.press(" ")
    assert browser.evaluate(NAMES) == sorted(by_rank, reverse=True)


def test_the_first_tab_offers_to_skip_to_the_tables(browser: Browser) -> None:
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip-link"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") == 0


def test_the_filter_hides_what_does_not_match(browser: Browser) -> None:
    total = len(choose(browser, "text", ""))
    crashers = choose(browser, "text", "CrashER")
    assert 0 < len(crashers) < total
    assert all("crasher" in row["text"] for row in crashers)
    assert browser.evaluate("document.querySelector('.filter output').value") == f"{len(crashers)} of {total} rows"
    assert browser.evaluate(NAMES) == ["crasher"]
    choose(browser, "text", "")
    assert {row["kind"] for row in choose(browser, "kind", "control")} == {"control"}
    choose(browser, "kind", "")
    assert all("timeout" in row["status"].split() for row in choose(browser, "status", "timeout"))
    choose(browser, "status", "")
    assert all("oceans" in row["task"].split() for row in choose(browser, "task", "oceans"))


def test_reset_shows_every_row_again(browser: Browser) -> None:
    before = browser.evaluate(f"{VISIBLE}.length")
    choose(browser, "text", "no such thing")
    assert browser.evaluate(f"{VISIBLE}.length") == 0
    browser.evaluate("document.querySelector('.filter [type=reset]').click()")
    assert browser.evaluate(f"new Promise(done => setTimeout(() => done({VISIBLE}.length), 20))") == before


def test_every_link_leads_to_a_file_and_an_element_that_exist(browser: Browser, page: Path) -> None:
    ids: dict[str, list[str]] = {}
    links: set[str] = set()
    for source in sorted(page.parent.rglob("*.html")):
        browser.open(source)
        ids[str(source)] = browser.evaluate("[...document.querySelectorAll('[id]')].map(x => x.id)")
        found = browser.evaluate("[...document.querySelectorAll('a[href]')].map(x => decodeURIComponent(x.href))")
        links |= set(found)
    assert len(links) > 150
    for link in links:
        path, _, anchor = link.removeprefix("file://").partition("#")
        assert Path(path).is_file(), link
        assert not anchor or anchor in ids[path], link


def test_every_score_links_to_its_records(browser: Browser) -> None:
    cells = "[...document.querySelectorAll('.methods td.score, .controls td.score, td.number:has(a)')]"
    links = browser.evaluate(f"{cells}.map(x => x.querySelector('a')?.getAttribute('href') ?? x.textContent.trim())")
    assert len(links) > 100
    assert [link for link in links if not link.startswith("records/")] == []


def test_plots_are_drawn_when_they_come_into_view_and_follow_the_theme(browser: Browser) -> None:
    drawn = """new Promise(done => {
        const plot = document.getElementById('plot-maze-truth-cost');
        plot.scrollIntoView();
        const look = left => plot.querySelector('.point') || !left ? done(plot.querySelectorAll('.point').length)
            : setTimeout(look, 50, left - 1);
        look(100);
    })"""
    assert browser.evaluate(drawn) == 9
    ink = "document.querySelector('#plot-maze-truth-cost .ytitle').style.fill"
    light = browser.evaluate(ink)
    for _ in range(2):
        browser.evaluate("document.querySelector('.theme').click()")
    assert browser.evaluate("document.documentElement.dataset.theme") == "dark"
    assert browser.evaluate(ink) != light
    assert browser.evaluate("document.querySelectorAll('#plot-maze-truth-cost .noplot').length") == 0


def test_the_chosen_theme_is_kept_and_both_themes_are_readable(browser: Browser, page: Path) -> None:
    browser.evaluate("document.querySelector('.theme').click()")
    browser.open(page, dark=True)
    assert browser.evaluate("document.documentElement.dataset.theme") == "light"
    browser.evaluate("localStorage.clear()")
    for dark in (False, True):
        browser.open(page, dark=dark)
        assert browser.evaluate(LEAST_CONTRAST) >= 4.5


LEAST_CONTRAST = """(() => {
    const rgb = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = text => rgb(text).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const texts = [...document.querySelectorAll('main :is(td, th, a, p, span), footer dd, .failed, .passed')]
        .filter(x => x.textContent.trim() && !x.closest('.plot'));
    return Math.min(...texts.map(x => light(getComputedStyle(x).color))
        .map(v => (Math.max(v, paper) + .05) / (Math.min(v, paper) + .05)));
})()"""


@pytest.mark.parametrize("write", [made_up.write, write_hostile])
@pytest.mark.parametrize("name", ["index.html", "records/maze-truth-crasher.html"])
def test_a_phone_scrolls_tables_and_never_the_page_sideways(
    browser: Browser, tmp_path: Path, name: str, write: Callable[[Path], tuple[Path, Path]]
) -> None:
    site.build(*write(tmp_path / "in"), tmp_path / "out")
    browser.open(tmp_path / "out" / name, 390, 844)
    browser.evaluate("document.querySelectorAll('details').forEach(x => { x.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth") == 390
    wide = browser.evaluate("""[...document.querySelectorAll('body *')]
        .filter(x => !x.closest('.scroll, .plot, .skip-link') && x.getBoundingClientRect().right > 391).length""")
    assert wide == 0
    assert browser.faults == []


def test_a_link_to_a_unit_shows_it(browser: Browser, page: Path) -> None:
    records = page.parent / "records" / "maze-truth-crasher.html"
    browser.open(records)
    browser.evaluate("location.hash = '#caves-v1.dry.2'")
    assert browser.evaluate("document.querySelector(':target').cells[2].textContent").strip().startswith("timeout")


def test_nothing_is_requested_but_files_and_nothing_is_complained_of(browser: Browser, page: Path) -> None:
    for dark, width in ((False, 1280), (True, 390)):
        browser.open(page, width, 900, dark=dark)
        browser.evaluate("(async () => { for (const x of document.querySelectorAll('.plot')) {"
                         " x.scrollIntoView(); await new Promise(r => setTimeout(r, 60)); } })()")  # fmt: skip
        assert browser.evaluate("document.querySelectorAll('.plot:not(.js-plotly-plot)').length") == 0
    assert browser.faults == []
    assert all(url.startswith(("file:", "data:")) for url in browser.requests), browser.requests
