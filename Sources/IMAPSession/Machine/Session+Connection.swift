internal import IMAPSyntax
internal import MailModel

/// Commands about the session itself (RFC 3501, sections 6.1 and 6.2), but for the login.
extension Session {
    /// Whether a password may be sent.
    var mayLogIn: Bool { isSecure || settings.allowsPlaintextLogin }

    var capabilities: [String] {
        var names = ["IMAP4rev1"]
        if account == nil {
            if settings.offersStartTLS, !isSecure { names.append("STARTTLS") }
            names += mayLogIn ? ["AUTH=PLAIN"] : ["LOGINDISABLED"]
        }
        names += ["SASL-IR", settings.limits.nonSynchronisingLiteralBytes == nil ? "LITERAL+" : "LITERAL-"]
        names += ["ID", "ENABLE", "IDLE"]
        guard account != nil else { return names }
        names += [
            "NAMESPACE", "UIDPLUS", "MOVE", "UNSELECT", "CHILDREN", "SPECIAL-USE", "CREATE-SPECIAL-USE",
            "LIST-EXTENDED", "LIST-STATUS", "CONDSTORE", "ESEARCH", "WITHIN", "SAVEDATE", "OBJECTID", "STATUS=SIZE",
            "APPENDLIMIT=\(settings.limits.appendLiteralBytes)",
        ]
        return names
    }

    mutating func logout(_ tag: String) {
        encoder.untagged(.bye, code: nil, text: "Until next time")
        encoder.tagged(tag, .ok, code: nil, text: "Logged out")
        end()
    }

    /// ID (RFC 2971): what the client tells is neither kept nor logged.
    mutating func id(_ tag: String) {
        var fields = [IDField("name", settings.serverName)]
        if let version = settings.serverVersion { fields.append(IDField("version", version)) }
        encoder.id(fields)
        succeed(tag, "That is all")
    }

    mutating func startTLS(_ tag: String) {
        guard !isSecure else { return answerBad(tag, "TLS is already on") }
        guard settings.offersStartTLS else { return answerBad(tag, "TLS is not available") }
        guard account == nil else { return answerBad(tag, "TLS must be started before the login") }
        encoder.tagged(tag, .ok, code: nil, text: "Begin the TLS handshake now")
        flush()
        awaited = .handshake
        effects.append(.startTLS)
    }

    /// ENABLE (RFC 5161): unknown names are ignored.
    mutating func enable(_ tag: String, _ names: [String]) {
        var enabled: [String] = []
        if names.contains("CONDSTORE") {
            if !isCondstoreEnabled { enabled.append("CONDSTORE") }
            enableCondstore()
        }
        encoder.enabled(enabled)
        succeed(tag, "Done")
    }

    /// From the first command on that asks for it, all FETCH responses tell the MODSEQ. The client hears from which
    /// MODSEQ on it is told everything: of the mailbox that is selected here, of others with their SELECT (RFC 7162,
    /// sections 3.1 and 3.1.2.1).
    mutating func enableCondstore() {
        guard !isCondstoreEnabled else { return }
        isCondstoreEnabled = true
        guard let view else { return }
        encoder.untagged(.ok, code: .highestModSeq(view.modSeq.rawValue), text: "The highest MODSEQ")
    }
}
