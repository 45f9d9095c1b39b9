import Filter
import PacketCore

/// The process tests of a filter, and the filter that remains for each combination of their results.
struct ProcessFilter {
  let tests: [ProcessTest]
  /// Indexed by the tests that are true, one bit each; nil if not needed so far.
  private var filters: [PacketFilter?]
  private let source: FilterSource
  private var options: CompileOptions
  private var kinds: SourceKinds
  private let usesNativeCode: Bool
  /// Packets for which the verdict depends on unknown processes.
  private(set) var undecided: UInt64 = 0
  /// Whether a packet was judged, and whether one had processes.
  private var (hasJudged, hasSeenProcesses) = (false, false)

  /// `tests` are those of the filter; nil if there are none.
  init?(
    _ tests: [ProcessTest], _ source: FilterSource, _ options: CompileOptions, _ kinds: SourceKinds,
    usesNativeCode: Bool
  ) {
    guard !tests.isEmpty else { return nil }
    self.tests = tests
    filters = Self.noFilters(tests.count)
    self.source = source
    self.options = options
    self.kinds = kinds
    self.usesNativeCode = usesNativeCode
  }

  /// There are at most `FilterCompiler.maximumProcessTests` tests.
  private static func noFilters(_ tests: Int) -> [PacketFilter?] { Array(repeating: nil, count: 1 << tests) }

  /// Prepares for the packets of another file.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) {
    self.options = options
    self.kinds = kinds
    filters = Self.noFilters(tests.count)
  }

  /// True if the filter accepts a packet with these processes. A test of something unknown is false: `pid 5` rejects such packets, and `not
  /// pid 5` accepts them.
  mutating func accepts(_ packet: borrowing Packet, _ processes: PacketProcesses) -> Bool {
    hasJudged = true
    if !processes.isEmpty { hasSeenProcesses = true }
    var (known, unknown, unknownDenied) = (0, 0, 0)
    for index in tests.indices {
      switch tests[index].holds(for: processes) {
      case true?: known |= 1 << index
      case false?: break
      case nil: if tests[index].isDenied { unknownDenied |= 1 << index } else { unknown |= 1 << index }
      }
    }
    let accepts = accepts(packet, known)
    // Compare the answers that accept most with those that accept least.
    if unknown | unknownDenied != 0,
      self.accepts(packet, known | unknown) != self.accepts(packet, known | unknownDenied)
    {
      undecided &+= 1
    }
    return accepts
  }

  /// The tests that are true for a packet with these processes, one bit each.
  func answers(for processes: PacketProcesses) -> Int {
    tests.indices.reduce(0) { tests[$1].holds(for: processes) == true ? $0 | 1 << $1 : $0 }
  }

  private mutating func accepts(_ packet: borrowing Packet, _ holding: Int) -> Bool {
    if filters[holding] == nil {
      let answers = tests.indices.map { holding & 1 << $0 != 0 }
      // A filter that does not compile does not apply to these packets.
      filters[holding] = try? PacketFilter(source, options, kinds, usesNativeCode: usesNativeCode, assuming: answers)
    }
    return filters[holding]?.accepts(packet) ?? false
  }

  /// The error if no packet in the files had a process; nil if one had, or if no packet was judged.
  var missingProcesses: FilterError? {
    hasJudged && !hasSeenProcesses ? Self.missingProcesses(tests) : nil
  }

  static func missingProcesses(_ tests: [ProcessTest]) -> FilterError {
    FilterError(
      "the packets say nothing of processes", hint: "capture with --process -w to a pcapng file", at: tests.map(\.range)
    )
  }
}
