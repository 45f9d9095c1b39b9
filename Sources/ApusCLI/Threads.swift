import Savefile

/// How many threads read capture files: `--threads`.
enum Threads {
  /// More would only wait for each other.
  private static let maximum = 256

  /// The number that is stated, or else that of the cores that this process may use. Throws where it is no such number.
  static func count(_ text: String?) throws(CommandError) -> Int {
    guard let text else { return min(WorkerPool.usableCores, maximum) }
    return Int(try Configuration.number(text, of: "number of threads", in: 1...UInt64(maximum)))
  }
}
