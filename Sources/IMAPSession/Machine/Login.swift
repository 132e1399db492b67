internal import IMAPSyntax
internal import MailModel
internal import NIOCore

/// A LOGIN or AUTHENTICATE (RFC 3501, sections 6.2.2 and 6.2.3).
struct Login {
    let tag: String

    /// LOGIN.
    func logIn(name: [UInt8], password: [UInt8], in session: inout Session) {
        guard mayBegin(in: &session) else { return }
        checkPassword(ByteBuffer(bytes: password), of: session.settings.withDomain(name), in: &session)
    }

    /// AUTHENTICATE.
    ///
    /// - Parameter response: what the client sent at once (RFC 4959); nil makes the session wait for a line.
    func authenticate(mechanism: String, response: Secret?, in session: inout Session) {
        guard mayBegin(in: &session) else { return }
        guard mechanism == "PLAIN" else {
            return session.answerNo(tag, code: .cannot, "The only mechanism is PLAIN")
        }
        if let response { return authenticatePlain(response.bytes, in: &session) }
        session.encoder.challenge([])
        session.authenticating = self
        session.effects.append(.expectAuthenticationLine)
    }

    private func mayBegin(in session: inout Session) -> Bool {
        guard session.account == nil else {
            session.answerBad(tag, "Already logged in")
            return false
        }
        guard session.mayLogIn else {
            session.answerNo(tag, code: .privacyRequired, "A password may be sent only under TLS")
            return false
        }
        return true
    }

    func receive(_ line: AuthenticationLine, in session: inout Session) {
        switch line {
        case .response(let secret): authenticatePlain(secret.bytes, in: &session)
        case .cancelled: session.answerBad(tag, "AUTHENTICATE was cancelled")
        case .malformed(let error): session.answerBad(tag, error.message)
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616).
    private func authenticatePlain(_ message: [UInt8], in session: inout Session) {
        let fields = message.split(separator: 0, omittingEmptySubsequences: false)
        guard fields.count == 3, !fields[1].isEmpty else {
            return session.answerBad(tag, "AUTHENTICATE PLAIN needs a name and a password")
        }
        let name = session.settings.withDomain(fields[1])
        guard fields[0].isEmpty || session.settings.withDomain(fields[0]) == name else {
            return session.answerNo(tag, code: .authorizationFailed, "Nobody may act for another user")
        }
        checkPassword(ByteBuffer(bytes: fields[2]), of: name, in: &session)
    }

    private func checkPassword(_ password: ByteBuffer, of name: [UInt8], in session: inout Session) {
        session.flush()
        session.awaited = .authentication(self)
        session.effects.append(.authenticate(name: ByteBuffer(bytes: name), password: password))
    }

    func conclude(
        _ result: Result<AuthenticationResult, ServiceFailure>,
        hasRoom: Bool,
        in session: inout Session
    ) {
        switch result {
        case .success(.authenticated(let account, _)) where hasRoom: succeed(account, in: &session)
        case .success(.authenticated):
            session.answerNo(
                tag,
                code: .limit,
                "This account has too many sessions on this server; please close some, or try again later"
            )
        case .success(.refused): refuse(in: &session)
        case .success(.suspended): session.answerNo(tag, code: .contactAdmin, "This account is suspended")
        case .success(.busy):
            session.answerNo(tag, code: .unavailable, "Too many logins at the same time; please try again")
        case .failure(let failure): session.fail(tag, failure)
        }
    }

    private func succeed(_ account: AccountReference, in session: inout Session) {
        session.account = account
        session.phase = .authenticated
        session.loginFailures = 0
        session.effects.append(.watch(account))
        session.succeed(tag, code: .capability(session.capabilities), "Logged in")
    }

    private func refuse(in session: inout Session) {
        session.answerNo(tag, code: .authenticationFailed, "The name or the password is wrong")
        session.loginFailures += 1
        guard session.loginFailures >= session.settings.maximumLoginFailures else { return }
        session.encoder.untagged(.bye, code: nil, text: "Too many failed logins")
        session.end()
    }
}

extension SessionSettings {
    /// The name that a login means: one without a domain gets the default domain, where one is set.
    fileprivate func withDomain(_ name: some Collection<UInt8>) -> [UInt8] {
        guard let domain = defaultDomain, !name.isEmpty, !name.contains(UInt8(ascii: "@")) else {
            return Array(name)
        }
        return Array(name) + [UInt8(ascii: "@")] + Array(domain.utf8)
    }
}
