"""The deep nets and their spectral twins in PyTorch: a second opinion on outputs, gradients and bytes.

Each net takes its parameters from the state of the specframe model (`FromState`), so names and numbers agree; what it
computes is written anew from the equations, with torch.fft and torch.autograd. Where specframe works in the spectrum
by a formula of its own (decimation, batch normalisation), this file goes back to space and does the plain thing there.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch_nets import spectral_conv2d, threshold

ACTIVATIONS = {
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "arctan": torch.atan,
}


class FromState(nn.Module):
    """Parameters and buffers by the dotted names of a specframe state."""

    def __init__(self, state):
        super().__init__()
        self.names = {name: name.replace(".", "/") for name in state}
        for name, array in state.items():
            tensor = torch.tensor(array)
            if name.endswith(("running_mean", "running_var")):
                self.register_buffer(self.names[name], tensor)
            else:
                self.register_parameter(self.names[name], nn.Parameter(tensor))

    def __getitem__(self, name):
        """The tensor of this name, or None."""
        return getattr(self, self.names[name]) if name in self.names else None

    def gradients(self):
        """NumPy gradients of the parameters by dotted name."""
        parameters = dict(self.named_parameters())
        return {name: parameters[own].grad.numpy() for name, own in self.names.items() if own in parameters}

    def batch_norm(self, name, x):
        """In training mode when the module is; x unchanged where the state has no such layer."""
        if f"{name}.weight" not in self.names:
            return x
        mean, variance = self[f"{name}.running_mean"], self[f"{name}.running_var"]
        return F.batch_norm(x, mean, variance, self[f"{name}.weight"], self[f"{name}.bias"], self.training)

    def conv(self, name, x, stride=1):
        """Same padding for odd kernels, then (batch normalisation is the caller's)."""
        weight = self[f"{name}.weight"]
        return F.conv2d(x, weight, self[f"{name}.bias"], stride, (weight.shape[-1] - 1) // 2)

    def step(self, X, weight, bias, norm, grid, beta, activation, scale, stride=1):
        """Convolution, (stride), (batch normalisation), threshold, activation of spectra; returns (Z, its grid)."""
        Y = spectral_conv2d(X, weight, bias, grid)
        if stride > 1:
            y = torch.fft.irfft2(Y, s=grid, norm="ortho")[..., ::stride, ::stride]
            grid = tuple(n // stride for n in grid)
            Y = torch.fft.rfft2(y, norm="ortho")
        if norm and f"{norm}.weight" in self.names:
            y = self.batch_norm(norm, torch.fft.irfft2(Y, s=grid, norm="ortho"))
            Y = torch.fft.rfft2(y, norm="ortho")
        Y, f = threshold(Y, beta), ACTIVATIONS[activation]
        return torch.complex(scale * f(Y.real / scale), scale * f(Y.imag / scale)), grid

    def block(self, name, x, grid, convs=1, stride=1, **options):
        """A SpectralBlock."""
        size = [-(-n // stride) for n in x.shape[-2:]]
        Z = torch.fft.rfft2(x, s=grid, norm="ortho")
        for i in range(convs):
            end = "" if i == 0 else str(i + 1)
            weight, bias = self[f"{name}.weight{end}"], self[f"{name}.bias{end}"]
            Z, grid = self.step(Z, weight, bias, f"{name}.batch_norm{end}", grid, stride=stride, **options)
            stride = 1
        return torch.fft.irfft2(Z, s=grid, norm="ortho")[..., : size[0], : size[1]]


class TorchVGG16(FromState):
    """VGG16, or SpecVGG16 when `grids` names the grid of each spectral stage and `spectral` their options."""

    def __init__(self, state, grids=(), activation=F.relu, spectral=None, rectify=False):
        super().__init__(state)
        self.grids, self.activation, self.options, self.rectify = grids, activation, spectral or {}, rectify

    def forward(self, x):
        for stage, convs in enumerate((2, 2, 3, 3, 3)):
            name = f"stages.{stage}"
            if stage < len(self.grids):
                x = self.block(name, x, self.grids[stage], convs, **self.options)
            else:
                for i in range(convs):
                    layer = f"{name}.layers.{i}"
                    x = self.activation(self.batch_norm(f"{layer}.norm", self.conv(f"{layer}.conv", x)))
            x = self.batch_norm(f"norms.{stage}", F.max_pool2d(x, 2))
            x = F.relu(x) if self.rectify and stage < len(self.grids) else x
        return F.linear(x.flatten(1), self["fc.weight"], self["fc.bias"])


class TorchAlexNet(FromState):
    """AlexNet, or SpecAlexNet when `grids` names the grid of each spectral layer."""

    def __init__(self, state, grids=(), activation=F.relu, spectral=None, rectify=False):
        super().__init__(state)
        self.grids, self.activation, self.options, self.rectify = grids, activation, spectral or {}, rectify

    def forward(self, x):
        for i, (stride, pooled) in enumerate(((4, True), (1, True), (1, False), (1, False), (1, True))):
            name = f"layers.{i}"
            if i < len(self.grids):
                x = self.block(name, x, self.grids[i], stride=stride, **self.options)
            else:
                x = self.activation(self.batch_norm(f"{name}.norm", self.conv(f"{name}.conv", x, stride)))
            x = F.max_pool2d(x, 2) if pooled else x
            x = self.batch_norm(f"norms.{i}", x)
            x = F.relu(x) if self.rectify and i < len(self.grids) else x
        return F.linear(x.flatten(1), self["fc.weight"], self["fc.bias"])


class TorchDenseNet(FromState):
    """DenseNet of Table 1, or SpecDenseNet when `grids` names the grids of the stem and of the dense block."""

    def __init__(self, state, layers, grids=(), activation=F.relu, spectral=None, return_every=None, rectify=False):
        super().__init__(state)
        self.layers, self.grids, self.activation, self.options = layers, grids, activation, spectral or {}
        self.return_every, self.rectify = return_every or layers, rectify

    def spatial(self, name, x):
        return self.activation(self.batch_norm(f"{name}.norm", self.conv(f"{name}.conv", x)))

    def spectral(self, name, X, grid):
        return self.step(X, self[f"{name}.weight"], self[f"{name}.bias"], f"{name}.batch_norm", grid, **self.options)[0]

    def forward(self, x):
        if not self.grids:
            maps = [F.max_pool2d(self.spatial("stem", x), 2)]
            for i in range(self.layers):
                maps.append(self.spatial(f"wide.{i}", self.spatial(f"narrow.{i}", torch.cat(maps, 1))))
            whole = torch.cat(maps, 1)
        else:
            x = self.batch_norm("norm", F.max_pool2d(self.block("stem", x, self.grids[0], **self.options), 2))
            grid, (rows, columns), after = self.grids[1], x.shape[-2:], F.relu if self.rectify else torch.nn.Identity()
            whole = after(x)
            for start in range(0, self.layers, self.return_every):
                spectrum = torch.fft.rfft2(whole, s=grid, norm="ortho")
                for i in range(start, min(start + self.return_every, self.layers)):
                    narrow = self.spectral(f"narrow.{i}", spectrum, grid)
                    spectrum = torch.cat([spectrum, self.spectral(f"wide.{i}", narrow, grid)], 1)
                new = torch.fft.irfft2(spectrum[:, whole.shape[1] :], s=grid, norm="ortho")[..., :rows, :columns]
                whole = torch.cat([whole, after(new)], 1)
        return F.linear(whole.mean((2, 3)), self["fc.weight"], self["fc.bias"])


class TorchResNet(FromState):
    """ResNet, or SpecResNet when `grids` names the grids of the spectral parts in turn: the stem, residual blocks."""

    def __init__(self, state, blocks, grids=(), activation=F.relu, spectral=None, rectify=False):
        super().__init__(state)
        self.blocks, self.grids, self.activation, self.options = blocks, grids, activation, spectral or {}
        self.after = F.relu if rectify else nn.Identity()

    def spatial(self, name, x, stride=1):
        return self.activation(self.batch_norm(f"{name}.norm", self.conv(f"{name}.conv", x, stride)))

    def spectral(self, name, x, grid, convs, stride=1):
        """A spectral part up to its sum or ReLU."""
        return self.batch_norm(f"{name}.norm", self.block(f"{name}.block", x, grid, convs, stride, **self.options))

    def forward(self, x):
        x = self.after(self.spectral("stem", x, self.grids[0], 1)) if self.grids else self.spatial("stem", x)
        for number in range(3 * self.blocks):
            stage, i = divmod(number, self.blocks)
            name, stride = f"stages.{stage}.{i}", 2 if stage and not i else 1
            if number + 1 < len(self.grids):
                y, after = self.spectral(name, x, self.grids[number + 1], 2, stride), self.after
            else:
                y = self.conv(f"{name}.second", self.spatial(f"{name}.first", x, stride))
                y, after = self.batch_norm(f"{name}.norm", y), self.activation
            kept = x[:, :, ::stride, ::stride]
            zeros = kept.new_zeros(len(kept), y.shape[1] - kept.shape[1], *kept.shape[2:])
            x = after(y + torch.cat([kept, zeros], 1))
        return F.linear(x.mean((2, 3)), self["fc.weight"], self["fc.bias"])
