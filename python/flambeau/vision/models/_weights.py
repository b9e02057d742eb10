"""Published weights: member, file on download.pytorch.org, kind of outputs, and how images are prepared; the best ones come
last.

Kinds are "classes" (ImageNet's), "segments" (Pascal VOC's, of each pixel) and "features" (no classes).
"""

WEIGHTS = {
    "AlexNet_Weights": (
        ("IMAGENET1K_V1", "alexnet-owt-7be5be79.pth", "classes", {"crop_size": 224}),
    ),
    "ConvNeXt_Base_Weights": (
        ("IMAGENET1K_V1", "convnext_base-6075fbad.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ConvNeXt_Large_Weights": (
        ("IMAGENET1K_V1", "convnext_large-ea097f82.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ConvNeXt_Small_Weights": (
        ("IMAGENET1K_V1", "convnext_small-0c510722.pth", "classes", {"crop_size": 224, "resize_size": 230}),
    ),
    "ConvNeXt_Tiny_Weights": (
        ("IMAGENET1K_V1", "convnext_tiny-983f1562.pth", "classes", {"crop_size": 224, "resize_size": 236}),
    ),
    "DeepLabV3_MobileNet_V3_Large_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_mobilenet_v3_large-fc3c493d.pth", "segments", {"resize_size": 520}),
    ),
    "DeepLabV3_ResNet101_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_resnet101_coco-586e9e4e.pth", "segments", {"resize_size": 520}),
    ),
    "DeepLabV3_ResNet50_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "deeplabv3_resnet50_coco-cd0a2569.pth", "segments", {"resize_size": 520}),
    ),
    "DenseNet121_Weights": (
        ("IMAGENET1K_V1", "densenet121-a639ec97.pth", "classes", {"crop_size": 224}),
    ),
    "DenseNet161_Weights": (
        ("IMAGENET1K_V1", "densenet161-8d451a50.pth", "classes", {"crop_size": 224}),
    ),
    "DenseNet169_Weights": (
        ("IMAGENET1K_V1", "densenet169-b2777c0a.pth", "classes", {"crop_size": 224}),
    ),
    "DenseNet201_Weights": (
        ("IMAGENET1K_V1", "densenet201-c1103571.pth", "classes", {"crop_size": 224}),
    ),
    "EfficientNet_B0_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b0_rwightman-7f5810bc.pth", "classes", {"crop_size": 224, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B1_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b1_rwightman-bac287d4.pth", "classes", {"crop_size": 240, "interpolation": "bicubic"}),
        ("IMAGENET1K_V2", "efficientnet_b1-c27df63c.pth", "classes", {"crop_size": 240, "resize_size": 255, "interpolation": "bilinear"}),
    ),
    "EfficientNet_B2_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b2_rwightman-c35c1473.pth", "classes", {"crop_size": 288, "resize_size": 288, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B3_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b3_rwightman-b3899882.pth", "classes", {"crop_size": 300, "resize_size": 320, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B4_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b4_rwightman-23ab8bcd.pth", "classes", {"crop_size": 380, "resize_size": 384, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B5_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b5_lukemelas-1a07897c.pth", "classes", {"crop_size": 456, "resize_size": 456, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B6_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b6_lukemelas-24a108a5.pth", "classes", {"crop_size": 528, "resize_size": 528, "interpolation": "bicubic"}),
    ),
    "EfficientNet_B7_Weights": (
        ("IMAGENET1K_V1", "efficientnet_b7_lukemelas-c5b4e57e.pth", "classes", {"crop_size": 600, "resize_size": 600, "interpolation": "bicubic"}),
    ),
    "EfficientNet_V2_L_Weights": (
        ("IMAGENET1K_V1", "efficientnet_v2_l-59c71312.pth", "classes", {"crop_size": 480, "resize_size": 480, "interpolation": "bicubic", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}),
    ),
    "EfficientNet_V2_M_Weights": (
        ("IMAGENET1K_V1", "efficientnet_v2_m-dc08266a.pth", "classes", {"crop_size": 480, "resize_size": 480, "interpolation": "bilinear"}),
    ),
    "EfficientNet_V2_S_Weights": (
        ("IMAGENET1K_V1", "efficientnet_v2_s-dd5fe13b.pth", "classes", {"crop_size": 384, "resize_size": 384, "interpolation": "bilinear"}),
    ),
    "FCN_ResNet101_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "fcn_resnet101_coco-7ecb50ca.pth", "segments", {"resize_size": 520}),
    ),
    "FCN_ResNet50_Weights": (
        ("COCO_WITH_VOC_LABELS_V1", "fcn_resnet50_coco-1167a1af.pth", "segments", {"resize_size": 520}),
    ),
    "GoogLeNet_Weights": (
        ("IMAGENET1K_V1", "googlenet-1378be20.pth", "classes", {"crop_size": 224}),
    ),
    "Inception_V3_Weights": (
        ("IMAGENET1K_V1", "inception_v3_google-0cc3c7bd.pth", "classes", {"crop_size": 299, "resize_size": 342}),
    ),
    "MobileNet_V2_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v2-b0353104.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "mobilenet_v2-7ebf99e0.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "MobileNet_V3_Large_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v3_large-8738ca79.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "mobilenet_v3_large-5c1a4163.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "MobileNet_V3_Small_Weights": (
        ("IMAGENET1K_V1", "mobilenet_v3_small-047dcff4.pth", "classes", {"crop_size": 224}),
    ),
    "ResNet101_Weights": (
        ("IMAGENET1K_V1", "resnet101-63fe2227.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "resnet101-cd907fc2.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ResNet152_Weights": (
        ("IMAGENET1K_V1", "resnet152-394f9c45.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "resnet152-f82ba261.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ResNet18_Weights": (
        ("IMAGENET1K_V1", "resnet18-f37072fd.pth", "classes", {"crop_size": 224}),
    ),
    "ResNet34_Weights": (
        ("IMAGENET1K_V1", "resnet34-b627a593.pth", "classes", {"crop_size": 224}),
    ),
    "ResNet50_Weights": (
        ("IMAGENET1K_V1", "resnet50-0676ba61.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "resnet50-11ad3fa6.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ResNeXt101_32X8D_Weights": (
        ("IMAGENET1K_V1", "resnext101_32x8d-8ba56ff5.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "resnext101_32x8d-110c445d.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ResNeXt101_64X4D_Weights": (
        ("IMAGENET1K_V1", "resnext101_64x4d-173b62eb.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ResNeXt50_32X4D_Weights": (
        ("IMAGENET1K_V1", "resnext50_32x4d-7cdf4587.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "resnext50_32x4d-1a0047aa.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ShuffleNet_V2_X0_5_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x0.5-f707e7126e.pth", "classes", {"crop_size": 224}),
    ),
    "ShuffleNet_V2_X1_0_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x1-5666bf0f80.pth", "classes", {"crop_size": 224}),
    ),
    "ShuffleNet_V2_X1_5_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x1_5-3c479a10.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "ShuffleNet_V2_X2_0_Weights": (
        ("IMAGENET1K_V1", "shufflenetv2_x2_0-8be3c8ee.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "SqueezeNet1_0_Weights": (
        ("IMAGENET1K_V1", "squeezenet1_0-b66bff10.pth", "classes", {"crop_size": 224}),
    ),
    "SqueezeNet1_1_Weights": (
        ("IMAGENET1K_V1", "squeezenet1_1-b8a52dc0.pth", "classes", {"crop_size": 224}),
    ),
    "VGG11_Weights": (
        ("IMAGENET1K_V1", "vgg11-8a719046.pth", "classes", {"crop_size": 224}),
    ),
    "VGG11_BN_Weights": (
        ("IMAGENET1K_V1", "vgg11_bn-6002323d.pth", "classes", {"crop_size": 224}),
    ),
    "VGG13_Weights": (
        ("IMAGENET1K_V1", "vgg13-19584684.pth", "classes", {"crop_size": 224}),
    ),
    "VGG13_BN_Weights": (
        ("IMAGENET1K_V1", "vgg13_bn-abd245e5.pth", "classes", {"crop_size": 224}),
    ),
    "VGG16_Weights": (
        ("IMAGENET1K_FEATURES", "vgg16_features-amdegroot-88682ab5.pth", "features", {"crop_size": 224, "mean": (0.48235, 0.45882, 0.40784), "std": (0.00392156862745098, 0.00392156862745098, 0.00392156862745098)}),
        ("IMAGENET1K_V1", "vgg16-397923af.pth", "classes", {"crop_size": 224}),
    ),
    "VGG16_BN_Weights": (
        ("IMAGENET1K_V1", "vgg16_bn-6c64b313.pth", "classes", {"crop_size": 224}),
    ),
    "VGG19_Weights": (
        ("IMAGENET1K_V1", "vgg19-dcbb9e9d.pth", "classes", {"crop_size": 224}),
    ),
    "VGG19_BN_Weights": (
        ("IMAGENET1K_V1", "vgg19_bn-c79401a0.pth", "classes", {"crop_size": 224}),
    ),
    "Wide_ResNet101_2_Weights": (
        ("IMAGENET1K_V1", "wide_resnet101_2-32ee1156.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "wide_resnet101_2-d733dc28.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
    "Wide_ResNet50_2_Weights": (
        ("IMAGENET1K_V1", "wide_resnet50_2-95faca4d.pth", "classes", {"crop_size": 224}),
        ("IMAGENET1K_V2", "wide_resnet50_2-9ba9bcbe.pth", "classes", {"crop_size": 224, "resize_size": 232}),
    ),
}
