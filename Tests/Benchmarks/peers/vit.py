"""PyTorch peer of `bench vit`: timm's vision transformer with class token, AdamW."""
import serving

a = serving.options(image=28, channels=1, patch=4, width=192, depth=6, heads=3, batch=128)
torch, vision = serving.load("torch", "timm.models.vision_transformer")
torch.set_num_threads(a.threads)
torch.manual_seed(0)
network = vision.VisionTransformer(
    img_size=a.image, in_chans=a.channels, patch_size=a.patch, embed_dim=a.width, depth=a.depth,
    num_heads=a.heads, num_classes=0)
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.05, fused=True)
images = torch.randn(a.batch, a.channels, a.image, a.image)
step = serving.Step(torch, network, optimizer, images, a.compile)
serving.serve(step, f"pytorch {torch.__version__}")
