"""How well held-out trials are told apart, what is claimed where nothing is, and two truths of interpretation.

Balanced accuracy is the mean over classes of the share of a class's trials that score highest on it; k classes that
tie at the top have 1/k each, so that a constant answer has exactly 1 / classes. `pattern` holds the stated pattern
against the planted topographies, `attribution` the stated attribution against how much the answer's own scores change
when a channel is exchanged for that of another trial. The two differ: a sensor that sees noise alone has no pattern
and may have a large weight (Haufe et al. 2014).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import log_softmax

from bench.kernels.ranking import auroc, concordance
from bench.tracks.decoding.types import NEVER, Answer, Problem, Truth

ALPHA = 0.05  # at which a p-value claims that labels can be decoded

METRICS = {
    "balanced_accuracy": {
        "title": "Balanced accuracy", "version": 1, "role": "headline", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": "closed_form", "ceiling": "closed_form",
        "reference": "Brodersen et al. (2010), ICPR, 3121-3124, doi:10.1109/ICPR.2010.764",
        "description": "Mean over classes of the share of trials decided right; floor 1 / classes, ceiling that of the"
        " likelihood-optimal decision with the planted parameters on the same trials, none for recorded trials.",
    },
    "auc": {
        "title": "AUC, each class against the rest", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Hanley and McNeil (1982), Radiology 143:29-36, doi:10.1148/radiology.143.1.7063747",
        "description": "Mean over classes of the chance that a trial of the class has a higher probability of it than"
        " another trial, a tie counting half.",
    },
    "bits": {
        "title": "Bits a trial", "version": 1, "role": "report", "units": "live",
        "range": [None, None], "direction": "higher", "floor": 0.0, "ceiling": None,
        "reference": "Good (1952), Journal of the Royal Statistical Society B 14:107-114 (logarithmic score)",
        "description": "Mean over classes of log2 of the probability of the right class, over that of a uniform guess:"
        " proper, so that overconfidence costs.",
    },
    "detected": {
        "title": "Share of data sets found decodable", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.05, "ceiling": None,
        "reference": "Fisher (1925), Statistical Methods for Research Workers",
        "description": "Share of data sets whose p-value is at most .05: to be read beside the false detections.",
    },
    "onset_error": {
        "title": "Error of the onset (ms)", "version": 1, "role": "report", "units": "live",
        "range": [0, None], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "King and Dehaene (2014), Trends in Cognitive Sciences 18:203-210",
        "description": "Mean distance of the stated to the planted onset; no onset costs the length of the trial.",
    },
    "pattern": {
        "title": "Pattern against planted topography", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "Haufe et al. (2014), NeuroImage 87:96-110, doi:10.1016/j.neuroimage.2013.10.067",
        "description": "Largest |cosine| with one of the planted topographies, mean over data sets.",
    },
    "attribution": {
        "title": "Attribution against the decoder's own function", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": 0.5, "ceiling": None,
        "reference": "Harrell et al. (1982), JAMA 247:2543-2546 (concordance); Breiman (2001), Mach Learn 45:5-32",
        "description": "Chance that of two channels the one with more attribution changes the answer's own scores more"
        " when it is exchanged for that of another trial; ties count half.",
    },
    "dynamics": {
        "title": "Dynamics named right", "version": 1, "role": "report", "units": "live",
        "range": [0, 1], "direction": "higher", "floor": None, "ceiling": 1.0,
        "reference": "King and Dehaene (2014), Trends in Cognitive Sciences 18:203-210",
        "description": "Share of data sets whose sustained, chained or reactivated activity is named so.",
    },
    "false_detections": {
        "title": "Data sets without information found decodable", "version": 1, "role": "headline", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None, "gate": {"max": 0.15},
        "reference": "Fisher (1925), Statistical Methods for Research Workers",
        "description": "Share of the unit's independent noise realisations whose p-value is at most .05. A method"
        " that keeps .05 passes the gate in 99 of 100 suites with three null units (36 realisations).",
    },
    "false_onsets": {
        "title": "Onsets stated where nothing begins", "version": 1, "role": "report", "units": "null",
        "range": [0, 1], "direction": "lower", "floor": None, "ceiling": None,
        "reference": "Maris and Oostenveld (2007), Journal of Neuroscience Methods 164:177-190",
        "description": "Share of the unit's independent noise realisations for which an onset is stated.",
    },
}  # fmt: skip


def score(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    claimed = float((answer.p_values <= ALPHA).mean())
    stated = None if answer.onset is None else answer.onset != NEVER
    if truth.null:
        return {"false_detections": claimed} | ({} if stated is None else {"false_onsets": float(stated.mean())})
    pairs = labelled(answer.scores, truth)
    values = {
        "balanced_accuracy": float(np.mean([balanced_accuracy(*pair) for pair in pairs])),
        "auc": float(np.mean([auc(*pair) for pair in pairs])),
        "bits": float(np.mean([bits(*pair) for pair in pairs])),
        "detected": claimed,
    }
    return values | interpretation(problem, truth, answer)


def labelled(scores: np.ndarray, truth: Truth) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores and labels of the test trials in which no channel was exchanged, by data set."""
    pairs = zip(scores, truth.test_labels, strict=True)
    return [(values[labels >= 0], labels[labels >= 0]) for values, labels in pairs]


def interpretation(problem: Problem, truth: Truth, answer: Answer) -> dict[str, float]:
    """What was stated beside the decisions and can be held against a truth."""
    values = {}
    if answer.onset is not None and truth.onset is not None:
        values["onset_error"] = float(np.mean(onset_errors(problem, truth.onset, answer.onset)))
    if answer.pattern is not None and truth.topographies is not None:
        values["pattern"] = float(np.mean(closest(answer.pattern, truth.topographies)))
    if answer.dynamics is not None and truth.dynamics is not None:
        values["dynamics"] = float(np.mean([one == truth.dynamics for one in answer.dynamics]))
    if answer.attribution is not None and (truth.exchanged >= 0).any():
        changes = channel_changes(truth, answer.scores, problem.train_trials.shape[2])
        differ = [(stated, one) for stated, one in zip(answer.attribution, changes, strict=True) if np.ptp(one) > 0]
        values["attribution"] = float(np.mean([concordance(*pair) for pair in differ])) if differ else 0.5
    return values


def closed_form(problem: Problem, truth: Truth) -> dict[str, dict[str, float]]:
    """Chance, and the ideal observer where there is one."""
    bracket = {"floor": 1 / problem.classes}
    if truth.ideal is not None:
        bracket["ceiling"] = float(np.mean([balanced_accuracy(*pair) for pair in labelled(truth.ideal, truth)]))
    return {"balanced_accuracy": bracket}


def balanced_accuracy(scores: Float[np.ndarray, "trials classes"], labels: Int[np.ndarray, "trials"]) -> float:
    """Mean over the classes that occur of the share of their trials decided right; a tie at the top is shared."""
    top = scores == scores.max(axis=1, keepdims=True)
    right = top[np.arange(len(labels)), labels] / top.sum(axis=1)
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def auc(scores: Float[np.ndarray, "trials classes"], labels: Int[np.ndarray, "trials"]) -> float:
    probabilities = log_softmax(scores, axis=1)
    margins = probabilities - np.stack([rest(probabilities, label) for label in range(scores.shape[1])], axis=1)
    return float(np.mean([auroc(margins[:, label], labels == label) for label in np.unique(labels)]))


def rest(log_probabilities: np.ndarray, label: int) -> Float[np.ndarray, "trials"]:
    """Log of the summed probability of all classes but one: log-odds do not round to 1 as probabilities do."""
    return np.logaddexp.reduce(np.delete(log_probabilities, label, axis=1), axis=1)


def bits(scores: Float[np.ndarray, "trials classes"], labels: Int[np.ndarray, "trials"]) -> float:
    gained = log_softmax(scores, axis=1)[np.arange(len(labels)), labels] + np.log(scores.shape[1])
    return float(np.mean([gained[labels == label].mean() for label in np.unique(labels)]) / np.log(2))


def onset_errors(problem: Problem, planted: np.ndarray, stated: np.ndarray) -> Float[np.ndarray, "sets"]:
    """Milliseconds between stated and planted onset."""
    length = problem.train_trials.shape[-1]
    samples = np.where(stated == NEVER, length, np.abs(stated - planted))
    return 1e3 * samples / problem.sampling_rate


def closest(
    patterns: Float[np.ndarray, "sets channels"], topographies: Float[np.ndarray, "sets sources channels"]
) -> Float[np.ndarray, "sets"]:
    """|cosine| of each pattern with the planted topography nearest to it; a pattern of zeros has 0."""
    norms = np.linalg.norm(patterns, axis=1)
    inner = np.abs(np.einsum("sc,skc->sk", patterns, topographies)) / np.linalg.norm(topographies, axis=2)
    return np.divide(inner.max(axis=1), norms, out=np.zeros(len(norms)), where=norms > 0)


def channel_changes(
    truth: Truth, scores: Float[np.ndarray, "sets test classes"], channels: int
) -> Float[np.ndarray, "sets channels"]:
    """Mean over a channel's exchanged trials and over pairs of classes of |change of the log-odds|."""
    rows = np.arange(len(scores))[:, None]
    change = scores - scores[rows, truth.original]
    odds = np.abs(change[:, :, :, None] - change[:, :, None, :]).mean(axis=(2, 3))
    return np.stack([mean_where(odds, truth.exchanged == channel) for channel in range(channels)], axis=1)


def mean_where(values: Float[np.ndarray, "sets test"], kept: Bool[np.ndarray, "sets test"]) -> np.ndarray:
    return (values * kept).sum(axis=1) / kept.sum(axis=1)
