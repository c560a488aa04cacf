"""Levels (dB SPL, 20 kHz) of both stimuli and the spike times (s), from the text files of nitime."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from bench.core.data import card_facts, demand

REFERENCE_PRESSURE = 2e-5  # Pa, by definition 0 dB SPL
MICROSECOND = 1e-6  # s


def prepare(source: Path, out: Path) -> None:
    facts = card_facts(Path(__file__))
    folder, arrays = source / "nitime" / "data", {}
    for number in (1, 2):
        which = {name: facts[name][number - 1] for name in ("spikes", "cutoff", "intensity")}
        header, spikes = read_spikes(folder / f"grasshopper_spike_times{number}.txt")
        demand(
            f"grasshopper: cut-off frequency of stimulus {number}", header["cut-off frequency (Hz)"], which["cutoff"]
        )
        demand(f"grasshopper: intensity of stimulus {number}", header["intensity (dB)"], which["intensity"])
        demand(f"grasshopper: number of spikes of stimulus {number}", len(spikes), which["spikes"])
        demand(f"grasshopper: spike times of stimulus {number} ascend", bool((np.diff(spikes) > 0).all()), True)
        arrays[f"spikes_{number}"] = spikes * MICROSECOND
        pressure = read_pressure(folder / f"grasshopper_stimulus{number}.txt", facts)
        arrays[f"level_{number}"] = level(pressure, which["intensity"])
    save_file(arrays, out / "recording.safetensors")
    (out / "recording.json").write_text(json.dumps(facts))


def read_spikes(path: Path) -> tuple[dict[str, float], np.ndarray]:
    """Numbers in the header lines `# name: value`, and spike times in microseconds."""
    lines = [line[1:].rsplit(":", 1) for line in path.read_text().splitlines() if line.startswith("#")]
    header = {name.strip(): float(value) for name, value in lines if value.strip().replace(".", "").isdigit()}
    return header, np.loadtxt(path)


def read_pressure(path: Path, facts: dict) -> np.ndarray:
    """The amplitude of the carrier, one sample every 50 microseconds."""
    time, pressure = np.loadtxt(path).T
    demand(f"grasshopper: samples of {path.name}", len(time), facts["samples"])
    demand(f"grasshopper: time steps of {path.name}", np.unique(np.diff(time)).tolist(), [facts["sampling_interval"]])
    demand(f"grasshopper: amplitudes of {path.name} are positive", bool((pressure > 0).all()), True)
    return pressure


def level(pressure: np.ndarray, intensity: float) -> np.ndarray:
    """Sound pressure level, shifted so that the loudest sample has the header's intensity (dB SPL)."""
    decibel = 20 * np.log10(pressure / REFERENCE_PRESSURE)
    return decibel - decibel.max() + intensity
