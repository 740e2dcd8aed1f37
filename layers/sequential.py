"""Sequential: one module after another."""

from specframe.layers.module import Module


class Sequential(Module):
    """Calls its modules in turn; index it to get one. States are named by position: "0.weight"."""

    def __init__(self, *modules):
        self._modules = list(modules)

    def children(self):
        return ((str(i), module) for i, module in enumerate(self._modules))

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return self._modules[index]

    def forward(self, x):
        for module in self._modules:
            x = module(x)
        return x
