internal import Consensus

/// Words for subjects and texts, some of them far more frequent than others, as in any language.
struct Vocabulary {
    private let words: [[UInt8]]
    private static let frequent = """
        the of and to a in is that for it as was with be by on not he his but at are this have from or had an they \
        which one you were all her she there would their we him been has when who will no more if out so up said \
        what its about than into them can only other time new some could these two may first then do any like my now \
        over such our man me even most made after also did many off before must well back through years much where \
        your way down should because long each just state those people too mister how little good world make very \
        year still see work life meeting invoice report project order account delivery contract question answer \
        update schedule budget review draft offer customer service server system problem ticket request change \
        release version team office travel flight hotel booking reminder newsletter summary minutes agenda attached \
        please regards thanks forward copy
        """
    private static let syllables = [
        "ar", "ber", "con", "da", "el", "fin", "ga", "har", "in", "jo", "ka", "lor", "men", "ni", "or", "per", "qui",
        "ra", "sto", "ta", "ur", "ven", "wal", "xi", "yo", "zen", "pre", "tion", "ment", "al", "ing", "er",
    ]
    private static let rareWords = 4_000

    init(_ random: inout SplitMix64) {
        var words = Self.frequent.split { $0 == " " || $0 == "\n" }.map { Array($0.utf8) }
        for _ in 0..<Self.rareWords {
            let count = 2 + random.below(3)
            words.append((0..<count).flatMap { _ in Array(Self.syllables[random.below(Self.syllables.count)].utf8) })
        }
        self.words = words
    }

    /// A word; the first ones of the list are drawn most often.
    func draw(_ random: inout SplitMix64) -> [UInt8] {
        // The product of two draws from 0...1 crowds near 0.
        let share = Double(random.next() >> 40) * Double(random.next() >> 40) / Double(1 << 48)
        return words[min(Int(share * share * Double(words.count)), words.count - 1)]
    }

    /// Words with spaces between them.
    func phrase(of count: Int, _ random: inout SplitMix64) -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<count {
            if !text.isEmpty { text.append(UInt8(ascii: " ")) }
            text += draw(&random)
        }
        return text
    }
}
