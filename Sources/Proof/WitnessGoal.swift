public import BPF

/// What a program has to do with the packet to be found.
public struct WitnessGoal: Hashable, Sendable {
  public let program: Program
  public let accepts: Bool

  public init(_ program: Program, accepts: Bool = true) {
    self.program = program
    self.accepts = accepts
  }

  /// True if running the program shows that it does.
  func isMet(by octets: [UInt8], len: UInt32) -> Bool {
    // Safe: the array outlives the call, which borrows its bytes.
    let verdict = unsafe Interpreter(program).run(octets.span.bytes, len: len)
    return (verdict != 0) == accepts
  }

  /// True if the program ends with a `ret`, not because a load failed.
  func returns(for octets: [UInt8]) -> Bool {
    var failed = false
    // Safe: the array outlives the call, which borrows its bytes.
    _ = unsafe program.run(octets.span.bytes, len: UInt32(octets.count)) { if $0.failure != nil { failed = true } }
    return !failed
  }
}

extension [WitnessGoal] {
  /// True if every program does what is wanted.
  func areMet(by octets: [UInt8], len: Int) -> Bool { allSatisfy { $0.isMet(by: octets, len: UInt32(len)) } }

  /// The packet with its checksums set, except for those that the goals require to be otherwise.
  func withChecksums(_ packet: [UInt8], _ form: PacketForm) -> [UInt8] {
    var octets = packet
    let wasMet = areMet(by: packet, len: packet.count)
    for field in form.checksums {
      var summed = octets
      field.set(in: &summed)
      if !wasMet || areMet(by: summed, len: summed.count) { octets = summed }
    }
    return octets
  }

  /// The first form whose shortest packet meets the goals without changes; with `returning`, no load of any program may fail on it.
  func plainPacket(_ forms: [PacketForm], returning: Bool = false, until end: Deadline) -> Witness? {
    for form in forms where end.secondsLeft > 0 {
      let octets = withChecksums(form.packet(length: form.count), form)
      guard areMet(by: octets, len: octets.count) else { continue }
      if returning, !allSatisfy({ $0.returns(for: octets) }) { continue }
      return Witness(octets: octets, len: UInt32(octets.count))
    }
    return nil
  }

  /// A packet of a form without changes, but truncated as late as possible, that meets the goals; the first of `forms` that has one.
  func plainCutPacket(_ forms: [PacketForm], until end: Deadline) -> Witness? {
    for form in forms where end.secondsLeft > 0 {
      let octets = withChecksums(form.packet(length: form.count), form)
      for caplen in octets.indices.reversed() {
        let captured = [UInt8](octets[..<caplen])
        if areMet(by: captured, len: octets.count) { return Witness(octets: captured, len: UInt32(octets.count)) }
      }
    }
    return nil
  }
}
