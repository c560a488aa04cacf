"""Prompts in the words of children's stories, which a model of few parameters understands."""

from __future__ import annotations

import numpy as np

from bench.models.prompts import Family, Pair
from bench.models.prompts.templates import giving, pick, repeated

GIRLS = ("Lily", "Mia", "Sara", "Sue", "Lucy")
BOYS = ("Timmy", "Tim", "Tom", "Max", "Sam", "Ben", "Bob")
SINGULAR = ("dog", "cat", "bird", "girl", "boy", "toy", "flower", "bear", "bunny", "car", "ball", "tree")
PLURAL = ("dogs", "cats", "birds", "girls", "boys", "toys", "flowers", "bears", "cars", "balls", "trees", "friends")
ADJECTIVES = ("big", "little", "happy", "red", "new", "nice", "old", "sad", "pretty", "small", "blue", "good", "kind")
OPENINGS = ("One day, the", "In the park, the", "Once upon a time, the", "At the end of the day, the")
WISHES = ("liked", "wanted", "loved", "went")
ACTIONS = ("play with", "see", "help", "show", "find", "hug", "eat", "walk with", "talk to", "run to")
PLACES = ("park", "garden", "house", "store", "beach", "forest", "big house", "little house", "big park", "town")
THINGS = ("ball", "toy", "car", "book", "flower", "cake", "tree", "doll", "box", "hat", "bird", "cat", "dog")
ALIKE = (("Sara", "Sue"), ("Mia", "Max"), ("Mia", "May"), ("Bob", "Bea"), ("Lucy", "Lola"), ("Sue", "Sid"))
WORDS = (
    "the", "in", "was", "Lily", "her", "it", "day", "be", "with", "said", "play", "his", "up", "that", "you", "big",
    "of", "little", "there", "all", "want", "saw", "named", "but", "very", "out", "mom", "had", "for",
)  # fmt: skip


def possessive(rng: np.random.Generator) -> Pair:
    """Whose toy? The clean hero is a girl and the corrupted one a boy, or the reverse."""
    girl, boy, wish, action = (pick(rng, words)[0] for words in (GIRLS, BOYS, WISHES, ACTIONS))
    for_her, for_him = (
        f"{name} was a {kind}. {name} {wish} to {action}" for name, kind in ((girl, "girl"), (boy, "boy"))
    )
    if rng.random() < 0.5:
        return Pair(for_her, for_him, (" her",), (" his",))
    return Pair(for_him, for_her, (" his",), (" her",))


def agreement(rng: np.random.Generator) -> Pair:
    """Was or were? The corrupted subject is another noun of the other number."""
    opening, adjective, one, several = (pick(rng, words)[0] for words in (OPENINGS, ADJECTIVES, SINGULAR, PLURAL))
    singular, plural = (f"{opening} {adjective} {noun}" for noun in (one, several))
    if rng.random() < 0.5:
        return Pair(singular, plural, (" was",), (" were",))
    return Pair(plural, singular, (" were",), (" was",))


def name(rng: np.random.Generator) -> Pair:
    """Who is it about? The corrupted hero has another name."""
    names, kind = ((GIRLS, "girl"), (BOYS, "boy"))[int(rng.random() < 0.5)]
    hero, other = pick(rng, names, 2)
    place = pick(rng, PLACES)[0]
    clean, corrupted = (f"There was a {kind} named {who} in a {place}. One day," for who in (hero, other))
    return Pair(clean, corrupted, (f" {hero}",), (f" {other}",))


def spelling(rng: np.random.Generator) -> Pair:
    """How does the name go on that has just begun? The corrupted name begins alike."""
    pair, place = ALIKE[rng.integers(len(ALIKE))], pick(rng, PLACES)[0]
    hero, other = pick(rng, pair, 2)
    kind, letter = pick(rng, ("girl", "boy", "friend", "child"))[0], hero[0]
    clean, corrupted = (f"A {kind} named {who} was in the {place}. One day, {letter}" for who in (hero, other))
    return Pair(clean, corrupted, (hero[1:],), (other[1:],))


def repetition(rng: np.random.Generator) -> Pair:
    """Random words, twice."""
    return repeated(rng, WORDS)


def indirect_object(rng: np.random.Generator) -> Pair:
    """Who gets it?"""
    return giving(rng, GIRLS + BOYS, PLACES, THINGS)


FAMILIES = {
    "possessive": Family(possessive, (" her", " his")),
    "agreement": Family(agreement, (" was", " were")),
    "name": Family(name, tuple(f" {who}" for who in GIRLS + BOYS)),
    "spelling": Family(spelling, tuple(dict.fromkeys(who[1:] for pair in ALIKE for who in pair))),
    "repetition": Family(repetition, tuple(f" {word}" for word in WORDS)),
    "indirect_object": Family(indirect_object, tuple(f" {who}" for who in GIRLS + BOYS)),
}
