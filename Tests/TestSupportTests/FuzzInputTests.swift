import Foundation
import TestSupport
import Testing

/// Every fuzz entry takes its inputs in `Fixtures/fuzz/<entry>`, which fuzzing has found or starts with, without a fault.
@Test(arguments: Fixture.names(in: "fuzz")) func fuzzInputsAreTaken(_ entry: String) throws {
  let program = try #require(Subprocess.built("apus-fuzz"), "apus-fuzz was not built")
  let names = Fixture.names(in: "fuzz/\(entry)")
  #expect(!names.isEmpty)
  let folder = Fixture.folder.appendingPathComponent("fuzz/\(entry)").path
  let outcome = try Subprocess.run(program, ["replay", entry] + names.map { "\(folder)/\($0)" })
  #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  #expect(outcome.output == "\(entry): \(names.count) inputs, no fault\n")
}

/// Every fuzz entry has inputs.
@Test func everyFuzzEntryHasInputs() throws {
  let program = try #require(Subprocess.built("apus-fuzz"), "apus-fuzz was not built")
  let outcome = try Subprocess.run(program, ["replay", "?"])
  #expect(outcome.status == 1)
  let list = outcome.output.split(separator: ": ").last?.split(separator: " are known").first ?? ""
  #expect(list.split(separator: ", ").map(String.init).sorted() == Fixture.names(in: "fuzz"))
}
