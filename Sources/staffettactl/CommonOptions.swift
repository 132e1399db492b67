/// Options that every verb has may stand before the verb as well: `staffettactl --format json cluster status`.
enum CommonOptions {
    private static let names = ["--endpoint", "--format"]
    /// A noun and a verb: `cluster status`.
    private static let commandWords = 2
    /// Verbs that stand alone.
    private static let loneVerbs = ["rebalance", "survive", "events"]

    /// The arguments with the common options moved from before the verb to right behind it, in their order.
    ///
    /// Arguments without a verb lose the options: what is shown then is how to use the program.
    static func movedBehindVerb(_ arguments: [String]) -> [String] {
        var words: [String] = []
        var moved: [String] = []
        var rest = arguments[...]
        func isWhole() -> Bool {
            words.count == commandWords || words.count == 1 && loneVerbs.contains(words[0])
        }
        while !isWhole(), let argument = rest.popFirst() {
            if names.contains(argument) {
                moved.append(argument)
                if let value = rest.popFirst() { moved.append(value) }
            } else if names.contains(where: { argument.hasPrefix($0 + "=") }) {
                moved.append(argument)
            } else {
                words.append(argument)
            }
        }
        guard isWhole(), words.allSatisfy({ !$0.hasPrefix("-") }), words.first != "help" else {
            return words + rest
        }
        return words + moved + rest
    }
}
