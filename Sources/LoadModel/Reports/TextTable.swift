/// A table for a terminal: the first column starts at the left, the others end at the right.
package struct TextTable: Sendable {
    private var rows: [[String]]

    /// A table with nothing but a head.
    package init(head: [String]) { rows = [head] }

    /// Adds a line below the others.
    ///
    /// - Parameter row: as many cells as the head has.
    package mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "a row has as many cells as the head")
        rows.append(row)
    }

    /// The lines, without an end of line behind the last one.
    package var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + padding : padding + row[column]
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
