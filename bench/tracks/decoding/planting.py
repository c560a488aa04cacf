"""Trials with a planted difference between classes: what is drawn, and the likelihood of what was drawn.

A trial is the response that all classes share + that of its class + noise. Noise is a sum of terms, each with a
covariance spatial (x) temporal: cortical 1/f sources, white sensors, and a magnetic or electric environment that
reference sensors see as well. A class's response is a fixed time course through one cortical dipole after the other
(`evoked`), or a rhythm of random phase through two dipoles whose powers the class exchanges (`induced`). Drift comes
on top: the response that all classes share wanders from trial to trial. The ideal observer knows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

from bench.neuro.simulate import sources
from bench.tracks.decoding.probing import EXCHANGES, Probed, hide_probes
from bench.tracks.decoding.types import Problem, Truth

RATE = 100.0  # Hz
START = -0.1  # s
PERIOD = 4  # noise repeats after so many trials' lengths
BACKGROUND = 40  # cortical noise sources
RISE = 4  # samples from nothing to full response
WINDOW, SILENCE, SUSTAINED = 8, 9, 25  # samples
PINK, RHYTHM = sources.power_law(1.0), sources.band(10.0, 1.5)
SCALES = {"V": 1e-5, "T": 1e-13}
MEMORY = 0.9  # of the drift from trial to trial
DRIFTING, COURSES = 12, 5  # sources that drift, and cosines in time of each


@dataclass(frozen=True)
class Design:
    """One difficulty. Noise has variance 1 on the mean channel before environment and drift come on top."""

    kind: str = "evoked"  # evoked, induced, null
    dynamics: str = "sustained"
    snr: float = 1.0  # mean square over channels of a class's response at its height (induced: of its stronger rhythm)
    brain: float = 0.5  # share of the noise that comes from the cortex with 1/f spectrum; the rest is white
    environment: float = 0.0  # standard deviation of what the reference sensors see as well
    references: int = 0
    drift: float = 0.0  # standard deviation
    block: int = 1  # so many trials in a row have one label
    share: float = 0.5  # of the first class; only where a run is one block of each class or labels are shuffled
    classes: int = 2
    channels: int = 16
    time: int = 50
    average: bool = False  # average reference
    units: str = "V"
    sets: int = 1
    train_runs: int = 12
    test_runs: int = 22
    trials: int = 8  # of a run


@dataclass(frozen=True)
class World:
    """What one data set is drawn from, in units of the noise."""

    means: Float[np.ndarray, "classes channels time"]
    rhythms: Float[np.ndarray, "classes sources"]  # standard deviation of each source's rhythm
    envelope: Float[np.ndarray, "time"]  # of the rhythms
    topographies: Float[np.ndarray, "sources channels"]
    noise: list[tuple[Float[np.ndarray, "channels k"], sources.Power | None]]  # None: white in time
    drift: Float[np.ndarray, "channels k"]
    onset: int


def draw_world(design: Design, rng: np.random.Generator) -> World:
    """Sources, time courses and noise of one data set."""
    field = leadfield(design)
    wanted = {"induced": 2}.get(design.kind, design.classes if design.classes > 2 else 3)
    drawn = distinct_sources(field, wanted + 1, rng)
    onset = int(rng.integers(12, 19))
    courses = time_courses(design, onset)
    common = np.outer(drawn[-1], 2 * steps(design.time, [(10, 45)])[0])
    means = np.stack([common] * design.classes)
    rhythms = np.zeros((design.classes, wanted))
    used = np.zeros(wanted, bool)
    if design.kind == "evoked" and design.classes == 2:
        used[: len(courses)] = True
        means[1] += np.sqrt(design.snr) * drawn[: len(courses)].T @ courses
    elif design.kind == "evoked":
        used[:] = True
        means += np.sqrt(design.snr) * drawn[: design.classes, :, None] * courses[0]
    elif design.kind == "induced":
        used[:] = True
        rhythms = np.sqrt(design.snr) * np.array([[1.0, 0.4], [0.4, 1.0]])
    noise = noise_terms(design, cortical_factor(design, field, rng), rng)
    drift = design.drift * cortical_factor(design, field, rng, DRIFTING)
    return World(means, rhythms, courses[0], drawn[:wanted][used], noise, drift, onset)


def leadfield(design: Design) -> Float[np.ndarray, "channels sources"]:
    """Of channels spread over the head; below them the reference sensors, which see no source."""
    head = sources.template_head()
    kept = np.linspace(0, len(head.names) - 1, design.channels).round().astype(int)
    field = head.electric if design.units == "V" else head.magnetic
    return np.concatenate([field[kept], np.zeros((design.references, field.shape[1]))])


def channel_names(design: Design) -> list[str]:
    names = sources.template_head().names
    kept = np.linspace(0, len(names) - 1, design.channels).round().astype(int)
    return [names[one] for one in kept] + [f"REF{number}" for number in range(1, design.references + 1)]


def distinct_sources(field: np.ndarray, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count channels"]:
    """Topographies of mean square 1 of dipoles that are well seen (the upper half) and not alike (|cosine| < .7)."""
    strength = np.linalg.norm(field, axis=0)
    seen = field.T[strength >= np.median(strength)]
    seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    chosen = [seen[rng.integers(len(seen))]]
    while len(chosen) < count:
        apart = seen[(np.abs(seen @ np.array(chosen).T) < 0.7).all(axis=1)]
        chosen.append(apart[rng.integers(len(apart))])
    heads = int(field.any(axis=1).sum())
    return np.array(chosen) * np.sqrt(heads)


def steps(time: int, windows: list[tuple[int, int]]) -> Float[np.ndarray, "windows time"]:
    """Time courses that rise to 1 within `RISE` samples from the start of each window and fall alike at its end."""
    at = np.arange(time)

    def rise(begin: int) -> np.ndarray:
        return 0.5 - 0.5 * np.cos(np.pi * np.clip((at - begin + 1) / RISE, 0, 1))

    return np.stack([rise(begin) - rise(end) for begin, end in windows])


def time_courses(design: Design, onset: int) -> Float[np.ndarray, "sources time"]:
    """The time course of each source that is active, the first one beginning at the onset."""
    if design.dynamics == "sustained":
        return steps(design.time, [(onset, onset + SUSTAINED)])
    if design.dynamics == "chain":
        begins = [onset + number * WINDOW for number in range(3)]
        return steps(design.time, [(begin, begin + WINDOW) for begin in begins])
    again = onset + WINDOW + SILENCE
    return steps(design.time, [(onset, onset + WINDOW), (again, again + WINDOW)]).sum(axis=0, keepdims=True)


def cortical_factor(
    design: Design, field: np.ndarray, rng: np.random.Generator, count: int = BACKGROUND
) -> Float[np.ndarray, "channels count"]:
    """What the sensors see of `count` random sources, of variance 1 on the mean channel of the head."""
    active = field[:, rng.choice(field.shape[1], count, replace=False)]
    scale = np.sqrt(np.square(active[: design.channels]).sum(axis=1).mean())
    return active / scale


def noise_terms(design: Design, cortex: np.ndarray, rng: np.random.Generator) -> list:
    """Cortex, sensors, environment: spatial factors F, so that the covariance in space is F F'."""
    sensor = np.diag(np.append(np.ones(design.channels), np.full(design.references, 0.3)))
    terms = [(np.sqrt(design.brain) * cortex, PINK), (np.sqrt(1 - design.brain) * sensor, None)]
    if design.environment:
        gains = np.append(1 + 0.3 * rng.normal(size=design.channels), np.ones(design.references))
        terms.append((design.environment * gains[:, None], PINK))
    return terms


def draw_labels(design: Design, runs: int, rng: np.random.Generator) -> Int[np.ndarray, "trials"]:
    """Labels of all runs: each run holds every class in its share, in blocks in random order."""
    blocks = design.trials // design.block
    first = round(blocks * design.share) if design.classes == 2 else 0
    order = (
        np.append(np.zeros(first, int), np.ones(blocks - first, int)) if first else np.arange(blocks) % design.classes
    )
    return np.concatenate([np.repeat(rng.permutation(order), design.block) for _ in range(runs)])


def draw_trials(
    design: Design, world: World, labels: Int[np.ndarray, "trials"], rng: np.random.Generator
) -> Float[np.ndarray, "trials channels time"]:
    """Responses and noise, without drift and before any reference is taken."""
    count, time = len(labels), design.time
    found = world.means[labels].copy()
    rhythm = sources.draw_stationary(RHYTHM, RATE, time, PERIOD * time, (count, len(world.rhythms.T)), rng)
    sizes = world.rhythms[labels]
    if sizes.any():
        found += np.einsum("kc,nk,nkt->nct", world.topographies, sizes, rhythm * world.envelope)
    for factor, power in world.noise:
        shape = (count, factor.shape[1])
        if power is None:
            series = rng.normal(size=(*shape, time))
        else:
            series = sources.draw_stationary(power, RATE, time, PERIOD * time, shape, rng)
        found += factor @ series
    return found


def draw_drift(
    design: Design, world: World, runs: int, rng: np.random.Generator
) -> Float[np.ndarray, "trials channels time"]:
    """A walk with memory from trial to trial, new in every run, of each of a few sources and smooth courses in time."""
    walk = rng.normal(size=(runs, design.trials, world.drift.shape[1], COURSES))
    walk[:, 1:] *= np.sqrt(1 - MEMORY**2)
    for trial in range(1, design.trials):
        walk[:, trial] += MEMORY * walk[:, trial - 1]
    phase = np.pi * (np.arange(design.time) + 0.5) / design.time
    courses = (
        np.cos(np.outer(np.arange(COURSES), phase)) * np.sqrt(np.append(1, np.full(COURSES - 1, 2)) / COURSES)[:, None]
    )
    return np.einsum("ck,rnkb,bt->rnct", world.drift, walk, courses).reshape(runs * design.trials, -1, design.time)


def covariance(design: Design, world: World, label: int) -> Float[np.ndarray, "samples samples"]:
    """Of a trial of a class, channel-major, without drift: the sum of spatial (x) temporal over the terms."""
    length, period = design.time, PERIOD * design.time
    total = np.zeros((len(world.noise[0][0]) * length,) * 2)
    for factor, power in world.noise:
        temporal = np.eye(length) if power is None else sources.stationary_covariance(power, RATE, length, period)
        total += np.kron(factor @ factor.T, temporal)
    for size, topography in zip(world.rhythms[label], world.topographies, strict=True) if world.rhythms.any() else ():
        temporal = sources.stationary_covariance(RHYTHM, RATE, length, period) * np.outer(
            world.envelope, world.envelope
        )
        total += size**2 * np.kron(np.outer(topography, topography), temporal)
    return total


def log_likelihoods(design: Design, world: World, trials: np.ndarray) -> Float[np.ndarray, "trials classes"]:
    """Log density of trials (drift removed) under each class, up to a constant; where an average reference has taken a
    dimension the trials are looked at in the others."""
    channels = trials.shape[1]
    basis = np.linalg.svd(np.eye(channels) - 1 / channels)[0][:, :-1].T if design.average else np.eye(channels)
    wide = np.kron(basis, np.eye(design.time))
    seen, found = (basis @ trials).reshape(len(trials), -1), []
    shared = None
    for label, mean in enumerate(world.means):
        if shared is None or world.rhythms.any():
            sigma = covariance(design, world, label)
            shared = cho_factor(wide @ sigma @ wide.T if design.average else sigma, lower=True)
        left = (seen - (basis @ mean).ravel()).T
        logarithm = np.log(np.diag(shared[0])).sum()
        found.append(-0.5 * (left * cho_solve(shared, left)).sum(axis=0) - logarithm)
    return np.stack(found, axis=1)


@dataclass(frozen=True)
class Drawn:
    """One data set, in units of the noise."""

    world: World
    train: Float[np.ndarray, "train channels time"]
    train_labels: Int[np.ndarray, "train"]
    test: Probed
    ideal: Float[np.ndarray, "test classes"] | None


def draw_set(design: Design, rng: np.random.Generator) -> Drawn:
    world = draw_world(design, rng)
    runs = design.train_runs + design.test_runs
    labels = draw_labels(design, runs, rng)
    still = draw_trials(design, world, labels, rng)
    drift = draw_drift(design, world, runs, rng)
    trials = still + drift
    if design.average:
        trials, still = sources.average_reference(trials), sources.average_reference(still)
    split = design.train_runs * design.trials
    held = hide_probes(trials[split:], labels[split:], 0 if design.kind == "null" else EXCHANGES, rng)
    ideal = None if design.kind == "null" else log_likelihoods(design, world, still[split:])[held.source]
    return Drawn(world, trials[:split], labels[:split], held, ideal)


def make(design: Design, rng: np.random.Generator) -> tuple[Problem, Truth]:
    """All data sets of a unit, in volts or tesla."""
    drawn = [draw_set(design, rng) for _ in range(design.sets)]
    scale, null = SCALES[design.units], design.kind == "null"
    groups = np.repeat(np.arange(design.train_runs), design.trials)
    problem = Problem(
        train_trials=scale * np.stack([one.train for one in drawn]),
        train_labels=np.stack([one.train_labels for one in drawn]),
        train_groups=np.tile(groups, (design.sets, 1)),
        test_trials=scale * np.stack([one.test.trials for one in drawn]),
        classes=design.classes,
        channels=channel_names(design),
        sampling_rate=RATE,
        start=START,
        units=design.units,
    )
    planted = np.stack([one.world.topographies for one in drawn])
    if design.average:
        planted = planted - planted.mean(axis=2, keepdims=True)
    return problem, Truth(
        null=null,
        test_labels=np.stack([one.test.labels for one in drawn]),
        original=np.stack([one.test.original for one in drawn]),
        exchanged=np.stack([one.test.exchanged for one in drawn]),
        ideal=None if null else np.stack([one.ideal for one in drawn if one.ideal is not None]),
        topographies=None if null or design.classes > 2 else planted,
        onset=None if null else np.array([one.world.onset for one in drawn]),
        dynamics=None if null or design.kind == "induced" else design.dynamics,
    )
