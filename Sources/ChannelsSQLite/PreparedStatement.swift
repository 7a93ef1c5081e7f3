import Channels
import GRDB
import GRDBSQLite

/// A statement that is prepared once and run very often: values are bound and read without boxes in between.
///
/// GRDB opens, configures and closes the connection; what runs a dozen times for each message goes the short way.
final class PreparedStatement {
    private let statement: Statement
    private let handle: SQLiteStatement

    init(_ sql: StaticString, in database: Database) throws {
        statement = try database.makeStatement(sql: "\(sql)")
        handle = statement.sqliteStatement
    }

    /// Runs it to its end.
    func run(_ values: SQLValue...) throws {
        defer { sqlite3_reset(handle) }
        try bind(values)
        while try step() {}
    }

    /// The same with bytes as its last value; they are read from where they stand.
    func run(_ values: SQLValue..., bytes: [UInt8]) throws {
        defer { sqlite3_reset(handle) }
        try bind(values)
        try bytes.withUnsafeBytes { buffer in
            defer { sqlite3_clear_bindings(handle) }
            let index = CInt(values.count + 1)
            // SAFETY: a static binding lasts until it is cleared, which is before the buffer goes.
            let code =
                buffer.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob64(handle, index, buffer.baseAddress, UInt64(buffer.count), nil)
            guard code == SQLITE_OK else { throw failure() }
            while try step() {}
        }
    }

    /// The first row, or nil.
    func first<Value>(_ values: SQLValue..., read: (PreparedStatement) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(handle) }
        try bind(values)
        return try step() ? try read(self) : nil
    }

    /// All rows, gathered: nothing may run the statement again while it is read.
    func all<Value>(_ values: SQLValue..., read: (PreparedStatement) throws -> Value) throws -> [Value] {
        defer { sqlite3_reset(handle) }
        try bind(values)
        var rows: [Value] = []
        while try step() { rows.append(try read(self)) }
        return rows
    }

    // MARK: Columns of the row at hand

    func int(_ column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: CInt) -> String? {
        guard let bytes = sqlite3_column_text(handle, column) else { return nil }
        return String(cString: bytes)
    }

    /// - Throws: where there is no memory for them.
    func bytes(_ column: CInt) throws -> [UInt8] {
        let start = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        guard count > 0 else { return [] }
        guard let start else { throw DatabaseError(resultCode: .SQLITE_NOMEM) }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// - Throws: ``DamagedFile`` for what is no name: it was one when it was stored.
    func channelName(_ column: CInt) throws -> ChannelName {
        guard let text = text(column), let name = try? ChannelName(text) else {
            throw DamagedFile(what: "'\(text(column) ?? "null")' is no channel's name")
        }
        return name
    }

    /// - Throws: ``DamagedFile``
    func groupName(_ column: CInt) throws -> GroupName {
        guard let text = text(column), let name = try? GroupName(text) else {
            throw DamagedFile(what: "'\(text(column) ?? "null")' is no group's name")
        }
        return name
    }

    // MARK: Running

    private func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw failure()
        }
    }

    private func bind(_ values: [SQLValue]) throws {
        for (offset, value) in values.enumerated() {
            let index = CInt(offset + 1)
            let code =
                switch value {
                case .int(let number): sqlite3_bind_int64(handle, index, number)
                case .text(let text): bind(text, at: index)
                case .null: sqlite3_bind_null(handle, index)
                }
            guard code == SQLITE_OK else { throw failure() }
        }
    }

    private func bind(_ text: String, at index: CInt) -> CInt {
        var text = text
        return text.withUTF8 { buffer in
            // SAFETY: -1 is what SQLite's header calls SQLITE_TRANSIENT: it copies before it returns.
            let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            return buffer.withMemoryRebound(to: CChar.self) { characters in
                sqlite3_bind_text(handle, index, characters.baseAddress, CInt(characters.count), copied)
            }
        }
    }

    private func failure() -> DatabaseError {
        let connection = sqlite3_db_handle(handle)
        return DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)), sql: statement.sql)
    }
}

/// What can be bound.
enum SQLValue {
    case int(Int64)
    case text(String)
    case null

    static func int(_ number: Int) -> SQLValue { .int(Int64(number)) }
    static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }
}
