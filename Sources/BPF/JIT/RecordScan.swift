public import PacketCore

/// A program together with the loop over the packet records of a file, as one piece of native code. It looks for packets that the program
/// accepts, or for those that it rejects, and prefetches the file ahead of the walk.
///
/// It only skips sound records. It stops at a record that is truncated, or whose `caplen` cannot be right, and leaves it to the caller to
/// say what is wrong.
@safe
public struct RecordScan: Sendable {
  /// The input and output of the code: addresses and numbers.
  struct State: BitwiseCopyable {
    var next: UInt
    var end: UInt
    var stop: UInt
    var ahead: UInt
    var packets: UInt64
    /// How many more matches to find before stopping.
    var wanted: UInt64
    /// The record of the last match.
    var match: UInt

    // The offsets of the fields, for the generated code.
    static let next: Int32 = 0
    static let end: Int32 = 8
    static let stop: Int32 = 16
    static let ahead: Int32 = 24
    static let packets: Int32 = 32
    static let wanted: Int32 = 40
    static let match: Int32 = 48
  }

  typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void

  /// Which packets count as matches.
  public enum Verdict: Sendable {
    case accepted, rejected
  }

  private let function: Function
  /// Keeps the function's memory alive.
  private let memory: ExecutableMemory

  /// Compiles the program for files with that layout. Throws if this processor or the system does not allow that.
  public init(
    _ program: Program, _ layout: RecordLayout, seeking verdict: Verdict = .accepted
  ) throws(NativeCodeError) {
    guard let backend = NativeCode.backend else { throw NativeCodeError.unknownProcessor }
    memory = try ExecutableMemory(backend.scan(program, layout, seeking: verdict))
    // Safe: the code there is a function with that calling convention.
    unsafe function = unsafeBitCast(memory.start, to: Function.self)
  }

  /// Continues from `position` over records that begin before `limit`, until `wanted` packets have matched, and returns how many have. The
  /// position is then after the last match, or at the first record that was not skipped. If no match is wanted, no record is passed.
  public func count(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int, wanted: UInt64
  ) -> UInt64 {
    wanted == 0 ? 0 : wanted - run(file, &position, limit, wanted).wanted
  }

  /// Continues from `position` over records that begin before `limit`, to the next packet that matches; true if one was found. The position
  /// is then at its record, or else at the first record that was not skipped.
  public func find(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Bool {
    let (wanted, match) = run(file, &position, limit, 1)
    guard wanted == 0 else { return false }
    position.offset = match
    position.packets &-= 1
    return true
  }

  /// Continues from `position` over records that begin before `limit`, to the next packet that matches, and returns where its record
  /// begins. The position is then after it. Nil if none was found: the position is then at the first record that was not skipped.
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
    // Safe: the span's bytes live during the call. The code reads a header only if it begins before `stop`, so that it is within the file,
    // and a packet only if it ends within the file. It may prefetch past the end, which reads nothing.
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
