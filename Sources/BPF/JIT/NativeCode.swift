import Glibc

/// Why a program cannot run as native code.
public enum NativeCodeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no backend for this processor.
  case unknownProcessor
  /// The system does not provide memory, or does not allow it to be executed: the `errno`.
  case memoryRefused(CInt)

  public var description: String {
    switch self {
    case .unknownProcessor: "there is no native code for this processor"
    // Safe: strerror returns a C string that is valid until this thread's next call.
    case .memoryRefused(let code): "no executable memory: \(unsafe String(cString: strerror(code)))"
    }
  }
}

/// A program as machine code for this processor. It returns what `Interpreter` returns, for every packet.
///
/// The code reads no byte outside the packet, whatever the program is: each load is checked, either individually or together with others
/// (`ProgramFlow`).
@safe
public struct NativeCode: Sendable {
  /// The captured bytes, their number, and their number on the wire.
  @usableFromInline typealias Function = @convention(c) (UnsafeRawPointer?, Int, UInt32) -> UInt32

  @usableFromInline let function: Function
  /// Keeps the function's memory alive.
  private let memory: ExecutableMemory

  /// Returns the name of the processor that programs are compiled for. Throws what `init` would throw.
  public static func probe() throws(NativeCodeError) -> String {
    guard let backend else { throw NativeCodeError.unknownProcessor }
    _ = try ExecutableMemory([])
    return backend.processor
  }

  /// Compiles the program. Throws if this processor or the system does not allow that; use the interpreter then.
  public init(_ program: Program) throws(NativeCodeError) {
    guard let backend = Self.backend else { throw NativeCodeError.unknownProcessor }
    memory = try ExecutableMemory(backend.function(program))
    // Safe: the code there is a function with that calling convention.
    unsafe function = unsafeBitCast(memory.start, to: Function.self)
  }

  /// What the program returns for a packet: 0 rejects it, another number accepts that many of its bytes. `bytes` are the
  /// captured bytes, `len` is their number on the wire.
  @inlinable
  public func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    // Safe: the span's bytes live during the call, and the code checks every load against their number.
    unsafe bytes.withUnsafeBytes { unsafe function($0.baseAddress, $0.count, len) }
  }
}
