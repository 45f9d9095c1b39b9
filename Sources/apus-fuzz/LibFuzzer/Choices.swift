import TestSupport

/// Random numbers whose most significant bytes are given: a number drawn from a small range depends on the next byte, so that a fuzzer
/// which changes the bytes changes the choices one by one. After the last byte, and below the most significant one, numbers come from a
/// seeded generator.
struct Choices: RandomNumberGenerator {
  private var octets: ArraySlice<UInt8>
  private var random = SeededRandom(seed: 1)

  init(_ octets: ArraySlice<UInt8>) { self.octets = octets }

  mutating func next() -> UInt64 {
    guard let octet = octets.popFirst() else { return random.next() }
    return UInt64(octet) << 56 | random.next() >> 8
  }
}
