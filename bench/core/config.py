"""The configuration: defaults of `config/config.yaml` under what the user gives, checked against a JSON Schema."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from bench.core.catalogue import pick
from bench.core.contract import BadInput

ROOT = Path(__file__).resolve().parents[2]
MIRROR_VARIABLE = "INTERPBENCH_MIRROR"


def read_yaml(path: Path) -> Any:
    """Parsed YAML. Raises `BadInput` naming the file and the line where it is not YAML."""
    try:
        return yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not valid YAML ({error}); mend the file".replace("\n", " ")) from error


def schema(name: str, root: Path = ROOT) -> dict[str, Any]:
    """A JSON Schema of `workflow/schemas`."""
    return json.loads((root / "workflow" / "schemas" / f"{name}.json").read_text())


def check_schema(value: Any, name: str, what: str, root: Path = ROOT) -> None:
    """Raise `BadInput` with the first fault: what, the key, its value and what is allowed."""
    fault = next(iter(jsonschema.Draft202012Validator(schema(name, root)).iter_errors(value)), None)
    if fault is not None:
        where = ".".join(map(str, fault.absolute_path)) or "(top level)"
        allowed = fault.schema.get("description", fault.message) if isinstance(fault.schema, Mapping) else fault.message
        raise BadInput(f"{what}: {where} is {fault.instance!r:.80}, expected {allowed}")


def load_config(overrides: Mapping[str, Any], root: Path = ROOT) -> dict[str, Any]:
    """Defaults merged with overrides. Raises `BadInput` on an unknown key, a bad value or a missing mirror."""
    defaults = read_yaml(root / "config" / "config.yaml")
    for key in overrides:
        pick(key, defaults, "config key")
    config = {**defaults, **{key: _listed(key, value) for key, value in overrides.items()}}
    check_schema(config, "config", "config", root)
    config["data_mirror"] = str(config["data_mirror"] or os.environ.get(MIRROR_VARIABLE, ""))
    if config["data_mirror"] and not Path(config["data_mirror"]).is_dir():
        raise BadInput(f"data_mirror: {config['data_mirror']} is not a folder; name an existing one or leave it empty")
    return config


def _listed(key: str, value: Any) -> Any:
    """`--config tracks=circuits,encoding` gives a string: a list is meant."""
    if key in ("tracks", "methods", "plugin_paths") and isinstance(value, str) and value != "all":
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def mirror_of(config: Mapping[str, Any]) -> Path | None:
    """The data mirror's folder, or None."""
    return Path(config["data_mirror"]).resolve() if config["data_mirror"] else None
