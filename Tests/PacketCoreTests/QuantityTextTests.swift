import PacketCore
import Testing

/// Numbers formatted for people.
struct QuantityTextTests {
  private func text(_ write: (inout TextBuffer) -> Void) -> String {
    var buffer = TextBuffer()
    write(&buffer)
    return buffer.string
  }

  @Test(
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (12_345, "12,345"), (1_000_007, "1,000,007"),
      (.max, "18,446,744,073,709,551,615"),
    ] as [(UInt64, String)])
  func separators(_ number: UInt64, _ wanted: String) { #expect(text { $0.write(grouped: number) } == wanted) }

  @Test(
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.2 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
      (1_234_567, "1.2 MB"), (4_900_000_000, "4.9 GB"), (.max, "18.4 EB"),
    ] as [(UInt64, String)])
  func bytes(_ number: UInt64, _ wanted: String) { #expect(text { $0.write(bytes: number) } == wanted) }

  @Test(
    arguments: [
      (0, "0 bit/s"), (-1, "0 bit/s"), (.nan, "0 bit/s"), (0.4, "0 bit/s"), (999.4, "999 bit/s"), (999.5, "1.0 kbit/s"),
      (4_900_000, "4.9 Mbit/s"), (1e15, "1.0 Pbit/s"), (1e19, "10,000.0 Pbit/s"),
      (.infinity, "1,844,674,407,370,955,161.5 Pbit/s"),
    ] as [(Double, String)])
  func rates(_ rate: Double, _ wanted: String) { #expect(text { $0.write(bitsPerSecond: rate) } == wanted) }

  @Test(
    arguments: [
      (0, "0 s"), (-5, "0 s"), (999, "999 ns"), (12_345, "12 us"), (999_499, "999 us"), (999_500, "1.0 ms"),
      (2_186_000, "2.2 ms"),
      (28_322_000, "28.3 ms"), (999_949_999, "999.9 ms"), (999_950_000, "1.000 s"), (1_000_000_000, "1.000 s"),
      (59_999_499_999, "59.999 s"), (59_999_999_999, "1m0s"), (312_000_000_000, "5m12s"), (11_520_000_000_000, "3h12m"),
      (356_400_000_000_000, "4d3h"), (.max, "213503d23h"),
    ] as [(Int128, String)])
  func durations(_ duration: Int128, _ wanted: String) { #expect(text { $0.write(duration: duration) } == wanted) }
}
