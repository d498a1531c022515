import Buffers

extension UnsafePointer<Float> {
    /// The eight floats from here on.
    @inline(__always) var eight: Lanes {
        unsafe UnsafeRawPointer(self).loadUnaligned(as: Lanes.self)
    }
}

extension UnsafeMutablePointer<Float> {
    /// The eight floats from here on.
    @inline(__always) var eight: Lanes {
        unsafe UnsafeRawPointer(self).loadUnaligned(as: Lanes.self)
    }

    /// Writes eight floats from here on.
    @inline(__always) func setEight(_ value: Lanes) {
        unsafe UnsafeMutableRawPointer(self).storeBytes(of: value, as: Lanes.self)
    }
}
