// Written by Scripts/generate-character-tables.py.

extension CaseFolding {
    /// U+00C0 to U+024F.
    static let from00C0 = table(
        """
        aaaaaaæceeeeiiiiðnooooo.øuuuuyþ.aaaaaa.ceeeeiiii.nooooo..uuuuy.yaaaaaaccccccccddđ.eeeeeeeeeegggggggg\
        hhħ.iiiiiiiii.ĳ.jjkk.llllllŀ.ł.nnnnnn.ŋ.ooooooœ.rrrrrrssssssssttttŧ.uuuuuuuuuuuuwwyyyzzzzzzs.ɓƃ.ƅ.ɔƈ\
        .ɖɗƌ..ǝəɛƒ.ɠɣ.ɩɨƙ...ɯɲ.ɵooƣ.ƥ.ʀƨ.ʃ..ƭ.ʈuuʊʋƴ.ƶ.ʒƹ...ƽ.......ǆǆ.ǉǉ.ǌǌ.aaiioouuuuuuuuuu.aaaaææǥ.ggkkoo\
        ooʒʒjǳǳ.ggƕƿnnaaææøøaaaaeeeeiiiioooorrrruuuussttȝ.hhƞ.ȣ.ȥ.aaeeooooooooyy......ⱥȼ.ƚⱦ..ɂ.ƀʉʌɇ.ɉ.ɋ.ɍ.ɏ.
        """,
        first: 0x00c0
    )
    /// U+0370 to U+052F.
    static let from0370 = table(
        """
        ͱ.ͳ.ʹ.ͷ.......;ϳ.....¨α·εηι.ο.υωιαβγδεζηθικλμνξοπρ.στυφχψωιυαεηιυ.................σ.......ιυουωϗβθ.ϒ\
        ϒφπ.ϙ.ϛ.ϝ.ϟ.ϡ.ϣ.ϥ.ϧ.ϩ.ϫ.ϭ.ϯ.κρ..θε.ϸ.ϲϻ..ͻͼͽееђгєѕііјљњћкиуџабвгдежзииклмнопрстуфхцчшщъыьэюя........\
        .и......................ее.г...і....киу.ѡ.ѣ.ѥ.ѧ.ѩ.ѫ.ѭ.ѯ.ѱ.ѳ.ѵ.ѵѵѹ.ѻ.ѽ.ѿ.ҁ.........ҋ.ҍ.ҏ.ґ.ғ.ҕ.җ.ҙ.қ.\
        ҝ.ҟ.ҡ.ң.ҥ.ҧ.ҩ.ҫ.ҭ.ү.ұ.ҳ.ҵ.ҷ.ҹ.һ.ҽ.ҿ.ӏжжӄ.ӆ.ӈ.ӊ.ӌ.ӎ..ааааӕ.ееә.әәжжззӡ.ииииооө.өөээууууууччӷ.ыыӻ.ӽ.ӿ.\
        ԁ.ԃ.ԅ.ԇ.ԉ.ԋ.ԍ.ԏ.ԑ.ԓ.ԕ.ԗ.ԙ.ԛ.ԝ.ԟ.ԡ.ԣ.ԥ.ԧ.ԩ.ԫ.ԭ.ԯ.
        """,
        first: 0x0370
    )
    /// U+1E00 to U+1FFF.
    static let from1E00 = table(
        """
        aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssss\
        ssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s..ß.aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeee\
        iiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyyỻ.ỽ.ỿ.ααααααααααααααααεεεεεε..εεεεεε..ηηηηηηηηηηηη\
        ηηηηιιιιιιιιιιιιιιιιοοοοοο..οοοοοο..υυυυυυυυ.υ.υ.υ.υωωωωωωωωωωωωωωωωααεεηηιιοουυωω..αααααααααααααααα\
        ηηηηηηηηηηηηηηηηωωωωωωωωωωωωωωωωααααα.ααααααα.ι..¨ηηη.ηηεεηηη᾿᾿᾿ιιιι..ιιιιιι.῾῾῾υυυυρρυυυυυυρ¨¨`..ωω\
        ω.ωωοοωωω´..
        """,
        first: 0x1e00
    )
}
