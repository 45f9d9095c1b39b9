public import BPF
public import PacketCore

/// A test for the process at one end of a packet: `src comm curl`. A packet's bytes do not tell which processes sent or receive it, so no
/// BPF program can decide it: the test is evaluated outside, and the program is compiled for each outcome
/// (`FilterCompiler.compile(_:_:assuming:)`).
public struct ProcessTest: Hashable, Sendable {
  /// Which ends of a packet are tested.
  public enum Ends: Hashable, Sendable {
    case sender, receiver
    /// One of them, or both.
    case either
    case both
  }

  /// What the process is compared with.
  public enum Value: Hashable, Sendable {
    case process(UInt32)
    case user(UInt32)
    /// A name, or, with `isPrefix`, the beginning of one.
    case name(ProcessName, isPrefix: Bool)
    /// A control group or one of its ancestors, by its path from the root.
    case controlGroup(String)
    /// The beginning of a container's identifier.
    case container(String)
  }

  public var ends: Ends
  public var value: Value
  /// The words of the test.
  public var range: SourceRange
  /// True below an odd number of `not`.
  public var isDenied: Bool

  /// Whether the test holds for a packet with these processes; nil where that is not known.
  public func holds(for processes: PacketProcesses) -> Bool? {
    let sender = processes.sender.flatMap(holds)
    let receiver = processes.receiver.flatMap(holds)
    switch ends {
    case .sender: return sender
    case .receiver: return receiver
    case .either: return sender == true || receiver == true ? true : sender == nil || receiver == nil ? nil : false
    case .both: return sender == false || receiver == false ? false : sender == nil || receiver == nil ? nil : true
    }
  }

  private func holds(_ owner: ProcessOwner) -> Bool? {
    switch value {
    case .process(let number): return owner.process == number
    case .user(let number): return owner.user.map { $0 == number }
    case .name(let name, let isPrefix):
      guard !owner.name.isEmpty else { return nil }
      return isPrefix ? owner.name.hasPrefix(name) : owner.name == name
    case .controlGroup(let path): return owner.controlGroup?.isWithin(path)
    case .container(let prefix):
      guard let group = owner.controlGroup else { return nil }
      return group.container?.utf8.starts(with: prefix.utf8) ?? false
    }
  }
}

extension FilterCompiler {
  /// The maximum number of process tests in an expression.
  public static let maximumProcessTests = 8

  /// An expression with none of these words has no process test and need not be parsed.
  private static let words = ["pid", "comm", "uid", "cgroup", "container"]

  /// The process tests of an expression, in the order of the text; none if it is not a valid expression. Throws where there are more than
  /// `maximumProcessTests`.
  public static func processTests(in expression: String) throws(FilterError) -> [ProcessTest] {
    guard words.contains(where: expression.contains(text:)), let tree = try? Parser.parse(expression) else { return [] }
    let tests = tree.processTests.map(\.test)
    guard tests.count <= maximumProcessTests else {
      throw FilterError(
        "more than \(maximumProcessTests) tests for processes", at: tests[maximumProcessTests].range)
    }
    return tests
  }

  /// The program of an expression for packets whose process tests have these results, in the order of the text.
  public static func compile(
    _ expression: String, _ options: CompileOptions, assuming answers: [Bool]
  ) throws(FilterError) -> Program {
    let tree = try Parser.parse(expression)
    var assumed: [Expression.Index: Bool] = [:]
    for ((index, _), answer) in zip(tree.processTests, answers) { assumed[index] = answer }
    var graph = try Lowering.lower(tree, options, assuming: assumed)
    if options.optimize {
      Optimizer.optimize(&graph, isCancelled: options.isCancelled)
      if options.isCancelled() { throw .cancelled }
    }
    return try generate(graph, optimizing: options.optimize).program
  }
}

extension Expression {
  /// The process tests, each with its node.
  var processTests: [(index: Index, test: ProcessTest)] {
    guard nodes.contains(where: \.isProcessTest) else { return [] }
    let denials = denials
    return nodes.indices.compactMap { index in
      guard case .primitive(.word(_, .process(var test))) = nodes[index].kind else { return nil }
      test.isDenied = denials[index]
      return (index, test)
    }
  }
}

extension Expression.Node {
  fileprivate var isProcessTest: Bool {
    if case .primitive(.word(_, .process)) = kind { true } else { false }
  }
}
