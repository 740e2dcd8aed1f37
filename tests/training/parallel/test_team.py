"""One process alone is a team too."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.layers import Linear
from specframe.training.parallel import Team


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
