"""`python -m bench ...`, also `interpbench ...`: what the workflow's rules call, and what people call by hand."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.core import authoring, data, forecast, lifeline, stages, trying, upkeep
from bench.core.catalogue import catalogue_json, pick, read_tracks
from bench.core.collecting import collect
from bench.core.config import ROOT, load_config
from bench.core.contract import BadInput
from bench.core.plan import make_plan
from bench.core.suites import all_units, chosen_units, freeze
from bench.submissions import board
from bench.submissions import commands as submissions

Maker = Callable[[str, Any, str], argparse.ArgumentParser]  # a verb by name, function and text
STORAGE_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
STAGES = ("data", "problems", "run", "score", "submission")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="interpbench", description="Interpretability methods scored where the answer is known."
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text)
        made.set_defaults(function=function)
        return made

    def configured(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        made = verb(name, function, text)
        made.add_argument("--config", nargs="*", default=[], metavar="KEY=VALUE", help="as in config/config.yaml")
        return made

    _add_stages(verb, configured)
    _add_authoring(verb, configured)
    _add_upkeep(verb, configured)
    submissions.add(verb, configured, overrides)
    _add_lab(verb)
    _add_speed(verb)
    return top


def _add_stages(verb: Maker, configured: Maker) -> None:
    """What there is, what a run would do, and what the workflow calls."""
    configured("catalogue", show_catalogue, "everything there is, with its cards").add_argument(
        "--json", action="store_true"
    )
    made = configured("plan", show_plan, "jobs, units, expected cost, and what will be skipped and why")
    made.add_argument("--ship-costs", action="store_true", help="keep the costs measured here in config/costs.json")
    for stage in STAGES:
        made = verb(stage, do_stage, f"do one planned {stage} job (the workflow calls this)")
        made.add_argument("--plan", type=Path, required=True)
        made.add_argument("--output", required=True)
        made.add_argument("--threads", type=int, default=1, help="BLAS threads of a method")
    verb("collect", do_collect, "join records and scores (the workflow calls this)").add_argument(
        "--plan", type=Path, required=True
    )
    verb("site", do_site, "build the leaderboard's page and print its tables").add_argument(
        "--plan", type=Path, required=True
    )


def _add_authoring(verb: Maker, configured: Maker) -> None:
    """For authors of methods."""
    made = verb("new-method", new_method, "scaffold a method file")
    made.add_argument("track")
    made.add_argument("name")
    made = configured("check", check_method, "the contract checks on toy units, under 30 s")
    made.add_argument("track")
    made.add_argument("method", help="an id, or the path of a file")
    made = configured("try", try_method, "scores on dev seeds beside controls and the best methods")
    made.add_argument("track")
    made.add_argument("method", help="an id, or the path of a file")
    made.add_argument("--seeds", type=int, default=3, help="dev seeds an instance")
    made.add_argument("--instances", nargs="*", default=[], metavar="TASK/INSTANCE", help="these, not the toys")
    made.add_argument("--minutes", type=float, default=3.0, help="no other method is started later than this")
    made.add_argument("--all", action="store_true", help="every method on every small instance, however long it takes")
    made.add_argument("--mutants", action="store_true", help="mutants of the methods as well")


def _add_upkeep(verb: Maker, configured: Maker) -> None:
    """For keepers of suites and results."""
    made = verb("freeze", freeze_suite, "write the next version of a suite from everything that exists")
    made.add_argument("suite")
    made.add_argument("--sizes", nargs="*", default=["small"], choices=["small", "large", "gpu"])
    made.add_argument("--description", default="")
    made.add_argument(
        "--units", nargs="*", metavar="TRACK/TASK/INSTANCE[:SEEDS]", help="only these; * and ? as in a shell"
    )
    made.add_argument("--methods", nargs="*", default=[], metavar="TRACK=ID,ID", help="the only methods of a track")
    made = verb(
        "resume",
        resume,
        "after a kill or power loss: check that nothing runs, unlock, go on",
    )
    made.add_argument("snakemake", nargs=argparse.REMAINDER, help="-- and further arguments of snakemake")
    made = configured("verify", verify, "find stale or malformed records, without Snakemake's metadata")
    made.add_argument("--prune", action="store_true", help="remove them, so that the next run makes them again")
    configured("clean", clean, "remove what no plan of any suite refers to").add_argument(
        "--dry-run", action="store_true"
    )
    configured("cite", cite, "BibTeX of the methods and data of a run")
    made = configured("export", export, "an answer as JSON in its field's layout (circuits: MIB's)")
    made.add_argument("track")
    made.add_argument("method")
    made.add_argument("unit", help="task-vVERSION/instance/seed, as the page writes it")


def _add_lab(verb: Maker) -> None:
    """For a lab's own data."""
    made = verb("lab", lab, "a lab's own BIDS folder and model: prepare its recordings, then make the trust card")
    made.add_argument("bids_dir", type=Path)
    made.add_argument("out", type=Path, help="a derivative data set, made where there is none")
    made.add_argument("level", choices=["participant", "group"])
    made.add_argument("--task", required=True)
    made.add_argument("--features", type=Path, help="YAML file of the model (group level)")
    made.add_argument("--participant-label", nargs="+", metavar="LABEL", help="only these subjects")
    made.add_argument("--settings", type=Path, help="YAML file with parts `preprocessing` and `encoding`")
    made.add_argument("--keep-going", action="store_true", help="exit 0 also where none went through")
    made = verb("calibrate", calibrate, "truth planted into a lab's own events, timing and noise: what would be found")
    made.add_argument("bids_dir", type=Path)
    made.add_argument("out", type=Path, help="as of `lab`; what is not prepared there is prepared first")
    made.add_argument("--task", required=True)
    made.add_argument("--features", type=Path, required=True, help="YAML file of the model")
    made.add_argument("--settings", type=Path, help="as of `lab`")


def _add_speed(verb: Maker) -> None:
    """Measurements of the suite's own speed."""
    verb("perf", perf, "measure the suite's own speed, as ratios in one run")
    made = verb("peers", peers, "time circuit methods beside another library, in an environment of its own")
    made.add_argument("--environments", type=Path, default=Path("results/peers"), help="where environments are made")
    made.add_argument("--model", type=Path, help="a Llama-family Hugging Face folder, timed as well")


def overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` pairs with values as YAML. Raises `BadInput` on a pair without `=`."""
    import yaml

    for pair in pairs:
        if "=" not in pair:
            raise BadInput(f"--config: {pair!r} is not KEY=VALUE; write for example suite=smoke")
    return {key: yaml.safe_load(value) for key, value in (pair.split("=", 1) for pair in pairs)}


def show_catalogue(args: argparse.Namespace) -> None:
    config = load_config(overrides(args.config))
    content = catalogue_json(read_tracks(ROOT, config["plugin_paths"]), data.cards(ROOT / "datasets"))
    print(json.dumps(content, indent=1, sort_keys=True) if args.json else authoring.describe(content))


def show_plan(args: argparse.Namespace) -> None:
    plan = make_plan(overrides(args.config))
    print(forecast.ship_seconds(plan) if args.ship_costs else forecast.describe_plan(plan))


def do_stage(args: argparse.Namespace) -> None:
    lifeline.hang_on_workflow()
    document = stages.read_plan(args.plan)
    job = stages.job_of(document, args.verb, args.output)
    if args.verb == "submission":
        board.execute(document, job)
    else:
        stages.execute(document, job, args.threads)


def _suite_folder(document: dict[str, Any]) -> Path:
    return Path(document["config"]["results"]) / document["suite"].rsplit("-", 1)[0]


def do_collect(args: argparse.Namespace) -> None:
    lifeline.hang_on_workflow()
    document = stages.read_plan(args.plan)
    root = Path(document["root"])
    content = catalogue_json(read_tracks(root, document["config"]["plugin_paths"]), data.cards(root / "datasets"))
    entries = board.entries(document)
    collect(document, board.with_cards(content, entries), _suite_folder(document), board.joined(entries))


def do_site(args: argparse.Namespace) -> None:
    from leaderboard import site, tables, terminal

    lifeline.hang_on_workflow()
    document = stages.read_plan(args.plan)
    folder = _suite_folder(document)
    site.build(folder / "records.jsonl", folder / "catalogue.json", folder / "leaderboard")
    terminal.print_tables(tables.load(folder / "records.jsonl", folder / "catalogue.json"))
    print(f"\n{folder / 'leaderboard' / 'index.html'}")
    for marker in folder.glob(".built-*"):
        marker.unlink()
    (folder / f".built-{document['hash']}").touch()


def new_method(args: argparse.Namespace) -> None:
    path = authoring.scaffold(args.track, args.name, ROOT)
    print(f"{path}\nnext: interpbench check {args.track} {args.name}, then interpbench try {args.track} {args.name}")


def check_method(args: argparse.Namespace) -> None:
    faults = authoring.check_method(args.track, args.method, overrides(args.config), ROOT)
    if faults:
        raise BadInput(f"{args.track}/{args.method}: " + "; ".join(faults))
    print(f"{args.track}/{args.method}: all contract checks passed")


def try_method(args: argparse.Namespace) -> None:
    from leaderboard import tables, terminal

    asked = overrides(args.config)
    extent = trying.Extent(args.seeds, args.instances, args.minutes, args.all, args.mutants)
    best = tables.best_first(args.track, Path(load_config(asked, ROOT)["results"]))
    folder, left_out = trying.try_method(args.track, args.method, asked, extent, best, ROOT)
    terminal.print_tables(tables.load(folder / "records.jsonl", folder / "catalogue.json"))
    if left_out:
        print(f"\nno time for {', '.join(left_out)}: --minutes gives more, --all as much as it takes")


def freeze_suite(args: argparse.Namespace) -> None:
    tracks = read_tracks(ROOT)
    units = all_units(tracks, args.sizes) if args.units is None else chosen_units(tracks, args.units)
    methods = {}
    for pair in args.methods:
        track, _, chosen = pair.partition("=")
        known = tracks[pick(track, tracks, "--methods: track")].methods
        methods[track] = [pick(method, known, f"--methods: method of {track}") for method in chosen.split(",")]
    print(freeze(args.suite, args.description, units, ROOT, methods))


def resume(args: argparse.Namespace) -> None:
    upkeep.resume(args.snakemake, ROOT)


def verify(args: argparse.Namespace) -> None:
    faults = upkeep.verify(make_plan(overrides(args.config)), prune=args.prune)
    for fault in faults:
        print(fault)
    if faults and not args.prune:
        raise BadInput(f"{len(faults)} stale or malformed entries; `interpbench verify --prune` removes them")
    print(f"{len(faults)} removed" if args.prune else "all records are valid and current")


def clean(args: argparse.Namespace) -> None:
    removed = upkeep.clean(overrides(args.config), ROOT, dry_run=args.dry_run)
    for path in removed:
        print(path)
    print(f"{len(removed)} {'would be ' if args.dry_run else ''}removed")


def cite(args: argparse.Namespace) -> None:
    print(upkeep.cite(make_plan(overrides(args.config))))


def export(args: argparse.Namespace) -> None:
    document = upkeep.export(make_plan(overrides(args.config)), args.track, args.method, args.unit)
    print(json.dumps(document, indent=1, sort_keys=True))


def peers(args: argparse.Namespace) -> None:
    from bench.peers import run

    run.main(args.environments, args.model)


def lab(args: argparse.Namespace) -> None:
    from bench.lab import commands

    commands.lab(
        args.bids_dir, args.out, args.level, args.task, args.features, args.participant_label, args.settings,
        args.keep_going,
    )  # fmt: skip


def calibrate(args: argparse.Namespace) -> None:
    from bench.lab import commands

    commands.calibrate(args.bids_dir, args.out, args.task, args.features, args.settings)


def perf(args: argparse.Namespace) -> None:
    from bench import perf as measurements

    measurements.main()


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point: exit status 0, or 2 with one sentence on standard error where the input is at fault."""
    args = parser().parse_args(argv)
    try:
        args.function(args)
    except BadInput as error:
        print(f"interpbench: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in STORAGE_FAULTS:
            raise
        print(
            f"interpbench: {error.filename}: {error.strerror}; free space or permissions there and start again",
            file=sys.stderr,
        )
        sys.exit(3)
