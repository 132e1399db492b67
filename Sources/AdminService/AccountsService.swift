internal import AdminAPI
internal import GRPCCore
internal import MailModel
internal import NodeRuntime
internal import SwiftProtobuf

struct AccountsService: Staffetta_Admin_V1_Accounts.SimpleServiceProtocol {
    let node: Node

    func createAccount(
        request: Staffetta_Admin_V1_CreateAccountRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.createAccount(
                    request.address,
                    password: request.password,
                    quotaBytes: request.quotaBytes
                )
            }
        )
    }

    func getAccount(
        request: Staffetta_Admin_V1_GetAccountRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(try await answering { () async throws(AdministrationError) in try await node.account(request.address) })
    }

    func listAccounts(
        request: Staffetta_Admin_V1_ListAccountsRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_ListAccountsResponse {
        let size = try Paging.size(request.pageSize)
        let page = try await answering { () async throws(AdministrationError) in
            try await node.accounts(token: request.pageToken, limit: size)
        }
        return .with {
            $0.accounts = page.accounts.map { .init($0) }
            $0.nextPageToken = page.nextToken
        }
    }

    func suspendAccount(
        request: Staffetta_Admin_V1_SuspendAccountRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.setState(.suspended, of: request.address)
            }
        )
    }

    func resumeAccount(
        request: Staffetta_Admin_V1_ResumeAccountRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.setState(.active, of: request.address)
            }
        )
    }

    func deleteAccount(
        request: Staffetta_Admin_V1_DeleteAccountRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_DeleteAccountResponse {
        try await answering { () async throws(AdministrationError) in try await node.deleteAccount(request.address) }
        return .init()
    }

    func setPassword(
        request: Staffetta_Admin_V1_SetPasswordRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.setPassword(request.password, of: request.address)
            }
        )
    }

    func setQuota(
        request: Staffetta_Admin_V1_SetQuotaRequest,
        context: ServerContext
    ) async throws -> Staffetta_Admin_V1_Account {
        .init(
            try await answering { () async throws(AdministrationError) in
                try await node.setQuota(request.quotaBytes, of: request.address)
            }
        )
    }
}

extension Staffetta_Admin_V1_Account {
    init(_ placed: PlacedAccount) {
        let record = placed.record
        self = .with {
            $0.address = record.address.text
            $0.id = record.id.rawValue
            $0.state =
                switch record.state {
                case .active: .active
                case .suspended: .suspended
                }
            $0.quotaBytes = record.quotaBytes
            $0.usedBytes = record.usedBytes
            $0.usedMessages = record.usedMessages
            $0.mailboxes = record.mailboxCount
            $0.group = placed.group
            $0.createdMilliseconds = record.created.rawValue
            $0.hasPassword_p = record.credential != nil
        }
    }
}
