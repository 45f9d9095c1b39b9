import Savefile

/// The number of threads for reading capture files (`--threads`).
enum Threads {
  /// More threads would only wait for each other.
  private static let maximum = 256

  /// The given number, or else the number of cores that this process may use. Throws if the number is invalid.
  static func count(_ text: String?) throws(CommandError) -> Int {
    guard let text else { return min(WorkerPool.usableCores, maximum) }
    return Int(try Configuration.number(text, of: "number of threads", in: 1...UInt64(maximum)))
  }
}
