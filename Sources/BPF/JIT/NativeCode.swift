import Glibc

/// Why a program cannot run as native code.
public enum NativeCodeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no backend for this processor.
  case unknownProcessor
  /// The system gives no memory for it, or does not let it be executed: the `errno`.
  case memoryRefused(CInt)

  public var description: String {
    switch self {
    case .unknownProcessor: "there is no native code for this processor"
    // Safe: strerror gives a C string that lives until the next call of this thread.
    case .memoryRefused(let code): "no executable memory: \(unsafe String(cString: strerror(code)))"
    }
  }
}

/// A program as code for this processor. It returns what `Interpreter` returns, for every packet.
///
/// The code reads no octet outside the packet, whatever the program: each load is checked, by itself or with others
/// (`ProgramFlow`).
@safe
public struct NativeCode: Sendable {
  /// The captured octets, their number, and their number on the wire.
  @usableFromInline typealias Function = @convention(c) (UnsafeRawPointer?, Int, UInt32) -> UInt32

  @usableFromInline let function: Function
  /// What keeps the function there.
  private let memory: ExecutableMemory

  /// Gives the name of the processor that programs are translated for. Throws what `init` would.
  public static func probe() throws(NativeCodeError) -> String {
    guard let backend else { throw NativeCodeError.unknownProcessor }
    _ = try ExecutableMemory([])
    return backend.processor
  }

  /// Translates the program. Throws if this processor or the system does not allow for it; the interpreter is there then.
  public init(_ program: Program) throws(NativeCodeError) {
    guard let backend = Self.backend else { throw NativeCodeError.unknownProcessor }
    memory = try ExecutableMemory(backend.function(program))
    // Safe: the code there is a function of that convention.
    unsafe function = unsafeBitCast(memory.start, to: Function.self)
  }

  /// What the program returns for a packet: 0 rejects it, another number accepts that many of its octets. `bytes` are the
  /// captured octets, `len` is their number on the wire.
  @inlinable
  public func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    // Safe: the span's octets live during the call, and the code checks every load against their number.
    unsafe bytes.withUnsafeBytes { unsafe function($0.baseAddress, $0.count, len) }
  }
}
