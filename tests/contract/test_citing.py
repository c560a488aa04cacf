"""BibTeX of references: read again by a reader of its own, each work once, nothing lost."""

from __future__ import annotations

import re

from bench.core import data
from bench.core.catalogue import read_tracks
from bench.core.citing import bibliography
from bench.core.config import ROOT

ENTRY = re.compile(r"@(\w+)\{([^,\s]+),\n(.*?)\n\}", re.DOTALL)
FIELD = re.compile(r"  (\w+) = \{(.*)\},?")


def parsed(text: str) -> dict[str, dict[str, str]]:
    """Key to fields of every entry. Raises where a line is no field, a key stands twice, or braces do not close."""
    entries: dict[str, dict[str, str]] = {}
    for kind, key, body in ENTRY.findall(text):
        assert key not in entries
        fields = [FIELD.fullmatch(line) for line in body.split("\n")]
        assert all(fields), body
        assert all(field[2].count("{") == field[2].count("}") for field in fields)
        entries[key] = {"type": kind, **{field[1]: field[2] for field in fields}}
    assert not re.sub(r"(?m)^%.*$", "", ENTRY.sub("", text)).strip()
    return entries


def test_authors_title_year_and_place_of_a_reference_are_fields():
    text = "Hanna, Pezzelle and Belinkov (2024), Have faith in faithfulness, COLM, arXiv:2403.17806, eq. 4"
    assert parsed(bibliography([("circuits/eap", text)])) == {
        "hanna2024have": {
            "type": "inproceedings", "author": "Hanna and Pezzelle and Belinkov", "year": "2024",
            "title": "{Have faith in faithfulness}", "booktitle": "COLM", "eprint": "2403.17806",
            "archiveprefix": "arXiv",
        }
    }  # fmt: skip


def test_a_data_cards_citation_is_read_with_its_initials_and_pages():
    text = (
        "Van Wagenen SE, Hale JT, et al. (2016). Structure & activity. Brain and Language 157-158:81-94, doi:10.1/x_y."
    )
    assert parsed(bibliography([("alice", text)])) == {
        "vanwagenen2016structure": {
            "type": "article", "author": "Van Wagenen, S. E. and Hale, J. T. and others", "year": "2016",
            "title": r"{Structure \& activity}", "journal": "Brain and Language", "volume": "157-158",
            "pages": "81-94", "doi": "10.1/x_y",
        }
    }  # fmt: skip


def test_a_work_stands_once_however_many_cite_it_and_however_short():
    long = "Mueller et al. (2025), MIB: a mechanistic benchmark, ICML, arXiv:2504.13151, section 4.2"
    cited = [
        ("a/x", long),
        ("a/y", f"Alain and Bengio (2017), Probes; {long}"),
        ("b/z", "Mueller et al. (2025), MIB, ICML"),
    ]
    text = bibliography([*cited, ("b/z", "Mueller et al. (2025), Another paper, ICML")])
    assert list(parsed(text)) == ["mueller2025mechanistic", "alain2017probes", "mueller2025another"]
    assert "% a/x, a/y, b/z\n@inproceedings{mueller2025mechanistic" in text


def test_what_cannot_be_read_is_kept_word_for_word():
    assert parsed(bibliography([("toy/mean", "arithmetic, 50 % of it")])) == {
        "toy_mean": {"type": "misc", "note": r"arithmetic, 50 \% of it"}
    }
    untitled = "Hoerl and Kennard (1970), Technometrics 12:55-67, doi:10.1080/00401706.1970.10488634"
    assert parsed(bibliography([("e/ridge", untitled)]))["hoerl1970"]["note"] == untitled
    given = "@book{x,\n  title = {As it stands}\n}"
    assert bibliography([("toy/median", given)]) == f"% toy/median\n{given}"


def test_every_reference_of_the_suite_is_bibtex_and_almost_all_have_author_and_year_and_most_a_title():
    plugins = [p for track in read_tracks(ROOT).values() for p in (*track.methods.values(), *track.tasks.values())]
    cited = [(f"{p.track}/{p.id}", p.facts["REFERENCE"]) for p in plugins if "REFERENCE" in p.facts]
    cited += [(name, card["citation"]) for name, card in data.cards(ROOT / "datasets").items()]
    entries = parsed(bibliography(cited))
    assert sum({"author", "year"} <= entry.keys() for entry in entries.values()) >= 0.95 * len(entries)
    whole = [entry for entry in entries.values() if {"author", "title", "year"} <= entry.keys()]
    assert len(whole) >= 0.5 * len(entries)
    assert all(re.search("[A-Za-z]{3}", entry["title"]) for entry in whole)
    assert len({(entry["author"], entry["title"]) for entry in whole}) == len(whole)
