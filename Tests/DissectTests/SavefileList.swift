import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// The savefiles whose packets the tests print.
enum SavefileList {
  struct Entry: Sendable, CustomTestStringConvertible, CustomStringConvertible {
    let path: String
    var testDescription: String { URL(fileURLWithPath: path).lastPathComponent }
    var description: String { testDescription }
    /// The size of the file in bytes.
    var size: Int { (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0 }

    /// Passes every packet with its number and the name of its interface. For a broken file, passes the packets before the fault.
    func forEachPacket(_ take: (borrowing Packet, UInt64, String?) throws -> Void) throws {
      guard var reader = try? SavefileReader(path: path) else { return }
      var number: UInt64 = 0
      while let packet = try? reader.next() {
        number += 1
        try take(packet, number, nil)
      }
    }
  }

  /// The savefiles of the project.
  static let own: [Entry] =
    Fixture.all.map { Entry(path: Fixture.capture($0)) }
    + Fixture.names(in: "forms").filter { $0.hasSuffix(".pcap") }
    .map { Entry(path: Fixture.folder.appendingPathComponent("forms/" + $0).path) }

  /// The savefiles of the conformance data, if it exists.
  static let shared: [Entry] = ["printing/captures", "filters/savefiles"].flatMap { folder -> [Entry] in
    guard let url = SharedData.file(folder) else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.sorted().map { Entry(path: url.appendingPathComponent($0).path) }
  }

  static let all: [Entry] = own + shared
}
