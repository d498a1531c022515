import CCrypto

/// libcrypto's reason for the last failure on this thread.
private func lastProblem() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = unsafe ERR_reason_error_string(code) else {
        return "it gives no reason"
    }
    return unsafe String(cString: reason)
}

/// Throws unless a function of libcrypto said yes.
private func require(_ isDone: Bool, _ what: String) throws(CertificateError) {
    guard isDone else { throw .library(what: what, problem: lastProblem()) }
}

/// Text in the memory of libcrypto, for its readers and writers of PEM.
@safe
final class MemoryText {
    let address: OpaquePointer

    /// Holds a copy of `text`.
    init(_ text: String = "") throws(CertificateError) {
        guard let address = unsafe BIO_new(BIO_s_mem()) else {
            throw .library(what: "taking memory", problem: lastProblem())
        }
        unsafe self.address = address
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { return }
        let count = unsafe BIO_write(address, bytes, Int32(bytes.count))
        try require(count == bytes.count, "taking memory")
    }

    deinit { unsafe BIO_free(address) }

    /// What was written; it is gone afterwards.
    func text() -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe BIO_read(address, &piece, Int32(piece.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<Int(count)]
        }
    }
}

/// Owns a private key of libcrypto.
@safe
final class PrivateKey {
    let address: OpaquePointer

    private init(address: OpaquePointer) { unsafe self.address = address }

    init(pem: String) throws(CertificateError) {
        let text = try MemoryText(pem)
        guard let key = unsafe PEM_read_bio_PrivateKey(text.address, nil, nil, nil) else {
            throw .malformed(what: "the private key", problem: lastProblem())
        }
        unsafe self.address = key
    }

    deinit { unsafe EVP_PKEY_free(address) }

    /// A fresh key on the curve P-256, which every TLS library takes.
    static func make() throws(CertificateError) -> PrivateKey {
        let context = unsafe EVP_PKEY_CTX_new_id(NID_X9_62_id_ecPublicKey, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        try require(unsafe EVP_PKEY_keygen_init(context) == 1, "making a key")
        try require(
            unsafe EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            "making a key")
        var key: OpaquePointer?
        try require(unsafe EVP_PKEY_keygen(context, &key) == 1, "making a key")
        guard let key = unsafe key else {
            throw .library(what: "making a key", problem: lastProblem())
        }
        return unsafe PrivateKey(address: key)
    }

    func pem() throws(CertificateError) -> String {
        let text = try MemoryText()
        let status = unsafe PEM_write_bio_PKCS8PrivateKey(
            text.address, address, nil, nil, 0, nil, nil)
        try require(status == 1, "writing a key")
        return text.text()
    }

    func belongs(to certificate: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_private_key(certificate.address, address) == 1
    }
}

/// Owns a certificate of libcrypto.
@safe
final class Certificate {
    let address: OpaquePointer

    /// `MBSTRING_UTF8`, a macro that Swift does not see: 0x1000 for "of characters", 0 for UTF-8.
    private static let isUTF8: Int32 = 0x1000

    /// One to be filled.
    init() throws(CertificateError) {
        guard let address = unsafe X509_new() else {
            throw .library(what: "making a certificate", problem: lastProblem())
        }
        unsafe self.address = address
    }

    init(pem: String) throws(CertificateError) {
        let text = try MemoryText(pem)
        guard let certificate = unsafe PEM_read_bio_X509(text.address, nil, nil, nil) else {
            throw .malformed(what: "the certificate", problem: lastProblem())
        }
        unsafe self.address = certificate
    }

    deinit { unsafe X509_free(address) }

    func pem() throws(CertificateError) -> String {
        let text = try MemoryText()
        try require(unsafe PEM_write_bio_X509(text.address, address) == 1, "writing a certificate")
        return text.text()
    }

    /// Writes everything but extensions and signature.
    func fill(
        name: String, key: PrivateKey, validity: Validity, issuer: Certificate?
    ) throws(CertificateError) {
        let what = "making the certificate of \(name)"
        try require(unsafe X509_set_version(address, 2) == 1, what)  // 2 means version 3
        try setSerialNumber(what)
        let subject = unsafe X509_get_subject_name(address)
        let status = unsafe X509_NAME_add_entry_by_NID(
            subject, NID_commonName, Self.isUTF8, Array(name.utf8), Int32(name.utf8.count), -1, 0)
        try require(status == 1, what)
        let issuerName = unsafe issuer.map { unsafe X509_get_subject_name($0.address) } ?? subject
        try require(unsafe X509_set_issuer_name(address, issuerName) == 1, what)
        try require(unsafe X509_set_pubkey(address, key.address) == 1, what)
        for (time, isLast) in [(validity.from, false), (validity.until, true)] {
            let moment = unsafe ASN1_TIME_set(nil, time)
            defer { unsafe ASN1_TIME_free(moment) }
            let status =
                isLast
                ? unsafe X509_set1_notAfter(address, moment)
                : unsafe X509_set1_notBefore(address, moment)
            try require(status == 1, what)
        }
    }

    /// Sixteen random bytes of which the first bit is 0, as for a positive number.
    private func setSerialNumber(_ what: String) throws(CertificateError) {
        var bytes = secureRandomBytes(16)
        bytes[0] = bytes[0] & 0x3f | 0x40
        let number = unsafe BN_bin2bn(bytes, Int32(bytes.count), nil)
        defer { unsafe BN_free(number) }
        let serial = unsafe BN_to_ASN1_INTEGER(number, nil)
        defer { unsafe ASN1_INTEGER_free(serial) }
        try require(unsafe X509_set_serialNumber(address, serial) == 1, what)
    }

    func add(
        _ identifier: Int32, _ value: String, issuer: Certificate?
    ) throws(CertificateError) {
        var context = unsafe X509V3_CTX()
        unsafe X509V3_set_ctx(&context, issuer?.address ?? address, address, nil, nil, 0)
        guard
            let addition = unsafe X509V3_EXT_conf_nid(nil, &context, identifier, value)
        else { throw .library(what: "adding '\(value)'", problem: lastProblem()) }
        defer { unsafe X509_EXTENSION_free(addition) }
        try require(unsafe X509_add_ext(address, addition, -1) == 1, "adding '\(value)'")
    }

    func sign(with key: PrivateKey) throws(CertificateError) {
        let size = unsafe X509_sign(address, key.address, EVP_sha256())
        try require(size > 0, "signing a certificate")
    }

    func isSigned(by authority: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_verify(address, X509_get0_pubkey(authority.address)) == 1
    }

    func validity() throws(CertificateError) -> Validity {
        Validity(
            from: try unsafe seconds(X509_get0_notBefore(address)),
            until: try unsafe seconds(X509_get0_notAfter(address)))
    }

    private func seconds(
        _ time: UnsafePointer<ASN1_TIME>?
    ) throws(CertificateError) -> Int {
        let start = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(start) }
        var (days, rest): (Int32, Int32) = (0, 0)
        let status = unsafe ASN1_TIME_diff(&days, &rest, start, time)
        try require(status == 1, "reading a certificate's dates")
        return Int(days) * 86_400 + Int(rest)
    }
}
