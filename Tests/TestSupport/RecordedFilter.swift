import Foundation

/// An expression of libpcap's own tests, and the options to compile it with, as recorded in the conformance data.
public struct RecordedFilter: Sendable, Decodable {
  /// The link type's name.
  public let dlt: String
  /// Spellings that mean the same.
  public let aliases: [String]
  public let snaplen: UInt32?
  /// The netmask in dotted form; nil if unknown.
  public let netmask: String?
  /// Whether ancillary loads are allowed.
  public let linuxext: Bool
  /// `none`, or the byte order of a savefile: `unswapped` or `swapped`.
  public let offline: String
  /// The optimised program as text; nil where nothing can match.
  public let opt: String?
  /// What the filter requires; nil if it requires nothing.
  public let needs: [String]?

  /// All filters except those for another system or a build option. Some use names, which are in the files of `filters/resolver`. Empty if
  /// the data does not exist.
  public static func all() throws -> [RecordedFilter] {
    guard let file = SharedData.file("filters/accept.json") else { return [] }
    return try JSONDecoder().decode([RecordedFilter].self, from: Data(contentsOf: file)).filter { filter in
      (filter.needs ?? []).allSatisfy { ["hosts", "ethers", "networks"].contains($0) }
    }
  }

  /// `count` of the filters, evenly chosen; all if it is nil.
  public static func sample(_ count: Int?) throws -> [RecordedFilter] {
    let all = try all()
    guard let count, count > 0, count < all.count else { return all }
    return (0..<count).map { all[$0 * all.count / count] }
  }
}
