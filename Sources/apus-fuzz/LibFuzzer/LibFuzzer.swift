#if FUZZING
  import Glibc

  /// The functions that libFuzzer calls; `.ci/fuzz.sh` builds with it. The environment variable `APUS_FUZZ_ENTRY` names the entry.
  private enum LibFuzzer {
    /// Safe: libFuzzer calls from one thread only.
    nonisolated(unsafe) static let entry: any FuzzEntry = {
      // Safe: the environment is not changed while the program runs.
      let name = unsafe getenv("APUS_FUZZ_ENTRY").map { unsafe String(cString: $0) } ?? ""
      guard let entry = FuzzEntries.named(name) else {
        print("APUS_FUZZ_ENTRY is none of \(FuzzEntries.all.map(\.name).joined(separator: ", "))")
        exit(2)
      }
      return entry
    }()
  }

  @c(LLVMFuzzerTestOneInput)
  public func takeInput(_ octets: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Safe: libFuzzer keeps this many bytes valid during the call.
    unsafe LibFuzzer.entry.take(Array(UnsafeBufferPointer(start: octets, count: count)))
    return 0
  }
#endif
