"""The commands of a submission: what `interpbench` adds for those who submit and those who check and verify."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bench.core.catalogue import IDENTIFIER
from bench.core.config import ROOT
from bench.core.contract import BadInput
from bench.core.records import read_json, write_json
from bench.submissions.artefacts import export_problems, submit_answers
from bench.submissions.check import check
from bench.submissions.folder import Fault
from bench.submissions.history import history_faults
from bench.submissions.manifest import Described, Statement
from bench.submissions.pack import submit
from bench.submissions.rounds import Round, new_round, read_round, reveal, round_faults
from bench.submissions.scores import rescore

Maker = Callable[[str, Any, str], argparse.ArgumentParser]
SUBMISSIONS = ROOT / "leaderboard" / "submissions"


def add(verb: Maker, configured: Maker, overrides: Callable[[list[str]], dict[str, Any]]) -> None:
    """Add the commands to a parser; `overrides` reads the pairs after `--config`."""

    def given(function: Callable[[argparse.Namespace, dict[str, Any]], None]) -> Callable[[argparse.Namespace], None]:
        return lambda args: function(args, overrides(args.config))

    made = configured("submit", given(submit_method), "pack a method's records and answers as a submission")
    made.add_argument("track")
    made.add_argument("method", help="an id, or the path of a file")
    _statement(made)
    made = configured("export-problems", given(export), "every problem of a track as files, for answers without code")
    made.add_argument("track")
    made.add_argument("-o", "--out", type=Path, required=True)
    made = configured("submit-answers", given(submit_artefacts), "pack answers that were made elsewhere, without code")
    made.add_argument("track")
    made.add_argument("method", help="an id for the method that made them")
    made.add_argument("answers", type=Path, help="a folder laid out as export-problems lays out problems")
    made.add_argument("--title", required=True)
    made.add_argument("--description", default="")
    made.add_argument("--reference", default="")
    _statement(made)
    made = configured("check-submission", given(check_submission), "every fault of a submission; runs none of its code")
    made.add_argument("folder", type=Path)
    made.add_argument("--scores", action="store_true", help="make the problems and score the answers by our scorer")
    made = configured("verify-submission", given(verify_submission), "execute a submission again, on hidden units too")
    made.add_argument("folder", type=Path)
    made.add_argument("--round", required=True, help="a round of leaderboard/rounds")
    made.add_argument("--key", type=Path, help="the file with the round's key, until it is revealed")
    made = verb("round", do_round, "a round of hidden units: commit to a key, reveal it, check its records")
    made.add_argument("action", choices=["new", "reveal", "check"])
    made.add_argument("name")
    made.add_argument("--key", type=Path, help="the file that keeps the key: made by new, needed by reveal")
    verb("check-history", check_history, "that nothing which was merged has changed since BASE").add_argument("base")


def _statement(made: argparse.ArgumentParser) -> None:
    made.add_argument("-o", "--out", type=Path, default=SUBMISSIONS, help="where the submission's folder is made")
    made.add_argument("--handle", required=True, help="who submits: lower-case letters, digits and hyphens")
    made.add_argument("--author", action="append", required=True, metavar="NAME[;AFFILIATION[;ORCID]]")
    made.add_argument("--licence", required=True, help="SPDX, for example Apache-2.0")
    made.add_argument("--code-url", help="https address at which the code can be read")
    made.add_argument("--code-commit", help="its commit, in hexadecimal")
    made.add_argument("--training-data", required=True, help="what the method was trained on; 'none' where nothing")
    made.add_argument("--tuned-on", required=True, choices=["nothing", "dev", "public", "other"])
    made.add_argument("--tuning-runs", type=int, default=0, help="how many settings were tried")
    made.add_argument("--tuning", default="", help="how settings were chosen")
    made.add_argument("--scores-within", type=float, metavar="SHARE",
                      help="share of floor to ceiling by which another run may differ (default: none)")  # fmt: skip


def statement_of(args: argparse.Namespace, determinism: Mapping[str, Any] | None = None) -> Statement:
    """What the submitter states. Raises `BadInput` on half an address of the code."""
    if bool(args.code_url) != bool(args.code_commit):
        raise BadInput("submit: --code-url and --code-commit belong together; give both or neither")
    share = {"kind": "scores_within", "share": args.scores_within} if args.scores_within else {"kind": "identical"}
    return Statement(
        handle=args.handle, authors=tuple(author(text) for text in args.author), licence=args.licence,
        code={"url": args.code_url, "commit": args.code_commit} if args.code_url else None,
        training_data=args.training_data, determinism=determinism or share, submitted=date.today(),
        tuning={"on": args.tuned_on, "runs": args.tuning_runs, "description": args.tuning},
    )  # fmt: skip


def author(text: str) -> dict[str, str]:
    """`Name; affiliation; ORCID`, of which the last two may be left out."""
    parts = [part.strip() for part in text.split(";")]
    return {name: part for name, part in zip(("name", "affiliation", "orcid"), parts, strict=False) if part}


def submit_method(args: argparse.Namespace, config: dict[str, Any]) -> None:
    folder = submit(args.track, args.method, config, statement_of(args), args.out, ROOT)
    believe(check(folder, ROOT).faults, folder)
    print(f"{folder}\nnext: interpbench check-submission {folder} --scores, then a pull request with this folder")


def export(args: argparse.Namespace, config: dict[str, Any]) -> None:
    print(f"{export_problems(args.track, config, args.out, ROOT)} problems below {args.out}")


def submit_artefacts(args: argparse.Namespace, config: dict[str, Any]) -> None:
    if not IDENTIFIER.match(args.method):
        raise BadInput(f"{args.method!r}: is not a good id; use lower-case letters, digits and _")
    described = Described(args.method, args.title, args.description, args.reference, None)
    statement = statement_of(args, {"kind": "not_repeatable"})
    folder = submit_answers(args.track, described, args.answers, config, statement, args.out, ROOT)
    believe(check(folder, ROOT).faults, folder)
    print(folder)


def check_submission(args: argparse.Namespace, config: dict[str, Any]) -> None:
    seen = check(args.folder, ROOT)
    believe(seen.faults, args.folder)
    if not args.scores:
        print(f"{seen.manifest['name']}: {len(seen.records)} records and {len(seen.found)} files have no fault")
        return
    joined, faults = rescore(seen, config, ROOT)
    believe(faults, args.folder)
    print(f"{seen.manifest['name']}: checked; {scored(joined)} of {len(joined)} units scored by our scorer")


def scored(joined: list[dict[str, Any]]) -> int:
    return sum(record["score"] is not None for record in joined)


def believe(faults: list[Fault], folder: Path) -> None:
    """Print every fault and raise `BadInput` with their number, where there are any."""
    for fault in faults:
        print(fault)
    if faults:
        raise BadInput(f"{folder}: {len(faults)} fault{'s' * (len(faults) > 1)}; mend them and check again")


def verify_submission(args: argparse.Namespace, config: dict[str, Any]) -> None:
    from bench.submissions.verify import recheck, verify

    known = read_round(args.round, ROOT, args.key)
    seen = check(args.folder, ROOT)
    believe(seen.faults, args.folder)
    path = known.verifications / f"{seen.manifest['name']}.json"
    if known.revealed != path.exists():
        raise BadInput(not_now(known, path))
    joined, faults = rescore(seen, config, ROOT)
    believe(faults, args.folder)
    record = verify(seen, joined, known, config, ROOT)
    print(in_words(record))
    if known.revealed:
        differences = recheck(read_json(path), record)
        if differences:
            raise BadInput(f"{path}: is not what executing it again gives: {'; '.join(differences)}")
        print(f"{path}: executing it again gives the same")
    else:
        write_json(path, record)
        print(path)


def not_now(known: Round, path: Path) -> str:
    """Why a round can take no record any more, or has one already."""
    if known.revealed:
        return f"{known.path}: was revealed and has no record of this submission; verify it in an open round"
    return f"{path}: exists; a verification record never changes, so verify it in the next round"


def in_words(record: Mapping[str, Any]) -> str:
    """A verification record for the terminal."""
    public, hidden = record["public"], record["hidden"]
    lines = [f"{one['unit']}: {one['reason']}" for one in public["disagreements"]]
    lines += [f"{task}: no hidden score: {reason}" for task, reason in hidden["without"].items()]
    agreed = public["units"] - len(public["disagreements"])
    lines.append(f"public units that agree: {agreed} of {public['units']}; hidden units: {len(hidden['units'])}")
    for name, found in record["scores"].items():
        if found is not None:
            lines.append(f"{name:8}{found['mean']:8.3f}  {_range(found)}")
    return "\n".join([*lines, "verified" if record["agrees"] else "NOT verified"])


def _range(found: Mapping[str, Any]) -> str:
    return f"no interval: {found['reason']}" if found["low"] is None else f"{found['low']:.3f} to {found['high']:.3f}"


def do_round(args: argparse.Namespace) -> None:
    if args.action == "check":
        known = read_round(args.name, ROOT, args.key)
        faults = round_faults(known)
        for fault in faults:
            print(fault)
        if faults:
            raise BadInput(f"round {args.name}: {len(faults)} records are not its own")
        told = "the seals are the key's" if known.key else "the key is not published yet, so that no seal can be told"
        print(f"round {args.name}: {len(list(known.verifications.glob('*.json')))} records; {told}")
        return
    if args.key is None:
        raise BadInput(f"round {args.action}: needs --key FILE, outside this repository")
    print((new_round if args.action == "new" else reveal)(args.name, args.key, ROOT))


def check_history(args: argparse.Namespace) -> None:
    faults = history_faults(args.base, ROOT)
    for fault in faults:
        print(fault)
    if faults:
        raise BadInput(f"{len(faults)} merged files changed since {args.base}; what was merged never changes")
    print(f"nothing that was merged has changed since {args.base}")
