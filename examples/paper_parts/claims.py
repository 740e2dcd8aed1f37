"""The paper's claims, each beside what docs/results/*.json says of it; no figure comes from anywhere else."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from paper_parts.runs import Run, Runs
from paper_parts.scale import Scale
from paper_parts.section import Part, Section
from specframe.training import write_atomically

RESULTS = Path(__file__).parents[2] / "docs" / "results"
REPRODUCED, BETTER, NOT, NOT_RUN = "reproduced", "better", "not reproduced", "not run"
DEEP = "python benchmarks/deep_study.py"
VGG, DENSE, ALEX = "saved by dense", "dense twin: ReLU, BN", "alex twin: ReLU, BN"  # the twins
FIG4 = tuple(f"{name}, beta 0.7" for name in ("LeNet on MNIST", "LeNet on CIFAR-10", "AlexNet on CIFAR-10"))
SLOW = "spec, beta 0.2, mask4, peak lr 0.025", "twin, peak lr 0.025"
PAIR = "spec, beta 0.2, mask4, peak lr 0.05", "twin, peak lr 0.05"


@dataclass(frozen=True)
class Row:
    """The runs of one setting: mean accuracy in %, its range, saved bytes relative to PyTorch's plain twin, seeds.

    `curve` has the mean test accuracy after each epoch, `saved` the bytes then; both are empty where not all runs have
    them.
    """

    name: str
    accuracy: float
    low: float
    high: float
    ratio: float
    seeds: int
    curve: tuple[float, ...] = ()
    saved: tuple[float, ...] = ()

    def __str__(self) -> str:
        seeds = "one seed" if self.seeds == 1 else f"{self.seeds} seeds, {self.low:.1f} to {self.high:.1f}"
        return f"{self.name}: {self.accuracy:.1f} % at {self.ratio:.3f} ({seeds})"

    @property
    def pace(self) -> float:
        """The mean accuracy over the epochs relative to the last one: 1 for a net that has learnt all after one."""
        return mean(self.curve) / self.curve[-1]


@dataclass(frozen=True)
class Claim:
    """What the paper says, where, and how the rows that bear on it are judged; without all of them it was not run.

    `shown` gives a row's figures.
    """

    where: str
    says: str
    rows: tuple[str, ...]
    judge: Callable[..., str]
    command: str
    shown: Callable[[Row], str] = str


def keeps(own: Row, twin: Row, points: float = 1.0) -> bool:
    """Whether a net is at most so many points below its twin."""
    return own.accuracy >= twin.accuracy - points


def at_most(ratio: float) -> Callable[[Row, Row], str]:
    """A judge of (net, twin): at most so many bytes, within a point of the twin; better with less than 0.9 of them."""

    def judge(own: Row, twin: Row) -> str:
        if own.ratio > ratio or not keeps(own, twin):
            return NOT
        return BETTER if own.ratio < 0.9 * ratio else REPRODUCED

    return judge


def if_true(condition: Callable[..., bool]) -> Callable[..., str]:
    return lambda *rows: REPRODUCED if condition(*rows) else NOT


def rises(row: Row) -> bool:
    """Whether the last epoch keeps more than the first, and as much as any, give or take 2 %."""
    return row.saved[-1] > 1.02 * row.saved[0] and row.saved[-1] > 0.98 * max(row.saved)


def bytes_by_epoch(row: Row) -> str:
    first, last = row.saved[0] / 1e6, row.saved[-1] / 1e6
    most = max(range(len(row.saved)), key=row.saved.__getitem__) + 1
    return f"{row.name}: {first:.2f} MB after epoch 1, {last:.2f} after {len(row.saved)}; most after epoch {most}"


def pace_of(row: Row) -> str:
    seeds = "one seed" if row.seeds == 1 else f"{row.seeds} seeds"
    return f"{row.name}: {row.pace:.3f} ({len(row.curve)} epochs, {seeds})"


FULL = ("python examples/train.py --model specvgg16 --data cifar10 --width 0.375 --beta 0.2 --store mask4 --lr 0.05 "
        "--epochs 24")  # fmt: skip
CLAIMS = (
    Claim("4.3, Fig. 3", "Every spectral net saves half of the memory or more.", ("spec", "specdense", "specalex"),
          if_true(lambda *rows: all(row.ratio <= 0.5 for row in rows)), f"{DEEP} spec specdense specalex"),
    Claim("Table 2", "VGG trains in 0.37 of the memory; here small: width 0.25, 10 000 images, beta 0.2.",
          ("spec, beta 0.2", VGG), at_most(0.37), f'{DEEP} "spec, beta 0.2" "saved by dense" --seeds 0 1 2'),
    Claim("Table 2", "The same with spectra in 4-bit values, learning rate 0.05 for both.",
          PAIR, at_most(0.37),
          f"{DEEP} pair --seeds 0 1 2 3 4 5"),
    Claim("Table 2", "The same with a learning rate of 0.025 for both, which is better for both.", SLOW,
          at_most(0.37), f"{DEEP} pair --seeds 0 1 2 3 4 5"),
    Claim("Table 2", "DenseNet trains in 0.37 of the memory; here small, beta 0.5.", ("specdense", DENSE),
          at_most(0.37), f"{DEEP} specdense"),
    Claim("Table 2", "VGG reaches 90 % on CIFAR-10 at 0.37 of the memory.", ("full: spec", "full: twin"),
          lambda own, twin: at_most(0.37)(own, twin) if own.accuracy >= 90 else NOT,
          FULL),
    Claim("4.3, Fig. 3", "Beta 0.5 costs no significant accuracy: VGG.", ("spec", VGG), if_true(keeps),
          f"{DEEP} spec --seeds 0 1 2"),
    Claim("4.3, Fig. 3", "Beta 0.5 costs no significant accuracy: DenseNet.", ("specdense", DENSE), if_true(keeps),
          f"{DEEP} specdense"),
    Claim("4.3, Fig. 3", "Beta 0.5 costs no significant accuracy: AlexNet.", ("specalex", ALEX), if_true(keeps),
          f"{DEEP} specalex"),
    Claim("4.3, Fig. 3", "LeNet-5 on MNIST loses nothing (20 epochs, shifted images; twin: see docs/lenet.md).",
          ("speclenet5",), if_true(lambda own: own.accuracy >= 99.1 and own.ratio <= 0.5),
          "python examples/train.py --model speclenet5 --data mnist --epochs 20 --augment"),
    Claim("4.3, Fig. 3", "Memory falls monotonically with beta: VGG.", ("spec, beta 0.2", "spec", "spec, beta 1"),
          if_true(lambda a, b, c: a.ratio > b.ratio > c.ratio), f'{DEEP} "spec, beta 0.2" spec "spec, beta 1"'),
    Claim("4.3, Fig. 3", "Up to beta 1 the error hardly grows: VGG within 5 points of its twin.",
          ("spec, beta 1", VGG), if_true(lambda own, twin: keeps(own, twin, 5)), f'{DEEP} "spec, beta 1"'),
    Claim("Table 2", "SpecNet keeps less than every other way at the same accuracy; here beside 8-bit values.",
          ("spec", "saved by quant8"),
          if_true(lambda own, other: own.ratio <= other.ratio and keeps(own, other, 0.3)),
          f'{DEEP} spec "saved by quant8" --seeds 0 1 2'),
    Claim("abstract", "SpecDenseNet on SVHN: 95.8 % with 60 % less memory.", ("svhn: specdense",),
          if_true(lambda own: own.accuracy >= 95.8 and own.ratio <= 0.4),
          "python examples/train.py --model specdensenet --data svhn --twin"),
    Claim("4.3, Fig. 4", "Memory rises during training, and is largest at convergence.", (*FIG4, "full: spec"),
          if_true(lambda *rows: all(map(rises, rows))), "python examples/paper.py fig4", bytes_by_epoch),
    Claim("4.3, Fig. 5", "Spectral nets converge as fast as their twins: VGG; mean accuracy of all epochs / the last.",
          (*PAIR, "full: spec", "full: twin"),
          if_true(lambda own, twin, full, other: own.pace > twin.pace - 0.02 and full.pace > other.pace - 0.02),
          f"{DEEP} pair --seeds 0 1 2 3 4 5", pace_of),
)  # fmt: skip


def read(folder: Path = RESULTS) -> dict[str, Row]:
    """All rows of the JSON files in a folder, which hold runs by "NAME, seed N"."""
    runs = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        for name, run in json.loads(path.read_text(encoding="utf-8")).items():
            row, _, seed = name.rpartition(", seed ")
            if seed.isdigit():
                runs[row].append(run)
    rows = {}
    for name, found in runs.items():
        accuracy = [100 * run["accuracy"] for run in found]
        rows[name] = Row(
            name, mean(accuracy), min(accuracy), max(accuracy), mean(run["ratio"] for run in found), len(found),
            *(by_epoch([run.get(key, []) for run in found]) for key in ("history", "saved")),
        )  # fmt: skip
    return rows


def by_epoch(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The mean of curves of one length; empty where their lengths differ."""
    return tuple(map(mean, zip(*curves, strict=True))) if len(set(map(len, curves))) == 1 else ()


def judged(rows: Mapping[str, Row]) -> list[tuple[str, str, str, str, str]]:
    """(where, claim, verdict, figures, command) of each claim."""
    lines = []
    for claim in CLAIMS:
        found = [rows[name] for name in claim.rows if name in rows]
        verdict = claim.judge(*found) if len(found) == len(claim.rows) else NOT_RUN
        figures = "; ".join(map(claim.shown, found)) if verdict != NOT_RUN else "-"
        lines.append((claim.where, claim.says, verdict, figures, claim.command))
    return lines


HEAD = ("in the paper", "claim", "verdict", "figures", "command")
TEXT = """# The paper's claims

Each claim beside the runs that bear on it. Figures are test accuracies, with the lowest and the highest seed, and saved
bytes relative to what PyTorch's plain twin saves; all come from the files in `docs/results`, most from the small
protocol of [deep.md](deep.md) (width 0.25, 10 000 images, 10 epochs); "full" is all of CIFAR-10, width 0.375, 24
epochs. "Better" is less than nine tenths of the bytes claimed, within a point of the twin. This page is what
`python examples/paper.py claims` writes.

"""


def markdown(rows: Mapping[str, Row]) -> str:
    """docs/claims.md."""
    lines = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for where, says, verdict, figures, command in judged(rows):
        lines.append(f"| {where} | {says} | **{verdict}** | {figures} | `{command}` |")
    return TEXT + "\n".join(lines) + "\n"


def plan(scale: Scale, data: Sequence[str]) -> Mapping[str, Run]:
    return {}


def show(scale: Scale, wanted: Mapping[str, Run], done: Runs, folder: Path) -> Section:
    rows = read()
    text = markdown(rows)
    write_atomically(folder / "claims.md", lambda file: file.write(text.encode()))
    printed = ["Claims of the abstract and of section 4, in our words."]
    notes = ["From docs/results/*.json, whatever the size of the runs above; also written as claims.md."]
    return Section("claims", "Claims", printed, HEAD, judged(rows), None, notes)


PART = Part(plan, show)
