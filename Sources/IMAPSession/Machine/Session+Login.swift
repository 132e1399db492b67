internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// Commands about the session itself (RFC 3501, sections 6.1 and 6.2).
extension Session {
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

    // MARK: Login

    mutating func logIn(_ tag: String, name: [UInt8], password: [UInt8]) {
        guard account == nil else { return answerBad(tag, "Already logged in") }
        guard mayLogIn else { return answerNo(tag, code: .privacyRequired, "A password may be sent only under TLS") }
        checkPassword(tag, name: ByteBuffer(bytes: withDomain(name)), password: ByteBuffer(bytes: password))
    }

    mutating func authenticate(_ tag: String, mechanism: String, response: Secret?) {
        guard account == nil else { return answerBad(tag, "Already logged in") }
        guard mayLogIn else { return answerNo(tag, code: .privacyRequired, "A password may be sent only under TLS") }
        guard mechanism == "PLAIN" else { return answerNo(tag, code: .cannot, "The only mechanism is PLAIN") }
        if let response { return plain(tag, response.bytes) }
        encoder.challenge([])
        authenticateTag = tag
        effects.append(.expectAuthenticationLine)
    }

    mutating func authenticationLine(_ line: AuthenticationLine) {
        guard let tag = authenticateTag else { preconditionFailure("no AUTHENTICATE is under way") }
        authenticateTag = nil
        switch line {
        case .response(let secret): plain(tag, secret.bytes)
        case .cancelled: answerBad(tag, "AUTHENTICATE was cancelled")
        case .malformed(let error): answerBad(tag, error.message)
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616).
    private mutating func plain(_ tag: String, _ message: [UInt8]) {
        let fields = message.split(separator: 0, omittingEmptySubsequences: false)
        guard fields.count == 3, !fields[1].isEmpty else {
            return answerBad(tag, "AUTHENTICATE PLAIN needs a name and a password")
        }
        let name = withDomain(fields[1])
        guard fields[0].isEmpty || withDomain(fields[0]) == name else {
            return answerNo(tag, code: .authorizationFailed, "Nobody may act for another user")
        }
        checkPassword(tag, name: ByteBuffer(bytes: name), password: ByteBuffer(bytes: fields[2]))
    }

    /// The name that a login means: one without a domain gets the default domain, where one is set.
    private func withDomain(_ name: some Collection<UInt8>) -> [UInt8] {
        guard let domain = settings.defaultDomain, !name.isEmpty, !name.contains(UInt8(ascii: "@")) else {
            return Array(name)
        }
        return Array(name) + [UInt8(ascii: "@")] + Array(domain.utf8)
    }

    private mutating func checkPassword(_ tag: String, name: ByteBuffer, password: ByteBuffer) {
        flush()
        awaited = .authentication(tag: tag)
        effects.append(.authenticate(name: name, password: password))
    }

    mutating func concludeLogin(
        _ tag: String,
        _ result: Result<AuthenticationResult, ServiceFailure>,
        hasRoom: Bool
    ) {
        switch result {
        case .success(.authenticated(let account, _)) where hasRoom: loggedIn(tag, account)
        case .success(.authenticated):
            answerNo(
                tag,
                code: .limit,
                "This account has too many sessions on this server; please close some, or try again later"
            )
        case .success(.refused): loginRefused(tag)
        case .success(.suspended): answerNo(tag, code: .contactAdmin, "This account is suspended")
        case .success(.busy): answerNo(tag, code: .unavailable, "Too many logins at the same time; please try again")
        case .failure(let failure): fail(tag, failure)
        }
    }

    private mutating func loggedIn(_ tag: String, _ account: AccountReference) {
        self.account = account
        phase = .authenticated
        loginFailures = 0
        effects.append(.watch(account))
        succeed(tag, code: .capability(capabilities), "Logged in")
    }

    private mutating func loginRefused(_ tag: String) {
        answerNo(tag, code: .authenticationFailed, "The name or the password is wrong")
        loginFailures += 1
        guard loginFailures >= settings.maximumLoginFailures else { return }
        encoder.untagged(.bye, code: nil, text: "Too many failed logins")
        end()
    }
}
