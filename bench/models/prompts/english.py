"""Prompts in plain English (and a little Python) for models that were trained on the web.

Eight behaviours that circuits have been sought for. Right and wrong words exchange their roles in the corrupted text,
so that a model does a pair by reading it, not by liking one word better.
"""

from __future__ import annotations

import numpy as np

from bench.models.prompts import Family, Pair
from bench.models.prompts.templates import giving, pick, repeated

NAMES = (
    "John", "Mary", "Tom", "James", "David", "Anna", "Paul", "Peter", "Sarah", "Emma", "Alice", "Jack", "Michael",
    "Robert", "Laura", "Kate", "Mark", "Simon", "Lucy", "George",
)  # fmt: skip
PLACES = ("store", "park", "school", "office", "station", "garden", "market", "library", "beach", "restaurant")
THINGS = ("book", "drink", "ring", "letter", "ball", "key", "phone", "camera", "watch", "picture")

EVENTS = (
    "war", "siege", "reign", "journey", "project", "strike", "expedition", "campaign", "marriage", "dispute", "famine",
    "voyage", "truce", "alliance", "construction",
)  # fmt: skip
CENTURIES = ("15", "16", "17", "18")
TENS = range(1, 9)
YEARS = tuple(f"{number:02d}" for number in range(100))  # of a century

WORDS = (
    "house", "water", "music", "paper", "green", "table", "river", "stone", "light", "apple", "horse", "money", "night",
    "glass", "bread", "chair", "cloud", "dream", "field", "heart", "island", "king", "lamp", "moon", "north", "ocean",
    "plant", "queen", "road", "ship", "train", "voice", "window", "year", "bridge", "circle", "doctor", "engine",
)  # fmt: skip

LISTS = {
    "The four seasons are": ("spring", "summer", "autumn", "winter"),
    "The four directions are": ("north", "south", "east", "west"),
    "The four suits are": ("hearts", "diamonds", "clubs", "spades"),
    "The three states of matter are": ("solid", "liquid", "gas"),
    "The three primary colors are": ("red", "blue", "yellow"),
    "The three meals are": ("breakfast", "lunch", "dinner"),
    "The members of the family are": ("mother", "father", "sister", "brother"),
    "The four Beatles were": ("John", "Paul", "George", "Ringo"),
    "The four gospels are": ("Matthew", "Mark", "Luke", "John"),
    "The four elements are": ("earth", "water", "air", "fire"),
    "The four members of the band were": ("John", "Paul", "George", "Peter"),
    "The three sizes are": ("small", "medium", "large"),
}
INTRODUCTIONS = ("", "As everybody knows, ", "In short: ", "Remember this. ", "To be clear, ")

PARAMETERS = (
    "load", "size", "file", "last", "name", "path", "text", "code", "page", "user", "date", "list", "node", "line",
    "word", "count", "value", "index", "image", "color", "width", "height", "start", "end", "key", "message", "result",
)  # fmt: skip
FUNCTIONS = ("port", "run", "save", "build", "send", "read", "write", "update", "create", "check")
DESCRIPTIONS = ("first", "new", "old", "main", "other", "current", "next", "given", "final", "whole")

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin", "Japan": "Tokyo", "Russia": "Moscow",
    "China": "Beijing", "England": "London", "Greece": "Athens", "Egypt": "Cairo", "Ireland": "Dublin",
    "Austria": "Vienna", "Poland": "Warsaw", "Turkey": "Ankara", "Cuba": "Havana", "Iran": "Tehran", "Kenya": "Nairobi",
    "Peru": "Lima", "Sweden": "Stockholm", "Norway": "Oslo", "Canada": "Ottawa", "Portugal": "Lisbon",
}  # fmt: skip
QUESTIONS = (
    "The capital of {} is", "The capital city of {} is", "The government of {} sits in its capital,",
    "We flew to {} and landed in its capital,", "The largest embassy in {} is in the capital,",
)  # fmt: skip

OPPOSITES = (
    ("hot", "cold"), ("big", "small"), ("happy", "sad"), ("up", "down"), ("good", "bad"), ("fast", "slow"),
    ("old", "young"), ("rich", "poor"), ("open", "closed"), ("light", "dark"), ("high", "low"), ("hard", "soft"),
    ("left", "right"), ("black", "white"), ("strong", "weak"), ("early", "late"), ("long", "short"), ("wet", "dry"),
    ("true", "false"), ("day", "night"), ("love", "hate"), ("first", "last"), ("inside", "outside"),
)  # fmt: skip

SUBJECTS = (
    ("key", "keys"), ("dog", "dogs"), ("author", "authors"), ("teacher", "teachers"), ("car", "cars"),
    ("picture", "pictures"), ("student", "students"), ("door", "doors"), ("friend", "friends"), ("river", "rivers"),
    ("book", "books"), ("machine", "machines"), ("tree", "trees"), ("house", "houses"),
)  # fmt: skip
ATTRACTORS = (
    "near the {}", "behind the {}", "of the {}", "next to the {}", "that they saw beside the {}", "from the {}",
)  # fmt: skip
SINGULAR, PLURAL = (" is", " was", " has"), (" are", " were", " have")


def indirect_object(rng: np.random.Generator) -> Pair:
    """Indirect object identification (Wang et al. 2023)."""
    return giving(rng, NAMES, PLACES, THINGS)


def greater_than(rng: np.random.Generator) -> Pair:
    """A later year (Hanna et al. 2023): the corrupted text begins in the first years of the century.

    The first year ends in 9, so that a later one differs in the first of its last two digits: tokenizers that read
    digits one by one can be asked too.
    """
    event, century, tens = pick(rng, EVENTS)[0], pick(rng, CENTURIES)[0], int(rng.integers(TENS.start, TENS.stop))
    clean, corrupted = (
        f"The {event} lasted from the year {century}{first}9 to the year {century}" for first in (tens, 0)
    )
    return Pair(clean, corrupted, YEARS[10 * tens + 10 :], YEARS[: 10 * tens + 10])


def induction(rng: np.random.Generator) -> Pair:
    """Random words, twice (Olsson et al. 2022)."""
    return repeated(rng, WORDS)


def copy_suppression(rng: np.random.Generator) -> Pair:
    """What has been said is not said again (McDougall et al. 2023): a list that lacks its last member.

    In the corrupted text the missing member and one that is named are exchanged.
    """
    stem = pick(rng, tuple(LISTS))[0]
    *named, missing = pick(rng, LISTS[stem], len(LISTS[stem]))
    at, introduction = int(rng.integers(len(named))), pick(rng, INTRODUCTIONS)[0]
    changed = [*named[:at], missing, *named[at + 1 :]]
    clean, corrupted = (f"{introduction}{stem} {', '.join(words)} and" for words in (named, changed))
    return Pair(clean, corrupted, (f" {missing}",), (f" {named[at]}",))


def docstring(rng: np.random.Generator) -> Pair:
    """The next parameter of a function's description (Heimersheim and Janiak 2023): another one is declared."""
    first, second, third, other = pick(rng, PARAMETERS, 4)
    name, (about, *described) = pick(rng, FUNCTIONS)[0], pick(rng, DESCRIPTIONS, 3)

    def text(last: str) -> str:
        return (
            f'def {name}(self, {first}, {second}, {last}):\n    """{name} the {about} {first}\n\n'
            f"    :param {first}: the {described[0]} {first}\n    :param {second}: the {described[1]} {second}\n"
            "    :param"
        )

    return Pair(text(third), text(other), (f" {third}",), (f" {other}",))


def factual_recall(rng: np.random.Generator) -> Pair:
    """A country's capital; the corrupted text asks for another country's."""
    country, other = pick(rng, tuple(CAPITALS), 2)
    question = pick(rng, QUESTIONS)[0]
    right, wrong = (f" {CAPITALS[place]}" for place in (country, other))
    return Pair(question.format(country), question.format(other), (right,), (wrong,))


def in_context(rng: np.random.Generator) -> Pair:
    """A rule that only the examples tell: the opposite of a word, or, in the corrupted text, the word itself."""
    *shown, (word, opposite) = [OPPOSITES[number] for number in rng.choice(len(OPPOSITES), 5, replace=False)]
    clean, corrupted = ("\n".join([*(f"{pair[0]}: {pair[rule]}" for pair in shown), f"{word}:"]) for rule in (1, 0))
    return Pair(clean, corrupted, (f" {opposite}",), (f" {word}",))


def agreement(rng: np.random.Generator) -> Pair:
    """The verb's number is its subject's, not that of the noun between them; the corrupted subject has the other."""
    subject, between = rng.choice(len(SUBJECTS), 2, replace=False)
    attractor = pick(rng, ATTRACTORS)[0].format(SUBJECTS[between][rng.integers(2)])
    singular, plural = (f"The {noun} {attractor}" for noun in SUBJECTS[subject])
    if rng.random() < 0.5:
        return Pair(singular, plural, SINGULAR, PLURAL)
    return Pair(plural, singular, PLURAL, SINGULAR)


FAMILIES = {
    "indirect_object": Family(indirect_object, tuple(f" {name}" for name in NAMES)),
    "greater_than": Family(greater_than, YEARS),
    "induction": Family(induction, tuple(f" {word}" for word in WORDS)),
    "copy_suppression": Family(
        copy_suppression, tuple(dict.fromkeys(f" {word}" for members in LISTS.values() for word in members))
    ),
    "docstring": Family(docstring, tuple(f" {name}" for name in PARAMETERS)),
    "factual_recall": Family(factual_recall, tuple(f" {city}" for city in CAPITALS.values())),
    "in_context": Family(in_context, tuple(f" {word}" for pair in OPPOSITES for word in pair)),
    "agreement": Family(agreement, SINGULAR + PLURAL),
}
ANSWERS = tuple(dict.fromkeys(answer for family in FAMILIES.values() for answer in family.answers))
"""Every answer of every family: a model with the outputs of all of them serves all families."""
