public import NIOSSL

/// Both directions of mutual TLS between nodes: each shows a certificate that the other's trust roots vouch for.
public struct PeerTLS: Sendable {
    /// For connections that other nodes open.
    public let server: NIOSSLContext
    /// For connections that this node opens.
    public let client: NIOSSLContext

    /// Reads the node's certificate chain, its private key and the roots it trusts, all in PEM.
    ///
    /// - Throws: an error of NIOSSL, when a file cannot be read or understood.
    public init(certificateFile: String, keyFile: String, trustRootsFile: String) throws {
        let chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { NIOSSLCertificateSource.certificate($0) }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        server.trustRoots = .file(trustRootsFile)
        // The names in the certificates are the operator's choice: only the signature counts.
        server.certificateVerification = .noHostnameVerification
        server.minimumTLSVersion = .tlsv13
        self.server = try NIOSSLContext(configuration: server)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        client.trustRoots = .file(trustRootsFile)
        client.certificateVerification = .noHostnameVerification
        client.minimumTLSVersion = .tlsv13
        self.client = try NIOSSLContext(configuration: client)
    }
}
