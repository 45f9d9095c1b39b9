public import BPF
import Foundation
public import PacketCore

/// The programs that libpcap's own tests expect, as recorded in the conformance data.
public enum RecordedPrograms {
  /// One recorded program.
  public struct Filter: Sendable {
    /// The first spelling of the expression, and whether the program is the optimised one.
    public let name: String
    public let linkType: LinkType
    public let program: Program

    public init(name: String, linkType: LinkType, program: Program) {
      self.name = name
      self.linkType = linkType
      self.program = program
    }
  }

  /// The programs of `all`, with names and link types.
  public static func filters() throws -> [Filter] {
    guard let file = SharedData.file("filters/accept.json") else { return [] }
    let blocks = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]] ?? []
    return blocks.flatMap { block in
      ["opt", "unopt"].compactMap { key in
        guard let linkType = (block["dlt"] as? String).flatMap(LinkType.init(name:)),
          let program = (block[key] as? String).flatMap({ try? Assembler.assemble($0) })
        else { return nil }
        let name = (block["aliases"] as? [String])?.first ?? ""
        return Filter(name: "\(key) '\(name)'", linkType: linkType, program: program)
      }
    }
  }

  /// All valid programs, parsed from their text. Programs that jump backwards are not valid, nor are a few that read a scratch word which
  /// some path has not written. Empty if the data does not exist.
  public static func all() throws -> [Program] {
    guard let file = SharedData.file("filters/accept.json") else { return [] }
    let blocks = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]] ?? []
    return blocks.flatMap { block in
      ["opt", "unopt"].compactMap { key in
        (block[key] as? String).flatMap { try? Assembler.assemble($0) }
      }
    }
  }
}

extension Fixture {
  /// The packets of all captures, whatever their link types, except for a capture with several link types, which libpcap does not read.
  public static func packets() -> [SavedPacket] {
    all.flatMap { (try? Libpcap.read(capture($0)))?.packets ?? [] }
  }
}
