"""Ready networks with torchvision's constructors, arguments and state-dict keys."""

from . import mtcnn, segmentation
from ._api import *  # noqa: F403
from ._lazy import weights_attribute as _weights_attribute
from .alexnet import *  # noqa: F403
from .convnext import *  # noqa: F403
from .densenet import *  # noqa: F403
from .efficientnet import *  # noqa: F403
from .efficientnet_lite import *  # noqa: F403
from .googlenet import *  # noqa: F403
from .inception import *  # noqa: F403
from .lenet import *  # noqa: F403
from .mobilenetv2 import *  # noqa: F403
from .mobilenetv3 import *  # noqa: F403
from .resnet import *  # noqa: F403
from .shufflenetv2 import *  # noqa: F403
from .squeezenet import *  # noqa: F403
from .unet import *  # noqa: F403
from .vgg import *  # noqa: F403

__getattr__ = _weights_attribute(__name__)
