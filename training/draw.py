"""draw: the graph of a forward as a picture (SVG, written by hand): boxes are ops, the lines between them values.

The order is that of the tape, from top to bottom. A line as thick as its share says how many bytes of the value are
kept for the backward; a dashed one that it is computed again then; a thin one that nothing is kept.
"""

import os
import weakref

from specframe.atomic import write_atomically
from specframe.tape import Tape
from specframe.training import marks
from specframe.training.graph import Graph, Step, Value
from specframe.training.marks import CHARACTER, PADDING, Row, height

LEFT, TOP = 130, 92  # the names of the layers; the title and the legend
GAP = 72  # between two boxes, for what is said of the value there


class Picture(str):
    """The text of an SVG file, which a notebook shows as a picture."""

    def _repr_svg_(self) -> str:
        return str(self)


_drawn: "weakref.WeakKeyDictionary[Tape, Graph]" = weakref.WeakKeyDictionary()


def draw(tape: Tape, path: str | os.PathLike[str] | None = None) -> Picture:
    """The graph of what a tape recorded, as SVG: each op with its layer, its weights and what it saved for itself, and
    each value between them with its shape and dtype, and the bytes that are kept of it.

    Call it before the backward, which drops the records. From then on the tape notes the norm of each gradient, and
    draw(tape) after the backward gives the same graph with them.

    Parameters
    ----------
    tape : Tape
    path : str or path, of a file to write as well; None writes none

    Returns
    -------
    Picture
        The text of the file, a str. A notebook shows it. Bytes on it add up to `tape.ledger.nbytes`.

    Raises
    ------
    TypeError
        `tape` is no Tape.
    ValueError
        The tape recorded nothing, or its backward has run and it was not drawn before.

    >>> import numpy as np, specframe as sf
    >>> w = sf.Tensor(np.ones(3), requires_grad=True)
    >>> with sf.Tape() as tape:
    ...     loss = sf.ops.sum(w * w)
    >>> sf.draw(tape)[:4], "gradient" in sf.draw(tape)
    ('<svg', False)
    >>> tape.backward(loss)
    >>> "gradient 3.46" in sf.draw(tape)
    True
    """
    if not isinstance(tape, Tape):
        raise TypeError(f"draw: expected a Tape, got {type(tape).__name__}")
    if tape.records:
        _drawn[tape] = Graph(tape)
        _drawn[tape].watch(tape)
    elif tape not in _drawn:
        raise ValueError("draw: this tape holds no record: nothing that needs a gradient ran under it, or its backward "
                         "has run, and then it must have been drawn once before")  # fmt: skip
    picture = Picture(_picture(_drawn[tape]))
    if path is not None:
        write_atomically(path, lambda file: file.write(picture.encode()))
    return picture


# ---- where things go -----------------------------------------------------------------------------------------------


def _rows(graph: Graph) -> list[Row]:
    """The ops in their order, each under its first input that is not needed again, else in a lane of its own."""
    left = {value: value.uses for value in graph.values.values()}
    lanes: list[Value | None] = []  # the value that runs down each lane
    rows: list[Row] = []

    def place(row: Row, lane: int | None = None) -> None:
        if lane is None:
            lane = lanes.index(None) if None in lanes else len(lanes)
        lanes[lane : lane + 1] = [row.value if row.value.uses else None]
        rows.append(row._replace(lane=lane))

    for step in graph.steps:
        inside = [(name, value) for name, value in step.inputs if _inside(step, value)]
        above = [(name, value) for name, value in step.inputs if not _inside(step, value)]
        for name, value in above:
            if value not in lanes:  # from outside, and first used here
                place(Row(None, value, [], [("name", name)]))
        ended = None
        for _, value in above:
            left[value] -= 1
            if left[value] == 0:
                lane = lanes.index(value)
                lanes[lane] = None
                ended = lane if ended is None else ended
        lines = [("name", step.op), *(("", marks.weight(*each)) for each in inside)]
        lines += [("kept", f"{own.name}  {marks.kept(own)}") for own in step.own]
        place(Row(step, step.output, [value for _, value in above], lines), ended)
    return rows


def _inside(step: Step, value: Value) -> bool:
    """Whether an input is listed in the box of its op: a leaf that is used once and is not what the op works on."""
    return not value.made and value.uses == 1 and value is not step.inputs[0][1]


def _picture(graph: Graph) -> str:
    rows = _rows(graph)
    labels = {row.value: marks.label(row.value) for row in rows}
    box = 2 * PADDING + CHARACTER * max(len(text) for row in rows for _, text in row.lines)
    beside = CHARACTER * max(len(text) for label in labels.values() for text in label) + 16
    pitch = max(box, box / 2 + beside) + 24
    width = max(520, LEFT + (1 + max(row.lane for row in rows)) * pitch)  # 520: of the legend
    tops, y = [], float(TOP)
    for row in rows:
        tops.append(y)
        y += height(row) + GAP

    bands, lines, boxes = marks.bands(rows, tops, width), [], []
    ends: dict[Value, tuple[float, float]] = {}  # where the line of a value starts: under the box that made it
    for row, top in zip(rows, tops, strict=True):
        centre = LEFT + box / 2 + row.lane * pitch
        for number, value in enumerate(row.ports):
            port = centre + 26 * (number - (len(row.ports) - 1) / 2)
            lines.append(marks.line(value, graph.nbytes, ends[value], (port, top)))
        ends[row.value] = centre, top + height(row)
        boxes.append(marks.box(row, centre - box / 2, top, box))
        lines.append(marks.words(row.value, labels[row.value], ends[row.value]))
    title = f"{marks.count(graph.nbytes)} kept for the backward, {len(graph.steps)} ops"
    return marks.page(title, width, y, [*bands, *lines, *boxes])
