import CPNG

extension Picture {
    /// Longer sides are refused by libpng's default limits, and by most programs.
    static let sideMax = 1_000_000

    /// The picture as a PNG file.
    ///
    /// The seam to libpng, through its simplified interface, which never jumps: the only file of
    /// this module with unsafe expressions. libpng borrows arrays for the length of one call.
    ///
    /// - Throws: `InspectionError.noPicture` with libpng's reason.
    public func png() throws(InspectionError) -> [UInt8] {
        guard width <= Self.sideMax, height <= Self.sideMax else {
            throw refusal("a side has more than \(Self.sideMax) pixels")
        }
        // The first call says how long the file is.
        let planned = unsafe encode(into: nil)
        guard planned.isDone else { throw refusal(planned.message) }
        var bytes = [UInt8](repeating: 0, count: planned.byteCount)
        let written = unsafe bytes.withUnsafeMutableBytes { unsafe encode(into: $0) }
        guard written.isDone, written.byteCount <= bytes.count else {
            throw refusal(written.message)
        }
        return Array(bytes.prefix(written.byteCount))
    }

    private func encode(
        into buffer: UnsafeMutableRawBufferPointer?
    ) -> (isDone: Bool, byteCount: Int, message: String) {
        var image = unsafe png_image()
        unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
        unsafe image.width = png_uint_32(width)
        unsafe image.height = png_uint_32(height)
        // PNG_FORMAT_RGB and PNG_FORMAT_GRAY: Swift does not see macros that are made of others.
        unsafe image.format = channels == 3 ? 2 : 0
        defer { unsafe png_image_free(&image) }
        var byteCount = unsafe png_alloc_size_t(buffer?.count ?? 0)
        let status = unsafe pixels.withUnsafeBytes { source in
            unsafe png_image_write_to_memory(
                &image, buffer?.baseAddress, &byteCount, 0, source.baseAddress,
                png_int_32(width * channels), nil)
        }
        let message = unsafe withUnsafeBytes(of: image.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return (status != 0, Int(byteCount), message)
    }

    private func refusal(_ reason: String) -> InspectionError {
        .noPicture(width: width, height: height, reason: reason)
    }
}
