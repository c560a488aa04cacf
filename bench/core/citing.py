"""References of cards as BibTeX: each work once, whoever cites it.

A reference is BibTeX already, or works joined by `;`, each as `Hanna, Pezzelle and Belinkov (2024), Title, venue,
arXiv:2403.17806` or, in data cards, `Brennan JR, Hale JT (2016). Title. Journal 157:81-94, doi:...`. What is not
written like that becomes an entry with a note.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

WORK = re.compile(r"(?P<authors>[^()]+?),? \(?(?P<year>1[89]\d\d|20\d\d)\)?(?P<dot>[.,]?)(?: (?P<rest>.+))?$")
VENUES = ("ACL", "ASPLOS", "CLeaR", "COLM", "EMNLP", "ICCV", "ICLR", "ICML", "IJCAI", "JMLR", "NAACL", "NeurIPS")
JOURNAL = re.compile(r"(?P<journal>[^,]*?) (?P<volume>\d[\d-]*)(?:\(\d+\))?:(?P<pages>[\d-]+)")
NO_TITLE = re.compile(r"(Proceedings|Advances in Neural|arXiv:|doi:)")
IDENTIFIERS = {"eprint": re.compile(r"arXiv:(\d{4}\.\d{4,5})"), "doi": re.compile(r"doi:(10\.[^\s,;)]*[^\s,;).])")}
INITIALS = re.compile(r"(?P<last>.+) (?P<first>[A-Z]{1,4})$")


@dataclass(frozen=True)
class Entry:
    """A cited work. `authors` are as BibTeX wants them, empty where the text could not be read; `cited` is by whom."""

    text: str
    cited: tuple[str, ...]
    authors: str = ""
    year: str = ""
    title: str = ""
    fields: tuple[tuple[str, str], ...] = ()

    def is_same(self, other: Entry) -> bool:
        """One work, though one of both may be written shorter."""
        if not self.authors or not other.authors:
            return self.text == other.text
        mine, theirs = dict(self.fields), dict(other.fields)
        both = [name for name in IDENTIFIERS if name in mine and name in theirs]
        if both:
            return all(mine[name] == theirs[name] for name in both)
        if (self.authors, self.year) != (other.authors, other.year):
            return False
        short, long = sorted([self.title.casefold(), other.title.casefold()], key=len)
        return long.startswith(short)

    def joined(self, other: Entry) -> Entry:
        """This work with what the other says more of it."""
        fields = tuple({**dict(other.fields), **dict(self.fields)}.items())
        title, authors = (max(pair, key=len) for pair in ((self.title, other.title), (self.authors, other.authors)))
        cited = tuple(dict.fromkeys(self.cited + other.cited))
        return replace(self, cited=cited, authors=authors, title=title, fields=fields)


def bibliography(references: Iterable[tuple[str, str]]) -> str:
    """BibTeX of (who cites, reference) pairs."""
    found: list[Entry] = []
    for entry in (read(text, name) for name, reference in references for text in works(reference)):
        same = next((known for known in found if known.is_same(entry)), None)
        if same is None:
            found.append(entry)
        else:
            found[found.index(same)] = same.joined(entry)
    keys: set[str] = set()
    return "\n\n".join(_written(entry, keys) for entry in found)


def works(reference: str) -> list[str]:
    """The works of a reference: BibTeX as it stands, else what `;` divides outside round brackets."""
    if reference.lstrip().startswith("@"):
        return [reference.strip()]
    return [" ".join(part.split()) for part in re.split(r";(?![^()]*\))", reference) if part.strip()]


def read(text: str, cited: str) -> Entry:
    """A work as an entry; one that cannot be read keeps its text alone."""
    match = None if text.startswith("@") else WORK.match(re.sub(r"^[a-z]+: ", "", text))
    if match is None:
        return Entry(text, (cited,))
    title, fields = _title_and_fields(match["rest"] or "", ". " if match["dot"] == "." else ", ")
    return Entry(text, (cited,), _authors(match["authors"]), match["year"], title, tuple(fields.items()))


def _title_and_fields(rest: str, mark: str) -> tuple[str, dict[str, str]]:
    """The title, '' where there is none, and further fields of what stands after the year."""
    head, _, tail = rest.partition(mark)
    no_words = not re.search("[A-Za-z]", head)
    untitled = no_words or head.split(" (")[0] in VENUES or JOURNAL.match(head) or NO_TITLE.match(head)
    title, where = ("", rest) if untitled else (head.removesuffix("."), tail)
    fields = {name: match[1] for name, pattern in IDENTIFIERS.items() if (match := pattern.search(rest))}
    venue = next((part for part in re.split(r",? ", where) if part.rstrip(".") in VENUES), "").rstrip(".")
    journal = JOURNAL.match(where)
    if journal:
        fields |= {name: journal[name] for name in ("journal", "volume", "pages")}
    elif venue:
        fields["booktitle"] = venue
    return re.sub(r" \([^()]*\)$", "", title), fields


def _authors(text: str) -> str:
    """`A, B and C`, `A et al.` or `A AB, B CD, et al.` joined by `and`; a name of several words is kept together."""
    text = re.sub(r",? et al\.?$", ", others", text.strip())
    return " and ".join(_name(name) for name in re.split(r", | and ", text))


def _name(name: str) -> str:
    match = INITIALS.match(name)
    if match:
        return f"{match['last']}, {' '.join(f'{letter}.' for letter in match['first'])}"
    return f"{{{name}}}" if " " in name else name


def _written(entry: Entry, keys: set[str]) -> str:
    head = f"% {', '.join(entry.cited)}\n"
    if entry.text.startswith("@"):
        return head + entry.text
    key = _key(entry, keys)
    if not entry.authors:
        return f"{head}@misc{{{key},\n  note = {{{_escaped(entry.text)}}}\n}}"
    fields = {"author": entry.authors, "title": f"{{{entry.title}}}", "year": entry.year, **dict(entry.fields)}
    fields |= {"archiveprefix": "arXiv"} if "eprint" in fields else {}
    fields |= {} if entry.title else {"title": "", "note": entry.text}
    kind = "article" if "journal" in fields else "inproceedings" if "booktitle" in fields else "misc"
    lines = [f"  {name} = {{{value if name == 'doi' else _escaped(value)}}}" for name, value in fields.items() if value]
    return f"{head}@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def _escaped(text: str) -> str:
    return re.sub(r"([&%#$_])", r"\\\1", text)


def _key(entry: Entry, taken: set[str]) -> str:
    """First author, year and the first long word of the title, in plain letters; numbered where it is taken."""
    words = [entry.authors.split(" and ")[0].split(",")[0], entry.year, *re.findall(r"\w{4,}", entry.title)[:1]]
    text = "".join(words) if entry.authors else entry.cited[0].replace("/", "_")
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9_]", "", plain)
    key = next(name for name in (stem, *(f"{stem}_{number}" for number in range(2, 999))) if name not in taken)
    taken.add(key)
    return key
