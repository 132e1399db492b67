/// Options that every verb has may stand before the verb as well: `staffettactl --format json cluster status`.
enum CommonOptions {
    private static let names = ["--endpoint", "--format"]
    /// A noun and a verb: `cluster status`.
    private static let commandWords = 2

    /// The arguments with the common options moved from before the verb to right behind it, in their order.
    ///
    /// Arguments without a verb lose the options: what is shown then is how to use the program.
    static func movedBehindVerb(_ arguments: [String]) -> [String] {
        var words: [String] = []
        var moved: [String] = []
        var rest = arguments[...]
        while words.count < commandWords, let argument = rest.popFirst() {
            if names.contains(argument) {
                moved.append(argument)
                if let value = rest.popFirst() { moved.append(value) }
            } else if names.contains(where: { argument.hasPrefix($0 + "=") }) {
                moved.append(argument)
            } else {
                words.append(argument)
            }
        }
        guard words.count == commandWords, words.allSatisfy({ !$0.hasPrefix("-") }), words.first != "help" else {
            return words + rest
        }
        return words + moved + rest
    }
}
