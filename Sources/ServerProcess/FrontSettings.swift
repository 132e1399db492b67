internal import GatewaySupport
internal import IMAPGateway
internal import IMAPSession
internal import IMAPSyntax
internal import LMTPGateway
internal import NIOSSL
internal import NodeRuntime

/// The part of the settings that concerns the gateways.
struct FrontSettings {
    let admin: HostPort?
    let imap: HostPort?
    let imaps: HostPort?
    let lmtp: HostPort?
    let tls: NIOSSLContext?
    let imapSettings: IMAPServerSettings
    let lmtpSettings: LMTPSettings

    init(_ reader: SettingsReader) throws {
        admin = try reader.address("admin.listen")
        imap = try reader.address("imap.listen")
        imaps = try reader.address("imaps.listen")
        lmtp = try reader.address("lmtp.listen")
        tls = try Self.tls(reader)
        guard imaps == nil || tls != nil else {
            throw SettingError("imaps.listen needs tls.certificate and tls.key")
        }
        let maxMessageBytes = try reader.integer("message.max-bytes", 1_024...(1 << 30))
        var imapSettings = IMAPServerSettings()
        imapSettings.session.allowsPlaintextLogin = try reader.flag("imap.plaintext-login")
        imapSettings.session.limits.appendLiteralBytes = maxMessageBytes
        imapSettings.maximumSessions = try reader.integer("imap.max-sessions", 1...1_000_000)
        imapSettings.session.defaultDomain = try reader.domain("login.default-domain")
        imapSettings.clients = ClientLimits(
            sessionsPerAccount: try reader.integer("imap.max-sessions-per-account", 0...1_000_000),
            addresses: try Self.addressLimit(reader, "imap")
        )
        self.imapSettings = imapSettings
        var lmtpSettings = LMTPSettings()
        lmtpSettings.hostName = try reader.text("lmtp.hostname")
        lmtpSettings.maxSessions = try reader.integer("lmtp.max-sessions", 1...1_000_000)
        lmtpSettings.addresses = try Self.addressLimit(reader, "lmtp")
        lmtpSettings.maxMessageBytes = maxMessageBytes
        lmtpSettings.overQuota =
            try reader.choice("lmtp.over-quota", ["reject", "defer"]) == "defer" ? .defer : .reject
        lmtpSettings.detailSeparator = try reader.separator("address.detail-separator")
        lmtpSettings.postmaster = try reader.account("address.postmaster")
        lmtpSettings.tls = tls
        self.lmtpSettings = lmtpSettings
    }

    /// What one client address may have of a protocol.
    private static func addressLimit(_ reader: SettingsReader, _ gateway: String) throws -> AddressLimit {
        AddressLimit(
            sessionsPerAddress: try reader.integer("\(gateway).max-sessions-per-address", 0...1_000_000),
            unlimited: try reader.addressRanges("\(gateway).unlimited-addresses")
        )
    }

    private static func tls(_ reader: SettingsReader) throws -> NIOSSLContext? {
        guard let certificate = try reader.optional("tls.certificate") else { return nil }
        guard let key = try reader.optional("tls.key") else {
            throw SettingError("tls.certificate needs tls.key as well")
        }
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificate), !chain.isEmpty else {
            throw SettingError(
                "\(certificate) is not there, or holds no certificate that can be read (PEM). "
                    + "Check the setting tls.certificate"
            )
        }
        do {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            )
            configuration.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw SettingError(
                "the key \(key) of the certificate \(certificate) cannot be used: \(plainReason(error)). "
                    + "Check the settings tls.certificate and tls.key"
            )
        }
    }
}
