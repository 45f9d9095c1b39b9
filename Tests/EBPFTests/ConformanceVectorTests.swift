import EBPF
import Foundation
import PacketCore
import Testing
import TestSupport

/// A program of the conformance vectors of RFC 9669.
struct ConformanceVector: Decodable, Sendable {
  let name: String
  /// The instructions, in hexadecimal digits.
  let program: String
  let memory: String
  /// r0 at the end as 16 hexadecimal digits; nil if the program must not run to its end.
  let result: String?

  /// All vectors; empty if the data does not exist.
  static func all() throws -> [ConformanceVector] {
    guard let file = SharedData.file("ebpf/vectors.json") else { return [] }
    return try JSONDecoder().decode([ConformanceVector].self, from: Data(contentsOf: file))
  }
}

@Suite(.enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
struct ConformanceVectorTests {
  @Test func everyVectorGivesItsResult() throws {
    let vectors = try ConformanceVector.all()
    #expect(vectors.count > 100)
    for vector in vectors {
      let program = try EBPFFile.program(Array(vector.program.utf8))
      var memory = EBPFMemory(octets: try #require(EBPFFile.octets(hexadecimal: vector.memory.utf8)))
      let machine = try EBPFMachine(program, stepLimit: 1000)
      guard let result = vector.result else {
        #expect(throws: EBPFFault.self, Comment(rawValue: vector.name)) { try machine.run(&memory) }
        continue
      }
      #expect(try machine.run(&memory) == UInt64(result, radix: 16), "\(vector.name)")
    }
  }

  @Test func theirTextIsAssembledToThemAgain() throws {
    for vector in try ConformanceVector.all() {
      let program = try EBPFFile.program(Array(vector.program.utf8))
      var text = TextBuffer()
      program.write(to: &text)
      let again = try EBPFAssembler.assemble(String(decoding: text.octets, as: UTF8.self))
      #expect(again == program, "\(vector.name)")
      #expect(EBPFFile.octets(hexadecimal: vector.program.utf8) == program.octets, "\(vector.name)")
    }
  }
}
