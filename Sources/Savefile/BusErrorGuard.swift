import Glibc
import Synchronization

/// Keeps a file that shrinks while it is mapped from killing the process.
///
/// A read past the end of the file behind a mapping raises SIGBUS. The handler looks the address up among the watched mappings, replaces
/// the rest of the mapping by zero pages and records that this mapping has fired; the read then continues and finds zeros. Any other SIGBUS
/// has the same effect as without the guard.
enum BusErrorGuard {
  /// One watched mapping: the addresses `start..<end`; both 0 if the slot is free.
  fileprivate struct Slot: ~Copyable {
    let taken = Atomic<Bool>(false)
    let start = Atomic<UInt>(0)
    let end = Atomic<UInt>(0)
    let fired = Atomic<Bool>(false)
  }

  /// The maximum number of watched mappings; further ones are mapped without the guard.
  private static let capacity = 32

  /// Starts watching `count` bytes at `address`. Returns the slot for `hasFired` and `forget`; -1 if all slots are taken.
  @unsafe
  static func watch(_ address: UnsafeMutableRawPointer, _ count: Int) -> Int {
    install
    for index in slots.indices
    where slots[index].taken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged {
      slots[index].fired.store(false, ordering: .relaxed)
      slots[index].start.store(UInt(bitPattern: address), ordering: .relaxed)
      slots[index].end.store(UInt(bitPattern: address) &+ UInt(bitPattern: count), ordering: .releasing)
      return index
    }
    return -1
  }

  /// Stops watching. Call it before the memory is unmapped.
  static func forget(_ slot: Int) {
    guard slots.indices.contains(slot) else { return }
    slots[slot].end.store(0, ordering: .relaxed)
    slots[slot].start.store(0, ordering: .relaxed)
    slots[slot].taken.store(false, ordering: .releasing)
  }

  /// True if any mapping has fired since the start: a cheap check before the exact one.
  @inline(__always)
  static var hasFired: Bool { anyFired.load(ordering: .relaxed) }

  /// True if the mapping in this slot has fired.
  static func hasFired(_ slot: Int) -> Bool {
    slots.indices.contains(slot) && slots[slot].fired.load(ordering: .relaxed)
  }

  private static let slots = InlineArray<32, Slot> { _ in Slot() }

  /// Installs the handler, once.
  private static let install: Void = {
    _ = slots.count
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_sigaction = busErrorHandler
    action.sa_flags = SA_SIGINFO
    unsafe sigaction(SIGBUS, &action, nil)
  }()

  /// The work of the handler; async-signal-safe: atomics, mmap(2) and signal(2) only. True if the address was a watched one.
  fileprivate static func recover(_ address: UInt) -> Bool {
    for index in slots.indices {
      let start = slots[index].start.load(ordering: .relaxed)
      let end = slots[index].end.load(ordering: .acquiring)
      guard address >= start, address < end else { continue }
      let page = address & ~4095
      let zeros = unsafe mmap(
        UnsafeMutableRawPointer(bitPattern: page), Int(bitPattern: end &- page), PROT_READ,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
      guard unsafe zeros != MAP_FAILED else { return false }
      slots[index].fired.store(true, ordering: .relaxed)
      anyFired.store(true, ordering: .relaxed)
      return true
    }
    return false
  }
}

private let anyFired = Atomic<Bool>(false)

private func busErrorHandler(_ number: CInt, _ info: UnsafeMutablePointer<siginfo_t>?, _: UnsafeMutableRawPointer?) {
  // Safe: the kernel hands SA_SIGINFO handlers a valid siginfo_t.
  let address = unsafe UInt(bitPattern: info?.pointee._sifields._sigfault.si_addr)
  if !BusErrorGuard.recover(address) { signal(number, SIG_DFL) }
}
