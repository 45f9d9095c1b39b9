import Foundation

/// An expression of libpcap's own tests, and what it is to be compiled for, as recorded in the conformance data.
public struct RecordedFilter: Sendable, Decodable {
  /// The link type's name.
  public let dlt: String
  /// Spellings that mean the same.
  public let aliases: [String]
  public let snaplen: UInt32?
  /// The netmask, between dots; nil where it is not known.
  public let netmask: String?
  /// Ancillary loads are allowed.
  public let linuxext: Bool
  /// `none`, or the byte order of a savefile: `unswapped` or `swapped`.
  public let offline: String
  /// The optimised program as text; nil where nothing can match.
  public let opt: String?
  /// What has to be there; nothing where that is missing.
  public let needs: [String]?

  /// Those that are not about another system or a build option. Some ask for names, which are in the files of `filters/resolver`. None
  /// where the data is not there.
  public static func all() throws -> [RecordedFilter] {
    guard let file = SharedData.file("filters/accept.json") else { return [] }
    return try JSONDecoder().decode([RecordedFilter].self, from: Data(contentsOf: file)).filter { filter in
      (filter.needs ?? []).allSatisfy { ["hosts", "ethers", "networks"].contains($0) }
    }
  }

  /// So many of them, evenly chosen; all where no number is given.
  public static func sample(_ count: Int?) throws -> [RecordedFilter] {
    let all = try all()
    guard let count, count > 0, count < all.count else { return all }
    return (0..<count).map { all[$0 * all.count / count] }
  }
}
