import CCrypto

/// A running SHA-256 (FIPS 180-4) over OpenSSL's EVP interface, with value semantics.
///
/// A copy goes its own way: the state is duplicated when a shared one is about to change.
public struct SHA256Hasher {
    private var state = State()

    /// A hasher that has seen no bytes.
    public init() {}

    /// Adds `bytes` to what has been hashed.
    public mutating func update(_ bytes: RawSpan) {
        if !isKnownUniquelyReferenced(&state) { state = State(copying: state) }
        state.update(bytes)
    }

    /// Adds `bytes` to what has been hashed.
    public mutating func update(_ bytes: [UInt8]) {
        unsafe update(bytes.span.bytes)
    }

    /// Adds the UTF-8 bytes of `text` to what has been hashed.
    public mutating func update(_ text: String) {
        update(Array(text.utf8))
    }

    /// The digest of everything that was added; the hasher itself can go on.
    public func finalize() -> Digest {
        State(copying: state).finish()
    }
}

/// Owns one OpenSSL context: made with it, freed with it, never handed out.
@safe
private final class State {
    private let context: OpaquePointer

    init() {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("SHA-256: no memory for a context of libcrypto")
        }
        unsafe self.context = unsafe context
        let status = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(status == 1, "SHA-256: libcrypto has no such algorithm")
    }

    init(copying other: State) {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("SHA-256: no memory for a context of libcrypto")
        }
        unsafe self.context = unsafe context
        let status = unsafe EVP_MD_CTX_copy_ex(context, other.context)
        precondition(status == 1, "SHA-256: libcrypto could not copy a context")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    func update(_ bytes: RawSpan) {
        let status = unsafe bytes.withUnsafeBytes {
            unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
        }
        precondition(status == 1, "SHA-256: libcrypto refused an update")
    }

    func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
        var count: UInt32 = 0
        let status = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, &count)
        }
        precondition(status == 1 && count == 32, "SHA-256: libcrypto could not finish")
        guard let digest = Digest(bytes: bytes) else {
            preconditionFailure("SHA-256: a digest of \(bytes.count) bytes")
        }
        return digest
    }
}

/// The SHA-256 digest of `bytes`.
public func sha256(_ bytes: [UInt8]) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update(bytes)
    return hasher.finalize()
}

/// The SHA-256 digest of the UTF-8 bytes of `text`.
public func sha256(_ text: String) -> Digest {
    sha256(Array(text.utf8))
}

/// The 32 bytes of HMAC-SHA-256 (RFC 2104) of `message` under `key`, a key of any length.
public func hmacSHA256(key: [UInt8], message: [UInt8]) -> [UInt8] {
    var code = [UInt8](repeating: 0, count: Digest.byteCount)
    var count: UInt32 = 0
    // libcrypto takes a missing key for "the key of last time": an empty one needs an address.
    let keyBytes = key.isEmpty ? [0] : key
    let result = unsafe code.withUnsafeMutableBufferPointer { codeBytes in
        unsafe HMAC(
            EVP_sha256(), keyBytes, Int32(key.count), message, message.count,
            codeBytes.baseAddress, &count)
    }
    precondition(unsafe result != nil && count == 32, "HMAC-SHA-256: libcrypto failed")
    return code
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
public func isEqualInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for index in a.indices { difference |= a[index] ^ b[index] }
    return difference == 0
}

/// `count` bytes that nobody can predict, from the system's generator.
///
/// For nonces and tokens only; what a run computes comes from its seed.
public func secureRandomBytes(_ count: Int) -> [UInt8] {
    precondition(count >= 0 && count <= Int(Int32.max), "random bytes: count \(count)")
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    let status = unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe RAND_bytes($0.baseAddress, Int32(count))
    }
    precondition(status == 1, "random bytes: the system's generator failed")
    return bytes
}
