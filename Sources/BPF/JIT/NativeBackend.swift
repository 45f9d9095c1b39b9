import PacketCore

/// Generates machine code for one kind of processor.
protocol NativeBackend {
  /// The processor's name.
  static var processor: String { get }

  /// A function that returns what the program returns for a packet, in the calling convention of `NativeCode.Function`.
  static func function(_ program: Program) -> [UInt8]

  /// A function that walks packet records and filters each, in the calling convention of `RecordScan.Function`.
  static func scan(
    _ program: Program, _ layout: RecordLayout, seeking verdict: RecordScan.Verdict
  ) -> [UInt8]
}

extension NativeCode {
  /// The backend for the processor that this code is compiled for; nil if there is none.
  static var backend: (any NativeBackend.Type)? {
    #if arch(x86_64)
      X86Backend.self
    #else
      nil
    #endif
  }
}
