"""How a submission was made, as a Process Run Crate: RO-Crate 1.1 metadata in `ro-crate-metadata.json`.

Soiland-Reyes et al. (2022), Packaging research artefacts with RO-Crate, Data Science 5(2), doi:10.3233/DS-210053; Leo
et al. (2024), Recording provenance of workflow runs with RO-Crate, PLoS ONE 19(9), doi:10.1371/journal.pone.0309210.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.core import records
from bench.submissions.folder import CONFIG, CRATE, LOCK, MANIFEST, RECORDS

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
SPDX = "https://spdx.org/licenses/"
HOMES = {"interpbench": "#interpbench", "snakemake": "https://snakemake.github.io"}
RUN = "#run"
FORMATS = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".py": "text/x-python", ".lock": "text/plain",
    ".safetensors": "application/octet-stream", ".blob": "application/octet-stream",
}  # fmt: skip
NAMES = {
    MANIFEST: "Manifest", RECORDS: "Run records with scores and the tails of the logs",
    CONFIG: "Configuration of the run", LOCK: "Locked environment of the method",
}  # fmt: skip


def commit_of(root: Path) -> str | None:
    """The commit of a checkout, with `-dirty` where files differ from it; None where it is no git checkout."""
    asked = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def run_facts(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The configuration (without folders of this machine), the suite's commit, and versions."""
    science = {name: config[name] for name in ("suite", "tracks", "methods", "seeds")}
    return {"config": science, "interpbench_commit": commit_of(root), "versions": records.versions()}


def crate(manifest: Mapping[str, Any], facts: Mapping[str, Any], joined: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The crate's metadata: descriptor, root, files, people, software, and the run that made the records."""
    files = [MANIFEST, *manifest["files"]]
    times = sorted(time for record in joined if record["started"] for time in _times(record))
    people = [_person(number, author) for number, author in enumerate(manifest["authors"], 1)]
    software = [_software(name, facts["versions"].get(name, "unknown")) for name in ("interpbench", "snakemake")]
    software[0]["softwareRequirements"] = {"@id": LOCK} if LOCK in files else []
    software[0]["identifier"] = facts["interpbench_commit"] or "unknown"
    title = f"Run of {manifest['method']['id']} on {manifest['suite']['label']}"
    run = {
        "@id": RUN, "@type": "CreateAction", "name": title,
        "instrument": [{"@id": one["@id"]} for one in software], "agent": [{"@id": one["@id"]} for one in people],
        "object": [{"@id": name} for name in files if name.startswith(("method/", "provenance/"))],
        "result": [{"@id": name} for name in files if name == RECORDS or name.startswith("answers/")],
        "startTime": times[0] if times else manifest["submitted"],
        "endTime": times[-1] if times else manifest["submitted"],
        "description": f"Every unit of {manifest['method']['track']} in {manifest['suite']['label']}, one record each",
    }  # fmt: skip
    licence = {"@id": _licence(manifest), "@type": "CreativeWork", "name": manifest["licence"]}
    return {"@context": CONTEXT, "@graph": [
        {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": SPECIFICATION}},
        _root(manifest, files, people), {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate",
                                         "version": "0.5"},
        *(_file(name, manifest["files"].get(name)) for name in files), *people, *software, licence, run,
    ]}  # fmt: skip


def _root(manifest: Mapping[str, Any], files: Iterable[str], people: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@id": "./", "@type": "Dataset", "name": manifest["name"], "datePublished": manifest["submitted"],
        "description": f"{manifest['method']['title']} on {manifest['method']['track']}, {manifest['suite']['label']}",
        "license": {"@id": _licence(manifest)}, "conformsTo": {"@id": PROFILE}, "mentions": {"@id": RUN},
        "author": [{"@id": one["@id"]} for one in people], "hasPart": [{"@id": name} for name in files],
    }  # fmt: skip


def _file(name: str, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    made = {"@id": name, "@type": "File", "name": NAMES.get(name, name), "encodingFormat": FORMATS[Path(name).suffix]}
    return made | ({"contentSize": str(facts["bytes"]), "sha256": facts["sha256"]} if facts else {})


def _person(number: int, author: Mapping[str, str]) -> dict[str, Any]:
    identity = f"https://orcid.org/{author['orcid']}" if "orcid" in author else f"#author-{number}"
    known = {"@id": identity, "@type": "Person", "name": author["name"]}
    return known | ({"affiliation": author["affiliation"]} if "affiliation" in author else {})


def _licence(manifest: Mapping[str, Any]) -> str:
    """SPDX's page of a plain identifier; expressions and licences of one's own have none."""
    plain = manifest["licence"].replace("-", "").replace(".", "").isalnum()
    return f"{SPDX}{manifest['licence']}" if plain and "LicenseRef" not in manifest["licence"] else "#licence"


def _software(name: str, version: str) -> dict[str, Any]:
    return {"@id": HOMES[name], "@type": "SoftwareApplication", "name": name, "softwareVersion": version}


def _times(record: Mapping[str, Any]) -> list[str]:
    """When a unit began and when it ended."""
    began = datetime.fromisoformat(record["started"])
    return [time.isoformat(timespec="seconds") for time in (began, began + timedelta(seconds=record["wall_seconds"]))]


def crate_faults(content: Any, files: Iterable[str]) -> list[str]:
    """What keeps a crate's metadata from describing these files: missing entities, and references to nothing."""
    graph = content.get("@graph") if isinstance(content, dict) else None
    if not isinstance(graph, list) or not all(map(_is_entity, graph)):
        return ["has no @graph of entities with an @id"]
    entities = {one["@id"]: one for one in graph}
    missing = [f"lacks the entity {name}" for name in (CRATE, "./", RUN, *files) if name not in entities]
    parts = {one.get("@id") for one in _listed(entities.get("./", {}).get("hasPart"))}
    unlisted = [f"hasPart of ./ lacks {name}" for name in files if name not in parts]
    return missing + unlisted


def _is_entity(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("@id"), str)


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
