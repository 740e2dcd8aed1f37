"""Networks in plain Python, each spectral net beside its spatial twin."""

from specframe.models.alexnet import AlexNet, SpecAlexNet
from specframe.models.densenet import DenseNet, SpecDenseNet
from specframe.models.lenet import LeNet5, SpecLeNet5
from specframe.models.resnet import ResNet, SpecResNet
from specframe.models.summary import summary
from specframe.models.vgg import VGG16, SpecVGG16
from specframe.models.zoo import ModelCard, model_card, pretrained, pretrained_names

__all__ = [
    "VGG16", "AlexNet", "DenseNet", "LeNet5", "ModelCard", "ResNet", "SpecAlexNet", "SpecDenseNet", "SpecLeNet5",
    "SpecResNet", "SpecVGG16", "model_card", "pretrained", "pretrained_names", "summary",
]  # fmt: skip
