import Filter
import PacketCore

/// The tests of a filter that ask for processes, and the filters that are left of it for each outcome of theirs.
struct ProcessFilter {
  let tests: [ProcessTest]
  /// By the tests that hold, a bit for each; nil where none was needed.
  private var filters: [PacketFilter?]
  private let source: FilterSource
  private var options: CompileOptions
  private var kinds: SourceKinds
  private let usesNativeCode: Bool
  /// Packets whose processes would have to be known to decide.
  private(set) var undecided: UInt64 = 0
  /// A packet was judged, and one had a process.
  private var (hasJudged, hasSeenProcesses) = (false, false)

  /// `tests` are those of the filter; nil where it has none.
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

  /// There are `FilterCompiler.maximumProcessTests` at most.
  private static func noFilters(_ tests: Int) -> [PacketFilter?] { Array(repeating: nil, count: 1 << tests) }

  /// Gets ready for the packets of another file.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) {
    self.options = options
    self.kinds = kinds
    filters = Self.noFilters(tests.count)
  }

  /// True where the filter accepts a packet with these processes. What is not known does not hold: `pid 5` leaves such packets out, and
  /// `not pid 5` takes them.
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
    // The answers with which most is accepted, and least.
    if unknown | unknownDenied != 0,
      self.accepts(packet, known | unknown) != self.accepts(packet, known | unknownDenied)
    {
      undecided &+= 1
    }
    return accepts
  }

  /// The tests that hold for a packet with these processes, a bit for each.
  func answers(for processes: PacketProcesses) -> Int {
    tests.indices.reduce(0) { tests[$1].holds(for: processes) == true ? $0 | 1 << $1 : $0 }
  }

  private mutating func accepts(_ packet: borrowing Packet, _ holding: Int) -> Bool {
    if filters[holding] == nil {
      let answers = tests.indices.map { holding & 1 << $0 != 0 }
      // What cannot be compiled means nothing for these packets.
      filters[holding] = try? PacketFilter(source, options, kinds, usesNativeCode: usesNativeCode, assuming: answers)
    }
    return filters[holding]?.accepts(packet) ?? false
  }

  /// The error where no packet of files had a process; nil where one had, or none was judged.
  var missingProcesses: FilterError? {
    hasJudged && !hasSeenProcesses ? Self.missingProcesses(tests) : nil
  }

  static func missingProcesses(_ tests: [ProcessTest]) -> FilterError {
    FilterError(
      "the packets say nothing of processes", hint: "capture with --process -w to a pcapng file", at: tests.map(\.range)
    )
  }
}
