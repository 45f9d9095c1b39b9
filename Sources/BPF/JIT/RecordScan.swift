public import PacketCore

/// A program together with the walk over the packet records of a file, as one piece of native code: it looks for packets that the
/// program accepts, or for those that it rejects, and asks for the file's octets before it gets there.
///
/// It skips sound records only. At one that is cut, or whose `caplen` cannot be right, it stops, for others to say what is
/// wrong.
@safe
public struct RecordScan: Sendable {
  /// What the code is given and leaves behind: addresses and numbers.
  struct State: BitwiseCopyable {
    var next: UInt
    var end: UInt
    var stop: UInt
    var ahead: UInt
    var packets: UInt64
    /// Matches after which to stop, counted down.
    var wanted: UInt64
    /// The record of the last match that was wanted.
    var match: UInt

    // Offsets of the fields, which the code uses.
    static let next: Int32 = 0
    static let end: Int32 = 8
    static let stop: Int32 = 16
    static let ahead: Int32 = 24
    static let packets: Int32 = 32
    static let wanted: Int32 = 40
    static let match: Int32 = 48
  }

  typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void

  /// The packets that are looked for: they match.
  public enum Verdict: Sendable {
    case accepted, rejected
  }

  private let function: Function
  /// What keeps the function there.
  private let memory: ExecutableMemory

  /// Translates the program for files of that layout. Throws if this processor or the system does not allow for it.
  public init(
    _ program: Program, _ layout: RecordLayout, seeking verdict: Verdict = .accepted
  ) throws(NativeCodeError) {
    guard let backend = NativeCode.backend else { throw NativeCodeError.unknownProcessor }
    memory = try ExecutableMemory(backend.scan(program, layout, seeking: verdict))
    // Safe: the code there is a function of that convention.
    unsafe function = unsafeBitCast(memory.start, to: Function.self)
  }

  /// Goes on from `position` over records that begin before `limit`, until that many packets have matched, and gives how many have.
  /// The position is then after the last match or at the first record that was not skipped. No match is wanted, no record
  /// passed.
  public func count(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, wanted: UInt64
  ) -> UInt64 {
    wanted == 0 ? 0 : wanted - run(file, &position, limit, wanted).wanted
  }

  /// Goes on from `position` over records that begin before `limit`, to the next packet that matches; true if one was found.
  /// The position is then at its record, or at the first record that was not skipped.
  public func find(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Bool {
    let (wanted, match) = run(file, &position, limit, 1)
    guard wanted == 0 else { return false }
    position.offset = match
    position.packets &-= 1
    return true
  }

  /// Goes on from `position` over records that begin before `limit`, to the next packet that matches, and gives where its record begins.
  /// The position is then after it. Nil if none was found: the position is then at the first record that was not skipped.
  public func pass(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Int? {
    let (wanted, match) = run(file, &position, limit, 1)
    return wanted == 0 ? match : nil
  }

  private func run(
    _ file: RawSpan, _ position: inout RecordPosition, _ limit: Int, _ wanted: UInt64
  ) -> (wanted: UInt64, match: Int) {
    let headerLength = RecordLayout.headerLength
    guard position.offset >= 0, position.offset <= file.byteCount, file.byteCount >= headerLength else {
      return (wanted, 0)
    }
    // Safe: the span's octets live during the call. The code reads a header only where it begins before `stop`, so that it lies
    // in the file, and a packet only where it ends at the file's end or before. What it prefetches may lie past the end: that
    // reads nothing.
    return unsafe file.withUnsafeBytes { octets in
      let base = UInt(bitPattern: octets.baseAddress)
      let stop = max(0, min(limit, octets.count - headerLength + 1))
      var state = State(
        next: base &+ UInt(bitPattern: position.offset), end: base &+ UInt(bitPattern: octets.count),
        stop: base &+ UInt(bitPattern: stop), ahead: base &+ UInt(bitPattern: max(position.ahead, position.offset)),
        packets: position.packets, wanted: wanted, match: base)
      unsafe function(&state)
      position = RecordPosition(
        offset: Int(bitPattern: state.next &- base), packets: state.packets, ahead: Int(bitPattern: state.ahead &- base)
      )
      return (state.wanted, Int(bitPattern: state.match &- base))
    }
  }
}
