import CNNG

/// Makes an nng dialer or listener speak TLS 1.2 with this identity.
///
/// - Parameters:
///   - isListener: whether the object at `address` is a listener; else it is a dialer.
///   - address: of the nng object, which the caller owns.
/// - Throws: `.unusableIdentity`.
func useTLS(
    _ identity: TLSIdentity?, asListener isListener: Bool, _ address: UInt, url: String
) throws(TransportError) {
    guard let identity else {
        throw .unusableIdentity(url: url, problem: "TLS needs keys and none were given")
    }
    let config = try NNGTLSConfig(isListener: isListener, url: url)
    try config.fill(with: identity, isListener: isListener, url: url)
    try config.apply(toObjectAt: address, isListener: isListener, url: url)
}

/// Owns a TLS configuration of nng; an object that uses it holds a reference of its own.
@safe private struct NNGTLSConfig: ~Copyable {
    private let config: OpaquePointer

    init(isListener: Bool, url: String) throws(TransportError) {
        var config: OpaquePointer?
        let mode = isListener ? NNG_TLS_MODE_SERVER : NNG_TLS_MODE_CLIENT
        let code = unsafe nng_tls_config_alloc(&config, mode)
        guard code == 0, let config = unsafe config else {
            throw .unusableIdentity(url: url, problem: nngMessage(UInt32(bitPattern: code)))
        }
        unsafe self.config = config
    }

    deinit { unsafe nng_tls_config_free(config) }

    func fill(
        with identity: TLSIdentity, isListener: Bool, url: String
    ) throws(TransportError) {
        func require(_ code: Int32, _ what: String) throws(TransportError) {
            guard code != 0 else { return }
            let problem = "\(what): \(nngMessage(UInt32(bitPattern: code)))"
            throw .unusableIdentity(url: url, problem: problem)
        }
        try require(
            unsafe nng_tls_config_version(config, NNG_TLS_1_2, NNG_TLS_1_2), "TLS 1.2")
        try require(
            unsafe nng_tls_config_ca_chain(config, identity.authority, nil),
            "the authority's certificate")
        try require(
            unsafe nng_tls_config_own_cert(
                config, identity.certificate, identity.privateKey, nil), "certificate and key")
        try require(
            unsafe nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED),
            "asking for the peer's certificate")
        guard !isListener else { return }
        try require(
            unsafe nng_tls_config_server_name(config, identity.listenerName),
            "the name of the side that listens")
    }

    func apply(
        toObjectAt address: UInt, isListener: Bool, url: String
    ) throws(TransportError) {
        let object = unsafe OpaquePointer(bitPattern: address)
        let pointer = unsafe UnsafeMutableRawPointer(config)
        let code =
            isListener
            ? unsafe nng_stream_listener_set_ptr(object, NNG_OPT_TLS_CONFIG, pointer)
            : unsafe nng_stream_dialer_set_ptr(object, NNG_OPT_TLS_CONFIG, pointer)
        guard code == 0 else {
            throw .unusableIdentity(url: url, problem: nngMessage(UInt32(bitPattern: code)))
        }
    }
}
