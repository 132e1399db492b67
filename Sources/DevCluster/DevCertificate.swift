internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A self-signed certificate for a development cluster, made once.
enum DevCertificate {
    static func make(certificateFile: String, keyFile: String) throws {
        guard !FileManager.default.fileExists(atPath: certificateFile) else { return }
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("Staffetta development") }
        let now = Date()
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-3_600),
            notValidAfter: now.addingTimeInterval(3_650 * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
            },
            issuerPrivateKey: key
        )
        try Data(key.serializeAsPEM().pemString.utf8).write(to: URL(filePath: keyFile))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keyFile)
        try Data(certificate.serializeAsPEM().pemString.utf8).write(to: URL(filePath: certificateFile))
    }
}
