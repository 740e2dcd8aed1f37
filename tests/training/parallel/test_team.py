"""One process alone is a team too."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.layers import Linear
from specframe.training.parallel import Team, team


def test_alone_a_team_is_the_tape_itself():
    net, team, x, y = Linear(3, 2, rng=0), Team(), Tensor(np.eye(3, dtype=np.float32)), np.array([0, 1, 1])
    team.start(net, data="whatever")
    with team.batch(3, stop=True), Tape() as tape:
        loss = ops.softmax_cross_entropy(net(x), y)
    assert team.backward(tape, loss) is loss and net.weight.grad is not None
    assert (team.images, team.stop, team.stopped_by) == (3, True, "")
    assert (team.first, team.shard, team.seed(5)) == (True, (0, 1), 5)
    assert team.any(True) and not team.any(False) and team.sum(1.5, 2) == [1.5, 2.0]


def test_alone_errors_pass_as_they_are(tmp_path):
    for error in (ValueError("x"), KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(error)), Team():
            raise error
    with pytest.raises(ValueError, match="is a file"), Team().run_folder(__file__):
        pass
    with Team().run_folder(tmp_path / "new") as out:
        assert out.is_dir()


def test_the_code_is_that_of_the_packages_and_not_what_lies_beside_them(tmp_path, monkeypatch):
    for name in ("root.py", "net/__init__.py", "net/deep/one.py", ".venv/lib/other.py", "runs/notes.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(team, "PACKAGE", tmp_path)
    known = team.code_fingerprint()
    for name in (".venv/lib/other.py", "runs/notes.py"):
        (tmp_path / name).write_text("2")
        assert team.code_fingerprint() == known
    for name in ("root.py", "net/__init__.py", "net/deep/one.py"):
        (tmp_path / name).write_text("2")
        assert team.code_fingerprint() != known
        known = team.code_fingerprint()
