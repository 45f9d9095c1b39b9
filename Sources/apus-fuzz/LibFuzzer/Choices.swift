import TestSupport

/// Random numbers whose upper octets are given: who draws a number from a small range draws what the next octet says, so that a fuzzer
/// which changes the octets changes the choices one by one. After the last octet, and below the upper one, numbers follow from a seed.
struct Choices: RandomNumberGenerator {
  private var octets: ArraySlice<UInt8>
  private var random = SeededRandom(seed: 1)

  init(_ octets: ArraySlice<UInt8>) { self.octets = octets }

  mutating func next() -> UInt64 {
    guard let octet = octets.popFirst() else { return random.next() }
    return UInt64(octet) << 56 | random.next() >> 8
  }
}
