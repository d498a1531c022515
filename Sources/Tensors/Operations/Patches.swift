/// The square patches of images as rows: what a patch embedding, which is a linear layer over
/// them, sees.
///
/// - Parameters:
///   - images: `[B, C, H, W]`; `size` divides H and W.
///   - size: the side of a patch.
/// - Returns: `[B, H W / size^2, C size^2]`: patches from left to right and top to bottom, each as
///   a convolution's weight `[out, C, size, size]` is laid out.
public func unfoldedPatches(_ images: Variable, size: Int) -> Variable {
    let shape = images.shape
    precondition(
        shape.rank == 4 && size > 0 && shape[2] % size == 0 && shape[3] % size == 0,
        "unfoldedPatches: patches of \(size) in images \(shape)")
    let (batch, channels) = (shape[0], shape[1])
    let (high, wide) = (shape[2] / size, shape[3] / size)
    return images.reshaped([batch, channels, high, size, wide, size])
        .permuted([0, 2, 4, 1, 3, 5])
        .reshaped([batch, high * wide, channels * size * size])
}
