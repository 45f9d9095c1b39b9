import PacketCore
import Testing

@testable import Filter

/// The words that are shown in lists and completed by shells are the words that the parser knows.
@Suite struct VocabularyTests {
  private let words = FilterVocabulary.sections.flatMap(\.words)

  /// A name that is spelled like a word of the language needs a backslash.
  @Test func everyWordIsAKeyword() throws {
    // After 'port', 'not' starts another list, and constants are numbers.
    for spelling in words.flatMap(\.spellings) where spelling != "not" && NamedConstant.all[spelling] == nil {
      let error = #expect(throws: FilterError.self, "\(spelling)") { try compile("port \(spelling)") }
      #expect(error?.message.contains("'\(spelling)' is a keyword") == true, "\(error?.message ?? "")")
    }
  }

  @Test func noWordStandsTwice() {
    let spellings = words.flatMap(\.spellings)
    #expect(Set(spellings).count == spellings.count)
    #expect(words.allSatisfy { !$0.meaning.isEmpty })
  }

  /// The words that the parser compares with are in the list.
  @Test(arguments: [
    "and", "or", "not", "src", "dst", "host", "net", "port", "portrange", "gateway", "proto", "protochain", "mask",
    "netmask", "broadcast", "multicast", "len", "length", "addr1", "addr2", "addr3", "addr4", "ra", "ta", "address1",
    "address2", "address3", "address4", "ether", "fddi", "tr", "wlan", "ppp", "slip", "link", "radio", "es-is", "is-is",
    "tcp-syn", "icmp6-echo", "vlan", "on",
  ]) func isListed(_ word: String) { #expect(Keywords.contains(word)) }

  @Test func protocolsHaveTheirSpellings() {
    for proto in ProtocolName.allCases {
      #expect(proto.entry.spellings.contains(proto.rawValue))
      for spelling in proto.entry.spellings { #expect(ProtocolName(keyword: spelling) == proto, "\(spelling)") }
    }
  }

  /// Each operand that the vocabulary lists for a word is accepted after it.
  @Test func operandWordsAreTaken() throws {
    var count = 0
    for word in words {
      for operand in word.operandWords {
        count += 1
        let linkType: LinkType =
          switch word.spellings.first {
          case "type", "subtype", "dir": .ieee80211
          case "reason", "action", "rset", "ifname": .pflog
          default: .ethernet
          }
        for spelling in word.spellings {
          #expect(throws: Never.self, "\(spelling) \(operand)") { try compile("\(spelling) \(operand)", linkType) }
        }
      }
    }
    #expect(count > 80)
  }

  /// The stated filter support of a link type matches the filters that compile for it.
  @Test func filterSupportIsTrue() throws {
    func takes(_ expression: String, _ linkType: LinkType) -> Bool {
      (try? compile(expression, linkType)) != nil
    }
    for linkType in LinkType.all {
      #expect(takes("link[0] = 1", linkType), "\(linkType)")
      #expect(takes("ip", linkType) == (linkType.filterSupport == .protocols), "\(linkType)")
      #expect(takes("opc 5", linkType) == (linkType.filterSupport == .ss7), "\(linkType)")
    }
  }

  /// Compiles without optimisation, so that a filter that can match nothing still compiles.
  private func compile(_ expression: String, _ linkType: LinkType = .ethernet) throws {
    _ = try FilterCompiler.compile(expression, CompileOptions(linkType: linkType, optimize: false))
  }
}
