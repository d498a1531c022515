"""PyTorch peer of `bench resnet`: torchvision's ResNet-18 for small images, SGD with momentum."""
import serving

a = serving.options(image=32, channels=3, batch=64)
torch, torchvision = serving.load("torch", "torchvision")
torch.set_num_threads(a.threads)
torch.manual_seed(0)
network = torchvision.models.resnet18(num_classes=128)
# Small images: a 3 x 3 convolution of stride 1 and no pooling in front.
network.conv1 = torch.nn.Conv2d(a.channels, 64, kernel_size=3, stride=1, padding=1, bias=False)
network.maxpool = torch.nn.Identity()
network = network.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
images = torch.randn(a.batch, a.channels, a.image, a.image)
images = images.to(memory_format=torch.channels_last)
step = serving.Step(torch, network, optimizer, images, a.compile)
serving.serve(step, f"pytorch {torch.__version__}")
