import BPF
import Filter
import PacketCore
import Testing

@testable import ApusCLI

@Suite struct FilterSourceTests {
  /// A filter that accepts everything does not go through the compiler, but is the program that the compiler would make, for every link
  /// type.
  @Test func anEmptyFilterIsWhatTheCompilerMakes() throws {
    for type in LinkType.all {
      for (optimize, snaplen) in [(true, UInt32(262_144)), (false, 96)] {
        let options = CompileOptions(linkType: type, snaplen: snaplen, optimize: optimize)
        for words in ["", " \t\n"] {
          let compiled = try FilterCompiler.compile(words, options)
          #expect(try FilterSource.expression(words).compile(options).instructions == compiled.instructions)
        }
      }
    }
  }
}
